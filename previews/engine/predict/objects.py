"""The objects of a cell, parsed when a rule asks for them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from previews.engine.errors import YamlError
from previews.engine.manifests import Resource, ResourceId
from previews.engine.parsed import parsed

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Object:
    """A Kubernetes object of one side: its identity, its version without the group, and its text.

    Values of Secrets are masked in it.
    """

    id: ResourceId
    version: str
    text: str

    @property
    def api_version(self) -> str:
        """Its apiVersion: `apps/v1`, or `v1` in the group without a name."""
        return f"{self.id.group}/{self.version}" if self.id.group else self.version

    @property
    def content(self) -> Mapping[str, Any]:
        """The parsed object, {} where the text is none. Shared by all who ask: never change it."""
        return _parse(self.text)

    def get(self, *steps: str) -> Any:
        """What stands below these keys, None where one of them is missing or leads to no mapping."""
        found: Any = self.content
        for step in steps:
            if not isinstance(found, dict):
                return None
            found = found.get(step)
        return found


def _parse(text: str) -> Mapping[str, Any]:
    try:
        found = parsed(text)
    except YamlError:
        return _NOTHING
    return found if isinstance(found, dict) else _NOTHING


class Objects:
    """All objects of one side of a cell, in the order of its manifest."""

    def __init__(self, resources: Iterable[Resource] = ()) -> None:
        """`resources` stand where a sync puts them (previews.engine.scope.placed)."""
        self._by_id = {one.id: Object(one.id, one.version, one.text) for one in resources}

    def __iter__(self) -> Iterator[Object]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, identity: object) -> bool:
        return identity in self._by_id

    def get(self, identity: ResourceId) -> Object | None:
        """The object of this identity."""
        return self._by_id.get(identity)

    def of(self, *kinds: tuple[str, str]) -> Iterator[Object]:
        """Those of any of these (group, kind), without parsing the others."""
        return (one for identity, one in self._by_id.items() if (identity.group, identity.kind) in kinds)


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a cell.

    `changed` are the objects that are not the same on the other side: rules about one object look at these alone, rules
    about several may look at all.
    """

    objects: Objects
    changed: tuple[Object, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """An object that is not the same on both sides; None where it is not there."""

    id: ResourceId
    base: Object | None
    head: Object | None


# The same only as itself, so that what follows from it can be kept under it.
@dataclass(frozen=True, eq=False)
class Pair:
    """Both sides of a cell, and what changes, in the order of the head's manifest and then the base's."""

    base: Side
    head: Side
    changes: tuple[Change, ...]

    def reversed(self) -> Pair:
        """The way back."""
        return Pair(self.head, self.base, tuple(Change(one.id, one.head, one.base) for one in self.changes))


def make_pair(
    base: Sequence[Resource], head: Sequence[Resource], changed: Collection[ResourceId] | None = None
) -> Pair:
    """Both sides from the resources of their manifests.

    Objects with equal text do not change, nor do those on both sides that are not among `changed`, if it is given.
    """
    left, right = Objects(base), Objects(head)
    found: list[Change] = []
    for one in right:
        before = left.get(one.id)
        if before is None or (before.text != one.text and (changed is None or one.id in changed)):
            found.append(Change(one.id, before, one))
    found += [Change(one.id, one, None) for one in left if one.id not in right]
    return Pair(
        Side(left, tuple(one.base for one in found if one.base)),
        Side(right, tuple(one.head for one in found if one.head)),
        tuple(found),
    )
