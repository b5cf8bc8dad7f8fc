"""Resources that a sync does not apply, and those that it does not delete, by their annotations.

Mirrors gitops-engine pkg/sync/hook (hook.go, helm/type.go), pkg/sync/ignore/ignore.go, and controller/hook.go and
appcontroller.go shouldBeDeleted of Argo CD.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from previews.engine.cells import ResourceChange
from previews.engine.errors import YamlError
from previews.engine.manifests import Manifest, ResourceId
from previews.engine.scope import is_definition
from previews.engine.yamls import load

#: Resources that a note names.
MAX_NAMES = 10

#: never: no hook type that Argo CD knows; at deletion: only when the Application goes.
Skipped = Literal["", "never", "at deletion"]

_HOOK, _HELM_HOOK = "argocd.argoproj.io/hook", "helm.sh/hook"
_OPTIONS, _POLICY = "argocd.argoproj.io/sync-options", "helm.sh/resource-policy"
_IN_A_SYNC = frozenset({"PreSync", "Sync", "PostSync", "SyncFail"})
_AT_DELETION = frozenset({"PreDelete", "PostDelete"})
_HELM_TYPES = {
    "pre-install": "PreSync",
    "pre-upgrade": "PreSync",
    "post-install": "PostSync",
    "post-upgrade": "PostSync",
    "pre-delete": "PreDelete",
    "post-delete": "PostDelete",
}


def is_perhaps_hook(text: str) -> bool:
    """Whether an object's text has to be parsed to know whether it is a hook."""
    return _HOOK in text or _HELM_HOOK in text


def hook_types(value: Any) -> frozenset[str] | None:
    """The hook types of a parsed object that Argo CD knows, none where it knows none of them; None for no hook."""
    annotations = _annotations(value)
    named = [word for word in _words(annotations, _HOOK) if word in _IN_A_SYNC | _AT_DELETION | {"Skip"}]
    # Helm's hook types count only where Argo CD's say nothing that it knows.
    types = frozenset(named or (_HELM_TYPES[word] for word in _words(annotations, _HELM_HOOK) if word in _HELM_TYPES))
    is_helm_hook = _HELM_HOOK in annotations and annotations[_HELM_HOOK] != "crd-install"
    return types if _HOOK in annotations or is_helm_hook else None


def wave_of(value: Any) -> int:
    """The sync wave of a parsed object (gitops-engine pkg/sync/syncwaves/waves.go)."""
    annotations = _annotations(value)
    for key in ("argocd.argoproj.io/sync-wave", "helm.sh/hook-weight"):
        try:
            return int(str(annotations[key]))
        except (KeyError, ValueError):
            continue
    return 0


def sync_options_of(value: Any) -> frozenset[str]:
    """The sync options that an object itself has (`Prune=false`, `Replace=true`)."""
    return frozenset(_words(_annotations(value), _OPTIONS))


def skipped_by_sync(value: Any) -> Skipped:
    """Whether and why a sync leaves a parsed object alone."""
    types = hook_types(value)
    if types is None:
        return ""
    if not types or types == {"Skip"}:
        return "never"
    return "" if types & _IN_A_SYNC else "at deletion"


def kept_by(value: Any, whole_application: bool) -> str:
    """The annotation that keeps a removed object in the cluster, "" when none does.

    `whole_application`: its Application is deleted with all that it made; else the object alone is pruned.
    """
    annotations = _annotations(value)
    option = "Delete=false" if whole_application else "Prune=false"
    if option in _words(annotations, _OPTIONS):
        return option
    # Pruning does not ask for Helm's policy, deleting does.
    return f"{_POLICY}: keep" if whole_application and "keep" in _words(annotations, _POLICY) else ""


@dataclass(frozen=True)
class Applied:
    """What a sync does of a cell's changes: `is_nothing` when it leaves all of them alone, and `notes` which ones."""

    is_nothing: bool = False
    notes: tuple[str, ...] = ()


def applied_by_sync(changes: Sequence[ResourceChange], before: Manifest, after: Manifest) -> Applied:
    """Looks for hooks among the resources that change, and among removed ones for those that pruning spares."""
    texts = {resource.id: resource.text for resource in (*before.resources, *after.resources)}
    skipped: dict[Skipped, list[str]] = {"": [], "never": [], "at deletion": []}
    for change in changes:
        text = texts.get(change.id, "")
        kind: Skipped = skipped_by_sync(_parsed(text)) if is_perhaps_hook(text) else ""
        skipped[kind].append(f"{change.id.kind} {change.id.name}")
    notes = []
    if skipped["never"]:
        notes.append(f"hooks that Argo CD never applies: {_listed(skipped['never'])}")
    if skipped["at deletion"]:
        notes.append(f"hooks that run only when the Application is deleted: {_listed(skipped['at deletion'])}")
    gone = [change.id for change in changes if change.state == "removed"]
    return Applied(bool(changes) and not skipped[""], (*notes, *_kept(gone, before, whole_application=False)))


def kept_when_deleted(changes: Sequence[ResourceChange], before: Manifest, cascades: bool) -> tuple[str, ...]:
    """A note for what stays in the cluster when the whole Application goes."""
    if not cascades:
        return ("the Application has no resources-finalizer: what it made is not deleted with it, but orphaned",)
    gone = [change.id for change in changes]
    definitions = [f"{one.kind} {one.name}" for one in gone if is_definition(one)]
    notes = [f"CRDs stay when an Application is deleted: {_listed(definitions)}"] if definitions else []
    return (*notes, *_kept([one for one in gone if not is_definition(one)], before, whole_application=True))


def _kept(gone: Collection[ResourceId], before: Manifest, whole_application: bool) -> tuple[str, ...]:
    kept: dict[str, list[str]] = {}
    for resource in before.resources:
        if resource.id in gone and (_OPTIONS in resource.text or _POLICY in resource.text):
            why = kept_by(_parsed(resource.text), whole_application)
            kept.setdefault(why, []).append(f"{resource.id.kind} {resource.id.name}")
    return tuple(f"stays in the cluster ({why}): {_listed(names)}" for why, names in kept.items() if why)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:MAX_NAMES]) + (f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else "")


def _parsed(text: str) -> Any:
    try:
        return load(text)
    except YamlError:
        return None


def _annotations(value: Any) -> Mapping[str, Any]:
    metadata = value.get("metadata") if isinstance(value, dict) else None
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    return annotations if isinstance(annotations, dict) else {}


def _words(annotations: Mapping[str, Any], key: str) -> list[str]:
    return [word.strip() for word in str(annotations.get(key) or "").split(",") if word.strip()]
