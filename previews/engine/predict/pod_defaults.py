"""What the API server fills into a pod spec that does not say it.

Mirrors pkg/apis/core/v1/defaults.go and zz_generated.defaults.go of Kubernetes. All functions write into the mapping
that they are given, and leave alone what is not of the right type.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

# What each volume source gets: SetDefaults_…VolumeSource, those of the early cloud providers too.
_SOURCES: dict[str, dict[str, Any]] = {
    "secret": {"defaultMode": 0o644},
    "configMap": {"defaultMode": 0o644},
    "downwardAPI": {"defaultMode": 0o644},
    "projected": {"defaultMode": 0o644},
    "iscsi": {"iscsiInterface": "default"},
    "rbd": {"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"},
    "azureDisk": {"cachingMode": "ReadWrite", "kind": "Shared", "fsType": "ext4"},
    "scaleIO": {"storageMode": "ThinProvisioned", "fsType": "xfs"},
}
_POD = {"dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "terminationGracePeriodSeconds": 30}
_PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
_CONTAINER = {"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}


def mapping(parent: Any, key: str) -> dict[str, Any]:
    """The mapping below a key, made where there is none. What stands in it is lost where something else is there."""
    found = parent.setdefault(key, {}) if isinstance(parent, dict) else None
    return found if isinstance(found, dict) else {}


def present(parent: Any, key: str) -> Iterator[dict[str, Any]]:
    """The mapping below a key, if there is one."""
    found = parent.get(key) if isinstance(parent, dict) else None
    if isinstance(found, dict):
        yield found


def items(parent: Any, key: str) -> Iterator[dict[str, Any]]:
    """The mappings of the list below a key."""
    found = parent.get(key) if isinstance(parent, dict) else None
    return (one for one in found if isinstance(one, dict)) if isinstance(found, list) else iter(())


def fill(target: dict[str, Any], values: dict[str, Any]) -> None:
    """Sets what is not there yet."""
    for key, value in values.items():
        target.setdefault(key, value)


def default_pod(spec: dict[str, Any], has_host_ports: bool) -> None:
    """Fills a pod spec. `has_host_ports`: a host network gives its containers host ports, in templates until 1.27."""
    fill(spec, _POD | {"schedulerName": "default-scheduler"})
    spec.setdefault("securityContext", {})
    # Two names of one field (pkg/apis/core/v1/conversion.go).
    if account := spec.get("serviceAccountName") or spec.get("serviceAccount"):
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    for key in ("initContainers", "containers", "ephemeralContainers"):
        for container in items(spec, key):
            _container(container)
            if has_host_ports and spec.get("hostNetwork") is True and key != "ephemeralContainers":
                for port in items(container, "ports"):
                    fill(port, {"hostPort": port.get("containerPort")})
    for volume in items(spec, "volumes"):
        _volume(volume)


def _container(container: dict[str, Any]) -> None:
    fill(container, _CONTAINER | {"imagePullPolicy": _pull_policy(container.get("image"))})
    for port in items(container, "ports"):
        fill(port, {"protocol": "TCP"})
    for variable in items(container, "env"):
        _source(variable.get("valueFrom"))
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        for probe in present(container, name):
            fill(probe, _PROBE)
            _handler(probe)
    for lifecycle in present(container, "lifecycle"):
        for name in ("postStart", "preStop"):
            for handler in present(lifecycle, name):
                _handler(handler)


def _handler(handler: dict[str, Any]) -> None:
    for request in present(handler, "httpGet"):
        fill(request, {"path": "/", "scheme": "HTTP"})
    for call in present(handler, "grpc"):
        fill(call, {"service": ""})


def _source(source: Any) -> None:
    for field in present(source, "fieldRef"):
        fill(field, {"apiVersion": "v1"})


def _pull_policy(image: Any) -> str:
    name, _, digest = str(image or "-:-").rpartition("/")[2].partition("@")
    tag = name.partition(":")[2] or ("" if digest else "latest")
    return "Always" if tag == "latest" else "IfNotPresent"


def _volume(volume: dict[str, Any]) -> None:
    if not volume.keys() - {"name"}:
        volume["emptyDir"] = {}
    for key, values in _SOURCES.items():
        for source in present(volume, key):
            fill(source, values)
    for image in present(volume, "image"):
        fill(image, {"pullPolicy": _pull_policy(image.get("reference"))})
    for downward in present(volume, "downwardAPI"):
        _downward(downward)
    for projected in present(volume, "projected"):
        for source in items(projected, "sources"):
            for token in present(source, "serviceAccountToken"):
                fill(token, {"expirationSeconds": 3600})
            for downward in present(source, "downwardAPI"):
                _downward(downward)
    for ephemeral in present(volume, "ephemeral"):
        for template in present(ephemeral, "volumeClaimTemplate"):
            default_claim(mapping(template, "spec"))


def _downward(source: dict[str, Any]) -> None:
    for item in items(source, "items"):
        _source(item)


def default_claim(spec: dict[str, Any]) -> None:
    """Fills the spec of a PersistentVolumeClaim."""
    fill(spec, {"volumeMode": "Filesystem"})
