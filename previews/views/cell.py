"""The cell: what a preview does to one instance, side by side."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.http import urlencode

from previews.models import Cell, Viewed
from previews.views.cell_look import Look, read_look
from previews.views.cell_parts import (
    ROWS,
    Budget,
    More,
    Openings,
    Shown,
    format_openings,
    parse_openings,
    place_of,
    show_section,
)
from previews.views.cell_same import same_change
from previews.views.cell_sections import Section, Sections, View, sections_of
from previews.views.reviewer import reviewer_of

_BLOBS = ("base_values", "head_values", "base_target", "head_target")


def find_cell(pk: int, cluster: str, application: str) -> Cell:
    """The cell at a place of a preview, with its blobs, or a 404."""
    found = Cell.objects.select_related("preview__repository", "preview__change_request__repository", *_BLOBS)
    return get_object_or_404(found, preview_id=pk, cluster=cluster, application=application)


def show(request: HttpRequest, pk: int, cluster: str, application: str) -> HttpResponse:
    """The page."""
    cell = find_cell(pk, cluster, application)
    look = read_look(request, cell)
    context = page_of(cell, look, reviewer_of(request)) | {
        "preview": cell.preview,
        "repository": cell.preview.repository,
        "change": cell.preview.change_request,
        "tabs": _tabs(cell, look),
        "same": same_change(cell),
        "previous": _neighbour(cell, forward=False),
        "next": _neighbour(cell, forward=True),
    }
    return render(request, "cell.html", context)


def part(request: HttpRequest, pk: int, cluster: str, application: str) -> HttpResponse:
    """A part of a section's diff, to stand where its bar stood: `expand` opens a fold, `at` goes on from a part."""
    cell = find_cell(pk, cluster, application)
    look = read_look(request, cell)
    openings = look.openings or {}
    (number, first), last = look.start or next(iter(openings), (0, 0)), None
    if look.start is None:
        last = first
    section = look_at(cell, look).at(number)
    if section is None:
        raise Http404("there is no such section")
    shown = show_section(section, Budget(), openings, look.unified, first, last)
    response = render(request, "_part.html", {"cell": cell, "shown": shown, "look": look})
    if look.start is None:
        response["HX-Replace-Url"] = _opened_address(request, look, openings)
    return response


def look_at(cell: Cell, look: Look) -> Sections:
    """The sections of a look."""
    return sections_of(cell, look.view, look.with_hidden, look.with_ignored)


def page_of(cell: Cell, look: Look, reviewer: str, only: int | None = None) -> dict[str, Any]:
    """What the page of a look shows: its sections as far as a page goes (or only one), and which were ticked."""
    found = look_at(cell, look)
    ticked = Viewed.objects.by(reviewer, (section.change for section in found.sections))
    viewed = {section.index for section in found.sections if section.change in ticked}
    look = _with_line(found, look)
    shown = [_show_whole(found, only, viewed, look)] if only is not None else _show_page(found, look, viewed)
    return {"cell": cell, "look": look, "found": found, "shown": shown, "viewed": viewed}


def _show_whole(found: Sections, index: int, viewed: set[int], look: Look) -> Shown:
    section = found.at(index)
    assert section is not None
    return _closed(section) if index in viewed else show_section(section, Budget(), {}, look.unified)


def _show_page(found: Sections, look: Look, viewed: set[int]) -> list[Shown]:
    """Every section, as far as the page's rows go; from `start` on where the look has one."""
    openings = look.openings or {}
    if look.start is not None:
        section = found.at(look.start[0])
        return [show_section(section, Budget(ROWS), openings, look.unified, look.start[1])] if section else []
    budget = Budget(ROWS)
    wanted = look.line.section if look.line else None
    shown = [
        _closed(section)
        if section.index in viewed and section.index != wanted
        else show_section(section, budget, openings, look.unified)
        for section in found.sections
    ]
    if look.line and not any(one.section.index == wanted and one.has_line(*look.line[1:]) for one in shown):
        place = _place(found, look)
        return (
            _show_page(found, replace(look, start=(look.line.section, place[0]), line=None), viewed) if place else shown
        )
    return shown


def _closed(section: Section) -> Shown:
    return Shown(section, (More(section.index, 0, viewed=True),))


def _with_line(found: Sections, look: Look) -> Look:
    """The look with the fold open in which its line stands."""
    place = _place(found, look)
    if look.line is None or place is None:
        return look
    part, opening = place
    return replace(look, openings={(look.line.section, part): opening, **(look.openings or {})})


def _place(found: Sections, look: Look) -> tuple[int, tuple[int, int]] | None:
    section = found.at(look.line.section) if look.line else None
    return place_of(section, look.line.is_base, look.line.number) if section and look.line else None


def _opened_address(request: HttpRequest, look: Look, openings: Openings) -> str:
    """The address of the page with this opened too, so that it can be shared and loaded again."""
    current = parse_qs(urlsplit(request.headers.get("HX-Current-URL", "")).query)
    before = parse_openings(current.get("expand", [""])[0])
    query = f"{look.query}&{urlencode({'expand': format_openings({**before, **openings})})}"
    return f"{request.path.removesuffix('part/')}?{query}"


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


def _neighbour(cell: Cell, forward: bool) -> Cell | None:
    """The next changed cell in the matrix's order, row by row, or the one before."""
    way = "gt" if forward else "lt"
    beyond = Q(**{f"application__{way}": cell.application})
    beside = Q(**{"application": cell.application, f"cluster__{way}": cell.cluster})
    order = ("application", "cluster") if forward else ("-application", "-cluster")
    found = cell.preview.cells.filter(beyond | beside).order_by(*order)
    return found.only("preview_id", "cluster", "application", "yaml_state").first()
