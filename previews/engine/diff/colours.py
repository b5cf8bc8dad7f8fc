"""Syntax colours of YAML, as data: short CSS class names of pygments and the text that they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pygments.lexers.data import YamlLexer
from pygments.token import STANDARD_TYPES, _TokenType

from previews.engine.diff.lines import split_lines
from previews.engine.diff.words import Span

#: A stretch of a line: its CSS class (`nt`, `s`, … or "" for none) and its text.
Token = tuple[str, str]

#: Above these a text gets no colours. Lines and their length as in Review Board; the characters because hostile text
#: costs the lexer up to two seconds for each million.
MAX_LINES = 20_000
MAX_CHARACTERS = 1_000_000
MAX_LINE_LENGTH = 1_000


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a line in one colour, within a changed span (`emphasised`) or outside of all."""

    text: str
    css_class: str
    emphasised: bool


def highlight_yaml(text: str) -> list[list[Token]]:
    """The tokens of each line of `split_lines(text)`, which joined give the line.

    The text is read as a whole and cut afterwards, so that the second line of a multi-line string is known for a
    string. Texts above the limits come back in one colourless token a line.
    """
    lines = split_lines(text)
    if not _is_small(text, lines):
        return [_plain(line) for line in lines]
    coloured: list[list[Token]] = [[]]
    # Not `get_tokens`, which changes the text (newlines, a byte order mark) and so would shift every line after.
    for _, token_type, value in YamlLexer().get_tokens_unprocessed(text):
        first, *others = value.split("\n")
        _append(coloured[-1], token_type, first)
        for part in others:
            coloured.append([])
            _append(coloured[-1], token_type, part)
    return coloured[: len(lines)]


def segments(tokens: Sequence[Token], spans: Sequence[Span]) -> list[Segment]:
    """A line's colours cut along its changed spans. Joined, the segments' texts give the line."""
    found: list[Segment] = []
    at = 0
    for css_class, text in tokens:
        end = at + len(text)
        for start, stop, emphasised in _cuts(at, end, spans):
            found.append(Segment(text[start - at : stop - at], css_class, emphasised))
        at = end
    return found


def _cuts(at: int, end: int, spans: Sequence[Span]) -> list[tuple[int, int, bool]]:
    """The stretch from `at` to `end` in parts that lie wholly inside or outside a span."""
    parts = []
    for start, stop in spans:
        start, stop = max(start, at), min(stop, end)
        if start >= stop:
            continue
        if at < start:
            parts.append((at, start, False))
        parts.append((start, stop, True))
        at = stop
    if at < end:
        parts.append((at, end, False))
    return parts


def _is_small(text: str, lines: Sequence[str]) -> bool:
    if len(text) > MAX_CHARACTERS or len(lines) > MAX_LINES:
        return False
    return all(len(line) <= MAX_LINE_LENGTH for line in lines)


def _plain(line: str) -> list[Token]:
    return [("", line)] if line else []


def _append(line: list[Token], token_type: _TokenType, text: str) -> None:
    if not text:
        return
    css_class = _css_class(token_type)
    if line and line[-1][0] == css_class:
        text = line.pop()[1] + text
    line.append((css_class, text))


def _css_class(token_type: _TokenType) -> str:
    """Pygments' short name of the token's type, or of the nearest type above it that has one."""
    while token_type not in STANDARD_TYPES and token_type.parent:
        token_type = token_type.parent
    css_class = STANDARD_TYPES.get(token_type, "")
    return "" if css_class == "w" else css_class
