"""YAML means what it means to Kubernetes, and hostile YAML costs nothing."""

import pytest

from previews.engine.errors import YamlError
from previews.engine.yamls import canonical, dump, load, load_all, load_with_lines


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2024-01-01", "2024-01-01"),
        ("12:30", "12:30"),
        ("=", "="),
        ("yes", True),
        ("y", True),
        ("Off", False),
        ("~", None),
        ("0x1F", 31),
        ("010", 8),
        ("0o14", 12),
        ("08", 8.0),
        ("0o", "0o"),
        ("1_000", 1000),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("'1'", "1"),
        ("!!str 1", "1"),
        ("1.2.3", "1.2.3"),
        ("9" * 500, "9" * 500),
        (".inf", ".inf"),
    ],
)
def test_a_scalar_is_what_kubernetes_takes_it_for(text, value):
    assert load(f"a: {text}") == {"a": value}


def test_keys_become_text_as_in_json():
    assert load("1: a\ntrue: b\non: c\nnull: d") == {"1": "a", "true": "c", "null": "d"}


def test_merge_keys_are_overridden_by_what_stands_beside_them():
    text = "base: &base {a: 1, b: 2}\nderived: {<<: *base, b: 3}\nlist: {<<: [*base, {c: 4}]}"
    assert load(text, "error")["derived"] == {"a": 1, "b": 3}
    assert load(text)["list"] == {"a": 1, "b": 2, "c": 4}


def test_a_key_that_stands_twice_is_an_error_only_when_asked():
    assert load("a: 1\na: 2") == {"a": 2}
    with pytest.raises(YamlError, match="line 2: key 'a' stands twice"):
        load("a: 1\na: 2", "error")


def test_documents_are_separate():
    assert load_all("a: 1\n---\n---\nb: 2\n") == [{"a": 1}, None, {"b": 2}]
    assert load("") is None


@pytest.mark.parametrize(
    "text",
    ["[" * 50_000, "{a: " * 50_000, "a: *nowhere", "a: [", "{[a]: b}", "? {a: b}\n: c", "a: \x01"],
)
def test_hostile_or_broken_text_is_refused(text):
    with pytest.raises(YamlError):
        load(text)


def test_a_billion_laughs_are_refused_before_they_are_counted_out():
    lines, previous = ['a: &a ["lol"]'], "a"
    for name in "bcdefghij":
        lines.append(f"{name}: &{name} [{','.join([f'*{previous}'] * 9)}]")
        previous = name
    with pytest.raises(YamlError, match="nodes"):
        load("\n".join(lines))


def test_what_is_dumped_reads_back_the_same():
    value = {"y": "yes", "n": "1", "text": "a\nb\n", "list": [{"a": None}, []], "on": "2024-01-01", "f": 1.5}
    assert load(dump(value)) == value
    assert "|" in dump({"text": "a\nb\n"})


def test_lines_of_keys_are_known():
    value, lines = load_with_lines("a: 1\nb:\n  c: 2\n  d: [x, y]\n")
    assert lines[id(value), "b"] == 2
    assert lines[id(value["b"]), "d"] == 4


def test_canonical_texts_are_equal_for_equal_values():
    assert canonical({"b": 1, "a": [True, None]}) == canonical({"a": [True, None], "b": 1})
    assert canonical({"a": 1}) != canonical({"a": "1"})
