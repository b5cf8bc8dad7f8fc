"""Which objects have a namespace, and which one Argo CD gives to those that name none.

Mirrors controller/state.go NormalizeTargetObjects: namespaced and unknown kinds without a namespace get the
destination's, cluster-scoped objects lose theirs.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from previews.engine.manifests import Manifest, Resource, ResourceId, without_duplicates
from previews.engine.trees import Tree

#: An API group and a kind.
GroupKind = tuple[str, str]

_BY_GROUP = {
    "": "ComponentStatus Namespace Node PersistentVolume",
    "admissionregistration.k8s.io": """MutatingAdmissionPolicy MutatingAdmissionPolicyBinding
        MutatingWebhookConfiguration ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding
        ValidatingWebhookConfiguration""",
    "apiextensions.k8s.io": "CustomResourceDefinition",
    "apiregistration.k8s.io": "APIService",
    "authentication.k8s.io": "SelfSubjectReview TokenReview",
    "authorization.k8s.io": "SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview",
    "certificates.k8s.io": "CertificateSigningRequest ClusterTrustBundle",
    "flowcontrol.apiserver.k8s.io": "FlowSchema PriorityLevelConfiguration",
    "internal.apiserver.k8s.io": "StorageVersion",
    "networking.k8s.io": "IPAddress IngressClass ServiceCIDR",
    "node.k8s.io": "RuntimeClass",
    "policy": "PodSecurityPolicy",
    "rbac.authorization.k8s.io": "ClusterRole ClusterRoleBinding",
    "resource.k8s.io": "DeviceClass DeviceTaintRule ResourcePoolStatusRequest ResourceSlice",
    "scheduling.k8s.io": "PriorityClass",
    "storage.k8s.io": "CSIDriver CSINode StorageClass VolumeAttachment VolumeAttributesClass",
    "storagemigration.k8s.io": "StorageVersionMigration",
}
#: The built-in kinds without a namespace (`kubectl api-resources --namespaced=false`).
CLUSTER_SCOPED: frozenset[GroupKind] = frozenset(
    (group, kind) for group, kinds in _BY_GROUP.items() for kind in kinds.split()
)

_DEFINES_KINDS = re.compile(rb"^[ \t-]*kind:[ \t]*[\"']?CustomResourceDefinition\b", re.MULTILINE)
_SEPARATOR = re.compile(rb"^---", re.MULTILINE)
_GROUP = re.compile(rb"^  group:[ \t]*[\"']?([\w.-]+)", re.MULTILINE)
_KIND = re.compile(rb"^    kind:[ \t]*[\"']?(\w+)", re.MULTILINE)
_CLUSTER = re.compile(rb"^  scope:[ \t]*[\"']?Cluster\b", re.MULTILINE)
_ENDINGS = (".yaml", ".yml", ".tpl")


def cluster_scoped_kinds(tree: Tree, known: dict[str, tuple[GroupKind, ...]]) -> frozenset[GroupKind]:
    """The kinds without a namespace that CustomResourceDefinitions in a tree's files define, templates among them.

    Read off the texts: rendering all that a preview does not touch would cost more than it tells. `known` has what
    each blob defines, and gets what is new: the trees of a preview share most of theirs.
    """
    blobs = {entry.id for path, entry in tree.walk() if entry.is_file and path.endswith(_ENDINGS)}
    for blob in blobs - known.keys():
        known[blob] = tuple(_defined_in(tree.store.blob(blob)))
    return frozenset(found for blob in blobs for found in known[blob])


def _defined_in(data: bytes) -> Iterator[GroupKind]:
    # The plain text first: the expression would walk through every line of every file.
    if b"CustomResourceDefinition" not in data or not _DEFINES_KINDS.search(data):
        return
    for document in _SEPARATOR.split(data):
        group, kind = _GROUP.search(document), _KIND.search(document)
        if group and kind and _CLUSTER.search(document) and _DEFINES_KINDS.search(document):
            yield group[1].decode(), kind[1].decode()


def placed(manifest: Manifest, namespace: str, cluster_scoped: Collection[GroupKind]) -> Manifest:
    """A manifest whose resources are where a sync puts them. `cluster_scoped` are kinds besides the built-in ones."""
    moved = tuple(_place(resource, namespace, cluster_scoped) for resource in manifest.resources)
    if moved == manifest.resources:
        return manifest
    resources, warnings = without_duplicates(moved)
    return replace(manifest, resources=resources, warnings=tuple(dict.fromkeys((*manifest.warnings, *warnings))))


def place_all(
    resources: Iterable[Resource], namespace: str, cluster_scoped: Collection[GroupKind]
) -> tuple[Resource, ...]:
    """The same for resources that are to be shown: none is left out."""
    return tuple(_place(resource, namespace, cluster_scoped) for resource in resources)


def is_definition(resource: ResourceId) -> bool:
    """Whether a resource defines a kind: a CRD."""
    return (resource.group, resource.kind) == ("apiextensions.k8s.io", "CustomResourceDefinition")


def defined_by(manifests: Iterable[Manifest]) -> frozenset[GroupKind]:
    """The kinds without a namespace that the CRDs in rendered manifests define."""
    texts = (item.text for manifest in manifests for item in manifest.resources if is_definition(item.id))
    return frozenset(kind for text in texts for kind in _defined_in(text.encode("utf-8", "replace")))


def _place(resource: Resource, namespace: str, cluster_scoped: Collection[GroupKind]) -> Resource:
    identity = resource.id
    kind = (identity.group, identity.kind)
    has_none = kind in CLUSTER_SCOPED or kind in cluster_scoped
    wanted = "" if has_none else identity.namespace or namespace
    return resource if wanted == identity.namespace else replace(resource, id=replace(identity, namespace=wanted))
