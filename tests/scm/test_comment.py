"""What a comment says: worst first, never too long, everything that is left out counted, and nothing in it is markup."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from previews.scm.comment import KINDS, Digest, Entry, code, render_comment, status_text

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "@everyone",
    "a|b|c",
    "`; @team `",
    "``@team``",
    "](https://evil.example.com)",
    "line\nbreak\r\n\n# heading",
    "<!-- astrolabe:1 -->",
    "\u202eevil",
    "\ud800",
    "\\",
    "a\\|b",
    "fixes #12",
    "",
    " ",
]
NAMES = st.one_of(st.sampled_from([*HOSTILE, "web", "seoul-1"]), st.text(max_size=300))
ENTRIES = st.builds(
    Entry,
    kind=st.sampled_from(list(KINDS)),
    application=NAMES,
    clusters=st.lists(NAMES, min_size=1, max_size=30).map(tuple),
    group=st.sampled_from(["", "g1", "g2"]),
    lines=st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)),
    message=st.one_of(st.just(""), st.text(max_size=9000)),
    link=st.sampled_from(["", "https://astrolabe.example.com/previews/1/cells/a/b/"]),
)
DIGESTS = st.builds(
    Digest,
    headline=st.just("3 of 20 instances change"),
    about=st.just("`abc` merged into `main`."),
    entries=st.lists(ENTRIES, max_size=90),
    notes=st.lists(NAMES, max_size=30),
    link=st.sampled_from(["", "https://astrolabe.example.com/previews/1/"]),
)


def rows(text):
    return [line for line in text.splitlines() if line.startswith("| ") and "| application |" not in line]


def counted(text, noun):
    found = re.search(rf"Left out here:.*?(\d+) {noun}s?\b", text)
    return int(found[1]) if found else 0


@settings(max_examples=150, deadline=None)
@given(DIGESTS, st.sampled_from([20_000, 30_000, 60_000]))
def test_a_comment_is_never_too_long_and_what_is_left_out_is_counted(digest, limit):
    text = render_comment(digest, limit)
    assert len(text.encode()) <= limit
    shown = rows(text)
    assert len(shown) + counted(text, "row") == len(digest.entries)
    cells = 0
    for line in shown:
        clusters = line.split(" | ")[2]
        more = re.search(r" and (\d+) more$", clusters)
        cells += clusters.count("`") // 2 + (int(more[1]) if more else 0)
    assert cells + counted(text, "cell") == sum(len(entry.clusters) for entry in digest.entries)
    messages = [line for line in text.splitlines() if re.match(r"- `[^`]*`, ", line)]
    assert len(messages) + counted(text, "message") == sum(1 for entry in digest.entries if entry.message)


@settings(max_examples=150, deadline=None)
@given(DIGESTS)
def test_nothing_from_outside_leaves_its_code_span_or_its_row(digest):
    text = render_comment(digest, 60_000)
    outside = re.sub("`[^`\n]+`", "", text)
    assert "`" not in outside
    assert "@" not in outside
    assert "<" not in outside
    assert "#" not in outside
    for line in text.splitlines():
        if line.startswith("|"):
            assert line.count("|") == 6, line


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_harmless(name):
    shown = code(name)
    assert re.fullmatch(r"`[^`|<>\\\n\r\u202e]+`", shown)
    assert not re.search(r"[@#]\w", shown)
    shown.encode()


def test_the_worst_comes_first_and_the_same_stands_together():
    entries = [
        Entry("value", "docs", ("dev",)),
        Entry("skipped", "grafana", ("dev",), message="chart is not here"),
        Entry("deploys", "web", ("seoul-1",), "g2", (1, 1)),
        Entry("deploys", "web", tuple(f"seoul-{n}" for n in range(2, 14)), "g1", (4, 2)),
        Entry("failed", "ledger", ("dev",), message="nil pointer"),
    ]
    text = render_comment(Digest("16 of 20 instances change", "`a` merged into `b`.", entries), 60_000)
    assert [line.split(" | ")[:2] for line in rows(text)] == [
        ["| ✕ fails", "`ledger`"],
        ["| ± deploys", "`web`"],
        ["| ± deploys", "`web`"],
        ["| ? not rendered", "`grafana`"],
        ["| no change of yaml", "`docs`"],
    ]
    clusters = ", ".join(f"`seoul-{n}`" for n in range(2, 10))
    assert f"| {clusters} and 4 more | +4 −2 | `g1` |" in text
    assert "- `ledger`, `dev`: `nil pointer`" in text


def test_even_the_longest_names_leave_room_for_what_is_left_out():
    names = tuple("@" * 300 for _ in range(30))
    entries = [Entry("failed", "😀" * 300, names, "g1", message="@" * 9000) for _ in range(500)]
    text = render_comment(Digest("All", "about", entries, ["😀" * 400] * 30), 30_000)
    assert len(text.encode()) <= 30_000
    assert 0 < len(rows(text)) == 500 - counted(text, "row")
    assert counted(text, "cell") == counted(text, "row") * 30
    assert counted(text, "message") > 480


def test_a_link_is_there_where_there_is_a_page():
    entry = Entry("deploys", "web", ("dev",), "g1", link="https://a.example.com/p/1/")
    text = render_comment(Digest("All", "about", [entry], link="https://a.example.com/p/"), 60_000)
    assert text.startswith("**[All](https://a.example.com/p/)**\n")
    assert "| [`web`](https://a.example.com/p/1/) |" in text
    assert "| [`g1`](https://a.example.com/p/?group=g1) |" in text


def test_notes_are_shown_up_to_a_dozen_and_the_rest_counted():
    text = render_comment(Digest("All", "about", [], [f"note {n}" for n in range(20)]), 60_000)
    assert text.count("\n- `note") == 12
    assert "- and 8 notes more" in text


def test_the_text_of_a_status_is_one_line_of_at_most_140_characters():
    assert status_text("a\nb\x1b[31m \u202ec") == "a b [31m c"
    assert len(status_text("x" * 500)) == 140
