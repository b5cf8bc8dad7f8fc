"""Highlights inside changed lines: they help, and they never claim equality where texts differ."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from previews.engine.diff.words import MAX_LINE, Spans, changed_spans, pair_lines

words = st.lists(
    st.sampled_from(["image", ":", " ", "  ", "-", "a", "b", "1", ".", '"', "ä", "\r", "\u200b"]), max_size=20
)
line = st.one_of(words.map("".join), st.text(st.characters(exclude_characters="\n"), max_size=20))


def marked(text: str, spans: Spans) -> str:
    """The line with its spans in brackets."""
    for start, end in reversed(spans):
        text = f"{text[:start]}[{text[start:end]}]{text[end:]}"
    return text


def without(text: str, spans: Spans) -> str:
    for start, end in reversed(spans):
        text = text[:start] + text[end:]
    return text


def shown(left: str, right: str) -> tuple[str, str]:
    spans, right_spans = changed_spans(left, right)
    return marked(left, spans), marked(right, right_spans)


@given(line, line)
def test_spans_lie_inside_the_line_in_order_and_do_not_touch(left: str, right: str) -> None:
    for text, spans in zip((left, right), changed_spans(left, right), strict=True):
        bounds = [bound for span in spans for bound in span]
        assert bounds == sorted(set(bounds))
        assert all(0 <= bound <= len(text) for bound in bounds)


@given(line, line)
def test_what_is_not_highlighted_is_the_same_text_on_both_sides(left: str, right: str) -> None:
    spans, right_spans = changed_spans(left, right)
    if spans or right_spans:
        assert left != right
        assert without(left, spans) == without(right, right_spans)


@given(line, line)
def test_lines_of_one_key_that_differ_are_always_highlighted(left: str, right: str) -> None:
    left, right = f"key: {left}", f"key: {right}"
    assert any(changed_spans(left, right)) == (left != right)


@given(st.lists(line, max_size=12), st.lists(line, max_size=12))
def test_pairs_rise_on_both_sides(left: list[str], right: list[str]) -> None:
    pairs = pair_lines(left, right)
    assert all(0 <= i < len(left) and 0 <= j < len(right) for i, j in pairs)
    assert all(x[0] < y[0] and x[1] < y[1] for x, y in pairwise(pairs))


def test_a_new_tag_is_all_that_is_highlighted_of_an_image() -> None:
    assert shown("  image: nginx:1.2.3", "  image: nginx:1.2.4") == ("  image: nginx:1.2.[3]", "  image: nginx:1.2.[4]")


def test_a_version_that_changes_all_over_is_one_highlight() -> None:
    assert shown("tag: 1.2.3", "tag: 4.5.6") == ("tag: [1.2.3]", "tag: [4.5.6]")


def test_a_value_that_is_wholly_other_is_one_highlight_and_its_key_none() -> None:
    old, new = "about: the quick brown fox jumps", "about: my lazy brown dog sleeps"
    assert shown(old, new) == ("about: [the quick brown fox jumps]", "about: [my lazy brown dog sleeps]")


def test_a_long_checksum_does_not_outweigh_its_key() -> None:
    old, new = "checksum/config: " + "ab12" * 16, "checksum/config: " + "cd34" * 16
    assert shown(old, new) == (f"checksum/config: [{'ab12' * 16}]", f"checksum/config: [{'cd34' * 16}]")


def test_lines_with_little_in_common_are_not_highlighted() -> None:
    assert changed_spans("  foo: bar", "  quux: baz") == ((), ())


def test_changed_indentation_is_highlighted() -> None:
    assert shown("  a: b", "    a: b") == ("[  ]a: b", "[    ]a: b")


def test_two_changes_far_apart_are_two_highlights() -> None:
    old, new = "host: a.example.com/path/one", "host: b.example.com/path/two"
    assert shown(old, new) == ("host: [a].example.com/path/[one]", "host: [b].example.com/path/[two]")


def test_a_line_of_thousands_of_equal_words_is_one_highlight_from_first_to_last_difference() -> None:
    old, new = "k: x " + "a " * 3000 + "y", "k: z " + "a " * 3000 + "w"
    assert changed_spans(old, new) == (((3, len(old)),), ((3, len(new)),))


def test_nothing_is_said_of_a_line_beyond_the_limit() -> None:
    assert changed_spans("k: " + "a" * MAX_LINE, "k: b") == ((), ())


def test_an_added_line_between_changed_ones_does_not_shift_the_pairs() -> None:
    assert pair_lines(["a: 1", "b: 2", "c: 3"], ["b: 5", "new: x", "c: 4"]) == [(1, 0), (2, 2)]


def test_a_large_block_is_paired_by_its_keys() -> None:
    left = [f"key{n}: old {n}" for n in range(2000)]
    right = ["first: x", *(f"key{n}: new" for n in range(2000))]
    assert pair_lines(left, right) == [(n, n + 1) for n in range(2000)]


def test_a_full_stop_between_changes_is_highlighted_with_them() -> None:
    old, new = "path: 1.2/shared/words/9", "path: 3.4/shared/words/8"
    assert shown(old, new) == ("path: [1.2]/shared/words/[9]", "path: [3.4]/shared/words/[8]")


def test_a_long_checksum_in_an_argument_does_not_outweigh_the_argument() -> None:
    old, new = "--checksum=" + "ab12" * 16, "--checksum=" + "cd34" * 16
    assert shown(old, new) == (f"--checksum=[{'ab12' * 16}]", f"--checksum=[{'cd34' * 16}]")
