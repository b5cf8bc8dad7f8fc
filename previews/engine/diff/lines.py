"""Which lines of two texts correspond: the edit script that everything else in the diff is made from.

The way of it, cheapest first: equal ends are cut off; lines that stand once on both sides are anchors (patience
diff, after Bram Cohen) and cut a gap into smaller ones, again and again; a small gap without anchors goes to
difflib, a larger one to `subsequence`; what lies beyond the budget is replaced as a whole. Last, changes that could
stand at several places are moved to where a reader of YAML expects them (`slide`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

from previews.engine.diff.slide import slide
from previews.engine.diff.subsequence import common_subsequence

Tag = Literal["equal", "replace", "delete", "insert"]

#: difflib looks at every pair of equal lines in a gap, in each round: this many pairs are a few milliseconds.
DIFFLIB_PAIRS = 4_000
#: difflib's blocks read well but can miss lines that correspond. A gap whose changed lines are more than this many
#: times the fewest possible is taken from `subsequence` instead.
DIFFLIB_EXCESS = 1.0
#: How often a gap is cut by anchors before it is taken as it is. Real texts need fewer than 10 rounds; a hostile one
#: could ask for a round for each line.
ANCHOR_ROUNDS = 40
#: Cells (left lines times right lines) that `subsequence` may look at in one diff: about a second of work.
BUDGET = 4_000_000_000


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


class Gap(NamedTuple):
    """A stretch of both sides that is still to be matched, `rounds` times cut by anchors."""

    i1: int
    i2: int
    j1: int
    j2: int
    rounds: int = 0


@dataclass(frozen=True, slots=True)
class LineDiff:
    """An edit script from the left lines to the right ones: opcodes without gaps, equal and changed in turn.

    `coarse` says that the budget ran out: the script is still right, but some stretch is replaced as a whole although
    lines in it may correspond.
    """

    opcodes: tuple[Opcode, ...]
    coarse: bool = False


@dataclass(slots=True)
class _Budget:
    cells: int
    exceeded: bool = False

    def spend(self, cells: int) -> bool:
        """Takes `cells` off and says whether there were that many."""
        if cells > self.cells:
            self.exceeded = True
            return False
        self.cells -= cells
        return True


def split_lines(text: str) -> list[str]:
    """The lines of a text without their newline. Only LF ends a line: YAML's and Git's view, not `str.splitlines`'s."""
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


def diff_lines(left: Sequence[str], right: Sequence[str], budget: int = BUDGET) -> LineDiff:
    """The edit script from `left` to `right`, near-linear on real texts and bounded on all.

    `budget` is the number of cells that the slow path may look at; see `LineDiff.coarse`.
    """
    numbers: dict[str, int] = {}
    a = [numbers.setdefault(line, len(numbers)) for line in left]
    b = [numbers.setdefault(line, len(numbers)) for line in right]
    spending = _Budget(budget)
    blocks = sorted(_match(a, b, spending))
    blocks = slide(blocks, left, right)
    return LineDiff(tuple(_opcodes(blocks, len(a), len(b))), spending.exceeded)


def count(opcodes: Iterable[Opcode]) -> tuple[int, int]:
    """Lines added and lines removed."""
    added = removed = 0
    for tag, i1, i2, j1, j2 in opcodes:
        if tag != "equal":
            added += j2 - j1
            removed += i2 - i1
    return added, removed


def _opcodes(blocks: Iterable[tuple[int, int, int]], m: int, n: int) -> Iterator[Opcode]:
    """Opcodes of blocks in order; blocks that touch on both sides become one."""
    i = j = 0
    start_i = start_j = 0  # where the equal run began that ends at i, j
    for bi, bj, size in [*blocks, (m, n, 0)]:
        if (bi, bj) == (i, j):
            i, j = i + size, j + size
            continue
        if i > start_i:
            yield Opcode("equal", start_i, i, start_j, j)
        yield Opcode(_tag(bi - i, bj - j), i, bi, j, bj)
        start_i, start_j = bi, bj
        i, j = bi + size, bj + size
    if i > start_i:
        yield Opcode("equal", start_i, i, start_j, j)


def _tag(removed: int, added: int) -> Tag:
    if removed and added:
        return "replace"
    return "delete" if removed else "insert"


def _match(a: Sequence[int], b: Sequence[int], budget: _Budget) -> Iterator[Block]:
    todo = [Gap(0, len(a), 0, len(b))]
    while todo:
        gap, ends = _cut_ends(a, b, todo.pop())
        yield from ends
        if gap.i1 == gap.i2 or gap.j1 == gap.j2:
            continue
        anchors = _anchors(a, b, gap) if gap.rounds < ANCHOR_ROUNDS else []
        if anchors:
            todo.extend(_between(gap, anchors))
        else:
            yield from _match_gap(a, b, gap, budget)


def _cut_ends(a: Sequence[int], b: Sequence[int], gap: Gap) -> tuple[Gap, list[Block]]:
    i1, i2, j1, j2, rounds = gap
    while i1 < i2 and j1 < j2 and a[i1] == b[j1]:
        i1, j1 = i1 + 1, j1 + 1
    while i1 < i2 and j1 < j2 and a[i2 - 1] == b[j2 - 1]:
        i2, j2 = i2 - 1, j2 - 1
    ends = [Block(gap.i1, gap.j1, i1 - gap.i1), Block(i2, j2, gap.i2 - i2)]
    return Gap(i1, i2, j1, j2, rounds), [block for block in ends if block.size]


def _anchors(a: Sequence[int], b: Sequence[int], gap: Gap) -> list[tuple[int, int]]:
    """Places of lines that stand once on both sides of the gap: the longest chain of them that rises on both."""
    in_a, in_b = a[gap.i1 : gap.i2], b[gap.j1 : gap.j2]
    times_a, times_b = Counter(in_a), Counter(in_b)
    where_b = {line: j for j, line in enumerate(in_b, gap.j1) if times_b[line] == 1}
    pairs = [(i, where_b[line]) for i, line in enumerate(in_a, gap.i1) if times_a[line] == 1 and line in where_b]
    return _longest_rising(pairs)


def _longest_rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest subsequence of pairs (in order of the first) whose second numbers rise: patience sorting."""
    tails: list[int] = []  # the smallest last number of a chain of each length
    tail_at: list[int] = []
    previous: list[int] = []
    for at, (_, j) in enumerate(pairs):
        length = bisect_left(tails, j)
        previous.append(tail_at[length - 1] if length else -1)
        tails[length : length + 1] = [j]
        tail_at[length : length + 1] = [at]
    chain = []
    at = tail_at[-1] if tail_at else -1
    while at >= 0:
        chain.append(pairs[at])
        at = previous[at]
    return chain[::-1]


def _between(gap: Gap, anchors: Iterable[tuple[int, int]]) -> Iterator[Gap]:
    """The gaps from anchor to anchor; an anchor is the first line of its gap, where cutting the ends finds it."""
    i1, j1 = gap.i1, gap.j1
    for i, j in anchors:
        yield Gap(i1, i, j1, j, gap.rounds + 1)
        i1, j1 = i, j
    yield Gap(i1, gap.i2, j1, gap.j2, gap.rounds + 1)


def _match_gap(a: Sequence[int], b: Sequence[int], gap: Gap, budget: _Budget) -> list[Block]:
    """A gap without anchors: difflib while it is small and good, else the longest common subsequence."""
    in_a, in_b = a[gap.i1 : gap.i2], b[gap.j1 : gap.j2]
    times_a, times_b = Counter(in_a), Counter(in_b)
    pairs = sum(times * times_b[line] for line, times in times_a.items())
    if not pairs:
        return []
    blocks = []
    if pairs <= DIFFLIB_PAIRS:
        matcher = SequenceMatcher(None, in_a, in_b, autojunk=False)
        return [Block(gap.i1 + i, gap.j1 + j, size) for i, j, size in matcher.get_matching_blocks() if size]
    shared_a = [i for i, line in enumerate(in_a, gap.i1) if line in times_b]
    shared_b = [j for j, line in enumerate(in_b, gap.j1) if line in times_a]
    if not budget.spend(len(shared_a) * len(shared_b)):
        return []
    matches = common_subsequence([a[i] for i in shared_a], [b[j] for j in shared_b])
    return [Block(shared_a[i], shared_b[j], 1) for i, j in matches]
