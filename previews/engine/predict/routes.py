"""URLs that lead nowhere: hosts and paths that go, backends that are not there, other controllers and certificates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from previews.engine.manifests import ResourceId
from previews.engine.predict.context import Context
from previews.engine.predict.deletions import staying
from previews.engine.predict.endpoints import SERVICE, annotations_of
from previews.engine.predict.findings import ChangeRule, Finding, StateRule, Steps
from previews.engine.predict.objects import Object, Pair, Side
from previews.engine.predict.selectors import selects
from previews.engine.predict.workloads import Workload, child, children, mapped, title, workloads

INGRESS, HTTP_ROUTE = ("networking.k8s.io", "Ingress"), ("gateway.networking.k8s.io", "HTTPRoute")
_POLICY = ("networking.k8s.io", "NetworkPolicy")
_CLASS = "kubernetes.io/ingress.class"
#: Most URLs of one object that are told.
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Backend:
    """Where a route leads: a Service and its port, by number or name (None where it does not say)."""

    service: ResourceId
    port: int | str | None
    steps: Steps


def urls(one: Object) -> Iterator[str]:
    """The hosts with paths that an Ingress or an HTTPRoute answers for."""
    if one.id.kind == "Ingress":
        for rule in children(one.content, "spec", "rules"):
            for path in children(rule, "http", "paths"):
                yield f"{rule.get('host') or '*'}{path.get('path') or '/'}"
        return
    hosts = child(one.content, "spec", "hostnames")
    for rule in children(one.content, "spec", "rules"):
        paths = [child(match, "path", "value") or "/" for match in children(rule, "matches")] or ["/"]
        for host in hosts if isinstance(hosts, list) else ["*"]:
            yield from (f"{host}{path}" for path in paths)


def backends(one: Object) -> Iterator[Backend]:
    """Where an Ingress or an HTTPRoute leads, Services alone."""
    if one.id.kind == "Ingress":
        if default := mapped(one.content, "spec", "defaultBackend"):
            yield from _ingress_backend(one, default, ("spec", "defaultBackend"))
        for place, rule in enumerate(children(one.content, "spec", "rules")):
            for number, path in enumerate(children(rule, "http", "paths")):
                steps = ("spec", "rules", place, "http", "paths", number, "backend")
                yield from _ingress_backend(one, mapped(path, "backend"), steps)
        return
    for place, rule in enumerate(children(one.content, "spec", "rules")):
        for number, found in enumerate(children(rule, "backendRefs")):
            if found.get("kind", "Service") == "Service" and not found.get("group"):
                space = str(found.get("namespace") or one.id.namespace)
                identity = ResourceId("", "Service", space, str(found.get("name")))
                yield Backend(identity, found.get("port"), ("spec", "rules", place, "backendRefs", number))


def _ingress_backend(one: Object, found: Mapping[str, Any], steps: Steps) -> Iterator[Backend]:
    service = mapped(found, "service")
    if service:
        port = mapped(service, "port")
        identity = ResourceId("", "Service", one.id.namespace, str(service.get("name")))
        yield Backend(identity, port.get("number", port.get("name")), (*steps, "service"))


def find_lost_urls(pair: Pair, context: Context) -> Iterator[Finding]:
    """OUTAGE-ROUTE: a host or path that nothing answers for any more."""
    stays = [one for one in staying(pair, context) if (one.id.group, one.id.kind) in (INGRESS, HTTP_ROUTE)]
    left = {url for one in (*pair.head.objects.of(INGRESS, HTTP_ROUTE), *stays) for url in urls(one)}
    known = {one.id for one in stays}
    for change in pair.changes:
        if change.base is None or (change.id.group, change.id.kind) not in (INGRESS, HTTP_ROUTE) or change.id in known:
            continue
        lost = [url for url in dict.fromkeys(urls(change.base)) if url not in left]
        if lost:
            more = f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
            message = f"{title(change.id)} no longer answers for {', '.join(lost[:_SHOWN])}{more}"
            steps: Steps = ("spec", "rules") if change.head else ()
            yield Finding("OUTAGE-ROUTE", "outage", message, change.id, steps, confidence="likely")


def find_ingress_changes(pair: Pair, context: Context) -> Iterator[Finding]:
    """INGRESS-CLASS: another controller, and so another address. CERTIFICATE: a host loses its own."""
    for change in pair.changes:
        if (change.id.group, change.id.kind) != INGRESS or change.base is None or change.head is None:
            continue
        was, will = _class(change.base), _class(change.head)
        if was and will and was != will:
            message = f"{title(change.id)} goes from the class {was} to {will}: another controller and address serve it"
            steps: Steps = ("spec", "ingressClassName")
            yield Finding("INGRESS-CLASS", "degraded", message, change.id, steps, str(will), confidence="likely")
        now = _certified(change.head)
        hosts = {str(url).partition("/")[0] for url in urls(change.head)}
        for host in sorted(host for host in _certified(change.base) if host in hosts and host not in now):
            message = f"{title(change.id)} no longer has a certificate for {host}: clients get a wrong one"
            yield Finding("CERTIFICATE", "degraded", message, change.id, ("spec", "tls"), host, confidence="likely")


def _class(one: Object) -> Any:
    return child(one.content, "spec", "ingressClassName") or annotations_of(one).get(_CLASS)


def _certified(one: Object) -> set[str]:
    lists = [child(item, "hosts") for item in children(one.content, "spec", "tls")]
    return {str(host) for hosts in lists if isinstance(hosts, list) for host in hosts}


def find_backends(side: Side, context: Context) -> Iterator[Finding]:
    """OUTAGE-BACKEND: a route to a Service or port that is not there, which answers 503."""
    services = {one.id: one for one in side.objects.of(SERVICE)}
    made_by_others = {one.id.namespace for one in side.objects if one.id.group not in _BUILT_IN and "." in one.id.group}
    for one in side.objects.of(INGRESS, HTTP_ROUTE):
        for backend in backends(one):
            service = services.get(backend.service)
            name = title(backend.service)
            if service is not None and not _has_port(service, backend.port):
                message = f"{title(one.id)} leads to the port {backend.port} of {name}, which has none such"
                yield _backend(one, backend, message, is_sure=True)
            elif service is None and backend.service not in context.elsewhere:
                message = f"{title(one.id)} leads to {name}, which no known application has: it answers 503"
                yield _backend(one, backend, message, is_sure=one.id.namespace not in made_by_others)


_BUILT_IN = frozenset(
    "apps batch autoscaling policy networking.k8s.io rbac.authorization.k8s.io apiextensions.k8s.io storage.k8s.io"
    " scheduling.k8s.io coordination.k8s.io admissionregistration.k8s.io gateway.networking.k8s.io".split()
)


def _backend(one: Object, backend: Backend, message: str, is_sure: bool) -> Finding:
    """A missing backend. Unsure: an operator may make the Service, from an object of a kind of its own."""
    return Finding(
        "OUTAGE-BACKEND",
        "outage" if is_sure else "warning",
        message,
        one.id,
        backend.steps,
        f"{backend.service.name}:{backend.port}",
        "https://kubernetes.io/docs/concepts/services-networking/ingress/",
        confidence="likely" if is_sure else "possible",
    )


def _has_port(service: Object, port: int | str | None) -> bool:
    if port is None or child(service.content, "spec", "type") == "ExternalName":
        return True
    return any(port in (one.get("port"), one.get("name")) for one in children(service.content, "spec", "ports"))


def find_policies(pair: Pair, context: Context) -> Iterator[Finding]:
    """NETWORK-POLICY: a new or narrower rule for traffic to pods of the application."""
    changed = [one for one in pair.changes if (one.id.group, one.id.kind) == _POLICY and one.head]
    if not changed:
        return
    pods = [one for one in workloads(pair.head.objects, context.kubernetes) if one.id in pair.base.objects]
    for change in changed:
        head = change.head
        if head is None or _narrowness(head) <= (_narrowness(change.base) if change.base else 0):
            continue
        behind = [one for one in pods if one.id.namespace == head.id.namespace and _covers(head, one)]
        if behind:
            names = ", ".join(one.title for one in behind[:4])
            how = "lets fewer reach" if change.base else "now says who may reach"
            message = (
                f"{title(head.id)} {how} {names}: all other traffic is cut off, where the cluster enforces policies"
            )
            yield Finding("NETWORK-POLICY", "warning", message, head.id, ("spec",), confidence="possible")


def _covers(policy: Object, one: Workload) -> bool:
    return selects(child(policy.content, "spec", "podSelector") or {}, one.labels)


def _narrowness(policy: Object) -> int:
    """How little a policy lets in: 0 where it is not about ingress, or lets all in."""
    types, rules = child(policy.content, "spec", "policyTypes"), child(policy.content, "spec", "ingress")
    if isinstance(types, list) and "Ingress" not in types:
        return 0
    rules = rules if isinstance(rules, list) else []
    if any(isinstance(rule, dict) and not rule.get("from") and not rule.get("ports") for rule in rules):
        return 0
    sources = sum(len(child(rule, "from") or [0]) for rule in rules if isinstance(child(rule, "from") or [], list))
    return max(1, 1_000_000 - sources)


RULES: tuple[StateRule, ...] = (find_backends,)
CHANGE_RULES: tuple[ChangeRule, ...] = (find_lost_urls, find_ingress_changes, find_policies)
