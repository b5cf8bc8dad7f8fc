"""The impact of a preview: what it breaks and restarts, where and in which order, and what cannot be undone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from previews.engine.predict.findings import SEVERITIES, Finding, Severity
from previews.engine.predict.impact import CATEGORIES, Impact
from previews.engine.predict.prediction import Prediction
from previews.engine.predict.rollback import CLASSES, RollbackClass
from previews.engine.predict.sync_plan import Step
from previews.models import Cell, Preview

#: Cells whose predictions are read; the matrix has all of them.
MOST_CELLS = 2000
#: Rows of each list.
MOST_ROWS = 100
#: What nobody can read out of Git.
UNKNOWABLE = (
    "whether the cluster has drifted from what the base says",
    "how many replicas an autoscaler keeps just now",
    "how much room the nodes have",
    "what admission webhooks, policies and quotas outside of this repository say",
    "how long pods really take to start, where nobody has measured it",
    "whether clients try again",
    "whether a migration can be read by the version before",
)


@dataclass(frozen=True)
class Row:
    """The same thing said of several cells, by one of them."""

    severity: Severity
    code: str
    message: str
    finding: Finding
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Moved:
    """The same that happens to a workload, or behind a Service, on several clusters. `width` is for its picture."""

    impact: Impact
    cells: tuple[Cell, ...]
    width: int


@dataclass(frozen=True)
class Wave:
    """What is done together in a sync."""

    phase: str
    number: int
    steps: tuple[Step, ...]
    seconds: float = 0


@dataclass(frozen=True)
class Bar:
    """A wave in the picture of a sync, in thousandths of its width."""

    start: int
    width: int
    says: str
    category: str


@dataclass(frozen=True)
class Plan:
    """The same sync on several clusters."""

    application: str
    cells: tuple[Cell, ...]
    waves: tuple[Wave, ...]
    rollback: RollbackClass
    reasons: tuple[Finding, ...]
    point: Step | None
    bars: tuple[Bar, ...]

    @property
    def seconds(self) -> float:
        """How long it takes at least."""
        return sum(wave.seconds for wave in self.waves)


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The page."""
    preview = get_object_or_404(Preview.objects.select_related("repository", "change_request__repository"), pk=pk)
    predicted = list(_predicted(preview))
    context = {
        "preview": preview,
        "repository": preview.repository,
        "change": preview.change_request,
        "cells": len(predicted),
        "all_cells": preview.cells.exclude(prediction=None).count(),
        "rows": _rows(predicted)[:MOST_ROWS],
        "workloads": _workloads(predicted)[:MOST_ROWS],
        "plans": _plans(predicted)[:MOST_ROWS],
        "undoing": _undoing(predicted),
        "unknowable": UNKNOWABLE,
    }
    return render(request, "impact.html", context)


def _predicted(preview: Preview) -> Iterable[tuple[Cell, Prediction]]:
    found = preview.cells.exclude(prediction=None).select_related("prediction").defer("resources", "files", "planned")
    for cell in found.order_by("application", "cluster")[:MOST_CELLS]:
        prediction = cell.predicted
        if prediction is not None:
            yield cell, prediction


def _rows(predicted: Iterable[tuple[Cell, Prediction]]) -> list[Row]:
    """What is said, once for all cells of which it is said, the worst and the most frequent first."""
    cells: dict[tuple[str, str, str], list[Cell]] = defaultdict(list)
    first: dict[tuple[str, str, str], Finding] = {}
    for cell, prediction in predicted:
        for one in prediction.introduced:
            key = (one.code, one.message, f"{one.object} {one.place}")
            first.setdefault(key, one)
            if not cells[key] or cells[key][-1].pk != cell.pk:
                cells[key].append(cell)
    rows = [Row(one.severity, one.code, one.message, one, tuple(cells[key])) for key, one in first.items()]
    return sorted(rows, key=lambda row: (SEVERITIES.index(row.severity), -len(row.cells)))


def _workloads(predicted: Iterable[tuple[Cell, Prediction]]) -> list[Moved]:
    """What happens to pods and to those who use them, once for all clusters where it is the same, the worst first."""
    cells: dict[Impact, list[Cell]] = defaultdict(list)
    for cell, prediction in predicted:
        for one in prediction.impacts:
            cells[one].append(cell)
    rows = [Moved(one, tuple(found), _width(one)) for one, found in cells.items() if one.category != "none"]
    return sorted(rows, key=lambda row: (CATEGORIES.index(row.impact.category), -len(row.cells)))


def _width(one: Impact) -> int:
    """How much of 60 pixels is the part of the pods that serve at every moment."""
    whole = max(one.before or 0, one.after or 0, 1)
    return round(60 * min((one.minimum or 0) / whole, 1))


def _plans(predicted: Iterable[tuple[Cell, Prediction]]) -> list[Plan]:
    """The syncs of each application, those that are the same together; what is hardest to undo first."""
    found: dict[tuple[str, object], list[tuple[Cell, Prediction]]] = defaultdict(list)
    for cell, prediction in predicted:
        found[cell.application, (prediction.plan, prediction.rollback)].append((cell, prediction))
    plans = []
    for (application, _), members in found.items():
        prediction = members[0][1]
        waves = _waves(prediction)
        undo = prediction.rollback
        cells = tuple(cell for cell, _ in members)
        plans.append(
            Plan(application, cells, waves, undo.kind, undo.reasons, undo.point_of_no_return, _bars(waves, prediction))
        )
    return sorted(plans, key=lambda plan: (-CLASSES.index(plan.rollback), plan.application))


def _waves(prediction: Prediction) -> tuple[Wave, ...]:
    """What is done together; a wave takes as long as the slowest of its workloads."""
    takes = {one.object: one.seconds for one in prediction.impacts}
    grouped = groupby(prediction.plan, key=lambda step: (step.phase, step.wave))
    waves = [(phase, number, tuple(steps)) for (phase, number), steps in grouped]
    return tuple(
        Wave(phase, number, steps, max((takes.get(step.object, 0) for step in steps), default=0))
        for phase, number, steps in waves
    )


def _bars(waves: Sequence[Wave], prediction: Prediction) -> tuple[Bar, ...]:
    """The waves one behind the other, as wide as they take long; each is wide enough to be seen."""
    felt = {one.object: one.category for one in prediction.impacts}
    weights = [wave.seconds + 2 for wave in waves]
    whole, at, bars = sum(weights) or 1, 0.0, []
    for wave, weight in zip(waves, weights, strict=True):
        said = [felt[step.object] for step in wave.steps if step.object in felt]
        category = min(said, key=CATEGORIES.index, default="none")
        takes = f", at least {wave.seconds:.0f} s" if wave.seconds else ""
        says = f"{wave.phase} {wave.number}: {len(wave.steps)} object{'s' * (len(wave.steps) != 1)}{takes}"
        bars.append(Bar(round(1000 * at / whole), max(round(1000 * weight / whole) - 4, 4), says, category))
        at += weight
    return tuple(bars)


def _undoing(predicted: Sequence[tuple[Cell, Prediction]]) -> list[tuple[RollbackClass, int]]:
    """How many cells are undone in which way, the hardest first."""
    kinds = [prediction.rollback.kind for _, prediction in predicted]
    return [(kind, kinds.count(kind)) for kind in reversed(CLASSES) if kind in kinds]
