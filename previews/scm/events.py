"""What a provider's webhook tells, in our words."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

_COMMIT = re.compile(r"[0-9a-f]{7,64}")


class Malformed(Exception):
    """A delivery that is signed, but does not say what its kind of event says."""


@dataclass(frozen=True)
class ChangeEvent:
    """A change request as the provider knows it at a time. Its head is read from Git, never from here.

    `ref` is the full name of the ref that holds the head. `merged_commit` may be short, and is "" where it is not told.
    """

    number: int
    ref: str
    title: str
    description: str
    author: str
    target_branch: str
    state: Literal["open", "closed", "merged"]
    at: datetime
    merged_commit: str = ""
    merged_at: datetime | None = None


@dataclass(frozen=True)
class PushEvent:
    """Some branch moved."""


Event = ChangeEvent | PushEvent


def is_sha256(header: str, body: bytes, secret: str) -> bool:
    """Whether a header such as `sha256=…` signs the body; a SHA-1 signature does not count."""
    kind, _, signature = header.partition("=")
    return kind == "sha256" and is_hmac(signature, body, secret)


def is_hmac(signature: str, body: bytes, secret: str) -> bool:
    """Whether a hex text is the HMAC-SHA256 of the body; compared in constant time, whatever it is."""
    wanted = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(wanted.encode(), signature.encode("utf-8", "replace"))


def number_of(content: Mapping[str, Any], key: str) -> int:
    """The number of a change request. Raises Malformed."""
    number = content.get(key)
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 2**31:
        raise Malformed(f"{key} is no number of a change request")
    return number


def time_of(content: Mapping[str, Any], key: str) -> datetime:
    """The time that stands under a key, in ISO 8601 (or as Ruby prints it: `… UTC`). Raises Malformed."""
    try:
        at = datetime.fromisoformat(text_of(content, key).replace(" UTC", "+00:00"))
    except ValueError:
        raise Malformed(f"{key} is no time") from None
    if at.tzinfo is None:
        raise Malformed(f"{key} has no time zone")
    return at


def commit_of(content: Mapping[str, Any], *path: str) -> str:
    """The commit that stands at a path of keys, "" for none or what is no commit. Raises Malformed."""
    text = text_of(content, *path, required=False).lower()
    return text if _COMMIT.fullmatch(text) else ""


def mapping_of(content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object that stands under a key. Raises Malformed."""
    value = content.get(key)
    if not isinstance(value, dict):
        raise Malformed(f"{key} is no object")
    return value


def text_of(content: Mapping[str, Any], *path: str, required: bool = True) -> str:
    """The text that stands at a path of keys, "" for none. Raises Malformed when a required one is no text."""
    value: Any = content
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, str):
        return value
    if required or value is not None:
        raise Malformed(f"{'.'.join(path)} is no text")
    return ""
