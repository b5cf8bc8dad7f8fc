"""Everything that a build may read, put into one checkout: the app's own repository, and those of remote bases.

A remote base stands below `.remote/` in the checkout, and the kustomizations that name it are rewritten to say so:
the renderer has no network.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from previews.engine.applications import Source
from previews.engine.errors import NotRendered, RenderFailed, YamlError
from previews.engine.render.charts import tree_files
from previews.engine.render.inflation import Inflater
from previews.engine.render.kustomize.files import BASES, bases, files, items, kustomization, plugin_files
from previews.engine.render.kustomize.remote import RemoteBase, parse_remote
from previews.engine.render.requests import digest
from previews.engine.trees import Tree, clean_path
from previews.engine.yamls import load_all

MAX_REMOTE = 20
_FILES = (".yaml", ".yml", ".json")


class Found(Protocol):
    """A source and the tree that its revision means."""

    @property
    def source(self) -> Source:
        """Where in the tree it lies."""

    @property
    def tree(self) -> Tree:
        """The whole tree."""


Find = Callable[[Source], Found]


@dataclass(frozen=True)
class Gathered:
    """Path in the checkout -> blob id, and path of a kustomization -> content that has to stand there instead."""

    files: dict[str, str]
    rewritten: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class _Place:
    """A repository's tree, and the folder of the checkout in which it stands."""

    root: str
    tree: Tree


@dataclass
class _Gathering:
    find: Find
    inflater: Inflater | None
    files: dict[str, str] = field(default_factory=dict)
    rewritten: dict[str, dict[str, Any]] = field(default_factory=dict)
    remote: dict[str, tuple[_Place, str]] = field(default_factory=dict)
    waiting: list[tuple[_Place, str]] = field(default_factory=list)

    def folder(self, place: _Place, folder: str, name: str, content: Mapping[str, Any]) -> None:
        """Takes a kustomization's folder, and what it names; other kustomizations are left waiting."""
        below = ((posixpath.join(folder, name), blob) for name, blob in tree_files(place.tree, folder))
        self.files.update((posixpath.join(place.root, path), blob) for path, blob in below)
        self.charts(place, posixpath.join(folder, name), content)
        moved = {item: self.base(place, folder, item) for item in bases(content)}
        for item in files(content):
            self.file(place, folder, item)
        self.plugins(place, folder, content)
        if any(target is not None for target in moved.values()):
            here = posixpath.join(place.root, folder) or "."
            names = {item: posixpath.relpath(target, here) for item, target in moved.items() if target is not None}
            new = {
                key: [_renamed(item, names) for item in content[key]]
                for key in BASES
                if isinstance(content.get(key), list)
            }
            self.rewritten[posixpath.join(place.root, folder, name)] = {**content, **new}

    def charts(self, place: _Place, path: str, content: Mapping[str, Any]) -> None:
        """Takes the Helm charts of a kustomization. Raises NotRendered where Argo CD does not inflate them."""
        if not content.get("helmCharts") and not content.get("helmChartInflationGenerator"):
            return
        if self.inflater is None:
            text = f"{path} holds Helm charts, which need --enable-helm (argocd-cm kustomize.buildOptions)"
            raise NotRendered("plugin", text)
        self.inflater.take(place.tree, place.root, path, content)

    def base(self, place: _Place, folder: str, item: str) -> str | None:
        """Takes one item of `resources` and the like; where a remote one stands in the checkout, else None."""
        remote = parse_remote(item)
        # Kustomize looks for a file of that name first (kusttarget.go accumulateResources).
        if remote is None or ("://" not in item and place.tree.entry(clean_path(posixpath.join(folder, item)))):
            self.file(place, folder, item)
            return None
        other, path = self.fetched(item, remote)
        self.waiting.append((other, path))
        return posixpath.join(other.root, path)

    def file(self, place: _Place, folder: str, item: str) -> None:
        """Takes a file, or leaves a folder waiting. What is not there is for Kustomize to say, better than we could."""
        if "://" in item:
            raise NotRendered("dependency", f"{item} lies outside the repository; Astrolabe fetches no single files")
        where = clean_path(posixpath.join(folder, item))
        entry = place.tree.entry(where)
        if entry is not None and entry.is_tree:
            self.waiting.append((place, where))
        elif entry is not None:
            self.files[posixpath.join(place.root, where)] = entry.id

    def plugins(self, place: _Place, folder: str, content: Mapping[str, Any]) -> None:
        """Takes the files that generators and transformers with a file (or a text) of their own name."""
        for key in ("generators", "transformers", "validators"):
            for item in items(content, key):
                inline = isinstance(item, str) and "\n" in item
                where = posixpath.join(folder, str(item))
                data = None if inline or "://" in str(item) else place.tree.read(clean_path(where))
                text = item if inline else (data or b"").decode("utf-8", "replace")
                try:
                    documents = load_all(text)
                except YamlError:
                    continue  # Kustomize itself says so
                for name in plugin_files(documents):
                    if not name.startswith("/"):
                        self.file(place, folder, name)

    def fetched(self, item: str, base: RemoteBase) -> tuple[_Place, str]:
        """The place of a remote base's repository, and the path in it. Raises NotRendered naming the base."""
        if base.repository.startswith("file://"):
            raise NotRendered("dependency", f"remote base {item} lies on a disk, which Astrolabe does not read")
        if item.partition("?")[0].endswith(_FILES):
            raise NotRendered("dependency", f"{item} lies outside the repository; Astrolabe fetches no single files")
        name = digest([base.repository, base.revision, base.path])[:16]
        if name not in self.remote:
            if len(self.remote) >= MAX_REMOTE:
                raise NotRendered("limit", f"more than {MAX_REMOTE} remote bases, the last of them {item}")
            try:
                found = self.find(Source(repository=base.repository, revision=base.revision, path=base.path))
                entry = found.tree.entry(found.source.path)
                path = clean_path(found.source.path)
            except NotRendered as error:
                raise NotRendered("dependency", f"remote base {item}: {error}") from None
            except RenderFailed as error:
                raise RenderFailed(error.stage, f"remote base {item}: {error}") from None
            if entry is None or not entry.is_tree:
                raise RenderFailed("resolve", f"remote base {item}: the repository has no folder {path}")
            place = _Place(f".remote/{digest([base.repository, base.revision])[:16]}", found.tree)
            self.remote[name] = (place, path)
        return self.remote[name]


def gather(tree: Tree, path: str, content: Mapping[str, Any], find: Find, inflater: Inflater | None = None) -> Gathered:
    """All files that a build of this folder may read, its kustomization being `content`.

    `inflater` takes the Helm charts inside; None where Argo CD does not allow them.
    Raises NotRendered when a base cannot be had, RenderFailed when a reference leads out of its repository.
    """
    work = _Gathering(find, inflater)
    own = _Place("", tree)
    name, _ = kustomization(tree, path)
    work.folder(own, path, name, content)
    seen = {("", path)}
    while work.waiting:
        place, folder = work.waiting.pop()
        if (place.root, folder) in seen:
            continue
        seen.add((place.root, folder))
        work.folder(place, folder, *kustomization(place.tree, folder))
    return Gathered(work.files, work.rewritten)


def _renamed(item: Any, names: Mapping[str, str]) -> Any:
    return names.get(item, item) if isinstance(item, str) else item
