"""How many pods serve while a workload rolls out: the arithmetic of Kubernetes' controllers.

Mirrors ResolveFenceposts and NewRSNewReplicas of pkg/controller/deployment, updateStatefulSet of
pkg/controller/statefulset, updatedDesiredNodeCounts of pkg/controller/daemon, and getExpectedScale of
pkg/controller/disruption. Pure functions of numbers; nothing here reads objects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from previews.engine.predict.context import Minor

Controller = Literal["Deployment", "StatefulSet", "DaemonSet"]
Strategy = Literal["RollingUpdate", "Recreate", "OnDelete"]
#: A number of pods, or a part of them as `25%`.
Share = int | str


def counts_unavailable(kubernetes: Minor) -> bool:
    """Whether a StatefulSet's maxUnavailable counts: the gate MaxUnavailableStatefulSet, by default.

    On in 1.35, where its fourth patch switched it off (kubernetes pull request 137904), off in 1.36, on from 1.37.
    """
    return kubernetes == (1, 35) or kubernetes >= (1, 37)


_DEFAULTS: dict[str, tuple[Share, Share]] = {"Deployment": ("25%", "25%"), "StatefulSet": (0, 1), "DaemonSet": (0, 1)}


@dataclass(frozen=True, slots=True)
class RolloutPlan:
    """What a workload is asked to do.

    `before` and `after` are its pods in base and head; those of a DaemonSet are the nodes that it runs on. `restarts`:
    its template differs. `surge` and `unavailable` are maxSurge and maxUnavailable at head, None where it has none.
    `recreated`: it is deleted and made anew.
    """

    controller: Controller
    before: int
    after: int
    restarts: bool = True
    strategy: Strategy = "RollingUpdate"
    surge: Share | None = None
    unavailable: Share | None = None
    partition: int = 0
    is_parallel: bool = False
    is_paused: bool = False
    recreated: bool = False
    kubernetes: Minor = (1, 31)


@dataclass(frozen=True, slots=True)
class Rollout:
    """What comes of it, if what starts becomes ready and nothing else fails.

    `minimum` is how many pods are available at every moment, `peak` how many there are at most (without those that
    terminate), `waves` how many times in a row pods start and are waited for, `surge` and `unavailable` the numbers
    that the shares come to, and `restarted` how many of the pods that run are replaced.
    """

    minimum: int
    peak: int
    waves: int
    surge: int = 0
    unavailable: int = 0
    restarted: int = 0


def part(share: Share | None, total: int, rounds_up: bool) -> int | None:
    """A share of a total as a number, None for what is no share (intstr GetScaledValueFromIntOrPercent)."""
    if isinstance(share, int) and not isinstance(share, bool):
        return max(0, share)
    if not isinstance(share, str) or not share.endswith("%") or len(share) > 8 or not share[:-1].isdecimal():
        return None
    hundredths = total * int(share[:-1])
    return -(-hundredths // 100) if rounds_up else hundredths // 100


def rollout(plan: RolloutPlan) -> Rollout:
    """The rollout of a plan."""
    kept = min(plan.before, plan.after)
    if plan.recreated:
        return Rollout(0, max(plan.before, plan.after), 1 if plan.after else 0, restarted=kept)
    if not plan.restarts or plan.is_paused or plan.strategy == "OnDelete":
        return _scaled(plan)
    if plan.strategy == "Recreate":
        return Rollout(0, max(plan.before, plan.after), 1 if plan.after else 0, restarted=kept)
    return {"Deployment": _deployment, "StatefulSet": _stateful_set, "DaemonSet": _daemon_set}[plan.controller](plan)


def _scaled(plan: RolloutPlan) -> Rollout:
    added = max(0, plan.after - plan.before)
    ordered = plan.controller == "StatefulSet" and not plan.is_parallel
    waves = added if ordered else min(1, added)
    return Rollout(min(plan.before, plan.after), max(plan.before, plan.after), waves)


def _shares(plan: RolloutPlan) -> tuple[Share, Share]:
    surge, unavailable = _DEFAULTS[plan.controller]
    return (surge if plan.surge is None else plan.surge, unavailable if plan.unavailable is None else plan.unavailable)


def _deployment(plan: RolloutPlan) -> Rollout:
    # A change of replicas is done first, to the old pods: what is updated then are the new number of them.
    shares = _shares(plan)
    surge, unavailable = part(shares[0], plan.after, True) or 0, part(shares[1], plan.after, False) or 0
    if not surge and not unavailable:
        unavailable = 1
    unavailable = min(unavailable, plan.after)
    if not plan.before or not plan.after:
        # Without old pods nothing has to make way, and without new ones nothing comes.
        return Rollout(0, max(plan.before, plan.after), min(1, plan.after), surge, unavailable)
    waves = -(-plan.after // (surge + unavailable))
    minimum = min(plan.before, plan.after - unavailable)
    peak = max(plan.before, plan.after + min(surge, plan.after))
    return Rollout(minimum, peak, waves, surge, unavailable, min(plan.before, plan.after))


def _stateful_set(plan: RolloutPlan) -> Rollout:
    unavailable = 1
    if counts_unavailable(plan.kubernetes):
        unavailable = max(1, part(_shares(plan)[1], plan.after, False) or 0)
    added = max(0, plan.after - plan.before)
    restarted = max(0, min(plan.before, plan.after) - plan.partition)
    if not restarted:
        return _scaled(plan)
    if plan.is_parallel:
        # Pods that are added are not available at first, and count.
        down = min(unavailable, restarted + added)
        first = min(restarted, max(0, unavailable - added)) if added else 0
        waves = min(1, added) + -(-(restarted - first) // unavailable)
    else:
        # Pods start one by one, however many may be away.
        down, waves = min(unavailable, restarted), added + restarted
    minimum = max(0, min(plan.before, plan.after - down))
    return Rollout(minimum, max(plan.before, plan.after), waves, 0, unavailable, restarted)


def _daemon_set(plan: RolloutPlan) -> Rollout:
    nodes = plan.after
    shares = _shares(plan)
    surge, unavailable = part(shares[0], nodes, True) or 0, part(shares[1], nodes, True) or 0
    if surge:
        # An old pod stays until the new one of its node is available.
        peak = max(plan.before, nodes + min(surge, nodes))
        return Rollout(min(plan.before, nodes), peak, -(-nodes // surge), surge, 0, nodes)
    unavailable = unavailable or 1
    minimum = min(plan.before, max(0, nodes - unavailable))
    return Rollout(minimum, max(plan.before, nodes), -(-nodes // unavailable), 0, unavailable, nodes)


def healthy(minimum: Share | None, maximum: Share | None, expected: int) -> int | None:
    """How many of the expected pods a PodDisruptionBudget wants healthy; None when it says nothing that counts."""
    if maximum is not None:
        away = part(maximum, expected, True)
        return None if away is None else max(0, expected - away)
    return part(minimum, expected, True)
