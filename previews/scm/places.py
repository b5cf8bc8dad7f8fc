"""Which repository of a provider an address means."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from previews.scm.client import Refused

_SCP = re.compile(r"(?:[^/@:]+@)?[^/:]+:(?!/)(.+)")
_PROJECT = re.compile(r"[\w.~-]+(?:/[\w.~-]+)+")


def project_of(addresses: Iterable[str], api: str) -> str:
    """The path of the repository at its provider, such as `owner/name`: that of the first address that has one.

    What the API's address has before `/api/` is where the provider itself lies, and no part of it. Raises Refused.
    """
    prefix = urlsplit(api).path.partition("/api/")[0].strip("/") if "/api/" in f"{api}/" else ""
    for address in addresses:
        path = _path(address).removeprefix(f"{prefix}/" if prefix else "")
        if _PROJECT.fullmatch(path) and not {".", ".."} & set(path.split("/")):
            return path
    raise Refused("the address of the repository does not tell its path there; enter its web address in the settings")


def _path(address: str) -> str:
    scp = _SCP.fullmatch(address)
    if scp and "://" not in address:
        path = scp[1]
    else:
        parts = urlsplit(address)
        path = unquote(parts.path) if parts.scheme in ("https", "http", "ssh") else ""
    return path.strip("/").removesuffix(".git")
