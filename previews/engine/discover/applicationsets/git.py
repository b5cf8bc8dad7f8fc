"""The git generator: folders, or what files hold (applicationset/generators/git.go of Argo CD)."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import translate
from functools import lru_cache
from typing import Any

from previews.engine.applications import parse_source
from previews.engine.discover.applicationsets.parameters import Parameters, TextList, flatten, normalise
from previews.engine.errors import RenderFailed, YamlError
from previews.engine.fields import mappings
from previews.engine.resolve import Resolver
from previews.engine.trees import Tree
from previews.engine.yamls import load

_PIECE = re.compile(r"\\.|\[\^?(?:\\.|[^\]\\])+\]|.", re.DOTALL)


def find_in_git(body: Mapping[str, Any], resolver: Resolver, go: bool) -> Iterator[Parameters]:
    """The parameters of each folder or file, by path. Raises NotRendered, RenderFailed."""
    source = {"repoURL": body.get("repoURL"), "targetRevision": body.get("revision"), "path": "."}
    tree = resolver.find(parse_source(source)).tree
    prefix = str(body.get("pathParamPrefix") or "")
    directories, files = mappings(body, "directories"), mappings(body, "files")
    if directories:
        for path in _directories(tree, directories):
            yield _of_path(path, "", prefix, go)
        return
    if not files:
        raise RenderFailed("discover", "git: neither directories nor files")
    for path in _files(tree, files):
        parameters = _of_path(posixpath.dirname(path) or ".", posixpath.basename(path), prefix, go)
        for content in _objects(tree, path):
            yield (dict(content) if go else flatten(content)) | parameters


def _of_path(path: str, filename: str, prefix: str, go: bool) -> Parameters:
    """What is known by the place alone; `filename` "" for a folder."""
    basename = posixpath.basename(path)
    told = {"path": path, "basename": basename, "basenameNormalized": normalise(basename)}
    told |= {"filename": filename, "filenameNormalized": normalise(filename)} if filename else {}
    if go:
        whole = {**told, "segments": TextList(path.split("/"))}
        return {prefix: {"path": whole}} if prefix else {"path": whole}
    key = f"{prefix}.path" if prefix else "path"
    flat = {f"{key}.{name}": text for name, text in told.items() if name != "path"}
    return {key: path, **flat, **{f"{key}[{place}]": part for place, part in enumerate(path.split("/"))}}


def _directories(tree: Tree, patterns: Sequence[Mapping[str, Any]]) -> list[str]:
    """All folders that a pattern names and no excluding one does; hidden ones and the root never count."""
    folders = {folder for path, _ in tree.walk() for folder in _parents(path)}
    visible = sorted(folder for folder in folders if not any(part.startswith(".") for part in folder.split("/")))
    chosen, excluded = _split(patterns)
    return [
        folder
        for folder in visible
        if any(_path_match(pattern).match(folder) for pattern in chosen)
        and not any(_path_match(pattern).match(folder) for pattern in excluded)
    ]


def _parents(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path):
        yield path


def _split(patterns: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[str]]:
    """Patterns that choose, and those that exclude."""
    chosen = [str(item.get("path") or "") for item in patterns if not item.get("exclude")]
    return chosen, [str(item.get("path") or "") for item in patterns if item.get("exclude")]


@lru_cache(maxsize=256)
def _path_match(pattern: str) -> re.Pattern[str]:
    """Go's path.Match: `*` and `?` stay inside a folder, `**` is no more than `*`; a bad pattern matches nothing."""
    try:
        return re.compile("".join(map(_translated, _PIECE.findall(pattern))) + r"\Z", re.DOTALL)
    except re.error:
        return re.compile(r"(?!)")


def _translated(piece: str) -> str:
    if piece in ("*", "?"):
        return "[^/]*" if piece == "*" else "[^/]"
    if piece[0] == "[" and len(piece) > 1:
        return f"(?!/){piece}".replace("[[", "[\\[")
    return re.escape(piece[-1])


@lru_cache(maxsize=256)
def _pathspec(pattern: str) -> re.Pattern[str]:
    """A pathspec of `git ls-files`: `*` crosses folders, and a folder stands for all below it."""
    below = f"{re.escape(pattern.rstrip('/'))}/.*"
    return re.compile(f"(?:{translate(pattern)}|{below}\\Z)", re.DOTALL)


def _files(tree: Tree, patterns: Sequence[Mapping[str, Any]]) -> list[str]:
    chosen, excluded = _split(patterns)
    return sorted(
        path
        for path, _ in tree.walk()
        if any(_pathspec(pattern).match(path) for pattern in chosen)
        and not any(_pathspec(pattern).match(path) for pattern in excluded)
    )


def _objects(tree: Tree, path: str) -> list[Mapping[str, Any]]:
    data = tree.read(path) or b""
    try:
        content = load(data.decode("utf-8", "replace"))
    except YamlError as error:
        raise RenderFailed("discover", f"{path}: {error}") from None
    items = content if isinstance(content, list) else [content or {}]
    if not all(isinstance(item, dict) for item in items):
        raise RenderFailed("discover", f"{path} holds neither an object nor a list of objects")
    return items
