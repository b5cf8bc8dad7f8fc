"""Unified diffs are what `git apply` takes, whatever the texts and their names are."""

from __future__ import annotations

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from previews.engine.diff.unified import unified_diff

text = st.lists(
    st.sampled_from(["a\n", "b\n", "\n", "-\n", "@@ -1 +1 @@\n", "--- x\n", "\\ No\n", "é\u2028\r\n", "z"]), max_size=25
).map("".join)


def applied(left: str | None, diff: str, path: str = "values.yaml") -> str | None:
    """What Git makes of the left file with the diff; None where no file is left."""
    with TemporaryDirectory() as folder:
        file = Path(folder, path)
        if left is not None:
            file.write_bytes(left.encode())
        subprocess.run(["git", "apply", "--unidiff-zero", "-"], input=diff.encode(), cwd=folder, check=True)
        return file.read_bytes().decode() if file.exists() else None


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.none(), text), st.one_of(st.none(), text), st.integers(0, 4))
def test_git_makes_the_right_text_of_the_left(left: str | None, right: str | None, context: int) -> None:
    diff = unified_diff(left, right, "values.yaml", context)
    assert (diff == "") == (left == right)
    if diff:
        assert applied(left, diff) == right


@pytest.mark.parametrize("path", ["a b.yaml", 'quote".yaml', "tab\tnew\nline.yaml", "ä\u200b.yaml", "back\\slash.yaml"])
def test_names_that_would_break_a_header_are_quoted(path: str) -> None:
    diff = unified_diff("a: 1\n", "a: 2\n", path)
    assert [line[:3] for line in diff.split("\n")[:4]] == ["dif", "---", "+++", "@@ "]
    assert applied("a: 1\n", diff, path) == "a: 2\n"


def test_a_change_is_shown_with_three_lines_around_it() -> None:
    left = "".join(f"{n}\n" for n in range(1, 21))
    assert unified_diff(left, left.replace("10\n", "ten\n"), "f.yaml") == (
        "diff --git a/f.yaml b/f.yaml\n--- a/f.yaml\n+++ b/f.yaml\n"
        "@@ -7,7 +7,7 @@\n 7\n 8\n 9\n-10\n+ten\n 11\n 12\n 13\n"
    )


def test_changes_whose_context_touches_are_one_hunk_and_others_two() -> None:
    lines = [f"{n}\n" for n in range(30)]
    near, far = list(lines), list(lines)
    near[5] = near[12] = far[5] = far[13] = "x\n"
    assert unified_diff("".join(lines), "".join(near), "f").count("\n@@ ") == 1
    assert unified_diff("".join(lines), "".join(far), "f").count("\n@@ ") == 2


def test_a_missing_newline_at_the_end_is_a_difference_that_is_told() -> None:
    assert unified_diff("a\n", "a", "f").split("\n")[4:] == ["-a", "+a", "\\ No newline at end of file", ""]


def test_a_file_that_comes_or_goes_is_told_from_an_empty_one() -> None:
    assert "--- /dev/null\n+++ b/f\n" in unified_diff(None, "a\n", "f")
    assert "--- a/f\n+++ /dev/null\n" in unified_diff("a\n", None, "f")
    assert "/dev/null" not in unified_diff("", "a\n", "f")


def test_an_empty_range_names_the_line_before_it() -> None:
    assert "@@ -0,0 +1,1 @@\n" in unified_diff("", "a\n", "f")
    assert "@@ -2,0 +3,1 @@\n" in unified_diff("a\nb\n", "a\nb\nc\n", "f", 0)


def test_a_tab_ends_a_name_with_blanks_as_patch_needs_it() -> None:
    assert "--- a/a b.yaml\t\n+++ b/a b.yaml\t\n" in unified_diff("a\n", "b\n", "a b.yaml")
