"""What may keep new pods from coming up, or old ones from going quietly, although the numbers are right."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from previews.engine.manifests import ResourceId
from previews.engine.predict.context import Context
from previews.engine.predict.differences import differences
from previews.engine.predict.findings import Confidence, Finding, Severity, Steps
from previews.engine.predict.given import one_form
from previews.engine.predict.objects import Pair
from previews.engine.predict.rollouts import Movement
from previews.engine.predict.workloads import Workload, child, children, counted, mapped, start, title, whole

_POD: Steps = ("spec", "template", "spec")
_QUOTA = ("", "ResourceQuota")
_RESOURCES = ("cpu", "memory")


def _finding(
    one: Workload, code: str, message: str, steps: Steps, confidence: Confidence, severity: Severity = "warning"
) -> Finding:
    return Finding(code, severity, f"{one.title} {message}", one.id, steps, confidence=confidence)


def find_hazards(moved: list[Movement], pair: Pair, context: Context) -> Iterator[Finding]:
    """STUCK-VOLUME, STUCK-NODE, SLOW-START, SCHEDULING, CRASH-RISK, QUOTA."""
    rolled = [one for one in moved if one.change in ("now", "created") and one.head]
    for one in rolled:
        assert one.head
        for hazard in _HAZARDS:
            yield from hazard(one, one.head, pair, context)
    yield from _quota(moved, pair)


def _stuck_volume(one: Movement, head: Workload, pair: Pair, context: Context) -> Iterator[Finding]:
    if head.id.kind != "Deployment" or one.change != "now" or not one.rollout.surge:
        return
    for place, volume in enumerate(children(head.pod, "volumes")):
        name = child(volume, "persistentVolumeClaim", "claimName")
        claim = pair.head.objects.get(ResourceId("", "PersistentVolumeClaim", head.id.namespace, str(name)))
        modes = child(claim.content, "spec", "accessModes") if claim and name else None
        if (
            not isinstance(modes, list)
            or not modes
            or not set(map(str, modes)) <= {"ReadWriteOnce", "ReadWriteOncePod"}
        ):
            continue
        alone = "ReadWriteOncePod" in modes
        where = "cannot have it" if alone else "cannot attach it on another node"
        message = (
            f"starts {counted(one.rollout.surge, 'new pod')} before an old one goes, and both want the volume of"
            f" {name} ({', '.join(map(str, modes))}): the new pod {where}, and the rollout may be stuck"
        )
        steps = (*_POD, "volumes", place)
        yield _finding(head, "STUCK-VOLUME", message, steps, "likely" if alone else "possible")


def _stuck_node(one: Movement, head: Workload, pair: Pair, context: Context) -> Iterator[Finding]:
    surge = one.rollout.surge
    reason = _needs_own_node(head)
    if head.id.kind != "Deployment" or not reason or context.nodes is None:
        return
    needed = one.replicas.after + surge
    if needed <= context.nodes:
        return
    message = (
        f"{reason}, and a rollout needs {one.replicas.after} + {surge} = {needed} nodes;"
        f" the cluster has {context.nodes}"
    )
    stuck = surge > 0 and one.rollout.unavailable == 0
    message += ": the rollout is stuck" if stuck else ""
    yield _finding(
        head, "STUCK-NODE", message, _POD, "likely" if stuck else "possible", "degraded" if stuck else "warning"
    )


def _needs_own_node(head: Workload) -> str:
    if any(whole(port.get("hostPort")) for container in head.containers for port in children(container, "ports")):
        return "takes a port of its node"
    if head.pod.get("hostNetwork") is True and any(children(one, "ports") for one in head.containers):
        return "takes ports of its node"
    for term in children(head.pod, "affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution"):
        own = mapped(term, "labelSelector", "matchLabels")
        if term.get("topologyKey") == "kubernetes.io/hostname" and own and own.items() <= head.labels.items():
            return "wants a node without another of its pods"
    return ""


def _slow_start(one: Movement, head: Workload, pair: Pair, context: Context) -> Iterator[Finding]:
    deadline = whole(child(head.content, "spec", "progressDeadlineSeconds"), 600)
    times = start(head, context)
    if head.id.kind != "Deployment" or max(times.least, times.most) <= deadline:
        return
    sure = times.least > deadline
    seconds = times.least if sure else times.most
    message = (
        f"may take {seconds:g} s until a new pod serves, and after {deadline} s without progress counts as failed"
        " (progressDeadlineSeconds)"
    )
    yield _finding(head, "SLOW-START", message, ("spec",), "likely" if sure else "possible")


def _scheduling(one: Movement, head: Workload, pair: Pair, context: Context) -> Iterator[Finding]:
    if one.base is None:
        return
    for key, what in _PLACES.items():
        if (difference := next(differences(one.base.pod.get(key), head.pod.get(key), (*_POD, key)), None)) is None:
            continue
        hard = key != "topologySpreadConstraints" or "DoNotSchedule" in str(head.pod.get(key))
        if hard and head.pod.get(key) is not None:
            yield _finding(head, "SCHEDULING", what, difference.steps, "possible")


_PLACES = {
    "nodeSelector": "may run on other nodes than before (nodeSelector): new pods wait where none fits",
    "topologySpreadConstraints": "spreads its pods by other rules: new pods wait where none fits (DoNotSchedule)",
    "priorityClassName": "gets another priority: new pods may push others away, or be pushed away",
}


def _crash_risk(one: Movement, head: Workload, pair: Pair, context: Context) -> Iterator[Finding]:
    old = {str(container.get("name")): container for container in one.base.containers} if one.base else {}
    for place, container in enumerate(children(head.pod, "containers")):
        before = old.get(str(container.get("name")))
        if before is None:
            continue
        was, will = (_amount(child(side, "resources", "limits", "memory")) for side in (before, container))
        steps = (*_POD, "containers", place)
        if will is not None and (was is None or will < was):
            had = "no limit" if was is None else amount(was, "memory")
            message = (
                f"container {container.get('name')} may use less memory: {had} → {amount(will, 'memory')};"
                " above that it is killed"
            )
            yield _finding(head, "CRASH-RISK", message, (*steps, "resources", "limits", "memory"), "possible")
        patience = [_patience(mapped(side, "livenessProbe")) for side in (before, container)]
        if patience[1] and (not patience[0] or patience[1] < patience[0]):
            has = f"{patience[0]} s" if patience[0] else "for ever"
            message = (
                f"container {container.get('name')} is restarted sooner when it does not answer:"
                f" its liveness probe waited {has} and now waits {patience[1]} s"
            )
            yield _finding(head, "CRASH-RISK", message, (*steps, "livenessProbe"), "possible")


def _patience(probe: Mapping[str, Any]) -> int:
    """How many seconds a container may be silent from its start on, 0 without a probe."""
    tries = whole(probe.get("failureThreshold")) * whole(probe.get("periodSeconds"))
    return whole(probe.get("initialDelaySeconds")) + tries


_HAZARDS: tuple[Callable[[Movement, Workload, Pair, Context], Iterator[Finding]], ...] = (
    _stuck_volume,
    _stuck_node,
    _slow_start,
    _scheduling,
    _crash_risk,
)


def _amount(value: Any) -> Fraction | None:
    """A quantity in the form that `with_defaults` gives it."""
    if not isinstance(value, str) or len(value) > 100:
        return None
    digits = value.removesuffix("m")
    if not digits.removeprefix("-").isdecimal():
        return None
    return Fraction(int(digits), 1000 if value.endswith("m") else 1)


def requested(one: Workload, resource: str) -> Fraction:
    """What one of a workload's pods asks for of a resource."""
    return sum((_amount(_request(container, resource)) or Fraction(0) for container in one.containers), Fraction(0))


def _request(container: Mapping[str, Any], resource: str) -> Any:
    found = child(container, "resources", "requests", resource)
    return found if found is not None else child(container, "resources", "limits", resource)


def extra(one: Movement, resource: str) -> Fraction:
    """What a rollout asks for at its peak beyond what the workload has now."""
    new = requested(one.head, resource) * one.rollout.peak if one.head else Fraction(0)
    return new - (requested(one.base, resource) * one.replicas.before if one.base else 0)


def _quota(moved: list[Movement], pair: Pair) -> Iterator[Finding]:
    for quota in pair.head.objects.of(_QUOTA):
        here = [one for one in moved if one.one.id.namespace == quota.id.namespace and one.head]
        if not any(one.moves for one in here):
            continue
        for resource in _RESOURCES:
            hard = mapped(quota.content, "spec", "hard")
            limit = _limit(hard.get(f"requests.{resource}", hard.get(resource)))
            needed = sum(
                (requested(one.one, resource) * max(one.rollout.peak, one.replicas.after) for one in here), Fraction(0)
            )
            if limit is not None and needed > limit:
                message = (
                    f"{title(quota.id)} allows {amount(limit, resource)} of {resource}, and the workloads of the"
                    f" namespace ask for {amount(needed, resource)} at the peak: new pods may have to wait"
                )
                yield Finding("QUOTA", "warning", message, quota.id, ("spec", "hard"), confidence="possible")


def _limit(value: Any) -> Fraction | None:
    return _amount(one_form(value))


def amount(size: Fraction, resource: str) -> str:
    """A size in words: `1.5 cores`, `2.0 GiB`."""
    return f"{float(size):g} cores" if resource == "cpu" else f"{float(size / 2**30):.3g} GiB"
