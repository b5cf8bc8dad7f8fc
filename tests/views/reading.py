"""Pages as their readers see them, and texts to make them of."""

from __future__ import annotations

import html
import re
from collections.abc import Container


def text_of(page: str) -> str:
    """What a reader sees, without tags."""
    return html.unescape(re.sub(r"<[^>]+>", "", page))


def long_text(name: str, size: int, changed: Container[int] = ()) -> str:
    """A ConfigMap of many lines, some of which are changed."""
    lines = "".join(f"  key{line}: {'new' if line in changed else 'old'}\n" for line in range(size))
    return f"---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n{lines}"
