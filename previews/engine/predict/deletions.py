"""What goes away with a change, what stays although its text is gone, and what is lost for good.

Mirrors pruneObject and runTasks of gitops-engine pkg/sync/sync_context.go (what is pruned is told by the annotations of
the live object, and goes before what is applied) and shouldBeDeleted of Argo CD's appcontroller.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from previews.engine.hooks import kept_by, skipped_by_sync
from previews.engine.manifests import ResourceId
from previews.engine.predict.context import Context
from previews.engine.predict.findings import ChangeRule, Confidence, Finding
from previews.engine.predict.objects import Change, Object, Pair
from previews.engine.predict.restarts import sync_options
from previews.engine.predict.workloads import child, children, counted, mapped, title
from previews.engine.scope import is_definition

CLAIM, VOLUME, NAMESPACE = ("", "PersistentVolumeClaim"), ("", "PersistentVolume"), ("", "Namespace")
_STORAGE_CLASS = ("storage.k8s.io", "StorageClass")
_PRUNE = "gitops-engine/pkg/sync/sync_context.go pruneObject"
_FLUX_PRUNE = "kustomize.toolkit.fluxcd.io/prune"
#: Groups that the API server keeps the same objects under.
_MOVED = {("extensions", "Ingress"): "networking.k8s.io", ("extensions", "NetworkPolicy"): "networking.k8s.io"}
_MOVED |= {("extensions", kind): "apps" for kind in ("Deployment", "DaemonSet", "ReplicaSet")}

_KIND = re.compile(r"^  names:\n(?:    .*\n){0,20}?    kind: ([A-Za-z0-9]+)$", re.MULTILINE)

#: deleted; kept: stays as it is; adopted: another application has it; waiting: somebody has to confirm; nothing: it is
#: no object of the cluster that is kept up to the text, such as a hook, or it is the same under another group.

Fate = Literal["deleted", "kept", "adopted", "waiting", "nothing"]


@dataclass(frozen=True, slots=True)
class End:
    """What becomes of an object whose text is gone, and why."""

    fate: Fate
    why: str = ""


def end(change: Change, pair: Pair, context: Context) -> End:
    """What becomes of an object that the base alone has."""
    base = change.base
    # What a text does not hold, its content does not: large definitions are not read for it.
    if base is None or change.head is not None or ("hook" in base.text and _is_hook(base)):
        return End("nothing")
    moved = _MOVED.get((base.id.group, base.id.kind))
    if moved and ResourceId(moved, base.id.kind, base.id.namespace, base.id.name) in pair.head.objects:
        return End("nothing")
    if base.id in context.elsewhere:
        return End("adopted", context.elsewhere[base.id])
    if context.deletes_application:
        return _end_with_application(base, context)
    options = sync_options(base) | context.sync.options
    if not context.sync.prunes:
        return End("kept", "the application does not prune")
    if "Prune=false" in sync_options(base) or _flux_keeps(base):
        return End("kept", "Prune=false" if context.by_argo_cd else f"{_FLUX_PRUNE}: disabled")
    return End("waiting", "Prune=confirm") if "Prune=confirm" in options else End("deleted")


def _is_hook(object: Object) -> bool:
    annotations = mapped(object.content, "metadata", "annotations")
    if skipped_by_sync(dict(object.content)):
        return True
    return "argocd.argoproj.io/hook" in annotations or annotations.get("helm.sh/hook", "crd-install") != "crd-install"


def _flux_keeps(object: Object) -> bool:
    return _FLUX_PRUNE in object.text and any(
        mapped(object.content, "metadata", where).get(_FLUX_PRUNE) == "disabled" for where in ("annotations", "labels")
    )


def _end_with_application(base: Object, context: Context) -> End:
    if not context.cascades:
        return End("kept", "the application goes without deleting what it made")
    if is_definition(base.id):
        return End("kept", "definitions of kinds stay when an application is deleted")
    keeps = "sync-options" in base.text or "resource-policy" in base.text
    why = kept_by(dict(base.content), whole_application=True) if keeps else ""
    return End("kept", why) if why else End("deleted")


def deleted(pair: Pair, context: Context) -> frozenset[ResourceId]:
    """The objects that go away."""
    return frozenset(one.id for one in pair.changes if not one.head and end(one, pair, context).fate == "deleted")


def staying(pair: Pair, context: Context) -> Iterator[Object]:
    """The objects that stay in the cluster although the head does not have them."""
    for one in pair.changes:
        if one.base and not one.head and end(one, pair, context).fate in ("kept", "adopted", "waiting"):
            yield one.base


def find_ends(pair: Pair, context: Context) -> Iterator[Finding]:
    """DELETED, LEFT-BEHIND, PRUNE-CONFIRM, ADOPTED, and DATA-LOSS."""
    for change in pair.changes:
        if change.head is not None or change.base is None:
            continue
        found = end(change, pair, context)
        name = title(change.id)
        if found.fate == "adopted":
            message = f"{name} moves to the application {found.why}, which takes it over as it is"
            remedy = "sync that application first: this one may prune it before"
            yield Finding("ADOPTED", "info", message, change.id, source=_PRUNE, remedy=remedy, confidence="likely")
        elif found.fate == "kept":
            message = f"{name} stays in the cluster: {found.why}"
            yield Finding("LEFT-BEHIND", "info", message, change.id, source=_PRUNE)
        elif found.fate == "waiting":
            message = f"the sync waits until somebody confirms that {name} may be deleted ({found.why})"
            yield Finding("PRUNE-CONFIRM", "warning", message, change.id, source=_PRUNE)
        elif found.fate == "deleted":
            yield from _deleted(change.base, pair, context)


def _deleted(base: Object, pair: Pair, context: Context) -> Iterator[Finding]:
    loss = _loss(base, pair, context)
    if loss:
        yield Finding(
            "DATA-LOSS",
            "irreversible",
            f"{title(base.id)} is deleted: {loss[0]}",
            base.id,
            source=_PRUNE,
            remedy="annotate it with argocd.argoproj.io/sync-options: Prune=false before its text is removed",
            confidence=loss[1],
        )
        return
    if base.id.group == "argoproj.io" and base.id.kind in ("Application", "ApplicationSet"):
        yield _application(base)
        return
    policy = "helm.sh/resource-policy"
    keeps = policy in base.text and mapped(base.content, "metadata", "annotations").get(policy) == "keep"
    note = "; helm.sh/resource-policy: keep does not stop Argo CD from pruning" if keeps and context.by_argo_cd else ""
    severity: Literal["warning", "info"] = "warning" if note else "info"
    yield Finding("DELETED", severity, f"{title(base.id)} is deleted{note}", base.id, source=_PRUNE)


def _application(base: Object) -> Finding:
    """DELETED of an Application or ApplicationSet: with its finalizer, all that it made goes with it."""
    finalizers = child(base.content, "metadata", "finalizers")
    cascades = isinstance(finalizers, list) and any("resources-finalizer.argocd" in str(one) for one in finalizers)
    if base.id.kind == "ApplicationSet":
        cascades = child(base.content, "spec", "syncPolicy", "preserveResourcesOnDeletion") is not True
    what = "all that it made goes with it" if cascades else "what it made stays, and nobody keeps it up any more"
    return Finding("DELETED", "warning", f"{title(base.id)} is deleted: {what}", base.id, source=_PRUNE)


def _loss(base: Object, pair: Pair, context: Context) -> tuple[str, Confidence] | None:
    """What is lost with an object, None where nothing is that Git does not hold."""
    kind = (base.id.group, base.id.kind)
    if kind == CLAIM:
        if _is_retained(base, pair):
            return None
        return "the volume and the data on it go with it, unless its reclaim policy is Retain", "likely"
    if kind == VOLUME and child(base.content, "spec", "persistentVolumeReclaimPolicy") == "Delete":
        return "its reclaim policy is Delete, so the storage goes with it", "likely"
    if kind == NAMESPACE:
        others = sum(one.namespace == base.id.name for one in context.elsewhere)
        more = f", of other applications too ({counted(others, 'object')})" if others else ""
        return f"everything in the namespace goes with it{more}", "certain"
    if is_definition(base.id):
        group, made = base.id.name.partition(".")[2], _defined(base)
        all_ids = (*(one.id for one in pair.base.objects), *context.elsewhere)
        number = sum((one.group, one.kind) == (group, made) for one in all_ids)
        known = f" ({counted(number, 'object')} in known applications)" if number else ""
        return f"all objects of the kind {made} in the cluster go with it{known}", "certain"
    has_claims = kind == ("apps", "StatefulSet") and children(base.content, "spec", "volumeClaimTemplates")
    if has_claims and _retention(base, context, "whenDeleted") == "Delete":
        return "its volumes go with it (persistentVolumeClaimRetentionPolicy.whenDeleted is Delete)", "certain"
    return None


def _defined(definition: Object) -> str:
    """The kind that a CRD defines, off its text where it can be: such texts are long."""
    found = _KIND.search(definition.text)
    return found[1] if found else str(child(definition.content, "spec", "names", "kind"))


def _is_retained(claim: Object, pair: Pair) -> bool:
    """Whether the claim's volume is known to outlive it, by its class or by the volume that it names."""
    name, volume = child(claim.content, "spec", "storageClassName"), child(claim.content, "spec", "volumeName")
    for one in pair.base.objects.of(_STORAGE_CLASS):
        if one.id.name == name and child(one.content, "reclaimPolicy") == "Retain":
            return True
    for one in pair.base.objects.of(VOLUME):
        if one.id.name == volume and child(one.content, "spec", "persistentVolumeReclaimPolicy") != "Delete":
            return True
    return False


def _retention(object: Object, context: Context, when: str) -> str:
    if context.kubernetes < (1, 27):
        return "Retain"
    return str(child(object.content, "spec", "persistentVolumeClaimRetentionPolicy", when) or "Retain")


def find_lost_volumes(pair: Pair, context: Context) -> Iterator[Finding]:
    """DATA-LOSS of a StatefulSet that runs fewer pods and deletes the volumes of those that go."""
    for change in pair.changes:
        if not (change.base and change.head) or (change.id.group, change.id.kind) != ("apps", "StatefulSet"):
            continue
        counts = [one.get("spec", "replicas") for one in (change.base, change.head)]
        was, will = (one if isinstance(one, int) else 1 for one in counts)
        claims = children(change.head.content, "spec", "volumeClaimTemplates")
        if will < was and claims and _retention(change.head, context, "whenScaled") == "Delete":
            message = (
                f"{title(change.id)} goes from {was} to {will} replicas and deletes the volumes of those that go:"
                f" {was - will} × {len(claims)} = {counted((was - will) * len(claims), 'volume')}"
            )
            yield Finding("DATA-LOSS", "irreversible", message, change.id, ("spec", "replicas"), str(will))


CHANGE_RULES: tuple[ChangeRule, ...] = (find_ends, find_lost_volumes)
