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
    old = with_defaults(before, context.kubernetes)
    new = with_defaults(after, context.kubernetes) if after else None
    here = [one for one in moved if one.one.id.namespace == before.id.namespace and one.knows_pods]
    behind = tuple(
        one
        for one in here
        if any(side and (_selected(old, side) or (new and _selected(new, side))) for side in (one.base, one.head))
    )
    ports = {name: port for name, port in _ports(old).items() if new is None or name in _ports(new)}
    sides = [
        {name: _epochs(old, new, name, behind, is_strict) for name in ports} if behind else {}
        for is_strict in (False, True)
    ]
    known = {name: one for name, one in sides[0].items() if one.before}
    return Served(before, after, known, sides[1], behind if known else ())


def _ports(service: Content) -> dict[str, dict[str, Any]]:
    """The ports of a Service by what its clients call them."""
    return {f"{one.get('port')}/{one.get('protocol')}": one for one in children(service, "spec", "ports")}


def _selected(service: Content, one: Workload) -> bool:
    selector = child(service, "spec", "selector")
    is_by_selector = isinstance(selector, dict) and selector and child(service, "spec", "type") != "ExternalName"
    return bool(is_by_selector) and has_all(selector, one.labels)


def _epochs(old: Content, new: Content | None, name: str, behind: tuple[Movement, ...], is_strict: bool) -> Epochs:
    parts = [_part(old, new, name, one, is_strict) for one in behind]
    return Epochs(*(sum(part[place] for part in parts) for place in range(4)))


def _part(old: Content, new: Content | None, name: str, one: Movement, is_strict: bool) -> tuple[int, int, int, int]:
    """What one workload gives in each epoch."""

    def serves(service: Content | None, side: Workload | None) -> bool:
        return bool(service and side) and _serves(service or {}, name, side, is_strict, one)

    was, will = one.replicas.before, one.replicas.after
    before = was if serves(old, one.base) else 0
    after = will if serves(new, one.head if one.change not in ("later", "refused") else one.base) else 0
    if one.change in ("created", "deleted", "renamed"):
        stays = was if one.keeps_old and serves(new, one.base) else 0
        return before, stays, min(stays, after) if one.head else stays, after
    if one.change in ("no", "later", "refused"):
        mid = was if serves(new, one.base) else 0
        return before, mid, min(mid, after), after
    is_service_first = _wave(new) <= _wave(one.head.content if one.head else None)
    is_old, is_new = serves(new, one.base), serves(new, one.head)
    mid = (was if is_old else 0) if is_service_first else (will if serves(old, one.head) else 0)
    return before, mid, one.rollout.minimum if is_old and is_new else min(mid, after), after


def _wave(content: Content | None) -> int:
    text = str(child(content, "metadata", "annotations", _WAVE) or "0")
    return int(text) if text.lstrip("-").isdecimal() and len(text) < 10 else 0


def _serves(service: Content, name: str, side: Workload | None, is_strict: bool, one: Movement) -> bool:
    port = _ports(service).get(name)
    if side is None or port is None or not _selected(service, side):
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
