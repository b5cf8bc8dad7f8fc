"""Custom resources against the rules of their definitions, for what they are and for what they were."""

import json

import pytest

from previews.engine.predict import cel, expressions
from previews.engine.predict.cel_rules import CHANGE_RULES, RULES
from previews.engine.predict.context import Sync
from previews.engine.predict.rules import STATE_RULES
from previews.engine.render.unstable import MARK
from tests.engine.predict.asking import found
from tests.engine.predict.test_custom_schemas import definition, lamp

SPEC = {
    "low": {"type": "integer"},
    "high": {"type": "integer", "default": 5},
    "ratio": {"type": "number"},
    "port": {"x-kubernetes-int-or-string": True},
    "at": {"type": "string", "format": "date-time"},
    "wait": {"type": "string", "format": "duration"},
    "key": {"type": "string", "format": "byte"},
    "is-lit": {"type": "boolean"},
    "in": {"type": "string"},
    "note": {"type": "string", "nullable": True},
    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
    "anything": {"x-kubernetes-preserve-unknown-fields": True},
    "bulbs": {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        "items": {
            "type": "object",
            "required": ["name"],
            "properties": {"name": {"type": "string"}, "watts": {"type": "integer"}},
        },
    },
    "rooms": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
    "steps": {"type": "array", "items": {"type": "integer"}},
    "template": {
        "type": "object",
        "x-kubernetes-embedded-resource": True,
        "x-kubernetes-preserve-unknown-fields": True,
    },
}


def schema(*rules, at="", **more):
    """The schema with rules at its root, or at a field of it (`bulbs.items`)."""
    made = {"type": "object", "properties": json.loads(json.dumps(SPEC))}
    node = made
    for step in filter(None, at.split(".")):
        node = node[step] if step in ("items", "additionalProperties") else node["properties"][step]
    node["x-kubernetes-validations"] = [one if isinstance(one, dict) else {"rule": one, **more} for one in rules]
    return json.dumps(made)


def said(rule, spec, **where):
    return found(RULES, definition(schema(rule, **where)) + lamp(spec))


def changed(rule, base, head, at="", version="v1", **context):
    text = definition(schema(rule, at=at))
    return found(RULES, text + lamp(head), text + lamp(base, version), CHANGE_RULES, **context)


@pytest.mark.parametrize(
    ("rule", "broken", "kept"),
    [
        ("self.low <= self.high", "{low: 7, high: 6}", "{low: 6, high: 6}"),
        # What has a default is there.
        ("self.low <= self.high", "{low: 6}", "{low: 5}"),
        ("!has(self.low) || self.high == 5", "{low: 1, high: 4}", "{high: 4}"),
        ("!has(self.note)", "{note: x}", "{}"),
        # Null is gone where it may not be.
        ("!has(self.low)", "{low: 1}", "{low: null}"),
        ("self.ratio * 2.0 < 1.0", "{ratio: 0.5}", "{ratio: 0}"),
        ("self.port == 80 || self.port == 'http'", "{port: 81}", "{port: http}"),
        ("self.at < timestamp('2026-01-01T00:00:00Z')", '{at: "2026-05-01T00:00:00Z"}', '{at: "2025-05-01T00:00:00Z"}'),
        ("self.wait >= duration('1h')", "{wait: 59m}", "{wait: 61m}"),
        ("self.key == b'abc'", "{key: YWJk}", "{key: YWJj}"),
        ("self.is__dash__lit", "{is-lit: false}", "{is-lit: true}"),
        ("self.__in__ == 'x'", "{in: z}", "{in: x}"),
        ("self.labels.all(k, k.startsWith('a'))", "{labels: {b: x}}", "{labels: {a: x}}"),
        ("self.labels['a-b'] == 'x'", "{labels: {a-b: z}}", "{labels: {a-b: x}}"),
        ("self.bulbs.exists_one(b, b.name == 'a')", "{bulbs: [{name: b}]}", "{bulbs: [{name: a}, {name: b}]}"),
        ("self.rooms.size() < 2 && 'a' in self.rooms", "{rooms: [a, b]}", "{rooms: [a]}"),
        ("self.__in__.matches('^[a-c]+$')", "{in: abd}", "{in: abc}"),
        ("self.steps.map(s, s * 2) == [2, 4]", "{steps: [2, 1]}", "{steps: [1, 2]}"),
        ("has(self.anything) || self.low > 1", "{low: 1}", "{low: 2}"),
        ("self.template.kind == 'Job'", "{template: {apiVersion: v1, kind: Pod}}", "{template: {kind: Job, apiVersion: v1}}"),
        # Numbers of two types are compared by value, and what is of two other types is never equal.
        ("self.ratio < 1 || self.ratio == 2", "{ratio: 1.5}", "{ratio: 2}"),
        ("self.port != 'http'", "{port: http}", "{port: 80}"),
        ("self.__in__.lowerAscii() == 'ab'", "{in: Ac}", "{in: Ab}"),
        ("self.__in__.split('/').size() == 2", "{in: a}", "{in: a/b}"),
        ("self.__in__.split(',', 2)[1] == 'b,c'", "{in: 'a,b'}", "{in: 'a,b,c'}"),
        ("self.rooms.join('-') == 'a-b'", "{rooms: [b, a]}", "{rooms: [a, b]}"),
        ("self.__in__.replace('a', 'b') == 'bb'", "{in: ac}", "{in: aa}"),
        ("self.__in__.indexOf('b') == 1 && self.__in__.lastIndexOf('b') == 2", "{in: aba}", "{in: abb}"),
        ("self.__in__.substring(1, 2) == 'b' && self.__in__.charAt(0) == 'a'", "{in: ba}", "{in: ab}"),
        ("self.__in__.trim().upperAscii() == 'A'", "{in: ' b '}", "{in: ' a '}"),
        ("self.steps.isSorted()", "{steps: [2, 1]}", "{steps: [1, 1, 2]}"),
        ("self.steps.sum() < 5 && self.steps.max() - self.steps.min() < 3", "{steps: [1, 4]}", "{steps: [1, 3]}"),
        ("self.steps.indexOf(7) == -1 && self.steps.lastIndexOf(2) == 1", "{steps: [2, 2, 7]}", "{steps: [1, 2]}"),
        ("[self.low, self.high].filter(x, x > 5).size() == 0", "{low: 6}", "{low: 5}"),
    ],
)  # fmt: skip
def test_rules_about_a_value(rule, broken, kept):
    assert said(rule, broken) == [("blocked", "CEL", "spec", f"the rule {rule} does not hold")]
    assert said(rule, kept) == []


def test_a_rule_is_told_of_where_it_stands_with_its_message():
    rule = {"rule": "self.watts < 100", "message": "too  bright"}
    (one,) = said(rule, "{bulbs: [{name: a, watts: 5}, {name: b, watts: 200}]}", at="bulbs.items")
    assert one == ("blocked", "CEL", "spec.bulbs[b]", "too bright")


def test_a_message_may_be_an_expression_and_lead_to_a_field():
    rule = {
        "rule": "self.low < 5",
        "message": "too high",
        "messageExpression": "'low is ' + string(self.low)",
        "fieldPath": ".low",
    }
    assert said(rule, "{low: 7}") == [("blocked", "CEL", "spec.low", "low is 7")]
    rule["messageExpression"] = "'low is ' + self.nothing"
    assert said(rule, "{low: 7}") == [("blocked", "CEL", "spec.low", "too high")]


def test_the_root_has_a_name():
    rules = "openAPIV3Schema: {x-kubernetes-validations: [{rule: \"self.metadata.name.startsWith('b')\"}],"
    text = definition(schema()).replace("openAPIV3Schema: {", rules)
    assert [one[1:3] for one in found(RULES, text + lamp("{}"))] == [("CEL", "")]
    assert found(RULES, text + lamp("{}").replace("name: a", "name: b")) == []


def test_two_rules_at_one_place_are_two_findings():
    text = definition(schema("self.low < 5", "self.low < 4")) + lamp("{low: 7}")
    assert len(found(RULES, text)) == 2


def test_what_holds_before_is_nothing_new():
    text = definition(schema("self.low < 5"))
    assert found(RULES, text + lamp("{low: 7, high: 8}"), text + lamp("{low: 7, high: 9}")) == []


def test_what_the_schema_rejects_is_told_by_that_alone():
    text = definition(schema("self.low < 5")) + lamp("{low: x}")
    assert [one[1] for one in found(STATE_RULES, text) if one[2].startswith("spec.low")] == ["SCHEMA-TYPE"]


@pytest.mark.parametrize(
    "rule",
    [
        "quantity(self.__in__).isGreaterThan(quantity('1'))",
        "self.low / 0 == 1",
        "self.nothing == 1",
        "self.anything.x == 1",
        "self.low +",
        "self.low",
        "",
    ],
)
def test_what_cannot_be_evaluated_is_counted_and_not_judged(rule):
    said_of_it = said(rule, "{low: 1, in: '5Mi', anything: {x: 1}}")
    assert said_of_it == [
        ("info", "CEL-UNCHECKED", "", "1 rule of the definition of Lamp could not be evaluated")
    ]  # fmt: skip


@pytest.mark.parametrize("value", ["•••• 8 characters, f00d", f"x{MARK}"])
def test_what_is_masked_or_unstable_is_not_judged(value):
    text = definition(schema("self.__in__ == 'x'")) + lamp(json.dumps({"in": value}))
    assert [one[1] for one in found(RULES, text)] == ["CEL-UNCHECKED"]


@pytest.mark.parametrize(
    ("rule", "at", "base", "head", "allowed"),
    [
        ("self.low >= oldSelf.low", "", "{low: 3}", "{low: 2}", "{low: 4}"),
        ("self == oldSelf", "low", "{low: 3}", "{low: 2}", "{}"),
        ("self == oldSelf", "low", "{low: 3}", "{low: 2}", "{low: 3, high: 9}"),
        # Items of lists are those of the same key.
        ("self.watts == oldSelf.watts", "bulbs.items", "{bulbs: [{name: a, watts: 1}, {name: b, watts: 2}]}",
         "{bulbs: [{name: b, watts: 1}]}", "{bulbs: [{name: b, watts: 2}, {name: c, watts: 5}]}"),
        # A set has no order, and neither has a list of keys.
        ("self == oldSelf", "rooms", "{rooms: [a, b]}", "{rooms: [a, b, c]}", "{rooms: [b, a]}"),
        ("self == oldSelf", "bulbs", "{bulbs: [{name: a}, {name: b}]}", "{bulbs: [{name: a}]}", "{bulbs: [{name: b}, {name: a}]}"),
        ("self == oldSelf", "labels.additionalProperties", "{labels: {a: x}}", "{labels: {a: z}}", "{labels: {b: z}}"),
    ],
)  # fmt: skip
def test_rules_about_a_change(rule, at, base, head, allowed):
    (one,) = changed(rule, base, head, at)
    assert (one[0], one[1], one[3]) == ("blocked", "IMMUTABLE", f"the rule {rule} does not hold")
    assert changed(rule, base, allowed, at) == []


def test_what_is_new_or_made_anew_may_be_anything():
    rule = "self == oldSelf"
    text = definition(schema(rule, at="low"))
    assert found(RULES, text + lamp("{low: 2}"), text, CHANGE_RULES) == []
    anew = Sync(frozenset({"Force=true", "Replace=true"}))
    assert changed(rule, "{low: 3}", "{low: 2}", "low", sync=anew) == []
    assert changed(rule, "{low: 3}", "{low: 2}", "low") != []


HOSTILE = [
    "self.steps.map(x, 'aaaaaaaaaa'.replace('a', 'aaaaaaaaaaaaaaaaaaaa').replace('a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')"
    ".replace('a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')).join('x').size() > 0",
    "[" + "'aaaaaaaaaaaaaaaa'" + "].all(a0, " + "".join(f"[a{i} + a{i}].all(a{i + 1}, " for i in range(40)) + "true" + ")" * 41,
    "self.steps.all(a, self.steps.all(b, self.steps.all(c, self.steps.all(d, a + b + c + d > 0))))",
    "(" * 2000 + "true" + ")" * 2000,
    "'" + "a" * 3000 + "'.matches('(a*)*b')",
    "self.steps.map(x, self.steps.map(y, self.steps.map(z, [x, y, z]))).size() > 0",
]  # fmt: skip


@pytest.mark.parametrize("rule", HOSTILE)
def test_a_strangers_rule_ends(rule):
    (one,) = said(rule, json.dumps({"steps": list(range(40))}))
    assert one[1] in ("CEL-UNCHECKED", "CEL")


def test_all_rules_together_end(monkeypatch):
    spent = []
    evaluate = cel.evaluate
    monkeypatch.setattr(cel, "evaluate", lambda *given: spent.append(given[2].left) or evaluate(*given))
    asked = expressions.Expressions(steps=1_000)
    text = definition(schema(*[f"self.steps.all(a, self.steps.all(b, a + b > -{n}))" for n in range(1, 9)]))
    found(RULES, text + lamp(json.dumps({"steps": list(range(40))})), expressions=asked)
    assert spent == sorted(spent, reverse=True)
    assert spent[-1] <= 0


def test_equal_values_are_asked_about_once(monkeypatch):
    asked = []
    evaluate = cel.evaluate
    monkeypatch.setattr(cel, "evaluate", lambda *given: asked.append(given[0]) or evaluate(*given))
    text = definition(schema("self.watts < 3", at="bulbs.items"))
    both = lamp("{bulbs: [{name: a, watts: 1}]}") + lamp("{bulbs: [{name: a, watts: 1}]}").replace(
        "name: a,", "name: b,", 1
    )
    assert found(RULES, text + both) == []
    assert asked == ["self.watts < 3"]
