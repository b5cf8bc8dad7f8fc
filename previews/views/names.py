"""Names out of a repository, as one segment of a path."""

from __future__ import annotations

import re

_ESCAPES = {"~": "~0", "/": "~1"}
_DOTS = re.compile(r"\.{1,2}")
_EMPTY = "~2"
_DOT = "~3"


class NameConverter:
    """Any text as one segment of a path, as it is where it can be.

    A server decodes `%2F` before Django sees it, and browsers take out `.` and `..` in whatever spelling; so these are
    escaped once more, as JSON pointers do it.
    """

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        """The name that a segment means."""
        if value == _EMPTY:
            return ""
        return value.replace(_DOT, ".").replace("~1", "/").replace("~0", "~")

    def to_url(self, value: str) -> str:
        """The segment that means a name; Django percent-encodes it."""
        if not value:
            return _EMPTY
        escaped = "".join(_ESCAPES.get(char, char) for char in value)
        return escaped.replace(".", _DOT) if _DOTS.fullmatch(escaped) else escaped
