"""Which lines of two texts correspond: the edit script that everything else in the diff is made from.

The way of it, cheapest first: equal ends are cut off; lines that stand once on both sides are anchors (patience
diff, after Bram Cohen) and cut a gap into smaller ones, again and again; a small gap without anchors goes to
difflib, any other to `subsequence`; what lies beyond the budget is replaced as a whole. Last, changes that could
stand at several places are moved to where a reader of YAML expects them (`slide`).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import NamedTuple

from previews.engine.diff.opcodes import Block, Opcode, changes_between, with_equal
from previews.engine.diff.slide import slide
from previews.engine.diff.subsequence import common_subsequence

#: difflib looks at every pair of equal lines in a gap, in each round: this many pairs are a few milliseconds.
DIFFLIB_PAIRS = 4_000
#: How often a gap is cut by anchors before it is taken as it is. Real texts need fewer than 10 rounds; a hostile one
#: could ask for a round for each line.
ANCHOR_ROUNDS = 40
#: Cells (left lines times right lines) that `subsequence` may look at in one diff: about a second of work.
BUDGET = 4_000_000_000

_OTHER_BREAK = re.compile("\r(?!\n)|[\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class LineDiff:
    """An edit script from the left lines to the right ones: opcodes that follow each other, equal and changed in turn.

    `coarse` says that the budget ran out: the script is still right, but some stretch is replaced as a whole although
    lines in it correspond.
    """

    opcodes: tuple[Opcode, ...]
    coarse: bool = False


class _Gap(NamedTuple):
    """A stretch of both sides that is still to be matched, after `rounds` cuts by anchors."""

    i1: int
    i2: int
    j1: int
    j2: int
    rounds: int = 0


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
    """The lines of a text without their newline. Only LF ends a line: Git's view, not that of `str.splitlines`."""
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


def has_other_breaks(text: str) -> bool:
    """Whether a YAML parser sees other lines in a text than `split_lines` does."""
    return bool(_OTHER_BREAK.search(text))


def diff_lines(left: Sequence[str], right: Sequence[str], budget: int = BUDGET) -> LineDiff:
    """The edit script from `left` to `right`, near-linear on real texts and bounded on all.

    `budget` is the number of cells that the slow path may look at; see `LineDiff.coarse`.
    """
    numbers: dict[str, int] = {}
    a = [numbers.setdefault(line, len(numbers)) for line in left]
    b = [numbers.setdefault(line, len(numbers)) for line in right]
    if a == b:
        return LineDiff(tuple(with_equal([], len(a))))
    spending = _Budget(budget)
    blocks = sorted(_match(a, b, spending))
    changes = slide(changes_between(blocks, len(a), len(b)), left, right)
    return LineDiff(tuple(with_equal(changes, len(a))), spending.exceeded)


def _match(a: Sequence[int], b: Sequence[int], budget: _Budget) -> Iterator[Block]:
    """What both sides have in common, in no order."""
    todo = [_Gap(0, len(a), 0, len(b))]
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


def _cut_ends(a: Sequence[int], b: Sequence[int], gap: _Gap) -> tuple[_Gap, list[Block]]:
    i1, i2, j1, j2, rounds = gap
    while i1 < i2 and j1 < j2 and a[i1] == b[j1]:
        i1, j1 = i1 + 1, j1 + 1
    while i1 < i2 and j1 < j2 and a[i2 - 1] == b[j2 - 1]:
        i2, j2 = i2 - 1, j2 - 1
    ends = [Block(gap.i1, gap.j1, i1 - gap.i1), Block(i2, j2, gap.i2 - i2)]
    return _Gap(i1, i2, j1, j2, rounds), [block for block in ends if block.size]


def _anchors(a: Sequence[int], b: Sequence[int], gap: _Gap) -> list[tuple[int, int]]:
    """Places of lines that stand once on both sides of the gap: the longest chain of them that rises on both."""
    in_a, in_b = a[gap.i1 : gap.i2], b[gap.j1 : gap.j2]
    times_a, times_b = Counter(in_a), Counter(in_b)
    where_b = {line: j for j, line in enumerate(in_b, gap.j1) if times_b[line] == 1}
    pairs = [(i, where_b[line]) for i, line in enumerate(in_a, gap.i1) if times_a[line] == 1 and line in where_b]
    return longest_rising(pairs)


def longest_rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest subsequence of pairs, given in order of their first, whose second numbers rise (patience sorting)."""
    tails: list[int] = []  # the smallest second number that a chain of each length can end with
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


def _between(gap: _Gap, anchors: Iterable[tuple[int, int]]) -> Iterator[_Gap]:
    """The gaps from anchor to anchor; an anchor is the first line of its gap, where cutting the ends finds it."""
    i1, j1 = gap.i1, gap.j1
    for i, j in anchors:
        yield _Gap(i1, i, j1, j, gap.rounds + 1)
        i1, j1 = i, j
    yield _Gap(i1, gap.i2, j1, gap.j2, gap.rounds + 1)


def _match_gap(a: Sequence[int], b: Sequence[int], gap: _Gap, budget: _Budget) -> list[Block]:
    """A gap without anchors: difflib's blocks if it is small and they miss nothing, else as many lines as can be."""
    times_a, times_b = Counter(a[gap.i1 : gap.i2]), Counter(b[gap.j1 : gap.j2])
    pairs = sum(times * times_b[line] for line, times in times_a.items())
    if not pairs:
        return []
    # Lines that the other side lacks would only make the table larger.
    shared_a = [i for i in range(gap.i1, gap.i2) if a[i] in times_b]
    shared_b = [j for j in range(gap.j1, gap.j2) if b[j] in times_a]
    if not budget.spend(len(shared_a) * len(shared_b)):
        return []
    most = common_subsequence([a[i] for i in shared_a], [b[j] for j in shared_b])
    if pairs <= DIFFLIB_PAIRS:
        blocks = _match_small(a, b, gap)
        if sum(block.size for block in blocks) == len(most):
            return blocks
    return [Block(shared_a[i], shared_b[j], 1) for i, j in most]


def _match_small(a: Sequence[int], b: Sequence[int], gap: _Gap) -> list[Block]:
    """By difflib, for its longest runs read better than single equal lines picked up here and there."""
    matcher = SequenceMatcher(None, a[gap.i1 : gap.i2], b[gap.j1 : gap.j2], autojunk=False)
    return [Block(gap.i1 + i, gap.j1 + j, size) for i, j, size in matcher.get_matching_blocks() if size]
