"""YAML files of a repository that must hold one mapping: values, overrides, kustomizations."""

from __future__ import annotations

from typing import Any

from previews.engine.errors import RenderFailed, Stage, YamlError
from previews.engine.trees import Tree
from previews.engine.yamls import load


def read_mapping(tree: Tree, path: str, name: str, stage: Stage) -> dict[str, Any] | None:
    """What the file at a path holds: {} when it is empty, None when there is no such file.

    Raises RenderFailed of this stage, with `name` for the file, when it holds no YAML or something else.
    """
    data = tree.read(path)
    if data is None:
        return None
    try:
        value = load(data.decode("utf-8", "replace"))
    except YamlError as error:
        raise RenderFailed(stage, f"{name}: {error}") from None
    if value is not None and not isinstance(value, dict):
        raise RenderFailed(stage, f"{name} is no YAML mapping")
    return value or {}
