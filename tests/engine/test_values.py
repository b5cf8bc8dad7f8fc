"""Values merge as in Helm; `--set` parses as in Helm itself."""

import json
import subprocess
import sys

import pytest

from previews.engine.errors import RenderFailed
from previews.engine.values import escape_commas, expand_environment, merge, set_file, set_value

EXPRESSIONS = [
    "a.b=1,c={1,2}", "a[0].b=x,a[1]=y", "a=1.10", "n=8", "l={a,b}", "l={}", "a=true,b=null,c=TRUE", "a=0,b=00,c=-3",
    r"a\.b=3", r"a=b\,c", "a.b.c=", "a", "a=", "=b", "a..b=1", "a[x]=1", "name={a,b},c=1", "a[0][1]=2", "a={a,,b}",
    "a=99999999999999999999", "a=1e3", "a=,b=2", "a.b=1,a.c=2", "a={x", "a= b", "a[2]=1", ",a=1", "a={1,2}x=3",
    "a[0]={1,2}", "a.=1", "a[70000]=1", "a[-1]=1", "a.b[1].c={x,1,true}",
]  # fmt: skip

_ASK_HELM = """
import json, sys
from helm_python import _native
answers = []
for expression in json.load(sys.stdin):
    try:
        answers.append(json.loads(_native.call_string("helm_strvals_parse", expression)))
    except Exception:
        answers.append("refused")
print(json.dumps(answers))
"""


def ours(expression):
    try:
        return set_value({}, expression)
    except RenderFailed:
        return "refused"


def test_set_expressions_parse_as_in_helm():
    done = subprocess.run(
        [sys.executable, "-c", _ASK_HELM], input=json.dumps(EXPRESSIONS), capture_output=True, text=True, check=True
    )
    helm = dict(zip(EXPRESSIONS, json.loads(done.stdout), strict=True))
    assert {expression: ours(expression) for expression in EXPRESSIONS} == helm


def test_set_changes_lists_and_maps_in_place_without_touching_the_original():
    values = {"a": [{"b": 1, "c": 2}], "d": {"e": 1}}
    assert set_value(values, "a[0].b=5,d.f=x") == {"a": [{"b": 5, "c": 2}], "d": {"e": 1, "f": "x"}}
    assert values == {"a": [{"b": 1, "c": 2}], "d": {"e": 1}}


def test_forced_strings_stay_text():
    assert set_value({}, "n=8", force_string=True) == {"n": "8"}


def test_a_files_content_is_one_text():
    assert set_file({}, "a.b", "x=1,y\n") == {"a": {"b": "x=1,y\n"}}


def test_merge_goes_into_maps_and_replaces_all_else():
    under = {"a": {"b": 1, "c": 2}, "l": [1, 2], "n": 1}
    assert merge(under, {"a": {"b": None}, "l": [3], "n": {"x": 1}}) == {
        "a": {"b": None, "c": 2},
        "l": [3],
        "n": {"x": 1},
    }


def test_commas_are_escaped_but_in_lists():
    assert escape_commas("a,b") == r"a\,b"
    assert escape_commas(r"a\,b") == r"a\,b"
    assert escape_commas("{a,b}") == "{a,b}"


@pytest.mark.parametrize(
    ("text", "expanded"),
    [("$NAME/x", "app/x"), ("${NAME}-y", "app-y"), ("$$5", "$5"), ("$NOBODY", ""), ("${X:-d}", ""), ("100%", "100%")],
)
def test_environment_is_expanded_as_go_does(text, expanded):
    assert expand_environment(text, {"NAME": "app"}) == expanded
