"""Objects as the API server stores them, so that a comparison sees what differs and not how it was written.

Mirrors pkg/apis/{core,apps,batch,autoscaling,networking,storage,scheduling,rbac}/v1/defaults.go of Kubernetes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from previews.engine.predict.context import Minor
from previews.engine.predict.given import given
from previews.engine.predict.objects import Object
from previews.engine.predict.pod_defaults import default_claim, default_pod, fill, items, mapping, present

_Content = dict[str, Any]
_RBAC = "rbac.authorization.k8s.io"
_EXPOSED = ("NodePort", "LoadBalancer")


@lru_cache(maxsize=512)
def with_defaults(object: Object, kubernetes: Minor) -> _Content:
    """An object's content with what the API server adds to it, its quantities in one form, without empty fields.

    Kinds whose defaults are not known here come as they are written. The result is shared: never change it.
    """
    default = _DEFAULTERS.get((object.id.group, object.id.kind))
    if default is None:
        return dict(object.content)
    found = given(object.content)
    default(found, kubernetes)
    return found


def _pod(content: _Content, kubernetes: Minor) -> None:
    spec = mapping(content, "spec")
    fill(spec, {"enableServiceLinks": True})
    default_pod(spec, has_host_ports=True)
    for container in (*items(spec, "initContainers"), *items(spec, "containers")):
        for resources in present(container, "resources"):
            for limits in present(resources, "limits"):
                fill(mapping(resources, "requests"), limits)


def _template(spec: _Content, kubernetes: Minor) -> None:
    default_pod(mapping(mapping(spec, "template"), "spec"), has_host_ports=kubernetes < (1, 28))


def _pod_template(content: _Content, kubernetes: Minor) -> None:
    _template(content, kubernetes)


def _deployment(content: _Content, kubernetes: Minor) -> None:
    spec = mapping(content, "spec")
    fill(spec, {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600})
    strategy = mapping(spec, "strategy")
    fill(strategy, {"type": "RollingUpdate"})
    if strategy["type"] == "RollingUpdate":
        fill(mapping(strategy, "rollingUpdate"), {"maxUnavailable": "25%", "maxSurge": "25%"})
    _template(spec, kubernetes)


def _replica_set(content: _Content, kubernetes: Minor) -> None:
    spec = mapping(content, "spec")
    fill(spec, {"replicas": 1})
    _template(spec, kubernetes)


def _daemon_set(content: _Content, kubernetes: Minor) -> None:
    spec = mapping(content, "spec")
    fill(spec, {"revisionHistoryLimit": 10})
    strategy = mapping(spec, "updateStrategy")
    fill(strategy, {"type": "RollingUpdate"})
    if strategy["type"] == "RollingUpdate":
        fill(mapping(strategy, "rollingUpdate"), {"maxUnavailable": 1, "maxSurge": 0})
    _template(spec, kubernetes)


def _stateful_set(content: _Content, kubernetes: Minor) -> None:
    spec = mapping(content, "spec")
    fill(spec, {"replicas": 1, "revisionHistoryLimit": 10, "podManagementPolicy": "OrderedReady"})
    strategy = mapping(spec, "updateStrategy")
    if "type" not in strategy:
        strategy["type"] = "RollingUpdate"
        mapping(strategy, "rollingUpdate")
    if strategy["type"] == "RollingUpdate":
        for rolling in present(strategy, "rollingUpdate"):
            fill(rolling, {"partition": 0})
    if kubernetes >= (1, 27):
        fill(mapping(spec, "persistentVolumeClaimRetentionPolicy"), {"whenDeleted": "Retain", "whenScaled": "Retain"})
    for claim in items(spec, "volumeClaimTemplates"):
        # Stored with its kind, which the text need not have, and with a status, which nobody compares.
        fill(claim, {"apiVersion": "v1", "kind": "PersistentVolumeClaim"})
        claim.pop("status", None)
        default_claim(mapping(claim, "spec"))
    _template(spec, kubernetes)


def _job(content: _Content, kubernetes: Minor) -> None:
    spec = mapping(content, "spec")
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    fill(spec, {"parallelism": 1, "completionMode": "NonIndexed", "suspend": False})
    fill(spec, {"backoffLimit": 2**31 - 1 if "backoffLimitPerIndex" in spec else 6})
    if kubernetes >= (1, 29):
        fill(spec, {"podReplacementPolicy": "Failed" if "podFailurePolicy" in spec else "TerminatingOrFailed"})
    for template in present(spec, "template"):
        for labels in present(mapping(template, "metadata"), "labels"):
            fill(mapping(content, "metadata"), {"labels": dict(labels)})
    _job_spec(spec, kubernetes)


def _job_spec(spec: _Content, kubernetes: Minor) -> None:
    for policy in present(spec, "podFailurePolicy"):
        for rule in items(policy, "rules"):
            for pattern in items(rule, "onPodConditions"):
                fill(pattern, {"status": "True"})
    _template(spec, kubernetes)


def _cron_job(content: _Content, kubernetes: Minor) -> None:
    spec = mapping(content, "spec")
    fill(spec, {"concurrencyPolicy": "Allow", "suspend": False})
    fill(spec, {"successfulJobsHistoryLimit": 3, "failedJobsHistoryLimit": 1})
    _job_spec(mapping(mapping(spec, "jobTemplate"), "spec"), kubernetes)


def _service(content: _Content, kubernetes: Minor) -> None:
    spec = mapping(content, "spec")
    fill(spec, {"sessionAffinity": "None", "type": "ClusterIP"})
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    elif spec["sessionAffinity"] == "ClientIP":
        fill(mapping(mapping(spec, "sessionAffinityConfig"), "clientIP"), {"timeoutSeconds": 10800})
    if spec.get("selector") == {}:
        del spec["selector"]
    for port in items(spec, "ports"):
        fill(port, {"protocol": "TCP"})
        if port.get("targetPort") in (None, 0, ""):
            port["targetPort"] = port.get("port")
    if spec["type"] in _EXPOSED or (spec["type"] == "ClusterIP" and spec.get("externalIPs")):
        fill(spec, {"externalTrafficPolicy": "Cluster"})
    if spec["type"] in (*_EXPOSED, "ClusterIP"):
        fill(spec, {"internalTrafficPolicy": "Cluster"})
    if spec["type"] == "LoadBalancer":
        fill(spec, {"allocateLoadBalancerNodePorts": True})


def _claim(content: _Content, kubernetes: Minor) -> None:
    default_claim(mapping(content, "spec"))


def _network_policy(content: _Content, kubernetes: Minor) -> None:
    spec = mapping(content, "spec")
    fill(spec, {"policyTypes": ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]})
    for rule in (*items(spec, "ingress"), *items(spec, "egress")):
        for port in items(rule, "ports"):
            fill(port, {"protocol": "TCP"})


def _binding(content: _Content, kubernetes: Minor) -> None:
    for role in present(content, "roleRef"):
        fill(role, {"apiGroup": _RBAC})
    for subject in items(content, "subjects"):
        if subject.get("kind") in ("User", "Group"):
            fill(subject, {"apiGroup": _RBAC})


def _fields(values: _Content, below_spec: bool = True) -> Callable[[_Content, Minor], None]:
    """Fills fixed values into an object, or into its spec."""

    def default(content: _Content, kubernetes: Minor) -> None:
        fill(mapping(content, "spec") if below_spec else content, {key: _copy(one) for key, one in values.items()})

    return default


def _copy(value: Any) -> Any:
    return list(value) if isinstance(value, list) else value


_VOLUME = {"persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem"}
_CLASS = {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"}
_DRIVER = {
    "attachRequired": True,
    "podInfoOnMount": False,
    "storageCapacity": False,
    "requiresRepublish": False,
    "seLinuxMount": False,
    "fsGroupPolicy": "ReadWriteOnceWithFSType",
    "volumeLifecycleModes": ["Persistent"],
}

_DEFAULTERS: dict[tuple[str, str], Callable[[_Content, Minor], None]] = {
    ("", "Pod"): _pod,
    ("", "PodTemplate"): _pod_template,
    ("", "ReplicationController"): _replica_set,
    ("", "Service"): _service,
    ("", "PersistentVolumeClaim"): _claim,
    ("", "PersistentVolume"): _fields(_VOLUME),
    ("", "ConfigMap"): _fields({}, below_spec=False),
    ("", "Secret"): _fields({"type": "Opaque"}, below_spec=False),
    ("", "ServiceAccount"): _fields({}, below_spec=False),
    ("apps", "Deployment"): _deployment,
    ("apps", "ReplicaSet"): _replica_set,
    ("apps", "DaemonSet"): _daemon_set,
    ("apps", "StatefulSet"): _stateful_set,
    ("batch", "Job"): _job,
    ("batch", "CronJob"): _cron_job,
    ("autoscaling", "HorizontalPodAutoscaler"): _fields({"minReplicas": 1}),
    ("networking.k8s.io", "Ingress"): _fields({}),
    ("networking.k8s.io", "NetworkPolicy"): _network_policy,
    ("policy", "PodDisruptionBudget"): _fields({}),
    ("storage.k8s.io", "StorageClass"): _fields(_CLASS, below_spec=False),
    ("storage.k8s.io", "CSIDriver"): _fields(_DRIVER),
    ("scheduling.k8s.io", "PriorityClass"): _fields({"preemptionPolicy": "PreemptLowerPriority"}, below_spec=False),
    (_RBAC, "RoleBinding"): _binding,
    (_RBAC, "ClusterRoleBinding"): _binding,
}
