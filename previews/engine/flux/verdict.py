"""What Flux makes of a change, besides rendering it: some of them it does not act on.

Mirrors the reconcile strategies of internal/helm/chart/builder_local.go of source-controller, and `suspend` and `prune`
of kustomize-controller.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from previews.engine.applications import Instance
from previews.engine.errors import NotRendered, RenderFailed
from previews.engine.fields import mapping
from previews.engine.flux.sources import text
from previews.engine.resolve import Resolution
from previews.engine.yamls import canonical


@dataclass(frozen=True)
class Verdict:
    """`held` is why Flux deploys nothing, "" when it may; `notes` are what a person should know, that included."""

    held: str = ""
    notes: tuple[str, ...] = ()


_PRESERVED = "upgrade.preserveValues merges values of the release in the cluster, which are not known here"
Side = Resolution | RenderFailed | NotRendered | None


def flux_verdict(before: Instance | None, after: Instance | None, old: Side, new: Side) -> Verdict:
    """What Flux does with the difference of two sides; nothing special for an application of Argo CD."""
    shown = after or before
    flux = shown.definition.flux if shown else None
    if shown is None or flux is None:
        return Verdict()
    if flux.suspended and (after or flux.spec.get("suspend")):
        return _held(f"{flux.suspended} is suspended: Flux does not reconcile it")
    by_parent = _not_brought(before, after, old, new, flux.parent_suspended) if flux.parent_suspended else None
    if by_parent:
        return by_parent
    if after is None:
        policy = text(flux.spec, "deletionPolicy") or "MirrorPrune"
        stays = policy == "Orphan" or (policy == "MirrorPrune" and not flux.spec.get("prune"))
        return _held("its objects stay in the cluster (prune)") if flux.kind == "Kustomization" and stays else Verdict()
    verdict = _unbumped(before, after, old, new) if before else Verdict()
    if mapping(flux.spec, "upgrade").get("preserveValues"):
        return replace(verdict, notes=(*verdict.notes, _PRESERVED))
    return verdict


def _not_brought(before: Instance | None, after: Instance | None, old: Side, new: Side, parent: str) -> Verdict | None:
    """What becomes of an object whose parent is suspended: its own files or chart still move, the object does not."""
    text = f"{parent} is suspended: Flux does not bring this object to the cluster"
    if before is None or after is None:
        return _held(text)
    if before.definition.target == after.definition.target and _stated(before) == _stated(after):
        return None
    moved = [
        [part.checkout.id for part in side.request.parts] if isinstance(side, Resolution) else [] for side in (old, new)
    ]
    return _held(text) if moved[0] == moved[1] else Verdict("", (text,))


def _stated(instance: Instance) -> str:
    return canonical(instance.definition.flux.spec if instance.definition.flux else {})


def _held(reason: str) -> Verdict:
    return Verdict(reason, (reason,))


def _unbumped(before: Instance, after: Instance, old: Side, new: Side) -> Verdict:
    """A chart in Git that changed while its version did not: source-controller goes on serving the old one."""
    if not (isinstance(old, Resolution) and isinstance(new, Resolution)) or not new.version:
        return Verdict()
    left, right = (side.request.parts[0] for side in (old, new))
    same_chart = left.checkout.id == right.checkout.id and left.options.get("files") == right.options.get("files")
    charts = [mapping(item.definition.flux.spec, "chart") for item in (before, after) if item.definition.flux]
    if old.version != new.version or same_chart or charts[0] != charts[-1]:
        return Verdict()
    text = "the chart changed without a version bump: Flux will not release it"
    if before.definition.digest == after.definition.digest:
        return _held(text)
    return Verdict("", (f"{text}, and puts the other changes on the chart as it was",))
