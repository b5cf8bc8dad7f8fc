"""Pairs the instances of two fleets and finds, by content alone, which of them have to be rendered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from previews.engine.applications import Instance
from previews.engine.cells import Cause, ValueState
from previews.engine.discover.fleet import Fleet
from previews.engine.errors import AstrolabeError, NotRendered, RenderFailed
from previews.engine.render.requests import RenderRequest
from previews.engine.resolve import Resolution, Resolver
from previews.engine.yamls import canonical

Problem = RenderFailed | NotRendered


@dataclass(frozen=True)
class PlannedCell:
    """An instance that may change. `base_key` and `head_key` are render keys, "" where a side has a problem or is not.

    `values` are the YAML texts of both sides, unmasked; `moved` are causes that may have moved the manifest.
    """

    base: Instance | None
    head: Instance | None
    value: ValueState
    values: tuple[str, str]
    base_key: str
    head_key: str
    base_problem: Problem | None
    head_problem: Problem | None
    moved: tuple[Cause, ...]
    retargeted: bool
    pinned: bool

    @property
    def needs_rendering(self) -> bool:
        """Whether the two sides could give different manifests."""
        return self.base_key != self.head_key


@dataclass(frozen=True)
class Plan:
    """What a preview has to look at: the cells that may change, and a request for each key to be known."""

    cells: tuple[PlannedCell, ...]
    requests: Mapping[str, RenderRequest]
    instances: int
    unchanged: int
    unchanged_problems: Mapping[tuple[str, str], Problem] = field(default_factory=dict)


def make_plan(base: Fleet, head: Fleet, base_resolver: Resolver, head_resolver: Resolver) -> Plan:
    """Compares two fleets. What has the same fingerprint on both sides is unchanged without looking further."""
    left = {(item.cluster, item.application): item for item in base.instances}
    right = {(item.cluster, item.application): item for item in head.instances}
    cells: list[PlannedCell] = []
    requests: dict[str, RenderRequest] = {}
    unchanged = 0
    places = sorted(left.keys() | right.keys())
    for place in places:
        before, after = left.get(place), right.get(place)
        if before and after and _same(before, after, base_resolver, head_resolver):
            unchanged += 1
            continue
        cell, wanted = _plan_cell(before, after, base_resolver, head_resolver, base, head)
        if cell is None:
            unchanged += 1
            continue
        cells.append(cell)
        requests.update(wanted)
    return Plan(tuple(cells), requests, len(places), unchanged)


def _same(before: Instance, after: Instance, base: Resolver, head: Resolver) -> bool:
    try:
        return base.fingerprint(before) == head.fingerprint(after)
    except (RenderFailed, NotRendered):
        return False


def _plan_cell(
    before: Instance | None, after: Instance | None, base: Resolver, head: Resolver, base_fleet: Fleet, head_fleet: Fleet
) -> tuple[PlannedCell | None, dict[str, RenderRequest]]:
    old = _resolve(before, base)
    new = _resolve(after, head)
    if before and not after:
        new = _broken_parent(before, head_fleet)
    if after and not before:
        old = _broken_parent(after, base_fleet)
    value = _value_state(before, after, old, new)
    retargeted = bool(before and after and before.definition.target != after.definition.target)
    keys = [side.request.key if isinstance(side, Resolution) else "" for side in (old, new)]
    problems = [side if isinstance(side, (RenderFailed, NotRendered)) else None for side in (old, new)]
    same_problem = all(problems) and str(problems[0]) == str(problems[1])
    if before and after and value == "unchanged" and not retargeted and keys[0] == keys[1] and not any(problems):
        return None, {}
    # A parent that is broken hides its children: they are there, and nobody knows how.
    hidden_before, hidden_after = (before or (after if old else None)), (after or (before if new else None))
    cell = PlannedCell(
        base=hidden_before,
        head=hidden_after,
        value=value,
        values=(_values_of(old), _values_of(new)),
        base_key=keys[0],
        head_key=keys[1],
        base_problem=problems[0],
        head_problem=problems[1],
        moved=_moved(before, after, old, new),
        retargeted=retargeted,
        pinned=bool((after and head.is_pinned(after.definition)) or (before and base.is_pinned(before.definition))),
    )
    if same_problem and value == "unchanged" and not retargeted and isinstance(problems[0], NotRendered):
        return None, {}
    sides = [side for side in (old, new) if isinstance(side, Resolution)] if keys[0] != keys[1] else []
    return cell, {side.request.key: side.request for side in sides}


def _resolve(instance: Instance | None, resolver: Resolver) -> Resolution | Problem | None:
    if instance is None:
        return None
    try:
        return resolver.resolve(instance)
    except (RenderFailed, NotRendered) as error:
        return error
    except AstrolabeError as error:
        return RenderFailed("resolve", str(error))


def _broken_parent(instance: Instance, fleet: Fleet) -> Problem | None:
    """Why an instance is not seen on a side although its parent is there: the parent could not be rendered."""
    for name in instance.origin[1:]:
        error = fleet.broken.get((instance.cluster, name))
        if error is not None:
            return RenderFailed("discover", f"{name}, which makes this application, failed: {error}")
    return None


def _value_state(
    before: Instance | None, after: Instance | None, old: Resolution | Problem | None, new: Resolution | Problem | None
) -> ValueState:
    if before is None:
        return "unchanged" if old else "added"
    if after is None:
        return "unchanged" if new else "removed"
    if isinstance(old, Resolution) and isinstance(new, Resolution):
        return "unchanged" if old.values == new.values else "changed"
    # Without a tree the files cannot be read; what the Applications themselves say still can be compared.
    return "unchanged" if _stated_values(before) == _stated_values(after) else "changed"


def _stated_values(instance: Instance) -> str:
    return repr([(source.helm, canonical(source.kustomize), canonical(source.directory)) for source in instance.definition.sources])


def _values_of(side: Resolution | Problem | None) -> str:
    return side.values_yaml if isinstance(side, Resolution) else ""


def _moved(
    before: Instance | None, after: Instance | None, old: Resolution | Problem | None, new: Resolution | Problem | None
) -> tuple[Cause, ...]:
    if before is None or after is None:
        return ()
    causes: list[Cause] = []
    if isinstance(old, Resolution) and isinstance(new, Resolution):
        checkouts = [[part.checkout.id for part in side.request.parts] for side in (old, new)]
        if checkouts[0] != checkouts[1]:
            causes.append("template")
    if before.profile != after.profile:
        causes.append("profile")
    return tuple(causes)
