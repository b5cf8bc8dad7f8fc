"""The played controllers do what Kubernetes' own tests, documents and known bugs say of the real ones."""

import pytest

from tests.engine.predict.controllers import (
    NEVER,
    DaemonSetSpec,
    DeploymentSpec,
    StatefulSetSpec,
    Times,
    play_daemonset,
    play_deployment,
    play_statefulset,
    steady,
)
from tests.engine.predict.controllers.cluster import Cluster, Pod
from tests.engine.predict.controllers.deployment import DeploymentController
from tests.engine.predict.controllers.replicaset import ReplicaSet, worth

#: The base template starts in 10 s, the new one never.
FAULTY = Times(lambda template: NEVER if template == 1 else 10)


# What upstream's TestScale (pkg/controller/deployment/sync_test.go) expects: the sizes of the ReplicaSets from the oldest
# to the new one, before and after. Without maxSurge and maxUnavailable, both are 0 there.
SCALE = {
    "up in proportion": (5, 10, 0, 0, [3, 2], [6, 4]),
    "down in proportion": (5, 3, 0, 0, [3, 2], [2, 1]),
    "the oldest goes": (9, 4, 0, 0, [1, 8], [0, 4]),
    "three grow": (7, 10, 0, 0, [2, 3, 2], [3, 4, 3]),
    "three shrink": (13, 8, 0, 0, [3, 8, 2], [2, 5, 1]),
    "what is left over goes to the newest": (3, 4, 0, 0, [1, 1, 1], [1, 1, 2]),
    "what is left over is taken from the oldest": (3, 2, 0, 0, [1, 1, 1], [0, 1, 1]),
    "to nothing": (6, 0, 0, 0, [1, 2, 3], [0, 0, 0]),
    "from nothing": (6, 6, 0, 0, [0, 0, 0], [0, 0, 6]),
    "with surge": (10, 20, 2, 2, [6, 6], [11, 11]),
    "surge and size": (10, 50, 3, 6, [8, 5], [34, 22]),
}


@pytest.mark.parametrize("case", SCALE.values(), ids=SCALE)
def test_a_deployment_is_scaled_as_upstreams_own_test_wants(case):
    before, after, surge_before, surge_after, sizes, wanted = case
    sets = [ReplicaSet(template, size, born=template) for template, size in enumerate(sizes)]
    for one in sets:
        one.annotate(before, before + surge_before)
        one.seen_replicas = one.seen_available = one.replicas
    spec = DeploymentSpec(after, len(sets) - 1, surge_after, 0)
    DeploymentController(Cluster(steady()), spec, sets)._scale()
    assert [one.replicas for one in sets] == wanted


def test_size_and_template_changed_together_scale_the_old_replica_sets():
    sets = [ReplicaSet(0, 3, born=0), ReplicaSet(1, 7, born=1)]
    for one in sets:
        one.annotate(10, 10)
    DeploymentController(Cluster(steady()), DeploymentSpec(14, 2, 0, 0), sets)._scale()
    assert [one.replicas for one in sets] == [4, 10]


def test_a_stuck_rollout_is_scaled_in_proportion():
    # The documentation's own example: 10 replicas, surge 3, unavailable 2, an image that does not exist; then 15.
    spec = [DeploymentSpec(replicas, 1, 3, 2) for replicas in (10, 15)]
    seen = play_deployment(DeploymentSpec(10, 0, 3, 2), (0, spec[0]), (50, spec[1]), times=FAULTY)
    assert (seen.least_available, seen.trail[-1][1], seen.waiting) == (8, 11, 7)


def test_a_deployment_goes_back_from_a_stuck_rollout():
    stuck, back = DeploymentSpec(10, 1, 3, 2), DeploymentSpec(10, 0, 3, 2)
    seen = play_deployment(back, (0, stuck), (50, back), times=FAULTY)
    assert (seen.least_available, seen.finished) == (8, 60)


def test_recreate_waits_until_the_last_old_pod_is_gone():
    seen = play_deployment(
        DeploymentSpec(3, recreate=True), (0, DeploymentSpec(3, 1, recreate=True)), times=steady(10, gone=30)
    )
    assert (seen.least_available, seen.most_existing, seen.finished) == (0, 3, 40)


def test_a_rolling_update_does_not_wait_for_terminating_pods():
    seen = play_deployment(DeploymentSpec(4), (0, DeploymentSpec(4, 1)), times=steady(10, gone=300))
    assert (seen.finished, seen.most_pods, seen.most_existing) == (20, 5, 8)


def test_a_paused_deployment_is_scaled_but_not_rolled_out():
    seen = play_deployment(DeploymentSpec(3), (0, DeploymentSpec(5, 1, paused=True)), times=FAULTY)
    assert (seen.least_available, seen.trail[-1][1], seen.finished) == (3, 5, None)


def test_pods_that_are_ill_make_way_first():
    seen = play_deployment(DeploymentSpec(5, 0, 0, 2), (0, DeploymentSpec(5, 1, 0, 2)), times=steady(), broken=2)
    assert (seen.least_available, seen.finished) == (3, 30)


def test_a_quota_stops_the_surge_but_not_the_rollout():
    seen = play_deployment(DeploymentSpec(4), (0, DeploymentSpec(4, 1)), times=steady(), quota=4)
    assert (seen.least_available, seen.most_existing, seen.finished) == (3, 4, 40)


def test_what_never_fits_into_the_quota_leaves_the_old_pods():
    change = DeploymentSpec(4, 1, 1, 0)
    seen = play_deployment(DeploymentSpec(4, 0, 1, 0), (0, change), times=steady(), quota=4)
    assert (seen.least_available, seen.finished) == (4, None)


def test_of_the_pods_of_a_replica_set_the_least_worth_goes_first():
    pods = [
        Pod(1, 0, None, ready_since=0, ready=True),
        Pod(2, 0, None, ready_since=5, ready=True),
        Pod(3, 0, None),
        Pod(4, 0, None),
    ]
    assert [pod.number for pod in sorted(pods, key=worth)] == [4, 3, 2, 1]


def test_a_stateful_set_in_order_does_not_go_back_from_a_faulty_template():
    # kubernetes/kubernetes#67250: the controller waits for the faulty pod to become ready before it replaces it.
    fine, faulty = StatefulSetSpec(3, 0), StatefulSetSpec(3, 1)
    seen = play_statefulset(fine, (0, faulty), (50, fine), times=FAULTY)
    assert (seen.least_available, seen.finished, seen.waiting) == (2, None, 1)


def test_a_parallel_stateful_set_goes_back_from_a_faulty_template():
    fine, faulty = StatefulSetSpec(3, 0, parallel=True), StatefulSetSpec(3, 1, parallel=True)
    for gate in (False, True):
        seen = play_statefulset(fine, (0, faulty), (50, fine), times=FAULTY, gate=gate)
        assert (seen.least_available, seen.finished) == (2, 60)


def test_before_1_34_a_parallel_stateful_set_did_not_wait_for_min_ready_seconds():
    # kubernetes/kubernetes#112307 and #119234, fixed by #130909: the next pod goes as soon as the last one is ready.
    base, head = StatefulSetSpec(5, 0, parallel=True), StatefulSetSpec(5, 1, parallel=True)
    times = steady(10, least_ready=300)
    hasty = play_statefulset(base, (0, head), times=times, patient=False)
    assert (hasty.least_available, hasty.least_ready) == (0, 4)
    assert play_statefulset(base, (0, head), times=times).least_available == 4


def test_without_the_gate_a_parallel_stateful_set_does_not_see_ill_pods_below():
    # kubernetes/kubernetes#96218.
    base, head = StatefulSetSpec(3, 0, parallel=True), StatefulSetSpec(3, 1, parallel=True)
    ill = frozenset({0})
    assert play_statefulset(base, (0, head), times=steady(), broken=ill).least_available == 1
    assert play_statefulset(base, (0, head), times=steady(), broken=ill, gate=True).least_available == 2


def test_a_stateful_set_in_order_with_an_ill_pod_does_nothing():
    seen = play_statefulset(StatefulSetSpec(3), (0, StatefulSetSpec(3, 1)), times=steady(), broken=frozenset({1}))
    assert (seen.rounds, seen.finished) == (0, None)


def test_below_the_partition_new_pods_are_of_the_old_template():
    seen = play_statefulset(StatefulSetSpec(1), (0, StatefulSetSpec(3, 1, partition=2)), times=FAULTY)
    assert seen.trail[-1][1] == 2
    assert seen.waiting == 1


def test_stateful_pods_wait_for_their_predecessors_name():
    seen = play_statefulset(StatefulSetSpec(2), (0, StatefulSetSpec(2, 1)), times=steady(10, gone=30))
    assert (seen.most_existing, seen.finished) == (2, 80)


def test_a_dead_node_counts_against_what_may_be_unavailable():
    base, head = DaemonSetSpec(0, unavailable=2), DaemonSetSpec(1, unavailable=2)
    one, two = (play_daemonset(10, base, (0, head), times=steady(), dead=frozenset(range(n))) for n in (1, 2))
    assert (one.least_available, one.finished) == (8, 90)
    assert (two.least_available, two.finished) == (8, None)


def test_ill_pods_of_a_daemon_set_are_replaced_at_once():
    base, head = DaemonSetSpec(0), DaemonSetSpec(1)
    seen = play_daemonset(5, base, (0, head), times=steady(), broken=frozenset({0, 1, 2}))
    assert (seen.least_available, seen.rounds, seen.finished) == (2, 3, 30)


def test_a_surging_daemon_set_keeps_an_available_pod_on_each_node():
    seen = play_daemonset(
        5, DaemonSetSpec(0, 2, 0), (0, DaemonSetSpec(1, 2, 0)), times=steady(10, gone=5, least_ready=3)
    )
    assert (seen.least_available, seen.most_pods, seen.finished) == (5, 7, 39)


def test_on_delete_changes_nothing():
    stateful = play_statefulset(StatefulSetSpec(3), (0, StatefulSetSpec(3, 1, on_delete=True)), times=steady())
    daemons = play_daemonset(3, DaemonSetSpec(0), (0, DaemonSetSpec(1, on_delete=True)), times=steady())
    assert (stateful.rounds, stateful.least_available, daemons.rounds, daemons.least_available) == (0, 3, 0, 3)
