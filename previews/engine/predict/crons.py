"""Cron expressions as Kubernetes reads them.

Mirrors ParseStandard of robfig/cron v3 parser.go and time.ParseDuration: five fields (minute, hour, day of month,
month, day of week), `@daily` and its like, or `@every 1h30m`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_WORDS = frozenset("@yearly @annually @monthly @weekly @daily @midnight @hourly".split())
_EVERY = "@every "
_INTEGER = re.compile(r"[-+]?0*[0-9]{1,18}")
_DURATION = re.compile(r"[-+]?(?:0|(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+)")
_LONGEST = 1000


@dataclass(frozen=True)
class _Field:
    name: str
    least: int
    most: int
    names: Mapping[str, int] = field(default_factory=dict)


_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_DAYS = "sun mon tue wed thu fri sat".split()
_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, {name: index for index, name in enumerate(_MONTHS, 1)}),
    _Field("day of week", 0, 6, {name: index for index, name in enumerate(_DAYS)}),
)


class _Wrong(Exception):
    """Says what is wrong with an expression."""


def cron_error(expression: str) -> str:
    """What is wrong with a cron expression, "" where nothing is."""
    if len(expression) > _LONGEST:
        return ""
    try:
        _parse(_without_zone(expression))
    except _Wrong as error:
        return str(error)
    return ""


def _without_zone(expression: str) -> str:
    if not expression.startswith(("TZ=", "CRON_TZ=")):
        return expression
    return expression.partition(" ")[2].strip()


def _parse(expression: str) -> None:
    if expression.startswith("@"):
        _parse_word(expression)
        return
    parts = expression.split()
    if len(parts) != len(_FIELDS):
        raise _Wrong(f"it has {len(parts)} fields, and must have exactly 5")
    for kind, part in zip(_FIELDS, parts, strict=True):
        # As the library does, empty items between commas count for nothing.
        for item in filter(None, part.split(",")):
            _parse_range(kind, item)


def _parse_word(expression: str) -> None:
    if expression in _WORDS:
        return
    if not expression.startswith(_EVERY):
        raise _Wrong(f"{expression} is none of the words it may be, such as @daily")
    if not _DURATION.fullmatch(expression.removeprefix(_EVERY)):
        raise _Wrong(f'"{expression.removeprefix(_EVERY)}" after @every is no duration such as 1h30m')


def _parse_range(kind: _Field, item: str) -> None:
    bounds, *steps = item.split("/")
    if len(steps) > 1:
        raise _Wrong(f'"{item}" in the {kind.name} has {len(steps)} slashes, and may have one')
    low, *high = bounds.split("-")
    if low in ("*", "?"):
        first, last = kind.least, kind.most
    elif len(high) > 1:
        raise _Wrong(f'"{item}" in the {kind.name} has {len(high)} hyphens, and may have one')
    else:
        first, *rest = _values(kind, [low, *high])
        last = rest[0] if rest else first
    if steps:
        # `5/15` means from 5 on.
        last = last if high else kind.most
        if _value(kind, steps[0], named=False) == 0:
            raise _Wrong(f'the step of "{item}" in the {kind.name} is 0, and must be at least 1')
    _check_bounds(kind, first, last)


def _check_bounds(kind: _Field, first: int, last: int) -> None:
    if first < kind.least:
        raise _Wrong(f"the {kind.name} is {first}, and must be at least {kind.least}")
    if last > kind.most:
        raise _Wrong(f"the {kind.name} is {last}, and may be at most {kind.most}")
    if first > last:
        raise _Wrong(f"the {kind.name} goes from {first} to {last}, and must not go backwards")


def _values(kind: _Field, items: list[str]) -> Iterator[int]:
    return (_value(kind, item, named=True) for item in items)


def _value(kind: _Field, item: str, named: bool) -> int:
    if named and item.lower() in kind.names:
        return kind.names[item.lower()]
    if not _INTEGER.fullmatch(item):
        raise _Wrong(f'"{item}" in the {kind.name} is no number')
    value = int(item)
    if value < 0:
        raise _Wrong(f"the {kind.name} has {value}, and must not be negative")
    return value
