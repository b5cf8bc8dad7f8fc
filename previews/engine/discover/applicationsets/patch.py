"""`templatePatch`: a strategic merge over an Application (applicationset/controllers/template/patch.go of Argo CD)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from previews.engine.errors import NotRendered, RenderFailed, YamlError
from previews.engine.fields import mapping
from previews.engine.yamls import load

# What strategicpatch.go understands as more than a field.
_DIRECTIVE = re.compile(r"\$(setElementOrder|deleteFromPrimitiveList|retainKeys)(/|$)")


def apply_patch(application: Mapping[str, Any], text: str) -> dict[str, Any]:
    """An Application with the filled `templatePatch` over it; its project stays what it was.

    Raises RenderFailed for what is no patch, NotRendered for a patch of a kind that is not evaluated.
    """
    try:
        patch = load(text)
    except YamlError as error:
        raise RenderFailed("discover", f"templatePatch: {error}") from None
    if isinstance(patch, list):
        raise NotRendered("generator", "templatePatch is a JSON patch, which is not evaluated; write it as a merge")
    if patch is not None and not isinstance(patch, dict):
        raise RenderFailed("discover", "templatePatch is no mapping")
    patched = _merge(application, patch or {}, ())
    project = mapping(application, "spec").get("project")
    spec = {key: item for key, item in mapping(patched, "spec").items() if key != "project"}
    return {**patched, "spec": spec | ({"project": project} if project is not None else {})}


def _merge(value: Mapping[str, Any], patch: Mapping[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    directive = patch.get("$patch")
    if directive == "replace":
        return {key: item for key, item in patch.items() if key != "$patch"}
    if directive == "delete":
        return {}
    merged = dict(value)
    for key, item in patch.items():
        if _DIRECTIVE.match(key):
            raise NotRendered("generator", f"templatePatch uses {key.partition('/')[0]}, which is not evaluated")
        if key == "$patch":
            continue
        if item is None:
            merged.pop(key, None)
        elif isinstance(item, dict) and isinstance(merged.get(key), dict):
            merged[key] = _merge(merged[key], item, (*_inside(path, key), key))
        elif isinstance(item, list) and isinstance(merged.get(key), list):
            merged[key] = _merge_list(merged[key], item, (*_inside(path, key), key))
        else:
            merged[key] = item
    return merged


def _inside(path: tuple[str, ...], key: str) -> tuple[str, ...]:
    """The path to a field. Raises RenderFailed inside valuesObject, whose fields Kubernetes' patch has no type for."""
    if "valuesObject" in path:
        raise RenderFailed(
            "discover",
            f"templatePatch: Argo CD cannot merge {key} inside valuesObject, which the template sets as well"
            f' (unable to find api field in struct RawExtension for the json field "{key}")',
        )
    return path


def _merge_list(value: list[Any], patch: list[Any], path: tuple[str, ...]) -> list[Any]:
    """Lists of an Application are replaced; finalizers alone carry a merge strategy (ObjectMeta)."""
    if path == ("metadata", "finalizers"):
        return [*value, *(item for item in patch if item not in value)]
    return patch
