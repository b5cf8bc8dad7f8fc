"""The formulas of rollouts, measured against Kubernetes' controllers as they are played in `controllers`.

SIMULATED_CASES=50000 plays that many random plans of each controller; `make test` is content with fewer. Each plan is
played with pods that all take the same time, with pods that take any time, and with new pods that never become ready.
"""

import os
from dataclasses import replace
from random import Random

import pytest

from previews.engine.predict.formulas import Rollout, RolloutPlan, rollout
from tests.engine.predict.controllers import (
    NEVER,
    DaemonSetSpec,
    DeploymentSpec,
    Outcome,
    StatefulSetSpec,
    Times,
    play_daemonset,
    play_deployment,
    play_statefulset,
    steady,
)

#: Random plans of each controller.
CASES = int(os.environ.get("SIMULATED_CASES", "1200"))
READY, LEAST_READY = 7, 2

#: MaxUnavailableStatefulSet is off in the one and on in the other.
WITHOUT_GATE, WITH_GATE = (1, 31), (1, 37)


def any_share(random, total, most=120):
    """A number or a percentage, often one that people write."""
    if random.random() < 0.4:
        return random.randint(0, total + 2)
    usual = random.choice([0, 1, 10, 20, 25, 30, 33, 34, 40, 50, 75, 100])
    return f"{random.choice([usual, random.randint(0, most)])}%"


def any_counts(random):
    """Replicas before and after, small ones and equal ones often."""
    before, after = (random.randint(0, random.choice([4, 8, 20])) for _ in range(2))
    return before, before if random.random() < 0.4 else after


def any_deployment(random):
    before, after = any_counts(random)
    surge, unavailable = any_share(random, after), any_share(random, after, most=100)
    if surge in (0, "0%") and unavailable in (0, "0%"):  # both are refused
        surge = 1
    strategy = "Recreate" if random.random() < 0.1 else "RollingUpdate"
    restarts, is_paused = random.random() < 0.9, random.random() < 0.1
    return RolloutPlan("Deployment", before, after, restarts, strategy, surge, unavailable, is_paused=is_paused)


def any_stateful_set(random):
    before, after = any_counts(random)
    unavailable = random.choice([None, random.randint(1, 8), f"{random.randint(1, 100)}%"])
    partition = random.choice([0, 0, random.randint(0, max(before, after) + 1)])
    strategy = "OnDelete" if random.random() < 0.1 else "RollingUpdate"
    restarts, is_parallel = random.random() < 0.9, random.random() < 0.5
    return RolloutPlan(
        "StatefulSet", before, after, restarts, strategy, None, unavailable, partition, is_parallel,
        kubernetes=random.choice([WITHOUT_GATE, WITH_GATE]),
    )  # fmt: skip


def any_daemon_set(random):
    nodes = random.randint(1, random.choice([4, 8, 20]))
    share = random.choice([random.randint(1, nodes + 2), f"{random.randint(1, 100)}%"])
    surge, unavailable = random.choice([(0, share), (share, 0)])
    strategy = "OnDelete" if random.random() < 0.1 else "RollingUpdate"
    return RolloutPlan("DaemonSet", nodes, nodes, random.random() < 0.9, strategy, surge, unavailable)


ANY = {"Deployment": any_deployment, "StatefulSet": any_stateful_set, "DaemonSet": any_daemon_set}


def play(plan, times, order=None, *, ill=0, dead=0):
    """The plan as the controllers carry it out; some pods may be ill from the beginning, and some nodes dead."""
    template = int(plan.restarts)
    if plan.controller == "DaemonSet":
        changing = {"on_delete": plan.strategy == "OnDelete"}
        base = DaemonSetSpec(0, plan.surge, plan.unavailable)
        head = (0, replace(base, template=template, **changing))
        down = {"broken": frozenset(range(ill)), "dead": frozenset(range(dead))}
        return play_daemonset(plan.after, base, head, times=times, order=order, **down)
    if plan.controller == "StatefulSet":
        base = StatefulSetSpec(plan.before, 0, plan.is_parallel, 0, plan.unavailable)
        changing = {"partition": plan.partition, "on_delete": plan.strategy == "OnDelete"}
        head = (0, replace(base, replicas=plan.after, template=template, **changing))
        return play_statefulset(
            base, head, times=times, gate=plan.kubernetes == WITH_GATE, broken=frozenset(range(ill))
        )
    base = DeploymentSpec(plan.before, 0, plan.surge, plan.unavailable, plan.strategy == "Recreate")
    head = (0, replace(base, replicas=plan.after, template=template, paused=plan.is_paused))
    return play_deployment(base, head, times=times, order=order, broken=ill)


def finishes(plan):
    """Whether the new template is ever asked of the pods."""
    return plan.after > 0 and (not plan.restarts or (not plan.is_paused and plan.strategy != "OnDelete"))


def same_times(plan, found: Rollout, seen: Outcome):
    """With pods that all take the same time the bounds are reached, and the waves are counted exactly."""
    yield "minimum", seen.least_available == found.minimum
    yield "peak", seen.most_pods <= found.peak
    if found.surge <= plan.after - found.unavailable:  # else the old pods make way before all of the surge is there
        yield "peak reached", seen.most_pods == found.peak
    yield "waves", seen.rounds == found.waves
    if finishes(plan):
        yield "time", seen.finished == found.waves * (READY + LEAST_READY)


def any_times(plan, found: Rollout, seen: Outcome):
    """Whatever time each pod takes, to come or to go: never fewer, never more than predicted."""
    yield "minimum", seen.least_available >= found.minimum
    yield "peak", seen.most_pods <= found.peak
    if finishes(plan):
        yield "end", seen.finished is not None


def never_ready(plan, found: Rollout, seen: Outcome):
    """New pods that never become ready: the old ones stay, and no more are struck than may be."""
    yield "minimum", seen.least_available >= found.minimum
    yield "peak", seen.most_pods <= found.peak
    if plan.controller == "Deployment" and found.restarted and plan.strategy == "RollingUpdate" and finishes(plan):
        yield "struck", seen.waiting <= min(found.surge + found.unavailable, plan.after)
    if plan.controller == "DaemonSet":
        yield "struck", seen.waiting <= min(found.surge + found.unavailable, plan.after)


TIMES = {
    "the same time": (same_times, lambda _: steady(READY, 0, LEAST_READY)),
    "any time": (
        any_times,
        lambda random: Times(lambda _: random.randint(1, 30), lambda: random.choice([0, 0, 5, 30]), 3),
    ),
    "never ready": (never_ready, lambda random: Times(lambda new: NEVER if new else random.randint(1, 9))),
}


def failures(controller, kind, cases):
    """What does not hold of random plans: (plan, what, what was seen)."""
    claims, times = TIMES[kind]
    for seed in range(cases):
        random = Random(f"{controller} {seed}")
        plan = ANY[controller](random)
        order = random if random.random() < 0.7 else None
        seen = play(plan, times(random), order)
        for what, holds in claims(plan, rollout(plan), seen):
            if not holds:
                yield plan, what, seen


def smallest(failed):
    """The failure that is easiest to follow."""
    return min(failed, key=lambda one: (one[0].before + one[0].after, len(str(one[0]))), default=None)


@pytest.mark.parametrize("kind", TIMES)
@pytest.mark.parametrize("controller", ANY)
def test_the_formulas_say_what_the_controllers_do(controller, kind):
    plan_what_seen = smallest(failures(controller, kind, CASES))
    assert plan_what_seen is None


@pytest.mark.parametrize("controller", ["Deployment", "DaemonSet"])
def test_pods_that_are_ill_already_cost_no_healthy_ones(controller):
    failed = []
    for seed in range(CASES // 4):
        random = Random(f"ill {controller} {seed}")
        plan = ANY[controller](random)
        ill = random.randint(0, plan.before)
        seen = play(plan, TIMES["any time"][1](random), random, ill=ill)
        if seen.least_available < min(plan.before - ill, rollout(plan).minimum):
            failed.append((plan, ill, seen))
    assert smallest(failed) is None


def test_dead_nodes_cost_no_healthy_ones():
    failed = []
    for seed in range(CASES // 4):
        random = Random(f"dead {seed}")
        plan = any_daemon_set(random)
        dead = random.randint(0, plan.after)
        seen = play(plan, TIMES["any time"][1](random), random, dead=dead)
        if seen.least_available < min(plan.after - dead, rollout(plan).minimum):
            failed.append((plan, dead, seen))
    assert smallest(failed) is None


# The expected results of the specification, played: minimum, waves.
GOLDEN = {
    "one pod, default": (RolloutPlan("Deployment", 1, 1, surge="25%", unavailable="25%"), 1, 1),
    "one pod, no surge": (RolloutPlan("Deployment", 1, 1, surge=0, unavailable=1), 0, 1),
    "four, default": (RolloutPlan("Deployment", 4, 4, surge="25%", unavailable="25%"), 3, 2),
    "ten, default": (RolloutPlan("Deployment", 10, 10, surge="25%", unavailable="25%"), 8, 2),
    "three, both round to none": (RolloutPlan("Deployment", 3, 3, surge=0, unavailable="25%"), 2, 3),
    "ten, one by one": (RolloutPlan("Deployment", 10, 10, surge=0, unavailable="10%"), 9, 10),
    "four, all at once": (RolloutPlan("Deployment", 4, 4, surge="100%", unavailable=0), 4, 1),
    "ten to three": (RolloutPlan("Deployment", 10, 3, surge="25%", unavailable="25%"), 3, 3),
    "three to ten": (RolloutPlan("Deployment", 3, 10, surge="25%", unavailable="25%"), 3, 2),
    "recreate": (RolloutPlan("Deployment", 5, 5, strategy="Recreate", surge=0, unavailable=0), 0, 1),
    "stateful": (RolloutPlan("StatefulSet", 3, 3, kubernetes=WITHOUT_GATE), 2, 3),
    "stateful, alone": (RolloutPlan("StatefulSet", 1, 1, kubernetes=WITHOUT_GATE), 0, 1),
    "stateful, partition": (RolloutPlan("StatefulSet", 5, 5, partition=3, kubernetes=WITHOUT_GATE), 4, 2),
    "stateful, two away, off": (RolloutPlan("StatefulSet", 5, 5, unavailable="40%", kubernetes=WITHOUT_GATE), 4, 5),
    "stateful, two away": (RolloutPlan("StatefulSet", 5, 5, unavailable="40%", kubernetes=WITH_GATE), 3, 5),
    "stateful, two away at once": (
        RolloutPlan("StatefulSet", 5, 5, unavailable="40%", is_parallel=True, kubernetes=WITH_GATE), 3, 3,
    ),
    "daemons, a quarter": (RolloutPlan("DaemonSet", 10, 10, surge=0, unavailable="25%"), 7, 4),
    "daemons, a third rounded up": (RolloutPlan("DaemonSet", 3, 3, surge=0, unavailable="34%"), 1, 2),
}  # fmt: skip


@pytest.mark.parametrize(("plan", "minimum", "waves"), GOLDEN.values(), ids=GOLDEN)
def test_the_expected_results_are_what_the_controllers_do(plan, minimum, waves):
    seen = play(plan, steady())
    assert (seen.least_available, seen.rounds) == (minimum, waves)
    assert (rollout(plan).minimum, rollout(plan).waves) == (minimum, waves)
