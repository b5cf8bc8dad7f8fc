"""Schemas of custom resources: what a CustomResourceDefinition says, as JSON Schema.

Mirrors ToKubeOpenAPI of apiextensions-apiserver pkg/apiserver/schema/kubeopenapi.go, and the defaulting and pruning
that come before validation (pkg/apiserver/schema/defaulting, pruning).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jsonschema_rs

from previews.engine.errors import YamlError
from previews.engine.parsed import parsed
from previews.engine.predict.pods import items, mapping

_LIMITS = ("enum", "pattern", "minimum", "maximum", "multipleOf", "minLength", "maxLength", "minItems", "maxItems")
_KEPT = (*_LIMITS, "minProperties", "maxProperties", "uniqueItems")
_INTEGERS = {"int32": 1 << 31, "int64": 1 << 63}
_OPEN = "x-kubernetes-preserve-unknown-fields"
_EITHER = "x-kubernetes-int-or-string"
_EMBEDDED = "x-kubernetes-embedded-resource"
_OBJECT_FIELDS: Mapping[str, Any] = {
    "apiVersion": {"type": "string"},
    "kind": {"type": "string"},
    "metadata": {"type": "object"},
}
#: Without backtracking, as Go's: a pattern of a stranger takes no time that grows with more than the text.
_PATTERNS = jsonschema_rs.RegexOptions(size_limit=1 << 20)


def custom_versions(definition: str) -> list[str]:
    """The versions that a CustomResourceDefinition, given as YAML, serves."""
    versions = items(_spec(definition).get("versions"))
    return [name for _, one in versions if one.get("served") is True and isinstance(name := one.get("name"), str)]


def _spec(definition: str) -> Mapping[str, Any]:
    try:
        return mapping(mapping(parsed(definition)).get("spec"))
    except YamlError:
        return {}


def custom_schema(definition: str, version: str) -> Mapping[str, Any] | None:
    """The schema of a version of a CustomResourceDefinition, given as YAML; None where it has none for it."""
    spec = _spec(definition)
    found = next((one for _, one in items(spec.get("versions")) if one.get("name") == version), None)
    schema = mapping(mapping(found).get("schema")).get("openAPIV3Schema") if found else None
    return None if not isinstance(schema, dict) or spec.get("preserveUnknownFields") is True else schema


@lru_cache(maxsize=64)
def custom_document(definition: str, version: str) -> Mapping[str, Any] | None:
    """The same as JSON Schema."""
    schema = custom_schema(definition, version)
    if schema is None:
        return None
    try:
        root = _converted(schema, False)
    except TypeError:  # a keyword with a value of the wrong type, which the API server does not take either
        return None
    root["properties"] = {**mapping(root.get("properties")), **_OBJECT_FIELDS}
    return root


@lru_cache(maxsize=64)
def custom_validator(definition: str, version: str) -> jsonschema_rs.Validator | None:
    """What tells how an object is not as its definition says; None where that has no schema that can be read."""
    document = custom_document(definition, version)
    if document is None:
        return None
    try:
        return jsonschema_rs.Draft202012Validator(dict(document), pattern_options=_PATTERNS)
    except ValueError:
        # A pattern that only backtracking can match, or a keyword with a value of the wrong type.
        return None


def _converted(schema: Mapping[str, Any], in_junctor: bool) -> dict[str, Any]:
    """A structural schema as JSON Schema. Below allOf, anyOf, oneOf and not nothing is closed."""
    made = {name: schema[name] for name in _KEPT if name in schema}
    made |= _types(schema) | _bounds(schema)
    properties = schema.get("properties")
    if isinstance(properties, dict):
        made["properties"] = {name: _converted(mapping(one), in_junctor) for name, one in properties.items()}
        if schema.get(_EMBEDDED) is True:
            made["properties"] = {**_OBJECT_FIELDS, **made["properties"]}
    more = schema.get("additionalProperties")
    if isinstance(more, dict):
        made["additionalProperties"] = _converted(more, in_junctor)
    elif "properties" in made and more is None and not in_junctor and schema.get(_OPEN) is not True:
        made["additionalProperties"] = False
    if isinstance(schema.get("items"), dict):
        made["items"] = _converted(schema["items"], in_junctor)
    made |= {name: [_converted(one, True) for _, one in items(schema[name])] for name in _JUNCTORS if schema.get(name)}
    if isinstance(schema.get("not"), dict):
        made["not"] = _converted(schema["not"], True)
    needed = [name for name in schema.get("required") or () if "default" not in mapping(mapping(properties).get(name))]
    return {**made, "required": needed} if needed else made


_JUNCTORS = ("allOf", "anyOf", "oneOf")


def _types(schema: Mapping[str, Any]) -> dict[str, Any]:
    kind = schema.get("type")
    types = ["integer", "string"] if schema.get(_EITHER) is True else [kind] if isinstance(kind, str) and kind else []
    # A null where there is a default is dropped, and the default takes its place.
    if not types or not (schema.get("nullable") is True or "default" in schema):
        return {"type": types} if types else {}
    enum = schema.get("enum")
    return {"type": [*types, "null"], **({"enum": [*enum, None]} if isinstance(enum, list) else {})}


def _bounds(schema: Mapping[str, Any]) -> dict[str, Any]:
    """OpenAPI says by a switch whether a bound itself is allowed; JSON Schema has a keyword of its own for it."""
    made: dict[str, Any] = {}
    if limit := _INTEGERS.get(str(schema.get("format"))):
        made = {
            "minimum": max(-limit, schema.get("minimum", -limit)),
            "maximum": min(limit - 1, schema.get("maximum", limit)),
        }
    for switch, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if schema.get(switch) is True and bound in schema:
            made[switch] = schema[bound]
    return made
