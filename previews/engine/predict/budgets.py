"""PodDisruptionBudgets: how many pods their author wants to serve at all times.

They hold back evictions (drained nodes), not rollouts (pkg/controller/disruption; pkg/registry/core/pod/storage
eviction.go); but what they say is what the author wants.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from previews.engine.predict.context import Context
from previews.engine.predict.findings import Finding, StateRule
from previews.engine.predict.formulas import Share, healthy
from previews.engine.predict.objects import Object, Objects, Side
from previews.engine.predict.replicas import Scalers, autoscalers, scaler_of
from previews.engine.predict.selectors import selects
from previews.engine.predict.workloads import Workload, child, counted, title, workloads

BUDGET = ("policy", "PodDisruptionBudget")
_SOURCE = "pkg/controller/disruption/disruption.go getExpectedPodCount"


def budgets(objects: Objects) -> list[Object]:
    """The budgets of a side."""
    return list(objects.of(BUDGET))


def covers(budget: Object, one: Workload) -> bool:
    """Whether a budget is about a workload's pods."""
    selector = child(budget.content, "spec", "selector")
    return budget.id.namespace == one.id.namespace and selects(selector, one.labels)


def wanted(one: Workload, all_budgets: Iterable[Object], expected: int) -> tuple[int, Object] | None:
    """How many of a workload's pods the strictest budget wants healthy, and that budget; None where there is none."""
    found = [(count, budget) for budget in all_budgets if covers(budget, one) and (count := _count(budget, expected))]
    return max(found, key=lambda pair: pair[0]) if found else None


def _count(budget: Object, expected: int) -> int | None:
    least, most = (_share(budget, key) for key in ("minAvailable", "maxUnavailable"))
    return healthy(least, most, expected) if least is not None or most is not None else None


def _share(budget: Object, key: str) -> Share | None:
    found = child(budget.content, "spec", key)
    return found if isinstance(found, int | str) and not isinstance(found, bool) else None


def find_budgets(side: Side, context: Context) -> Iterator[Finding]:
    """DRAIN-BLOCKED: a budget that lets no pod go. PDB-UNUSED: one that no pods are under."""
    found = budgets(side.objects)
    if not found:
        return
    scalers = autoscalers(side.objects)
    all_workloads = list(workloads(side.objects, context.kubernetes))
    for budget in found:
        yield from _judge(budget, [one for one in all_workloads if covers(budget, one)], scalers)


def _judge(budget: Object, covered: list[Workload], scalers: Scalers) -> Iterator[Finding]:
    name = title(budget.id)
    if not covered:
        message = f"{name} selects no pods that this application makes"
        yield Finding("PDB-UNUSED", "info", message, budget.id, ("spec", "selector"), confidence="possible")
        return
    counted_ones = [one for one in covered if one.id.kind != "DaemonSet"]
    expected = sum(_expected(one, scalers) for one in counted_ones)
    desired = _count(budget, expected)
    if not expected or desired is None or desired < expected:
        return
    key = "maxUnavailable" if _share(budget, "maxUnavailable") is not None else "minAvailable"
    message = (
        f"{name} wants {desired} of {counted(expected, 'pod')} of {', '.join(one.title for one in counted_ones[:4])}"
        " healthy, so none may go: draining a node waits for ever (a rollout does not ask it)"
    )
    remedy = "let at least one pod go, or run one more replica"
    yield Finding(
        "DRAIN-BLOCKED", "warning", message, budget.id, ("spec", key), str(_share(budget, key)), _SOURCE, remedy
    )


def _expected(one: Workload, scalers: Scalers) -> int:
    scaler = scaler_of(scalers, one.id)
    return scaler.low if scaler and not one.says_replicas else one.replicas


RULES: tuple[StateRule, ...] = (find_budgets,)
