"""Which fields of an object change, from what to what: `spec.template.spec.containers[app].image: a -> b`.

List items are matched by the keys by which Kubernetes merges them, others by what they say. The list of changes is
whole: applied to the base it gives the head.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from previews.engine.diff.lines import diff_lines
from previews.engine.diff.merge_keys import ItemKey, item_keys
from previews.engine.diff.noise import is_noise
from previews.engine.yamls import canonical

FieldState = Literal["changed", "added", "removed", "moved"]

_PLAIN_KEY = re.compile(r"[A-Za-z_][\w-]*")
# Not what could be a number or a truth value as well.
_PLAIN_PART = re.compile(r"(?!-?\d+\Z|true\Z|false\Z)[\w:.-]+")
_PLAIN_ITEM = re.compile(r"(?!-?\d+\Z|true\Z|false\Z)[\w:./-]+")
# A text that cannot be taken for another kind of value when it stands without quotes.
_PLAIN_VALUE = re.compile(r"(?!(?:true|false|null)\Z)[A-Za-z/][^\x00-\x1f\x7f\"]*")


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a list: by its merge key, or by its place at the base (at the head for one that `is_new`)."""

    key: ItemKey | None
    place: int = 0
    is_new: bool = False

    def __str__(self) -> str:
        """As it stands in brackets: `app`, `8080/TCP`, `3`, `+3`."""
        if self.key is None:
            return f"+{self.place}" if self.is_new else str(self.place)
        if len(self.key) == 1:
            return _text(self.key[0][1], _PLAIN_ITEM)
        return "/".join(_text(value, _PLAIN_PART) for _, value in self.key)


#: Names of fields, and items of lists, from the object's root.
Path = tuple[str | Item, ...]


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of an object. What is not there is None in `before` or `after`, as `state` tells.

    `place` is where an added list item stands at the head. A list that is `moved` has its items' keys in their old
    and new order, of those that were there before.
    """

    path: Path
    state: FieldState
    before: Any = None
    after: Any = None
    place: int | None = None

    @property
    def text(self) -> str:
        """The path for people. Two fields never have the same."""
        return path_text(self.path)


#: Fields that are kept of one resource, and characters of a value.
MAX_FIELDS = 200
MAX_VALUE = 300


@dataclass(frozen=True, slots=True)
class FieldLine:
    """A field change as it is told: `before` and `after` on one line, shortened, "" where there is nothing.

    `says_little`: it is a label or annotation that changes with each release.
    """

    path: str
    state: FieldState
    before: str = ""
    after: str = ""
    says_little: bool = False


@dataclass(frozen=True, slots=True)
class FieldList:
    """The fields that change in a resource: the first of `total`."""

    total: int = 0
    lines: tuple[FieldLine, ...] = ()

    @property
    def left_out(self) -> int:
        """How many are not told."""
        return self.total - len(self.lines)


NO_FIELDS = FieldList()


def field_list(base: Any, head: Any) -> FieldList:
    """The changes from one parsed object to another, as they are told: what says little last."""
    changes = sorted(field_changes(base, head), key=_says_little)
    return FieldList(len(changes), tuple(_line(change) for change in changes[:MAX_FIELDS]))


def _says_little(change: FieldChange) -> bool:
    return len(change.path) > 1 and is_noise(str(change.path[-2]), str(change.path[-1]))


def _line(change: FieldChange) -> FieldLine:
    before = "" if change.state == "added" else _value_text(change.before)
    after = "" if change.state == "removed" else _value_text(change.after)
    return FieldLine(change.text, change.state, before, after, _says_little(change))


def _value_text(value: Any) -> str:
    text = value if isinstance(value, str) and _PLAIN_VALUE.fullmatch(value) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}…"


def path_text(path: Path) -> str:
    """`spec.containers[app].image`; names that are no plain words stand in quotes: `annotations."checksum/config"`."""
    parts = [f"[{step}]" if isinstance(step, Item) else f".{_text(step, _PLAIN_KEY)}" for step in path]
    return "".join(parts).removeprefix(".")


def _text(value: str | int, plain: re.Pattern[str]) -> str:
    is_plain = isinstance(value, str) and plain.fullmatch(value)
    return str(value) if is_plain else json.dumps(value, ensure_ascii=False)


def field_changes(base: Any, head: Any) -> list[FieldChange]:
    """The changes from one parsed object to another (previews.engine.yamls.load), in the order of the fields.

    What is added or removed as a whole is one change. The order of a mapping's keys is none.
    """
    return list(_changes((), base, head))


def _changes(path: Path, base: Any, head: Any) -> Iterator[FieldChange]:
    if isinstance(base, dict) and isinstance(head, dict):
        for key in (*base, *(key for key in head if key not in base)):
            yield from _field(path, key, base, head)
    elif isinstance(base, list) and isinstance(head, list):
        yield from _list_changes(path, base, head)
    elif base is not head and canonical(base) != canonical(head):
        yield FieldChange(path, "changed", base, head)


def _field(path: Path, key: str, base: dict[str, Any], head: dict[str, Any]) -> Iterator[FieldChange]:
    if key not in head:
        yield FieldChange((*path, key), "removed", before=base[key])
    elif key not in base:
        yield FieldChange((*path, key), "added", after=head[key])
    else:
        yield from _changes((*path, key), base[key], head[key])


def _list_changes(path: Path, base: list[Any], head: list[Any]) -> Iterator[FieldChange]:
    name = path[-1] if path and isinstance(path[-1], str) else ""
    keys = item_keys(name, base, head)
    if keys is None:
        yield from _by_content(path, base, head)
    else:
        yield from _by_key(path, (keys[0], base), (keys[1], head))


_Keyed = tuple[Sequence[ItemKey], Sequence[Any]]


def _by_key(path: Path, base: _Keyed, head: _Keyed) -> Iterator[FieldChange]:
    old, new = ({repr(key): (key, item) for key, item in zip(*side, strict=True)} for side in (base, head))
    for name, (key, item) in old.items():
        here = (*path, Item(key))
        if name in new:
            yield from _changes(here, item, new[name][1])
        else:
            yield FieldChange(here, "removed", before=item)
    for place, (name, (key, item)) in enumerate(new.items()):
        if name not in old:
            yield FieldChange((*path, Item(key)), "added", after=item, place=place)
    sides = (old, new), (new, old)
    before, after = ([str(Item(key)) for name, (key, _) in one.items() if name in other] for one, other in sides)
    if before != after:
        yield FieldChange(path, "moved", before, after)


def _by_content(path: Path, base: list[Any], head: list[Any]) -> Iterator[FieldChange]:
    """Items that say the same stay; in between, one that takes the place of another like it has changed."""
    old, new = ([canonical(item) for item in side] for side in (base, head))
    for tag, i1, i2, j1, j2 in diff_lines(old, new).opcodes:
        if tag == "equal":
            continue
        both = 0
        while i1 + both < i2 and j1 + both < j2 and _is_like(base[i1 + both], head[j1 + both]):
            yield from _changes((*path, Item(None, i1 + both)), base[i1 + both], head[j1 + both])
            both += 1
        for i in range(i1 + both, i2):
            yield FieldChange((*path, Item(None, i)), "removed", before=base[i])
        for j in range(j1 + both, j2):
            yield FieldChange((*path, Item(None, j, is_new=True)), "added", after=head[j], place=j)


def _is_like(base: Any, head: Any) -> bool:
    if isinstance(base, dict) and isinstance(head, dict):
        return any(key in head and canonical(base[key]) == canonical(head[key]) for key in base)
    return isinstance(base, dict | list) == isinstance(head, dict | list)
