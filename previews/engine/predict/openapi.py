"""The schemas of Kubernetes' own kinds, for each minor; see pack_openapi for where they come from."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import zstandard

from previews.engine.predict.context import Minor

PACKED = Path(__file__).with_name("openapi.json.zst")
_REFERENCE = re.compile(r'"#/\$defs/([^"]+)"')

#: Fields that the schemas call required, and that the API server does without: absent, they are Go's empty value, which
#: its validation takes, or a default is set (pkg/apis/*/validation, pkg/apis/*/*/defaults.go). It does not ask the
#: schema; it decodes the object, and validates what comes out.
_DONE_WITHOUT: Mapping[str, frozenset[str]] = {
    name: frozenset(fields.split())
    for name, fields in {
        "io.k8s.api.apps.v1.ControllerRevision": "revision",
        "io.k8s.api.apps.v1.StatefulSetSpec": "serviceName",
        "io.k8s.api.batch.v1.PodFailurePolicyOnPodConditionsPattern": "status",
        "io.k8s.api.core.v1.HTTPHeader": "value",
        "io.k8s.api.core.v1.ISCSIPersistentVolumeSource": "lun",
        "io.k8s.api.core.v1.ISCSIVolumeSource": "lun",
        "io.k8s.api.core.v1.LimitRangeSpec": "limits",
        "io.k8s.api.core.v1.PreferredSchedulingTerm": "preference",
        "io.k8s.api.core.v1.Sysctl": "value",
        "io.k8s.api.discovery.v1.EndpointSlice": "endpoints",
        "io.k8s.api.networking.v1.NetworkPolicySpec": "podSelector",
        "io.k8s.api.rbac.v1.RoleRef": "apiGroup",
        "io.k8s.api.scheduling.v1.PriorityClass": "value",
        "io.k8s.api.storage.v1.CSIDriver": "spec",
        "io.k8s.api.storage.v1.TokenRequest": "audience",
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionVersion": "served storage",
    }.items()
}


@cache
def _packed() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(zstandard.decompress(PACKED.read_bytes()))
    return found


def known_minors() -> tuple[Minor, Minor]:
    """The first and the last minor whose schemas we have."""
    return (1, _packed()["first"]), (1, _packed()["last"])


def is_known(api_version: str, kind: str) -> bool:
    """Whether this is one of Kubernetes' own kinds in one of the minors that we know."""
    return f"{api_version}/{kind}" in _packed()["kinds"]


def served_since(api_version: str, kind: str) -> Minor | None:
    """The first minor that has the kind, None where that is the first that we know or nobody knows it."""
    name = _packed()["kinds"].get(f"{api_version}/{kind}")
    first = _packed()["definitions"][name][0][0] if name else _packed()["first"]
    return (1, first) if first > _packed()["first"] else None


def validator_of(api_version: str, kind: str, minor: Minor) -> jsonschema_rs.Validator | None:
    """What tells how an object of the kind is not as the minor has it; None where it has no such kind.

    Nothing in the object may be null: absent is the same to the API server.
    """
    name = _packed()["kinds"].get(f"{api_version}/{kind}")
    texts = _needed(name, minor[1]) if name else {}
    return _compiled(name, tuple(texts.items())) if texts else None


def document_of(api_version: str, kind: str, minor: Minor) -> Mapping[str, Any]:
    """The schema of a kind, as JSON Schema: a reference, and the definitions it needs."""
    name = _packed()["kinds"][f"{api_version}/{kind}"]
    return _document(name, tuple(_needed(name, minor[1]).items()))


@lru_cache(maxsize=1024)
def _needed(root: str, minor: int) -> Mapping[str, int]:
    """The definitions that one consists of, itself included, with the place of the text of each; {} if it is not there.

    Most kinds are the same in many minors, and then so is this.
    """
    found: dict[str, int] = {}
    waiting = [root]
    while waiting:
        name = waiting.pop()
        at = None if name in found else _place(name, minor)
        if at is not None:
            found[name] = at
            waiting += _REFERENCE.findall(_packed()["texts"][at])
    return found if root in found else {}


def _place(name: str, minor: int) -> int | None:
    changes = [at for since, at in _packed()["definitions"].get(name, ()) if since <= minor]
    return changes[-1] if changes else None


@lru_cache(maxsize=96)
def _compiled(root: str, places: tuple[tuple[str, int], ...]) -> jsonschema_rs.Validator:
    return jsonschema_rs.Draft202012Validator(_document(root, places))


def _document(root: str, places: tuple[tuple[str, int], ...]) -> dict[str, Any]:
    definitions = {name: json.loads(_packed()["texts"][at]) for name, at in places}
    for name in definitions.keys() & _DONE_WITHOUT.keys():
        needed = [one for one in definitions[name].get("required", ()) if one not in _DONE_WITHOUT[name]]
        definitions[name]["required"] = needed
    return {"$ref": f"#/$defs/{root}", "$defs": definitions}
