"""What PodDisruptionBudgets say of how many pods should serve at all times.

They hold back evictions, not rollouts (pkg/registry/core/pod/storage/eviction.go); but what they say is what the author
wants. Whether they block drains is asked in previews.engine.predict.disruptions.
"""

from __future__ import annotations

from collections.abc import Iterable

from previews.engine.predict.formulas import Share, healthy
from previews.engine.predict.objects import Object, Objects
from previews.engine.predict.selectors import selects
from previews.engine.predict.workloads import Workload, child

BUDGET = ("policy", "PodDisruptionBudget")


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
