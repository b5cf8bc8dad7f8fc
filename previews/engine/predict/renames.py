"""Objects that go and come back under another name: nothing is carried over."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from previews.engine.manifests import ResourceId
from previews.engine.predict.context import Context
from previews.engine.predict.defaults import with_defaults
from previews.engine.predict.deletions import deleted
from previews.engine.predict.findings import ChangeRule, Finding
from previews.engine.predict.objects import Object, Objects, Pair
from previews.engine.predict.restarts import sync_options
from previews.engine.predict.workloads import ROLLED, child, children, title

#: The part of a body that has to be equal for two objects to be one that was renamed.
EQUAL_PART = 0.8
#: No more pairs than these are compared.
MAX_PAIRS = 400
_SERVICE = ("", "Service")
_WORTH = {*ROLLED, _SERVICE, ("", "PersistentVolumeClaim"), ("batch", "CronJob")}
_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Rename:
    """An object that is deleted, and the one that takes its place. `part` of their bodies is equal."""

    base: Object
    head: Object
    part: float


def renames(pair: Pair, context: Context) -> list[Rename]:
    """What is deleted and made anew under another name, the most equal first, each object once."""
    gone = deleted(pair, context)
    old = [one.base for one in pair.changes if one.base and one.id in gone and (one.id.group, one.id.kind) in _WORTH]
    new = [one.head for one in pair.changes if one.head and not one.base and (one.id.group, one.id.kind) in _WORTH]
    pairs = [(one, other) for one in old for other in new if _are_alike(one.id, other.id)][:MAX_PAIRS]
    found = [Rename(one, other, _equal_part(one, other, context)) for one, other in pairs]
    taken: set[ResourceId] = set()
    kept = []
    for one in sorted(found, key=lambda rename: -rename.part):
        if one.part >= EQUAL_PART and not {one.base.id, one.head.id} & taken:
            taken |= {one.base.id, one.head.id}
            kept.append(one)
    return kept


def _are_alike(one: ResourceId, other: ResourceId) -> bool:
    return (one.group, one.kind, one.namespace) == (other.group, other.kind, other.namespace)


def _equal_part(one: Object, other: Object, context: Context) -> float:
    sides = [
        Counter(_leaves(with_defaults(side, context.kubernetes).get("spec"), (), one.id.name, other.id.name))
        for side in (one, other)
    ]
    most = max(side.total() for side in sides)
    return (sides[0] & sides[1]).total() / most if most else 1.0


def _leaves(value: Any, path: tuple[str, ...], old: str, new: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """The scalars of a value with their paths, the old name in them taken for the new one."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _leaves(below, (*path, str(key)), old, new)
    elif isinstance(value, list):
        for below in value:
            yield from _leaves(below, path, old, new)
    else:
        yield path, repr(value.replace(old, new) if isinstance(value, str) else value)


def keeps_both(one: Rename, context: Context) -> bool:
    """Whether the old object goes after the new one is healthy (PruneLast)."""
    return "PruneLast=true" in context.sync.options | sync_options(one.base)


def find_renames(pair: Pair, context: Context) -> Iterator[Finding]:
    """RENAMED."""
    for one in renames(pair, context):
        kind = (one.base.id.group, one.base.id.kind)
        message = f"{title(one.base.id)} is deleted and {one.head.id.name} made in its place ({one.part:.0%} equal)"
        remedy = "keep the name, or let the old one stay until the new one serves (PruneLast=true)"
        if kind in ROLLED:
            what = "after the new pods serve" if keeps_both(one, context) else "while the new ones start from none"
            message = f"{message}: the old pods go {what}"
        elif kind == _SERVICE:
            users = _users(one.base.id, pair.head.objects)
            named = f"; still named by {', '.join(users[:_SHOWN])}" if users else ""
            message = f"{message}: the old DNS name no longer resolves, and its address is another one{named}"
            remedy = "keep the old Service as well until nobody uses its name"
        elif kind == ("", "PersistentVolumeClaim"):
            message = f"{message}: the new volume is empty"
        is_run = kind == ("batch", "CronJob")
        yield Finding("RENAMED", "info" if is_run else "warning", message, one.head.id, remedy=remedy)


def _users(service: ResourceId, objects: Objects) -> list[str]:
    """The workloads of the head that name a Service as a host in a variable or an argument."""
    name, space = re.escape(service.name), re.escape(service.namespace)
    host = re.compile(rf"(?:^|[/@,=]){name}(?:\.{space}(?:\.svc[a-z.-]*)?)?(?::[0-9]+)?(?:[/,?]|$)")
    named = (one for one in objects.of(*ROLLED) if service.name in one.text)
    return [title(one.id) for one in named if any(host.search(text) for text in _arguments(one))]


def _arguments(object: Object) -> Iterator[str]:
    for container in children(object.content, "spec", "template", "spec", "containers"):
        for key in ("args", "command"):
            values = child(container, key)
            yield from (one for one in values if isinstance(one, str)) if isinstance(values, list) else ()
        yield from (one["value"] for one in children(container, "env") if isinstance(one.get("value"), str))


CHANGE_RULES: tuple[ChangeRule, ...] = (find_renames,)
