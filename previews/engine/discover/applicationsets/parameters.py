"""The parameters that generators make, and how Go prints, flattens and merges them.

Mirrors applicationset/utils of Argo CD (utils.go, map.go) and the flatten library that it uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from previews.engine.errors import NotRendered, RenderFailed

#: One set of parameters: flat names with goTemplate off, else a JSON object.
Parameters = dict[str, Any]

MAX_TEXT = 4 * 1024 * 1024


class TextMap(dict[str, str]):
    """Go's map[string]string, which is one value to whoever flattens."""


class TextList(list[str]):
    """Go's []string, which is one value to whoever flattens."""


def normalise(name: str) -> str:
    """A name as a DNS name (applicationset/utils SanitizeName)."""
    return re.sub(r"[^-a-z0-9.]", "-", name.lower())[:253].strip("-.")


def flatten(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Nested keys and places joined by dots, values as Go prints them; what is empty vanishes."""
    return {key: printed(value) for key, value in _leaves(parameters, "")}


def _leaves(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, (TextMap, TextList)) or not isinstance(value, (dict, list)):
        yield name, value
        return
    members = value.items() if isinstance(value, dict) else ((str(place), item) for place, item in enumerate(value))
    for key, item in members:
        yield from _leaves(item, f"{name}.{key}" if name else key)


def printed(value: Any) -> str:
    """Go's %v of a JSON value: numbers are float64, so large ones come out with an exponent."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return _printed_number(float(value))
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{printed(value[key])}' for key in sorted(value))}]"
    if isinstance(value, list):
        return f"[{' '.join(map(printed, value))}]"
    return str(value)


def _printed_number(number: float) -> str:
    """Go's %v of a float64: the fewest digits, with an exponent below 1e-4 and from 1e6 on (`1e+06`)."""
    sign, places, exponent = Decimal(repr(number)).normalize().as_tuple()
    digits = "".join(map(str, places))
    power = len(digits) - 1 + int(exponent)
    if not number or -4 <= power < 6:
        return f"{Decimal(repr(number)).normalize():f}"
    mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
    return f"{'-' * sign}{mantissa}e{power:+03d}"


def fill(value: Any, parameters: Parameters) -> Any:
    """Puts parameters into every text and key of a JSON value, as fasttemplate does.

    A tag that is no parameter, or one that is no text, stays as it is. Raises RenderFailed for a tag without an end.
    """
    if isinstance(value, str):
        return _fill_text(value, parameters)
    if isinstance(value, list):
        return [fill(item, parameters) for item in value]
    if isinstance(value, dict):
        return {_fill_text(key, parameters): fill(item, parameters) for key, item in value.items()}
    return value


def _fill_text(text: str, parameters: Parameters) -> str:
    # As in Argo CD (isTemplatedRegex), a text without a whole tag on any line is no template.
    if not any("}}" in line.partition("{{")[2] for line in text.split("\n")):
        return text
    done: list[str] = []
    size = at = 0
    while (start := text.find("{{", at)) >= 0:
        end = text.find("}}", start + 2)
        if end < 0:
            raise RenderFailed("discover", f"invalid template: {text!r} has a tag without an end")
        found = parameters.get(text[start + 2 : end].strip())
        done += text[at:start], found if isinstance(found, str) else text[start : end + 2]
        at, size = end + 2, size + len(done[-1])
        if size > MAX_TEXT:
            raise NotRendered("limit", f"a text of the set becomes longer than {MAX_TEXT:,} characters")
    return "".join(done) + text[at:]


def fill_empty(value: Any, other: Any) -> Any:
    """`value` with what is empty in it taken from `other`, mapping by mapping (mergo.Merge without override)."""
    if isinstance(value, dict) and isinstance(other, dict) and value:
        filled = dict(value)
        for key, item in other.items():
            # A RawExtension is one piece of bytes to Go.
            filled[key] = (
                fill_empty(value.get(key), item) if key != "valuesObject" or not value.get(key) else value[key]
            )
        return filled
    return value if value not in (None, "", False, 0, [], {}) else other
