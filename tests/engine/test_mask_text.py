"""Secrets in files of values: nobody can read them, and all else stays as people wrote it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from previews.engine.config import SECRET_VALUES
from previews.engine.mask_text import mask_text
from previews.engine.masking import make_mask, mask_values, shown
from previews.engine.yamls import canonical, dump, load, load_all

MASK = make_mask(b"k")
MARK = r"••• hmac:[0-9a-f]{12}"


def masked(text):
    return mask_text(text, SECRET_VALUES, MASK)


def form(text):
    """The masked text with a short word for each mark."""
    return re.sub(f'"{MARK}"|{MARK}', "***", masked(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# who\na: 1\n\npassword:   x   # yearly\n", "# who\na: 1\n\npassword:   ***   # yearly\n"),
        ("a: {password: 'x, y', b: 1}  # c\n", "a: {password: ***, b: 1}  # c\n"),
        ("token: [a, {b: c, secret: d}]\n", "token: [***, {b: c, secret: ***}]\n"),
        ("secret:\n  password: x\n  name: y\n", "secret:\n  password: ***\n  name: y\n"),
        ("privateKey: |  # pem\n  one\n  two\n\n# c\nb: 1\n", "privateKey: ***\n\n# c\nb: 1\n"),
        ("password: one\n  two\nb: 1\n", "password: ***\nb: 1\n"),
        ("password: x\r\nb: é # ü\r\ntoken: z\r\n", "password: ***\r\nb: é # ü\r\ntoken: ***\r\n"),
        ("password: 1234567\ntoken: true\nsecret:\n", "password: ***\ntoken: true\nsecret:\n"),
        ("a: 1\n---\npassword: x", "a: 1\n---\npassword: ***"),
        ("base: &b {password: x}\nc: {<<: *b, d: 1}\n", "base: &b {password: ***}\nc: {<<: *b, d: 1}\n"),
        ("text: 'password: x # no comment'\n", "text: 'password: x # no comment'\n"),
        ("script: |\n  # password: x\n", "script: |\n  # password: x\n"),
        ("", ""),
    ],
)
def test_layout_and_comments_stay(text, expected):
    assert form(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# password: x\n", "# password: ***\n"),
        ("a: 1 # dbPassword: x y # z\n", "a: 1 # dbPassword: ***\n"),
        ('#   "password" : "x"\n', '#   "password" : ***\n'),
        ("# --set a.token=x\n", "# --set a.token= ***\n"),
        ("# auth: {user: u, password: x}\n", "# auth: {user: u, password: ***\n"),
        ("# private key: x\n", "# private key: ***\n"),
        ("# token:\n#   - x\n#   - y\n# a: 1\n", "# token:\n#   ***\n#   ***\n# a: 1\n"),
        ("# token:\n# - x\n# a: 1\n", "# token:\n# ***\n# a: 1\n"),
        ("# privateKey: |\n#   x\n#\n#   y\nb: 1\n", "# privateKey: |\n#   ***\n#\n#   ***\nb: 1\n"),
        ("a:\n  #password: x\n", "a:\n  #password: ***\n"),
        ("a: | # token: x\n  b\n", "a: | # token: ***\n  b\n"),
        ("a: [1,# token: x\n 2]\n", "a: [1,# token: ***\n 2]\n"),
        ("token:\n# - x\n- z\n# - y\na: 1\n# - x\n", "token:\n# - ***\n- ***\n# - ***\na: 1\n# - x\n"),
        ("# password: true\n# who: me\n", "# password: true\n# who: me\n"),
        ("# privateKey: |  # pem\n#   x\nb: 1\n", "# privateKey: |  # pem\n#   ***\nb: 1\n"),
        ("# privateKey: |\n#   x\n\n#   y\n\nb: 1\n", "# privateKey: |\n#   ***\n\n#   ***\n\nb: 1\n"),
        ("# token: [x,\n#   y]\n# a: 1\n", "# token: ***\n#   ***\n# a: 1\n"),
        ('# token: "x\n#   y"\n# a: 1\n', "# token: ***\n#   ***\n# a: 1\n"),
        ("# token: !vault |\n#   x\n# a: 1\n", "# token: ***\n#   ***\n# a: 1\n"),
        ("# - token: |\n#     x\n#   name: y\n", "# - token: |\n#     ***\n#   name: y\n"),
        ("# - token: x\n# - name: y\n", "# - token: ***\n# - name: y\n"),
        ("# password: !x\n# token: &x\n# token: #x\n", "# password: ***\n# token: ***\n# token: ***\n"),
        ("# password: '' # none\n#   at all\n", "# password: '' # none\n#   at all\n"),
        ("token:\n- z\n# -\tx\n", "token:\n- ***\n# -\t***\n"),
        ("password: hunter22\n# it was Hunter, hunter22!\n", "password: ***\n# it was Hunter, ***!\n"),
        ("password: 0123456\n# not 0123456\n", "password: ***\n# not ***\n"),
        ('password: "hunt\\x65r22"\n# hunt\\x65r22, hunter22\n', "password: ***\n# ***, ***\n"),
        ("privateKey: |\n  line one\n  line two\n# line one\n", "privateKey: ***\n# ***\n"),
        ("password: hunter22\ntoken: hunter22-x\n# hunter22-x\n", "password: ***\ntoken: ***\n# ***\n"),
    ],
)
def test_secrets_in_comments_are_masked(text, expected):
    assert form(text) == expected


def test_a_secret_has_the_mark_that_it_has_in_the_merged_values():
    text = "password: x\na: {token: 'x'}\n# secret: x\nother: {secret: z}\n"
    first, second, third, other = re.findall(MARK, masked(text))
    assert {first, second, third} == set(mask_values({"password": "x"}, SECRET_VALUES, MASK).values())
    assert other != first


@pytest.mark.parametrize("text", ["password: &p canary\n", "password: !!str canary\n", "\ufeffpassword: canary\n"])
def test_what_cannot_be_masked_in_place_is_written_anew(text):
    text += "b: 2 # comment\na: 1\n"
    assert masked(text).startswith("# Written anew without comments")
    assert "canary" not in masked(text)
    assert load(masked(text)) == mask_values(load(text), SECRET_VALUES, MASK)
    assert masked(text) != masked(text.replace("comment", "other"))


@pytest.mark.parametrize(
    "text", ["a: [\npassword: canary\n", "password: *canary\n", "x: 1\n  canary: {\n", "a\x00canary"]
)
def test_what_is_no_yaml_is_hidden_as_a_whole(text):
    assert masked(text).startswith("# This file is no YAML")
    assert "canary" not in masked(text)
    assert masked(text) != masked(text + " ")


@pytest.mark.parametrize("text", ["[" * 100_000, "a: " * 3 + "&x " * 9, "{password: " * 5_000])
def test_hostile_texts_are_hidden(text):
    assert masked(text).startswith("# This file is no YAML")


def test_nothing_is_masked_where_secrets_are_shown_or_there_are_none():
    assert mask_text("password: x\n", SECRET_VALUES, shown) == "password: x\n"
    assert mask_text("password: x\n", (), MASK) == "password: x\n"


def test_a_mapping_below_a_secret_key_is_looked_through():
    found = mask_values({"secret": {"password": "x", "name": "y", "token": [{"secret": "z"}]}}, SECRET_VALUES, MASK)
    assert found["secret"]["password"] != "x"
    assert found["secret"]["name"] == "y"
    assert found["secret"]["token"][0]["secret"] != "z"


def test_a_comment_full_of_colons_is_no_work():
    text = "# " + ":" * 20_000 + "a" * 20_000 + "\n" + "# b\n" * 20_000
    assert masked(text) == text


KEYS = st.sampled_from(["name", "password", "dbToken", "list", "secret", "privateKey", "replicas"])
SECRETS = st.text("abc é\"'#:&*\\\n|>%@`-{}[], 1", max_size=12).map(lambda text: f"canary{text}")
PLAIN = st.one_of(st.integers(), st.booleans(), st.none(), st.text("ab #:\n", max_size=8))
TREES = st.recursive(
    st.one_of(PLAIN, SECRETS),
    lambda below: st.one_of(st.lists(below, max_size=3), st.dictionaries(KEYS, below, max_size=4)),
    max_leaves=20,
)


def without_canaries(value, is_secret=False):
    """The same with no canary but in secrets."""
    if isinstance(value, dict):
        return {key: without_canaries(one, bool(re.search(SECRET_VALUES[0], key))) for key, one in value.items()}
    if isinstance(value, list):
        return [without_canaries(one, is_secret) for one in value]
    return value.replace("canary", "crow") if isinstance(value, str) and not is_secret else value


@given(st.dictionaries(KEYS, TREES, max_size=4).map(without_canaries), st.booleans())
def test_no_secret_survives_and_the_rest_says_the_same(values, is_flow):
    text = canonical(values) if is_flow else dump(values, sort_keys=False)
    found = masked(text)
    assert canonical(load_all(found)) == canonical(mask_values(load_all(text), SECRET_VALUES, MASK))
    assert "canary" not in found
    assert "Written anew" not in found
    assert "is no YAML" not in found


@given(
    st.dictionaries(KEYS, TREES, max_size=4).map(without_canaries), st.booleans(), st.sampled_from(["# ", "#", "  # "])
)
def test_no_secret_of_what_was_commented_out_survives(values, skips_empty, sign):
    lines = dump(values, sort_keys=False).split("\n")
    text = "\n".join(line if skips_empty and not line.strip() else f"{sign}{line}" for line in lines)
    found = masked(f"a: 1\n{text}\nb: 2\n")
    assert "canary" not in found
    assert found.count("\n") == text.count("\n") + 3


LINES = st.text("abcXYZ019 é.,;!?/'\"#:-", min_size=1, max_size=20).filter(lambda text: text.strip())


@given(
    st.lists(
        st.tuples(KEYS, LINES, st.sampled_from(["", "'", '"']), st.sampled_from(["", " # why", "  # password: z"]))
    )
)
def test_single_lines_stay_single_lines(rows):
    lines = []
    for number, (key, value, quote, comment) in enumerate(rows):
        escaped = {"'": value.replace("'", "''"), '"': value.replace('"', '\\"'), "": f"v{value.split('#')[0].strip()}"}
        body = escaped[quote].replace(": ", ";").rstrip(":") if not quote else escaped[quote]
        lines.append(f"k{number}:\n  {key}: {quote}{body}{quote}{comment}")
    text = "\n".join(lines)
    assert masked(text).count("\n") == text.count("\n")
    assert "is no YAML" not in masked(text)
    assert "Written anew" not in masked(text)
    kept = [
        (old, new) for old, new in zip(text.split("\n"), masked(text).split("\n"), strict=True) if "hmac" not in new
    ]
    assert all(old == new for old, new in kept)


@given(SECRETS, SECRETS)
def test_equal_secrets_have_equal_marks_and_others_have_others(one, other):
    first, second = (re.findall(MARK, masked(dump({"password": text})))[0] for text in (one, other))
    assert (first == second) == (one == other)
