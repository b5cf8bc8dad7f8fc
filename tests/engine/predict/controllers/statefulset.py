"""The StatefulSet controller: pkg/controller/statefulset/{stateful_set_control,stateful_set_utils}.go."""

from dataclasses import dataclass
from random import Random

from tests.engine.predict.controllers.cluster import Cluster, Outcome, Pod, Times, scaled


@dataclass(frozen=True)
class StatefulSetSpec:
    """What of a StatefulSet bears on its rollout."""

    replicas: int
    template: int = 0
    parallel: bool = False
    partition: int = 0
    unavailable: int | str | None = None
    on_delete: bool = False


def play_statefulset(
    base: StatefulSetSpec,
    *changes: tuple[float, StatefulSetSpec],
    times: Times,
    gate: bool = False,
    patient: bool = True,
    broken: frozenset[int] = frozenset(),
    order: Random | None = None,
) -> Outcome:
    """A StatefulSet at rest and the changes made to it, each at its time.

    gate: MaxUnavailableStatefulSet is on; the field counts (as of 1.37, with kubernetes/kubernetes#137666).
    patient: updates wait for minReadySeconds (kubernetes/kubernetes#130909), not for readiness alone.
    broken: the ordinals whose pods of the base template are not ready.
    """
    cluster = Cluster(times)
    controller = StatefulSetController(cluster, base, base.template, gate, patient)
    for ordinal in range(base.replicas):
        cluster.seed(base.template, ordinal, healthy=ordinal not in broken)
    for time, spec in changes:
        if time == 0:
            controller.spec = spec
        else:
            cluster.at(time, lambda spec=spec: controller.take(spec))  # type: ignore[misc]
    return cluster.run(controller.sync, controller.done)


@dataclass
class StatefulSetController:
    cluster: Cluster
    spec: StatefulSetSpec
    current: int
    gate: bool
    patient: bool

    def take(self, spec: StatefulSetSpec) -> None:
        self.spec = spec

    def sync(self) -> bool:
        """updateStatefulSet and completeRollingUpdate. Says whether it changed anything."""
        return self._update() or self._complete()

    def done(self) -> bool:
        pods = [pod for pod in self.cluster.pods if not pod.terminating]
        first = 0 if not self.spec.on_delete else self.spec.replicas
        first = max(first, self.spec.partition)
        return len(pods) == self.spec.replicas and all(
            pod.available and (pod.template == self.spec.template or pod.home < first)  # type: ignore[operator]
            for pod in pods
        )

    def _complete(self) -> bool:
        pods = [pod for pod in self.cluster.pods if not pod.terminating]
        ready = all(pod.ready and pod.template == self.spec.template for pod in pods)
        if self.spec.on_delete or not ready or len(self.cluster.pods) != self.spec.replicas:
            return False
        changed = self.current != self.spec.template
        self.current = self.spec.template
        return changed

    def _update(self) -> bool:
        there = {pod.home: pod for pod in self.cluster.pods}
        replicas = [there.get(ordinal) for ordinal in range(self.spec.replicas)]
        condemned = [there[o] for o in sorted(there, reverse=True) if o >= self.spec.replicas]  # type: ignore[type-var, operator]
        changed, stays = self._process(replicas) if self.spec.parallel else self._process_in_order(replicas)
        if stays:
            return changed
        removed, stays = self._condemn(condemned)
        changed = changed or removed
        if stays or self.spec.on_delete:
            return changed
        pods = [pod for pod in replicas if pod]
        if not self.gate:
            return self._replace_one(pods) or changed
        return self._replace(pods) or changed

    def _start(self, ordinal: int) -> Pod:
        """newVersionedStatefulSetPod."""
        old = not self.spec.on_delete and ordinal < self.spec.partition
        return self.cluster.start(self.current if old else self.spec.template, ordinal)

    def _process_in_order(self, replicas: list[Pod | None]) -> tuple[bool, bool]:
        """processReplica, one after the other. Says whether anything changed, and whether the sync ends here."""
        for ordinal, pod in enumerate(replicas):
            if pod is None:
                replicas[ordinal] = self._start(ordinal)
                return True, True
            if pod.terminating or not pod.available:
                return False, True
        return False, False

    def _process(self, replicas: list[Pod | None]) -> tuple[bool, bool]:
        """processReplica of all at once."""
        missing = [ordinal for ordinal, pod in enumerate(replicas) if pod is None]
        for ordinal in missing:
            replicas[ordinal] = self._start(ordinal)
        return bool(missing), False

    def _condemn(self, condemned: list[Pod]) -> tuple[bool, bool]:
        """processCondemned: all at once, or the highest ordinal alone, which must be well unless it is the only ill."""
        if self.spec.parallel:
            leaving = [pod for pod in condemned if not pod.terminating]
            for pod in leaving:
                self.cluster.stop(pod)
            return bool(leaving), False
        if not condemned:
            return False, False
        last = condemned[0]
        ill = [pod for pod in condemned if not pod.available or pod.terminating]
        if last.terminating or (not last.available and last is not ill[-1]):
            return False, True
        self.cluster.stop(last)
        return True, True

    def _ill(self, pod: Pod) -> bool:
        """isUnavailable, or isHealthy of the versions that know readiness only."""
        return pod.terminating or not (pod.available if self.patient else pod.ready)

    def _old(self, pod: Pod) -> bool:
        return pod.template != self.spec.template and not pod.terminating

    def _replace_one(self, pods: list[Pod]) -> bool:
        """The loop at the end of updateStatefulSet."""
        for pod in reversed(pods[self.spec.partition :]):
            if self._old(pod):
                self.cluster.stop(pod)
                return True
            if self._ill(pod):
                return False
        return False

    def _replace(self, pods: list[Pod]) -> bool:
        """updateStatefulSetAfterInvariantEstablished, of which 1.37 deletes ill pods first where they are parallel."""
        wanted = 1 if self.spec.unavailable is None else self.spec.unavailable
        budget = max(1, scaled(wanted, self.spec.replicas, up=False)) - sum(self._ill(pod) for pod in pods)
        old = [pod for pod in reversed(pods[self.spec.partition :]) if self._old(pod)]
        ill = [pod for pod in old if self._ill(pod)] if self.spec.parallel else []
        well = [pod for pod in old if pod not in ill]
        leaving = ill + well[: max(0, budget)]
        for pod in leaving:
            self.cluster.stop(pod)
        return bool(leaving)
