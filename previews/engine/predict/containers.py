"""Containers of pods: their names, volumes, ports, environment and probes.

Mirrors pkg/apis/core/validation/validation.go and apimachinery pkg/util/validation of Kubernetes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from previews.engine.predict.context import Context
from previews.engine.predict.findings import Finding, StateRule, Steps, told
from previews.engine.predict.names import label_problem
from previews.engine.predict.objects import Object, Side
from previews.engine.predict.pods import Pod, items, mapping, pods
from previews.engine.render.unstable import MARK

_CORE = "pkg/apis/core/validation"
_PORT_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_ENV_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_RELAXED_ENV_NAME = re.compile(r"[ -<>-~]+")
_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def _blocked(code: str, text: str, one: Object, steps: Steps, value: Any = "", remedy: str = "") -> Finding:
    return Finding(code, "blocked", text, one.id, steps, told(value), f"{_CORE} {_SOURCES[code]}", remedy)


_SOURCES = {
    "CTR-NAME": "validateContainers",
    "VOL": "ValidateVolumeMounts",
    "PORT": "validateContainerPorts",
    "ENV": "ValidateEnv",
    "PROBE": "validateProbe",
}


def names(side: Side, _: Context) -> Iterator[Finding]:
    """CTR-NAME: names of containers and volumes are labels, and no two are the same."""
    for pod in pods(side.changed):
        yield from _unique_labels(pod, "container", pod.containers())
        volumes = (((*pod.steps, "spec", "volumes", at), one) for at, one in items(pod.spec.get("volumes")))
        yield from _unique_labels(pod, "volume", volumes)


def _unique_labels(pod: Pod, what: str, found: Iterator[tuple[Steps, Mapping[str, Any]]]) -> Iterator[Finding]:
    seen: set[str] = set()
    for steps, one in found:
        name = one.get("name")
        if not isinstance(name, str) or MARK in name:
            continue
        if problem := label_problem(name):
            yield _blocked("CTR-NAME", f"the {what}'s name {problem}", pod.object, (*steps, "name"), name)
        if name in seen:
            yield _blocked("CTR-NAME", f"two {what}s are called {told(name)}", pod.object, (*steps, "name"), name)
        seen.add(name)


def volumes(side: Side, _: Context) -> Iterator[Finding]:
    """VOL: every mount names a volume, at a path of its own."""
    for pod in pods(side.changed):
        known = {str(one.get("name")) for _, one in items(pod.spec.get("volumes"))}
        if pod.object.id.kind == "StatefulSet":
            claims = items(pod.object.get("spec", "volumeClaimTemplates"))
            known |= {str(mapping(one.get("metadata")).get("name")) for _, one in claims}
        for steps, container in pod.containers():
            paths: set[str] = set()
            for at, mount in items(container.get("volumeMounts")):
                yield from _mount(pod.object, (*steps, "volumeMounts", at), mount, known, paths)


def _mount(one: Object, steps: Steps, mount: Mapping[str, Any], known: set[str], paths: set[str]) -> Iterator[Finding]:
    name, path = mount.get("name"), mount.get("mountPath")
    if isinstance(name, str) and MARK not in name and name not in known:
        yield _blocked("VOL", f"there is no volume {told(name)} to mount", one, (*steps, "name"), name)
    if not isinstance(path, str):
        return
    if path in paths:
        yield _blocked("VOL", f"two volumes are mounted at {told(path)}", one, (*steps, "mountPath"), path)
    if ":" in path and path[1:2] != ":":
        yield _blocked("VOL", f"the path {told(path)} may not hold a colon", one, (*steps, "mountPath"), path)
    paths.add(path)


def ports(side: Side, _: Context) -> Iterator[Finding]:
    """PORT: numbers and names of ports."""
    for pod in pods(side.changed):
        on_host: set[tuple[int, str, str]] = set()
        uses_host = pod.spec.get("hostNetwork") is True
        for steps, container in pod.containers("initContainers", "containers"):
            named: set[str] = set()
            for at, port in items(container.get("ports")):
                here = (*steps, "ports", at)
                yield from _port(pod.object, here, port, uses_host)
                yield from _port_name(pod.object, here, port.get("name"), named)
                if steps[-2] == "containers":
                    yield from _host_port(pod.object, here, port, on_host)


def _port(one: Object, steps: Steps, port: Mapping[str, Any], uses_host: bool) -> Iterator[Finding]:
    for field in ("containerPort", "hostPort"):
        number = port.get(field)
        if isinstance(number, int) and not isinstance(number, bool) and not 1 <= number <= 65535:
            if field == "hostPort" and number == 0:
                continue
            text = f"{field} is {number}; ports go from 1 to 65535"
            yield _blocked("PORT", text, one, (*steps, field), number)
    host, inside = port.get("hostPort"), port.get("containerPort")
    if uses_host and host not in (None, 0) and host != inside:
        text = f"with hostNetwork hostPort must be containerPort: {told(host)} is not {told(inside)}"
        yield _blocked("PORT", text, one, (*steps, "hostPort"), host)


def port_name_problem(name: str) -> str:
    """What is wrong with the name of a port, "" where nothing is (IsValidPortName)."""
    if len(name) > 15:
        return f"is {len(name)} characters long; at most 15 are allowed"
    if not _PORT_NAME.fullmatch(name) or "--" in name:
        return "may hold lower case letters, digits and single -, and begins and ends with a letter or digit"
    return "" if re.search("[a-z]", name) else "holds no letter"


def _port_name(one: Object, steps: Steps, name: Any, named: set[str]) -> Iterator[Finding]:
    if not isinstance(name, str) or not name or MARK in name:
        return
    if problem := port_name_problem(name):
        yield _blocked("PORT", f"the port's name {problem}", one, (*steps, "name"), name)
    if name in named:
        yield _blocked("PORT", f"two ports of the container are called {told(name)}", one, (*steps, "name"), name)
    named.add(name)


def _host_port(
    one: Object, steps: Steps, port: Mapping[str, Any], seen: set[tuple[Any, Any, Any]]
) -> Iterator[Finding]:
    number = port.get("hostPort")
    if not isinstance(number, int) or number == 0:
        return
    key = (number, str(port.get("protocol") or "TCP"), str(port.get("hostIP") or ""))
    if key in seen:
        yield _blocked("PORT", f"the pod takes the host's port {number} twice", one, (*steps, "hostPort"), number)
    seen.add(key)


def environment(side: Side, context: Context) -> Iterator[Finding]:
    """ENV: names of variables, and one source for each."""
    for pod in pods(side.changed):
        for steps, container in pod.containers():
            seen: set[str] = set()
            for at, variable in items(container.get("env")):
                yield from _variable(pod.object, (*steps, "env", at), variable, seen, context)


def _variable(
    one: Object, steps: Steps, variable: Mapping[str, Any], seen: set[str], context: Context
) -> Iterator[Finding]:
    name = variable.get("name")
    if not isinstance(name, str) or MARK in name:
        return
    if not _is_env_name(name, context):
        text = f"{told(name) or 'an empty text'} is no name of a variable"
        yield _blocked("ENV", text, one, (*steps, "name"), name)
    if variable.get("value") not in (None, "") and variable.get("valueFrom"):
        text = f"the variable {told(name)} has both a value and valueFrom"
        yield _blocked("ENV", text, one, steps, name)
    if name in seen:
        text = f"the variable {told(name)} is there twice: the last one counts"
        severity = "blocked" if "ServerSideApply=true" in context.sync.options else "warning"
        remedy = "take one of them away"
        source = "kubernetes issue 106809: server-side apply takes no duplicate keys"
        yield Finding("ENV", severity, text, one.id, (*steps, "name"), told(name), source, remedy, "likely")  # type: ignore[arg-type]
    seen.add(name)


def _is_env_name(name: str, context: Context) -> bool:
    """RelaxedEnvironmentVariableValidation is on from 1.32 (IsRelaxedEnvVarName, IsEnvVarName)."""
    if context.kubernetes >= (1, 32):
        return _RELAXED_ENV_NAME.fullmatch(name) is not None
    return _ENV_NAME.fullmatch(name) is not None and name != "." and not name.startswith("..")


def probes(side: Side, _: Context) -> Iterator[Finding]:
    """PROBE: one handler each, and numbers that make sense."""
    for pod in pods(side.changed):
        for steps, container in pod.containers("initContainers", "containers"):
            for field in _PROBES:
                probe = container.get(field)
                if isinstance(probe, dict):
                    yield from _probe(pod.object, (*steps, field), field, probe)


def _probe(one: Object, steps: Steps, field: str, probe: Mapping[str, Any]) -> Iterator[Finding]:
    handlers = [name for name in _HANDLERS if probe.get(name) is not None]
    if len(handlers) != 1:
        has = " and ".join(handlers) if handlers else "none"
        text = f"{field} must have one of {', '.join(_HANDLERS)}, and has {has}"
        yield _blocked("PROBE", text, one, steps)
    if field != "readinessProbe" and probe.get("successThreshold") not in (None, 0, 1):
        text = f"successThreshold of a {field} must be 1, and is {told(probe['successThreshold'])}"
        yield _blocked("PROBE", text, one, (*steps, "successThreshold"), probe["successThreshold"])
    for name in ("periodSeconds", "timeoutSeconds", "failureThreshold", "successThreshold", "initialDelaySeconds"):
        number = probe.get(name)
        if isinstance(number, int) and not isinstance(number, bool) and number < 0:
            yield _blocked("PROBE", f"{name} is {number}, and may not be below 0", one, (*steps, name), number)


RULES: tuple[StateRule, ...] = (names, volumes, ports, environment, probes)
