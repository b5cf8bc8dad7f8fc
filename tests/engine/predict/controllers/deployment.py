"""The Deployment controller: pkg/controller/deployment/{deployment_controller,sync,rolling,recreate}.go and
util/deployment_util.go."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from tests.engine.predict.controllers.cluster import NEVER, Cluster, Outcome, Times, scaled, shuffled
from tests.engine.predict.controllers.replicaset import ReplicaSet


@dataclass(frozen=True)
class DeploymentSpec:
    """What of a Deployment bears on its rollout; template stands for its whole pod template."""

    replicas: int
    template: int = 0
    surge: int | str = "25%"
    unavailable: int | str = "25%"
    recreate: bool = False
    paused: bool = False

    def fences(self) -> tuple[int, int]:
        """ResolveFenceposts: surge is rounded up, unavailable down, and one of both is at least 1."""
        surge = scaled(self.surge, self.replicas, up=True)
        unavailable = scaled(self.unavailable, self.replicas, up=False)
        return surge, 1 if surge == 0 and unavailable == 0 else unavailable

    def max_surge(self) -> int:
        """MaxSurge."""
        return 0 if self.recreate else self.fences()[0]

    def max_unavailable(self) -> int:
        """MaxUnavailable."""
        if self.recreate or self.replicas == 0:
            return 0
        return min(self.fences()[1], self.replicas)


def play_deployment(
    base: DeploymentSpec,
    *changes: tuple[float, DeploymentSpec],
    times: Times,
    order: Random | None = None,
    broken: int = 0,
    quota: float = NEVER,
) -> Outcome:
    """A Deployment at rest, of whose pods some may be broken, and the changes made to it, each at its time."""
    cluster = Cluster(times, quota)
    first = ReplicaSet(base.template, base.replicas, born=0)
    first.annotate(base.replicas, base.replicas + base.max_surge())
    first.pods = [cluster.seed(base.template, first, healthy=n >= broken) for n in range(base.replicas)]
    first.count()
    controller = DeploymentController(cluster, base, [first])
    for time, spec in changes:
        if time == 0:
            controller.spec = spec
        else:
            cluster.at(time, lambda spec=spec: controller.take(spec))  # type: ignore[misc]

    def act() -> bool:
        actors = [controller.sync, *(lambda r=r: r.sync(cluster) for r in controller.sets)]
        changes = [actor() for actor in shuffled(actors, order)]
        return any(changes)

    return cluster.run(act, controller.done)


@dataclass
class DeploymentController:
    cluster: Cluster
    spec: DeploymentSpec
    sets: list[ReplicaSet]

    def take(self, spec: DeploymentSpec) -> None:
        self.spec = spec

    def sync(self) -> bool:
        """syncDeployment. Says whether it changed anything."""
        before = [(r, r.replicas, r.desired, r.most) for r in self.sets]
        if self.spec.paused or any(r.desired != self.spec.replicas for r in active(self.sets)):
            self._scale()
        elif self.spec.recreate:
            self._recreate()
        else:
            self._roll()
        return before != [(r, r.replicas, r.desired, r.most) for r in self.sets]

    def done(self) -> bool:
        new = self._new()
        if new is None:
            return False
        ours = [pod for pod in new.pods if not pod.terminating]
        return (
            len(ours) == self.spec.replicas == new.replicas
            and all(pod.available for pod in ours)
            and not any(r.replicas or any(not pod.terminating for pod in r.pods) for r in self._old())
        )

    def _new(self) -> ReplicaSet | None:
        return next((r for r in self.sets if r.template == self.spec.template), None)

    def _old(self) -> list[ReplicaSet]:
        return [r for r in self.sets if r.template != self.spec.template]

    def _resize(self, replica_set: ReplicaSet, size: int) -> bool:
        """scaleReplicaSetAndRecordEvent: one of the right size is not even annotated."""
        if replica_set.replicas == size:
            return False
        self._write(replica_set, size)
        return True

    def _write(self, replica_set: ReplicaSet, size: int) -> None:
        """scaleReplicaSet."""
        replica_set.replicas = size
        replica_set.annotate(self.spec.replicas, self.spec.replicas + self.spec.max_surge())

    def _needed(self) -> ReplicaSet:
        """getNewReplicaSet, creating it."""
        new = self._new()
        if new is None:
            new = ReplicaSet(self.spec.template, 0, born=len(self.sets))
            self.sets.append(new)
            new.replicas = self._new_size(new)
            new.annotate(self.spec.replicas, self.spec.replicas + self.spec.max_surge())
        return new

    def _new_size(self, new: ReplicaSet) -> int:
        """NewRSNewReplicas."""
        if self.spec.recreate:
            return self.spec.replicas
        most = self.spec.replicas + scaled(self.spec.surge, self.spec.replicas, up=True)
        there = sum(r.replicas for r in self.sets)
        if there >= most:
            return new.replicas
        return new.replicas + min(most - there, self.spec.replicas - new.replicas)

    # rolling.go

    def _roll(self) -> None:
        new = self._needed()
        if not self._grow_new(new):
            self._shrink_old(new)

    def _grow_new(self, new: ReplicaSet) -> bool:
        """reconcileNewReplicaSet."""
        if new.replicas >= self.spec.replicas:
            return self._resize(new, self.spec.replicas)
        return self._resize(new, self._new_size(new))

    def _shrink_old(self, new: ReplicaSet) -> None:
        """reconcileOldReplicaSets."""
        old = active(self._old())
        there = sum(r.replicas for r in self.sets)
        least = self.spec.replicas - self.spec.max_unavailable()
        room = there - least - (new.replicas - new.seen_available)
        if old and room > 0 and self._clean_up(old, room):
            self._scale_down(old, least)

    def _clean_up(self, old: list[ReplicaSet], room: int) -> bool:
        """cleanupUnhealthyReplicas. False if it gives up: a ReplicaSet whose status lags behind ends the sync."""
        for replica_set in old:
            if room <= 0:
                break
            if replica_set.replicas in (0, replica_set.seen_available):
                continue
            less = min(room, replica_set.replicas - replica_set.seen_available)
            if less < 0:
                return False
            self._resize(replica_set, replica_set.replicas - less)
            room -= less
        return True

    def _scale_down(self, old: list[ReplicaSet], least: int) -> None:
        """scaleDownOldReplicaSetsForRollingUpdate."""
        room = sum(r.seen_available for r in self.sets) - least
        for replica_set in old:
            if room <= 0:
                break
            less = min(replica_set.replicas, room)
            self._resize(replica_set, replica_set.replicas - less)
            room -= less

    # recreate.go

    def _recreate(self) -> None:
        scaled_down = [self._resize(r, 0) for r in active(self._old())]
        old_pods = any(pod.template != self.spec.template for pod in self.cluster.pods)
        if any(scaled_down) or old_pods or any(r.seen_replicas for r in self._old()):
            return
        self._resize(self._needed(), self.spec.replicas)

    # sync.go

    def _scale(self) -> None:
        """scale: on a change of size, and while paused."""
        new, old = self._new(), self._old()
        going = active(self.sets)
        if len(going) <= 1:  # FindActiveOrLatest
            one = going[0] if going else new or max(old, key=lambda r: r.born)
            self._resize(one, self.spec.replicas)
        elif new and new.replicas == new.desired == new.seen_available == self.spec.replicas:  # IsSaturated
            for replica_set in active(old):
                self._resize(replica_set, 0)
        elif not self.spec.recreate:
            self._share_out(going)

    def _share_out(self, sets: list[ReplicaSet]) -> None:
        """The proportional part of scale."""
        allowed = self.spec.replicas + self.spec.max_surge() if self.spec.replicas else 0
        add = allowed - sum(r.replicas for r in sets)
        if add > 0:
            sets.sort(key=lambda r: (-r.replicas, -r.born))
        elif add < 0:
            sets.sort(key=lambda r: (-r.replicas, r.born))
        added = 0
        sizes = []
        for replica_set in sets:
            share = self._share(replica_set, add, added)
            sizes.append(replica_set.replicas + share)
            added += share
        if add:
            sizes[0] = max(0, sizes[0] + add - added)
        for replica_set, size in zip(sets, sizes, strict=True):
            self._write(replica_set, size)

    def _share(self, replica_set: ReplicaSet, add: int, added: int) -> int:
        """GetProportion and getReplicaSetFraction."""
        if replica_set.replicas == 0 or add in (0, added):
            return 0
        if self.spec.replicas == 0:
            fraction = -replica_set.replicas
        else:
            size = replica_set.replicas * (self.spec.replicas + self.spec.max_surge()) / replica_set.most
            fraction = math.floor(size + 0.5) - replica_set.replicas
        return min(fraction, add - added) if add > 0 else max(fraction, add - added)


def active(sets: Sequence[ReplicaSet]) -> list[ReplicaSet]:
    """FilterActiveReplicaSets, the oldest first."""
    return sorted((r for r in sets if r.replicas > 0), key=lambda r: r.born)
