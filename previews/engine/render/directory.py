"""Plain YAML, JSON and Jsonnet: which files of a folder Argo CD applies. Mirrors repository.go findManifests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from previews.engine.applications import Source
from previews.engine.errors import NotRendered, RenderFailed
from previews.engine.render.charts import tree_files
from previews.engine.render.plugins import Plugin, imported, jsonnet_part
from previews.engine.render.requests import Part, make_checkout
from previews.engine.trees import Tree, clean_path

MAX_BYTES = 10 * 1024 * 1024
SKIP_MARKER = b"+argocd:skip-file-rendering"
_ENDINGS = (".yaml", ".yml", ".json", ".jsonnet")


def parts(
    tree: Tree, source: Source, jsonnet: Plugin | None, environment: Mapping[str, str], evaluates: bool = True
) -> list[Part]:
    """What to render for a directory source: its plain files, and its Jsonnet by the operator's command.

    Without `evaluates` (argocd-cm's jsonnet.enable) Argo CD passes Jsonnet over, and so do we.

    Raises NotRendered for Jsonnet without a command, RenderFailed past MAX_BYTES.
    """
    files = dict(chosen(tree, source.path, source.directory or {}))
    evaluated = jsonnet_files(files)
    if evaluated and evaluates and jsonnet is None:
        raise NotRendered("plugin", f"{evaluated[0]} is Jsonnet, which Astrolabe does not evaluate")
    found = [_plain(tree, source, {name: blob for name, blob in files.items() if name not in evaluated})]
    if evaluated and evaluates and jsonnet is not None:
        found.append(jsonnet_part(tree, source, evaluated, jsonnet, environment))
    return found


def jsonnet_files(names: Iterable[str]) -> list[str]:
    """The Jsonnet among some files."""
    return [name for name in names if name.endswith(".jsonnet")]


def imports(tree: Tree, source: Source) -> dict[str, str]:
    """All files that the source's Jsonnet reads, as path from the root -> blob id."""
    names = jsonnet_files(name for name, _ in chosen(tree, source.path, source.directory or {}))
    return imported(tree, source, names)


def _plain(tree: Tree, source: Source, files: Mapping[str, str]) -> Part:
    kept = {}
    total = 0
    for name, blob in files.items():
        data = tree.store.blob(blob)
        total += len(data)
        if total > MAX_BYTES:
            raise RenderFailed("resolve", f"{source.path}: manifests are larger than {MAX_BYTES // 1024 // 1024} MiB")
        if SKIP_MARKER not in data:
            kept[name] = blob
    return Part("directory", make_checkout(kept), {})


def chosen(tree: Tree, path: str, options: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(path below `path`, blob id) of the files that a directory source's options choose."""
    recurse = bool(options.get("recurse"))
    include, exclude = str(options.get("include") or ""), str(options.get("exclude") or "")
    return [
        (name, blob)
        for name, blob in sorted(tree_files(tree, clean_path(path)))
        if (recurse or "/" not in name)
        and name.endswith(_ENDINGS)
        and not (exclude and matches(exclude, name))
        and not (include and not matches(include, name))
    ]


def matches(pattern: str, name: str) -> bool:
    """Whether a gobwas pattern without separators matches: `*` crosses `/`; a broken pattern matches nothing."""
    compiled = _compile(pattern)
    return bool(compiled and compiled.fullmatch(name))


@lru_cache(maxsize=1024)
def _compile(pattern: str) -> re.Pattern[str] | None:
    text, depth = [], 0
    for piece in re.findall(r"\\.|\*+|\[!?[^\]]*\]|.", pattern, re.DOTALL):
        if piece.startswith("*"):
            text.append(".*")
        elif piece == "?":
            text.append(".")
        elif piece == "{":
            depth += 1
            text.append("(?:")
        elif piece == "}" and depth:
            depth -= 1
            text.append(")")
        elif piece == "," and depth:
            text.append("|")
        elif piece.startswith("[") and len(piece) > 2:
            text.append("[" + piece[1:].replace("!", "^", 1) if piece[1] == "!" else piece)
        else:
            text.append(re.escape(piece.removeprefix("\\") if len(piece) > 1 else piece))
    try:
        return re.compile("".join(text), re.DOTALL) if not depth else None
    except re.error:
        return None
