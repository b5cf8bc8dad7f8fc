"""Chunks and rows: every line once and in order, on both sides, folded or not."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from previews.engine.diff.lines import diff_lines
from previews.engine.diff.rows import Chunk, Fold, Line, Row, chunks, open_fold, rows, unified_rows

lines = st.lists(st.sampled_from(["a: 1", "a: 2", "b: 1", "- c", "", "wholly other"]), max_size=40)


def numbered(texts: list[str]) -> list[tuple[int, str]]:
    return list(enumerate(texts, 1))


def column(found: list[Row], side: str) -> list[tuple[int, str]]:
    cells: list[Line | None] = [getattr(row, side) for row in found]
    return [(cell.number, cell.text) for cell in cells if cell]


@given(lines, lines, st.integers(0, 5))
def test_both_columns_hold_every_line_once_and_in_order(left: list[str], right: list[str], context: int) -> None:
    parts = chunks(diff_lines(left, right).opcodes, context)
    found = [row for part in parts for row in rows(part, left, right)]
    assert column(found, "left") == numbered(left)
    assert column(found, "right") == numbered(right)


@given(lines, lines)
def test_unified_rows_hold_every_line_once_and_in_order(left: list[str], right: list[str]) -> None:
    found = [row for part in chunks(diff_lines(left, right).opcodes) for row in unified_rows(part, left, right)]
    assert column(found, "left") == numbered(left)
    assert column(found, "right") == numbered(right)
    assert all((row.kind == "context") == bool(row.left and row.right) for row in found)


@given(lines, lines)
def test_the_kind_of_a_row_tells_which_sides_it_has(left: list[str], right: list[str]) -> None:
    for part in chunks(diff_lines(left, right).opcodes):
        for row in rows(part, left, right):
            assert (bool(row.left), bool(row.right)) == {
                "context": (True, True),
                "changed": (True, True),
                "added": (False, True),
                "removed": (True, False),
            }[row.kind]


@given(lines, lines, st.integers(0, 5))
def test_folds_hide_only_equal_lines_away_from_changes(left: list[str], right: list[str], context: int) -> None:
    parts = chunks(diff_lines(left, right).opcodes, context)
    folds = [part for part in parts if isinstance(part, Fold)]
    assert [fold.index for fold in folds] == list(range(len(folds)))
    for before, after in pairwise(parts):
        if isinstance(after, Fold) or isinstance(before, Fold):
            shown = before if isinstance(before, Chunk) else after
            assert isinstance(shown, Chunk)
            assert context == 0 or (shown.tag == "equal" and shown.i2 - shown.i1 == context)


@given(st.integers(1, 100), st.integers(0, 60), st.integers(0, 60))
def test_an_opened_fold_covers_the_same_lines(size: int, head: int, tail: int) -> None:
    texts = [str(n) for n in range(size + 20)]
    fold = Fold(7, 5, 9, size)
    parts = open_fold(fold, head, tail)
    opened = [row for part in parts for row in rows(part, texts, [*"abcd", *texts])]
    assert opened == rows(fold, texts, [*"abcd", *texts])
    assert all(part.index == 7 for part in parts if isinstance(part, Fold))


def test_a_change_in_a_long_text_stands_between_context_and_folds() -> None:
    left = [f"line {n}" for n in range(100)]
    right = [*left[:50], "line fifty", *left[51:]]
    assert chunks(diff_lines(left, right).opcodes) == [
        Fold(0, 0, 0, 47),
        Chunk("equal", 47, 50, 47, 50),
        Chunk("replace", 50, 51, 50, 51),
        Chunk("equal", 51, 54, 51, 54),
        Fold(1, 54, 54, 46),
    ]


def test_a_few_lines_between_changes_are_not_worth_a_fold() -> None:
    left = ["x", *(str(n) for n in range(9)), "y"]
    right = ["X", *(str(n) for n in range(9)), "Y"]
    assert not any(isinstance(part, Fold) for part in chunks(diff_lines(left, right).opcodes))
    longer = ["x", *(str(n) for n in range(10)), "y"], ["X", *(str(n) for n in range(10)), "Y"]
    assert [part for part in chunks(diff_lines(*longer).opcodes) if isinstance(part, Fold)] == [Fold(0, 4, 4, 4)]


def test_lines_that_belong_together_stand_beside_each_other() -> None:
    left, right = ["replicas: 2", "image: x:1"], ["paused: true", "replicas: 3", "image: x:2"]
    (chunk,) = chunks(diff_lines(left, right).opcodes)
    assert rows(chunk, left, right) == [
        Row("added", None, Line(1, "paused: true")),
        Row("changed", Line(1, "replicas: 2", ((10, 11),)), Line(2, "replicas: 3", ((10, 11),))),
        Row("changed", Line(2, "image: x:1", ((9, 10),)), Line(3, "image: x:2", ((9, 10),))),
    ]


def test_lines_without_a_counterpart_share_rows_without_highlights() -> None:
    left, right = ["foo: 1"], ["bar baz", "quux"]
    (chunk,) = chunks(diff_lines(left, right).opcodes)
    assert rows(chunk, left, right) == [
        Row("changed", Line(1, "foo: 1"), Line(1, "bar baz")),
        Row("added", None, Line(2, "quux")),
    ]
