"""The edit script: right for whatever it is given, small, and where a reader expects it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from previews.engine.diff.lines import LineDiff, diff_lines, longest_rising, split_lines
from previews.engine.diff.opcodes import Opcode, count
from previews.engine.diff.slide import slide
from previews.engine.diff.subsequence import common_subsequence

few_lines = st.lists(st.sampled_from(["a: 1", "  b: 2", "- c", "---", "", "x\u2028y", "z\r"]), max_size=40)
any_lines = st.lists(st.text(st.characters(exclude_characters="\n"), max_size=5), max_size=20)
both_sides = st.one_of(st.tuples(few_lines, few_lines), st.tuples(any_lines, any_lines))


def check_script(diff: LineDiff, left: Sequence[str], right: Sequence[str]) -> None:
    """Applying the script to the left gives the right, and it is whole, in order, without empty or twin steps."""
    i = j = 0
    made: list[str] = []
    equal_before = None
    for tag, i1, i2, j1, j2 in diff.opcodes:
        assert (i1, j1) == (i, j)
        assert tag == {(True, True): "replace", (True, False): "delete", (False, True): "insert"}[i2 > i1, j2 > j1] or (
            tag == "equal" and list(left[i1:i2]) == list(right[j1:j2])
        )
        assert (tag == "equal") != equal_before
        made += left[i1:i2] if tag == "equal" else right[j1:j2]
        i, j, equal_before = i2, j2, tag == "equal"
    assert (i, j) == (len(left), len(right))
    assert made == list(right)


def longest(a: Sequence[int], b: Sequence[int]) -> int:
    """The length of the longest common subsequence, by the table of the textbook."""
    row = [0] * (len(b) + 1)
    for x in a:
        above, row = row, [0]
        for j, y in enumerate(b):
            row.append(above[j] + 1 if x == y else max(row[-1], above[j + 1]))
    return row[-1]


@given(both_sides)
def test_the_script_applied_to_the_left_gives_the_right(sides: tuple[list[str], list[str]]) -> None:
    diff = diff_lines(*sides)
    check_script(diff, *sides)
    assert not diff.coarse


@given(both_sides)
def test_a_script_without_budget_is_still_right(sides: tuple[list[str], list[str]]) -> None:
    check_script(diff_lines(*sides, budget=0), *sides)


@given(few_lines, few_lines)
def test_added_less_removed_is_the_difference_in_length(left: list[str], right: list[str]) -> None:
    added, removed = count(diff_lines(left, right).opcodes)
    assert added - removed == len(right) - len(left)


@given(st.lists(st.integers(0, 4), max_size=40), st.lists(st.integers(0, 4), max_size=40))
def test_the_common_subsequence_is_common_rising_and_the_longest(a: list[int], b: list[int]) -> None:
    pairs = common_subsequence(a, b)
    assert all(a[i] == b[j] for i, j in pairs)
    assert all(x[0] < y[0] and x[1] < y[1] for x, y in pairwise(pairs))
    assert len(pairs) == longest(a, b)


@given(st.permutations(range(12)))
def test_a_rising_chain_is_as_long_as_the_subsequence_shared_with_the_sorted(order: list[int]) -> None:
    chain = longest_rising(list(enumerate(order)))
    assert [j for _, j in chain] == sorted(j for _, j in chain)
    assert len(chain) == longest(order, sorted(order))


def test_equal_texts_are_one_equal_step_and_no_texts_are_none() -> None:
    assert diff_lines(["a", "b"], ["a", "b"]).opcodes == (("equal", 0, 2, 0, 2),)
    assert diff_lines([], []).opcodes == ()


def test_hostile_texts_stay_within_the_fewest_changes() -> None:
    left = ["a"] + ["b"] * 2000 + ["c", "a"]
    right = ["c"] + ["b", "a"] * 1000 + ["a", "c"]
    diff = diff_lines(left, right)
    check_script(diff, left, right)
    numbers = {"a": 0, "b": 1, "c": 2}
    shared = len(common_subsequence([numbers[x] for x in left], [numbers[x] for x in right]))
    assert sum(count(diff.opcodes)) == len(left) + len(right) - 2 * shared


def test_one_more_of_many_equal_lines_is_one_line_added() -> None:
    left, right = ["x"] * 20_000, ["x"] * 20_001
    diff = diff_lines(left, right)
    check_script(diff, left, right)
    assert count(diff.opcodes) == (1, 0)


def test_wholly_different_texts_are_one_replacement() -> None:
    left, right = [f"a{n}" for n in range(20_000)], [f"b{n}" for n in range(20_000)]
    assert [opcode.tag for opcode in diff_lines(left, right).opcodes] == ["replace"]


def test_a_text_beyond_the_budget_says_so_and_keeps_what_is_cheap_to_know() -> None:
    chance = random.Random(4)
    left = ["head"] + [str(chance.randrange(9)) for _ in range(500)] + ["tail"]
    right = ["head"] + [str(chance.randrange(9)) for _ in range(500)] + ["tail"]
    assert not diff_lines(left, right).coarse
    diff = diff_lines(left, right, budget=1000)
    check_script(diff, left, right)
    assert diff.coarse
    assert [opcode.tag for opcode in diff.opcodes] == ["equal", "replace", "equal"]


def test_two_hundred_edits_in_ten_thousand_lines_are_found_as_such() -> None:
    chance = random.Random(1)
    left = [f"  key{chance.randrange(50)}: {chance.randrange(9)}" for _ in range(10_000)]
    right = list(left)
    for at in chance.sample(range(10_000), 200):
        right[at] += "0"
    diff = diff_lines(left, right)
    check_script(diff, left, right)
    added, removed = count(diff.opcodes)
    assert added == removed <= 200


def test_only_a_line_feed_ends_a_line() -> None:
    assert split_lines("a\x0bb\u2028c\r\n\nd") == ["a\x0bb\u2028c\r", "", "d"]
    assert split_lines("") == []
    assert split_lines("\n") == [""]
    assert split_lines("a\n") == split_lines("a") == ["a"]


def inserted(left: str, right: str) -> list[str]:
    """The lines of the one insertion, or deletion, that the two texts differ by."""
    a, b = split_lines(left), split_lines(right)
    diff = diff_lines(a, b)
    check_script(diff, a, b)
    (change,) = [opcode for opcode in diff.opcodes if opcode.tag != "equal"]
    return b[change.j1 : change.j2] or a[change.i1 : change.i2]


BASE = "spec:\n  containers:\n  - name: a\n    image: x\n  - name: c\n    image: x\n  volumes: []\n"


def test_an_added_list_item_begins_with_its_dash() -> None:
    head = BASE.replace("  - name: c", "  - name: b\n    image: x\n  - name: c")
    assert inserted(BASE, head) == ["  - name: b", "    image: x"]


def test_a_last_list_item_is_removed_with_its_dash() -> None:
    base = "- name: a\n  image: x\n- name: b\n  image: x\n"
    assert inserted(base, "- name: a\n  image: x\n") == ["- name: b", "  image: x"]


def test_an_added_property_begins_with_its_key() -> None:
    base = "properties:\n  a:\n    type: string\n  c:\n    type: string\nrequired: []\n"
    head = base.replace("  c:\n", "  b:\n    type: string\n  c:\n")
    assert inserted(base, head) == ["  b:", "    type: string"]


def test_an_added_document_begins_with_its_marker() -> None:
    base = "---\n# Source: x\nkind: A\n---\n# Source: x\nkind: C\n"
    head = base.replace("kind: C", "kind: B\n---\n# Source: x\nkind: C")
    assert inserted(base, head) == ["---", "# Source: x", "kind: B"]


def test_an_added_section_takes_the_blank_line_below_it() -> None:
    base = "a:\n  x: 1\n\nc:\n  x: 1\n"
    assert inserted(base, base.replace("c:\n", "b:\n  x: 1\n\nc:\n")) == ["b:", "  x: 1", ""]


def test_the_same_section_is_added_from_its_beginning_though_it_could_begin_at_its_middle() -> None:
    section = "kind: A\nspec:\n  x: 1\n"
    base = section + "kind: A\n  odd: 1\n"
    assert inserted(base, section + base) == ["kind: A", "spec:", "  x: 1"]


def test_one_more_of_equal_items_is_the_last_one() -> None:
    left, right = ["- a", "- b"], ["- a", "- a", "- b"]
    assert diff_lines(left, right).opcodes[1] == ("insert", 1, 1, 1, 2)


def test_a_change_is_not_moved_against_its_neighbour() -> None:
    left, right = ["p", "- k", "q"], ["P", "- k", "  y", "- k", "q"]
    apart = [Opcode("replace", 0, 1, 0, 1), Opcode("insert", 2, 2, 2, 4)]
    assert slide(apart, left, right) == apart
    assert slide(apart[1:], ["P", *left[1:]], right) == [Opcode("insert", 1, 1, 1, 3)]


def test_lines_that_stand_once_need_no_budget() -> None:
    left = [f"key{n}: 1" for n in range(1000)]
    right = [*left[:200], "new: 1", *left[200:700], "key700: 2", *left[701:]]
    diff = diff_lines(left, right, budget=0)
    check_script(diff, left, right)
    assert (count(diff.opcodes), diff.coarse) == ((2, 1), False)


def test_where_difflib_misses_a_line_the_fewest_changes_are_taken() -> None:
    left, right = list("abab"), list("bcac")
    assert count(diff_lines(left, right).opcodes) == (2, 2)
