"""A folder's kustomization file, and everything in it that names another file or folder.

Mirrors api/types/kustomization.go of Kustomize.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from previews.engine.documents import read_mapping
from previews.engine.errors import RenderFailed
from previews.engine.trees import Tree

FILE_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
#: Lists whose items are kustomizations (here or in another repository) or files of resources.
BASES = ("resources", "bases", "components", "generators", "transformers", "validators")
_LISTS = ("patchesStrategicMerge", "crds", "configurations")
_WITH_PATHS = ("patches", "patchesJson6902", "replacements")
_GENERATORS = ("configMapGenerator", "secretGenerator")


def kustomization(tree: Tree, path: str) -> tuple[str, Mapping[str, Any]]:
    """The name and content of a folder's kustomization file. Raises RenderFailed when there is none or it is broken."""
    for name in FILE_NAMES:
        content = read_mapping(tree, posixpath.join(path, name), f"{path}/{name}", "resolve")
        if content is not None:
            return name, content
    raise RenderFailed("resolve", f"{path}: no kustomization file")


def bases(content: Mapping[str, Any]) -> Iterator[str]:
    """What a kustomization builds upon: files, folders, and bases elsewhere. What stands inline is left out."""
    for key in BASES:
        for item in items(content, key):
            if isinstance(item, str) and "\n" not in item:
                yield item


def files(content: Mapping[str, Any]) -> Iterator[str]:
    """The single files that a kustomization names, relative to its folder."""
    for key in _LISTS:
        yield from (item for item in items(content, key) if isinstance(item, str) and "\n" not in item)
    named = [item for key in _WITH_PATHS for item in items(content, key)]
    yield from _texts(item.get("path") for item in [*named, content.get("openapi")] if isinstance(item, dict))
    for key in _GENERATORS:
        for item in items(content, key):
            if isinstance(item, dict):
                yield from _generator_files(item)


def _generator_files(generator: Mapping[str, Any]) -> Iterator[str]:
    """Files as `path` or `key=path`, and those of variables."""
    yield from (item.partition("=")[2] or item for item in _texts(items(generator, "files")))
    yield from _texts([*items(generator, "envs"), generator.get("env")])


def plugin_files(document: Any, depth: int = 0) -> Iterator[str]:
    """The files that a built-in plugin's configuration names (a generator or transformer in a file of its own)."""
    if isinstance(document, list) and depth < 20:
        for item in document:
            yield from plugin_files(item, depth + 1)
    if not isinstance(document, dict) or depth >= 20:
        return
    yield from _texts([document.get("path"), *items(document, "paths")])
    yield from _generator_files(document)
    for key, value in document.items():
        if key not in ("fieldSpecs", "metadata", "fieldPaths"):
            yield from plugin_files(value, depth + 1)


def _texts(values: Any) -> Iterator[str]:
    yield from (value for value in values if isinstance(value, str) and value and "\n" not in value)


def items(content: Mapping[str, Any], key: str) -> list[Any]:
    """The list at a key; an empty one where there is none, or something else."""
    value = content.get(key)
    return value if isinstance(value, list) else []
