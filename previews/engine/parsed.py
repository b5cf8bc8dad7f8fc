"""Parsed objects, kept for those who ask next: comparing and predicting look at the same ones."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from previews.engine.yamls import load

#: Characters of a text whose object is kept with many others: a large one is twenty times as large when parsed.
_SMALL = 32_000


def parsed(text: str) -> Any:
    """The first document of a YAML text, shared by all who ask: never change it. Raises YamlError."""
    return _small(text) if len(text) <= _SMALL else _large(text)


_small = lru_cache(maxsize=512)(load)
#: The two sides at hand.
_large = lru_cache(maxsize=2)(load)
