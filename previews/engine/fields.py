"""Reads the fields of objects that strangers wrote: a field of another shape is an error, as it is to Kubernetes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from previews.engine.errors import RenderFailed


def mapping(value: Any, key: str) -> dict[str, Any]:
    """A field that is a mapping; empty when it is not there, or when `value` has no fields. Raises RenderFailed."""
    found = value.get(key) if isinstance(value, dict) else None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise RenderFailed("discover", f"{key} is no mapping")
    return found


def items(value: Mapping[str, Any], key: str) -> list[Any]:
    """A field that is a list; empty when it is not there. Raises RenderFailed."""
    found = value.get(key)
    if found is None:
        return []
    if not isinstance(found, list):
        raise RenderFailed("discover", f"{key} is no list")
    return found


def mappings(value: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """A field that is a list of mappings; empty when it is not there. Raises RenderFailed."""
    found = items(value, key)
    if not all(isinstance(item, dict) for item in found):
        raise RenderFailed("discover", f"{key} is no list of mappings")
    return found
