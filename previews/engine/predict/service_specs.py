"""Services: what the API server says of their ports, types and addresses.

Mirrors ValidateService of pkg/apis/core/validation/validation.go, and dropTypeDependentFields of
pkg/registry/core/service/strategy.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from previews.engine.predict.containers import port_name_problem
from previews.engine.predict.context import Context
from previews.engine.predict.fields import changed, is_unstable, number, sequence, text
from previews.engine.predict.findings import ChangeRule, Finding, StateRule, Steps, told
from previews.engine.predict.names import label_problem, subdomain_problem
from previews.engine.predict.objects import Object, Pair, Side
from previews.engine.predict.pods import mapping

_SOURCE = "pkg/apis/core/validation/validation.go ValidateService"
_SERVICE = ("", "Service")
_KUBELET = 10250
_LAST_PORT = 65535
_LONGEST_AFFINITY = 86400
_WITH_NODE_PORTS = ("NodePort", "LoadBalancer")


def _found(one: Object, code: str, message: str, steps: Steps, value: object, remedy: str) -> Finding:
    return Finding(code, "blocked", message, one.id, ("spec", *steps), told(value), _SOURCE, remedy)


def _type(spec: Mapping[str, Any]) -> str:
    return told(text(spec.get("type")) or "ClusterIP")


def _is_headless(spec: Mapping[str, Any]) -> bool:
    return spec.get("clusterIP") == "None" or sequence(spec.get("clusterIPs")) == ["None"]


def _ports(spec: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [mapping(port) for port in sequence(spec.get("ports"))]


def check_types(side: Side, context: Context) -> Iterator[Finding]:
    """What a Service of each type must and must not have."""
    for one in changed(side, _SERVICE):
        spec = mapping(one.get("spec"))
        kind, is_headless = _type(spec), _is_headless(spec)
        if spec.get("ports") in (None, []) and not is_headless and kind != "ExternalName":
            message = (
                "the Service has no ports, and only one without an address (clusterIP: None) or an ExternalName may"
            )
            yield _found(one, "SVC-NO-PORTS", message, ("ports",), "", "add a port, or set clusterIP: None")
        if is_headless and kind in _WITH_NODE_PORTS:
            message = f"the clusterIP is None, which a Service of the type {kind} cannot have"
            yield _found(one, "SVC-HEADLESS", message, ("clusterIP",), kind, "leave clusterIP out")
        if kind == "ExternalName":
            yield from _external_name(one, spec)
        if sequence(spec.get("loadBalancerSourceRanges")) and kind != "LoadBalancer":
            message = f"loadBalancerSourceRanges are for the type LoadBalancer, and this is a {kind}"
            steps = ("loadBalancerSourceRanges",)
            yield _found(one, "SVC-SOURCE-RANGES", message, steps, kind, "leave loadBalancerSourceRanges out")
        yield from _affinity(one, spec)


def _external_name(one: Object, spec: Mapping[str, Any]) -> Iterator[Finding]:
    name = spec.get("externalName")
    if name is not None and not isinstance(name, str):
        return
    bare = text(name).removesuffix(".")
    problem = subdomain_problem(bare) if bare else "is empty"
    if problem and not is_unstable(name):
        yield _found(
            one,
            "SVC-EXTERNAL-NAME",
            f'the externalName "{told(bare)}" {problem}',
            ("externalName",),
            bare,
            "write the name in lower case DNS",
        )


def _affinity(one: Object, spec: Mapping[str, Any]) -> Iterator[Finding]:
    config = spec.get("sessionAffinityConfig")
    steps: Steps = ("sessionAffinityConfig",)
    if config is not None and (text(spec.get("sessionAffinity")) or "None") == "None":
        message = "sessionAffinityConfig is set, and sessionAffinity is None"
        yield _found(one, "SVC-AFFINITY", message, steps, "None", "leave it out, or set sessionAffinity: ClientIP")
    seconds = number(mapping(mapping(config).get("clientIP")).get("timeoutSeconds"))
    if seconds is not None and not 0 < seconds <= _LONGEST_AFFINITY and spec.get("sessionAffinity") == "ClientIP":
        message = f"timeoutSeconds is {seconds}, and must be from 1 to {_LONGEST_AFFINITY} (a day)"
        yield _found(one, "SVC-AFFINITY", message, (*steps, "clientIP", "timeoutSeconds"), seconds, "choose less time")


def check_ports(side: Side, context: Context) -> Iterator[Finding]:
    """Ports have numbers and names of ports; where there are several, each has a name of its own."""
    for one in changed(side, _SERVICE):
        spec = mapping(one.get("spec"))
        ports = _ports(spec)
        names: set[str] = set()
        for index, port in enumerate(ports):
            steps: Steps = ("ports", index)
            yield from _port_name(one, port, steps, names, is_alone=len(ports) == 1)
            yield from _port_numbers(one, port, steps)
            if _type(spec) == "LoadBalancer" and port.get("port") == _KUBELET:
                message = f"a LoadBalancer cannot expose the port {_KUBELET}, which is the kubelet's"
                yield _found(one, "SVC-KUBELET-PORT", message, (*steps, "port"), _KUBELET, "use another port")
        yield from _duplicates(one, ports, "port")
        yield from _duplicates(one, ports, "nodePort")


def _port_name(
    one: Object, port: Mapping[str, Any], steps: Steps, names: set[str], is_alone: bool
) -> Iterator[Finding]:
    name = port.get("name")
    if name in (None, ""):
        if not is_alone:
            message = "the port has no name, and where there are several each must have one"
            yield _found(one, "SVC-PORT-NAME", message, (*steps, "name"), "", "name each port")
        return
    if not isinstance(name, str) or is_unstable(name):
        return
    problem = label_problem(name) or ("is the name of another port too" if name in names else "")
    names.add(name)
    if problem:
        yield _found(
            one,
            "SVC-PORT-NAME",
            f'the port\'s name "{told(name)}" {problem}',
            (*steps, "name"),
            name,
            "give the port a name of its own",
        )


def _port_numbers(one: Object, port: Mapping[str, Any], steps: Steps) -> Iterator[Finding]:
    value, target = number(port.get("port")), port.get("targetPort")
    if value is not None and not 1 <= value <= _LAST_PORT:
        message = f"the port is {value}, and must be from 1 to {_LAST_PORT}"
        yield _found(one, "SVC-PORT", message, (*steps, "port"), value, "choose a port of that range")
    goal = number(target)
    # 0 and "" stand for the same as the port.
    if goal is not None and goal != 0 and not 1 <= goal <= _LAST_PORT:
        message = f"the targetPort is {goal}, and must be from 1 to {_LAST_PORT}"
        yield _found(one, "SVC-TARGET-PORT", message, (*steps, "targetPort"), goal, "choose a port of that range")
    if isinstance(target, str) and target and not is_unstable(target) and (problem := port_name_problem(target)):
        message = f'the targetPort "{told(target)}" {problem}'
        remedy = "write a number without quotes, or the name of a container's port"
        yield _found(one, "SVC-TARGET-PORT", message, (*steps, "targetPort"), target, remedy)


def _duplicates(one: Object, ports: list[Mapping[str, Any]], field: str) -> Iterator[Finding]:
    seen: set[tuple[str, int]] = set()
    for index, port in enumerate(ports):
        value = number(port.get(field))
        if not value:
            continue
        key = (told(text(port.get("protocol")) or "TCP"), value)
        if key in seen:
            message = f"the {field} {value} stands there twice for {key[0]}"
            code = "SVC-PORT-TWICE" if field == "port" else "SVC-NODE-PORT-TWICE"
            yield _found(one, code, message, ("ports", index, field), f"{key[0]} {value}", "remove one of both")
        seen.add(key)


def check_node_ports(side: Side, context: Context) -> Iterator[Finding]:
    """A node port lies in the cluster's range."""
    first, last = context.node_ports
    for one in changed(side, _SERVICE):
        spec = mapping(one.get("spec"))
        if _type(spec) not in _WITH_NODE_PORTS:
            continue
        for index, port in enumerate(_ports(spec)):
            value = number(port.get("nodePort"))
            if value and not first <= value <= last:
                yield Finding(
                    "SVC-NODE-PORT-RANGE",
                    "warning",
                    f"the nodePort {value} lies outside of the cluster's node ports, {first} to {last}",
                    one.id,
                    ("spec", "ports", index, "nodePort"),
                    str(value),
                    "pkg/registry/core/service/portallocator/allocator.go",
                    f"choose a port from {first} to {last}, or leave it to the cluster",
                    "likely",
                )


def check_fields_of_other_types(pair: Pair, context: Context) -> Iterator[Finding]:
    """What is only for other types of Services is rejected, unless it is left over from such a type.

    A value that stands there at base already is one: the API server drops it when the type changes, or it rejected it
    at base already.
    """
    for change in pair.changes:
        if (change.id.group, change.id.kind) != _SERVICE or change.head is None:
            continue
        base = mapping(change.base.get("spec")) if change.base else {}
        head = mapping(change.head.get("spec"))
        for field, wanted in _misplaced(head):
            if _is_left_over(field, base, head):
                continue
            message = f"{field} is for {wanted}, and this is a {_type(head)}"
            steps: Steps = _node_port_steps(head) if field == "nodePort" else (field,)
            yield _found(change.head, "SVC-TYPE", message, steps, field, f"leave {field} out, or change the type")


def _misplaced(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    kind = _type(spec)
    if kind not in ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName"):
        return
    if kind == "ClusterIP" and _used_node_ports(spec):
        yield "nodePort", "the types NodePort and LoadBalancer"
    if text(spec.get("externalTrafficPolicy")) and not _is_reached_from_outside(spec):
        yield "externalTrafficPolicy", "the types NodePort and LoadBalancer, and for externalIPs"
    if kind != "LoadBalancer":
        for field in ("allocateLoadBalancerNodePorts", "loadBalancerClass"):
            if spec.get(field) is not None:
                yield field, "the type LoadBalancer"
    if number(spec.get("healthCheckNodePort")) and not (
        kind == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"
    ):
        yield "healthCheckNodePort", "the type LoadBalancer with externalTrafficPolicy: Local"
    if kind == "ExternalName":
        for field in ("clusterIP", "ipFamilies", "ipFamilyPolicy"):
            if spec.get(field) not in (None, "", []):
                yield field, "the other types"


def _is_left_over(field: str, base: Mapping[str, Any], head: Mapping[str, Any]) -> bool:
    if not base:
        return False
    if field == "nodePort":
        return _used_node_ports(base) >= _used_node_ports(head)
    return bool(base.get(field, _server_sets(field, base)) == head.get(field))


def _server_sets(field: str, base: Mapping[str, Any]) -> Any:
    """What the API server fills in where a Service does not say."""
    if field == "externalTrafficPolicy" and _is_reached_from_outside(base):
        return "Cluster"
    if field == "allocateLoadBalancerNodePorts" and _type(base) == "LoadBalancer":
        return True
    return None


def _is_reached_from_outside(spec: Mapping[str, Any]) -> bool:
    return _type(spec) in _WITH_NODE_PORTS or (_type(spec) == "ClusterIP" and bool(sequence(spec.get("externalIPs"))))


def _used_node_ports(spec: Mapping[str, Any]) -> set[int]:
    return {value for port in _ports(spec) if (value := number(port.get("nodePort")))}


def _node_port_steps(spec: Mapping[str, Any]) -> Steps:
    index = next((index for index, port in enumerate(_ports(spec)) if number(port.get("nodePort"))), 0)
    return ("ports", index, "nodePort")


RULES: tuple[StateRule, ...] = (check_types, check_ports, check_node_ports)
CHANGE_RULES: tuple[ChangeRule, ...] = (check_fields_of_other_types,)
