"""The cells of the matrix as HTML, put together by hand for speed: there may be 60,000 halves on a page."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from html import escape

from django import template
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from previews.companions import Member
from previews.templatetags.words import cause_words, counts, meaning, severity_sign, severity_word, sign, state_word
from previews.views.matrix_table import Column, Row, TableCell

register = template.Library()

#: What stands where nothing changes, by what is there and by whether a group of columns starts.
_NOTHING = ('<td class="none"></td>', '<td class="none gs"></td>')
_SAME = ('<td class="same">·</td>', '<td class="same gs">·</td>')
_PIN = '<td class="same pinned{}" title="pinned: this change does not reach it">pin</td>'
_PINNED = (_PIN.format(""), _PIN.format(" gs"))


@register.simple_tag
def matrix_cells(
    row: Row, columns: Sequence[Column], half: str, back: str, parts: Sequence[Member] = (), is_live: bool = False
) -> SafeString:
    """The `<td>`s of one half of a row, `values` or `yaml`; `parts` are the change requests of a preview of several.

    In a table that is live, what `completed_cell` will replace has an id.
    """
    labels = tuple(member.label for member in parts) if len(parts) > 1 else ()
    # Safe: made of our own tags, of numbers, and of text that was escaped.
    cells = row.cells
    return mark_safe(  # noqa: S308
        "".join(
            [
                _cell(cells[column.name], column, half, back, labels, is_live)
                if column.name in cells
                else _empty(row, column)
                for column in columns
            ]
        )
    )


@register.simple_tag
def completed_cell(cell: TableCell, back: str) -> SafeString:
    """Both halves of a cell that is known by now, for htmx to put in the place of those that the table shows."""
    halves = ["yaml"] if cell.value_state == "unchanged" else ["values", "yaml"]
    # Safe: as above.
    return mark_safe("".join([_half(cell, half, back, (), _live_id(cell, half) + _SWAPPED) for half in halves]))  # noqa: S308


_SWAPPED = ' hx-swap-oob="true"'


def _live_id(cell: TableCell, half: str) -> str:
    return f' id="h{cell.pk}{half[0]}"'


def _empty(row: Row, column: Column) -> str:
    pinned = row.places.get(column.name)
    texts = _NOTHING if pinned is None else _PINNED if pinned else _SAME
    return texts[column.starts_group]


def _cell(cell: TableCell, column: Column, half: str, back: str, labels: Sequence[str], is_live: bool) -> str:
    """A link to the diff where something is to be seen."""
    state = cell.value_state if half == "values" else cell.yaml_state
    place = " gs" if column.starts_group else ""
    if state == "unchanged" and not (half == "yaml" and (cell.interaction or is_live)):
        return f'<td id="c{cell.pk}{half[0]}" class="same{place}">·</td>'
    identity = _live_id(cell, half) if is_live else ""
    return f'<td id="c{cell.pk}{half[0]}" class="{state}{place}">{_half(cell, half, back, labels, identity)}</td>'


def _half(cell: TableCell, half: str, back: str, labels: Sequence[str], attributes: str) -> str:
    """What stands in a `<td>`: mostly a link. What lost its link keeps the focus that it may have had."""
    values = half == "values"
    state = cell.value_state if values else cell.yaml_state
    only_together = bool(cell.interaction) and not values
    if state == "unchanged" and not only_together:
        return f'<span{attributes} class="half {half} unchanged" tabindex="-1">·</span>'
    added, removed = (cell.value_added, cell.value_removed) if values else (cell.yaml_added, cell.yaml_removed)
    return (
        f'<a{attributes} class="half {half} {state}" '
        f'href="{_address(cell)}?view={half}{escape(back)}" title="{escape(_tooltip(cell, half, state))}">'
        f"{_says(state, added, removed)}{_finding(cell) if half == 'yaml' and cell.findings else ''}"
        f"{_by(cell, labels, only_together) if labels else ''}</a>"
    )


def _finding(cell: TableCell) -> str:
    """The worst that the prediction says; mere notes are not worth a sign."""
    worst = cell.worst
    if worst in ("", "info"):
        return ""
    return (
        f'<span class="fd {worst}"><span aria-hidden="true">{severity_sign(worst)}</span> {severity_word(worst)}</span>'
    )


def _by(cell: TableCell, labels: Sequence[str], only_together: bool) -> str:
    """Which change requests move the cell, and whether it is not the sum of what each does alone."""
    mark = '<span class="tg">together</span>' if only_together else ""
    by = " ".join(labels[at] for at in cell.moved_by if at < len(labels))
    return f'{mark}<span class="by">{escape(by)}</span>'


@lru_cache(maxsize=4096)
def _says(state: str, added: int, removed: int) -> str:
    return (
        f'<span class="sg" aria-hidden="true">{sign(state)}</span><span class="w">{state_word(state)}</span>'
        f"{counts(added, removed)}"
    )


def _address(cell: TableCell) -> str:
    """What `Cell.get_absolute_url` gives, without asking Django for each of thousands."""
    return escape(f"{_cells(cell.preview_id)}{_segment(cell.cluster)}/{_segment(cell.application)}/")


@lru_cache(maxsize=64)
def _cells(preview_id: int) -> str:
    """The address below which a preview's cells have theirs."""
    return reverse("cell", args=[preview_id, "C", "A"]).removesuffix("C/A/")


@lru_cache(maxsize=8192)
def _segment(name: str) -> str:
    return reverse("cell", args=[0, name, "A"]).rpartition("/A/")[0].rpartition("/")[2]


def _tooltip(cell: TableCell, half: str, state: str) -> str:
    text = f"{cell.application} on {cell.cluster}: {half} {_meaning(state)}"
    if half == "yaml" and cell.causes:
        text += f", because of {cause_words(cell.causes)}"
    if half == "yaml" and cell.findings:
        text += f"; {', '.join(cell.codes)}: {cell.findings[cell.codes[0]][2]}"
    if cell.pinned:
        text += "; pinned to another revision"
    return text


def _meaning(state: str) -> str:
    return meaning(state).replace("changes", "change")
