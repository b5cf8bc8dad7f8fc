"""What the operator lets a preview reach outside its repository, parsed once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from previews.engine.errors import BadInput
from previews.engine.git import Mirror
from previews.engine.remote.hosts import Hosts
from previews.engine.remote.web import FETCH_SECONDS, Credential

_GIT_SETTING = "ASTROLABE_GIT_HOSTS"
_KEYS = ("aliases", "credentials")
_CREDENTIAL_KEYS = ("password", "token", "username")


def _nothing(_: str) -> Mirror | None:
    return None


@dataclass(frozen=True, repr=False)
class Reach:
    """Nothing, unless it is given.

    `aliases` are addresses of Helm repositories by the name that Argo CD knows them by. `registered` gives the mirror
    of a repository that this installation has, by its normalised address. `seconds` is how long one fetch may take.
    """

    chart_hosts: Hosts = field(default_factory=Hosts)
    git_hosts: Hosts = field(default_factory=lambda: Hosts(setting=_GIT_SETTING))
    credentials: Mapping[str, Credential] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    registered: Callable[[str], Mirror | None] = _nothing
    seconds: float = FETCH_SECONDS


def make_reach(
    chart_hosts: Sequence[str],
    git_hosts: Sequence[str],
    remotes: str,
    registered: Callable[[str], Mirror | None] = _nothing,
) -> Reach:
    """A reach out of the settings. `remotes` is the path of a JSON file, "" for none (docs/operations.md).

    Raises BadInput for a wrong setting, without a word of what stands in the file.
    """
    content = _read(remotes) if remotes else {}
    return Reach(
        Hosts(chart_hosts),
        Hosts(git_hosts, _GIT_SETTING),
        {host.lower(): _credential(host, item) for host, item in content.get("credentials", {}).items()},
        {name: str(address) for name, address in content.get("aliases", {}).items()},
        registered,
    )


def _read(path: str) -> dict[str, dict[str, Any]]:
    try:
        content = json.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise BadInput(f"ASTROLABE_REMOTES: {path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise BadInput(f"ASTROLABE_REMOTES: {path} is no JSON") from None
    if isinstance(content, dict) and set(content) <= set(_KEYS):
        parts = {key: part for key, part in content.items() if isinstance(part, dict)}
        if len(parts) == len(content):
            return parts
    raise BadInput(f"ASTROLABE_REMOTES: {path} must be an object with {' and '.join(_KEYS)}, each an object")


def _credential(host: str, item: Any) -> Credential:
    usable = isinstance(item, dict) and set(item) <= set(_CREDENTIAL_KEYS)
    if not usable or not all(isinstance(value, str) and value.isprintable() for value in item.values()):
        names = " and ".join(_CREDENTIAL_KEYS)
        raise BadInput(f"ASTROLABE_REMOTES: credentials of {host} must be an object of texts: {names}")
    return Credential(**item)
