"""The cells of the matrix as HTML."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from previews.models import Cell
from previews.templatetags.words import cause_words, counts, meaning, sign, state_word
from previews.views.matrix_table import Entry, Row

register = template.Library()

_BLANK = SafeString('<td class="none"></td>')
_BLANK_FIRST = SafeString('<td class="none gs"></td>')
_SAME = SafeString('<td class="same">·</td>')
_PINNED = SafeString('<td class="same pinned" title="pinned: this change does not reach it">pin</td>')
_PINNED_FIRST = SafeString('<td class="same pinned gs" title="pinned: this change does not reach it">pin</td>')
_SAME_FIRST = SafeString('<td class="same gs">·</td>')


@register.simple_tag
def matrix_cells(row: Row, half: str, back: str) -> SafeString:
    """The `<td>`s of one half of a row, `values` or `yaml`. One tag for all: there may be 60,000 on a page."""
    # Safe: each part is.
    return mark_safe("".join([_cell(entry, half, back) for entry in row.entries]))  # noqa: S308


def _cell(entry: Entry, half: str, back: str) -> SafeString:
    """A link to the diff where something is to be seen."""
    cell, first = entry.cell, entry.column.starts_group
    if not entry.exists:
        return _BLANK_FIRST if first else _BLANK
    if cell is None and entry.pinned:
        return _PINNED_FIRST if first else _PINNED
    if cell is None:
        return _SAME_FIRST if first else _SAME
    state = cell.value_state if half == "values" else cell.yaml_state
    place = "gs" if first else ""
    if state == "unchanged":
        text = '<td id="c{}{}" class="same {}">·</td>'
        return format_html(text, cell.pk, half[0], place)
    added, removed = (
        (cell.value_added, cell.value_removed) if half == "values" else (cell.yaml_added, cell.yaml_removed)
    )
    return format_html(
        '<td id="c{}{}" class="{} {}"><a class="half {} {}" href="{}?view={}{}" title="{}">'
        '<span class="sg" aria-hidden="true">{}</span><span class="w">{}</span>{}</a></td>',
        cell.pk,
        half[0],
        state,
        place,
        half,
        state,
        cell.get_absolute_url(),
        half,
        back,
        _tooltip(cell, half, state),
        sign(state),
        state_word(state),
        counts(added, removed),
    )


def _tooltip(cell: Cell, half: str, state: str) -> str:
    text = f"{cell.application} on {cell.cluster}: {half} {meaning(state).replace('changes', 'change')}"
    if half == "yaml" and cell.causes:
        text += f", because of {cause_words(cell.causes)}"
    if cell.pinned:
        text += "; pinned to another revision"
    return text
