"""Order without meaning: the left text's lines come in the right's order, and still say the same."""

from __future__ import annotations

import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from previews.engine.diff.fields import field_changes
from previews.engine.diff.lines import split_lines
from previews.engine.diff.order import aligned, is_reordered
from previews.engine.yamls import dump, load
from tests.engine.diff.values import values

DEPLOYMENT = """\
# Source: web/templates/deployment.yaml
kind: Deployment
apiVersion: apps/v1

# who it is
metadata:
  name: web
  labels: {app: web,
    tier: front}
spec:
  # how many
  replicas: 2
  template:
    spec:
      containers:
        # the proxy
        - name: proxy
          image: envoy
          args:
            - b
            - a
        - name: app
          ports:
          - containerPort: 80
          - containerPort: 81
          image: web
"""
SHUFFLED = """\
apiVersion: apps/v1
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: app
          image: web
          ports:
          - containerPort: 81
          - containerPort: 80
        - name: proxy
          args:
            - a
            - b
          image: envoy
  replicas: 2
metadata:
  labels:
    tier: front
    app: web
  name: web
"""
ALIGNED = """\
# Source: web/templates/deployment.yaml
apiVersion: apps/v1
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: app
          image: web
          ports:
          - containerPort: 81
          - containerPort: 80
        # the proxy
        - name: proxy
          args:
            - b
            - a
          image: envoy
  # how many
  replicas: 2

# who it is
metadata:
  labels: {app: web,
    tier: front}
  name: web
"""


def reordered(left: str, right: str) -> str:
    lines = split_lines(left)
    order = aligned(left, right)
    assert sorted(order) == list(range(len(lines)))
    return "".join(f"{lines[line]}\n" for line in order)


def shuffled(value, chance: random.Random):
    """The same value with its keys in another order."""
    if isinstance(value, list):
        return [shuffled(item, chance) for item in value]
    if not isinstance(value, dict):
        return value
    keys = list(value)
    chance.shuffle(keys)
    return {key: shuffled(value[key], chance) for key in keys}


def without_mappings_in_lists(value):
    """What begins behind a dash cannot be put in order."""
    if isinstance(value, list):
        return [item for item in value if not isinstance(item, (dict, list))]
    return {key: without_mappings_in_lists(item) for key, item in value.items()} if isinstance(value, dict) else value


def test_keys_and_named_items_come_in_the_order_of_the_right_and_take_their_comments_along():
    assert reordered(DEPLOYMENT, SHUFFLED) == ALIGNED


def test_a_key_that_the_right_lacks_stays_behind_the_one_it_followed():
    assert reordered("x: 0\na: 1\nb: 2\nb2: 2\nc: 3\n", "c: 3\nb: 2\na: 1\n") == "x: 0\nc: 3\nb: 2\nb2: 2\na: 1\n"


def test_what_stands_behind_a_dash_stays_first():
    assert reordered("- b: 1\n  c: 2\n  a: 3\n", "- a: 3\n  b: 1\n  c: 2\n") == "- b: 1\n  a: 3\n  c: 2\n"


def test_a_block_of_text_is_moved_as_a_whole_with_what_looks_like_keys_in_it():
    left = "text: |+\n  b: 1\n\n  # no comment\n  a: 2\n\nempty:\nquoted: 'x\n\n  # no comment\n  y'\n"
    right = "quoted: ''\nempty:\ntext: ''\n"
    assert reordered(left, right) == (
        "quoted: 'x\n\n  # no comment\n  y'\nempty:\ntext: |+\n  b: 1\n\n  # no comment\n  a: 2\n\n"
    )


def test_the_order_of_a_right_that_is_written_in_json_counts():
    assert reordered("b: 1\na:\n  d: 1\n  c: 2\n", '{"a": {"c": 2, "d": 1}, "b": 1}') == "a:\n  c: 2\n  d: 1\nb: 1\n"


def test_windows_line_ends_are_lines():
    assert reordered("b: 1\r\na: 2\r\n", "a: 2\nb: 1\n") == "a: 2\r\nb: 1\r\n"


@pytest.mark.parametrize(
    "left",
    [
        "b: 1\n---\na: 2\n",
        "b: &x 1\na: *x\n",
        "b: 1\na: 2\nb: 3\n",
        "<<: {a: 1}\nb: 2\n<<: {a: 3, b: 4}\n",
        "? b\n: 1\n? a\n: 2\n",
        "{b: 1,\na: 2}\n",
        "b: 1\na: 'x\u2028y'\n",
        "b: |\n  text\n    # indented\na: 1\nc: |\n  x\n",
        "    # indented\nb: 1\n    # more\na: |\n  text\n",
        "b: [\na: 1\n",
        "- b\n- a\n",
        "text",
        "",
    ],
)
def test_what_cannot_be_put_in_order_stays_or_says_the_same(left):
    right = "a: 2\nb: 1\nc: 3\n"
    result = reordered(left, right)
    assert result == left or load(result) == load(left)
    if any(sign in left for sign in ("---", "&", "<<", "?", "{", "[", "\u2028", "- ")):
        assert result in (left, f"{left}\n")


@pytest.mark.parametrize("left", ["c: 1\n    # more\nb: 2\na: |\n  text\n", "c: 1\n\nb: 2\na: |+\n  text\n"])
def test_what_would_move_into_a_block_of_text_keeps_all_as_it_is(left):
    assert reordered(left, "a: 2\nb: 1\nc: 3\n") == left


def test_a_part_that_is_written_unlike_block_style_is_moved_as_a_whole():
    left = "b:\n  ? z\n  : 1\n  ? y\n  : 2\na:\n  d: 1\n  c: 2\n"
    right = "a: {c: 2, d: 1}\nb: {y: 2, z: 1}\n"
    assert reordered(left, right) == "a:\n  c: 2\n  d: 1\nb:\n  ? z\n  : 1\n  ? y\n  : 2\n"


@pytest.mark.parametrize("text", ["[" * 30_000, "a: " * 30_000, "- " * 30_000, "{a: " * 30_000, "a:\n" + " b:" * 9_000])
def test_deep_nesting_is_left_as_it_is(text):
    assert aligned(text, "b: 1\na: 2\n") == list(range(len(split_lines(text))))
    assert aligned("b: 1\na: 2\n", text) == [0, 1]


def test_a_billion_laughs_are_left_as_they_are():
    bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
    bomb += "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    assert aligned(bomb, bomb) == list(range(12))
    assert aligned("b: 1\na: 2\n", bomb) == [0, 1]


@given(values)
def test_a_text_aligned_with_itself_stays(value):
    assert aligned(dump(value), dump(value)) == list(range(len(split_lines(dump(value)))))


@given(values, values, st.randoms(use_true_random=False))
def test_the_lines_as_ordered_say_what_they_said(value, other, chance):
    left = dump(value, sort_keys=False)
    for right in (other, shuffled(value, chance)):
        result = load(reordered(left, dump(right, sort_keys=False)))
        assert all(change.state == "moved" for change in field_changes(load(left), result))


@given(values, st.randoms(use_true_random=False))
def test_a_shuffled_text_aligned_with_the_original_is_the_original(value, chance):
    value = without_mappings_in_lists(value)
    original = dump(value, sort_keys=False)
    result = reordered(dump(shuffled(value, chance), sort_keys=False), original)
    # A key that is too long or spans lines is written behind `? `, where it stays.
    assert result == original or "\n? " in f"\n{original}".replace("  ", "")


@given(st.permutations(["app", "proxy", "init"]), st.permutations(["app", "proxy", "init"]))
def test_named_items_come_in_the_order_of_the_right(left, right):
    texts = [dump({"containers": [{"name": name, "z": [name]} for name in names]}) for names in (left, right)]
    assert reordered(*texts) == texts[1]


LINES = (
    "a: 1|b:|  c: 2|  d: >|    text||# x|    # y|- e|- name: f|  g: >+|  - h|? i|: j|k: 'l|m'|n: [o,|p]|- - q|  r: >-"
    "|\t|--- |...|s: {t: 1}|- name: u|  c: 3|b: &v|w: *v|<<: {a: 1}"
)
lines_of_yaml = st.lists(st.sampled_from(LINES.split("|")), max_size=12)


@given(lines_of_yaml, lines_of_yaml, st.randoms(use_true_random=False))
@example(["b:", "  d: |", "    text", "", "# x", "a: 1"], [], random.Random(1))
def test_hostile_lines_say_what_they_said(left, right, chance):
    others = [right, chance.sample(left, len(left))]
    for other in others:
        text = "".join(f"{line}\n" for line in left)
        result = reordered(text, "".join(f"{line}\n" for line in other))
        if result != text:
            assert all(change.state == "moved" for change in field_changes(load(text), load(result)))


@pytest.mark.parametrize(
    ("base", "head", "is_"),
    [
        ("{a: 1, b: 2}", "{b: 2, a: 1}", True),
        ("{a: 1, b: 2}", "{a: 3, c: 0, b: 2}", False),
        ("{x: [{a: 1, b: 2}]}", "{x: [{b: 1, a: 2}]}", True),
        ("{env: [{name: A, v: 1}, {name: B}]}", "{env: [{name: B}, {name: A, v: 1}]}", True),
        ("{env: [{name: A, v: 1}, {name: B}]}", "{env: [{name: C}, {name: A, v: 2}, {name: B}]}", False),
        ("{env: [{name: A, v: 1, w: 2}]}", "{env: [{name: C}, {name: A, w: 2, v: 1}]}", True),
        ("{args: [a, b]}", "{args: [b, a]}", False),
    ],
)
def test_another_order_is_seen_without_looking_at_the_text(base, head, is_):
    assert is_reordered(load(base), load(head)) is is_
