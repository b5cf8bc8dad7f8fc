"""The label or annotation by which Argo CD knows what it made (util/argo/resource_tracking.go SetAppInstance)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from previews.engine.errors import YamlError
from previews.engine.manifests import Resource
from previews.engine.scope import is_definition
from previews.engine.yamls import dump, load

_LABEL_LENGTH = 63
_TRACKING_ID, _INSTALLATION_ID = "argocd.argoproj.io/tracking-id", "argocd.argoproj.io/installation-id"


@dataclass(frozen=True)
class Tracking:
    """How objects are marked: by which of config.METHODS, with which label, for which installation ("" for none)."""

    method: str
    label: str = "app.kubernetes.io/instance"
    installation: str = ""


@dataclass(frozen=True)
class Tracker:
    """The mark of one Application: its instance name, and its destination's namespace."""

    tracking: Tracking
    application: str
    namespace: str

    def tracked(self, resource: Resource) -> Resource:
        """The resource with the mark in its text; CRDs, and what is no YAML, as they were."""
        if is_definition(resource.id):
            return resource
        return _tracked(self, resource)


@lru_cache(maxsize=1024)
def _tracked(tracker: Tracker, resource: Resource) -> Resource:
    try:
        value = load(resource.text)
    except YamlError:
        return resource
    how, name = tracker.tracking, tracker.application
    metadata = dict(value.get("metadata") or {}) if isinstance(value, dict) else {}
    if "annotation" in how.method:
        one = resource.id
        # Where an object names no namespace it is the destination's, even for kinds that have none.
        where = metadata.get("namespace") or tracker.namespace
        marks = {_TRACKING_ID: f"{name}:{one.group}/{one.kind}:{where}/{metadata.get('name') or ''}"}
        marks |= {_INSTALLATION_ID: how.installation} if how.installation else {}
        _add(metadata, "annotations", marks)
    if "label" in how.method:
        _add(metadata, "labels", {how.label: name[: _LABEL_LENGTH if how.method == "annotation+label" else None]})
    return resource.with_text(dump({**value, "metadata": metadata}, sort_keys=False).rstrip())


def _add(metadata: dict[str, Any], field: str, marks: dict[str, str]) -> None:
    found = metadata.get(field)
    metadata[field] = {**(found if isinstance(found, dict) else {}), **marks}
