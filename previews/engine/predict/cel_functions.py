"""What Kubernetes' Common Expression Language has besides that of cel-python: equality, numbers, texts and lists.

Mirrors cel-go common/types (values of two types are not equal, numbers are compared by value) and ext/strings.go, and
k8s.io/apiserver pkg/cel/library lists.go. Values are those of `celpy.celtypes`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from celpy import celtypes
from celpy.evaluation import base_functions

#: Characters that a function may make of others.
_MOST = 100_000
_NUMBERS = (celtypes.IntType, celtypes.DoubleType, celtypes.UintType)
_Function = Callable[..., Any]


def _related(name: str, relation: _Function, otherwise: bool | None) -> _Function:
    """A relation that numbers of two types have as well, and that values of other types have, have not, or fail in."""
    own: _Function = base_functions[name]

    def related(left: Any, right: Any) -> Any:
        try:
            return own(left, right)
        except TypeError:
            if isinstance(left, _NUMBERS) and isinstance(right, _NUMBERS):
                return celtypes.BoolType(relation(_plain(left), _plain(right)))
            if otherwise is None:
                raise
            return celtypes.BoolType(otherwise)

    return related


def _plain(value: Any) -> int | float:
    return float(value) if isinstance(value, celtypes.DoubleType) else int(value)


def _text(value: str) -> celtypes.StringType:
    if len(value) > _MOST:
        raise ValueError("a text grows too large")
    return celtypes.StringType(value)


def _replace(value: str, old: str, new: str, count: int = -1) -> celtypes.StringType:
    if (value.count(old) + 1) * len(new) > _MOST:
        raise ValueError("a text grows too large")
    return _text(value.replace(old, new, count))


def _split(value: str, separator: str, count: int = -1) -> celtypes.ListType:
    if count in (0, 1) or not separator:
        parts = [] if count == 0 else [value] if count == 1 else list(value)
    else:
        parts = value.split(separator, count - 1 if count > 0 else -1)
    return celtypes.ListType([celtypes.StringType(one) for one in parts])


def _join(values: list[str], separator: str = "") -> celtypes.StringType:
    if sum(map(len, values)) + len(values) * len(separator) > _MOST:
        raise ValueError("a text grows too large")
    return _text(separator.join(values))


def _index(value: Any, part: Any) -> celtypes.IntType:
    if isinstance(value, str):
        return celtypes.IntType(value.find(part))
    return celtypes.IntType(value.index(part) if part in value else -1)


def _last_index(value: Any, part: Any) -> celtypes.IntType:
    if isinstance(value, str):
        return celtypes.IntType(value.rfind(part))
    return celtypes.IntType(len(value) - 1 - value[::-1].index(part) if part in value else -1)


def _substring(value: str, start: int, end: int | None = None) -> celtypes.StringType:
    last = len(value) if end is None else end
    if not 0 <= start <= last <= len(value):
        raise ValueError("out of range")
    return celtypes.StringType(value[start:last])


def _character(value: str, at: int) -> celtypes.StringType:
    return _substring(value, at, min(at + 1, len(value)))


def _in_ascii(change: Callable[[str], str]) -> Callable[[str], celtypes.StringType]:
    return lambda value: celtypes.StringType("".join(change(one) if one.isascii() else one for one in value))


#: By the names that expressions, and cel-python for operators, have for them.
FUNCTIONS: Mapping[str, _Function] = {
    "_==_": _related("_==_", operator.eq, False),
    "_!=_": _related("_!=_", operator.ne, True),
    "_<_": _related("_<_", operator.lt, None),
    "_<=_": _related("_<=_", operator.le, None),
    "_>_": _related("_>_", operator.gt, None),
    "_>=_": _related("_>=_", operator.ge, None),
    "lowerAscii": _in_ascii(str.lower),
    "upperAscii": _in_ascii(str.upper),
    "trim": lambda value: celtypes.StringType(value.strip()),
    "replace": _replace,
    "split": _split,
    "join": _join,
    "indexOf": _index,
    "lastIndexOf": _last_index,
    "substring": _substring,
    "charAt": _character,
    "isSorted": lambda values: celtypes.BoolType(all(one <= other for one, other in pairwise(values))),
    "sum": lambda values: sum(values[1:], start=values[0]) if values else celtypes.IntType(0),
    "min": min,
    "max": max,
}
