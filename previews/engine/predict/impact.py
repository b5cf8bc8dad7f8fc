"""What a change means for those who use the workloads: who serves meanwhile, how long, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from previews.engine.manifests import ResourceId
from previews.engine.predict.budgets import budgets, wanted
from previews.engine.predict.context import Context
from previews.engine.predict.endpoints import Served, services
from previews.engine.predict.findings import ChangeRule, Confidence, Finding
from previews.engine.predict.hazards import amount, extra, find_hazards
from previews.engine.predict.objects import Object, Pair
from previews.engine.predict.rollouts import Change, Movement, movements
from previews.engine.predict.sentences import if_stuck, sentence
from previews.engine.predict.services import find_addresses, find_endpoints
from previews.engine.predict.workloads import child, children, counted, start, title

#: none: users notice nothing. restart-safe: as many serve as the author wants. restart-unproven: as many should, but no
#: readiness probe says when a pod does. degraded: fewer than that. outage: nobody, for a while or for good.
Category = Literal["none", "restart-safe", "restart-unproven", "degraded", "outage"]
CATEGORIES: tuple[Category, ...] = ("outage", "degraded", "restart-unproven", "restart-safe", "none")
_SOURCE = "https://kubernetes.io/docs/concepts/workloads/controllers/"


@dataclass(frozen=True, slots=True)
class Impact:
    """What happens to a workload's pods, or to those behind a Service (`change` is "endpoints").

    `sentence` holds the arithmetic. `before` and `after` are replicas (of a DaemonSet nodes, of a Service pods that
    serve), None where unknown; `minimum` is how many serve at every moment, `floor` how many should, `peak` the most
    pods at once, `waves` how often new pods are waited for. `seconds` is how long that takes at least, `stopping` what
    may come on top of each wave. `services` are in front of the workload. `stuck` says what happens if the new pods
    never become ready, `notes` what else matters.
    """

    object: ResourceId
    change: Change | Literal["endpoints"]
    category: Category
    sentence: str
    before: int | None = None
    after: int | None = None
    surge: int = 0
    unavailable: int = 0
    minimum: int | None = None
    floor: int | None = None
    peak: int | None = None
    waves: int = 0
    seconds: float = 0
    stopping: int = 0
    services: tuple[str, ...] = ()
    stuck: str = ""
    notes: tuple[str, ...] = ()
    confidence: Confidence = "certain"

    @property
    def lost_part(self) -> float:
        """The part of the pods that may be missing, from 0 to 1; 0 where unknown."""
        return 1 - self.minimum / self.before if self.before and self.minimum is not None else 0

    @property
    def lost_pod_seconds(self) -> float:
        """The pod-seconds that are missing at most, if no wave takes longer than it has to."""
        return (self.before - self.minimum) * self.seconds if self.before and self.minimum is not None else 0


def impacts(pair: Pair, context: Context, failing: Collection[ResourceId] = ()) -> tuple[Impact, ...]:
    """What happens to all workloads and Services that move, the worst first, those behind Services before others.

    `failing` are workloads whose new pods cannot start, such as for want of a ConfigMap.
    """
    moved, served, of_workloads = _moving(pair, context)
    if failing:
        of_workloads = list(_of_workloads(moved, served, pair, context, failing))
    found = [*of_workloads, *(_of_service(one, context) for one in served)]
    return tuple(sorted(found, key=lambda one: (CATEGORIES.index(one.category), not one.services)))


# Asked for by the impact page and by the rules, one after the other.
@lru_cache(maxsize=1)
def _moving(pair: Pair, context: Context) -> tuple[list[Movement], list[Served], list[Impact]]:
    moved = movements(pair, context)
    served = list(services(pair, context, moved))
    return moved, served, list(_of_workloads(moved, served, pair, context, ()))


def _of_workloads(
    moved: Sequence[Movement], served: Sequence[Served], pair: Pair, context: Context, failing: Collection[ResourceId]
) -> Iterator[Impact]:
    all_budgets = budgets(pair.head.objects)
    for one in moved:
        if one.moves or one.change in ("later", "refused"):
            front = tuple(two.object.id.name for two in served if any(three is one for three in two.behind))
            yield _of_workload(one, front, all_budgets, context, one.one.id in failing)


def _of_workload(
    one: Movement, front: tuple[str, ...], all_budgets: list[Object], context: Context, fails: bool
) -> Impact:
    times = start(one.one, context)
    floor = _floor(one, all_budgets, context)
    rolls = one.change in ("now", "recreated", "renamed")
    known = one.knows_pods
    stops = rolls and (one.one.id.kind == "StatefulSet" or one.rollout.minimum == 0)
    return Impact(
        one.one.id,
        one.change,
        _category(one, floor, front, fails),
        sentence(one, times, context),
        one.replicas.before if known else None,
        one.replicas.after if known else None,
        one.rollout.surge,
        one.rollout.unavailable,
        one.rollout.minimum if known else None,
        floor if known else None,
        one.rollout.peak if known else None,
        one.rollout.waves if rolls else 0,
        one.rollout.waves * times.least if rolls else 0,
        one.one.grace if stops else 0,
        front,
        if_stuck(one),
        tuple(_notes(one, front, all_budgets, fails, context)),
        _confidence(one),
    )


def _confidence(one: Movement) -> Confidence:
    if one.reloaded or not one.knows_pods:
        return "likely"
    return "certain" if one.one.is_ready_by_probe or one.rollout.minimum == 0 else "possible"


def _floor(one: Movement, all_budgets: list[Object], context: Context) -> int:
    """How many pods should serve at all times: what a budget says, else a part of the fewer of before and after."""
    counts = one.replicas
    meant = min(counts.before, counts.wanted)
    says = wanted(one.one, all_budgets, counts.wanted)
    if says:
        return min(says[0], meant)
    return math.ceil(Fraction(str(context.capacity_floor)) * meant)


def _category(one: Movement, floor: int, front: tuple[str, ...], fails: bool) -> Category:
    if one.change in ("created", "later", "refused") or (one.knows_pods and not one.replicas.before):
        return "none"
    if one.change == "deleted":
        return "outage" if front else "degraded"
    if not one.knows_pods:
        return _category_of_nodes(one, fails)
    lowest = one.rollout.minimum
    if not lowest:
        return "outage"
    if lowest < floor or (fails and one.change == "now"):
        return "degraded"
    if one.change == "no" or (one.change == "now" and not one.rollout.restarted):
        return "none"
    return "restart-safe" if one.one.is_ready_by_probe else "restart-unproven"


def _category_of_nodes(one: Movement, fails: bool) -> Category:
    """That of a DaemonSet on an unknown number of nodes: as safe as the part of them that may be without it."""
    share = one.plan.unavailable if one.plan else None
    is_large = isinstance(share, str) and share.removesuffix("%").isdecimal() and int(share.removesuffix("%")) > 25
    if one.change in ("recreated", "renamed"):
        return "outage"
    if fails or is_large:
        return "degraded"
    return "restart-safe" if one.one.is_ready_by_probe else "restart-unproven"


def _notes(
    one: Movement, front: tuple[str, ...], all_budgets: list[Object], fails: bool, context: Context
) -> Iterator[str]:
    if one.reloaded:
        yield f"{one.reloaded} replaces the pods, since what they read changes"
    if fails:
        yield "the new pods cannot start"
    if one.restart.is_empty:
        yield "no functional change: only labels that name a release"
    says = wanted(one.one, all_budgets, one.replicas.wanted)
    if says:
        yield f"{title(says[1].id)} wants {says[0]} of {one.replicas.wanted} to serve, which a rollout does not ask for"
    rolls = one.change in ("now", "recreated", "renamed")
    if rolls and not one.one.is_ready_by_probe:
        yield "no readiness probe: a pod counts as serving as soon as it runs"
    if rolls and front and not any(child(two, "lifecycle", "preStop") for two in children(one.one.pod, "containers")):
        yield "no preStop hook: requests to a pod that is stopping may fail for a moment"
    for resource in ("cpu", "memory"):
        more = extra(one, resource) if one.moves and one.change != "deleted" else Fraction(0)
        if more > 0:
            yield f"needs {amount(more, resource)} of {resource} more at the peak"
    if rolls and one.rollout.minimum == 0 and one.rollout.waves and one.replicas.before:
        yield from _budgets_of_time(start(one.one, context).least)


def _budgets_of_time(seconds: float) -> Iterator[str]:
    """What an outage takes of what a month allows at usual objectives."""
    if seconds:
        shares = ", ".join(f"{seconds / allowed:.1%} at {goal}" for goal, allowed in _MONTHS.items())
        yield f"at least {seconds:g} s without service: {shares} of what 30 days allow"


#: Seconds that 30 days may be without service.
_MONTHS = {"99.9 %": 2592, "99.95 %": 1296, "99.99 %": 259.2}


def _of_service(one: Served, context: Context) -> Impact:
    found = one.worst
    lowest = min(found.mid, found.lowest, found.after)
    floor = math.ceil(Fraction(str(context.capacity_floor)) * min(found.before, found.after))
    is_open = all((two.mid and two.after) or not two.before for two in one.open_ports.values())
    category: Category = "none"
    if one.head is None or not lowest or not is_open:
        category = "outage"
    elif lowest < floor:
        category = "degraded"
    where = "goes" if one.head is None else f"{found.mid} in the middle, {found.after} after"
    text = f"{counted(found.before, 'pod')} behind it before the sync, {where}"
    if one.head is not None and found.lowest < min(found.mid, found.after):
        text += f", at least {found.lowest} while pods are replaced"
    return Impact(
        one.object.id,
        "endpoints",
        category,
        text,
        found.before,
        found.after,
        minimum=lowest,
        floor=floor,
        services=(one.object.id.name,),
        confidence="certain" if is_open else "likely",
    )


def find_impacts(pair: Pair, context: Context) -> Iterator[Finding]:
    """OUTAGE-…, DEGRADED-…, UNPROVEN-ROLLOUT, SCALE, and what may keep new pods from coming up."""
    moved, served, found = _moving(pair, context)
    for one in found:
        yield from _told(one)
    for two in served:
        yield from find_endpoints(two, context)
    yield from find_addresses(pair, context)
    yield from find_hazards(moved, pair, context)


def _told(one: Impact) -> Iterator[Finding]:
    message = f"{title(one.object)}: {one.sentence}"
    rolls = one.change in ("now", "recreated", "renamed")
    steps = () if one.change == "deleted" else ("spec",) if rolls else ("spec", "replicas")
    if one.category == "outage":
        code = "OUTAGE-ROLLOUT" if rolls else "OUTAGE-DELETED" if one.change == "deleted" else "OUTAGE-SCALE"
        yield Finding(code, "outage", message, one.object, steps, "", _SOURCE, _remedy(one), one.confidence)
    elif one.category == "degraded" and rolls:
        short = f"{message}; {one.floor} should" if one.floor is not None else message
        yield Finding(
            "DEGRADED-ROLLOUT", "degraded", short, one.object, steps, "", _SOURCE, _remedy(one), one.confidence
        )
    elif one.category == "restart-unproven":
        text = f"{message}; but no readiness probe says when a new pod serves"
        remedy = "add a readiness probe"
        yield Finding("UNPROVEN-ROLLOUT", "info", text, one.object, steps, "", _SOURCE, remedy, "possible")
    elif one.category == "none" and one.change == "no" and one.before != one.after:
        yield Finding("SCALE", "info", message, one.object, steps, str(one.after), _SOURCE)


def _remedy(one: Impact) -> str:
    if one.change == "renamed":
        return "keep the name, or let the old pods stay until the new ones serve (PruneLast=true)"
    if one.change == "recreated":
        return "change it without Force=true, or make it under another name first"
    if one.change != "now":
        return ""
    if one.object.kind == "Deployment":
        return "RollingUpdate with maxSurge 1 or more and maxUnavailable 0 keeps all pods serving"
    return "run one more replica" if one.object.kind == "StatefulSet" else "a smaller maxUnavailable, or maxSurge"


CHANGE_RULES: tuple[ChangeRule, ...] = (find_impacts,)
