"""What pods name and nobody has: ConfigMaps, Secrets, claims, service accounts and priority classes.

The API server takes such pods; the kubelet or an admission plugin does not start them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from previews.engine.manifests import ResourceId
from previews.engine.predict.context import Context
from previews.engine.predict.findings import ChangeRule, Confidence, Finding, Steps, told
from previews.engine.predict.objects import Object, Objects, Pair
from previews.engine.predict.pods import TEMPLATES, Pod, items, mapping, pods
from previews.engine.render.unstable import MARK

_SOURCE = "https://kubernetes.io/docs/concepts/configuration/ (a pod does not start without what it names)"
#: Kinds that make a Secret, and where they name it; without a name it is called as they are.
_MAKERS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("external-secrets.io", "ExternalSecret"): ("spec", "target", "name"),
    ("bitnami.com", "SealedSecret"): ("spec", "template", "metadata", "name"),
    ("cert-manager.io", "Certificate"): ("spec", "secretName"),
    ("ricoberger.de", "VaultSecret"): ("metadata", "name"),
    ("secrets.hashicorp.com", "VaultStaticSecret"): ("spec", "destination", "name"),
    ("isindir.github.com", "SopsSecret"): ("metadata", "name"),
}
#: What every namespace or cluster has.
_ALWAYS = {("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt")}
_ALWAYS |= {("PriorityClass", name) for name in ("system-cluster-critical", "system-node-critical")}
_NAMED = ("ConfigMap", "Secret", "PersistentVolumeClaim", "ServiceAccount", "PriorityClass")
#: How sure it is that what is not in the same application is nowhere: other tools make Secrets and accounts.
_SURENESS: Mapping[str, Confidence] = {"ConfigMap": "likely"}

#: A kind and a name, and the steps to where they are named.
Reference = tuple[str, str, Steps]


def missing(pair: Pair, context: Context) -> Iterator[Finding]:
    """REF-MISSING: what a pod names for the first time, or still, and the head has not (any more)."""
    made = _made(pair.head.objects)
    before = _made(pair.base.objects)
    old = {pod.object.id: {one[:2] for one in references(pod)} for pod in pods(pair.base.changed)}
    gone = {change.id.name for change in pair.changes if change.head is None and change.id.kind in _NAMED}
    for pod in pods(_asked(pair, gone)):
        known = old.get(pod.object.id, set())
        for kind, name, steps in references(pod):
            identity = _identity(kind, name, pod.object)
            if identity in pair.head.objects or identity in context.elsewhere or (kind, name) in made | _ALWAYS:
                continue
            # What was missing before is nothing new, and works somehow.
            was_there = identity in pair.base.objects or (kind, name) in before
            if (kind, name) in known and not was_there:
                continue
            text = f"its pods name the {kind} {told(name)}, which this application does not have"
            remedy = f"see that the {kind} is there before the pods are, or make it optional"
            sure: Confidence = "certain" if was_there else _SURENESS.get(kind, "possible")
            yield Finding("REF-MISSING", "warning", text, pod.object.id, steps, told(name), _SOURCE, remedy, sure)


def _asked(pair: Pair, gone: set[str]) -> Iterator[Object]:
    """The workloads that change, and those that may name what goes."""
    changing = {change.id for change in pair.changes}
    for one in pair.head.objects.of(*TEMPLATES):
        if one.id in changing or any(name in one.text for name in gone):
            yield one


def _identity(kind: str, name: str, one: Object) -> ResourceId:
    if kind == "PriorityClass":
        return ResourceId("scheduling.k8s.io", kind, "", name)
    return ResourceId("", kind, one.id.namespace, name)


def _made(objects: Objects) -> set[tuple[str, str]]:
    """The Secrets that other objects of the side make."""
    found = set()
    for one in objects.of(*_MAKERS):
        name = one.get(*_MAKERS[one.id.group, one.id.kind])
        found.add(("Secret", name if isinstance(name, str) else one.id.name))
    return found


def references(pod: Pod) -> Iterator[Reference]:
    """What a pod cannot start without."""
    spec, steps = pod.spec, (*pod.steps, "spec")
    for at, volume in items(spec.get("volumes")):
        yield from _of_volume(volume, (*steps, "volumes", at))
    for here, container in pod.containers("initContainers", "containers"):
        for at, variable in items(container.get("env")):
            found = mapping(variable.get("valueFrom"))
            for field, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
                yield from _named(kind, found.get(field), "name", (*here, "env", at, "valueFrom", field))
        for at, source in items(container.get("envFrom")):
            for field, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
                yield from _named(kind, source.get(field), "name", (*here, "envFrom", at, field))
    for field, kind in (("serviceAccountName", "ServiceAccount"), ("priorityClassName", "PriorityClass")):
        yield from _named(kind, spec, field, steps)


def _of_volume(volume: Mapping[str, Any], steps: Steps) -> Iterator[Reference]:
    yield from _named("ConfigMap", volume.get("configMap"), "name", (*steps, "configMap"))
    yield from _named("Secret", volume.get("secret"), "secretName", (*steps, "secret"))
    claim = volume.get("persistentVolumeClaim")
    yield from _named("PersistentVolumeClaim", claim, "claimName", (*steps, "persistentVolumeClaim"))
    for at, source in items(mapping(volume.get("projected")).get("sources")):
        here = (*steps, "projected", "sources", at)
        yield from _named("ConfigMap", source.get("configMap"), "name", (*here, "configMap"))
        yield from _named("Secret", source.get("secret"), "name", (*here, "secret"))


def _named(kind: str, holder: Any, field: str, steps: Steps) -> Iterator[Reference]:
    found = mapping(holder)
    name = found.get(field)
    if isinstance(name, str) and name and MARK not in name and found.get("optional") is not True:
        yield kind, name, (*steps, field)


CHANGE_RULES: tuple[ChangeRule, ...] = (missing,)
