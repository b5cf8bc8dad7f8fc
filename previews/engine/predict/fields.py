"""How rules read what strangers wrote: a field of a wrong type is the schema's finding, so here it is as if absent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from previews.engine.predict.objects import Object, Side
from previews.engine.render.unstable import MARK


def changed(side: Side, *kinds: tuple[str, str]) -> Iterator[Object]:
    """The changed objects of any of these (group, kind)."""
    return (one for one in side.changed if (one.id.group, one.id.kind) in kinds)


def sequence(value: Any) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def text(value: Any) -> str:
    """The value if it is a text, else "". Go has no other text for an absent one either."""
    return value if isinstance(value, str) else ""


def number(value: Any) -> int | None:
    """The value if it is an integer that Go can hold, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63 else None


def is_unstable(*values: Any) -> bool:
    """Whether one of the values is not the same at every render, so that nothing can be said of it."""
    return any(isinstance(value, str) and MARK in value for value in values)
