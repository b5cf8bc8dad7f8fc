"""Programs of the operator's that render in place of what Astrolabe brings along."""

from __future__ import annotations

import shutil
from pathlib import Path

from previews.engine.errors import BadInput


def program(variable: str, named: str) -> Path | None:
    """The program that a setting names, None when it names none. Raises BadInput when it is not there."""
    if not named:
        return None
    found = shutil.which(named)
    if not found:
        raise BadInput(f"{variable}: there is no program {named}")
    return Path(found).resolve()


def programs(variable: str, text: str) -> dict[str, Path]:
    """Programs by version out of `3.16=/usr/local/bin/helm-3.16,…`. Raises BadInput."""
    found: dict[str, Path] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        version, equals, named = item.partition("=")
        path = program(variable, named.strip())
        if not equals or not version.strip() or path is None:
            raise BadInput(f"{variable}: {item!r} must be version=program, for example 3.16=/usr/local/bin/helm-3.16")
        found[version.strip()] = path
    return found
