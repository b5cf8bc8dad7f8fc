"""Syntax colours of a section's texts, worked out once for a page and, for usual texts, once for many pages."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from previews.engine.diff.colours import Token, highlight_yaml

Colours = Sequence[Sequence[Token]]

#: Texts up to this many characters stay coloured in memory: every fold that opens needs them again. With the number
#: of texts it bounds what a server process holds, to some 200 MB at the very worst and 10 MB as a rule.
_KEPT = 100_000
_TEXTS = 100


def colours(text: str) -> Colours:
    """The tokens of each line."""
    return _kept(text) if len(text) <= _KEPT else highlight_yaml(text)


@lru_cache(maxsize=_TEXTS)
def _kept(text: str) -> Colours:
    return highlight_yaml(text)
