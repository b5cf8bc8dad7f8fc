"""Quantities of resources: apimachinery pkg/api/resource/quantity.go, and what pods may ask for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from previews.engine.predict.context import Context
from previews.engine.predict.findings import Finding, StateRule, Steps, told
from previews.engine.predict.objects import Object, Side
from previews.engine.predict.pods import mapping, pods
from previews.engine.render.unstable import MARK

_QUANTITY = re.compile(r"([+-]?)(\d{1,60}(?:\.\d{0,60})?|\.\d{1,60})([eE][+-]?\d{1,3}|[KMGTPE]i|[numkMGTPE]?)")
_POWERS = {
    **{"": Decimal(1), "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "k": Decimal(10**3)},
    **{"M": Decimal(10**6), "G": Decimal(10**9), "T": Decimal(10**12), "P": Decimal(10**15), "E": Decimal(10**18)},
    **{f"{letter}i": Decimal(1024 ** (power + 1)) for power, letter in enumerate("KMGTPE")},
}
_SOURCE = "pkg/apis/core/validation ValidateResourceRequirements"


def quantity(value: Any) -> Decimal | None:
    """A quantity as a number, None for what is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    found = _QUANTITY.fullmatch(str(value))
    if not found:
        return None
    sign, digits, suffix = found.groups()
    power = (
        Decimal(f"1{suffix}") if suffix[:1] in ("e", "E") and len(suffix) > 1 and suffix[1] != "i" else _POWERS[suffix]
    )
    number = Decimal(digits) * power
    return -number if sign == "-" else number


def requirements(side: Side, _: Context) -> Iterator[Finding]:
    """QTY: each quantity can be read and is not below 0, and no request is above its limit."""
    for pod in pods(side.changed):
        for steps, container in pod.containers():
            asked = mapping(container.get("resources"))
            here = (*steps, "resources")
            requests, limits = mapping(asked.get("requests")), mapping(asked.get("limits"))
            for field, found in (("requests", requests), ("limits", limits)):
                yield from _readable(pod.object, (*here, field), found)
            yield from _within(pod.object, here, requests, limits)
    for one in side.changed:
        if one.id.kind == "PersistentVolumeClaim":
            steps = ("spec", "resources", "requests")
            yield from _readable(one, steps, mapping(one.get(*steps)))


def _readable(one: Object, steps: Steps, found: Mapping[str, Any]) -> Iterator[Finding]:
    for name, value in found.items():
        if isinstance(value, bool | dict | list) or value is None or MARK in str(value):
            continue
        number = quantity(value)
        if number is None:
            text = f"{told(value)} is no quantity: a number with one of m k M G T P E, or Ki Mi Gi Ti Pi Ei"
            yield Finding("QTY", "blocked", text, one.id, (*steps, name), told(value), "apimachinery pkg/api/resource")
        elif number < 0:
            text = f"{name} is {told(value)}, and may not be below 0"
            yield Finding("QTY", "blocked", text, one.id, (*steps, name), told(value), _SOURCE)


def _within(one: Object, steps: Steps, requests: Mapping[str, Any], limits: Mapping[str, Any]) -> Iterator[Finding]:
    for name, value in requests.items():
        asked, most = quantity(value), quantity(limits.get(name))
        here = (*steps, "requests", name)
        if asked is None:
            continue
        if most is not None and asked > most:
            text = f"{name}: {told(value)} is requested, and the limit is {told(limits[name])}"
            yield Finding(
                "QTY", "blocked", text, one.id, here, told(value), _SOURCE, "raise the limit, or ask for less"
            )
        elif most is not None and asked != most and not _overcommits(name):
            text = f"{name}: request {told(value)} and limit {told(limits[name])} must be the same"
            yield Finding("QTY", "blocked", text, one.id, here, told(value), _SOURCE)
        elif most is None and name not in limits and not _overcommits(name):
            text = f"{name} is requested without a limit, which it needs"
            yield Finding("QTY", "blocked", text, one.id, here, told(value), _SOURCE)


def _overcommits(name: str) -> bool:
    """Whether a resource may be asked for with less than its limit: those of Kubernetes itself, but huge pages."""
    is_native = "/" not in name or "kubernetes.io/" in name.rpartition("/")[0] + "/"
    return is_native and not name.startswith("hugepages-")


RULES: tuple[StateRule, ...] = (requirements,)
