"""Which parts of a diff a page shows: what changed first, up to a budget of rows; the rest has an address to ask for.

A part is a chunk of a section's diff, counted from 0; `r3p5` names part 5 of section 3, `r3` all of them. Folded
context is a part too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from previews.engine.diff.rows import Chunk, Fold, Row, chunks, open_fold, rows, unified_rows
from previews.views.cell_section import Section

#: Rows of a page. A browser lays out this many in about a second; longer diffs come in pieces.
ROWS = 2500
#: Rows of a changed part: longer ones are cut, so that a page can end within. Of a fold, this many come at a click.
PIECE = 200
#: Folds longer than this open in steps of `STEP` lines, shorter ones at once.
LONG_FOLD = 120
STEP = 60

_TOKEN = re.compile(r"r(\d{1,6})(?:p(\d{1,6})(?:\.(\d{1,6})\.(\d{1,6}))?)?")

_NUMBER = re.compile(r"[0-9]{1,6}")

#: How far a fold is open: lines at its head and at its tail.
Opening = tuple[int, int]
Openings = Mapping[tuple[int, int], Opening]
_WHOLE: Opening = (999_999, 0)
_CLOSED: Opening = (0, 0)
#: Stands for every part of a section.
ALL = -1


@dataclass(frozen=True, slots=True)
class Lines:
    """Rows that are shown: all changed, or all context."""

    rows: list[Row]

    @property
    def is_changed(self) -> bool:
        """Whether they differ."""
        return bool(self.rows) and self.rows[0].kind != "context"


@dataclass(frozen=True, slots=True)
class Bar:
    """A fold that is (still) closed. Its openings are what the address needs for one step or for all of it.

    `next` is how many of its `count` lines come at one click, `opened` how far it is open by now: what stands above
    and below it need not come again.
    """

    section: int
    part: int
    count: int
    next: int
    after: str
    opened: str
    down: str
    up: str
    whole: str


@dataclass(frozen=True, slots=True)
class More:
    """From here on the section is left out of this page: for its length, or because it was viewed."""

    section: int
    part: int
    viewed: bool = False


Item = Lines | Bar | More


@dataclass(frozen=True)
class Shown:
    """A section and what of it is on the page, in order."""

    section: Section
    items: tuple[Item, ...]
    unified: bool = False

    @property
    def is_viewed(self) -> bool:
        """Whether it is closed because it was viewed."""
        return any(isinstance(item, More) and item.viewed for item in self.items)

    def has_line(self, is_base: bool, number: int) -> bool:
        """Whether a line of one side is among the rows."""
        place = self.section.place(is_base, number)
        rows = (row for item in self.items if isinstance(item, Lines) for row in item.rows)
        lines = (row.left if is_base else row.right for row in rows)
        return any(line is not None and line.number == place + 1 for line in lines)

    @property
    def is_coarse(self) -> bool:
        """Whether rows are shown of a diff that is longer than need be, as its budget ran out."""
        return any(isinstance(item, Lines) for item in self.items) and self.section.diff.coarse


@dataclass(slots=True)
class Budget:
    """Rows that may still be shown."""

    rows: int = ROWS

    @property
    def is_spent(self) -> bool:
        """Whether nothing more fits."""
        return self.rows <= 0


def parse_openings(text: str) -> dict[tuple[int, int], Opening]:
    """What `?expand=r2,r3p5,r4p1.60.0` opens; nonsense opens nothing."""
    found = {}
    for token in text.split(",")[:500]:
        match = _TOKEN.fullmatch(token.strip())
        if match:
            head, tail = (int(match[3]), int(match[4])) if match[3] else _WHOLE
            found[int(match[1]), int(match[2]) if match[2] else ALL] = (head, tail)
    return found


def parse_opened(text: str) -> Opening:
    """A bar's `opened`; nonsense is a closed fold."""
    head, _, tail = text.partition(".")
    return (int(head), int(tail)) if _NUMBER.fullmatch(head) and _NUMBER.fullmatch(tail) else _CLOSED


def format_openings(openings: Openings) -> str:
    """The text that `parse_openings` reads."""
    return ",".join(_token(section, part, opening) for (section, part), opening in sorted(openings.items()))


def show_section(
    section: Section,
    budget: Budget,
    openings: Openings,
    is_unified: bool,
    first: int = 0,
    last: int | None = None,
    opened: Opening | None = None,
) -> Shown:
    """The section's parts from `first` to `last`, as far as the budget goes.

    With `opened` they go into a page on which folds are open so far: only what is new comes, and no more than a piece.

    Where one side has no text there is nothing to stand beside the other, which then takes the whole width.
    """
    is_unified = is_unified or None in section.texts
    if budget.is_spent:
        return Shown(section, (More(section.index, first),), is_unified)
    parts = list(_parts(section))
    default = openings.get((section.index, ALL), _CLOSED)
    items: list[Item] = []
    for number, part in list(enumerate(parts))[first : None if last is None else last + 1]:
        if budget.is_spent:
            items.append(More(section.index, number))
            break
        opening = openings.get((section.index, number), default)
        for item in _items(section, number, part, opening, opened, is_unified):
            if isinstance(item, Lines):
                budget.rows -= len(item.rows)
            items.append(item)
    return Shown(section, tuple(items), is_unified)


def place_of(section: Section, is_base: bool, number: int) -> tuple[int, Opening] | None:
    """The part in which a line stands, counted from 1, and how far a fold has to be open there to show it."""
    at = section.place(is_base, number)
    for place, part in enumerate(_parts(section)):
        i1, j1 = part.i1, part.j1
        i2, j2 = (i1 + part.count, j1 + part.count) if isinstance(part, Fold) else (part.i2, part.j2)
        first, last = (i1, i2) if is_base else (j1, j2)
        if first <= at < last:
            if last - first <= LONG_FOLD:
                return place, _WHOLE
            return place, (at - first + STEP, 0) if at - first < last - at else (0, last - at + STEP)
    return None


def _parts(section: Section) -> Iterator[Chunk | Fold]:
    for chunk in chunks(section.opcodes):
        if isinstance(chunk, Fold) or chunk.tag == "equal":
            yield chunk
        else:
            yield from _pieces(chunk)


def _pieces(chunk: Chunk) -> Iterator[Chunk]:
    """A long changed chunk in pieces of both sides alike."""
    left, right = chunk.i2 - chunk.i1, chunk.j2 - chunk.j1
    pieces = -(-max(left, right) // PIECE)
    for at in range(pieces):
        i1, i2 = (chunk.i1 + left * step // pieces for step in (at, at + 1))
        j1, j2 = (chunk.j1 + right * step // pieces for step in (at, at + 1))
        tag = "replace" if i1 < i2 and j1 < j2 else "delete" if i1 < i2 else "insert"
        yield Chunk(tag if pieces > 1 else chunk.tag, i1, i2, j1, j2)  # type: ignore[arg-type]


def _items(
    section: Section, number: int, part: Chunk | Fold, opening: Opening, opened: Opening | None, is_unified: bool
) -> Iterable[Item]:
    make = unified_rows if is_unified else rows
    if isinstance(part, Chunk):
        return [Lines(make(part, section.left_lines, section.right_lines))]
    limit = ROWS if opened is None else PIECE
    above = min(opened[0], part.count) if opened else 0
    below = min(opened[1], part.count - above) if opened else 0
    rest = Fold(part.index, part.i1 + above, part.j1 + above, part.count - above - below)
    # However much is asked for, no more than the limit comes at once; the bar then leads on.
    head, tail = (max(0, min(asked - known, limit)) for asked, known in zip(opening, (above, below), strict=True))
    return [
        _bar(section, number, piece, (above + head, below + tail))
        if isinstance(piece, Fold)
        else Lines(make(piece, section.left_lines, section.right_lines))
        for piece in open_fold(rest, head, tail)
    ]


def _bar(section: Section, number: int, fold: Fold, opening: Opening) -> Bar:
    head, tail = opening
    is_long = fold.count > LONG_FOLD
    return Bar(
        section=section.index,
        part=number,
        count=fold.count,
        next=min(fold.count, PIECE),
        after=_context(section.right_lines, fold.j1 + fold.count),
        opened=f"{head}.{tail}",
        down=_token(section.index, number, (head + STEP, tail)) if is_long else "",
        up=_token(section.index, number, (head, tail + STEP)) if is_long else "",
        whole=_token(section.index, number, _WHOLE),
    )


def _token(section: int, part: int, opening: Opening) -> str:
    name = f"r{section}" if part == ALL else f"r{section}p{part}"
    return name if opening == _WHOLE else f"{name}.{opening[0]}.{opening[1]}"


def _context(lines: list[str], at: int) -> str:
    """The nearest line above `at` that is further out: where in the object the next lines stand, as in a Git hunk."""
    following = next((line for line in lines[at : at + 50] if line.strip()), "")
    indent = len(following) - len(following.lstrip())
    path: list[str] = []
    if not indent:
        return ""
    for line in reversed(lines[max(0, at - 2000) : at]):
        # Most lines are as far in or further: the cheapest look comes first.
        if not line or line[:indent].isspace() or ":" not in line:
            continue
        path.append(line.strip().removeprefix("- ").partition(":")[0].strip())
        indent = len(line) - len(line.lstrip())
        if indent == 0 or len(path) == 6:
            break
    return " › ".join(reversed(path))[:160]
