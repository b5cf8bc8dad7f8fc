"""Ingresses: what the API server says of their hosts, paths and backends.

Mirrors pkg/apis/networking/validation/validation.go.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from previews.engine.predict.containers import port_name_problem
from previews.engine.predict.context import Context
from previews.engine.predict.fields import changed, is_unstable, number, sequence, text
from previews.engine.predict.findings import ChangeRule, Finding, StateRule, Steps, told
from previews.engine.predict.names import subdomain_problem, wildcard_problem
from previews.engine.predict.objects import Object, Pair, Side
from previews.engine.predict.pods import mapping

_SOURCE = "pkg/apis/networking/validation/validation.go"
_INGRESS = ("networking.k8s.io", "Ingress")
_CLASS_ANNOTATION = "kubernetes.io/ingress.class"
#: Since then both may name the class, if they name the same one.
_BOTH_CLASSES = (1, 27)
_FORBIDDEN_IN_PATH = ("//", "/./", "/../", "%2f", "%2F")
_FORBIDDEN_AT_END = ("/..", "/.")
_LAST_PORT = 65535


def _found(one: Object, code: str, message: str, steps: Steps, value: object, source: str, remedy: str) -> Finding:
    return Finding(code, "blocked", message, one.id, ("spec", *steps), told(value), f"{_SOURCE} {source}", remedy)


def _ingresses(side: Side) -> Iterator[tuple[Object, Mapping[str, Any]]]:
    for one in changed(side, _INGRESS):
        if one.version == "v1":
            yield one, mapping(one.get("spec"))


def check_hosts(side: Side, context: Context) -> Iterator[Finding]:
    """There are rules or a default backend, and hosts are DNS names, at most with a wildcard at their start."""
    for one, spec in _ingresses(side):
        if spec.get("rules") in (None, []) and spec.get("defaultBackend") is None:
            message = "the Ingress has neither rules nor a defaultBackend"
            yield _found(one, "ING-EMPTY", message, (), "", "ValidateIngressSpec", "add a rule or a default backend")
        for index, rule in enumerate(sequence(spec.get("rules"))):
            yield from _host(one, mapping(rule).get("host"), ("rules", index, "host"), "validateIngressRules")
        for index, tls in enumerate(sequence(spec.get("tls"))):
            hosts = sequence(mapping(tls).get("hosts"))
            for place, host in enumerate(hosts):
                steps = ("tls", index, "hosts", place)
                yield from _host(one, host, steps, "validateIngressTLS", may_be_address=True)


def _host(one: Object, host: Any, steps: Steps, source: str, may_be_address: bool = False) -> Iterator[Finding]:
    # An empty host in a rule means any; in a list it is no name.
    if not isinstance(host, str) or is_unstable(host) or (not host and not may_be_address):
        return
    problem = wildcard_problem(host)
    if not problem and not may_be_address and _is_address(host):
        problem = "is an IP address, and must be a DNS name"
    if problem:
        yield _found(
            one, "ING-HOST", f'the host "{told(host)}" {problem}', steps, host, source, "write the host's DNS name"
        )


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def check_paths(side: Side, context: Context) -> Iterator[Finding]:
    """Each path has a type, starts with a slash, and does not leave its place."""
    for one, spec in _ingresses(side):
        for index, rule in enumerate(sequence(spec.get("rules"))):
            http = mapping(rule).get("http")
            steps: Steps = ("rules", index, "http", "paths")
            if isinstance(http, Mapping) and http.get("paths") in (None, []):
                message = "the rule has no paths, and must have at least one"
                yield _found(one, "ING-PATHS", message, steps, "", "validateHTTPIngressRuleValue", "add a path")
            for place, path in enumerate(sequence(mapping(http).get("paths"))):
                if isinstance(path, Mapping):
                    yield from _path(one, path, (*steps, place))


def _path(one: Object, path: Mapping[str, Any], steps: Steps) -> Iterator[Finding]:
    kind, value = path.get("pathType"), path.get("path")
    source = "validateHTTPIngressPath"
    if kind is None:
        message = "the path has no pathType"
        yield _found(one, "ING-PATH-TYPE", message, (*steps, "pathType"), "", source, "add pathType: Prefix or Exact")
        return
    why = "" if is_unstable(value) else _path_error(text(value), text(kind))
    if why and (value is None or isinstance(value, str)):
        message = f'the path "{told(text(value))}" {why}'
        remedy = "start it with a slash, or use pathType: ImplementationSpecific for what only a controller understands"
        yield _found(one, "ING-PATH", message, (*steps, "path"), text(value), source, remedy)


def _path_error(path: str, kind: str) -> str:
    if kind == "ImplementationSpecific":
        return "does not start with a slash" if path and not path.startswith("/") else ""
    if kind not in ("Exact", "Prefix"):
        return ""
    if not path.startswith("/"):
        return f"of the type {kind} does not start with a slash"
    for part in _FORBIDDEN_IN_PATH:
        if part in path:
            return f"of the type {kind} has {part}"
    ending = next((part for part in _FORBIDDEN_AT_END if path.endswith(part)), "")
    return f"of the type {kind} ends with {ending}" if ending else ""


def check_backends(side: Side, context: Context) -> Iterator[Finding]:
    """A backend is a Service with one port, named or numbered, or another resource."""
    for one, spec in _ingresses(side):
        if isinstance(spec.get("defaultBackend"), Mapping):
            yield from _backend(one, spec["defaultBackend"], ("defaultBackend",))
        for index, rule in enumerate(sequence(spec.get("rules"))):
            for place, path in enumerate(sequence(mapping(mapping(rule).get("http")).get("paths"))):
                # Without a pathType the API server looks no further.
                if isinstance(path, Mapping) and path.get("pathType") is not None:
                    steps = ("rules", index, "http", "paths", place, "backend")
                    if path.get("backend") is None or isinstance(path["backend"], Mapping):
                        yield from _backend(one, mapping(path.get("backend")), steps)


def _backend(one: Object, backend: Mapping[str, Any], steps: Steps) -> Iterator[Finding]:
    service, resource = backend.get("service"), backend.get("resource")
    message = ""
    if service is None and resource is None:
        message = "the backend is neither a service nor a resource"
    elif service is not None and resource is not None:
        message = "the backend is a service and a resource, and may be one of both"
    elif isinstance(service, Mapping):
        message = _service_error(service)
    if message:
        remedy = "name a service and one port, by number or name"
        yield _found(one, "ING-BACKEND", message, steps, message, "validateIngressBackend", remedy)


def _service_error(service: Mapping[str, Any]) -> str:
    name, port = service.get("name"), mapping(service.get("port"))
    if name in (None, ""):
        return "the backend's service has no name"
    port_name, port_number = port.get("name"), port.get("number")
    has_name, has_number = port_name not in (None, ""), port_number not in (None, 0)
    if has_name and has_number:
        return f"the backend's port has the name {told(port_name)} and the number {told(port_number)}; one may be set"
    if not has_name and not has_number:
        return "the backend's port has neither a name nor a number"
    value = number(port_number)
    if value is not None and has_number and not 1 <= value <= _LAST_PORT:
        return f"the backend's port is {value}, and must be from 1 to {_LAST_PORT}"
    if isinstance(port_name, str) and has_name and (problem := port_name_problem(port_name)):
        return "" if is_unstable(port_name) else f'the backend\'s port "{told(port_name)}" {problem}'
    return ""


def check_ingress_classes(side: Side, context: Context) -> Iterator[Finding]:
    """The name of a class is a DNS name."""
    for one, spec in _ingresses(side):
        name = spec.get("ingressClassName")
        if isinstance(name, str) and not is_unstable(name) and (problem := subdomain_problem(name)):
            message = f'the class "{told(name)}" {problem}'
            steps = ("ingressClassName",)
            yield _found(one, "ING-CLASS", message, steps, name, "ValidateIngressSpec", "name an IngressClass")


def check_new_classes(pair: Pair, context: Context) -> Iterator[Finding]:
    """A new Ingress does not name one class in its spec and another in the annotation; an old one may."""
    for change in pair.changes:
        if (change.id.group, change.id.kind) != _INGRESS or change.base is not None or change.head is None:
            continue
        name = change.head.get("spec", "ingressClassName")
        annotation = mapping(change.head.get("metadata", "annotations")).get(_CLASS_ANNOTATION)
        if not isinstance(name, str) or not isinstance(annotation, str) or is_unstable(name, annotation):
            continue
        if name != annotation or context.kubernetes < _BOTH_CLASSES:
            yield Finding(
                "ING-CLASS-TWICE",
                "blocked",
                f'the class is "{told(name)}" in ingressClassName and "{told(annotation)}" in the annotation; '
                + ("they must be the same" if context.kubernetes >= _BOTH_CLASSES else "only one may be set"),
                change.id,
                ("metadata", "annotations", _CLASS_ANNOTATION),
                told(annotation),
                f"{_SOURCE} ValidateIngressCreate",
                "remove the annotation",
            )


RULES: tuple[StateRule, ...] = (check_hosts, check_paths, check_backends, check_ingress_classes)
CHANGE_RULES: tuple[ChangeRule, ...] = (check_new_classes,)
