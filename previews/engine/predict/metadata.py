"""Names, labels and annotations: what the API server takes of them.

Mirrors pkg/apis/core/validation, pkg/apis/apps/validation, pkg/apis/batch/validation, apimachinery pkg/api/validation
objectmeta.go and meta/v1/validation of Kubernetes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from previews.engine.manifests import ANY_ENDING
from previews.engine.predict.context import Context
from previews.engine.predict.findings import Finding, StateRule, Steps, told
from previews.engine.predict.names import (
    key_problem,
    label_problem,
    path_problem,
    service_problem,
    subdomain_problem,
    value_problem,
)
from previews.engine.predict.objects import Object, Side
from previews.engine.predict.pods import TEMPLATES, items, mapping
from previews.engine.render.unstable import MARK

_OBJECT_META = "apimachinery pkg/api/validation/objectmeta.go"
_LABELS = "apimachinery pkg/apis/meta/v1/validation"
#: Bytes of all annotations of an object (TotalAnnotationSizeLimitB).
ANNOTATIONS_SIZE = 262_144
_RBAC = "rbac.authorization.k8s.io"
_SHORTEN = 'shorten it where it is made, or cut it in the template: trunc 63 | trimSuffix "-"'

#: How kinds are to be called, as far as we know it; others have names that are left to their own definition.
_NAMES: Mapping[tuple[str, str], tuple[Callable[[str], str], str]] = {
    **dict.fromkeys(
        (
            *(("apps", name) for name in ("Deployment", "ReplicaSet", "DaemonSet")),
            *(("", name) for name in ("Pod", "ConfigMap", "Secret", "ServiceAccount", "PersistentVolume")),
            *(("", name) for name in ("PersistentVolumeClaim", "ReplicationController", "ResourceQuota", "LimitRange")),
            *(("batch", name) for name in ("Job", "CronJob")),
            *(("networking.k8s.io", name) for name in ("Ingress", "NetworkPolicy", "IngressClass")),
            ("autoscaling", "HorizontalPodAutoscaler"),
            ("policy", "PodDisruptionBudget"),
            ("storage.k8s.io", "StorageClass"),
            ("scheduling.k8s.io", "PriorityClass"),
            ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
            ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
        ),
        (subdomain_problem, "NameIsDNSSubdomain"),
    ),
    ("", "Namespace"): (label_problem, "NameIsDNSLabel"),
    ("apps", "StatefulSet"): (label_problem, "NameIsDNSLabel"),
    ("", "Service"): (service_problem, "NameIsDNS1035Label"),
    **{(_RBAC, name): (path_problem, "ValidatePathSegmentName") for name in ("Role", "ClusterRole", "RoleBinding")},
    (_RBAC, "ClusterRoleBinding"): (path_problem, "ValidatePathSegmentName"),
}


def names(side: Side, context: Context) -> Iterator[Finding]:
    """META-NAME: each kind has its own idea of a name."""
    for one in side.changed:
        name, steps = one.id.name, ("metadata", "name")
        if MARK in name or not name or name.endswith(ANY_ENDING):
            continue
        check, source = _NAMES.get((one.id.group, one.id.kind), (None, ""))
        if one.id.kind == "StatefulSet" and context.kubernetes < (1, 27):
            check = subdomain_problem
        # Since 1.34 a gate lets Services be called as anything else.
        if check is service_problem and context.kubernetes >= (1, 34):
            check = label_problem
        if check and (problem := check(name)):
            yield _finding("META-NAME", f"the name {problem}", one, steps, name, f"pkg/apis {source}")
        yield from _derived(one, steps)
        if one.id.kind == "CustomResourceDefinition" and one.id.group == "apiextensions.k8s.io":
            yield from _definition(one, steps)


def _derived(one: Object, steps: Steps) -> Iterator[Finding]:
    """META-NAME-DERIVED: names that others are made from."""
    name, length = one.id.name, len(one.id.name)
    kind = (one.id.group, one.id.kind)
    if kind == ("batch", "CronJob") and length > 52:
        text = f"the name is {length} characters long; at most 52 are allowed, as its Jobs add 11"
        yield _finding("META-NAME-DERIVED", text, one, steps, name, "pkg/apis/batch/validation ValidateCronJobCreate")
    elif kind == ("batch", "Job") and 63 < length <= 253:
        text = f"the name is {length} characters long; at most 63 are allowed, as it is the label job-name of its pods"
        yield _finding("META-NAME-DERIVED", text, one, steps, name, "pkg/apis/batch/validation")
    elif kind == ("apps", "StatefulSet") and 52 < length <= 253:
        text = f"the name is {length} characters long; from 53 on its pods' label controller-revision-hash is too long"
        yield Finding(
            "META-NAME-DERIVED", "warning", text, one.id, steps, name,
            "kubernetes issue 64023", "shorten the name", "likely",
        )  # fmt: skip


def _definition(one: Object, steps: Steps) -> Iterator[Finding]:
    group, plural = one.get("spec", "group"), one.get("spec", "names", "plural")
    if isinstance(group, str) and isinstance(plural, str) and one.id.name != f"{plural}.{group}":
        text = f"the name must be {told(plural)}.{told(group)}, from spec.names.plural and spec.group"
        yield _finding(
            "META-NAME", text, one, steps, one.id.name, "apiextensions-apiserver ValidateCustomResourceDefinition"
        )


def labels(side: Side, _: Context) -> Iterator[Finding]:
    """META-LABEL: keys and values of labels and selectors, wherever they stand."""
    for one in side.changed:
        for steps, found in _label_maps(one):
            for key, value in found.items():
                yield from _label(one, steps, str(key), value)


def _label(one: Object, steps: Steps, key: str, value: Any) -> Iterator[Finding]:
    if MARK in key:
        return
    if problem := key_problem(key):
        text = f"the label key {told(key)} {problem}"
        yield _finding("META-LABEL", text, one, (*steps, key), key, _LABELS, _SHORTEN)
    # What is no text is the schema's finding.
    if isinstance(value, str) and MARK not in value and (problem := value_problem(value)):
        text = (
            f"the label {told(key)} {problem}" if "long" in problem else f"the value of the label {told(key)} {problem}"
        )
        yield _finding("META-LABEL", f"{text}: {told(value)}", one, (*steps, key), value, _LABELS, _SHORTEN)


def _label_maps(one: Object) -> Iterator[tuple[Steps, Mapping[str, Any]]]:
    """The labels of the object, of its pods and claims, and its selector."""
    places: list[Steps] = [("metadata", "labels")]
    template = TEMPLATES.get((one.id.group, one.id.kind))
    if template:
        places += [(*template, "metadata", "labels"), (*template[:-1], "selector", "matchLabels")]
    if one.id.kind == "CronJob":
        places.append(("spec", "jobTemplate", "metadata", "labels"))
    if (one.id.group, one.id.kind) in (("", "Service"), ("", "ReplicationController")):
        places.append(("spec", "selector"))
    if (one.id.group, one.id.kind) in (("policy", "PodDisruptionBudget"), ("networking.k8s.io", "NetworkPolicy")):
        places += [("spec", "selector", "matchLabels"), ("spec", "podSelector", "matchLabels")]
    for steps in places:
        found = one.get(*(str(step) for step in steps))
        if isinstance(found, dict):
            yield steps, found
    if one.id.kind == "StatefulSet":
        for at, claim in items(one.get("spec", "volumeClaimTemplates")):
            found = mapping(claim.get("metadata")).get("labels")
            if isinstance(found, dict):
                yield ("spec", "volumeClaimTemplates", at, "metadata", "labels"), found


def annotation_texts(side: Side, context: Context) -> Iterator[Finding]:
    """META-ANN: keys of annotations and the size of all; META-LASTAPPLIED: what client-side apply adds to them."""
    for one in side.changed:
        places: list[Steps] = [("metadata", "annotations")]
        template = TEMPLATES.get((one.id.group, one.id.kind))
        places += [(*template, "metadata", "annotations")] if template else []
        for steps in places:
            found = one.get(*(str(step) for step in steps))
            if isinstance(found, dict):
                yield from _annotation_keys(one, steps, found)
        yield from _sizes(one, context)


def _annotation_keys(one: Object, steps: Steps, found: Mapping[str, Any]) -> Iterator[Finding]:
    for key in found:
        if MARK not in str(key) and (problem := key_problem(str(key).lower())):
            text = f"the annotation key {told(key)} {problem}"
            yield _finding("META-ANN", text, one, (*steps, str(key)), str(key), _OBJECT_META)


def _sizes(one: Object, context: Context) -> Iterator[Finding]:
    found = mapping(mapping(one.content.get("metadata")).get("annotations"))
    size = sum(len(str(key).encode()) + len(str(value).encode()) for key, value in found.items())
    steps: Steps = ("metadata", "annotations")
    if size > ANNOTATIONS_SIZE:
        text = f"the annotations have {size:,} bytes; at most {ANNOTATIONS_SIZE:,} are allowed"
        yield _finding("META-ANN", text, one, steps, "", _OBJECT_META, "keep large texts in a ConfigMap")
        return
    options = context.sync.options
    if not context.by_argo_cd or options & {"ServerSideApply=true", "Replace=true"} or "sync-options" in one.text:
        return
    # The text is at most as long as the JSON where it is large enough to matter.
    if len(one.text) * 2 < ANNOTATIONS_SIZE or one.id.kind == "Secret":
        return
    stored = len(json.dumps(one.content, separators=(",", ":"), ensure_ascii=False).encode())
    if size + stored > ANNOTATIONS_SIZE:
        both = f"{size + stored:,} bytes of at most {ANNOTATIONS_SIZE:,}"
        text = f"client-side apply stores the object in an annotation: {both}"
        source = "argo-cd docs/user-guide/sync-options.md"
        yield _finding("META-LASTAPPLIED", text, one, ("metadata",), "", source, "sync it with ServerSideApply=true")


def _finding(code: str, message: str, one: Object, steps: Steps, value: str, source: str, remedy: str = "") -> Finding:
    return Finding(code, "blocked", message, one.id, steps, told(value), source, remedy)


RULES: tuple[StateRule, ...] = (names, labels, annotation_texts)
