"""Values of custom resources as rules in the Common Expression Language see them: by the schema, and no more than that.

Mirrors apiextensions-apiserver pkg/apiserver/schema/cel/values.go and model/schemas.go.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any

from celpy import celtypes

from previews.engine.predict.pods import mapping

_Schema = Mapping[str, Any]
#: Words of the language, which fields may be called as well (cel-go, escaping in k8s.io/apiserver pkg/cel/escaping.go).
_RESERVED = frozenset(
    "true false null in as break const continue else for function if import let loop package namespace return var "
    "void while".split()
)
_ESCAPES = {".": "__dot__", "-": "__dash__", "/": "__slash__", "__": "__underscores__"}
_ESCAPED = re.compile(r"__|[.\-/]")
_FORMATS: Mapping[str, Callable[[str], Any]] = {
    "byte": lambda value: celtypes.BytesType(base64.b64decode(value)),
    "date": lambda value: celtypes.TimestampType(f"{value}T00:00:00Z"),
    "date-time": celtypes.TimestampType,
    "duration": celtypes.DurationType,
}
_RESOURCE: _Schema = {
    "apiVersion": {"type": "string"},
    "kind": {"type": "string"},
    "metadata": {"type": "object", "properties": {"name": {"type": "string"}, "generateName": {"type": "string"}}},
}


def to_cel(value: Any, schema: _Schema, is_resource: bool = False) -> Any:
    """A value that fits its schema, for `previews.engine.predict.cel.evaluate`. Raises ValueError."""
    if value is None:
        return None
    if isinstance(value, dict):
        return _mapping(value, schema, is_resource or schema.get("x-kubernetes-embedded-resource") is True)
    if isinstance(value, list):
        items = mapping(schema.get("items"))
        return celtypes.ListType([to_cel(one, items) for one in value])
    if isinstance(value, bool):
        return celtypes.BoolType(value)
    if isinstance(value, str):
        return _FORMATS.get(str(schema.get("format")), celtypes.StringType)(value)
    is_number = schema.get("type") == "number"
    return celtypes.DoubleType(value) if is_number else celtypes.IntType(value)


def _mapping(value: Mapping[str, Any], schema: _Schema, is_resource: bool) -> celtypes.MapType:
    """Fields that the schema does not tell of cannot be seen."""
    declared = mapping(schema.get("properties"))
    if is_resource:
        declared = {**declared, **_RESOURCE}
    if not declared:
        more = mapping(schema.get("additionalProperties"))
        pairs = {celtypes.StringType(name): to_cel(one, more) for name, one in value.items()} if more else {}
        return celtypes.MapType(pairs)
    return celtypes.MapType(
        {
            celtypes.StringType(escaped(name)): to_cel(one, mapping(declared[name]))
            for name, one in value.items()
            if name in declared and _can_be_seen(mapping(declared[name]))
        }
    )


def _can_be_seen(schema: _Schema) -> bool:
    if schema.get("type") == "array":
        return _can_be_seen(mapping(schema.get("items")))
    return "type" in schema or schema.get("x-kubernetes-int-or-string") is True


def escaped(name: str) -> str:
    """How an expression calls a field."""
    return f"__{name}__" if name in _RESERVED else _ESCAPED.sub(lambda found: _ESCAPES[found[0]], name)
