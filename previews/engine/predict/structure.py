"""Whether the schema of a custom resource is structural: what is known of that from one pass over it.

Mirrors validateStructuralInvariants of apiextensions-apiserver pkg/apiserver/schema/validation.go, and
ValidateCustomResourceDefinitionOpenAPISchema. Not checked: that what stands below allOf, anyOf, oneOf and not is also
declared outside of them, defaults, list types, and CEL.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from previews.engine.predict.fields import sequence
from previews.engine.predict.findings import Steps, told

_Level = Literal["root", "inner", "junctor"]
_TYPES = frozenset("array boolean integer number object string".split())
_INT_OR_STRING = [{"type": "integer"}, {"type": "string"}]
_EMBEDDED = "x-kubernetes-embedded-resource"
_PRESERVES = "x-kubernetes-preserve-unknown-fields"
_IS_INT_OR_STRING = "x-kubernetes-int-or-string"
_UNSUPPORTED = ("$ref", "definitions", "dependencies", "patternProperties", "additionalItems", "id")
#: What has to be said outside of allOf, anyOf, oneOf and not.
_OUTSIDE = ("type", "default", "title", "description", "nullable", _PRESERVES, _EMBEDDED, _IS_INT_OR_STRING)


def schema_errors(schema: Mapping[str, Any]) -> Iterator[tuple[Steps, str]]:
    """Where a schema is not structural, and why, as the end of a sentence about that place."""
    waiting: list[tuple[Mapping[str, Any], Steps, _Level]] = [(schema, (), "root")]
    while waiting:
        node, steps, level = waiting.pop()
        errors = _junctor_errors(node) if level == "junctor" else _node_errors(node, level)
        yield from ((steps, why) for why in errors)
        waiting += reversed(list(_below(node, steps, level)))


def _below(node: Mapping[str, Any], steps: Steps, level: _Level) -> Iterator[tuple[Mapping[str, Any], Steps, _Level]]:
    inner: _Level = "junctor" if level == "junctor" else "inner"
    properties = node.get("properties")
    if isinstance(properties, Mapping):
        for name, value in properties.items():
            if isinstance(value, Mapping):
                yield value, (*steps, "properties", name), inner
    for field in ("items", "additionalProperties"):
        if isinstance(node.get(field), Mapping):
            yield node[field], (*steps, field), inner
    if isinstance(node.get("not"), Mapping):
        yield node["not"], (*steps, "not"), "junctor"
    for field in ("allOf", "anyOf", "oneOf"):
        # How an integer or string is written of old.
        if field == "anyOf" and node.get(field) == _INT_OR_STRING:
            continue
        for index, value in enumerate(sequence(node.get(field))):
            if isinstance(value, Mapping):
                yield value, (*steps, field, index), "junctor"


def _node_errors(node: Mapping[str, Any], level: _Level) -> Iterator[str]:
    kind = node.get("type")
    is_open = node.get(_PRESERVES) is True
    is_either = node.get(_IS_INT_OR_STRING) is True
    if node.get(_EMBEDDED) is True and kind != "object":
        yield "must be of the type object, since it is an embedded resource"
    elif kind in (None, "") and not is_open and not is_either:
        yield "has no type"
    if isinstance(kind, str) and kind and kind not in _TYPES:
        yield f'has the type "{told(kind)}", which is none of {", ".join(sorted(_TYPES))}'
    elif level == "root" and isinstance(kind, str) and kind and kind != "object":
        yield f"has the type {kind}, and must be an object"
    if kind == "array" and node.get("items") is None:
        yield "is an array and does not say of which items"
    if is_open and is_either:
        yield f"has both {_PRESERVES} and {_IS_INT_OR_STRING}"
    yield from _more_errors(node, level)


def _more_errors(node: Mapping[str, Any], level: _Level) -> Iterator[str]:
    more = node.get("additionalProperties")
    if node.get("properties") and (more is False or isinstance(more, Mapping)):
        yield "has both properties and additionalProperties"
    elif level == "root" and more is not None:
        yield "has additionalProperties at the root"
    if node.get("uniqueItems") is True:
        yield "has uniqueItems: true, which is not supported"
    if isinstance(node.get("items"), list):
        yield "has a list of items, and must have one schema for all"
    for field in _UNSUPPORTED:
        if node.get(field):
            yield f"has {field}, which is not supported"


def _junctor_errors(node: Mapping[str, Any]) -> Iterator[str]:
    for field in _OUTSIDE:
        # An explicit false says what is said without it.
        value = node.get(field)
        if value is not None and (field == "default" or value not in (False, "")):
            yield f"has {field} inside of allOf, anyOf, oneOf or not"
    if node.get("additionalProperties") is not None:
        yield "has additionalProperties inside of allOf, anyOf, oneOf or not"
