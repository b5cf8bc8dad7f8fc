"""Text from outside, made fit for a column. PostgreSQL refuses what Python and SQLite let through."""

from __future__ import annotations

import hashlib

#: Enough for every name that Kubernetes allows (253) and for long branch names; short enough for an index's page.
NAME_LENGTH = 500


def clean(text: str) -> str:
    """The text without NUL characters and lone surrogates, which neither UTF-8 nor PostgreSQL can hold."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def fit(text: str, length: int = NAME_LENGTH) -> str:
    """The text cleaned, and cut to `length` characters: a hash of the whole at its end keeps long texts apart."""
    text = clean(text)
    if len(text) <= length:
        return text
    mark = "~" + hashlib.sha256(text.encode()).hexdigest()[:12]
    return text[: length - len(mark)] + mark
