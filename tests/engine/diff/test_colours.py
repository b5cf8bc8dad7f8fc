"""Colours of YAML: cut into lines without losing a character, and across lines without losing a colour."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from previews.engine.diff.colours import (
    MAX_CHARACTERS,
    MAX_LINE_LENGTH,
    MAX_LINES,
    Segment,
    highlight_lines,
    highlight_yaml,
    long_scalars,
    segments,
)
from previews.engine.diff.lines import split_lines
from previews.engine.diff.words import changed_spans
from previews.engine.yamls import dump

pieces = [
    "a: ",
    "- ",
    "'",
    '"',
    "|\n",
    "\n",
    "\n  ",
    "{",
    "]",
    "# c",
    "---\n",
    "\t",
    "\r\n",
    "\ufeff",
    "<b>",
    "&x ",
    "%",
]
yamlish = st.lists(st.sampled_from(pieces), max_size=30).map("".join)


def texts(text: str) -> list[str]:
    return ["".join(part for _, part in line) for line in highlight_yaml(text)]


@given(st.one_of(yamlish, st.text(max_size=50)))
def test_the_tokens_of_each_line_give_the_line(text: str) -> None:
    assert texts(text) == split_lines(text)


def test_keys_and_values_have_pygments_names() -> None:
    assert highlight_yaml("kind: Pod # c\n") == [
        [("nt", "kind"), ("p", ":"), ("", " "), ("l", "Pod"), ("", " "), ("c1", "# c")]
    ]


def test_a_string_over_many_lines_keeps_its_colour() -> None:
    lines = highlight_yaml('a: "one\n  kind: two\n  three"\nb: 1\n')
    assert {css for css, text in lines[1] if text.strip()} == {"s"}
    assert lines[3][0] == ("nt", "b")


def test_texts_above_the_limits_have_no_colours() -> None:
    long_line = "a: " + "x" * MAX_LINE_LENGTH
    assert highlight_yaml(long_line + "\nb: 1\n") == [[("", long_line)], [("", "b: 1")]]
    many = highlight_yaml("a: 1\n" * (MAX_LINES + 1))
    assert len(many) == MAX_LINES + 1
    assert many[0] == [("", "a: 1")]


def test_segments_carry_colour_and_emphasis() -> None:
    spans, _ = changed_spans("tag: v1.2", "tag: v1.3")
    assert segments(highlight_yaml("tag: v1.2")[0], spans) == [
        Segment("tag", "nt", False),
        Segment(":", "p", False),
        Segment(" ", "", False),
        Segment("v1.", "l", False),
        Segment("2", "l", True),
    ]


@given(yamlish, st.sets(st.integers(0, 40), max_size=8))
def test_segments_hold_the_line_and_emphasise_the_spans(text: str, bounds: set[int]) -> None:
    line = text.replace("\n", "")
    cuts = sorted(bound for bound in bounds if bound <= len(line))
    spans = list(zip(cuts[::2], cuts[1::2], strict=False))
    found = segments(highlight_yaml(line)[0] if line else [], spans)
    assert "".join(segment.text for segment in found) == line
    emphasised = "".join(("x" if segment.emphasised else ".") * len(segment.text) for segment in found)
    assert emphasised == "".join("x" if any(a <= at < b for a, b in spans) else "." for at in range(len(line)))
    assert all(segment.text for segment in found)


def test_a_text_of_too_many_characters_has_no_colours() -> None:
    line = "a: " + "x" * 500
    assert highlight_yaml(f"{line}\n" * (MAX_CHARACTERS // 500))[0] == [("", line)]


def test_lines_out_of_a_text_have_the_colours_that_they_have_in_it() -> None:
    script = "#!/bin/sh\n  if x: |\necho 'it\n\ndone\n"
    data = {"script": script, "list": ["x\ny\n", {"k": "p\n q\n", "z": 1}], "indented": "  lead\nno", "w": "it's >"}
    text = dump({"apiVersion": "v1", "data": data, "metadata": {"name": "a"}}) + "q: 'two\n\n  lines: of it'\nn: 1\n"
    lines, whole = split_lines(text), highlight_yaml(text)
    scalars = long_scalars(lines)
    assert len(scalars) == 5
    for first in range(len(lines)):
        for last in range(first + 1, len(lines) + 1):
            assert highlight_lines(lines, scalars, first, last) == whole[first:last]
