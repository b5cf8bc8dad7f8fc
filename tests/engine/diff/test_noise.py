"""Which lines of an object's text are noise."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from previews.engine.diff.noise import is_noise, noisy_lines
from previews.engine.errors import YamlError
from previews.engine.yamls import dump, load_all
from tests.engine.diff.values import scalars

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels:
    app.kubernetes.io/name: web
    helm.sh/chart: web-1.2.0
    "app.kubernetes.io/version": "4.2.0"
    heritage: Helm # of old
spec:
  selector:
    matchLabels:
      chart: web
  template:
    metadata:
      annotations:
        checksum/config: 0123abc
        example.com/checksum-of-secret: ff
        rollme: >-
          never
        note: "of
          chart: web"
    spec:
      containers:
        - name: web
          args:
            - |
              labels:
                chart: no
            - labels: x
"""
CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata:
  annotations: {checksum/config: abc}
data:
  values.yaml: |
    metadata:
      labels:
        helm.sh/chart: web-1.2.0
  chart: web
  labels: |-
    chart: web
"""


def test_noise_is_found_where_it_is_a_label_or_annotation_on_a_line_of_its_own():
    lines = DEPLOYMENT.split("\n")
    found = noisy_lines(DEPLOYMENT)
    assert {lines[number].strip(): key for number, key in found.items()} == {
        "helm.sh/chart: web-1.2.0": "helm.sh/chart",
        '"app.kubernetes.io/version": "4.2.0"': "app.kubernetes.io/version",
        "heritage: Helm # of old": "heritage",
        "checksum/config: 0123abc": "checksum/config",
        "example.com/checksum-of-secret: ff": "example.com/checksum-of-secret",
    }


def test_text_inside_a_value_is_no_noise():
    assert noisy_lines(CONFIG) == {}


def test_a_value_that_goes_on_below_is_no_noise():
    assert noisy_lines('labels:\n  chart: "a\n    b"\n') == {}
    assert noisy_lines("labels:\n  chart: a\n    b\n") == {}
    assert noisy_lines("labels:\n  chart: a\n\n    b\n") == {}
    assert noisy_lines("labels:\n  chart: a\n  # b\n  heritage: c\n") == {1: "chart", 3: "heritage"}


@pytest.mark.parametrize("key", ["name", "app", "charter", "version", "mychecksum", "team", "app.kubernetes.io/name"])
def test_a_label_that_tells_something_is_no_noise(key):
    assert not is_noise("labels", key)


@given(st.text(st.sampled_from("labels: chart\n-|>\"'#{}[]&*\t\\x"), max_size=200))
def test_any_text_is_read_without_complaint(text):
    lines = text.split("\n")
    for number, key in noisy_lines(text).items():
        assert key in lines[number]
        assert is_noise("labels", key)


@pytest.mark.parametrize(
    "text",
    [
        "data:\n  x: |\n    labels:\n      chart: a\n",
        "data:\n  x: >-  # folded\n\n    labels:\n      chart: a\n\n      chart: b\n",
        "x: !!str |2\n    labels:\n      chart: a\n",
        "x: &a |+\n  labels:\n    chart: a\n",
        "- |\n labels:\n   chart: a\n",
        "- - >\n   labels:\n     chart: a\n",
        "- x: |\n    labels:\n      chart: a\n",
        "? |\n  labels:\n    chart: a\n: b\n",
        "--- |\n  labels:\n    chart: a\n",
        "--- >\nlabels:\n  chart: a\n",
        "x: 'a\n  labels:\n    chart: a'\n",
        'x: "a\\"\n\n  labels:\n    chart: a"\n',
        "x: {a: b,\nlabels:\n {chart: a}}\n",
        "x: [a, 'b]\nlabels:\n  chart: a\n']\n",
        "x: [it's, [a,\n labels:\n  chart: ' ']]\n",
        "labels: |\n  chart: a\n",
        "labels:\n  x:\n    chart: a\n",
        "labels:\n- chart: a\n",
        '"s\\x65lector":\n  labels:\n    chart: a\n',
        "selector:\n- labels:\n    chart: a\n",
        "labels:\n  chart:\n",
        "labels:\n  chart: # nothing\n",
        "labels:\n  chart: a\n    b\n",
        "labels:\n  chart: &a\n    b\n",
        "labels:\n  x: 'a\u2028  chart: b'\n",
    ],
)
def test_what_only_looks_like_labels_is_none(text):
    assert noisy_lines(text) == {}


def test_behind_a_block_of_text_lines_count_again():
    assert noisy_lines("x:\n- y: |\n    labels:\n      chart: a\n  labels:\n    chart: b\n") == {5: "chart"}
    assert noisy_lines("--- |\n  chart: a\n---\nlabels:\n  chart: b\r\n") == {4: "chart"}


@pytest.mark.parametrize(
    "line",
    ["- " * 300_000, "a" + " " * 300_000 + "b", "a: " + "[' " * 300_000, "a: '" + "''" * 300_000, "- a: " * 99_999],
)
def test_a_long_line_is_read_in_one_pass(line):
    """A reader that looks back would take hours."""
    assert list(noisy_lines(f"labels:\n  chart: a\n---\n{line}\n")) == [1]


@pytest.mark.parametrize(
    "value",
    [
        '"a\\"\n\n    labels:\n     b"',
        "'a\n   ''b'",
        "[a,\n   {b: ']',\n    c: d}\n  ]",
        "{a: [it's,\n   b]}",
        "!!str 'a\n   b'",
    ],
)
def test_behind_a_value_of_several_lines_lines_count_again(value):
    text = f"a:\n  x: {value}\nlabels:\n  chart: a\n"
    assert load_all(text)
    assert noisy_lines(text) == {text.count("\n") - 1: "chart"}


hard_text = st.sampled_from(
    [
        "labels:\n  chart: a\n",
        "a: |\n  labels:\n    chart: b",
        "labels:",
        "chart: x",
        " \n\nlabels:\n chart: x\n",
        "#",
        "|",
    ]
)
hard_keys = st.sampled_from(
    [
        "labels",
        "annotations",
        "chart",
        "checksum/x",
        "selector",
        "matchLabels",
        "a b",
        "'",
        "rollme",
        "a: b",
        "#",
        "- x",
    ]
)
objects = st.recursive(
    st.one_of(hard_text, scalars),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(hard_keys, inner, max_size=4)),
    max_leaves=20,
)


def parsed_noise(text: str) -> dict[int, str]:
    """The noisy lines as PyYAML's nodes tell them."""
    found: dict[int, str] = {}
    for document in yaml.compose_all(text, Loader=yaml.CSafeLoader):
        collect(document, (), found)
    return found


def collect(node: Any, keys: tuple[str, ...], found: dict[int, str]) -> None:
    if isinstance(node, yaml.SequenceNode) and not node.flow_style:
        for item in node.value:
            collect(item, (*keys, "-"), found)
    if not isinstance(node, yaml.MappingNode) or node.flow_style:
        return
    is_home = keys and keys[-1] in ("labels", "annotations")
    is_home = is_home and not any(key.lower().endswith("selector") or key == "matchLabels" for key in keys)
    for key, value in node.value:
        takes_a_line = value.start_mark.line == value.end_mark.line and value.start_mark.index < value.end_mark.index
        if is_home and is_noise("labels", key.value) and takes_a_line and key.start_mark.line == value.start_mark.line:
            found[key.start_mark.line] = key.value
        collect(value, (*keys, key.value), found)


@given(objects)
@example({"labels": {"chart": [], "checksum/x": {}, "rollme": ""}})
def test_noisy_lines_of_a_dumped_object_are_those_that_its_parser_sees(value):
    text = dump(value)
    if "\\" not in text and "\u2028" not in text and "\x85" not in text:
        assert noisy_lines(text) == parsed_noise(text)


LINES = (
    "labels:|  labels:|    labels:|chart: a|  chart: a|    chart: a|      chart: a|- labels:|  - labels:|a: >|  b: >-|- >"
    "||# c|      # c|x: 'a|b'|  y: [a|  c]|  selector:|? a|: b|? >|- - a:|      labels: {a: b}|---|--- >|\t|  d: \"e|f\""
    "|  ? labels|  :|- chart: a|labels: &a|  z: *a|  chart: {a: b|  chart: 'a|  chart: a # b|  \tchart: a"
)


@given(st.lists(st.sampled_from(LINES.split("|")), max_size=9))
def test_noisy_lines_of_hostile_text_are_never_part_of_a_string(lines):
    text = "".join(f"{line}\n" for line in lines)
    found = noisy_lines(text)
    try:
        load_all(text)
        expected = parsed_noise(text)
    except (YamlError, yaml.YAMLError):
        return
    assert found.items() <= expected.items()
