"""The matrix of a preview: applications down, clusters across, and what happens where they meet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Min
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from previews.companions import Member, companions, members, order_of, said
from previews.engine.diff.fields import FieldLine
from previews.engine.predict.findings import SEVERITIES
from previews.models import Cell, Preview
from previews.views.also import also_changed
from previews.views.live import Poll
from previews.views.matrix_query import kept_for_later, matrix_query, read_filters, way_back
from previews.views.matrix_table import CAUSES, STATES, TableCell, load_cells, load_places, make_matrix

#: Patterns of change that are listed above the table, and fields that are told of each.
MAX_PATTERNS = 12
MAX_TOLD = 3


@dataclass(frozen=True, slots=True)
class Pattern:
    """Cells in which the same lines change, shown by one of them: how many, of how many applications, where."""

    name: str
    cells: int
    applications: int
    clusters: int
    example: Cell
    fields: list[FieldLine]
    more: int


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The page. While the preview runs it shows how far it is, and a table that fills by itself (previews.views.live).

    Only then all cells are there to be chosen by what they say.
    """
    found = Preview.objects.select_related("repository", "change_request__repository")
    preview = get_object_or_404(found, pk=pk)
    context: dict[str, Any] = {"preview": preview, "repository": preview.repository, "change": preview.change_request}
    context["newer"] = _newer(preview)
    if preview.is_running:
        context |= {"poll": Poll.of(preview), "kept": kept_for_later(request)}
    if preview.change_request is None:
        context["members"] = members(preview)
    if preview.is_planned:
        filters = read_filters(request).by_name if preview.is_running else read_filters(request)
        places, cells = load_places(preview), load_cells(preview)
        context |= {
            "pinned": sum(sum(row.values()) for row in places.values()),
            "matrix": make_matrix(cells, places, preview.repository.clusters.all(), filters),
            "filters": filters,
            "states": STATES,
            "causes": CAUSES,
            "rules": _rules(cells),
            "severities": SEVERITIES,
            "back": way_back(request),
            "query": matrix_query(request),
        }
        if preview.state == Preview.DONE:
            changed = {(cell.cluster, cell.application) for cell in cells}
            context |= {"patterns": _patterns(preview), "also": also_changed(preview, changed)}
            context |= _together(preview, context.get("members", ()))
    return render(request, "matrix.html", context)


def _together(preview: Preview, among: Sequence[Member]) -> dict[str, Any]:
    """What only several change requests together do: those of this preview, or its own one with others."""
    if among:
        return {"said": said(preview, among), "order": order_of(preview, among)}
    stands = preview.change_request and not preview.question and not preview.is_record
    return {"companions": companions(preview.change_request) if stands and preview.change_request else []}


def _rules(cells: Iterable[TableCell]) -> list[tuple[str, str, int]]:
    """What the prediction says anywhere: each rule with its worst severity and the number of its cells, worst first."""
    found: dict[str, tuple[str, int]] = {}
    for cell in cells:
        for code, (severity, *_) in cell.findings.items():
            worst, count = found.get(code, (severity, 0))
            found[code] = (min(worst, severity, key=SEVERITIES.index), count + 1)
    rows = [(code, severity, count) for code, (severity, count) in found.items()]
    return sorted(rows, key=lambda row: (SEVERITIES.index(row[1]), -row[2], row[0]))


def _newer(preview: Preview) -> Preview | None:
    """The preview that took the place of this one, or is about to."""
    if preview.change_request is None or preview.question:
        return None
    shown = Preview.objects.filter(change_request=preview.change_request).plain().first()
    if shown != preview or not preview.is_stale:
        return shown if shown != preview else None
    return preview.change_request.previews.filter(renewal=True, state__in=Preview.RUNNING).first()


def _patterns(preview: Preview) -> list[Pattern]:
    """The patterns of change, those of the most cells first."""
    counted = preview.cells.exclude(pattern="").order_by().values("pattern")
    counted = counted.annotate(
        size=Count("pk"),
        applications=Count("application", distinct=True),
        clusters=Count("cluster", distinct=True),
        first=Min("pk"),
    )
    rows = list(counted.order_by("-size", "first")[:MAX_PATTERNS])
    examples = Cell.objects.select_related("fields").in_bulk([row["first"] for row in rows])
    return [_pattern(row, examples[row["first"]]) for row in rows]


def _pattern(row: Mapping[str, Any], example: Cell) -> Pattern:
    lists = list(example.changed_fields.values())
    lines = [line for told in lists for line in told.lines]
    shown = sorted(lines, key=lambda line: line.says_little)[:MAX_TOLD]
    total = sum(told.total for told in lists)
    return Pattern(
        row["pattern"], row["size"], row["applications"], row["clusters"], example, shown, total - len(shown)
    )
