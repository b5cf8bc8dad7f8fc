"""What differs inside a changed pair of lines, and which lines of a changed block make pairs.

Highlights must help and never mislead: what is not highlighted is equal on both sides, character by character, and
two lines with little in common get no highlights at all rather than a scatter of accidental ones.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from previews.engine.diff.lines import diff_lines

#: `(start, end)` in characters of a line; the spans of a line are in order and do not touch.
Span = tuple[int, int]
Spans = tuple[Span, ...]

#: Below this likeness two lines (or the parts of them that differ) are not compared word by word.
ALIKE = 0.5
#: A word of more characters counts no more than this: a changed checksum must not outweigh the key that it stands at.
WORD_WEIGHT = 8
#: An equal stretch between two changes that counts no more than this is highlighted with them: `1.2.3` -> `4.5.6`.
ISLAND_WEIGHT = 1
#: Of longer lines, in characters, nothing is said.
MAX_LINE = 100_000
#: Characters of a line that are looked at to find its pair.
LOOKED_AT = 500
#: Pairs of equal words that difflib may look at in one line; beyond, all from first to last difference is one span.
MAX_WORD_PAIRS = 2_000
#: Blocks of up to this many possible pairs are matched by likeness, larger ones by their keys.
MAX_LINE_PAIRS = 400

_WORD = re.compile(r"\w+|\s+|[^\w\s]")
_KEY = re.compile(r"\s*(?:- +)*(?:[^\s:#'\"][^\s:]*|'[^']*'|\"[^\"]*\"):(?=\s|$)")

#: A stretch of words that changes: `a[i1:i2]` becomes `b[j1:j2]`.
_Edit = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class _Words:
    """A line as a bag of words: what it weighs, and its YAML key with the indentation before it, if it has one."""

    bag: Counter[str]
    weight: int
    key: str | None


def changed_spans(left: str, right: str) -> tuple[Spans, Spans]:
    """The spans of each line that differ, by whole words. Both are empty when nothing helpful can be said.

    Where there are spans, the two lines without them are the same text.
    """
    if left == right or max(len(left), len(right)) > MAX_LINE:
        return (), ()
    a, b = _WORD.findall(left), _WORD.findall(right)
    if _likeness(_words(a, left), _words(b, right)) < ALIKE:
        return (), ()
    edits = list(_join_islands(_word_edits(a, b), a))
    return _spans(a, [(i1, i2) for i1, i2, _, _ in edits]), _spans(b, [(j1, j2) for _, _, j1, j2 in edits])


def pair_lines(left: Sequence[str], right: Sequence[str]) -> list[tuple[int, int]]:
    """Which lines of the two sides of a replaced block belong together: pairs of places, both rising.

    Small blocks are matched for the greatest likeness in sum, large ones by their YAML keys, in near-linear time.
    """
    if len(left) * len(right) <= MAX_LINE_PAIRS:
        return _pair_by_likeness(left, right)
    pairs: list[tuple[int, int]] = []
    subjects = diff_lines([_subject(line) for line in left], [_subject(line) for line in right])
    for tag, i1, i2, j1, j2 in subjects.opcodes:
        if tag == "equal":
            pairs.extend(zip(range(i1, i2), range(j1, j2), strict=True))
        elif (i2 - i1) * (j2 - j1) <= MAX_LINE_PAIRS:
            pairs.extend((i1 + i, j1 + j) for i, j in _pair_by_likeness(left[i1:i2], right[j1:j2]))
    return pairs


def _subject(line: str) -> str:
    """What a line is about: its key, or all of it."""
    return _key(line) or line


def _key(line: str) -> str | None:
    found = _KEY.match(line[:LOOKED_AT])
    return found.group() if found else None


def _words(words: Iterable[str], line: str) -> _Words:
    bag = Counter(words)
    return _Words(bag, sum(times * _weight(word) for word, times in bag.items()), _key(line))


def _weight(word: str) -> int:
    return 0 if word.isspace() else min(len(word), WORD_WEIGHT)


def _likeness(a: _Words, b: _Words) -> float:
    """From 0, nothing in common, to 1, the same words in any order. Lines of the same key are alike in any case."""
    if a.key and a.key == b.key:
        return (1 + _shared(a, b)) / 2
    return _shared(a, b)


def _shared(a: _Words, b: _Words) -> float:
    if not a.weight and not b.weight:
        return 1.0
    both = sum(_weight(word) * min(times, b.bag[word]) for word, times in a.bag.items() if word in b.bag)
    return 2 * both / (a.weight + b.weight)


def _word_edits(a: Sequence[str], b: Sequence[str]) -> list[_Edit]:
    """How words change: word by word where what lies between the common ends is alike, else all of it at once."""
    head = 0
    while head < min(len(a), len(b)) and a[head] == b[head]:
        head += 1
    tail = 0
    while tail < min(len(a), len(b)) - head and a[-1 - tail] == b[-1 - tail]:
        tail += 1
    in_a, in_b = a[head : len(a) - tail], b[head : len(b) - tail]
    words_a, words_b = _words(in_a, ""), _words(in_b, "")
    pairs = sum(times * words_b.bag[word] for word, times in words_a.bag.items())
    if pairs > MAX_WORD_PAIRS or _shared(words_a, words_b) < ALIKE:
        return [(head, len(a) - tail, head, len(b) - tail)]
    opcodes = SequenceMatcher(None, in_a, in_b, autojunk=False).get_opcodes()
    return [(head + i1, head + i2, head + j1, head + j2) for tag, i1, i2, j1, j2 in opcodes if tag != "equal"]


def _join_islands(edits: Iterable[_Edit], a: Sequence[str]) -> Iterator[_Edit]:
    """The edits, with those joined between which next to nothing is equal."""
    open_edit: _Edit | None = None
    for i1, i2, j1, j2 in edits:
        if open_edit and sum(_weight(word) for word in a[open_edit[1] : i1]) <= ISLAND_WEIGHT:
            open_edit = (open_edit[0], i2, open_edit[2], j2)
            continue
        if open_edit:
            yield open_edit
        open_edit = (i1, i2, j1, j2)
    if open_edit:
        yield open_edit


def _spans(words: Sequence[str], stretches: Iterable[tuple[int, int]]) -> Spans:
    """Stretches of words as spans of characters, without the empty ones."""
    starts = [0]
    for word in words:
        starts.append(starts[-1] + len(word))
    return tuple((starts[first], starts[last]) for first, last in stretches if first < last)


def _pair_by_likeness(left: Sequence[str], right: Sequence[str]) -> list[tuple[int, int]]:
    """The pairs of greatest likeness in sum, none below `ALIKE`: a longest common subsequence, weighed."""
    a, b = ([_words(_WORD.findall(line[:LOOKED_AT]), line) for line in lines] for lines in (left, right))
    alike = [[_likeness(x, y) for y in b] for x in a]
    best = [[0.0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in range(len(a) - 1, -1, -1):
        for j in range(len(b) - 1, -1, -1):
            paired = best[i + 1][j + 1] + alike[i][j] if alike[i][j] >= ALIKE else 0.0
            best[i][j] = max(paired, best[i + 1][j], best[i][j + 1])
    return list(_walk(best, len(a), len(b)))


def _walk(best: Sequence[Sequence[float]], m: int, n: int) -> Iterator[tuple[int, int]]:
    """The pairs that make the sum in `best[0][0]`."""
    i = j = 0
    while i < m and j < n:
        if best[i][j] == best[i + 1][j]:
            i += 1
        elif best[i][j] == best[i][j + 1]:
            j += 1
        else:
            yield i, j
            i, j = i + 1, j + 1
