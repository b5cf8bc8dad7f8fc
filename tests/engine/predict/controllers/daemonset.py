"""The DaemonSet controller: pkg/controller/daemon/{daemon_controller,update}.go."""

from dataclasses import dataclass
from random import Random

from tests.engine.predict.controllers.cluster import Cluster, Outcome, Pod, Times, scaled, shuffled


@dataclass(frozen=True)
class DaemonSetSpec:
    """What of a DaemonSet bears on its rollout."""

    template: int = 0
    surge: int | str = 0
    unavailable: int | str = 1
    on_delete: bool = False


def play_daemonset(
    nodes: int,
    base: DaemonSetSpec,
    *changes: tuple[float, DaemonSetSpec],
    times: Times,
    dead: frozenset[int] = frozenset(),
    broken: frozenset[int] = frozenset(),
    order: Random | None = None,
) -> Outcome:
    """A DaemonSet at rest on its nodes and the changes made to it, each at its time.

    On a dead node no pod is ready, and none ever goes. On a broken one only the pod of the base template is not ready.
    """
    cluster = Cluster(times)
    controller = DaemonSetController(cluster, base, list(range(nodes)), dead, order)
    for node in controller.nodes:
        cluster.seed(base.template, node, healthy=node not in dead | broken)
    for time, spec in changes:
        if time == 0:
            controller.spec = spec
        else:
            cluster.at(time, lambda spec=spec: controller.take(spec))  # type: ignore[misc]
    return cluster.run(controller.sync, controller.done)


@dataclass
class DaemonSetController:
    cluster: Cluster
    spec: DaemonSetSpec
    nodes: list[int]
    dead: frozenset[int]
    order: Random | None

    def take(self, spec: DaemonSetSpec) -> None:
        self.spec = spec

    def sync(self) -> bool:
        """updateDaemonSet: no rolling update while pods just made or deleted are still expected to be seen."""
        if self._manage():
            return True
        if self.spec.on_delete:
            return False
        surge, unavailable = self._counts()
        return self._roll_with_surge(surge) if surge else self._roll(unavailable)

    def done(self) -> bool:
        living = [pods for node, pods in self._by_node().items() if node not in self.dead]
        return all(
            len(pods) == 1 and pods[0].available and pods[0].template == self.spec.template
            for pods in ([pod for pod in on if not pod.terminating] for on in living)
        )

    def _counts(self) -> tuple[int, int]:
        """updatedDesiredNodeCounts: both are rounded up."""
        surge = scaled(self.spec.surge, len(self.nodes), up=True)
        unavailable = scaled(self.spec.unavailable, len(self.nodes), up=True)
        return surge, 1 if surge == 0 and unavailable == 0 and self.nodes else unavailable

    def _by_node(self) -> dict[int, list[Pod]]:
        by_node: dict[int, list[Pod]] = {node: [] for node in shuffled(self.nodes, self.order)}
        for pod in self.cluster.pods:
            by_node[pod.home].append(pod)  # type: ignore[index]
        return by_node

    def _sync_nodes(self, leaving: list[Pod], without: list[int]) -> bool:
        """syncNodes."""
        for node in without:
            self.cluster.start(self.spec.template, node, healthy=node not in self.dead)
        for pod in leaving:
            self.cluster.stop(pod, goes=pod.home not in self.dead)
        return bool(leaving or without)

    def _manage(self) -> bool:
        """manage and podsShouldBeOnNode."""
        surges = scaled(self.spec.surge, 1, up=True) > 0
        leaving: list[Pod] = []
        without: list[int] = []
        for node, on in self._by_node().items():
            running = [pod for pod in on if not pod.terminating]
            if not on or (surges and not running):
                without.append(node)
            elif len(running) > 1:
                leaving += self._too_many(running) if surges else running[1:]
        return self._sync_nodes(leaving, without)

    def _too_many(self, running: list[Pod]) -> list[Pod]:
        """Of several pods on a node, surging keeps the oldest new and, as long as it is needed, the oldest old one."""
        new = [pod for pod in running if pod.template == self.spec.template]
        old = [pod for pod in running if pod.template != self.spec.template]
        leaving = new[1:] + old[1:]
        if new and old and (not old[0].ready or new[0].available):
            leaving.append(old[0])
        return leaving

    def _pair(self, on: list[Pod]) -> tuple[Pod | None, Pod | None] | None:
        """findUpdatedPodsOnNode: the new and the old pod, None where there are several of one kind."""
        running = [pod for pod in on if not pod.terminating]
        new = [pod for pod in running if pod.template == self.spec.template]
        old = [pod for pod in running if pod.template != self.spec.template]
        if len(new) > 1 or len(old) > 1:
            return None
        return (new[0] if new else None), (old[0] if old else None)

    def _roll(self, unavailable: int) -> bool:
        """rollingUpdate without surge."""
        down = 0
        replaced: list[Pod] = []
        candidates: list[Pod] = []
        for on in self._by_node().values():
            pair = self._pair(on)
            if pair is None or (pair[0] is None) == (pair[1] is None):
                down += 1
                continue
            new, old = pair
            if new:
                down += not new.available
            elif old and not old.available:
                replaced.append(old)
                down += 1
            elif old and down < unavailable:
                candidates.append(old)
        return self._sync_nodes(replaced + candidates[: max(0, unavailable - down)], [])

    def _roll_with_surge(self, surge: int) -> bool:
        """rollingUpdate with surge."""
        surging = 0
        leaving: list[Pod] = []
        allowed: list[int] = []
        candidates: list[int] = []
        for node, on in self._by_node().items():
            pair = self._pair(on)
            if pair is None:
                surging += 1
                continue
            new, old = pair
            if old is None:
                continue
            if new is None:
                if not old.available:
                    allowed.append(node)
                elif surging < surge:
                    candidates.append(node)
            elif new.available:
                leaving.append(old)
            else:
                surging += 1
        return self._sync_nodes(leaving, allowed + candidates[: max(0, surge - surging)])
