"""What a sync does, step by step: in which phase and wave each object is applied, run or deleted.

Mirrors gitops-engine pkg/sync: sync_tasks.go (order), sync_context.go getSyncTasks and runTasks (prunes in reverse,
hooks), syncwaves/waves.go.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

from previews.engine.hooks import hook_types, is_perhaps_hook, sync_options_of, wave_of
from previews.engine.manifests import ResourceId
from previews.engine.predict.context import Context
from previews.engine.predict.objects import Object, Pair

Phase = Literal["PreSync", "Sync", "PostSync"]
PHASES: tuple[Phase, ...] = ("PreSync", "Sync", "PostSync")
Action = Literal["create", "change", "run", "delete"]
#: Whether the sync comes to its end: `partial` where something is applied before what the API server rejects.
Apply = Literal["ok", "blocked", "partial"]

_KINDS = """Namespace NetworkPolicy ResourceQuota LimitRange PodSecurityPolicy PodDisruptionBudget ServiceAccount Secret
    SecretList ConfigMap StorageClass PersistentVolume PersistentVolumeClaim CustomResourceDefinition ClusterRole
    ClusterRoleList ClusterRoleBinding ClusterRoleBindingList Role RoleList RoleBinding RoleBindingList Service
    DaemonSet Pod ReplicationController ReplicaSet Deployment HorizontalPodAutoscaler StatefulSet Job CronJob
    IngressClass Ingress APIService""".split()
_RANK = {kind: rank for rank, kind in enumerate(_KINDS)}


@dataclass(frozen=True, slots=True)
class Step:
    """One object's turn. Steps of one phase and wave are done together, and the next wave waits until all are healthy.

    `run` is a hook, which runs in each sync, whether it changes or not.
    """

    phase: Phase
    wave: int
    action: Action
    object: ResourceId

    @property
    def place(self) -> tuple[int, int]:
        """Phase and wave, for ordering."""
        return PHASES.index(self.phase), self.wave


def sync_plan(pair: Pair, context: Context) -> tuple[Step, ...]:
    """What syncing the head does, in its order; nothing where Flux applies it, which knows no waves."""
    if not context.by_argo_cd:
        return ()
    steps = [*_applied(pair), *_pruned(pair, context)]
    steps.sort(key=lambda step: (*step.place, _RANK.get(step.object.kind, len(_RANK)), step.object.name))
    return tuple(_dependencies_first(steps))


def _applied(pair: Pair) -> Iterator[Step]:
    changing = {one.id: one.base is None for one in pair.changes if one.head}
    for one in pair.head.objects:
        types = hook_types(one.content) if is_perhaps_hook(one.text) else None
        if types is not None:
            yield from (Step(phase, wave_of(one.content), "run", one.id) for phase in PHASES if phase in types)
        elif one.id in changing:
            wave = wave_of(one.content) if "sync-wave" in one.text else 0
            yield Step("Sync", wave, "create" if changing[one.id] else "change", one.id)


def _pruned(pair: Pair, context: Context) -> Iterator[Step]:
    """Deletions, of which the last wave goes first; with PruneLast all of them behind everything else."""
    gone = [one.base for one in pair.changes if one.base and one.head is None]
    if not context.sync.prunes and not context.deletes_application:
        return
    removed = [one for one in gone if not _stays(one)]
    waves = {one.id: wave_of(one.content) for one in removed}
    ordered = sorted(set(waves.values()))
    turned = dict(zip(ordered, reversed(ordered), strict=True))
    last = max((wave_of(one.content) for one in pair.head.objects if "sync-wave" in one.text), default=0)
    for one in removed:
        is_last = context.sync.has("PruneLast=true") or "PruneLast=true" in sync_options_of(one.content)
        yield Step("Sync", max(last, *ordered, 0) + 1 if is_last else turned[waves[one.id]], "delete", one.id)


def _stays(one: Object) -> bool:
    if is_perhaps_hook(one.text) and hook_types(one.content) is not None:
        return True
    return bool(sync_options_of(one.content) & {"Prune=false", "Prune=confirm"})


def _dependencies_first(steps: Iterable[Step]) -> list[Step]:
    """A Namespace that is applied comes with the first object in it, whatever its own wave is."""
    ordered = list(steps)
    namespaces = {step.object.name: step for step in ordered if _is_namespace(step) and step.action != "delete"}
    for name, step in namespaces.items():
        at = ordered.index(step)
        first = next((n for n, one in enumerate(ordered[:at]) if one.object.namespace == name), None)
        if first is not None:
            ordered.pop(at)
            ordered.insert(first, replace(step, phase=ordered[first].phase, wave=ordered[first].wave))
    return ordered


def _is_namespace(step: Step) -> bool:
    return (step.object.group, step.object.kind) == ("", "Namespace")


def outcome(plan: Iterable[Step], rejected: Collection[ResourceId]) -> Apply:
    """How far the sync comes when the API server rejects some objects.

    Argo CD finds them only when their turn comes: the dry run before it asks no server for validation.
    """
    for at, (_, steps) in enumerate(groupby(plan, key=lambda step: step.place)):
        if any(step.object in rejected and step.action != "delete" for step in steps):
            return "partial" if at else "blocked"
    return "blocked" if rejected else "ok"
