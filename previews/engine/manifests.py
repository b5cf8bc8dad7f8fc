"""What a render gives: an ordered list of Kubernetes objects, each known by its identity and its hash."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from previews.engine.errors import YamlError
from previews.engine.masking import Mask, mask_secret
from previews.engine.yamls import dump, load


@dataclass(frozen=True, slots=True, order=True)
class ResourceId:
    """What makes a resource the same one on both sides. The API version is no part of it, only the group."""

    group: str
    kind: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Resource:
    """One Kubernetes object: its identity, its YAML text (without `---`), and the SHA-256 of that text in hex."""

    id: ResourceId
    version: str
    text: str
    hash: str

    def with_text(self, text: str) -> Resource:
        """The same resource with another text."""
        return make_resource(self.id, self.version, text)


@dataclass(frozen=True, slots=True)
class MissingDependency:
    """A chart dependency that could not be had, so that the manifest lacks what it would render.

    `inputs` is the hash of everything that the dependency would have rendered from: two sides with equal
    `inputs` would have got equal text from it, whatever that text is.
    """

    name: str
    version: str
    repository: str
    inputs: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """The rendered YAML of one instance at one side, in the order in which the renderer gave it."""

    resources: tuple[Resource, ...] = ()
    warnings: tuple[str, ...] = ()
    missing: tuple[MissingDependency, ...] = ()


#: Stands for what Kubernetes puts behind a `generateName`; no name can hold it.
ANY_ENDING = "*"

_SEPARATOR = re.compile(r"^---(?:[ \t].*)?$", re.MULTILINE)
_PLAIN = r"[\"']?([^\"'\s#{}\[\]&*!|>%@`]+)[\"']?[ \t]*$"
_KIND = re.compile(rf"^kind:[ \t]+{_PLAIN}", re.MULTILINE)
_API_VERSION = re.compile(rf"^apiVersion:[ \t]+{_PLAIN}", re.MULTILINE)
_METADATA = re.compile(r"^metadata:[ \t]*\n((?:[ \t]+.*\n?|[ \t]*#.*\n?|\n)+)", re.MULTILINE)
_ITEMS = re.compile(r"^[\"']?items[\"']?[ \t]*:", re.MULTILINE)
_CONTENT = re.compile(r"^(?![ \t]*(?:#|$))", re.MULTILINE)


def split_documents(text: str) -> list[str]:
    """The YAML documents of a text, each without its `---`; empty ones and those of comments only are left out."""
    documents = (part.strip("\n").rstrip() for part in _SEPARATOR.split(text.replace("\r\n", "\n")))
    return [part for part in documents if _CONTENT.search(part) and part.strip() not in ("null", "~", "{}")]


def read_resources(document: str, mask: Mask) -> list[Resource]:
    """The Kubernetes objects of one YAML document: one, or the members of a list (Argo CD expands any `items`).

    Reads the identity off the text where it can, since parsing is slow. Raises YamlError for what is no YAML, or is
    no object.
    """
    quick = _quick_identity(document)
    if quick and quick[0].kind != "Secret" and not _ITEMS.search(document):
        return [make_resource(*quick, document)]
    value = load(document)
    if value is None:
        return []
    if not isinstance(value, dict):
        raise YamlError("the document is no Kubernetes object: it has no fields")
    if value.get("items", ...) is None and not value.keys() & {"spec", "status"}:
        return []
    if isinstance(value.get("items"), list):
        return [item for member in value["items"] for item in read_resources(dump(member, sort_keys=False), mask)]
    identity, version = _identity(value)
    if identity.kind == "Secret" and not identity.group:
        document = dump(mask_secret(value, mask), sort_keys=False).rstrip()
    return [make_resource(identity, version, document)]


def make_resource(identity: ResourceId, version: str, text: str) -> Resource:
    """A resource with the hash of its text."""
    return Resource(identity, version, text, hashlib.sha256(text.encode("utf-8", "replace")).hexdigest())


def _quick_identity(document: str) -> tuple[ResourceId, str] | None:
    kind, api, metadata = _KIND.search(document), _API_VERSION.search(document), _METADATA.search(document)
    if not (kind and api and metadata):
        return None
    lines = metadata[1].split("\n")
    first = next((line for line in lines if line.strip() and not line.lstrip().startswith("#")), "")
    indent = re.escape(first[: len(first) - len(first.lstrip())])
    name = re.search(rf"^{indent}name:[ \t]+{_PLAIN}", metadata[1], re.MULTILINE)
    spaces = re.findall(rf"^{indent}namespace:", metadata[1], re.MULTILINE)
    namespace = re.search(rf"^{indent}namespace:[ \t]+{_PLAIN}", metadata[1], re.MULTILINE)
    if not name or (spaces and not namespace):
        return None
    group, _, version = api[1].rpartition("/")
    return ResourceId(group, kind[1], namespace[1] if namespace else "", name[1]), version


def _identity(value: Mapping[str, Any]) -> tuple[ResourceId, str]:
    kind, api = value.get("kind"), value.get("apiVersion")
    if not isinstance(kind, str) or not kind:
        raise YamlError("an object has no kind")
    if not isinstance(api, str) or not api:
        raise YamlError(f"a {kind} has no apiVersion")
    metadata = value.get("metadata")
    fields = metadata if isinstance(metadata, dict) else {}
    group, _, version = api.rpartition("/")
    # Kubernetes ends a generateName anew at each creation, so that no two of them are the same object.
    generated = fields.get("generateName")
    name = fields.get("name") or (f"{generated}{ANY_ENDING}" if generated else "")
    return ResourceId(group, kind, str(fields.get("namespace") or ""), str(name)), version


def without_duplicates(resources: Iterable[Resource]) -> tuple[tuple[Resource, ...], tuple[str, ...]]:
    """One resource for each identity, and a warning for each that stood twice: the last one wins, as in Argo CD.

    Those with a generateName are told apart by a number (controller/state.go DeduplicateTargetObjects).
    """
    kept: dict[ResourceId, Resource] = {}
    warnings = []
    for one in resources:
        resource = _numbered(one, kept) if one.id.name.endswith(ANY_ENDING) else one
        if resource.id in kept:
            warnings.append(f"{resource.id.kind} {resource.id.name} is rendered more than once; the last one counts")
            del kept[resource.id]
        kept[resource.id] = resource
    return tuple(kept.values()), tuple(dict.fromkeys(warnings))


def _numbered(resource: Resource, kept: Mapping[ResourceId, Resource]) -> Resource:
    identity, number = resource.id, 1
    while identity in kept:
        number += 1
        identity = replace(resource.id, name=f"{resource.id.name}{number}")
    return replace(resource, id=identity)


def to_text(manifest: Manifest) -> str:
    """The whole manifest as YAML documents."""
    return "".join(f"---\n{resource.text}\n" for resource in manifest.resources)


def to_readable_text(resources: Iterable[Resource]) -> str:
    """Resources as YAML documents; a comment before each names its namespace, which need not stand in its text."""
    return "".join(f"--- # {_heading(resource.id)}\n{resource.text}\n" for resource in resources)


def _heading(one: ResourceId) -> str:
    # On one line, whatever stands in a name.
    return " ".join(f"{one.kind} {f'{one.namespace}/' if one.namespace else ''}{one.name}".split())
