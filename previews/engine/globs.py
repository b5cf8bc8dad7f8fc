"""Patterns of paths: `*` and `?` stay inside a folder, `**` crosses folders, `{a,b}` chooses, `{cluster}` captures."""

from __future__ import annotations

import re
from functools import lru_cache

_PIECE = re.compile(r"\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\]|\{[^{}]*\}|.", re.DOTALL)


@lru_cache(maxsize=1024)
def compile_glob(pattern: str) -> re.Pattern[str]:
    """A regular expression for a whole path, with a named group for each `{name}` that stands alone in braces.

    A name that stands twice must match the same text.
    """
    seen: set[str] = set()
    return re.compile("".join(_translate(piece, seen) for piece in _PIECE.findall(pattern)) + r"\Z", re.DOTALL)


def _translate(piece: str, seen: set[str]) -> str:
    if piece == "**/":
        return "(?:.*/)?"
    if piece in ("**", "*", "?"):
        return {"**": ".*", "*": "[^/]*", "?": "[^/]"}[piece]
    if piece.startswith("[") and len(piece) > 2:
        inside = piece[1:-1].replace("\\", "\\\\").replace("[", "\\[")
        return f"[^{inside[1:]}]" if inside.startswith("!") else f"[{inside}]"
    if not piece.startswith("{") or len(piece) < 3:
        return re.escape(piece)
    name = piece[1:-1]
    if "," in name:
        return "(?:" + "|".join(re.escape(choice) for choice in name.split(",")) + ")"
    if not name.isidentifier():
        return re.escape(piece)
    if name in seen:
        return f"(?P={name})"
    seen.add(name)
    return f"(?P<{name}>[^/]+)"


def capture(pattern: str, path: str) -> dict[str, str] | None:
    """What the names in braces stand for when the pattern matches the whole path, else None."""
    found = compile_glob(pattern).match(path)
    return found.groupdict() if found else None


def fill(text: str, names: dict[str, str]) -> str:
    """Puts captured names in: `values-{cluster}.yaml` with cluster seoul-1 is `values-seoul-1.yaml`."""
    for name, value in names.items():
        text = text.replace("{" + name + "}", value)
    return text
