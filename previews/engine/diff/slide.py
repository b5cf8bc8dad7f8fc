"""Moves a change that could stand at several places to where a reader of YAML expects it.

An added list item whose last line equals the line above it can be shown as "last line of the old item, first lines of
the new": right, and unreadable. Git's indent heuristic (git 2.11, `--indent-heuristic`) mends this for code; here the
same idea with rules for YAML only.
"""

from __future__ import annotations

from collections.abc import Sequence

from previews.engine.diff.opcodes import Opcode

#: How far a change is moved at most, as in Git: beyond it a text repeats itself so often that no place is better.
MAX_SLIDE = 100
#: Blank lines that are looked past for an indentation.
MAX_BLANK = 20
#: What a change may begin with, the best first; see `_rank`.
_DOCUMENT, _OPENING, _PLAIN, _BLANK = range(4)


def slide(changes: Sequence[Opcode], left: Sequence[str], right: Sequence[str]) -> list[Opcode]:
    """The changes of an edit script, in order, each insertion and deletion moved to its most readable place.

    The script means the same as before, with as many lines changed, and changes stay apart from each other.
    """
    moved: list[Opcode] = []
    for at, change in enumerate(changes):
        above = change.i1 - moved[-1].i2 - 1 if moved else change.i1
        below = changes[at + 1].i1 - change.i2 - 1 if at + 1 < len(changes) else len(left) - change.i2
        moved.append(_slide_one(change, left, right, above, below))
    return moved


def _slide_one(change: Opcode, left: Sequence[str], right: Sequence[str], above: int, below: int) -> Opcode:
    tag, i1, i2, j1, j2 = change
    if tag not in ("insert", "delete"):
        return change
    lines, start, end = (right, j1, j2) if tag == "insert" else (left, i1, i2)
    up = down = 0
    while up < min(above, MAX_SLIDE) and lines[start - 1 - up] == lines[end - 1 - up]:
        up += 1
    while down < min(below, MAX_SLIDE) and lines[start + down] == lines[end + down]:
        down += 1
    if not up and not down:
        return change
    by = min(range(-up, down + 1), key=lambda shift: _awkwardness(lines, start + shift, end + shift))
    return Opcode(tag, i1 + by, i2 + by, j1 + by, j2 + by)


def _awkwardness(lines: Sequence[str], start: int, end: int) -> tuple[int, int, int]:
    """The less the better: a change should begin and end between outer blocks, with what opens a block, and late."""
    return _indent(lines, start) + _indent(lines, end), _rank(lines[start]), -start


def _indent(lines: Sequence[str], at: int) -> int:
    """The indentation of the line, or if it is blank of the next that is not, as it belongs to what follows."""
    for line in lines[at : at + MAX_BLANK]:
        text = line.lstrip(" ")
        if text:
            return len(line) - len(text)
    return 0


def _rank(line: str) -> int:
    text = line.lstrip(" ")
    if text.startswith("---"):
        return _DOCUMENT
    if text.startswith(("- ", "#")) or text == "-":
        return _OPENING
    return _PLAIN if text else _BLANK
