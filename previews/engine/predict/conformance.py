"""SCHEMA: objects that are not as the schema of their kind says.

The API server decodes an object, which fails where a value has another type than its field. What a field says that is
not there is dropped without a word by a client-side apply: gitops-engine pkg/utils/kube/resource_ops.go gives the
directive Strict to kubectl's own validation alone, and that does nothing where the server can validate (k8s.io/kubectl
pkg/validation NewParamVerifyingSchema). A server-side apply rejects it (sigs.k8s.io/structured-merge-diff typed).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

import jsonschema_rs

from previews.engine.hooks import sync_options_of
from previews.engine.predict.context import Context
from previews.engine.predict.findings import Finding, Severity, StateRule, Steps, told
from previews.engine.predict.objects import Object, Side
from previews.engine.predict.schemas import Definitions, Schema, schemas_of
from previews.engine.render.unstable import MARK

#: Findings of one object that are told one by one.
_MOST = 20
_TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
}
_TYPES["boolean"] = "true or false"
_DECODED = "k8s.io/apimachinery pkg/runtime/serializer/json; pkg/apis/*/validation"
_CUSTOM = "apiextensions-apiserver pkg/apiserver/validation"
_DROPPED = "gitops-engine pkg/utils/kube/resource_ops.go newApplyOptions"
_NOT_DECLARED = "sigs.k8s.io/structured-merge-diff typed/validate.go"


def conforms(side: Side, context: Context) -> Iterator[Finding]:
    """SCHEMA: every changed object whose kind's schema is known, against it."""
    definitions = Definitions(side.objects, context)
    for one in side.changed:
        schemas = schemas_of(one, definitions, context)
        # Where nobody knows which definition the cluster has, an object is as one of them says, or it is not.
        found = min((_all(one, schema, context) for schema in schemas), key=len, default=[])
        yield from found[:_MOST]
        if len(found) > _MOST:
            text = f"{len(found) - _MOST} more places are not as the schema of {one.id.kind} says"
            yield Finding("SCHEMA-MORE", found[_MOST].severity, text, one.id)


def _all(one: Object, schema: Schema, context: Context) -> list[Finding]:
    content = one.content
    if not content or schema.validator.is_valid(content):
        return []
    if not schema.definition:
        # To Kubernetes' own kinds null is the same as absent.
        content = without_nulls(content)
    return [found for error in schema.validator.iter_errors(content) for found in _told(error, one, schema, context)]


def without_nulls(value: Any) -> Any:
    """A value without the fields that are null; itself where it has none."""
    if isinstance(value, dict):
        kept = {name: without_nulls(one) for name, one in value.items() if one is not None}
        is_same = len(kept) == len(value) and all(kept[name] is value[name] for name in kept)
        return value if is_same else kept
    if isinstance(value, list):
        items = [without_nulls(one) for one in value]
        return value if all(one is other for one, other in zip(items, value, strict=True)) else items
    return value


def _told(error: jsonschema_rs.ValidationError, one: Object, schema: Schema, context: Context) -> Iterator[Finding]:
    steps: Steps = tuple(error.instance_path)
    kind: Any = error.kind
    if steps[:1] == ("status",) or _is_masked(error.instance):
        return
    if kind.name == "additionalProperties":
        yield from (_unknown(one, (*steps, name), schema, context) for name in kind.unexpected if MARK not in name)
    elif kind.name == "required":
        text = f"{kind.property} is missing, which {one.id.kind} must have in {_place(steps)}"
        yield _rejected("SCHEMA-REQUIRED", text, one, steps, kind.property, schema, f"add {kind.property}")
    elif kind.name == "type":
        types = " or ".join(_TYPES.get(each, each) for each in kind.types if each != "null")
        text = f"{_place(steps)} is {_said(error.instance)}, and must be {types}"
        yield _rejected(
            "SCHEMA-TYPE", text, one, steps, told(error.instance), schema, _remedy(error.instance, kind.types)
        )
    else:
        text = f"{_place(steps)}: {_problem(error)}"
        yield _rejected("SCHEMA-VALUE", text, one, steps, told(error.instance), schema)


def _is_masked(value: Any) -> bool:
    """What is masked may be anything in truth."""
    return isinstance(value, str) and (MARK in value or value.startswith("•••"))


def _unknown(one: Object, steps: Steps, schema: Schema, context: Context) -> Finding:
    name = str(steps[-1])
    whose = one.api_version if schema.definition else f"Kubernetes 1.{context.kubernetes[1]}"
    close = difflib.get_close_matches(name, schema.fields_at(steps[:-1]), 1)
    remedy = f"did you mean {close[0]}?" if close else "remove it, or put it where it belongs"
    text = f"{one.id.kind} of {whose} has no field {name} in {_place(steps[:-1])}"
    if context.sync.has("ServerSideApply=true") or "ServerSideApply=true" in sync_options_of(one.content):
        text += ", which a server-side apply rejects"
        return Finding(
            "SCHEMA-UNKNOWN", "blocked", text, one.id, steps, name, _NOT_DECLARED, remedy, schema.confidence
        )  # fmt: skip
    text += ": the API server drops what it says"
    return Finding("SCHEMA-UNKNOWN", "warning", text, one.id, steps, name, _DROPPED, remedy, schema.confidence)


def _rejected(code: str, text: str, one: Object, steps: Steps, value: str, schema: Schema, remedy: str = "") -> Finding:
    severity: Severity = "blocked"
    if schema.definition and code == "SCHEMA-TYPE" and value == "None":
        # An update removes the field; only what is created with it is rejected.
        severity, text = "warning", f"{text}; the API server rejects it in a new object"
    source = _CUSTOM if schema.definition else _DECODED
    return Finding(code, severity, text, one.id, steps, value, source, remedy, schema.confidence)


def _place(steps: Steps) -> str:
    names = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return names.removeprefix(".") or "the object"


def _said(value: Any) -> str:
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    if isinstance(value, bool) or value is None:
        return "null" if value is None else str(value).lower()
    return f'the text "{told(value)}"' if isinstance(value, str) else f"the number {value}"


def _remedy(value: Any, types: list[str]) -> str:
    if "string" in types and isinstance(value, bool | int | float):
        return "write it in quotes; in a template, with | quote"
    return "write it without quotes" if isinstance(value, str) and {"integer", "boolean"} & set(types) else ""


def _problem(error: jsonschema_rs.ValidationError) -> str:
    kind: Any = error.kind
    if kind.name in ("anyOf", "oneOf", "not", "oneOfMultipleValid"):
        return f"is none of the forms that the definition allows ({kind.name})"
    return told(error.message)


RULES: tuple[StateRule, ...] = (conforms,)
