"""The bars between a diff's rows: what kind they are, and where they lead."""

from __future__ import annotations

from functools import lru_cache

from django import template
from django.urls import reverse
from django.utils.http import urlencode

from previews.models import Cell
from previews.views.cell_look import Look
from previews.views.cell_parts import Bar, Item, Lines, More, format_openings, parse_openings

register = template.Library()


@register.filter
def is_lines(item: Item) -> bool:
    """Whether rows are shown."""
    return isinstance(item, Lines)


@register.filter
def is_bar(item: Item) -> bool:
    """Whether it is folded context."""
    return isinstance(item, Bar)


@register.simple_tag
def opener(cell: Cell, look: Look, token: str, opened: str) -> dict[str, str]:
    """Where a fold opens: as a `part` to put in its place, and as a `page` of its own without JavaScript."""
    asked = parse_openings(token)
    page = urlencode({"expand": format_openings({**(look.openings or {}), **asked})})
    place = next(iter(asked))
    return {
        "part": f"{_address('cell-part', cell)}?{look.query}&{urlencode({'expand': token, 'opened': opened})}",
        "page": f"{_address('cell', cell)}?{look.query}&{page}#r{place[0]}",
    }


@register.simple_tag
def continuation(cell: Cell, look: Look, more: More) -> dict[str, str]:
    """Where a section goes on that was too long for the page."""
    at = urlencode({"at": f"r{more.section}p{more.part}"})
    return {
        "part": f"{_address('cell-part', cell)}?{look.query}&{at}",
        "page": f"{_address('cell', cell)}?{look.query}&{at}",
    }


def _address(name: str, cell: Cell) -> str:
    return _reversed(name, cell.preview_id, cell.cluster, cell.application)


@lru_cache(maxsize=100)
def _reversed(name: str, preview: int, cluster: str, application: str) -> str:
    """Worked out once for the hundreds of bars of a page."""
    return reverse(name, args=[preview, cluster, application])
