"""Random and time-dependent output makes no difference, and hides none."""

from datetime import UTC, datetime

import pytest

from previews.engine.manifests import read_resources
from previews.engine.render.unstable import MARK, shows_the_time, stabilise, volatility
from tests.conftest import run_preview
from tests.engine.fleets import CONFIGMAP, fleet

HEAD = "refs/pull/1/head"

RANDOM = """apiVersion: v1
kind: Secret
metadata:
  name: generated
stringData:
  password: {{ randAlphaNum 16 }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
  annotations:
    when: {{ now | date "2006-01-02T15:04:05" | quote }}
data:
  stable: {{ .Values.text | quote }}
  file: |
    first: line
    token: {{ uuidv4 }}
    last: line
"""


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (b"{{ randAlphaNum 8 }}", "random"),
        (b"{{- $x := now -}}", "time"),
        (b'{{ genCA "x" 365 }}', "random"),
        (b"now is a word, and so is {{ .Values.known }}", ""),
        (b"{{ sha256sum .Values.x }} {{ derivePassword 1 }}", ""),
    ],
)
def test_what_may_differ_is_known_from_its_text(template, expected):
    assert volatility(template) == expected


def preview(git, bench, changed):
    git.commit(fleet(1) | {"charts/web/templates/config.yaml": RANDOM})
    git.commit({"charts/web/templates/config.yaml": changed}, ref=HEAD, start="refs/heads/main")
    one = bench()
    prepared, cells = run_preview(one, HEAD)
    return prepared, cells, one


def test_a_random_value_is_no_difference(git, bench):
    _, cells, one = preview(git, bench, RANDOM + "# a comment\n")
    assert cells == {}
    assert one.rendered == 2


def test_a_real_change_beside_it_is_seen_alone(git, bench):
    prepared, cells, one = preview(git, bench, RANDOM.replace("last: line", "last: one"))
    cell = cells["c1", "web"]
    assert (cell.yaml, cell.yaml_lines) == ("changed", (1, 1))
    assert [change.id.kind for change in cell.resources] == ["ConfigMap"]
    assert cell.unstable == 3
    assert "3 values come out differently" in cell.notes[0]
    text = "".join(
        r.text for r in one.manifests(list(prepared.plan.requests.values()))[prepared.plan.cells[0].head_key].resources
    )
    assert text.count(MARK) == 3
    assert "first: line" in text


def test_what_is_the_same_twice_is_never_touched(git, bench):
    git.commit(fleet(1))
    git.commit({"charts/web/templates/config.yaml": CONFIGMAP + "  x: y\n"}, ref=HEAD, start="refs/heads/main")
    _, cells = run_preview(bench(), HEAD)
    assert cells["c1", "web"].unstable == 0


def resource(text):
    return read_resources(text, str)[0]


def test_equal_values_get_equal_marks_and_random_names_are_one_resource():
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x-{0}\ndata:\n  a: {0}\n  b: {0}\n  c: same\n  l: [1, {0}]\n"
    (one,) = stabilise([resource(text.format("r1"))], [resource(text.format("r2"))])
    assert one.id.name == f"{MARK}1⟩"
    assert one.text.count(f"{MARK}2⟩") == 3
    assert "c: same" in one.text


def test_other_resources_each_time_are_left_as_they_are():
    a = resource("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    b = resource("apiVersion: v1\nkind: Secret\nmetadata: {name: b}\n")
    assert stabilise([a], [a, b]) == [a]


def test_waiting_for_the_clock_is_for_output_that_shows_the_time():
    moment = datetime(2031, 5, 4, 12, 34, 56, tzinfo=UTC)
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata: {{a: '{}'}}\n"
    for shown, expected in (
        ("2031-05-04", True),
        ("12:34", True),
        (str(int(moment.timestamp())), True),
        ("2030", False),
    ):
        assert shows_the_time([resource(text.format(shown))], moment) is expected
