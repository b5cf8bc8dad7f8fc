"""The arithmetic of controllers at its edges; the golden cases stand in test_impact."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from previews.engine.predict.formulas import Rollout, RolloutPlan, healthy, part, rollout


@pytest.mark.parametrize(
    ("share", "total", "up", "down"),
    [("25%", 10, 3, 2), ("0%", 10, 0, 0), ("150%", 3, 5, 4), (4, 10, 4, 4), (-1, 10, 0, 0), ("33%", 3, 1, 0)],
)
def test_a_part_is_rounded_exactly(share, total, up, down):
    assert (part(share, total, True), part(share, total, False)) == (up, down)


@pytest.mark.parametrize("share", ["", "%", "x%", "2.5%", "5", None, True, 1.5, "9" * 5000 + "%", "²%"])
def test_what_is_no_share_is_none(share):
    assert part(share, 10, True) is None


@pytest.mark.parametrize(
    ("least", "most", "expected", "count"),
    [(2, None, 3, 2), ("50%", None, 3, 2), (None, 1, 3, 2), (None, "50%", 3, 1), (None, 5, 3, 0), ("x", None, 3, None)],
)
def test_a_budget_rounds_up(least, most, expected, count):
    assert healthy(least, most, expected) == count


def test_pods_that_are_added_to_a_parallel_stateful_set_count_as_away():
    plan = RolloutPlan("StatefulSet", 3, 5, unavailable=3, partition=2, is_parallel=True, kubernetes=(1, 35))

    assert rollout(plan) == Rollout(2, 5, 1, 0, 3, 1)


def test_an_ordered_stateful_set_grows_before_it_restarts():
    assert rollout(RolloutPlan("StatefulSet", 2, 4)).waves == 2 + 2


def test_a_deployment_from_none_starts_all_at_once():
    assert rollout(RolloutPlan("Deployment", 0, 5)) == Rollout(0, 5, 1, 2, 1)


@given(
    st.builds(
        RolloutPlan,
        controller=st.sampled_from(["Deployment", "StatefulSet", "DaemonSet"]),
        before=st.integers(0, 30),
        after=st.integers(0, 30),
        restarts=st.booleans(),
        strategy=st.sampled_from(["RollingUpdate", "Recreate", "OnDelete"]),
        surge=st.sampled_from([None, 0, 1, 5, "0%", "25%", "200%", "x"]),
        unavailable=st.sampled_from([None, 0, 1, 5, "0%", "25%", "100%", "x"]),
        partition=st.integers(0, 40),
        is_parallel=st.booleans(),
        is_paused=st.booleans(),
        recreated=st.booleans(),
        kubernetes=st.sampled_from([(1, 30), (1, 36)]),
    )
)
def test_numbers_stay_within_reason(plan):
    found = rollout(plan)

    assert 0 <= found.minimum <= max(plan.before, plan.after) <= found.peak
    assert found.waves <= max(plan.before, plan.after, 1) + max(0, plan.after - plan.before)
    if plan.controller != "DaemonSet":
        assert found.minimum <= min(plan.before, plan.after)
