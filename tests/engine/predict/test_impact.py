"""Who serves while a change rolls out: the golden cases of the specification, and what else there is to say.

Case 18 (an immutable selector) and 21 (a label of 64 characters) belong to other rules; here stands only what they do
to pods.
"""

import pytest

from previews.engine.predict.context import Context, Sync
from previews.engine.predict.impact import CATEGORIES
from tests.engine.predict.rollout_cells import (
    READY,
    autoscaler,
    budget,
    findings,
    impact_of,
    pair_of,
    rolling,
    service,
    thing,
    updating,
    workload,
)


def changed(kind="Deployment", replicas=None, extra="", after=None, context=None, ready=True, **options):
    """The impact of a new image, of as many replicas or of `after`."""
    base = workload(kind, replicas, ready=ready, **options)
    head = workload(kind, replicas if after is None else after, image="app:2", ready=ready, **options)
    return impact_of(base + extra, head + extra, context or Context(namespace="shop"))


def test_case_1_one_replica_is_replaced_after_its_successor_is_ready():
    one = changed(replicas=1)

    assert (one.surge, one.unavailable, one.minimum, one.waves, one.category) == (1, 0, 1, 1, "restart-safe")


def test_case_2_one_replica_that_goes_first_is_an_outage():
    one = changed(replicas=1, spec=rolling(0, 1))

    assert (one.minimum, one.category) == (0, "outage")


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "minimum", "waves"),
    [(3, 1, 0, 3, 3), (4, 1, 1, 3, 2), (5, 2, 1, 4, 2), (10, 3, 2, 8, 2)],
)
def test_cases_3_to_6_the_default_strategy_rounds_surge_up_and_unavailable_down(
    replicas, surge, unavailable, minimum, waves
):
    one = changed(replicas=replicas)

    assert (one.surge, one.unavailable, one.minimum, one.waves) == (surge, unavailable, minimum, waves)
    assert one.peak == replicas + surge
    assert one.category == "restart-safe"


def test_case_4_a_budget_says_how_many_its_author_wants():
    one = changed(replicas=4, extra=budget(minAvailable=4))

    assert (one.minimum, one.floor, one.category) == (3, 4, "degraded")


def test_case_6_the_arithmetic_is_told():
    one = changed(replicas=10)

    assert one.sentence == (
        "10 replicas, 25 % → 3 more may start, 25 % → 2 may be down, so at least 8 serve; 2 waves of at least 20 s = 40 s"
    )
    assert one.seconds == 40


def test_case_7_where_nothing_may_move_one_may_be_down():
    one = changed(replicas=3, spec=rolling(0, "25%"))

    assert (one.unavailable, one.minimum, one.waves, one.category) == (1, 2, 3, "degraded")
    assert "25 % → 0, and none more may start: Kubernetes then lets 1 be down" in one.sentence


def test_case_8_and_9():
    assert (lambda one: (one.minimum, one.waves))(changed(replicas=10, spec=rolling(0, "10%"))) == (9, 10)
    assert (lambda one: (one.minimum, one.peak, one.waves))(changed(replicas=4, spec=rolling("100%", 0))) == (4, 8, 1)


def test_case_10_replicas_and_image_at_once():
    assert changed(replicas=10, after=3).minimum == 3
    assert changed(replicas=3, after=10).minimum == 3


def test_case_11_recreate_is_an_outage():
    one = changed(replicas=5, spec={"strategy": {"type": "Recreate"}})

    assert (one.minimum, one.category, one.stopping) == (0, "outage", 30)
    assert one.sentence == (
        "5 replicas, Recreate: all old pods go before a new one starts, so none serves in between;"
        " 1 wave of at least 20 s = 20 s, and up to 30 s for the old pods to stop"
    )


def test_case_12_a_stateful_set():
    one = changed("StatefulSet", 3)

    assert (one.minimum, one.waves) == (2, 3)
    assert changed("StatefulSet", 1).category == "outage"
    assert "deleted by hand even after a revert" in one.stuck


def test_case_13_a_partition():
    one = changed("StatefulSet", 5, spec=updating(partition=3))
    none = changed("StatefulSet", 5, spec=updating(partition=5))

    assert (one.minimum, one.waves) == (4, 2)
    assert (none.minimum, none.waves, none.category) == (5, 0, "none")


@pytest.mark.parametrize(
    ("policy", "kubernetes", "minimum", "waves"),
    [
        ("OrderedReady", (1, 34), 4, 5),
        ("Parallel", (1, 34), 4, 5),
        ("Parallel", (1, 35), 3, 3),
        ("OrderedReady", (1, 35), 3, 5),
        ("Parallel", (1, 36), 4, 5),
        ("Parallel", (1, 37), 3, 3),
    ],
)
def test_case_14_max_unavailable_of_a_stateful_set_counts_from_1_35(policy, kubernetes, minimum, waves):
    context = Context(namespace="shop", kubernetes=kubernetes)
    spec = {**updating(maxUnavailable="40%"), "podManagementPolicy": policy}
    one = changed("StatefulSet", 5, context=context, spec=spec)

    assert (one.minimum, one.waves) == (minimum, waves)
    assert ("maxUnavailable does not count" in one.sentence) == (kubernetes in ((1, 34), (1, 36)))


def test_case_15_a_daemon_set_rounds_up():
    ten = changed("DaemonSet", context=Context(namespace="shop", nodes=10), spec=updating(maxUnavailable="25%"))
    three = changed("DaemonSet", context=Context(namespace="shop", nodes=3), spec=updating(maxUnavailable="34%"))

    assert (ten.unavailable, ten.minimum, ten.waves) == (3, 7, 4)
    assert (three.unavailable, three.minimum) == (2, 1)
    assert ten.sentence.startswith("10 nodes, 25 % → 3 may be without it, so at least 7 serve")


def test_a_daemon_set_on_an_unknown_number_of_nodes():
    one = changed("DaemonSet")
    surge = changed("DaemonSet", spec=updating(maxSurge=1, maxUnavailable=0))

    assert (one.before, one.minimum, one.category) == (None, None, "restart-safe")
    assert one.sentence == "1 of the nodes at a time may be without it"
    assert surge.sentence == "on each node the new pod starts first, on 1 of the nodes at a time"
    assert changed("DaemonSet", spec=updating(maxUnavailable="50%")).category == "degraded"


def test_case_16_the_selector_and_the_label_renamed_together():
    base = workload(labels={"role": "a"}, replicas=3) + service(selector={"role": "a"})
    head = workload(labels={"role": "b"}, replicas=3) + service(selector={"role": "b"})
    (found,) = findings(base, head)["OUTAGE-ENDPOINTS"]

    assert (found.severity, found.confidence) == ("outage", "certain")
    assert "3 pods behind it now, none in the middle of the sync, and 3 after it" in found.message
    assert "for at least 20 s" in found.message
    assert impact_of(base, head, kind="Service").category == "outage"


def test_case_17_the_label_alone_is_removed():
    base = workload(labels={"role": "a"}, replicas=3) + service(selector={"role": "a"})
    head = workload(replicas=3) + service(selector={"role": "a"})
    (found,) = findings(base, head)["OUTAGE-ENDPOINTS"]

    assert "3 pods behind it now and none after the sync, for good" in found.message


def test_case_18_a_new_selector_is_refused_and_with_force_an_outage():
    base = workload(replicas=3)
    head = base.replace("app: web", "app: shop")
    forced = Context(namespace="shop", sync=Sync(frozenset({"Force=true"})))

    assert (lambda one: (one.change, one.category))(impact_of(base, head)) == ("refused", "none")
    assert (lambda one: (one.change, one.category))(impact_of(base, head, forced)) == ("recreated", "outage")
    assert "RECREATED" in findings(base, head, forced)


def settings(value, **more):
    return thing("ConfigMap", "settings", data={"LEVEL": value, "OTHER": "x"}, **more)


READS_ALL = {"envFrom": [{"configMapRef": {"name": "settings"}}]}


def test_case_19_settings_change_and_nothing_restarts():
    base, head = (workload(**READS_ALL) + settings(value) for value in ("info", "debug"))
    found = findings(base, head)

    assert list(found) == ["STALE-CONFIG"]
    assert (found["STALE-CONFIG"][0].confidence, found["STALE-CONFIG"][0].steps) == ("certain", ("data", "LEVEL"))
    assert "Deployment web reads it as its variables" in found["STALE-CONFIG"][0].message


def test_case_20_replicas_are_left_to_an_autoscaler():
    base, head = workload(replicas=10) + autoscaler(), workload() + autoscaler()
    one = impact_of(base, head)
    (found,) = findings(base, head)["REPLICAS-HANDOVER"]

    assert (one.after, one.minimum, one.category) == (1, 1, "degraded")
    assert "no longer sets its 10 replicas" in found.message
    assert "raises it to 4 to 10" in found.message
    assert found.severity == "degraded"


def test_case_22_a_budget_that_blocks_drains_does_not_hold_back_a_rollout():
    one = changed(replicas=1, extra=budget(minAvailable=1))

    assert one.category == "restart-safe"


def test_case_23_only_the_label_of_the_chart_changes():
    base, head = (workload(labels={"helm.sh/chart": version}) for version in ("web-1.0.0", "web-1.0.1"))
    (found,) = findings(base, head)["RESTART-NO-CHANGE"]

    assert "without any functional change" in found.message
    assert found.steps == ("spec", "template", "metadata", "labels", "helm.sh/chart")
    assert "no functional change: only labels that name a release" in impact_of(base, head).notes


def test_case_24_the_default_is_no_change():
    assert findings(workload(replicas=1), workload()) == {}
    assert not pair_of(workload(), workload()).changes


def test_without_a_readiness_probe_a_safe_restart_is_unproven():
    base, head = (workload(image=image, replicas=3, ready=False) for image in ("app:1", "app:2"))

    one = impact_of(base, head)

    assert (one.category, one.confidence) == ("restart-unproven", "possible")
    assert "UNPROVEN-ROLLOUT" in findings(base, head)


def test_pods_that_cannot_start_stop_the_rollout():
    base, head = (workload(image=image, replicas=4) for image in ("app:1", "app:2"))
    pair = pair_of(base, head)

    one = impact_of(base, head, failing={pair.changes[0].id})

    assert one.category == "degraded"
    assert one.stuck == "if the new pods never become ready, 3 go on serving and 2 new ones do not"


def test_measured_times_count_instead_of_probes():
    one = changed(replicas=3, context=Context(namespace="shop", startup_seconds={"shop/web": 45}))

    assert one.seconds == 135
    assert "3 waves of about 45 s = 135 s" in one.sentence


def test_min_ready_seconds_and_thresholds_add_up():
    probe = {**READY, "initialDelaySeconds": 5, "successThreshold": 3, "periodSeconds": 4}
    base, head = (
        workload(image=image, replicas=1, ready=False, spec={"minReadySeconds": 10}, readinessProbe=probe)
        for image in ("app:1", "app:2")
    )

    assert impact_of(base, head).seconds == 5 + 2 * 4 + 10


def test_a_workload_that_goes_with_its_users_still_there():
    base, head = workload(replicas=2) + service(), service()
    found = findings(base, head)

    assert found["OUTAGE-DELETED"][0].message == "Deployment web: deleted: 2 pods go"
    assert "for good" in found["OUTAGE-ENDPOINTS"][0].message


def test_scaling_to_none_is_an_outage_and_scaling_down_is_told():
    assert "OUTAGE-SCALE" in findings(workload(replicas=3), workload(replicas=0))
    (found,) = findings(workload(replicas=3), workload(replicas=2))["SCALE"]
    assert found.message == "Deployment web: 3 → 2 replicas, so at least 2 serve"


def test_nothing_serves_less_than_nothing():
    assert changed(replicas=0).category == "none"
    assert changed(replicas=0, after=5).category == "none"


def test_a_paused_deployment_and_on_delete_wait():
    paused = changed(replicas=3, spec={"paused": True})
    waiting = changed("StatefulSet", 3, spec={"updateStrategy": {"type": "OnDelete"}})

    assert (paused.change, paused.category) == (waiting.change, waiting.category) == ("later", "none")
    assert "it is paused" in paused.sentence


def test_a_replace_by_force_deletes_and_makes_anew():
    options = {"argocd.argoproj.io/sync-options": "Replace=true, Force=true"}
    base, head = (workload(image=image, replicas=3) for image in ("app:1", "app:2"))
    head = head.replace("metadata:\n  name: web\n", f"metadata:\n  annotations: {options}\n  name: web\n", 1)

    one = impact_of(base, head)

    assert (one.change, one.category) == ("recreated", "outage")


def test_an_outage_is_told_as_a_part_of_what_a_month_allows():
    one = changed(replicas=1, spec=rolling(0, 1))

    assert any("at least 20 s without service: 0.8% at 99.9 %" in note for note in one.notes)


def test_the_worst_comes_first():
    assert CATEGORIES.index("outage") < CATEGORIES.index("degraded") < CATEGORIES.index("none")


def test_what_is_lost_is_counted_in_pod_seconds():
    one = changed(replicas=10)

    assert (round(one.lost_part, 2), one.lost_pod_seconds) == (0.2, 2 * 40)
