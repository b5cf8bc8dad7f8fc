"""How many pods serve behind each Service: before the sync, in the middle of it, and after it.

A sync applies Services before workloads of the same wave and prunes before it applies (gitops-engine pkg/sync
sync_tasks.go, sync_context.go runTasks), so that for a while the new Service stands before the old pods. A pod serves
if the selector selects its labels and it has the port that targetPort names (pkg/controller/endpointslice; FindPort of
pkg/api/v1/pod).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from previews.engine.predict.context import Context
from previews.engine.predict.defaults import with_defaults
from previews.engine.predict.deletions import staying
from previews.engine.predict.objects import Object, Pair
from previews.engine.predict.rollouts import Movement
from previews.engine.predict.selectors import has_all
from previews.engine.predict.workloads import Workload, child, children, mapped

SERVICE = ("", "Service")
_WAVE = "argocd.argoproj.io/sync-wave"
Content = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Face:
    """A Service of one side with its defaults, and its ports by what its clients call them."""

    content: Content
    ports: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Epochs:
    """The pods that serve a port: `lowest` is what the rollout leaves at every moment."""

    before: int
    mid: int
    lowest: int
    after: int


@dataclass(frozen=True, slots=True)
class Served:
    """A Service on its way from base to head, None where it is not there.

    `ports` are the pods behind each port that both sides have (behind each port of the base, where the Service goes),
    by its name or number; `open_ports` are the same without the pods that are known to have another port.
    """

    base: Object | None
    head: Object | None
    ports: Mapping[str, Epochs]
    open_ports: Mapping[str, Epochs]
    behind: tuple[Movement, ...]

    @property
    def object(self) -> Object:
        """The Service at head, at base where it goes."""
        found = self.head or self.base
        assert found
        return found

    @property
    def worst(self) -> Epochs:
        """The port that most is lost of."""
        return min(self.ports.values(), key=lambda one: (min(one.mid, one.lowest, one.after), one.after))


def services(pair: Pair, context: Context, moved: list[Movement]) -> Iterator[Served]:
    """The Services that pods of known workloads were or are behind, and whose pods or way to them change."""
    stays = {one.id for one in staying(pair, context)}
    heads = {one.id: one for one in pair.head.objects.of(SERVICE)}
    heads |= {one.id: one for one in pair.base.objects.of(SERVICE) if one.id in stays}
    for before in pair.base.objects.of(SERVICE):
        after = heads.get(before.id)
        found = _served(before, after, context, moved)
        is_same = after is not None and _spec(after, context) == _spec(before, context)
        if found.behind and not (is_same and not any(_matters(one) for one in found.behind)):
            yield found


def _spec(service: Object, context: Context) -> Any:
    return with_defaults(service, context.kubernetes).get("spec")


def _matters(one: Movement) -> bool:
    return one.moves or (one.base is not None and one.head is not None and one.base.labels != one.head.labels)


def _served(before: Object, after: Object | None, context: Context, moved: list[Movement]) -> Served:
    old = _face(before, context)
    new = _face(after, context) if after else None
    here = [one for one in moved if one.one.id.namespace == before.id.namespace and one.knows_pods]
    behind = tuple(
        one
        for one in here
        if any(side and (_selected(old, side) or (new and _selected(new, side))) for side in (one.base, one.head))
    )
    ports = [name for name in old.ports if new is None or name in new.ports]
    sides = [
        {name: _epochs(old, new, name, behind, is_strict) for name in ports} if behind else {}
        for is_strict in (False, True)
    ]
    known = {name: one for name, one in sides[0].items() if one.before}
    return Served(before, after, known, sides[1], behind if known else ())


def _face(service: Object, context: Context) -> _Face:
    content = with_defaults(service, context.kubernetes)
    ports = {f"{one.get('port')}/{one.get('protocol')}": one for one in children(content, "spec", "ports")}
    return _Face(content, ports)


def _selected(service: _Face, one: Workload) -> bool:
    spec = mapped(service.content, "spec")
    selector = mapped(spec, "selector")
    return bool(selector) and spec.get("type") != "ExternalName" and has_all(selector, one.labels)


def _epochs(old: _Face, new: _Face | None, name: str, behind: tuple[Movement, ...], is_strict: bool) -> Epochs:
    parts = [_part(old, new, name, one, is_strict) for one in behind]
    return Epochs(*(sum(part[place] for part in parts) for place in range(4)))


def _part(old: _Face, new: _Face | None, name: str, one: Movement, is_strict: bool) -> tuple[int, int, int, int]:
    """What one workload gives in each epoch."""

    def serves(service: _Face | None, side: Workload | None) -> bool:
        return service is not None and side is not None and _serves(service, name, side, is_strict)

    was, will = one.replicas.before, one.replicas.after
    before = was if serves(old, one.base) else 0
    after = will if serves(new, one.head if one.change not in ("later", "refused") else one.base) else 0
    if one.change in ("created", "deleted", "renamed"):
        stays = was if one.keeps_old and serves(new, one.base) else 0
        return before, stays, min(stays, after) if one.head else stays, after
    if one.change in ("no", "later", "refused"):
        mid = was if serves(new, one.base) else 0
        return before, mid, min(mid, after), after
    is_service_first = _wave(new.content if new else None) <= _wave(one.head.content if one.head else None)
    is_old, is_new = serves(new, one.base), serves(new, one.head)
    mid = (was if is_old else 0) if is_service_first else (will if serves(old, one.head) else 0)
    return before, mid, one.rollout.minimum if is_old and is_new else min(mid, after), after


def _wave(content: Content | None) -> int:
    text = str(child(content, "metadata", "annotations", _WAVE) or "0")
    return int(text) if text.lstrip("-").isdecimal() and len(text) < 10 else 0


def _serves(service: _Face, name: str, side: Workload, is_strict: bool) -> bool:
    port = service.ports.get(name)
    if port is None or not _selected(service, side):
        return False
    target = port.get("targetPort")
    if isinstance(target, str) and not target.isdecimal():
        return any(found.get("name") == target for found in _container_ports(side))
    return not is_strict or listens(side, target) is not False


def _container_ports(one: Workload) -> list[dict[str, Any]]:
    return [port for container in one.containers for port in children(container, "ports")]


def listens(one: Workload, number: Any) -> bool | None:
    """Whether a workload's pods say that they have a port; None where they say nothing of ports."""
    ports = [port.get("containerPort") for port in _container_ports(one)]
    return number in ports or str(number) in map(str, ports) if ports else None


def annotations_of(object: Object | None) -> Mapping[str, Any]:
    """The annotations of an object."""
    return mapped(object.content, "metadata", "annotations") if object else {}
