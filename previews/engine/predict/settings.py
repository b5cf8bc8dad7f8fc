"""ConfigMaps and Secrets that change without the pods that read them being replaced.

Variables and files mounted by subPath keep the value that they had when the container started; whole volumes are
brought up to date by the kubelet after a while (pkg/kubelet/kubelet_pods.go makeEnvironmentVariables, pkg/volume/util
AtomicWriter).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from previews.engine.manifests import ResourceId
from previews.engine.predict.context import Context
from previews.engine.predict.differences import differences
from previews.engine.predict.findings import ChangeRule, Finding
from previews.engine.predict.objects import Object, Pair
from previews.engine.predict.restarts import data, restarts
from previews.engine.predict.workloads import Workload, child, children, mapped, title, workload, workloads

_RELOADER = "reloader.stakater.com"
_WAVE = "wave.pusher.com/update-on-config-change"
_KINDS = {"ConfigMap": "configmap", "Secret": "secret"}
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Use:
    """That pods read a ConfigMap or Secret: these keys of it, None for all. `is_live`: the file follows its change."""

    kind: str
    name: str
    keys: frozenset[str] | None
    is_live: bool
    how: str


def uses(pod: Mapping[str, Any]) -> Iterator[Use]:
    """What a pod reads of ConfigMaps and Secrets."""
    volumes = {str(one.get("name")): list(_in_volume(one)) for one in children(pod, "volumes")}
    for container in (*children(pod, "initContainers"), *children(pod, "containers")):
        for variable in children(container, "env"):
            for kind, key in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
                source = mapped(variable, "valueFrom", key)
                if source:
                    yield _use(kind, source.get("name"), {str(source.get("key"))}, "a variable")
        for variables in children(container, "envFrom"):
            for kind, key in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
                if source := mapped(variables, key):
                    yield _use(kind, source.get("name"), None, "its variables")
        for mount in children(container, "volumeMounts"):
            below = str(mount.get("subPath") or mount.get("subPathExpr") or "").partition("/")[0]
            for kind, name, items in volumes.get(str(mount.get("name")), []):
                if not below:
                    yield Use(kind, name, frozenset(items.values()) if items else None, True, "a mounted volume")
                elif not items or below in items:
                    yield _use(kind, name, {items.get(below, below)}, "a file mounted by subPath")


def _use(kind: str, name: Any, keys: set[str] | None, how: str) -> Use:
    return Use(kind, str(name), None if keys is None else frozenset(keys), False, how)


def _in_volume(volume: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, str]]]:
    """The kind and name of what a volume shows, and its items: the path and the key of each."""
    yield from _shown_by(volume, "secretName")
    for source in children(volume, "projected", "sources"):
        yield from _shown_by(source, "name")


def _shown_by(source: Mapping[str, Any], name_of_secrets: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    for kind, key, name in (("ConfigMap", "configMap", "name"), ("Secret", "secret", name_of_secrets)):
        if found := mapped(source, key):
            items = {str(one.get("path")).partition("/")[0]: str(one.get("key")) for one in children(found, "items")}
            yield kind, str(found.get(name)), items


@dataclass(frozen=True, slots=True)
class Stale:
    """A workload that reads what changes. `restarts`: its pods are replaced, and `reloaded` by whom, "" by the sync."""

    after: Workload
    object: Object
    keys: tuple[str, ...]
    use: Use
    restarts: bool
    reloaded: str = ""


@lru_cache(maxsize=1)
def readers(pair: Pair, context: Context) -> list[Stale]:
    """The workloads of both sides that read an entry of a ConfigMap or Secret that changes."""
    changed = dict(_changed(pair))
    if not changed:
        return []
    restarted = {after.id for _, after, one in restarts(pair, context) if one.how in ("now", "recreated")}
    found: list[Stale] = []
    for after in workloads(pair.head.objects, context.kubernetes):
        before = workload(pair.base.objects.get(after.id), context.kubernetes)
        if before is None:
            continue
        best: dict[ResourceId, Stale] = {}
        for use in uses(before.pod):
            identity = ResourceId("", use.kind, after.id.namespace, use.name)
            if identity not in changed:
                continue
            object, all_keys = changed[identity]
            keys = tuple(key for key in all_keys if use.keys is None or key in use.keys)
            if keys and (identity not in best or best[identity].use.is_live):
                restarts_now = after.id in restarted
                operator = "" if restarts_now else _operator(after, object)
                best[identity] = Stale(after, object, keys, use, restarts_now or bool(operator), operator)
        found += best.values()
    return found


def _changed(pair: Pair) -> Iterator[tuple[ResourceId, tuple[Object, list[str]]]]:
    for change in pair.changes:
        if change.base and change.head and change.id.group == "" and change.id.kind in _KINDS:
            keys = dict.fromkeys(str(one.steps[0]) for one in differences(data(change.base), data(change.head)))
            if keys:
                yield change.id, (change.head, list(keys))


def _operator(after: Workload, object: Object) -> str:
    """The operator that replaces a workload's pods when the object changes, by the annotations it goes by."""
    annotations = {
        **mapped(after.template, "metadata", "annotations"),
        **mapped(after.content, "metadata", "annotations"),
    }
    kind = _KINDS[object.id.kind]
    named = str(annotations.get(f"{kind}.{_RELOADER}/reload") or "")
    searched = child(object.content, "metadata", "annotations", f"{_RELOADER}/match")
    if (
        annotations.get(f"{_RELOADER}/auto") == "true"
        or annotations.get(f"{kind}.{_RELOADER}/auto") == "true"
        or object.id.name in [one.strip() for one in named.split(",")]
        or (annotations.get(f"{_RELOADER}/search") == "true" and searched == "true")
    ):
        return "Reloader"
    return "Wave" if annotations.get(_WAVE) == "true" else ""


def find_stale(pair: Pair, context: Context) -> Iterator[Finding]:
    """STALE-CONFIG and RESTART-BY-OPERATOR."""
    found = readers(pair, context)
    taken = {one.object.id: one.after for one in found if one.restarts}
    for one in found:
        steps = (_field(one.object, one.keys[0]), one.keys[0])
        keys = ", ".join(one.keys[:_SHOWN]) + (f" and {len(one.keys) - _SHOWN} more" if len(one.keys) > _SHOWN else "")
        what = f"{title(one.object.id)} changes ({keys})"
        if one.reloaded:
            message = f"{what}, and {one.reloaded} replaces the pods of {one.after.title}, which reads it"
            yield Finding("RESTART-BY-OPERATOR", "info", message, one.object.id, steps, confidence="likely")
        elif not one.restarts:
            yield _stale(one, what, steps, taken.get(one.object.id))


def _stale(one: Stale, what: str, steps: tuple[str, str], taken: Workload | None) -> Finding:
    if one.use.is_live:
        happens = "its file follows after a minute or two, but the process may have read it once and for all"
    else:
        happens = "its pods are not replaced, so they keep the old value until something else restarts them"
    message = f"{what}; {one.after.title} reads it as {one.use.how}: {happens}"
    is_mixed = taken is not None and not one.use.is_live
    return Finding(
        "STALE-CONFIG",
        "degraded" if is_mixed else "warning",
        f"{message}, while {taken.title} restarts with the new one" if is_mixed and taken else message,
        one.object.id,
        steps,
        source="https://kubernetes.io/docs/concepts/configuration/configmap/",
        remedy="add an annotation with a checksum of it to the pod template, or restart the pods by hand",
        confidence="likely" if one.use.is_live else "certain",
    )


def _field(object: Object, key: str) -> str:
    return next((one for one in ("data", "stringData", "binaryData") if key in mapped(object.content, one)), "data")


CHANGE_RULES: tuple[ChangeRule, ...] = (find_stale,)
