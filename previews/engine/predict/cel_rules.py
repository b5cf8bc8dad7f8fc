"""CEL: custom resources that break the rules of their definitions, for what they are or for what they were.

Mirrors apiextensions-apiserver pkg/apiserver/schema/cel/validation.go. A rule is broken only where it comes to `false`:
what cannot be evaluated may be for want of a function here.
"""

from __future__ import annotations

from collections.abc import Iterator

from previews.engine.predict.context import Context
from previews.engine.predict.custom_rules import ABSENT, Place, Rule, places, rules_of
from previews.engine.predict.custom_values import with_defaults
from previews.engine.predict.findings import ChangeRule, Finding, StateRule, told
from previews.engine.predict.immutable import RECREATE, is_updated
from previews.engine.predict.objects import Object, Pair, Side
from previews.engine.predict.schemas import Definitions, Schema, schemas_of

_SOURCE = "apiextensions-apiserver pkg/apiserver/schema/cel/validation.go"


def holds(side: Side, context: Context) -> Iterator[Finding]:
    """CEL: the rules about values, for all changed objects that their schema allows."""
    definitions = Definitions(side.objects, context)
    for one in side.changed:
        yield from _least(one, None, definitions, context)


def may_become(pair: Pair, context: Context) -> Iterator[Finding]:
    """IMMUTABLE: the rules about values and what they were, for all objects that are updated."""
    definitions = Definitions(pair.head.objects, context)
    for change in pair.changes:
        base, head = change.base, change.head
        if base and head and base.version == head.version and is_updated(head, context):
            yield from _least(head, base, definitions, context)


def _least(one: Object, base: Object | None, definitions: Definitions, context: Context) -> list[Finding]:
    """What the definition says; where nobody knows which one the cluster has, the one with the least to say."""
    schemas = [schema for schema in schemas_of(one, definitions, context) if schema.definition]
    # Most definitions have no rules: their objects need not be held against the schema once more.
    if not any(rules_of(schema.definition, one.version) for schema in schemas):
        return []
    fitting = [schema for schema in schemas if schema.validator.is_valid(one.content)]
    return min((_findings(one, base, schema, context) for schema in fitting), key=len, default=[])


def _findings(one: Object, base: Object | None, schema: Schema, context: Context) -> list[Finding]:
    node = rules_of(schema.definition, one.version)
    if node is None:
        return []
    value = with_defaults(one.content, node.schema)
    old = with_defaults(base.content, node.schema) if base else ABSENT
    found, unknown = [], 0
    for place in places(node, value, old):
        outcome = context.expressions.ask(place, compares=base is not None)
        found += [_finding(one, place, rule, said, schema, is_change=base is not None) for rule, said in outcome.broken]
        unknown += outcome.unknown
    return [*found, _unknown(one, unknown)] if unknown else found


def _finding(one: Object, place: Place, rule: Rule, said: str, schema: Schema, is_change: bool) -> Finding:
    text = told(said or f"the rule {rule.expression} does not hold")
    steps, value = (*place.steps, *rule.field), told(rule.expression)
    code, remedy = ("IMMUTABLE", RECREATE) if is_change else ("CEL", f"the definition of {one.id.kind} has the rule")
    return Finding(code, "blocked", text, one.id, steps, value, _SOURCE, remedy, schema.confidence)


def _unknown(one: Object, count: int) -> Finding:
    text = f"{count} {'rule' if count == 1 else 'rules'} of the definition of {one.id.kind} could not be evaluated"
    return Finding("CEL-UNCHECKED", "info", text, one.id, (), "", _SOURCE, "", "possible")


RULES: tuple[StateRule, ...] = (holds,)
CHANGE_RULES: tuple[ChangeRule, ...] = (may_become,)
