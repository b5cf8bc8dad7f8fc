"""The list of field changes: whole, exact, and in the words of the people who read it."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from previews.engine.diff.fields import MAX_FIELDS, FieldChange, FieldLine, Item, field_changes, field_list
from previews.engine.yamls import canonical, load


def apply(base: Any, changes: list[FieldChange]) -> Any:
    """The head that the changes make of the base."""
    value = copy.deepcopy(base)
    return _apply(value, [(change.path, change) for change in changes]) if changes else value


def _apply(value: Any, changes: list[tuple[Any, FieldChange]]) -> Any:
    for path, change in changes:
        if not path and change.state == "changed":
            assert len(changes) == 1
            assert canonical(value) == canonical(change.before)
            return change.after
    groups: dict[Any, list[tuple[Any, FieldChange]]] = {}
    for path, change in changes:
        if path:
            groups.setdefault(path[0], []).append((path[1:], change))
    if isinstance(value, dict):
        for key, inner in groups.items():
            _set(value, key, inner)
        return value
    removed, added = set(), []
    for item, inner in groups.items():
        (path, change), *_ = inner
        if not path and change.state == "added":
            added.append((change.place, change.after))
            continue
        at = _find(value, item)
        if not path and change.state == "removed":
            assert canonical(value[at]) == canonical(change.before)
            removed.add(at)
        else:
            value[at] = _apply(value[at], inner)
    kept = [item for at, item in enumerate(value) if at not in removed]
    for path, change in changes:
        if not path and change.state == "moved":
            kept = [kept[change.before.index(name)] for name in change.after]
    for place, item in sorted(added, key=lambda pair: pair[0]):
        kept.insert(place, item)
    return kept


def _set(value: dict[str, Any], key: str, inner: list[tuple[Any, FieldChange]]) -> None:
    (path, change), *_ = inner
    if not path and change.state == "added":
        assert key not in value
        value[key] = change.after
    elif not path and change.state == "removed":
        assert canonical(value.pop(key)) == canonical(change.before)
    else:
        value[key] = _apply(value[key], inner)


def _find(items: list[Any], wanted: Item) -> int:
    if wanted.key is None:
        return wanted.place
    defaults = {"protocol": "TCP"}
    (at,) = (
        at
        for at, item in enumerate(items)
        if all(repr(item.get(name, defaults.get(name))) == repr(value) for name, value in wanted.key)
    )
    return at


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 2), st.sampled_from([0.5, 1.0]),
    st.sampled_from(["", "a", "b", "1", "true", "TCP", 'x"]', "a.b/c", "zwei\nZeilen", "é"]),
)  # fmt: skip
names = st.sampled_from(["a", "b", "name", "containers", "ports", "args", "x.y/z", 'q"', "", "[0]"])
items = st.fixed_dictionaries(
    {},
    optional={
        "name": scalars,
        "containerPort": st.integers(0, 3),
        "protocol": st.sampled_from(["TCP", "UDP"]),
        "port": st.integers(0, 3),
        "mountPath": st.sampled_from(["/a", "/b"]),
        "value": scalars,
    },
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.dictionaries(names, inner, max_size=5),
        st.dictionaries(st.sampled_from(["ports", "env", "volumeMounts", "rules"]), st.lists(items, max_size=5)),
        st.lists(st.fixed_dictionaries({"name": st.sampled_from("abcdef"), "v": inner}), max_size=5),
    ),
    max_leaves=25,
)


@settings(max_examples=400)
@given(values, values)
def test_the_changes_applied_to_the_base_give_the_head(base: Any, head: Any) -> None:
    changes = field_changes(base, head)
    assert canonical(apply(base, changes)) == canonical(head)
    assert bool(changes) == (canonical(base) != canonical(head))
    # What is moved may change inside as well; else no field is told twice, nor are two by one name.
    told = [(change.text, change.state == "moved") for change in changes]
    assert len(set(told)) == len(told)


@given(
    st.lists(st.fixed_dictionaries({"name": st.sampled_from("abcdefgh"), "v": scalars}), unique_by=lambda i: i["name"]),
    st.randoms(),
)
def test_items_that_are_told_apart_are_told_apart_in_any_order(items: list[Any], chance: Any) -> None:
    other = [{**item, "v": 7} if number == 0 else item for number, item in enumerate(items)]
    chance.shuffle(other)
    changes = field_changes({"env": items}, {"env": other})
    assert canonical(apply({"env": items}, changes)) == canonical({"env": other})
    assert sum(change.state == "moved" for change in changes) == (
        [i["name"] for i in items] != [i["name"] for i in other]
    )
    assert sum(change.state == "changed" for change in changes) == bool(items)


def texts(base: str, head: str) -> list[str]:
    return [
        f"{change.text} {change.state}: {change.before!r} -> {change.after!r}"
        for change in field_changes(load(base), load(head))
    ]


WORKLOAD = """
metadata: {annotations: {checksum/config: abc}}
spec:
  replicas: 2
  template:
    spec:
      containers:
      - {name: app, image: a, ports: [{containerPort: 80}, {containerPort: 80, protocol: UDP}], args: [--x, --y]}
      - {name: log, image: l, volumeMounts: [{mountPath: /data, name: data}]}
"""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("image: a", "image: b", "spec.template.spec.containers[app].image changed: 'a' -> 'b'"),
        ("replicas: 2", 'replicas: "2"', "spec.replicas changed: 2 -> '2'"),
        ("config: abc", "config: def", "metadata.annotations.\"checksum/config\" changed: 'abc' -> 'def'"),
        ("protocol: UDP}", "protocol: UDP, name: dns}", "spec.template.spec.containers[app].ports[80/UDP].name added: None -> 'dns'"),
        ("/data, name: data", "/data, name: other", "spec.template.spec.containers[log].volumeMounts[/data].name changed: 'data' -> 'other'"),
        ("[--x, --y]", "[--x, --z]", "spec.template.spec.containers[app].args[1] changed: '--y' -> '--z'"),
        ("[--x, --y]", "[--x, --new, --y]", "spec.template.spec.containers[app].args[+1] added: None -> '--new'"),
        ("  replicas: 2\n", "", "spec.replicas removed: 2 -> None"),
    ],
)  # fmt: skip
def test_a_field_is_called_as_people_call_it(old: str, new: str, told: str) -> None:
    assert texts(WORKLOAD, WORKLOAD.replace(old, new)) == [told]


def test_a_container_that_is_added_in_the_middle_is_one_change() -> None:
    added = WORKLOAD.replace("      - {name: log", "      - {name: sidecar, image: s}\n      - {name: log")
    (change,) = field_changes(load(WORKLOAD), load(added))
    assert (change.text, change.state) == ("spec.template.spec.containers[sidecar]", "added")
    assert change.after == {"name": "sidecar", "image": "s"}


def test_containers_that_change_places_say_so() -> None:
    lines = WORKLOAD.rstrip().split("\n")
    swapped = "\n".join([*lines[:-2], lines[-1], lines[-2]])
    assert texts(WORKLOAD, swapped) == ["spec.template.spec.containers moved: ['app', 'log'] -> ['log', 'app']"]


def test_items_that_two_of_share_a_name_are_matched_by_what_they_say() -> None:
    env = "env: [{name: a, value: 1}, {name: a, value: 2}, {name: b}]"
    assert texts(env, env.replace("{name: b}", "{name: c}")) == ["env[2] removed: {'name': 'b'} -> None", "env[+2] added: None -> {'name': 'c'}"]  # fmt: skip


def test_rules_without_a_name_are_matched_by_what_they_say() -> None:
    rules = "rules: [{resources: [pods], verbs: [get]}, {resources: [nodes], verbs: [list]}]"
    assert texts(rules, rules.replace("[get]", "[get, delete]")) == ["rules[0].verbs[+1] added: None -> 'delete'"]


def test_a_number_is_not_the_text_of_it_nor_null_nothing() -> None:
    assert field_changes({"a": 1}, {"a": True}) == [FieldChange(("a",), "changed", 1, True)]
    assert field_changes({"a": 1}, {"a": 1.0}) == [FieldChange(("a",), "changed", 1, 1.0)]
    assert field_changes({"a": None}, {}) == [FieldChange(("a",), "removed")]
    assert field_changes({}, {"a": None}) == [FieldChange(("a",), "added")]
    assert field_changes({"a": {"x": 1, "y": 2}}, {"a": {"y": 2, "x": 1}}) == []


def test_long_lists_of_other_items_are_compared_in_reasonable_time() -> None:
    base, head = [{"a": n} for n in range(5000)], [{"b": n} for n in range(5000)]
    assert len(field_changes(base, head)) == 10_000


def test_what_is_told_is_short_and_says_what_matters_first() -> None:
    base = {"metadata": {"labels": {"helm.sh/chart": "a-1"}}, "spec": {"text": "x", "n": "1", "on": "true"}}
    head = {"metadata": {"labels": {"helm.sh/chart": "a-2"}}, "spec": {"text": "y" * 1000, "n": 1, "new": {"a": []}}}
    told = field_list(base, head)
    assert [line.path for line in told.lines] == [
        "spec.text",
        "spec.n",
        "spec.on",
        "spec.new",
        'metadata.labels."helm.sh/chart"',
    ]
    assert [line.says_little for line in told.lines] == [False] * 4 + [True]
    assert told.lines[0].after.startswith("yyy")
    assert len(told.lines[0].after) == 301
    assert told.lines[1:4] == (
        FieldLine("spec.n", "changed", '"1"', "1"),
        FieldLine("spec.on", "removed", '"true"'),
        FieldLine("spec.new", "added", "", '{"a": []}'),
    )
    many = field_list({}, {str(n): n for n in range(1000)})
    assert (many.total, len(many.lines), many.left_out) == (1000, MAX_FIELDS, 1000 - MAX_FIELDS)
