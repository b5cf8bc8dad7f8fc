"""Which schema an object has: Kubernetes' own for the cluster's minor, or that of a CustomResourceDefinition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jsonschema_rs

from previews.engine.manifests import ResourceId
from previews.engine.predict.around import defined_kind
from previews.engine.predict.context import Context, Minor
from previews.engine.predict.custom_schemas import custom_document, custom_validator
from previews.engine.predict.findings import Confidence
from previews.engine.predict.objects import Object, Objects
from previews.engine.predict.openapi import document_of, is_known, known_minors, validator_of

_DEFINITION = ("apiextensions.k8s.io", "CustomResourceDefinition")


@dataclass(frozen=True)
class Schema:
    """What an object has to be like: `validator` asks, `document` gives the same as JSON Schema.

    `definition` is the text of the CustomResourceDefinition it comes from, "" for Kubernetes' own. `confidence` is how
    sure it is that the cluster has this one.
    """

    validator: jsonschema_rs.Validator
    document: Callable[[], Mapping[str, Any]]
    definition: str = ""
    confidence: Confidence = "certain"

    def fields_at(self, steps: Sequence[str | int]) -> list[str]:
        """The names of the fields that an object may have at a place."""
        document = self.document()
        node = _resolved(document, document)
        for step in steps:
            inner = node.get("items") if isinstance(step, int) else (node.get("properties") or {}).get(step)
            inner = inner if inner is not None else node.get("additionalProperties")
            node = _resolved(inner, document) if isinstance(inner, dict) else {}
        return list(node.get("properties") or ())


def _resolved(node: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    name = str(node.get("$ref", "")).removeprefix("#/$defs/")
    return document["$defs"][name] if name else node


@dataclass(frozen=True)
class Defined:
    """The definitions of a kind, several where nobody knows which one holds, how sure it is, and whether in files."""

    candidates: Sequence[Object] = ()
    confidence: Confidence = "likely"
    in_files: bool = False


class Definitions:
    """The CustomResourceDefinitions that may hold for one side of a cell."""

    def __init__(self, objects: Objects, context: Context) -> None:
        """Those of the application itself come first, then those of others on the cluster, then those in files."""
        self._context = context
        self._own = {kind: one for one in objects.of(_DEFINITION) if (kind := defined_kind(one.text))}

    def of(self, identity: ResourceId) -> Defined:
        """Those of an object's kind."""
        kind = (identity.group, identity.kind)
        if kind in self._own:
            return Defined((self._own[kind],), "certain")
        if kind in self._context.definitions:
            return Defined((self._context.definitions[kind],))
        return Defined(self._context.library(kind), in_files=True)


def schemas_of(one: Object, definitions: Definitions, context: Context) -> list[Schema]:
    """The schemas of which an object has to meet one, none where no schema is known for it.

    Where there are several, nobody knows which one the cluster has.
    """
    if is_known(one.api_version, one.id.kind):
        asked = one.api_version, one.id.kind, context.kubernetes
        validator = validator_of(*asked) if _is_known(context.kubernetes) else None
        return [Schema(validator, partial(document_of, *asked))] if validator else []
    if not one.id.group:
        return []
    defined = definitions.of(one.id)
    made = []
    for definition in defined.candidates:
        validator = custom_validator(definition.text, one.version)
        if validator is None:
            return []
        document = partial(_document_of, definition.text, one.version)
        made.append(Schema(validator, document, definition.text, defined.confidence))
    return made


def _is_known(kubernetes: Minor) -> bool:
    first, last = known_minors()
    return first <= kubernetes <= last


def _document_of(definition: str, version: str) -> Mapping[str, Any]:
    return custom_document(definition, version) or {}


def unchecked(objects: Iterable[Object], definitions: Definitions, context: Context) -> dict[str, int]:
    """How many of the objects have no schema that we know, by kind (`Certificate.cert-manager.io`)."""
    counts = Counter(
        f"{one.id.kind}.{one.id.group}" if one.id.group else one.id.kind
        for one in objects
        if not schemas_of(one, definitions, context)
    )
    return dict(counts.most_common())
