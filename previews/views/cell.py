"""The cell: what a preview does to one instance, side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.utils.http import urlencode

from previews.models import Cell
from previews.views.cell_parts import (
    ROWS,
    Budget,
    Openings,
    Shown,
    format_openings,
    parse_openings,
    show_section,
)
from previews.views.cell_sections import VIEWS, Section, Sections, View, sections_of
from previews.views.matrix import PARAMETERS

#: Cells of the same change that are listed by name.
MAX_SAME = 60
_BLOBS = ("base_values", "head_values", "base_target", "head_target")


@dataclass(frozen=True)
class Look:
    """How a cell is looked at; each look has an address. `start` is a section and part where the page begins."""

    view: View
    unified: bool = False
    with_hidden: bool = False
    with_ignored: bool = False
    openings: Openings | None = None
    start: tuple[int, int] | None = None
    back: str = ""

    @property
    def query(self) -> str:
        """The look as a query, without what is open."""
        parts = {
            "view": self.view,
            "layout": "unified" if self.unified else "",
            "hidden": "1" * self.with_hidden,
            "ignored": "show" * self.with_ignored,
        }
        return urlencode([(name, value) for name, value in (*parts.items(), ("m", self.back)) if value])

    def as_view(self, view: View) -> str:
        """The query of another tab."""
        return replace(self, view=view, with_hidden=False).query

    @property
    def other_layout(self) -> str:
        """The query of the other layout."""
        return replace(self, unified=not self.unified).query

    @property
    def other_hidden(self) -> str:
        """The query that shows, or hides, differences that do not count."""
        return replace(self, with_hidden=not self.with_hidden).query

    @property
    def other_ignored(self) -> str:
        """The query that shows, or hides, differences that rules ignore."""
        return replace(self, with_ignored=not self.with_ignored).query


def find_cell(pk: int, cluster: str, application: str) -> Cell:
    """The cell at a place of a preview, with its blobs, or a 404."""
    found = Cell.objects.select_related("preview__repository", "preview__change_request__repository", *_BLOBS)
    return get_object_or_404(found, preview_id=pk, cluster=cluster, application=application)


def show(request: HttpRequest, pk: int, cluster: str, application: str) -> HttpResponse:
    """The page."""
    cell = find_cell(pk, cluster, application)
    look = read_look(request, cell)
    found = sections_of(cell, look.view, look.with_hidden, look.with_ignored)
    context: dict[str, Any] = {
        "cell": cell,
        "preview": cell.preview,
        "repository": cell.preview.repository,
        "change": cell.preview.change_request,
        "look": look,
        "tabs": _tabs(cell, look),
        "found": found,
        "shown": list(_shown(found, look)),
        "same": _same_change(cell),
        "previous": _neighbour(cell, forward=False),
        "next": _neighbour(cell, forward=True),
    }
    return render(request, "cell.html", context)


def part(request: HttpRequest, pk: int, cluster: str, application: str) -> HttpResponse:
    """A part of a section's diff, to stand where its bar stood: `expand` opens a fold, `at` goes on from a part."""
    cell = find_cell(pk, cluster, application)
    look = read_look(request, cell)
    sections = sections_of(cell, look.view, look.with_hidden, look.with_ignored).sections
    openings = look.openings or {}
    (number, first), last = look.start or next(iter(openings), (0, 0)), None
    if look.start is None:
        last = first
    if number >= len(sections):
        raise Http404("there is no such section")
    shown = show_section(sections[number], Budget(), openings, look.unified, first, last)
    response = render(request, "_part.html", {"cell": cell, "shown": shown, "look": look})
    if look.start is None:
        response["HX-Replace-Url"] = _opened_address(request, look, openings)
    return response


def read_look(request: HttpRequest, cell: Cell) -> Look:
    """The look in the query; what is not known counts as not given."""
    query = request.GET
    view = query.get("view", "")
    if view not in VIEWS:
        view = "yaml" if cell.yaml_state != "unchanged" else "values" if cell.value_state != "unchanged" else "target"
    start = next(iter(parse_openings(query.get("at", ""))), None)
    return Look(
        view=cast(View, view),
        unified=query.get("layout") == "unified",
        with_hidden=query.get("hidden") == "1",
        with_ignored=query.get("ignored") == "show",
        openings=parse_openings(query.get("expand", "")),
        start=start,
        back=_safe_matrix_query(query.get("m", "")),
    )


def _safe_matrix_query(text: str) -> str:
    """The matrix's own parameters out of a query that was handed to us."""
    query = QueryDict(text[:500])
    return urlencode([(name, query[name]) for name in PARAMETERS if query.get(name)])


def _opened_address(request: HttpRequest, look: Look, openings: Openings) -> str:
    """The address of the page with this opened too, so that it can be shared and loaded again."""
    current = parse_qs(urlsplit(request.headers.get("HX-Current-URL", "")).query)
    before = parse_openings(current.get("expand", [""])[0])
    query = f"{look.query}&{urlencode({'expand': format_openings({**before, **openings})})}"
    return f"{request.path.removesuffix('part/')}?{query}"


def _shown(found: Sections, look: Look) -> Iterator[Shown]:
    """Every section, as far as the page's rows go; from `start` on where the look has one."""
    budget = Budget(ROWS)
    for section in found.sections:
        if look.start is None:
            yield show_section(section, budget, look.openings or {}, look.unified)
        elif section.index == look.start[0]:
            yield show_section(section, budget, look.openings or {}, look.unified, look.start[1])


def _tabs(cell: Cell, look: Look) -> list[dict[str, Any]]:
    def tab(view: View, title: str, lines: tuple[int, int], state: str) -> dict[str, Any]:
        query, is_current = look.as_view(view), look.view == view
        return {
            "title": title,
            "added": lines[0],
            "removed": lines[1],
            "state": state,
            "query": query,
            "on": is_current,
        }

    target: tuple[Section, ...] = sections_of(cell, "target").sections
    lines = target[0].lines if target else (0, 0)
    return [
        tab("values", "Values", (cell.value_added, cell.value_removed), cell.value_state),
        tab("yaml", "YAML", (cell.yaml_added, cell.yaml_removed), cell.yaml_state),
        tab("target", "Target", lines, target[0].state if target else "unchanged"),
    ]


def _same_change(cell: Cell) -> dict[str, Any] | None:
    """The other cells whose yaml changes in the very same way."""
    if not cell.group:
        return None
    others = cell.preview.cells.filter(group=cell.group).exclude(pk=cell.pk).order_by("application", "cluster")
    rows = list(others.only("preview_id", "cluster", "application")[: MAX_SAME + 1])
    count = len(rows) if len(rows) <= MAX_SAME else others.count()
    return {"count": count, "cells": rows[:MAX_SAME]} if rows else None


def _neighbour(cell: Cell, forward: bool) -> Cell | None:
    """The next changed cell in the matrix's order, row by row, or the one before."""
    way = "gt" if forward else "lt"
    beyond = Q(**{f"application__{way}": cell.application})
    beside = Q(**{"application": cell.application, f"cluster__{way}": cell.cluster})
    order = ("application", "cluster") if forward else ("-application", "-cluster")
    found = cell.preview.cells.filter(beyond | beside).order_by(*order)
    return found.only("preview_id", "cluster", "application", "yaml_state").first()
