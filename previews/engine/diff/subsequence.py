"""The longest common subsequence of two sequences, exactly, with a row of the table in one big integer.

Bit-parallel after Crochemore et al. (2001) and Hyyrö (2004): CPython's integers do thousands of cells in one addition,
so 10,000 by 10,000 lines take a hundredth of the time that a loop over cells would.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt


def common_subsequence(a: Sequence[int], b: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs of places `(i, j)` with `a[i] == b[j]`, both rising, as many as there can be.

    Time grows with `len(a) * len(b)` (cheap cells), memory with `len(a) * sqrt(len(b))` bits: only every so many
    rows are kept, and the rows between are made again on the way back.
    """
    step = isqrt(len(b)) + 1
    masks = _masks(a)
    row = (1 << len(a)) - 1
    kept = []
    for start in range(0, len(b), step):
        kept.append(row)
        row = _rows(row, b[start : start + step], masks, len(a))[-1]
    pairs: list[tuple[int, int]] = []
    i = len(a)
    for number in range(len(kept) - 1, -1, -1):
        # Low bits never depend on higher ones, so only the columns that the way back can still reach are made again.
        first = kept[number] & ((1 << i) - 1)
        rows = [first, *_rows(first, b[number * step : (number + 1) * step], masks, i)]
        i = _trace(rows, i, number * step, pairs)
    return pairs[::-1]


def _masks(a: Sequence[int]) -> dict[int, int]:
    """For each line, the bits of the places where it stands."""
    places: dict[int, list[int]] = {}
    for i, line in enumerate(a):
        places.setdefault(line, []).append(i)
    return {line: _bits(where, len(a)) for line, where in places.items()}


def _bits(places: Sequence[int], width: int) -> int:
    bits = bytearray(width // 8 + 1)
    for place in places:
        bits[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(bits, "little")


def _rows(row: int, b: Sequence[int], masks: dict[int, int], width: int) -> list[int]:
    """The rows after each line of `b`: bit i is 0 where the longest common subsequence grows from a[:i] to a[:i+1]."""
    full = (1 << width) - 1
    rows = []
    for line in b:
        hits = row & masks.get(line, 0)
        row = ((row + hits) | (row - hits)) & full
        rows.append(row)
    return rows


def _trace(rows: Sequence[int], i: int, offset: int, pairs: list[tuple[int, int]]) -> int:
    """Walks back through the rows from column `i`, adds the pairs met, and returns the column reached."""
    j = len(rows) - 1
    while j and i:
        if rows[j] >> (i - 1) & 1:
            i -= 1
            continue
        j -= 1
        if rows[j] >> (i - 1) & 1:
            i -= 1
            pairs.append((i, offset + j))
    return i
