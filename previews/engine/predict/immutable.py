"""Fields that the API server does not let change: what a sync meets when it tries.

Each kind's own validation of updates in kubernetes/kubernetes pkg/apis/*/validation, pkg/registry/*/strategy.go.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from previews.engine.hooks import hook_types, is_perhaps_hook, sync_options_of
from previews.engine.predict.context import Context
from previews.engine.predict.findings import ChangeRule, Finding, Severity, told
from previews.engine.predict.objects import Object, Pair
from previews.engine.yamls import canonical

RECREATE = "delete it and sync, or sync with Force=true,Replace=true, which deletes it and makes it anew"
_ORPHAN = "delete the StatefulSet with --cascade=orphan, then sync: its pods stay"
_RENAME = "give the Job another name for each version, or make it a hook with BeforeHookCreation"

Path = tuple[str, ...]
#: Paths that may not change, by (group, kind): the validation that says so, and the paths.
_ALWAYS: Mapping[tuple[str, str], tuple[str, tuple[Path, ...]]] = {
    ("apps", "Deployment"): ("pkg/registry/apps/deployment strategy.go", (("spec", "selector"),)),
    ("apps", "DaemonSet"): ("pkg/registry/apps/daemonset strategy.go", (("spec", "selector"),)),
    ("apps", "ReplicaSet"): ("pkg/registry/apps/replicaset strategy.go", (("spec", "selector"),)),
    ("rbac.authorization.k8s.io", "RoleBinding"): ("pkg/apis/rbac/validation", (("roleRef",),)),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): ("pkg/apis/rbac/validation", (("roleRef",),)),
    ("scheduling.k8s.io", "PriorityClass"): ("pkg/apis/scheduling/validation", (("value",), ("preemptionPolicy",))),
    ("storage.k8s.io", "StorageClass"): (
        "pkg/apis/storage/validation ValidateStorageClassUpdate",
        (("parameters",), ("provisioner",), ("reclaimPolicy",), ("volumeBindingMode",)),
    ),
    ("storage.k8s.io", "CSIDriver"): (
        "pkg/apis/storage/validation ValidateCSIDriverUpdate",
        (("spec", "attachRequired"), ("spec", "volumeLifecycleModes")),
    ),
    ("node.k8s.io", "RuntimeClass"): ("pkg/apis/node/validation", (("handler",),)),
    ("networking.k8s.io", "IngressClass"): ("pkg/apis/networking/validation", (("spec", "controller"),)),
    ("discovery.k8s.io", "EndpointSlice"): ("pkg/apis/discovery/validation", (("addressType",),)),
    ("", "ResourceQuota"): ("pkg/apis/core/validation ValidateResourceQuotaUpdate", (("spec", "scopes"),)),
    ("", "Secret"): ("pkg/apis/core/validation ValidateSecretUpdate", (("type",),)),
    ("apiextensions.k8s.io", "CustomResourceDefinition"): (
        "apiextensions-apiserver validateCustomResourceDefinitionSpecUpdate",
        (("spec", "group"), ("spec", "scope"), ("spec", "names", "plural"), ("spec", "names", "kind")),
    ),
}
#: What a field is where it is left out, as far as it is asked about here (pkg/apis/*/v1/defaults.go).
_DEFAULTS: Mapping[tuple[str, str, Path], Any] = {
    ("scheduling.k8s.io", "PriorityClass", ("preemptionPolicy",)): "PreemptLowerPriority",
    ("storage.k8s.io", "StorageClass", ("reclaimPolicy",)): "Delete",
    ("storage.k8s.io", "StorageClass", ("volumeBindingMode",)): "Immediate",
    ("storage.k8s.io", "CSIDriver", ("spec", "attachRequired")): True,
    ("storage.k8s.io", "CSIDriver", ("spec", "volumeLifecycleModes")): ["Persistent"],
    ("", "Secret", ("type",)): "Opaque",
}


def immutable(pair: Pair, context: Context) -> Iterator[Finding]:
    """What cannot be changed in place, of the objects that are on both sides and are not made anew."""
    for change in pair.changes:
        base, head = change.base, change.head
        if base is None or head is None or not is_updated(head, context):
            continue
        kind = (change.id.group, change.id.kind)
        source, paths = _ALWAYS.get(kind, ("", ()))
        yield from (_frozen(head, path, source) for path in paths if _differs(base, head, path))
        special = _SPECIAL.get(kind)
        if special is not None:
            yield from special(base, head, context)


CHANGE_RULES: tuple[ChangeRule, ...] = (immutable,)


def is_updated(head: Object, context: Context) -> bool:
    """Whether a sync changes an object that is there, and does not make it anew.

    Force with Replace deletes and creates (gitops-engine pkg/sync/sync_context.go applyObject). Hooks are deleted
    before they run again, unless they say otherwise (gitops-engine hook/delete_policy.go).
    """
    own = sync_options_of(head.content) if "sync-options" in head.text else frozenset()
    if {"Force=true", "Replace=true"} <= context.sync.options | own:
        return False
    return not is_perhaps_hook(head.text) or hook_types(head.content) is None


def _frozen(
    head: Object, path: Path, source: str, remedy: str = RECREATE, severity: Severity = "blocked", why: str = ""
) -> Finding:
    message = f"{'.'.join(path)} cannot be changed in place{why}"
    return Finding("IMMUTABLE", severity, message, head.id, path, told(head.get(*path)), source, remedy)


def _differs(base: Object, head: Object, path: Path) -> bool:
    default = _DEFAULTS.get((head.id.group, head.id.kind, path))
    before, after = (default if (value := one.get(*path)) is None else value for one in (base, head))
    return _canonical(before) != _canonical(after)


def _canonical(value: Any) -> str:
    """Equal for what the server keeps as the same: empty mappings and lists are none."""
    return canonical(_bare(value))


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        bare = {key: _bare(item) for key, item in value.items()}
        return {key: item for key, item in bare.items() if item not in (None, {}, [])}
    return [_bare(item) for item in value] if isinstance(value, list) else value


_STATEFUL_MUTABLE = {
    *("replicas", "ordinals", "template", "updateStrategy", "minReadySeconds"),
    "persistentVolumeClaimRetentionPolicy",
}
_STATEFUL_DEFAULTS = {"podManagementPolicy": "OrderedReady", "revisionHistoryLimit": 10}
_STATEFUL = "pkg/apis/apps/validation ValidateStatefulSetUpdate"


def _stateful(base: Object, head: Object, context: Context) -> Iterator[Finding]:
    before, after = ({**_STATEFUL_DEFAULTS, **_spec(one)} for one in (base, head))
    for field in sorted((before.keys() | after.keys()) - _STATEFUL_MUTABLE):
        if _canonical(_claims(field, before.get(field))) == _canonical(_claims(field, after.get(field))):
            continue
        if field == "revisionHistoryLimit" and context.kubernetes >= (1, 33):
            continue
        why = _version_labels(before.get(field), after.get(field)) if field == "volumeClaimTemplates" else ""
        yield _frozen(head, ("spec", field), _STATEFUL, _ORPHAN, why=why)


def _claims(field: str, value: Any) -> Any:
    """Claim templates without what the server fills in."""
    if field != "volumeClaimTemplates" or not isinstance(value, list):
        return value
    return [_claim_template(one) if isinstance(one, dict) else one for one in value]


def _claim_template(one: Mapping[str, Any]) -> dict[str, Any]:
    spec = one.get("spec")
    kept = {key: item for key, item in one.items() if key not in ("apiVersion", "kind", "status")}
    return {**kept, "spec": {"volumeMode": "Filesystem", **(spec if isinstance(spec, dict) else {})}}


def _version_labels(before: Any, after: Any) -> str:
    """Names the usual trap: a label of claim templates that follows the chart's version."""
    texts = canonical(before), canonical(after)
    return ": a label with the chart's version stands in it" if any("helm.sh/chart" in text for text in texts) else ""


_JOB = "pkg/apis/batch/validation ValidateJobSpecUpdate"
_JOB_FROZEN = "template completionMode podFailurePolicy backoffLimitPerIndex managedBy successPolicy".split()
#: What of a pod template may change while a Job is suspended and was never started.
_DIRECTIVES = ("nodeSelector", "affinity", "tolerations", "schedulingGates")


def _job(base: Object, head: Object, _: Context) -> Iterator[Finding]:
    before, after = ({"completionMode": "NonIndexed", **_spec(one)} for one in (base, head))
    for field in _JOB_FROZEN:
        if _canonical(before.get(field)) == _canonical(after.get(field)):
            continue
        if field == "template" and before.get("suspend") is True and _only_directives(before[field], after.get(field)):
            continue
        yield _frozen(head, ("spec", field), _JOB, _RENAME)
    if after.get("selector") is not None and _canonical(before.get("selector")) != _canonical(after["selector"]):
        yield _frozen(head, ("spec", "selector"), _JOB, _RENAME)
    is_elastic = before["completionMode"] == "Indexed" and after.get("completions") == after.get("parallelism")
    if before.get("completions", 1) != after.get("completions", 1) and not is_elastic:
        yield _frozen(head, ("spec", "completions"), _JOB, _RENAME)


def _only_directives(before: Any, after: Any) -> bool:
    return _canonical(_without(before, _DIRECTIVES)) == _canonical(_without(after, _DIRECTIVES))


def _without(template: Any, fields: Collection[str]) -> Any:
    if not isinstance(template, dict) or not isinstance(template.get("spec"), dict):
        return template
    return {**template, "spec": {key: value for key, value in template["spec"].items() if key not in fields}}


_SERVICE = "pkg/apis/core/validation ValidateServiceUpdate"


def _service(base: Object, head: Object, _: Context) -> Iterator[Finding]:
    before, after = _spec(base), _spec(head)
    if "ExternalName" in (before.get("type"), after.get("type")):
        return
    old, new = before.get("clusterIP") or "", after.get("clusterIP") or ""
    if new and new != old:
        # Where none was named the cluster has given one: this may be it.
        is_known = bool(old) or new == "None"
        severity: Severity = "blocked" if is_known else "warning"
        yield _frozen(head, ("spec", "clusterIP"), _SERVICE, severity=severity)
    elif old == "None" and not new:
        text = "the Service stays headless: what is left out, the server keeps"
        yield Finding("IMMUTABLE", "warning", text, head.id, ("spec",), "", _SERVICE, RECREATE, "likely")
    both = before.get("type") == after.get("type") == "LoadBalancer"
    if both and before.get("loadBalancerClass") != after.get("loadBalancerClass"):
        yield _frozen(head, ("spec", "loadBalancerClass"), _SERVICE)
    families = [one for one in (before.get("ipFamilies"), after.get("ipFamilies")) if isinstance(one, list) and one]
    if len(families) == 2 and families[0][0] != families[1][0]:
        yield _frozen(head, ("spec", "ipFamilies"), _SERVICE)


_CLAIM = "pkg/apis/core/validation ValidatePersistentVolumeClaimUpdate"
_CLAIM_MUTABLE = {"resources", "volumeAttributesClassName"}


def _claim(base: Object, head: Object, _: Context) -> Iterator[Finding]:
    before, after = ({"volumeMode": "Filesystem", **_spec(one)} for one in (base, head))
    # What the server has chosen it keeps.
    chosen = {field for field in ("volumeName", "storageClassName") if field not in after or field not in before}
    for field in sorted((before.keys() | after.keys()) - _CLAIM_MUTABLE - chosen):
        if _canonical(before.get(field)) != _canonical(after.get(field)):
            yield _frozen(head, ("spec", field), _CLAIM, "make a claim of another name, and move the data")


_VOLUME_MUTABLE = {
    *("capacity", "accessModes", "claimRef", "persistentVolumeReclaimPolicy", "mountOptions", "storageClassName"),
    *("volumeMode", "nodeAffinity", "volumeAttributesClassName"),
}


def _volume(base: Object, head: Object, _: Context) -> Iterator[Finding]:
    before, after = ({"volumeMode": "Filesystem", **_spec(one)} for one in (base, head))
    fields = {field for field in before.keys() | after.keys() if field not in _VOLUME_MUTABLE} | {"volumeMode"}
    fields |= {"nodeAffinity"} if before.get("nodeAffinity") else set()
    for field in sorted(fields):
        if _canonical(before.get(field)) != _canonical(after.get(field)):
            source = "pkg/apis/core/validation ValidatePersistentVolumeUpdate"
            yield _frozen(head, ("spec", field), source, "make a volume of another name")


def _pod(base: Object, head: Object, _: Context) -> Iterator[Finding]:
    before, after = (_fixed_part(_spec(one)) for one in (base, head))
    if _canonical(before) != _canonical(after):
        text = "of a Pod only images, tolerations and the deadline can be changed in place"
        source = "pkg/apis/core/validation ValidatePodUpdate"
        yield Finding("IMMUTABLE", "blocked", text, head.id, ("spec",), "", source, RECREATE)


def _fixed_part(spec: Mapping[str, Any]) -> dict[str, Any]:
    free = ("activeDeadlineSeconds", "tolerations", "schedulingGates", "terminationGracePeriodSeconds")
    fixed = {key: value for key, value in spec.items() if key not in free}
    for field in ("containers", "initContainers"):
        if isinstance(fixed.get(field), list):
            fixed[field] = [
                {key: value for key, value in item.items() if key != "image"} if isinstance(item, dict) else item
                for item in fixed[field]
            ]
    return fixed


def _config(base: Object, head: Object, _: Context) -> Iterator[Finding]:
    if base.get("immutable") is not True:
        return
    source = f"pkg/apis/core/validation Validate{head.id.kind}Update"
    remedy = "give it another name for each version, and let the pods name that"
    for field in ("data", "binaryData", "stringData"):
        if _canonical(base.get(field)) != _canonical(head.get(field)):
            yield _frozen(head, (field,), source, remedy, why=": it is immutable")
    if head.get("immutable") is not True:
        yield _frozen(head, ("immutable",), source, remedy, why=": once true it stays true")


def _definition(base: Object, head: Object, _: Context) -> Iterator[Finding]:
    before, after = ({item.get("name"): item for item in _versions(one)} for one in (base, head))
    for name in sorted(str(name) for name, item in before.items() if item.get("storage") is True and name not in after):
        text = f"the version {name} is gone, and objects are stored in it"
        source = "apiextensions-apiserver ValidateCustomResourceDefinitionStoredVersions"
        remedy = "keep the version, unserved, until the objects are stored in another and status names it no more"
        yield Finding("IMMUTABLE", "blocked", text, head.id, ("spec", "versions"), name, source, remedy)


def _versions(one: Object) -> list[Mapping[str, Any]]:
    listed = one.get("spec", "versions")
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []


def _spec(one: Object) -> Mapping[str, Any]:
    found = one.get("spec")
    return found if isinstance(found, dict) else {}


_SPECIAL: Mapping[tuple[str, str], Callable[[Object, Object, Context], Iterator[Finding]]] = {
    ("apps", "StatefulSet"): _stateful,
    ("batch", "Job"): _job,
    ("", "Service"): _service,
    ("", "PersistentVolumeClaim"): _claim,
    ("", "PersistentVolume"): _volume,
    ("", "Pod"): _pod,
    ("", "ConfigMap"): _config,
    ("", "Secret"): _config,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _definition,
}
