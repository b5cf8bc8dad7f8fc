"""Syntax colours of YAML, as data: short CSS class names of pygments and the text that they belong to."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

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

#: Stretches up to this many characters stay coloured in memory: base and head share them, and so do many resources,
#: and pages that are loaded again. With their number it bounds what a process holds, to some 200 MB at the very worst
#: and 20 MB as a rule.
_KEPT = 5_000
_TEXTS = 2_000

_BLOCK = re.compile(r"(?:^|[:-]) +[|>][-+1-9]{0,2}$")
_QUOTE = re.compile(r"""[:-] (['"])(?!.*\1$)""")


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


def long_scalars(lines: Sequence[str]) -> list[tuple[int, int]]:
    """The scalars of several lines, blocks and quoted ones: the line that each begins on, and the one after its end."""
    found = []
    end = 0
    for at, line in enumerate(lines):
        # The cheap looks first: this goes through every line of a text, of which a page shows few.
        if at < end:
            continue
        if line[-1:] in "|>-+123456789" and _BLOCK.search(line):
            end = _block_end(lines, at)
        elif (": '" in line or ': "' in line or "- '" in line or '- "' in line) and (quote := _QUOTE.search(line)):
            end = next((last + 1 for last in range(at + 1, len(lines)) if lines[last].endswith(quote[1])), at + 1)
        if end > at + 1:
            found.append((at, end))
    return found


def _block_end(lines: Sequence[str], header: int) -> int:
    """The line after a block scalar: the first that is no further in than what the block belongs to."""
    rest = lines[header].lstrip(" -")
    indent = len(lines[header]) - len(rest) - (2 if rest[:1] in "|>" else 0)
    inside = " " * (indent + 1)
    for at in range(header + 1, len(lines)):
        if not lines[at].startswith(inside) and lines[at].strip():
            return at
    return len(lines)


def highlight_lines(
    lines: Sequence[str], scalars: Sequence[tuple[int, int]], first: int, last: int
) -> list[list[Token]]:
    """The tokens of `lines[first:last]`, much as `highlight_yaml` has them, without reading the lines above.

    `scalars` are the text's `long_scalars`: lines within one are read as its own.
    """
    at = bisect_left(scalars, (first, 0)) - 1
    start, end = scalars[at] if at >= 0 else (0, 0)
    # The first line of a block tells how far it is indented.
    above = lines[start : min(start + 2, first)] if first < end else []
    text = "\n".join([*above, *lines[first:last], ""])
    return (_kept(text) if len(text) <= _KEPT else highlight_yaml(text))[len(above) :]


@lru_cache(maxsize=_TEXTS)
def _kept(text: str) -> list[list[Token]]:
    return highlight_yaml(text)


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
