"""Addresses of bases in other repositories, as Kustomize understands them.

Mirrors api/internal/git/repospec.go of Kustomize.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs

_SCHEMES = ("ssh://", "https://", "http://", "file://")
_USER = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*@")
_GITHUB = ("github.com/", "github.com:")


@dataclass(frozen=True)
class RemoteBase:
    """A folder of another repository; an empty revision is its default branch."""

    repository: str
    revision: str
    path: str


def parse_remote(text: str) -> RemoteBase | None:
    """What an item of `resources` means when it is the address of a repository, else None.

    `//`, `.git` or `_git/` end the repository's path; without them it has two parts. `timeout` and `submodules` are
    ignored: what is not in the tree of the repository itself is not rendered.
    """
    address, _, query = text.partition("?")
    host, rest = _host(address)
    if not host:
        return None
    repository, path = _split(rest, whole=host == "file://")
    if not repository:
        return None
    asked = parse_qs(query)
    revision = (asked.get("ref") or asked.get("version") or [""])[0]
    return RemoteBase(host + repository, revision, path.lstrip("/"))


def _host(text: str) -> tuple[str, str]:
    """The part up to the repository's path, and the rest; an empty one when it is no address."""
    text = text[5:] if text[:5].lower() == "git::" else text
    scheme = next((item for item in _SCHEMES if text.lower().startswith(item)), "")
    text = text[len(scheme) :]
    found = _USER.match(text)
    user = found[0] if found else ""
    text = text[len(user) :]
    github = text.lower().startswith(_GITHUB)
    like_scp = not scheme and bool(user or github)
    if not scheme and not like_scp:
        return "", text
    if scheme == "file://":
        return scheme, user + text
    end = text.find("/")
    colon = text.find(":") if like_scp else -1
    if like_scp and (end < 0 or 0 < colon < end):
        end = colon
    host, rest = (text[: end + 1], text[end + 1 :]) if end >= 0 else (text, "")
    if github:
        return (f"{user}github.com:" if scheme == "ssh://" or user else "https://github.com/"), rest
    return (scheme + user + host if host else ""), rest


def _split(text: str, whole: bool) -> tuple[str, str]:
    """The repository's path and the one below it."""
    start, mark, rest = text.partition("_git/")
    if mark:
        name, _, path = rest.partition("/")
        return start + mark + name, path
    start, mark, rest = text.partition("//")
    if mark:
        return start, rest
    start, mark, rest = text.partition(".git")
    if mark:
        return start + mark, rest
    parts = text.split("/")
    if whole or len(parts) < 2:
        return (text if whole else ""), ""
    return "/".join(parts[:2]), "/".join(parts[2:])
