"""API versions that a cluster no longer serves, or soon will not.

From the lifecycle methods of k8s.io/api (*/zz_generated.prerelease-lifecycle.go), over its releases, and from what the
published schemas of each minor hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from previews.engine.predict.context import Context, Minor
from previews.engine.predict.custom_schemas import custom_versions
from previews.engine.predict.findings import Confidence, Finding, Severity, StateRule
from previews.engine.predict.objects import Side
from previews.engine.predict.openapi import is_known, served_since
from previews.engine.predict.schemas import Definitions

_DEFINED = "apiextensions-apiserver pkg/apiserver/customresource_handler.go"
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
            severity, confidence = _doubt(context)
            if not context.knows_apis:
                remedy += "; or tell the cluster's apiVersions in astrolabe.yaml, should the chart choose by them"
            steps = ("apiVersion",)
            yield Finding("API-GONE", severity, text, one.id, steps, one.api_version, _SOURCE, remedy, confidence)
        elif context.kubernetes[1] + 1 == removal.removed[1]:
            text = f"{what} is not served from Kubernetes {at} on, and the cluster has {now}"
            yield Finding("API-GONE", "warning", text, one.id, ("apiVersion",), one.api_version, _SOURCE, remedy)
        else:
            text = f"{what} goes with Kubernetes {at}; the cluster has {now}"
            yield Finding("API-GONE", "info", text, one.id, ("apiVersion",), one.api_version, _SOURCE, remedy)


def _doubt(context: Context) -> tuple[Severity, Confidence]:
    """Charts choose by what they are told, and Argo CD tells them what the cluster serves."""
    return ("blocked", "certain") if context.knows_apis else ("warning", "likely")


def not_yet_served(side: Side, context: Context) -> Iterator[Finding]:
    """API-UNSERVED: Kubernetes' own kinds that only a later minor has."""
    for one in side.changed:
        since = served_since(one.api_version, one.id.kind)
        if since is None or context.kubernetes >= since:
            continue
        now = f"1.{context.kubernetes[1]}"
        text = f"{one.api_version} {one.id.kind} is served since Kubernetes 1.{since[1]}, and the cluster has {now}"
        severity, confidence = _doubt(context)
        yield Finding(
            "API-UNSERVED", severity, text, one.id, ("apiVersion",), one.api_version, _SOURCE,
            "use a version that the cluster serves", confidence,
        )  # fmt: skip


def not_defined(side: Side, context: Context) -> Iterator[Finding]:
    """API-UNSERVED: custom resources in a version that their definition does not serve."""
    definitions = Definitions(side.objects, context)
    for one in side.changed:
        if not one.id.group or is_known(one.api_version, one.id.kind):
            continue
        defined = definitions.of(one.id)
        versions = sorted({version for each in defined.candidates for version in custom_versions(each.text)})
        if not defined.candidates or one.version in versions:
            continue
        text = f"{one.api_version} {one.id.kind} is not served: its definition serves {', '.join(versions) or 'none'}"
        # Files may hold a definition that is older than what the cluster has.
        severity: Severity = "warning" if defined.in_files else "blocked"
        yield Finding(
            "API-UNSERVED", severity, text, one.id, ("apiVersion",), one.api_version, _DEFINED,
            "use a version that the definition serves", defined.confidence,
        )  # fmt: skip


RULES: tuple[StateRule, ...] = (served, not_yet_served, not_defined)
