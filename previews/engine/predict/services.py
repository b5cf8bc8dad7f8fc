"""What the users of a Service feel: nobody behind it, another port, another address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from previews.engine.predict.context import Context
from previews.engine.predict.defaults import with_defaults
from previews.engine.predict.endpoints import SERVICE, Epochs, Served, annotations_of
from previews.engine.predict.findings import Confidence, Finding, Severity, Steps
from previews.engine.predict.objects import Object, Pair
from previews.engine.predict.workloads import children, counted, mapped, start, title

_SOURCE = "pkg/controller/endpointslice"
_BALANCERS = ("load-balancer", "loadbalancer", "cloud.google.com/", "networking.gke.io/", "metallb")


def find_endpoints(served: Served, context: Context) -> Iterator[Finding]:
    """OUTAGE-ENDPOINTS: nobody behind a Service, for a while or for good."""
    if not served.ports:
        return
    if served.head is None and all(one.change == "deleted" for one in served.behind):
        return  # OUTAGE-DELETED says it of the pods
    if served.head is None:
        before = max(one.before for one in served.ports.values())
        message = f"{title(served.object.id)} goes, and with it the name and address of {counted(before, 'pod')}"
        yield Finding("OUTAGE-SERVICE", "outage", message, served.object.id, source=_SOURCE, confidence="likely")
        return
    for name, port in served.ports.items():
        opened = served.open_ports[name]
        message = _nobody(served, name, port, context)
        confidence: Confidence = "certain"
        if not message and opened.before and (not opened.mid or not opened.after):
            message, confidence = _closed(served, name, opened, context), "likely"
        if message:
            yield _outage(served, message, confidence)
            return


def _outage(served: Served, message: str, confidence: Confidence) -> Finding:
    is_moved = served.base is not None and served.head is not None and served.base.text != served.head.text
    steps: Steps = ("spec", "selector") if is_moved else ()
    remedy = "change the Service and the pods one after the other: let both labels or ports stand for a while"
    return Finding("OUTAGE-ENDPOINTS", "outage", message, served.object.id, steps, "", _SOURCE, remedy, confidence)


def _nobody(served: Served, name: str, port: Epochs, context: Context) -> str:
    where = f"{title(served.object.id)} (port {name})"
    if not port.after:
        return f"{where} has {counted(port.before, 'pod')} behind it now and none after the sync, for good"
    if not port.mid:
        return (
            f"{where} has {counted(port.before, 'pod')} behind it now, none in the middle of the sync, and {port.after}"
            f" after it: the new Service does not select the old pods, so nobody serves {_while(served, context)}"
        )
    return ""


def _closed(served: Served, name: str, port: Epochs, context: Context) -> str:
    where = f"{title(served.object.id)} (port {name})"
    if not port.after:
        return f"{where} leads to a port that its pods do not have after the sync; {port.before} have it now"
    return (
        f"{where} leads to a port that only the new pods have: requests to the {counted(port.before, 'old pod')}"
        f" fail {_while(served, context)}"
    )


def _while(served: Served, context: Context) -> str:
    """How long the first new pods take: `for at least 20 s, until the first new pod is ready`."""
    times = [start(one.head, context).least for one in served.behind if one.head and one.change in ("now", "created")]
    first = min(times, default=0.0)
    least = f"for at least {first:g} s, " if first else ""
    return f"{least}until the first new pod is ready"


def find_addresses(pair: Pair, context: Context) -> Iterator[Finding]:
    """OUTAGE-ADDRESS, ADDRESS-CHANGE, SERVICE-PORT, TRAFFIC-POLICY: what changes for those who call a Service."""
    for change in pair.changes:
        if (change.id.group, change.id.kind) == SERVICE and change.base and change.head:
            yield from _changes(change.base, change.head, context)


def _changes(base: Object, head: Object, context: Context) -> Iterator[Finding]:
    old, new = (mapped(with_defaults(one, context.kubernetes), "spec") for one in (base, head))
    name = title(head.id)

    def found(code: str, severity: Severity, message: str, field: str, confidence: Confidence) -> Finding:
        return Finding(code, severity, f"{name} {message}", head.id, ("spec", field), confidence=confidence)

    was, will = old.get("type"), new.get("type")
    if was == "LoadBalancer" and will != was:
        message = f"is no longer a load balancer ({was} → {will}): its external address goes"
        yield found("OUTAGE-ADDRESS", "outage", message, "type", "likely")
    elif was == "NodePort" and will == "ClusterIP":
        yield found("OUTAGE-ADDRESS", "outage", "is no longer open on the nodes' ports", "type", "likely")
    elif was == will == "LoadBalancer":
        for field in ("loadBalancerIP", "loadBalancerClass"):
            if old.get(field) != new.get(field) and old.get(field):
                message = (
                    f"gets another external address ({field} {old.get(field)} → {new.get(field)}): DNS has to follow"
                )
                yield found("OUTAGE-ADDRESS", "outage", message, field, "likely")
        keys = [
            key
            for key in _balancing(base) | _balancing(head)
            if annotations_of(base).get(key) != annotations_of(head).get(key)
        ]
        if keys:
            message = (
                f"changes annotations of its load balancer ({', '.join(sorted(keys)[:4])}): its address may change"
            )
            yield Finding(
                "ADDRESS-CHANGE",
                "warning",
                f"{name} {message}",
                head.id,
                ("metadata", "annotations"),
                confidence="possible",
            )
    if old.get("externalTrafficPolicy") == "Cluster" and new.get("externalTrafficPolicy") == "Local":
        message = "sends traffic from outside to pods of the same node alone: nodes without a pod drop it"
        yield found("TRAFFIC-POLICY", "warning", message, "externalTrafficPolicy", "possible")
    yield from _ports(head, old, new)


def _balancing(one: Object) -> set[str]:
    return {str(key) for key in annotations_of(one) if any(part in str(key) for part in _BALANCERS)}


def _ports(head: Object, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Finding]:
    now = {_port(one) for one in children(new, "ports")}
    for name in dict.fromkeys(_port(one) for one in children(old, "ports")):
        if name not in now:
            message = f"{title(head.id)} no longer has the port {name}: its clients fail"
            yield Finding("SERVICE-PORT", "outage", message, head.id, ("spec", "ports"), confidence="likely")


def _port(port: Mapping[str, Any]) -> str:
    return f"{port.get('port')}/{port.get('protocol')}"
