"""Whether a change can be undone by reverting it: what Git does not hold, and what the way back costs.

The rules look at the way from base to head for state that a revert does not restore. What the revert itself meets, the
same rules tell when they are asked about the way back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

from previews.engine.hooks import hook_types, is_perhaps_hook, sync_options_of
from previews.engine.predict.context import Context
from previews.engine.predict.findings import Confidence, Finding, Severity, Steps, told
from previews.engine.predict.objects import Object, Pair
from previews.engine.predict.served import REMOVALS
from previews.engine.predict.sync_plan import Step
from previews.engine.render.unstable import MARK

#: How a change is undone, the easiest first. `reversible-restart`: pods restart once more. `manual`: somebody has to do
#: something by hand. `irreversible`: Git does not hold what was.
RollbackClass = Literal["reversible", "reversible-restart", "manual", "irreversible"]
CLASSES: tuple[RollbackClass, ...] = ("reversible", "reversible-restart", "manual", "irreversible")

_SEVERITY: Mapping[RollbackClass, Severity] = {"manual": "warning", "irreversible": "irreversible"}
_MIGRATES = re.compile(
    r"migrat|flyway|liquibase|alembic|rails\s+db|\bdb:|goose|prisma|\bsql|sequelize|atlas", re.IGNORECASE
)
#: An annotation by which authors say that running a Job again, or backwards, does no harm.
_SAFE = "astrolabe.io/rollback"
_CORE, _APPS = "", "apps"
_OWNERS = {
    ("bitnami.com", "SealedSecret"): "the Secret that it unseals",
    ("external-secrets.io", "ExternalSecret"): "the Secret that it fetches",
    ("cert-manager.io", "Certificate"): "the certificate's Secret, which is then issued anew",
}
_WEBHOOKS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")
_MOVING_TAG = re.compile(r"(?:latest|main|master|stable|edge|nightly|dev|develop|staging|prod|production|v?\d+)\Z")

Rule = Callable[[Pair, Context], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Rollback:
    """How the change is undone, and why not more easily.

    `point_of_no_return` is the first step of the sync after which more than a revert is needed, None where there is
    none, or nobody knows.
    """

    kind: RollbackClass = "reversible"
    reasons: tuple[Finding, ...] = ()
    point_of_no_return: Step | None = None


#: Nothing but a revert is needed.
UNDONE = Rollback()


def rollback(
    pair: Pair,
    context: Context,
    said: Iterable[Finding],
    back: Iterable[Finding],
    restarts: bool,
    plan: Iterable[Step],
) -> Rollback:
    """The class of a change.

    `said` is what is found on the way, `back` what the way back brings; `restarts` tells whether that restarts pods.
    """
    reasons = [*chain.from_iterable(rule(pair, context) for rule in RULES), *_stale(said), *_blocked_back(back)]
    kinds = [kind_of(one) for one in reasons if counts(one)]
    default: RollbackClass = "reversible-restart" if restarts else "reversible"
    kind = max([default, *kinds], key=CLASSES.index)
    held = {one.object for one in reasons if counts(one)}
    first = next((step for step in plan if step.object in held), None)
    return Rollback(kind, tuple(sorted(reasons, key=_weight, reverse=True)), first)


def _weight(reason: Finding) -> tuple[int, bool]:
    return CLASSES.index(kind_of(reason)), counts(reason)


def kind_of(reason: Finding) -> RollbackClass:
    """What a reason makes of the change."""
    return "irreversible" if reason.severity == "irreversible" else "manual"


def counts(reason: Finding) -> bool:
    """Whether a reason decides. What is merely possible is told and does not, but for data that a Job may migrate."""
    return reason.confidence != "possible" or reason.code == "RB-HOOK"


def _stale(said: Iterable[Finding]) -> Iterator[Finding]:
    for one in said:
        if one.code == "STALE-CONFIG":
            text = "a revert restarts nothing either: pods that restart meanwhile hold the new configuration"
            remedy = "restart the workload by hand after the revert"
            yield Finding("RB-STALE", "warning", text, one.object, one.steps, "", "", remedy, "likely")


def _blocked_back(back: Iterable[Finding]) -> Iterator[Finding]:
    for one in back:
        if one.severity == "blocked":
            message = f"the revert is rejected: {one.message}"
            yield Finding("RB-BLOCKED", "warning", message, one.object, one.steps, one.value, one.source, one.remedy)


def _reason(
    code: str,
    kind: RollbackClass,
    message: str,
    one: Object,
    remedy: str,
    steps: Steps = (),
    confidence: Confidence = "certain",
) -> Finding:
    return Finding(code, _SEVERITY[kind], message, one.id, steps, "", "", remedy, confidence)


def _removed(pair: Pair, context: Context) -> Iterator[Object]:
    """The objects that a sync deletes."""
    if not (context.sync.prunes or context.deletes_application) or (
        context.deletes_application and not context.cascades
    ):
        return
    for change in pair.changes:
        if change.base is None or change.head is not None or change.id in context.elsewhere:
            continue
        if sync_options_of(change.base.content) & {"Prune=false", "Prune=confirm"} and not context.deletes_application:
            continue
        yield change.base


def _both(pair: Pair, *kinds: tuple[str, str]) -> Iterator[tuple[Object, Object]]:
    for change in pair.changes:
        if change.base and change.head and (change.id.group, change.id.kind) in kinds:
            yield change.base, change.head


def _deleted(pair: Pair, context: Context) -> Iterator[Finding]:
    for one in _removed(pair, context):
        kind = (one.id.group, one.id.kind)
        if kind == (_CORE, "PersistentVolumeClaim"):
            text = "the volume claim is deleted, and its data with it unless the volume's reclaim policy is Retain"
            yield _reason("RB-PVC-DEL", "irreversible", text, one, "keep it (Prune=false), or take a snapshot first")
        elif kind == (_CORE, "Namespace"):
            text = "the namespace is deleted, and everything in it, whoever made it"
            yield _reason("RB-NS-DEL", "irreversible", text, one, "keep it (Prune=false)")
        elif kind == ("apiextensions.k8s.io", "CustomResourceDefinition") and not context.deletes_application:
            text = "the kind is deleted, and every object of it in the cluster"
            yield _reason("RB-CRD-DEL", "irreversible", text, one, "keep it (Prune=false)")
        elif kind == (_CORE, "Service"):
            text = "the Service is deleted; a new one of the same name has another address, and another load balancer"
            yield _reason("RB-SVC-RECREATE", "manual", text, one, "point DNS and clients at the new address")
        elif kind in _OWNERS:
            text = f"deleting it deletes {_OWNERS[kind]}"
            yield _reason("RB-SECRET-OWNER", "manual", text, one, "see that it is made again", confidence="likely")
        if kind in ((_CORE, "Secret"), (_CORE, "PersistentVolumeClaim")) and MARK in one.text:
            text = "its content is made anew at each render, so a revert brings another one"
            yield _reason("RB-RANDOM", "irreversible", text, one, "save the content before it is deleted")


def _definitions(pair: Pair, _: Context) -> Iterator[Finding]:
    for base, head in _both(pair, ("apiextensions.k8s.io", "CustomResourceDefinition")):
        before, after = _versions(base), _versions(head)
        added = [name for name, one in after.items() if one.get("storage") is True and name not in before]
        for name in added:
            text = f"objects are stored as {name} from now on; a definition without {name} is rejected then"
            yield _reason("RB-CRD-VERSION", "manual", text, head, "migrate the stored objects back, and clean status")
        for name in before.keys() & after.keys():
            lost = sorted(_fields(before[name]) - _fields(after[name]))
            if lost:
                text = f"{name} no longer knows {_some(lost)}: the values are dropped when an object is written next"
                yield _reason("RB-CRD-PRUNE", "irreversible", text, head, "save the objects first", confidence="likely")


def _versions(one: Object) -> dict[str, Mapping[str, Any]]:
    listed = one.get("spec", "versions")
    versions = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    return {str(item.get("name")): item for item in versions}


#: Fields of a schema that are looked at: more than any real one has.
_MOST_FIELDS = 20_000


def _fields(version: Mapping[str, Any]) -> set[str]:
    schema = version.get("schema")
    root = schema.get("openAPIV3Schema") if isinstance(schema, dict) else None
    found: set[str] = set()
    waiting = [("", root)]
    while waiting and len(found) < _MOST_FIELDS:
        path, node = waiting.pop()
        if not isinstance(node, dict):
            continue
        properties = node.get("properties")
        for name, child in properties.items() if isinstance(properties, dict) else ():
            found.add(f"{path}.{name}")
            waiting.append((f"{path}.{name}", child))
        waiting += [(f"{path}[]", node[key]) for key in ("items", "additionalProperties") if key in node]
    return found


def _stateful(pair: Pair, _: Context) -> Iterator[Finding]:
    for base, head in _both(pair, (_APPS, "StatefulSet")):
        for field in ("volumeClaimTemplates", "serviceName"):
            if base.get("spec", field) != head.get("spec", field):
                text = f"spec.{field} cannot be changed in place, neither now nor by the revert"
                remedy = "delete the StatefulSet with --cascade=orphan, then sync"
                yield _reason("RB-STS-VCT", "manual", text, head, remedy, ("spec", field))
        ordered = head.get("spec", "podManagementPolicy") in (None, "OrderedReady")
        if ordered and base.get("spec", "template") != head.get("spec", "template"):
            text = "should a new pod never become ready, the revert waits for it as well (kubernetes issue 67250)"
            yield _reason("RB-STS-STUCK", "manual", text, head, "then delete that pod by hand", confidence="possible")
        before, after = base.get("spec", "replicas"), head.get("spec", "replicas")
        deletes = head.get("spec", "persistentVolumeClaimRetentionPolicy", "whenScaled") == "Delete"
        if deletes and isinstance(before, int) and isinstance(after, int) and after < before:
            text = f"{before} → {after} replicas, and whenScaled is Delete: the volumes of {before - after} are deleted"
            yield _reason("RB-STS-SCALE-DEL", "irreversible", text, head, "set whenScaled to Retain first")


def _frozen(pair: Pair, _: Context) -> Iterator[Finding]:
    for base, head in _both(pair, (_CORE, "ConfigMap"), (_CORE, "Secret")):
        if head.get("immutable") is True and base.get("immutable") is not True:
            text = "it is immutable from now on: the revert is rejected"
            yield _reason("RB-IMMUT", "manual", text, head, "delete it, then sync the revert", ("immutable",))


def _services(pair: Pair, _: Context) -> Iterator[Finding]:
    for base, head in _both(pair, (_CORE, "Service")):
        if base.get("spec", "type") == "LoadBalancer" != head.get("spec", "type"):
            text = "the load balancer is given back; the revert gets another one, with another address"
            yield _reason("RB-SVC-RECREATE", "manual", text, head, "point DNS at the new address", ("spec", "type"))


def _jobs(pair: Pair, _: Context) -> Iterator[Finding]:
    """Jobs that run in the sync: hooks in each, others when they are new."""
    changing = {change.id for change in pair.changes}
    for one in pair.head.objects.of(("batch", "Job"), (_CORE, "Pod")):
        types = hook_types(one.content) if is_perhaps_hook(one.text) else None
        runs = bool(types & {"PreSync", "Sync", "PostSync"}) if types is not None else one.id.kind == "Job"
        if not runs or one.id not in changing or _annotation(one, _SAFE) == "safe":
            continue
        migrates = _MIGRATES.search(f"{one.id.name} {_commands(one)}")
        text = (
            f"it runs, and a revert does not take back what it does ({told(migrates[0])} stands in it)"
            if migrates
            else ""
        )
        text = text or "it runs, and a revert does not take back what it does"
        remedy = f"ask its author for the way back, or say {_SAFE}: safe on it"
        yield _reason("RB-HOOK", "irreversible" if migrates else "manual", text, one, remedy, confidence="possible")


def _annotation(one: Object, name: str) -> Any:
    annotations = one.get("metadata", "annotations")
    return annotations.get(name) if isinstance(annotations, dict) else None


def _commands(one: Object) -> str:
    spec = one.get("spec", "template", "spec") or one.get("spec")
    containers = spec.get("containers") if isinstance(spec, dict) else None
    found = [item for item in containers if isinstance(item, dict)] if isinstance(containers, list) else []
    return " ".join(str(item.get(key) or "") for item in found for key in ("image", "command", "args"))[:4000]


def _images(pair: Pair, _: Context) -> Iterator[Finding]:
    for base, head in _both(
        pair, (_APPS, "Deployment"), (_APPS, "StatefulSet"), (_APPS, "DaemonSet"), ("batch", "CronJob")
    ):
        before, after = _image_list(base), _image_list(head)
        for name, image in before.items():
            if image != after.get(name, image) and _moves(image):
                text = f"the tag of {told(image)} may mean something else by the time of the revert"
                yield _reason("RB-TAG", "manual", text, head, "name images by digest", confidence="possible")


def _image_list(one: Object) -> dict[str, str]:
    spec = one.get("spec", "template", "spec") or one.get("spec", "jobTemplate", "spec", "template", "spec")
    containers = spec.get("containers") if isinstance(spec, dict) else None
    found = [item for item in containers if isinstance(item, dict)] if isinstance(containers, list) else []
    return {str(item.get("name")): item["image"] for item in found if isinstance(item.get("image"), str)}


def _moves(image: str) -> bool:
    """Whether an image is named by a tag that is moved again and again."""
    if "@" in image:
        return False
    _, colon, tag = image.rpartition("/")[2].partition(":")
    return not colon or _MOVING_TAG.match(tag) is not None


def _left_behind(pair: Pair, context: Context) -> Iterator[Finding]:
    added = [change.head for change in pair.changes if change.head and change.base is None]
    if added and not context.sync.prunes:
        text = f"the Application does not prune: a revert leaves {len(added)} new object{'s' * (len(added) > 1)} behind"
        yield _reason("RB-NOPRUNE", "manual", text, added[0], "delete them by hand, or sync with prune")
    for one in added:
        if one.id.kind in _WEBHOOKS and any(hook.get("failurePolicy") != "Ignore" for hook in _hooks(one)):
            text = "while its service does not answer, it rejects what it watches: perhaps the revert as well"
            yield _reason("RB-WEBHOOK", "manual", text, one, "delete it by hand", confidence="possible")


def _hooks(one: Object) -> list[Mapping[str, Any]]:
    listed = one.get("webhooks")
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []


def _some(names: list[str]) -> str:
    shown = ", ".join(name.removeprefix(".") for name in names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown


def _old_apis(pair: Pair, context: Context) -> Iterator[Finding]:
    """What the base uses and the next minor does not serve, where the head does no longer."""
    for base, head in ((change.base, change.head) for change in pair.changes if change.base and change.head):
        removal = REMOVALS.get((base.api_version, base.id.kind))
        if removal and base.version != head.version and removal.removed[1] <= context.kubernetes[1] + 1:
            text = f"the base uses {base.api_version}, which Kubernetes 1.{removal.removed[1]} does not serve"
            yield _reason("RB-API", "manual", text, head, "revert before the cluster is upgraded", ("apiVersion",))


RULES: tuple[Rule, ...] = (
    _deleted,
    _definitions,
    _stateful,
    _frozen,
    _services,
    _jobs,
    _images,
    _left_behind,
    _old_apis,
)
