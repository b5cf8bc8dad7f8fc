"""The cell: what a preview does to one instance, side by side."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.http import urlencode

from previews.companions import Member, members
from previews.models import Cell, Viewed
from previews.views.also import also_changed
from previews.views.cell_files import changed_files, file_sections, unchanged_files
from previews.views.cell_findings import openings_for, told, with_remarks
from previews.views.cell_look import Look, read_look
from previews.views.cell_parts import (
    ALL,
    Budget,
    More,
    Openings,
    Shown,
    format_openings,
    parse_opened,
    parse_openings,
    place_of,
    show_section,
)
from previews.views.cell_same import same_change
from previews.views.cell_section import Section, Sections
from previews.views.cell_sections import View, sections_of
from previews.views.reviewer import reviewer_of

_BLOBS = ("base_values", "head_values", "base_target", "head_target", "fields")


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
        "unchanged_files": unchanged_files(cell),
        "same": same_change(cell),
        "also": also_changed(cell.preview, [(cell.cluster, cell.application)]),
        "alone": _alone(cell),
        "previous": _neighbour(cell, forward=False),
        "next": _neighbour(cell, forward=True),
    }
    return render(request, "cell.html", context)


def _alone(cell: Cell) -> list[tuple[Member, Cell | None]]:
    """The parts of a preview of several, each with what it does to this instance alone, None for nothing."""
    if cell.preview.change_request is not None:
        return []
    among = members(cell.preview)
    previews = [member.part.alone_id for member in among]
    found = Cell.objects.filter(preview__in=previews, cluster=cell.cluster, application=cell.application)
    cells = {one.preview_id: one for one in found}
    return [(member, cells.get(member.part.alone_id or 0)) for member in among]


def part(request: HttpRequest, pk: int, cluster: str, application: str) -> HttpResponse:
    """A part of a section's diff, to stand where its bar stood: `expand` opens a fold, `at` goes on from a part."""
    cell = find_cell(pk, cluster, application)
    look = read_look(request, cell)
    openings = look.openings or {}
    number, first = look.start or next(iter(openings), (0, 0))
    last = first if look.start is None and first != ALL else None
    section = look_at(cell, look).at(number)
    if section is None:
        raise Http404("there is no such section")
    opened = None if last is None else parse_opened(request.GET.get("opened", ""))
    shown = show_section(section, Budget(), openings, look.unified, max(first, 0), last, opened)
    response = render(request, "_part.html", {"cell": cell, "shown": shown, "look": look})
    if look.start is None:
        response["HX-Replace-Url"] = _opened_address(request, look, openings)
    return response


def look_at(cell: Cell, look: Look) -> Sections:
    """The sections of a look."""
    if look.view == "file":
        return file_sections(cell, look.file)
    found = sections_of(cell, look.view, look.with_hidden, look.with_ignored, look.quiet)
    if look.view != "yaml" or cell.predicted is None:
        return found
    return with_remarks(found, told(cell.predicted.introduced, found))


def page_of(cell: Cell, look: Look, reviewer: str, only: int | None = None) -> dict[str, Any]:
    """What the page of a look shows: its sections as far as a page goes (or only one), and which were ticked."""
    found = look_at(cell, look)
    look = replace(look, openings={**openings_for(found), **(look.openings or {})})
    ticked = Viewed.objects.by(reviewer, (section.change for section in found.sections))
    viewed = {section.index for section in found.sections if section.change in ticked}
    if only is not None:
        shown = [_closed(one) if only in viewed else _show(one, look) for one in found.sections if one.index == only]
    else:
        look, shown = _show_line(found, look, viewed) if look.line else (look, _show_all(found, look, viewed))
    return {
        "cell": cell,
        "look": look,
        "found": found,
        "shown": shown,
        "viewed": viewed,
        "prediction": cell.predicted,
        "told": told(cell.predicted.introduced, found) if cell.predicted else [],
    }


def _show_line(found: Sections, look: Look, viewed: set[int]) -> tuple[Look, list[Shown]]:
    """The page with a line on it: its fold is open, and where the page would end before, it begins there."""
    line = look.line
    section = found.at(line.section) if line else None
    place = place_of(section, line.is_base, line.number) if section and line else None
    if line is None or section is None or place is None:
        return look, _show_all(found, look, viewed)
    part, opening = place
    look = replace(look, openings={(section.index, part): opening, **(look.openings or {})})
    shown = _show_all(found, look, viewed - {section.index})
    if any(one.section is section and one.has_line(line.is_base, line.number) for one in shown):
        return look, shown
    look = replace(look, start=(section.index, part))
    return look, _show_all(found, look, viewed)


def _show_all(found: Sections, look: Look, viewed: set[int]) -> list[Shown]:
    """Every section, as far as the page's rows go; from `start` on where the look has one."""
    if look.start is not None:
        return [_show(one, look, first=look.start[1]) for one in found.sections if one.index == look.start[0]]
    budget = Budget()
    return [_closed(one) if one.index in viewed else _show(one, look, budget) for one in found.sections]


def _show(section: Section, look: Look, budget: Budget | None = None, first: int = 0) -> Shown:
    return show_section(section, budget or Budget(), look.openings or {}, look.unified, first)


def _closed(section: Section) -> Shown:
    return Shown(section, (More(section.index, 0, viewed=True),))


def _opened_address(request: HttpRequest, look: Look, openings: Openings) -> str:
    """The address of the page with this opened too, so that it can be shared and loaded again."""
    current = parse_qs(urlsplit(request.headers.get("HX-Current-URL", "")).query)
    before = parse_openings(current.get("expand", [""])[0])
    query = f"{look.query}&{urlencode({'expand': format_openings({**before, **openings})})}"
    return f"{request.path.removesuffix('part/')}?{query}"


def _tabs(cell: Cell, look: Look) -> list[dict[str, Any]]:
    def tab(
        view: View, title: str, lines: tuple[int, int], state: str, file: int = 0, path: str = ""
    ) -> dict[str, Any]:
        query, is_current = look.as_view(view, file), (look.view, look.file) == (view, file)
        return {
            "title": title,
            "path": path,
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
        *(tab("file", one.title, one.lines, one.state, one.index, one.name) for one in changed_files(cell)),
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
