"""Output that differs each time: found by rendering twice, and masked, so that it never looks like a change.

Random values and clocks in templates would make a difference at every preview. What came out the same twice is never
touched.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from previews.engine.errors import YamlError
from previews.engine.manifests import Resource
from previews.engine.yamls import dump, load

#: Why a template may differ each time: not at all, by chance, or by the clock (then the renders must lie apart).
Volatility = Literal["", "random", "time"]

MARK = "⟨unstable:"
SECONDS_APART = 1.1

# The functions of sprig and Helm that are not the same twice.
_RANDOM = re.compile(
    rb"\b(randAlphaNum|randAlpha|randNumeric|randAscii|randBytes|randInt|uuidv4|shuffle|genPrivateKey|genCA\w*"
    rb"|genSelfSignedCert\w*|genSignedCert\w*|htpasswd|bcrypt|encryptAES)\b"
)
# A certificate holds times as well, but already its random key makes all of it different.
_TIME = re.compile(rb"\b(now|ago)\b")
_ACTION = re.compile(rb"\{\{.*?\}\}", re.DOTALL)


def volatility(template: bytes) -> Volatility:
    """What a template's text says of it; only what stands between braces counts."""
    if not _RANDOM.search(template) and not _TIME.search(template):
        return ""
    actions = b" ".join(_ACTION.findall(template))
    if _TIME.search(actions):
        return "time"
    return "random" if _RANDOM.search(actions) else ""


def shows_the_time(resources: Iterable[Resource], moment: datetime) -> bool:
    """Whether the output holds what could be the present time: only then is it worth waiting for the clock to move.

    Many charts ask for the time only under options that few use; waiting for each would cost minutes.
    """
    signs = (f"{moment:%Y}", f"{moment:%H:%M}", str(int(moment.timestamp()))[:6])
    return any(sign in resource.text for resource in resources for sign in signs)


def stabilise(first: Sequence[Resource], second: Sequence[Resource]) -> list[Resource]:
    """The first render with marks where the second one differs. Resources are paired in order of output."""
    if [resource.id.kind for resource in first] != [resource.id.kind for resource in second]:
        return list(first)
    return [one if one.hash == other.hash else _masked(one, other) for one, other in zip(first, second, strict=True)]


def _masked(one: Resource, other: Resource) -> Resource:
    try:
        values = load(one.text), load(other.text)
    except YamlError:
        return one
    masked = _Masking().mask(*values)
    name = masked["metadata"].get("name", "") if isinstance(masked.get("metadata"), dict) else ""
    text = dump(masked, sort_keys=False).rstrip()
    identity = replace(one.id, name=name) if str(name).startswith(MARK) else one.id
    return Resource(identity, one.version, text, hashlib.sha256(text.encode("utf-8", "replace")).hexdigest())


class _Masking:
    """Numbers the unstable values of one resource in order, equal ones alike."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def mark(self, value: Any) -> str:
        return f"{MARK}{self.numbers.setdefault(repr(value), len(self.numbers) + 1)}⟩"

    def mask(self, one: Any, other: Any) -> Any:
        if type(one) is type(other) and one == other:
            return one
        if isinstance(one, dict) and isinstance(other, dict):
            # A key that only one render has is unstable itself, and its name would be a change.
            shared = {key: self.mask(value, other[key]) for key, value in one.items() if key in other}
            return shared | ({self.mark("keys"): ""} if one.keys() != other.keys() else {})
        if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
            return [self.mask(*pair) for pair in zip(one, other, strict=True)]
        if isinstance(one, str) and isinstance(other, str) and "\n" in one:
            return self.mask_lines(one.split("\n"), other.split("\n"))
        return self.mark(one)

    def mask_lines(self, one: list[str], other: list[str]) -> str:
        """A file inside a field: only its unstable lines are masked."""
        if len(one) != len(other):
            return self.mark(one)
        pairs = zip(one, other, strict=True)
        return "\n".join(left if left == right else self.mark(left) for left, right in pairs)
