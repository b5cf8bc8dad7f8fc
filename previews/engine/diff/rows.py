"""From an edit script to what a page shows: opcodes -> chunks -> rows.

A chunk is a stretch of the diff known by line numbers alone, so chunks of a large diff cost nothing; folded context is
a chunk too. Only the chunks that are shown become rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from typing import Literal

from previews.engine.diff.opcodes import Opcode, Tag
from previews.engine.diff.words import Spans, changed_spans, pair_lines

RowKind = Literal["context", "changed", "added", "removed"]

#: Equal lines kept in sight around a change.
CONTEXT = 3
#: Fewer equal lines than this are shown rather than folded: the fold itself takes a line.
SMALLEST_FOLD = 4
#: How the lines of a changed block belong together is kept in memory for blocks up to this many characters.
_KEPT = 4_000

#: Places of two lines in their block, and the spans in which they differ.
_Pair = tuple[int, int, Spans, Spans]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Lines that are shown: `left[i1:i2]` beside `right[j1:j2]`, all equal or all changed."""

    tag: Tag
    i1: int
    i2: int
    j1: int
    j2: int


@dataclass(frozen=True, slots=True)
class Fold:
    """`count` equal lines out of sight, from `left[i1]` and `right[j1]`; `index` counts the folds of a diff from 0."""

    index: int
    i1: int
    j1: int
    count: int


@dataclass(frozen=True, slots=True)
class Line:
    """A line on one side: its number counted from 1, its text, and the spans of it that differ (may be none)."""

    number: int
    text: str
    spans: Spans = ()


@dataclass(frozen=True, slots=True)
class Row:
    """What stands side by side. A side without a line is None; `changed` has both, `added` and `removed` one."""

    kind: RowKind
    left: Line | None
    right: Line | None


def chunks(opcodes: Iterable[Opcode], context: int = CONTEXT) -> list[Chunk | Fold]:
    """The edit script with the equal lines folded that are not within `context` lines of a change."""
    script = list(opcodes)
    found: list[Chunk | Fold] = []
    folds = 0
    for at, opcode in enumerate(script):
        if opcode.tag != "equal":
            found.append(Chunk(*opcode))
            continue
        size = opcode.i2 - opcode.i1
        head = context if at else 0
        tail = context if at + 1 < len(script) else 0
        parts = open_fold(Fold(folds, opcode.i1, opcode.j1, size), head, tail)
        folds += any(isinstance(part, Fold) for part in parts)
        found.extend(parts)
    return found


def open_fold(fold: Fold, head: int, tail: int) -> list[Chunk | Fold]:
    """The fold with its first `head` and last `tail` lines shown; what is left keeps the index, if worth a fold."""
    last = fold.count - tail
    if last - head < SMALLEST_FOLD:
        return [_equal(fold, 0, fold.count)] if fold.count else []
    above, below = _equal(fold, 0, head), _equal(fold, last, fold.count)
    closed = Fold(fold.index, fold.i1 + head, fold.j1 + head, last - head)
    return [*([above] if head else []), closed, *([below] if tail else [])]


def rows(chunk: Chunk | Fold, left: Sequence[str], right: Sequence[str]) -> list[Row]:
    """The rows of a chunk side by side, those of a fold as if it were open. Lines come once and in order."""
    if isinstance(chunk, Fold):
        chunk = _equal(chunk, 0, chunk.count)
    if chunk.tag == "equal":
        numbers = zip(range(chunk.i1, chunk.i2), range(chunk.j1, chunk.j2), strict=True)
        return [Row("context", Line(i + 1, left[i]), Line(j + 1, right[j])) for i, j in numbers]
    return list(_changed_rows(chunk, left, right))


def unified_rows(chunk: Chunk | Fold, left: Sequence[str], right: Sequence[str]) -> list[Row]:
    """The rows of a chunk one below the other: removed lines, then added ones, with the same spans as side by side."""
    side_by_side = rows(chunk, left, right)
    if not side_by_side or side_by_side[0].kind == "context":
        return side_by_side
    removed = [Row("removed", row.left, None) for row in side_by_side if row.left]
    return removed + [Row("added", None, row.right) for row in side_by_side if row.right]


def _equal(fold: Fold, first: int, last: int) -> Chunk:
    return Chunk("equal", fold.i1 + first, fold.i1 + last, fold.j1 + first, fold.j1 + last)


def _changed_rows(chunk: Chunk, left: Sequence[str], right: Sequence[str]) -> Iterator[Row]:
    """Pairs of lines that belong together in one row; between them, what is left over of both sides fills rows."""
    i, j = chunk.i1, chunk.j1
    for pair_i, pair_j, spans, right_spans in _pairs(left[chunk.i1 : chunk.i2], right[chunk.j1 : chunk.j2]):
        yield from _loose_rows(left, right, range(i, chunk.i1 + pair_i), range(j, chunk.j1 + pair_j))
        i, j = chunk.i1 + pair_i, chunk.j1 + pair_j
        yield Row("changed", Line(i + 1, left[i], spans), Line(j + 1, right[j], right_spans))
        i, j = i + 1, j + 1
    yield from _loose_rows(left, right, range(i, chunk.i2), range(j, chunk.j2))


def _pairs(left: Sequence[str], right: Sequence[str]) -> tuple[_Pair, ...]:
    """Lines of a changed block that belong together, by their places in it, with the spans of both."""
    if sum(map(len, left)) + sum(map(len, right)) <= _KEPT:
        return _kept_pairs(tuple(left), tuple(right))
    return _made_pairs(left, right)


def _made_pairs(left: Sequence[str], right: Sequence[str]) -> tuple[_Pair, ...]:
    return tuple((i, j, *changed_spans(left[i], right[j])) for i, j in pair_lines(left, right))


#: The same block often changes in many places, and a page is loaded again. A few MB as a rule, 20 MB at the worst.
_kept_pairs = lru_cache(maxsize=4_000)(_made_pairs)


def _loose_rows(left: Sequence[str], right: Sequence[str], of_left: range, of_right: range) -> Iterator[Row]:
    for i, j in zip_longest(of_left, of_right):
        old = None if i is None else Line(i + 1, left[i])
        new = None if j is None else Line(j + 1, right[j])
        yield Row("changed" if old and new else "removed" if old else "added", old, new)
