"""API versions that a cluster no longer serves, or soon will not.

From the lifecycle methods of k8s.io/api (*/zz_generated.prerelease-lifecycle.go), over its releases, and from what the
published schemas of each minor hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from previews.engine.predict.context import Context, Minor
from previews.engine.predict.findings import Finding, StateRule
from previews.engine.predict.objects import Side

_SOURCE = "k8s.io/api APILifecycleRemoved; https://kubernetes.io/docs/reference/using-api/deprecation-guide/"


@dataclass(frozen=True, slots=True)
class Removal:
    """The minor from which on an API is not served, and what takes its place, "" for nothing."""

    removed: Minor
    replacement: str = ""


def _rows(removed: int, version: str, kinds: str, replacement: str = "") -> dict[tuple[str, str], Removal]:
    return {(version, kind): Removal((1, removed), replacement) for kind in kinds.split()}


_RBAC = "Role ClusterRole RoleBinding ClusterRoleBinding"
_WEBHOOKS = "ValidatingWebhookConfiguration MutatingWebhookConfiguration"
_POLICIES = "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding"
_FLOW = "FlowSchema PriorityLevelConfiguration"
_CLAIMS = "DeviceClass ResourceClaim ResourceClaimTemplate ResourceSlice"

REMOVALS: Mapping[tuple[str, str], Removal] = {
    **_rows(16, "extensions/v1beta1", "Deployment DaemonSet ReplicaSet", "apps/v1"),
    **_rows(16, "extensions/v1beta1", "NetworkPolicy", "networking.k8s.io/v1"),
    **_rows(16, "extensions/v1beta1", "PodSecurityPolicy", "policy/v1beta1"),
    **_rows(16, "apps/v1beta1", "Deployment StatefulSet", "apps/v1"),
    **_rows(16, "apps/v1beta2", "Deployment StatefulSet DaemonSet ReplicaSet", "apps/v1"),
    **_rows(22, "extensions/v1beta1", "Ingress", "networking.k8s.io/v1"),
    **_rows(22, "networking.k8s.io/v1beta1", "Ingress IngressClass", "networking.k8s.io/v1"),
    **_rows(22, "rbac.authorization.k8s.io/v1beta1", _RBAC, "rbac.authorization.k8s.io/v1"),
    **_rows(22, "admissionregistration.k8s.io/v1beta1", _WEBHOOKS, "admissionregistration.k8s.io/v1"),
    **_rows(22, "apiextensions.k8s.io/v1beta1", "CustomResourceDefinition", "apiextensions.k8s.io/v1"),
    **_rows(22, "apiregistration.k8s.io/v1beta1", "APIService", "apiregistration.k8s.io/v1"),
    **_rows(22, "certificates.k8s.io/v1beta1", "CertificateSigningRequest", "certificates.k8s.io/v1"),
    **_rows(22, "coordination.k8s.io/v1beta1", "Lease", "coordination.k8s.io/v1"),
    **_rows(22, "scheduling.k8s.io/v1beta1", "PriorityClass", "scheduling.k8s.io/v1"),
    **_rows(22, "storage.k8s.io/v1beta1", "CSIDriver CSINode StorageClass VolumeAttachment", "storage.k8s.io/v1"),
    **_rows(25, "batch/v1beta1", "CronJob", "batch/v1"),
    **_rows(25, "policy/v1beta1", "PodDisruptionBudget", "policy/v1"),
    **_rows(25, "policy/v1beta1", "PodSecurityPolicy"),
    **_rows(25, "autoscaling/v2beta1", "HorizontalPodAutoscaler", "autoscaling/v2"),
    **_rows(25, "discovery.k8s.io/v1beta1", "EndpointSlice", "discovery.k8s.io/v1"),
    **_rows(25, "events.k8s.io/v1beta1", "Event", "events.k8s.io/v1"),
    **_rows(25, "node.k8s.io/v1beta1", "RuntimeClass", "node.k8s.io/v1"),
    **_rows(26, "autoscaling/v2beta2", "HorizontalPodAutoscaler", "autoscaling/v2"),
    **_rows(26, "flowcontrol.apiserver.k8s.io/v1beta1", _FLOW, "flowcontrol.apiserver.k8s.io/v1"),
    **_rows(27, "storage.k8s.io/v1beta1", "CSIStorageCapacity", "storage.k8s.io/v1"),
    **_rows(29, "flowcontrol.apiserver.k8s.io/v1beta2", _FLOW, "flowcontrol.apiserver.k8s.io/v1"),
    **_rows(32, "flowcontrol.apiserver.k8s.io/v1beta3", _FLOW, "flowcontrol.apiserver.k8s.io/v1"),
    **_rows(32, "admissionregistration.k8s.io/v1alpha1", _POLICIES, "admissionregistration.k8s.io/v1"),
    **_rows(34, "admissionregistration.k8s.io/v1beta1", _POLICIES, "admissionregistration.k8s.io/v1"),
    **_rows(34, "resource.k8s.io/v1alpha3", _CLAIMS, "resource.k8s.io/v1"),
    **_rows(37, "storage.k8s.io/v1beta1", "VolumeAttributesClass", "storage.k8s.io/v1"),
    **_rows(37, "networking.k8s.io/v1beta1", "IPAddress ServiceCIDR", "networking.k8s.io/v1"),
    **_rows(38, "resource.k8s.io/v1beta1", _CLAIMS, "resource.k8s.io/v1"),
}


def served(side: Side, context: Context) -> Iterator[Finding]:
    """API-GONE: what the cluster does not serve is rejected; what the next minor does not serve is told early."""
    for one in side.changed:
        removal = REMOVALS.get((one.api_version, one.id.kind))
        if removal is None:
            continue
        at, now = f"1.{removal.removed[1]}", f"1.{context.kubernetes[1]}"
        remedy = f"use {removal.replacement}" if removal.replacement else "there is nothing in its place"
        what = f"{one.api_version} {one.id.kind}"
        if context.kubernetes >= removal.removed:
            text = f"{what} is not served since Kubernetes {at}, and the cluster has {now}"
            if context.knows_apis:
                yield Finding("API-GONE", "blocked", text, one.id, ("apiVersion",), one.api_version, _SOURCE, remedy)
                continue
            # Charts choose by what they are told, and Argo CD tells them what the cluster serves.
            remedy += "; or tell the cluster's apiVersions in astrolabe.yaml, should the chart choose by them"
            steps = ("apiVersion",)
            yield Finding("API-GONE", "warning", text, one.id, steps, one.api_version, _SOURCE, remedy, "likely")
        elif context.kubernetes[1] + 1 == removal.removed[1]:
            text = f"{what} is not served from Kubernetes {at} on, and the cluster has {now}"
            yield Finding("API-GONE", "warning", text, one.id, ("apiVersion",), one.api_version, _SOURCE, remedy)
        else:
            text = f"{what} goes with Kubernetes {at}; the cluster has {now}"
            yield Finding("API-GONE", "info", text, one.id, ("apiVersion",), one.api_version, _SOURCE, remedy)


RULES: tuple[StateRule, ...] = (served,)
