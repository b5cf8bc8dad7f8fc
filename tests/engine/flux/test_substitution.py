"""`postBuild` substitution: every operator of Flux's envsubst, and what it refuses."""

import pytest

from previews.engine.errors import RenderFailed
from previews.engine.render.substitution import check_names, substitute

VARIABLES = {
    "var": "abcdEFGH28ij",
    "UP": "ABCD",
    "path": "/home/bozo/ideas/thoughts.for.today",
    "twice": "abcABC123ABCabc",
    "file": "bash.string.txt",
    "slash": "foo/bar/baz",
    "other": "foo",
    "empty": "",
    "wide": "äöü",
}

CASES = {
    "no variables": "no variables",
    "${var}": "abcdEFGH28ij",
    "$var stays": "$var stays",
    "${#var}": "12",
    "${#wide}": "6",
    "${var^}": "AbcdEFGH28ij",
    "${var^^}": "ABCDEFGH28IJ",
    "${UP,}": "aBCD",
    "${UP,,}": "abcd",
    "${path:11}": "ideas/thoughts.for.today",
    "${path:11:5}": "ideas",
    "${path:-5}": "/home/bozo/ideas/thoughts.for.today",  # this is a default
    "${path:99}": "",
    "${var:2:-2}": "cdEFGH28",
    "${var:x}": "abcdEFGH28ij",
    "${file#*.}": "string.txt",
    "${file##*.}": "txt",
    "${file%.*}": "bash.string",
    "${file%%.*}": "bash",
    "${path##*/}": "thoughts.for.today",
    "${file#nothing}": "bash.string.txt",
    "${var=xyz}": "abcdEFGH28ij",
    "${none=xyz}": "xyz",
    "${none:=xyz}": "xyz",
    "${none:-xyz}": "xyz",
    "${none:-}": "",
    "${empty:-xyz}": "xyz",
    "${empty=xyz}": "xyz",
    "${none:=${other}-suffix}": "foo-suffix",
    "${none:=prefix${other^^}-suffix}": "prefixFOO-suffix",
    "${empty}": "",
    "${twice/abc/xyz}": "xyzABC123ABCabc",
    "${twice//abc/xyz}": "xyzABC123ABCxyz",
    "${twice/#abc/XYZ}": "XYZABC123ABCabc",
    "${twice/%abc/XYZ}": "abcABC123ABCXYZ",
    "${other/#/pre-}": "pre-foo",
    "${other/%/-post}": "foo-post",
    "${file/./}": "bashstring.txt",
    r"${slash/\//-}": "foo-bar/baz",
    r"${slash//\//-}": "foo-bar-baz",
    "$${var}": "${var}",
    "$$var": "$var",
    "$$${other}": "$foo",
    "something $${var=${other}}": "something ${var=foo}",
    r"\\something ${none=${other}}": r"\\something foo",
    "50$ and $": "50$ and $",
}


@pytest.mark.parametrize("text", CASES)
def test_operators_do_what_fluxs_envsubst_does(text):
    assert substitute(text, VARIABLES.get) == CASES[text]


REFUSED = {
    "${none}": 'not set \\(strict mode\\): "none"',
    "${#none}": "strict mode",
    "${none^^}": "strict mode",
    "${none:0:3}": "strict mode",
    "${none/a/b}": "strict mode",
    "${none%x}": "strict mode",
    "${other:=${none}}": "strict mode",
    "${a.b}": "missing closing brace",
    "${var-default}": "missing closing brace",
    "${}": "unable to parse variable name",
    "${var": "missing closing brace",
    "${none:=x": "unable to parse substitution",
    "${var:}": "unable to parse substitution",
    "${var#}": "unable to parse substitution",
    "${var/a}": "bad substitution",
    "${none:=" * 60: "nested deeper",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_malformed_or_undefined_fails_aloud(text):
    with pytest.raises(RenderFailed, match=REFUSED[text]):
        substitute(text, VARIABLES.get)


def test_a_variable_with_a_bad_name_fails_even_unused():
    check_names({"_fine1": ""})
    with pytest.raises(RenderFailed, match="'a-b' var name is invalid"):
        check_names({"a-b": ""})
