"""How many replicas a workload has, and who says so: its text or an autoscaler.

A client-side apply that no longer sets a field clears it, and the API server makes one replica of none
(kubectl three-way merge; pkg/apis/apps/v1/defaults.go).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from previews.engine.manifests import ResourceId
from previews.engine.predict.context import Context
from previews.engine.predict.findings import ChangeRule, Finding, StateRule
from previews.engine.predict.objects import Object, Objects, Pair, Side
from previews.engine.predict.workloads import (
    ROLLED,
    Workload,
    child,
    counted,
    mapped,
    title,
    whole,
    workload,
    workloads,
)

HPA, SCALED_OBJECT = ("autoscaling", "HorizontalPodAutoscaler"), ("keda.sh", "ScaledObject")
_DOCS = (
    "https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#migrating-deployments-and-statefulsets"
)


@dataclass(frozen=True, slots=True)
class Autoscaler:
    """What sets a workload's replicas while it runs: from `low` to `high`."""

    object: Object
    low: int
    high: int | None

    @property
    def range(self) -> str:
        """`4 to 10`."""
        return f"{self.low} to {self.high}" if self.high is not None else f"at least {self.low}"


def autoscalers(objects: Objects) -> dict[tuple[str, str, str], Autoscaler]:
    """The autoscalers of a side, by the namespace, kind and name of what they scale."""
    found = {}
    for one in objects.of(HPA, SCALED_OBJECT):
        target, is_hpa = mapped(one.content, "spec", "scaleTargetRef"), one.id.group == "autoscaling"
        low, high = ("minReplicas", "maxReplicas") if is_hpa else ("minReplicaCount", "maxReplicaCount")
        most = child(one.content, "spec", high)
        kind = str(target.get("kind") or "Deployment")
        found[one.id.namespace, kind, str(target.get("name"))] = Autoscaler(
            one,
            max(1, whole(child(one.content, "spec", low), 1)),
            whole(most) if whole(most) else None if is_hpa else 100,
        )
    return found


Scalers = Mapping[tuple[str, str, str], Autoscaler]


def scaler_of(scalers: Scalers, identity: ResourceId) -> Autoscaler | None:
    """The autoscaler of a workload."""
    return scalers.get((identity.namespace, identity.kind, identity.name))


@dataclass(frozen=True, slots=True)
class Replicas:
    """The replicas of a workload before and after, and what it should have.

    That is more than `after` while an autoscaler has not acted yet. `is_handed_over`: head leaves them to an
    autoscaler, and they fall to one on the way.
    """

    before: int
    after: int
    wanted: int
    is_handed_over: bool = False


def replicas(before: Workload | None, after: Workload, base: Scalers, head: Scalers, context: Context) -> Replicas:
    """The replicas of a workload on both sides. A DaemonSet has one for each node; unknown nodes count as none."""
    if after.id.kind == "DaemonSet":
        nodes = context.nodes or 0
        return Replicas(nodes if before else 0, nodes, nodes)
    old, new = scaler_of(base, after.id), scaler_of(head, after.id)
    was = _count(before, old) if before else 0
    if after.says_replicas or before is None:
        wanted = _count(after, new)
        return Replicas(was, wanted, max(wanted, new.low) if new else wanted)
    if not before.says_replicas:
        # Nobody sets them: the number stays, or an autoscaler moves it.
        will = max(was, new.low) if new else was
        return Replicas(was, will, will)
    if is_server_side(context):
        # Who changed the number last owns it: an autoscaler that acted keeps it.
        will = max(was, new.low) if new else 1
        return Replicas(was, will, will)
    return Replicas(was, 1, max(1, new.low) if new else 1, is_handed_over=new is not None and was > 1)


def is_server_side(context: Context) -> bool:
    """Whether objects are applied server-side, as Flux's kustomize-controller does."""
    return context.sync.has("ServerSideApply=true")


def _count(one: Workload, scaler: Autoscaler | None) -> int:
    return scaler.low if scaler and not one.says_replicas else one.replicas


def find_handovers(pair: Pair, context: Context) -> Iterator[Finding]:
    """REPLICAS-HANDOVER: replicas that are left to an autoscaler fall to one first. HPA-CAPACITY: it may do less."""
    base, head = autoscalers(pair.base.objects), autoscalers(pair.head.objects)
    for change in pair.changes:
        before, after = workload(change.base, context.kubernetes), workload(change.head, context.kubernetes)
        if before and after and before.says_replicas and not after.says_replicas:
            yield from _handover(before, after, head, context)
    for key, new in head.items():
        old = base.get(key)
        if old and (old.low, old.high) != (new.low, new.high):
            yield from _capacity(old, new)


def _handover(before: Workload, after: Workload, head: Scalers, context: Context) -> Iterator[Finding]:
    scaler = scaler_of(head, after.id)
    if scaler is None or before.replicas <= 1 or after.id.kind == "DaemonSet":
        return
    message = (
        f"{after.title} no longer sets its {before.replicas} replicas: an apply clears the field, which makes it 1,"
        f" until {title(scaler.object.id)} raises it to {scaler.range}"
    )
    yield Finding(
        "REPLICAS-HANDOVER",
        "warning" if is_server_side(context) else "degraded",
        message,
        after.id,
        ("spec",),
        str(before.replicas),
        _DOCS,
        "first remove the field from the annotation of the last apply, or let the sync ignore /spec/replicas",
        "possible" if is_server_side(context) else "certain",
    )


def _capacity(old: Autoscaler, new: Autoscaler) -> Iterator[Finding]:
    lower = [
        f"its {name} replicas go from {was} to {will}"
        for name, was, will in (("least", old.low, new.low), ("most", old.high, new.high))
        if was is not None and will is not None and will < was
    ]
    if lower:
        message = f"{title(new.object.id)} may run fewer pods: {' and '.join(lower)}"
        yield Finding("HPA-CAPACITY", "warning", message, new.object.id, ("spec",), confidence="possible")


def find_fights(side: Side, context: Context) -> Iterator[Finding]:
    """HPA-REPLICAS: a number of replicas in the text that each sync sets back, against an autoscaler."""
    if context.sync.has("RespectIgnoreDifferences=true"):
        return
    scalers = autoscalers(side.objects)
    if not scalers:
        return
    for one in workloads(side.objects, context.kubernetes):
        scaler = scaler_of(scalers, one.id)
        if scaler is None or not one.says_replicas or (one.id.group, one.id.kind) not in ROLLED:
            continue
        message = (
            f"each sync sets {one.title} to {counted(one.replicas, 'replica')},"
            f" while {title(scaler.object.id)} runs {scaler.range}"
        )
        yield Finding(
            "HPA-REPLICAS",
            "warning",
            message,
            one.id,
            ("spec", "replicas"),
            str(one.replicas),
            _DOCS,
            "leave spec.replicas out where an autoscaler sets them",
            "likely",
        )


RULES: tuple[StateRule, ...] = (find_fights,)
CHANGE_RULES: tuple[ChangeRule, ...] = (find_handovers,)
