"""CustomResourceDefinitions: what the API server says of their names and versions.

Mirrors apiextensions-apiserver pkg/apis/apiextensions/validation/validation.go for apiextensions.k8s.io/v1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from previews.engine.predict.context import Context
from previews.engine.predict.fields import changed, is_unstable, sequence, text
from previews.engine.predict.findings import Finding, StateRule, Steps, told
from previews.engine.predict.names import service_problem, subdomain_problem
from previews.engine.predict.objects import Object, Side
from previews.engine.predict.pods import mapping
from previews.engine.predict.structure import schema_errors

_SOURCE = "apiextensions-apiserver pkg/apis/apiextensions/validation/validation.go"
_STRUCTURE = "apiextensions-apiserver pkg/apiserver/schema/validation.go ValidateStructural"
#: More errors of one schema tell nothing new.
_MOST_ERRORS = 10


def _found(one: Object, code: str, message: str, steps: Steps, value: object, source: str, remedy: str) -> Finding:
    return Finding(code, "blocked", message, one.id, ("spec", *steps), told(value), source, remedy)


def _definitions(side: Side) -> Iterator[tuple[Object, Mapping[str, Any]]]:
    for one in changed(side, ("apiextensions.k8s.io", "CustomResourceDefinition")):
        if one.version == "v1" and isinstance(one.get("spec"), Mapping):
            yield one, one.content["spec"]


def check_names(side: Side, context: Context) -> Iterator[Finding]:
    """The group is a domain, and the names are labels; the kind may be in mixed case."""
    for one, spec in _definitions(side):
        for steps, value, why in _name_errors(spec):
            if not is_unstable(value):
                remedy = "correct the name"
                source = f"{_SOURCE} ValidateCustomResourceDefinitionNames"
                yield _found(one, "CRD-NAME", why, steps, value, source, remedy)


def _name_errors(spec: Mapping[str, Any]) -> Iterator[tuple[Steps, str, str]]:
    group, names = spec.get("group"), mapping(spec.get("names"))
    if isinstance(group, str):
        problem = subdomain_problem(group) or ("" if "." in group else "has no dot")
        if problem:
            yield ("group",), group, f'the group "{told(group)}" {problem}'
    for field in ("plural", "kind"):
        if names.get(field) in (None, ""):
            yield ("names", field), "", f"the definition has no {field}"
    for field in ("plural", "singular", "kind", "listKind"):
        value = text(names.get(field))
        problem = service_problem(value.lower() if field in ("kind", "listKind") else value)
        if value and problem:
            yield ("names", field), value, f"the {field} {told(value)} {problem}"
    for field in ("shortNames", "categories"):
        for index, value in enumerate(sequence(names.get(field))):
            if isinstance(value, str) and (problem := service_problem(value)):
                yield ("names", field, index), value, f'"{told(value)}" in {field} {problem}'
    kind = text(names.get("kind"))
    if kind and kind == names.get("listKind"):
        yield ("names", "listKind"), kind, f"the kind and the listKind are both {told(kind)}"


def check_versions(side: Side, context: Context) -> Iterator[Finding]:
    """Versions have names of their own, exactly one is stored, and one at least should be served."""
    for one, spec in _definitions(side):
        versions = [mapping(version) for version in sequence(spec.get("versions"))]
        source = f"{_SOURCE} validateCustomResourceDefinitionSpec"
        stored = [told(version.get("name")) for version in versions if version.get("storage") is True]
        if len(stored) != 1 and (versions or spec.get("versions") in (None, [])):
            message = (
                f"{len(stored)} of {len(versions)} versions are marked as the one that is stored; it must be exactly 1"
            )
            remedy = "set storage: true for one version, and false for the others"
            yield _found(one, "CRD-STORAGE", message, ("versions",), ", ".join(stored), source, remedy)
        yield from _version_names(one, versions, source)
        if versions and not any(version.get("served") for version in versions):
            yield Finding(
                "CRD-NOT-SERVED",
                "warning",
                f"none of the {len(versions)} versions is served, so that nobody can read or write its objects",
                one.id,
                ("spec", "versions"),
                "",
                source,
                "set served: true for a version",
            )
        if spec.get("preserveUnknownFields") is True:
            message = "preserveUnknownFields is true, which only definitions may have that had it before version v1"
            remedy = "set x-kubernetes-preserve-unknown-fields: true in the schema instead"
            yield _found(one, "CRD-PRESERVE", message, ("preserveUnknownFields",), "true", source, remedy)


def _version_names(one: Object, versions: list[Mapping[str, Any]], source: str) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, version in enumerate(versions):
        name = version.get("name")
        if not isinstance(name, str) or is_unstable(name):
            continue
        problem = service_problem(name) or ("stands there twice" if name in seen else "")
        seen.add(name)
        if problem:
            steps = ("versions", index, "name")
            yield _found(
                one,
                "CRD-VERSION-NAME",
                f'the version "{told(name)}" {problem}',
                steps,
                name,
                source,
                "rename the version",
            )


def check_schemas(side: Side, context: Context) -> Iterator[Finding]:
    """Each version has a schema, and the schema is structural: it says the type of everything."""
    for one, spec in _definitions(side):
        for index, version in enumerate(sequence(spec.get("versions"))):
            if not isinstance(version, Mapping):
                continue
            steps: Steps = ("versions", index, "schema", "openAPIV3Schema")
            holder = version.get("schema")
            schema = mapping(holder).get("openAPIV3Schema")
            if schema is None and (holder is None or isinstance(holder, Mapping)):
                message = f"the version {told(version.get('name'))} has no schema"
                source = f"{_SOURCE} validateCustomResourceDefinitionSpec"
                yield _found(one, "CRD-NO-SCHEMA", message, steps, "", source, "add schema.openAPIV3Schema")
            if not isinstance(schema, Mapping):
                continue
            for count, (place, why) in enumerate(schema_errors(schema)):
                if count == _MOST_ERRORS:
                    break
                where = ".".join(str(step) for step in place) or "its root"
                message = f"the schema of {told(version.get('name'))} is not structural: {told(where)} {why}"
                remedy = "say type, items and properties outside of allOf, anyOf, oneOf and not"
                yield _found(one, "CRD-SCHEMA", message, (*steps, *place), why, _STRUCTURE, remedy)


RULES: tuple[StateRule, ...] = (check_names, check_versions, check_schemas)
