"""A diff's rows as HTML, put together by hand for speed, here and nowhere else: each text goes through `_safe`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

from django import template
from django.utils.safestring import SafeString, mark_safe

from previews.engine.diff.colours import Token, highlight_lines, segments
from previews.engine.diff.rows import Line, Row
from previews.templatetags.words import severity_sign, severity_word
from previews.views.cell_parts import Lines
from previews.views.cell_section import Section

register = template.Library()

#: The tokens of lines, by their number.
Colours = Mapping[int, Sequence[Token]]

#: Characters that would not be seen, or would make the reader see others than there are (CVE-2021-42574).
_DECEIVING = re.compile("[\0-\b\v-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
#: Colour classes that would look like text without one: plain scalars and punctuation, half of all tokens.
_COLOURLESS = frozenset({"", "l", "p", "p-Indicator"})

_EMPTY_SIDE = '<td class="n e"></td><td class="c e"></td>'


class _Names(NamedTuple):
    """What the names of lines begin with; `order` is where the base's stand in its text, None for as they come."""

    base: str
    head: str
    order: Sequence[int] | None

    def left(self, line: Line) -> str:
        """The number of one of the base's lines, as its address."""
        return _address(self.base, line.number if self.order is None else self.order[line.number - 1] + 1)

    def right(self, line: Line) -> str:
        """The number of one of the head's lines, as its address."""
        return _address(self.head, line.number)


@register.simple_tag
def diff_rows(section: Section, lines: Lines, is_unified: bool) -> SafeString:
    """The `<tr>` of the rows."""
    left = _colours(section.left_lines, section.left_scalars, [row.left for row in lines.rows])
    if lines.is_changed or len(left) != len(lines.rows) or any(map(_quieted, lines.rows)):
        right = _colours(section.right_lines, section.right_scalars, [row.right for row in lines.rows])
    else:
        # Context is the same text on both sides.
        right = dict(zip((row.right.number for row in lines.rows if row.right), left.values(), strict=True))
    make = _unified_row if is_unified else _split_row
    names = _Names(f"L{section.index}b", f"L{section.index}h", section.left_order)
    rows = (make(names, row, left, right) + _remarks(section, row, is_unified) for row in lines.rows)
    # Safe: made of our own tags, of numbers, and of text that went through `_safe`.
    return mark_safe("".join(rows))  # noqa: S308


def _remarks(section: Section, row: Row, is_unified: bool) -> str:
    """What the prediction says of the head's line, below it."""
    if not section.remarks or row.right is None:
        return ""
    return "".join(
        f'<tr class="said {one.severity}"><td colspan="{3 if is_unified else 4}"><span class="fd {one.severity}">'
        f'<span aria-hidden="true">{severity_sign(one.severity)}</span> {severity_word(one.severity)}</span> '
        f'{_safe(one.message)} <span class="meta">{_safe(one.code)}</span></td></tr>'
        for one in section.remarks.get(row.right.number, ())
    )


@register.filter
def named(text: str) -> SafeString:
    """A text with the characters named that would not be seen, or would deceive."""
    return mark_safe(_safe(text))  # noqa: S308  # safe: `_safe` escapes it


def _colours(lines: Sequence[str], scalars: Sequence[tuple[int, int]], shown: Sequence[Line | None]) -> Colours:
    """The tokens of the lines that are shown, which follow each other, by their number."""
    numbers = [line.number for line in shown if line]
    if not numbers:
        return {}
    return dict(enumerate(highlight_lines(lines, scalars, numbers[0] - 1, numbers[-1]), numbers[0]))


def _split_row(names: _Names, row: Row, left: Colours, right: Colours) -> str:
    is_context = row.kind == "context"
    before = _side(names.left(row.left), row.left, left, "" if is_context else " d") if row.left else _EMPTY_SIDE
    after = _side(names.right(row.right), row.right, right, "" if is_context else " i") if row.right else _EMPTY_SIDE
    if not is_context:
        return f"<tr>{before}{after}</tr>"
    return f'<tr class="x{_quieted(row)}">{before}{after}</tr>'


def _quieted(row: Row) -> str:
    """The class of context that differs all the same, as it was quieted."""
    return " q" if row.left and row.right and row.left.text != row.right.text else ""


def _side(number: str, line: Line, colours: Colours, css: str) -> str:
    return f'<td class="n{css}">{number}</td><td class="c{css}">{_code(line, colours)}</td>'


def _unified_row(names: _Names, row: Row, left: Colours, right: Colours) -> str:
    css = " d" if row.kind == "removed" else " i" if row.kind == "added" else ""
    before = names.left(row.left) if row.left else ""
    after = names.right(row.right) if row.right else ""
    code = _code(row.right, right) if row.right else _code(row.left, left) if row.left else ""
    mark = ' class="q"' if not css and _quieted(row) else ""
    return (
        f'<tr{mark}><td class="n{css}">{before}</td><td class="n{css}">{after}</td><td class="c{css}">{code}</td></tr>'
    )


def _address(prefix: str, number: int) -> str:
    """A line's number, which is also its address. Not a stop of the tab key: there are thousands."""
    return f'<a id="{prefix}{number}" href="#{prefix}{number}" tabindex="-1">{number}</a>'


def _code(line: Line, colours: Colours) -> str:
    tokens = colours.get(line.number, [("", line.text)])
    return "".join(_segment(part.text, part.css_class, part.emphasised) for part in segments(tokens, line.spans))


def _segment(text: str, css_class: str, is_emphasised: bool) -> str:
    safe = _safe(text)
    if css_class not in _COLOURLESS:
        safe = f'<span class="{css_class}">{safe}</span>'
    return f"<b>{safe}</b>" if is_emphasised else safe


def _safe(text: str) -> str:
    """The text escaped, with each deceiving character replaced by its number."""
    return _DECEIVING.sub(_named, escape(text))


def _named(found: re.Match[str]) -> str:
    return f'<span class="ctl">U+{ord(found[0]):04X}</span>'
