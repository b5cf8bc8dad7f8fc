"""Secrets compare by what they hold, in whichever form it was written, and nobody can read it."""

from __future__ import annotations

import base64

import pytest

from previews.engine.compare import compare_manifests
from previews.engine.manifests import Manifest, read_resources
from previews.engine.masking import make_mask
from previews.engine.yamls import load

SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"


def masked(text, key=b"k"):
    (resource,) = read_resources(SECRET + text, make_mask(key))
    return load(resource.text)


def encoded(text):
    return base64.b64encode(text).decode()


def test_a_value_has_one_mark_as_text_and_as_base64():
    plain, coded = masked("stringData: {a: canary}\n"), masked(f"data: {{a: {encoded(b'canary')}}}\n")
    assert plain == coded
    assert plain["data"]["a"].startswith("••• hmac:")
    assert masked("stringData: {a: other}\n") != plain


def test_text_wins_over_base64_and_null_is_empty():
    both = masked(f"data: {{a: {encoded(b'one')}, b: null, c: ''}}\nstringData: {{a: two}}\n")
    assert both["data"] == {"a": masked("stringData: {a: two}\n")["data"]["a"], "b": "", "c": ""}
    assert "stringData" not in both


def test_bytes_that_are_no_text_are_told_apart():
    marks = {masked(f"data: {{a: {encoded(one)}}}\n")["data"]["a"] for one in (b"\xff\xfe", b"\xff\xfd", b"??")}
    assert len(marks) == 3


@pytest.mark.parametrize("broken", ["canary!", "canaryx", "Y2FuYXJ5Cg"])
def test_what_is_no_base64_is_masked_and_is_not_the_same_as_text(broken):
    found = masked(f"data: {{a: {broken}}}\n")
    assert broken not in repr(found)
    assert found != masked(f"stringData: {{a: {broken}}}\n")


def test_shown_secrets_are_as_they_were_written_and_compare_all_the_same():
    texts = "stringData: {a: canary}\n", f"data: {{a: {encoded(b'canary')}}}\n", "stringData: {a: other}\n"
    plain, coded, other = (Manifest(tuple(read_resources(SECRET + text, make_mask(None)))) for text in texts)
    assert "a: canary" in plain.resources[0].text
    assert compare_manifests(plain, coded).changes == ()
    assert len(compare_manifests(plain, other).changes) == 1
