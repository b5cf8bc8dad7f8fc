"""Where two values differ, as steps to the fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from previews.engine.predict.findings import Steps
from previews.engine.render.unstable import MARK


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that is not the same on both sides, None where it is not there. `steps` lead to it at head."""

    steps: Steps
    base: Any
    head: Any


def differences(base: Any, head: Any, steps: Steps = ()) -> Iterator[Difference]:
    """The innermost fields that differ. Items of lists are matched by name, and by place where they have none.

    Two different marks of unstable values are no difference: what stands there differs at each render.
    """
    if isinstance(base, Mapping | list) and base == head:
        return
    if isinstance(base, Mapping) and isinstance(head, Mapping):
        for key in (*head, *(one for one in base if one not in head)):
            yield from differences(base.get(key), head.get(key), (*steps, key))
    elif isinstance(base, list) and isinstance(head, list):
        yield from _items(base, head, steps)
    elif (base != head or type(base) is not type(head)) and not (_is_unstable(base) and _is_unstable(head)):
        yield Difference(steps, base, head)


def _is_unstable(value: Any) -> bool:
    return isinstance(value, str) and MARK in value


def _items(base: list[Any], head: list[Any], steps: Steps) -> Iterator[Difference]:
    named, renamed = _by_name(base), _by_name(head)
    if named is None or renamed is None:
        for place in range(max(len(base), len(head))):
            one, other = base[place : place + 1], head[place : place + 1]
            yield from differences(one[0] if one else None, other[0] if other else None, (*steps, place))
        return
    for place, (name, item) in enumerate(renamed.items()):
        yield from differences(named.get(name), item, (*steps, place))
    for name, item in named.items():
        if name not in renamed:
            yield Difference(steps, item, None)
    if [name for name in named if name in renamed] != [name for name in renamed if name in named]:
        yield Difference(steps, [*named], [*renamed])


def _by_name(items: list[Any]) -> dict[str, Any] | None:
    """The items by name, None where one has none or two have the same."""
    found = {one["name"]: one for one in items if isinstance(one, dict) and isinstance(one.get("name"), str)}
    return found if len(found) == len(items) else None
