"""The edit script's steps, in difflib's terms, and what can be done with them without knowing how they were found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

Tag = Literal["equal", "replace", "delete", "insert"]


class Opcode(NamedTuple):
    """`left[i1:i2]` becomes `right[j1:j2]`, as in difflib."""

    tag: Tag
    i1: int
    i2: int
    j1: int
    j2: int


class Block(NamedTuple):
    """`size` lines from `i` on the left that equal those from `j` on the right."""

    i: int
    j: int
    size: int


def count(opcodes: Iterable[Opcode]) -> tuple[int, int]:
    """Lines added and lines removed."""
    added = removed = 0
    for tag, i1, i2, j1, j2 in opcodes:
        if tag != "equal":
            added += j2 - j1
            removed += i2 - i1
    return added, removed


def changes_between(blocks: Iterable[Block], left: int, right: int) -> list[Opcode]:
    """The changed opcodes of two texts of `left` and `right` lines that have `blocks` (in order) in common."""
    changes = []
    i = j = 0
    for block in [*blocks, Block(left, right, 0)]:
        if block.i > i or block.j > j:
            changes.append(Opcode(_tag(block.i - i, block.j - j), i, block.i, j, block.j))
        i, j = block.i + block.size, block.j + block.size
    return changes


def with_equal(changes: Iterable[Opcode], left: int) -> Iterator[Opcode]:
    """The whole edit script of a left text of `left` lines: the changes, and what stands equal around them."""
    i = j = 0
    for change in changes:
        if change.i1 > i:
            yield Opcode("equal", i, change.i1, j, change.j1)
        yield change
        i, j = change.i2, change.j2
    if left > i:
        yield Opcode("equal", i, left, j, j + left - i)


def _tag(removed: int, added: int) -> Tag:
    if removed and added:
        return "replace"
    return "delete" if removed else "insert"
