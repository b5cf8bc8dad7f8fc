"""The fleet of one side: seeds from files and roots, and the applications that applications make, to any depth."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from previews.engine.applications import Application, Instance, is_application, parse_application
from previews.engine.discover.layout import (
    application_files,
    cluster_of,
    profile_of,
    roots,
    row_of,
    settle_rows,
)
from previews.engine.errors import AstrolabeError, NotRendered, RenderFailed, YamlError
from previews.engine.manifests import Manifest
from previews.engine.render import kustomize
from previews.engine.render.charts import dependencies, local_path
from previews.engine.render.pool import Result
from previews.engine.render.requests import RenderRequest
from previews.engine.resolve import Resolver
from previews.engine.trees import Tree
from previews.engine.yamls import load, load_all

MAX_DEPTH = 10
MAX_INSTANCES = 20_000

Render = Callable[[Sequence[RenderRequest]], Mapping[str, Result]]

_MAKES_APPLICATIONS = re.compile(rb"^[ \t-]*kind:[ \t]*[\"']?Application[\"']?[ \t]*\r?$", re.MULTILINE)
#: What makes applications and is not evaluated: said aloud, so that nobody takes it for nothing.
_NOT_YET = {
    "an ApplicationSet": re.compile(rb"^kind:[ \t]*[\"']?ApplicationSet[\"']?[ \t]*\r?$", re.MULTILINE),
    "Flux": re.compile(rb"^apiVersion:[ \t]*[\"']?(kustomize|helm)\.toolkit\.fluxcd\.io/", re.MULTILINE),
}


@dataclass(frozen=True)
class Fleet:
    """All instances found at one side. `broken` are the parents whose children are not known, and why."""

    instances: tuple[Instance, ...]
    broken: Mapping[tuple[str, str], AstrolabeError] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Seed:
    definition: Application
    found_in: str | None
    origin: tuple[str, ...]
    is_root: bool = False


def discover(resolver: Resolver, render: Render) -> Fleet:
    """Finds every instance at one side. `render` gives manifests for requests, from a cache where it can.

    Raises GitError; what is wrong with a single file or application is in `notes` and `broken`.
    """
    notes: list[str] = []
    search = _Search(resolver, render, notes)
    seeds = [_Seed(app, cluster, (path,), True) for path, cluster, app in roots(resolver.tree, resolver.config)]
    seeds.extend(_read_files(resolver, notes))
    for _ in range(MAX_DEPTH):
        if not seeds:
            break
        seeds = search.descend(seeds)
    if seeds:
        notes.append(f"applications nested deeper than {MAX_DEPTH} are not shown")
    if not search.instances:
        notes.append(
            "no Argo CD Application was found; if they lie elsewhere, say where in astrolabe.yaml (`discover`)"
        )
    return Fleet(settle_rows(search.instances.values()), search.broken, tuple(dict.fromkeys(notes)))


def _read_files(resolver: Resolver, notes: list[str]) -> Iterable[_Seed]:
    for path, blob, cluster in application_files(resolver.tree, resolver.config):
        try:
            yield from _read_file(resolver.tree.store.blob(blob), path, cluster, notes)
        except (YamlError, RenderFailed) as error:
            notes.append(f"{path}: {error}")


def _read_file(data: bytes, path: str, cluster: str | None, notes: list[str]) -> Iterable[_Seed]:
    for kind, pattern in _NOT_YET.items():
        if pattern.search(data):
            notes.append(f"{path}: {kind} is not understood yet, so the applications that it makes are not shown")
    # With braces it is a template of something, and no manifest.
    if not _MAKES_APPLICATIONS.search(data) or b"{{" in data:
        return
    for document in load_all(data.decode("utf-8", "replace")):
        if is_application(document):
            yield _Seed(parse_application(document), cluster, (path,))


@lru_cache(maxsize=20_000)
def _parse_text(text: str) -> Application:
    # Both sides of a preview, and one preview after the other, meet the same texts.
    return parse_application(load(text))


class _Search:
    """One fixpoint: instances found so far, level by level."""

    def __init__(self, resolver: Resolver, render: Render, notes: list[str]) -> None:
        self.resolver = resolver
        self.render = render
        self.notes = notes
        self.instances: dict[tuple[str, str, str], Instance] = {}
        self.broken: dict[tuple[str, str], AstrolabeError] = {}

    def descend(self, seeds: list[_Seed]) -> list[_Seed]:
        """Adds the instances of the seeds and gives the seeds that they make."""
        parents: dict[str, list[Instance]] = {}
        requests: dict[str, RenderRequest] = {}
        for instance in self._add(seeds):
            try:
                if not self._may_hold_applications(instance):
                    continue
                request = self.resolver.resolve(instance).request
            except NotRendered:
                continue
            except RenderFailed as error:
                self.broken[instance.cluster, instance.definition.name] = error
                continue
            requests[request.key] = request
            parents.setdefault(request.key, []).append(instance)
        results = self.render(list(requests.values()))
        pairs = ((parent, results[key]) for key, found in parents.items() for parent in found)
        return [child for parent, result in pairs for child in self._children(parent, result)]

    def _add(self, seeds: list[_Seed]) -> list[Instance]:
        added = []
        for seed in seeds:
            config = self.resolver.config
            cluster = cluster_of(seed.definition, config, seed.found_in)
            key = (cluster, seed.definition.namespace, seed.definition.name)
            if key in self.instances:
                self.notes.append(f"{seed.definition.name} on {cluster} stands twice: {seed.origin[-1]} is not used")
                continue
            if len(self.instances) >= MAX_INSTANCES:
                raise RenderFailed("discover", f"more than {MAX_INSTANCES:,} applications")
            row = row_of(seed.definition, cluster, config)
            profile = profile_of(cluster, config)
            self.instances[key] = Instance(cluster, row, seed.definition, profile, seed.origin, seed.is_root)
            added.append(self.instances[key])
        return added

    def _children(self, parent: Instance, result: Result) -> list[_Seed]:
        if not isinstance(result, Manifest):
            self.broken[parent.cluster, parent.definition.name] = result
            return []
        seeds = []
        origin = (*parent.origin, parent.definition.name)
        for resource in result.resources:
            if resource.id.kind != "Application" or resource.id.group != "argoproj.io":
                continue
            try:
                definition = _parse_text(resource.text)
            except (RenderFailed, YamlError) as error:
                self.notes.append(f"{resource.id.name} (made by {parent.definition.name}): {error}")
                continue
            # A child on the same Argo CD belongs to its parent's column; self-management is legal and ends here.
            if (parent.cluster, definition.namespace, definition.name) != self._key(parent):
                seeds.append(_Seed(definition, parent.cluster, origin))
        return seeds

    @staticmethod
    def _key(instance: Instance) -> tuple[str, str, str]:
        return instance.cluster, instance.definition.namespace, instance.definition.name

    def _may_hold_applications(self, instance: Instance) -> bool:
        if instance.is_root:
            return True
        for source in instance.definition.sources:
            if source.chart or not source.path:
                continue
            found = self.resolver.open(instance.definition, source)
            tool = self.resolver.tool(found)
            entry = found.tree.entry(source.path)
            known = self.resolver.known.makes_applications
            key = (tool, entry.id if entry else "")
            if key not in known:
                blobs = _texts(found.tree, source.path, tool)
                known[key] = any(_MAKES_APPLICATIONS.search(found.tree.store.blob(blob)) for blob in blobs)
            if known[key]:
                return True
        return False


def _texts(tree: Tree, path: str, tool: str) -> Iterable[str]:
    """Blob ids of the YAML and template files that make a source's output."""
    if tool == "kustomize":
        yield from kustomize.closure(tree, path).values()
        return
    folders = [path]
    if tool == "helm":
        beside = (local_path(path, item) for item in dependencies(tree, path))
        folders = [f"{folder}/templates" for folder in [path, *(where for where in beside if where)]]
    for folder in folders:
        yield from (entry.id for name, entry in tree.walk(folder) if entry.is_file)
