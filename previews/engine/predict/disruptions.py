"""PodDisruptionBudgets: what the API server says of them, which keep nodes from being drained, and which do nothing.

Mirrors pkg/apis/policy/validation/validation.go, and getExpectedPodCount of pkg/controller/disruption/disruption.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from previews.engine.predict.amounts import amount, objection
from previews.engine.predict.context import Context
from previews.engine.predict.fields import changed, is_unstable, number, text
from previews.engine.predict.findings import Finding, StateRule, told
from previews.engine.predict.objects import Object, Objects, Side
from previews.engine.predict.pods import mapping
from previews.engine.predict.selectors import selects

_SOURCE = "pkg/apis/policy/validation/validation.go ValidatePodDisruptionBudgetSpec"
_BUDGET = ("policy", "PodDisruptionBudget")
_AUTOSCALER = ("autoscaling", "HorizontalPodAutoscaler")
#: Where the labels of the pods stand that each kind makes.
_LABELS = {
    ("", "Pod"): ("metadata", "labels"),
    ("", "ReplicationController"): ("spec", "template", "metadata", "labels"),
    ("apps", "Deployment"): ("spec", "template", "metadata", "labels"),
    ("apps", "StatefulSet"): ("spec", "template", "metadata", "labels"),
    ("apps", "ReplicaSet"): ("spec", "template", "metadata", "labels"),
    ("apps", "DaemonSet"): ("spec", "template", "metadata", "labels"),
    ("batch", "Job"): ("spec", "template", "metadata", "labels"),
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template", "metadata", "labels"),
}
_SCALED = (("apps", "Deployment"), ("apps", "StatefulSet"), ("apps", "ReplicaSet"), ("", "ReplicationController"))


def check_budgets(side: Side, context: Context) -> Iterator[Finding]:
    """A budget has minAvailable or maxUnavailable, not both, and neither is more than all."""
    for one in changed(side, _BUDGET):
        spec = mapping(one.get("spec"))
        least, most = spec.get("minAvailable"), spec.get("maxUnavailable")
        if least is not None and most is not None:
            yield Finding(
                "PDB-BOTH",
                "blocked",
                f"minAvailable and maxUnavailable are both set ({told(least)}, {told(most)}), and only one may be",
                one.id,
                ("spec", "maxUnavailable"),
                told(f"{least}/{most}"),
                _SOURCE,
                "remove one of both",
            )
        for field in ("minAvailable", "maxUnavailable"):
            why = objection(spec.get(field))
            if why:
                yield Finding(
                    "PDB-AMOUNT",
                    "blocked",
                    f"{field} {why}",
                    one.id,
                    ("spec", field),
                    told(spec.get(field)),
                    _SOURCE,
                    "write a whole number, or a percentage up to 100%",
                )


@dataclass(frozen=True, slots=True)
class _Pods:
    """The pods that an object makes: their labels, and how many there are at least; None where that is unknown."""

    object: Object
    labels: Mapping[str, Any]
    count: int | None
    is_autoscaled: bool


def check_drains(side: Side, context: Context) -> Iterator[Finding]:
    """A budget selects pods, and lets at least one of them go."""
    budgets = list(side.objects.of(_BUDGET))
    if not budgets:
        return
    pods = list(_all_pods(side.objects))
    for one in budgets:
        selector = one.get("spec", "selector")
        if _holds_mark(selector):
            continue
        found = [
            some for some in pods if some.object.id.namespace == one.id.namespace and selects(selector, some.labels)
        ]
        if found:
            yield from _blocked_drain(one, found)
        else:
            yield _nothing(one, side.objects, pods, context)


def _blocked_drain(one: Object, found: list[_Pods]) -> Iterator[Finding]:
    # Pods of DaemonSets and Jobs have no scale, and a drain does not evict the former.
    scaled = [some for some in found if some.count is not None]
    total = sum(some.count or 0 for some in scaled)
    desired, field = _desired(one, total)
    if not scaled or total <= 0 or desired is None or desired < total:
        return
    least = " at the autoscaler's minimum," if any(some.is_autoscaled for some in scaled) else ""
    names = ", ".join(f"{some.object.id.kind} {told(some.object.id.name)}" for some in scaled[:3])
    yield Finding(
        "PDB-BLOCKS-DRAIN",
        "warning",
        f"{field} {told(one.get('spec', field))} keeps {desired} of the {total} pods of {names},{least} so none may "
        "be evicted and no node that runs one can be drained",
        one.id,
        ("spec", field),
        f"{told(one.get('spec', field))} of {total}",
        "pkg/controller/disruption/disruption.go getExpectedPodCount",
        "let at least one pod go (maxUnavailable: 1), or run one more replica",
        "likely",
    )


def _desired(one: Object, total: int) -> tuple[int | None, str]:
    """How many pods are kept, None where that cannot be said, and the field that says so."""
    most, least = (one.get("spec", field) for field in ("maxUnavailable", "minAvailable"))
    if most is not None:
        unavailable = amount(most)
        return (None if unavailable is None else total - unavailable.of(total)), "maxUnavailable"
    available = amount(least)
    return (None if available is None else available.of(total)), "minAvailable"


def _nothing(one: Object, objects: Objects, pods: list[_Pods], context: Context) -> Finding:
    here = sum(1 for some in pods if some.object.id.namespace == one.id.namespace)
    return Finding(
        "PDB-MATCHES-NOTHING",
        "warning",
        f"its selector matches the pods of none of the {here} workloads of the application in its namespace, so that "
        "it protects nothing",
        one.id,
        ("spec", "selector"),
        told(one.get("spec", "selector")),
        "pkg/controller/disruption/disruption.go getPodsForPdb",
        "use the labels of a pod template",
        "possible" if _others_make_pods(one, objects, context) else "likely",
    )


def _others_make_pods(one: Object, objects: Objects, context: Context) -> bool:
    """Whether a custom resource may make pods, or another application has workloads in the namespace."""
    if any("." in some.id.group and not some.id.group.endswith(".k8s.io") for some in objects):
        return True
    return any((some.group, some.kind) in _LABELS and some.namespace == one.id.namespace for some in context.elsewhere)


def _all_pods(objects: Objects) -> Iterator[_Pods]:
    least = _least_replicas(objects)
    for one in objects.of(*_LABELS):
        kind = (one.id.group, one.id.kind)
        given = one.get("spec", "replicas")
        count = (1 if given is None else number(given)) if kind in _SCALED else None
        autoscaled = least.get((*kind, one.id.namespace, one.id.name))
        count = count if autoscaled is None else autoscaled
        yield _Pods(one, mapping(one.get(*_LABELS[kind])), count, autoscaled is not None)


def _least_replicas(objects: Objects) -> dict[tuple[str, str, str, str], int]:
    """What autoscalers keep at least, by group, kind, namespace and name."""
    found = {}
    for one in objects.of(_AUTOSCALER):
        target = mapping(one.get("spec", "scaleTargetRef"))
        given = one.get("spec", "minReplicas")
        least = 1 if given is None else number(given)
        if least is not None:
            group = text(target.get("apiVersion")).rpartition("/")[0]
            found[group, text(target.get("kind")), one.id.namespace, text(target.get("name"))] = least
    return found


def _holds_mark(selector: Any) -> bool:
    return is_unstable(str(selector))


RULES: tuple[StateRule, ...] = (check_budgets, check_drains)
