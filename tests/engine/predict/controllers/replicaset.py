"""The ReplicaSet controller: pkg/controller/replicaset/replica_set.go and pkg/controller/controller_utils.go."""

from dataclasses import dataclass, field

from tests.engine.predict.controllers.cluster import Cluster, Full, Pod

#: BurstReplicas: pods made or deleted in one sync.
BURST = 500


@dataclass(eq=False)
class ReplicaSet:
    """A ReplicaSet; seen_* is its status, which lags behind its pods until the controller has looked again."""

    template: int
    replicas: int
    born: int
    pods: list[Pod] = field(default_factory=list)
    seen_replicas: int = 0
    seen_available: int = 0
    desired: int = 0
    most: int = 0

    def annotate(self, desired: int, most: int) -> None:
        """SetReplicasAnnotations."""
        self.desired, self.most = desired, most

    def count(self) -> bool:
        """calculateStatus. Says whether anything changed."""
        here = [pod for pod in self.pods if not pod.terminating]
        status = len(here), sum(pod.available for pod in here)
        changed = status != (self.seen_replicas, self.seen_available)
        self.seen_replicas, self.seen_available = status
        return changed

    def sync(self, cluster: Cluster) -> bool:
        """syncReplicaSet: the status is that of the pods found, before any is made or deleted."""
        self.pods = [pod for pod in self.pods if not pod.terminating or pod in cluster.pods]
        changed = self.count()
        return self._manage(cluster) or changed

    def _manage(self, cluster: Cluster) -> bool:
        """manageReplicas."""
        here = [pod for pod in self.pods if not pod.terminating]
        if len(here) < self.replicas:
            return self._slow_start(cluster, min(self.replicas - len(here), BURST)) > 0
        surplus = min(len(here) - self.replicas, BURST)
        for pod in sorted(here, key=worth)[:surplus]:
            cluster.stop(pod)
        return surplus > 0

    def _slow_start(self, cluster: Cluster, wanted: int) -> int:
        """slowStartBatch: 1, 2, 4 … at once, until one batch has failures."""
        made, batch = 0, 1
        while made < wanted:
            size = min(batch, wanted - made)
            for n in range(size):
                try:
                    self.pods.append(cluster.start(self.template, self))
                except Full:
                    return made + n
            made, batch = made + size, batch * 2
        return made


def worth(pod: Pod) -> tuple[bool, float, int]:
    """ActivePodsWithRanks: what is least worth goes first: not ready, ready for a shorter time, younger."""
    return pod.ready, -pod.ready_since if pod.ready else 0, -pod.number
