"""Differences that rules hide: the fields that `ignoreDifferences` takes out of an object before it is compared.

Mirrors util/argo/normalizers/diff_normalizer.go: rules apply in order, each to what the one before has left.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from previews.engine.config import Ignore
from previews.engine.yamls import canonical, dump, load

#: Keys and indices from an object's root to a field.
Path = tuple[str | int, ...]
#: The fields that each rule took out, in order; indices are those at the time.
Steps = tuple[tuple[Path, ...], ...]
#: The paths that a jq expression chooses in a JSON value. Raises BadExpression.
FindPaths = Callable[[str, Any], list[Any]]


class BadExpression(Exception):
    """A jq expression that cannot be used, and why, for people."""


def no_paths(expression: str, value: Any) -> list[Any]:
    """Stands for jq where there is nobody to ask."""
    raise BadExpression("jq is not evaluated here")


@dataclass(frozen=True)
class Removal:
    """What rules took out of one object: the rest, the steps there, and each field's value. `problems` are for people.

    An expression that fails takes nothing away: a difference too many is honest.
    """

    rest: Any
    steps: Steps = ()
    fields: Mapping[Path, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class PairRemoval:
    """Both sides of an object without their ignored fields. `count` is how many of these fields differ."""

    base: Removal
    head: Removal
    count: int

    @property
    def is_same(self) -> bool:
        """Whether nothing else differs."""
        return canonical(self.base.rest) == canonical(self.head.rest)


def remove_from_both(
    values: tuple[Any, Any], rules: tuple[Sequence[Ignore], Sequence[Ignore]], find: FindPaths
) -> PairRemoval:
    """Takes the ignored fields out of two versions of an object, each by its own side's rules.

    A field that only one side ignores, and that is the same on the other, is left: it would look like a change.
    """
    base, head = (remove(value, rule, find) for value, rule in zip(values, rules, strict=True))
    if base.fields.keys() != head.fields.keys():
        mine, theirs = base, head
        base = _without_lonely(mine, values[0], theirs, values[1])
        head = _without_lonely(theirs, values[1], mine, values[0])
    both = base.fields.keys() | head.fields.keys()
    return PairRemoval(base, head, sum(_differs(base.fields, head.fields, path) for path in both))


def _differs(left: Mapping[Path, Any], right: Mapping[Path, Any], path: Path) -> bool:
    return path not in left or path not in right or canonical(left[path]) != canonical(right[path])


def _without_lonely(removal: Removal, value: Any, others: Removal, other: Any) -> Removal:
    lonely = {
        path
        for path, field in removal.fields.items()
        if path not in others.fields and _has(other, path) and canonical(_at(other, path)) == canonical(field)
    }
    if not lonely:
        return removal
    left = (tuple(path for path in step if path not in lonely) for step in removal.steps)
    steps = tuple(step for step in left if step)
    kept = {path: field for path, field in removal.fields.items() if path not in lonely}
    return Removal(_apply(copy.deepcopy(value), steps), steps, kept, removal.problems)


def remove(value: Any, rules: Sequence[Ignore], find: FindPaths) -> Removal:
    """A parsed object without the fields that rules choose. The value stays as it is."""
    rest = value
    steps: list[tuple[Path, ...]] = []
    fields: dict[Path, Any] = {}
    problems: list[str] = []
    for rule in rules:
        # What a rule chooses depends on what the ones before it have left.
        for choose in _choosers(rule, find, problems):
            paths = tuple(sorted(set(choose(rest)), key=_order, reverse=True))
            if not paths:
                continue
            rest = copy.deepcopy(value) if rest is value else rest
            fields |= {path: _at(rest, path) for path in paths}
            steps.append(paths)
            _apply(rest, (paths,))
    return Removal(rest, tuple(steps), fields, tuple(problems))


def _choosers(rule: Ignore, find: FindPaths, problems: list[str]) -> Iterator[Callable[[Any], list[Path]]]:
    """For each pointer, then each jq expression of a rule: the paths that it chooses in a value."""

    def by_pointer(parts: list[str]) -> Callable[[Any], list[Path]]:
        return lambda rest: _concrete(rest, parts)

    def by_jq(expression: str) -> Callable[[Any], list[Path]]:
        def choose(rest: Any) -> list[Path]:
            try:
                found = find(expression, rest)
            except BadExpression as error:
                problems.append(f"ignoreDifferences: {expression} hides nothing: {error}")
                return []
            return [path for parts in found if isinstance(parts, list) for path in _concrete(rest, parts)]

        return choose

    for pointer in rule.paths:
        yield by_pointer([part.replace("~1", "/").replace("~0", "~") for part in pointer.lstrip("/").split("/")])
    for expression in rule.jq:
        yield by_jq(expression)


def _concrete(value: Any, parts: Sequence[Any]) -> list[Path]:
    """The path as it is in the value; none where it leads nowhere, several for a slice of jq."""
    paths: list[Path] = [()]
    for part in parts:
        paths = [(*path, key) for path in paths for key in _keys(_at(value, path), part)]
    return [path for path in paths if path]


def _keys(value: Any, part: Any) -> list[str | int]:
    if isinstance(value, dict):
        return [part] if isinstance(part, str) and part in value else []
    if not isinstance(value, list):
        return []
    if isinstance(part, dict):
        return list(range(len(value))[part.get("start") : part.get("end")])
    number = int(part) if isinstance(part, str) and part.isascii() and part.isdigit() else part
    if not isinstance(number, int) or not -len(value) <= number < len(value):
        return []
    return [number % len(value)]


def _at(value: Any, path: Path) -> Any:
    for part in path:
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return None
    return value


def _has(value: Any, path: Path) -> bool:
    parent = _at(value, path[:-1])
    return (
        path[-1] in parent if isinstance(parent, dict) else isinstance(parent, list) and path[-1] in range(len(parent))
    )


def _order(path: Path) -> list[tuple[bool, Any]]:
    return [(isinstance(part, str), part) for part in path]


def _apply(value: Any, steps: Steps) -> Any:
    """The value, changed, without the fields; parents that are empty by it go as well, as removeEmptyObjects has it."""
    for step in steps:
        for path in step:
            for end in range(len(path), 0, -1):
                parent = _at(value, path[: end - 1])
                if isinstance(parent, dict):
                    parent.pop(path[end - 1], None)
                elif isinstance(parent, list) and isinstance(path[end - 1], int):
                    parent.pop(int(path[end - 1]))
                if parent or parent is None:
                    break
    return value


def steps_of(content: Sequence[Sequence[Sequence[str | int]]]) -> Steps:
    """Steps out of their JSON, which knows no tuples."""
    return tuple(tuple(tuple(path) for path in step) for step in content)


@lru_cache(maxsize=512)
def without(text: str, steps: Steps) -> str:
    """An object's text without the fields that steps name: written anew, so without comments. Raises YamlError."""
    return dump(_apply(load(text), steps), sort_keys=False).rstrip() if steps else text
