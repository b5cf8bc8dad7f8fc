"""Where a CustomResourceDefinition's schema has rules in the Common Expression Language, and what they are asked about.

Mirrors apiextensions-apiserver pkg/apiserver/schema/cel/validation.go: which places of an object have which rules, and
what of the object as it was corresponds to each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from previews.engine.predict.custom_schemas import custom_schema
from previews.engine.predict.custom_values import key_of, map_keys
from previews.engine.predict.fields import sequence, text
from previews.engine.predict.findings import Steps
from previews.engine.predict.pods import mapping

_OLD = re.compile(r"\boldSelf\b")
_FIELD = re.compile(r"\.([A-Za-z_][\w-]*)|\['([^']+)'\]")

#: What stands where an object has nothing that corresponds, which null may do as well.
ABSENT: Any = object()


@dataclass(frozen=True, eq=False, slots=True)
class Rule:
    """An expression that has to hold. `field` leads from its place to the field that the error is told of.

    `compares` tells that it is about a value as it was and as it becomes.
    """

    expression: str
    message: str
    message_expression: str
    field: Steps
    compares: bool


@dataclass(frozen=True, eq=False, slots=True)
class Node:
    """A part of a schema that has rules, or that leads to some.

    `below` are the properties that lead to rules, `items` and `more` what all items and all other properties are.
    """

    schema: Mapping[str, Any]
    rules: tuple[Rule, ...]
    below: Mapping[str, Node]
    items: Node | None
    more: Node | None


@dataclass(frozen=True, slots=True)
class Place:
    """A value that rules are asked about, and what it was; ABSENT where nothing is known to correspond."""

    node: Node
    steps: Steps
    value: Any
    old: Any


@lru_cache(maxsize=64)
def rules_of(definition: str, version: str) -> Node | None:
    """What has rules in a version of a definition, given as YAML; None where nothing has."""
    schema = custom_schema(definition, version)
    return _node(schema) if schema is not None and "x-kubernetes-validations" in definition else None


def _node(schema: Mapping[str, Any]) -> Node | None:
    if not schema:
        return None
    below = {name: node for name, one in mapping(schema.get("properties")).items() if (node := _node(mapping(one)))}
    items, more = (_node(mapping(schema.get(field))) for field in ("items", "additionalProperties"))
    rules = tuple(_rule(mapping(one)) for one in sequence(schema.get("x-kubernetes-validations")))
    return Node(schema, rules, below, items, more) if rules or below or items or more else None


def _rule(content: Mapping[str, Any]) -> Rule:
    expression = text(content.get("rule"))
    steps = tuple(one[1] or one[2] for one in _FIELD.finditer(text(content.get("fieldPath"))))
    message = " ".join(text(content.get("message")).split())
    return Rule(
        expression, message, text(content.get("messageExpression")), steps, bool(_OLD.search(expression))
    )  # fmt: skip


def places(node: Node, value: Any, old: Any = ABSENT, steps: Steps = ()) -> Iterator[Place]:
    """All values at and below one that rules are asked about."""
    if node.rules:
        yield Place(node, steps, value, old)
    if isinstance(value, dict):
        was = old if isinstance(old, dict) and node.schema.get("x-kubernetes-map-type") != "atomic" else {}
        for name, one in value.items():
            known = mapping(node.schema.get("properties"))
            inner = node.below.get(name) if name in known else node.more
            if inner is not None:
                yield from places(inner, one, was.get(name, ABSENT), (*steps, name))
    elif isinstance(value, list) and node.items is not None:
        keys = map_keys(node.schema)
        was = {key_of(one, keys): one for one in sequence(old)} if keys else {}
        for at, one in enumerate(value):
            yield from places(node.items, one, was.get(key_of(one, keys), ABSENT) if keys else ABSENT, (*steps, at))
