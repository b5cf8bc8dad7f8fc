"""The fleet of one side: seeds from files and roots, and the applications that applications make, to any depth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from previews.engine.applications import Application, Instance, is_application, parse_application
from previews.engine.discover.applicationsets.expand import expand, is_application_set, set_name
from previews.engine.discover.applicationsets.policy import SetPolicy
from previews.engine.discover.flux import discover_flux
from previews.engine.discover.layout import (
    SeenFile,
    application_files,
    cluster_of,
    profile_of,
    roots,
    row_of,
    settle_rows,
)
from previews.engine.discover.parents import MAKES_APPLICATIONS, files_of, may_make_applications
from previews.engine.errors import AstrolabeError, NotRendered, RenderFailed, YamlError
from previews.engine.manifests import Manifest
from previews.engine.render.pool import Render, Result
from previews.engine.render.requests import RenderRequest
from previews.engine.resolve import Resolver
from previews.engine.yamls import load, load_all

MAX_DEPTH = 10
MAX_INSTANCES = 20_000

#: In `Fleet.broken`: a set whose Applications may be on any cluster.
ANY_CLUSTER = "*"
NO_APPLICATIONS = (
    "no Argo CD Application and no Flux object was found; if they lie elsewhere, say where in astrolabe.yaml"
    " (`discover`)"
)


@dataclass(frozen=True)
class Fleet:
    """All instances found at one side. `broken` are the parents whose children are not known, and why.

    `pinned` are the places (cluster, application) of those that stand at a revision which the preview does not move;
    `policies` the ApplicationSets' ones, by the origin of what they make.
    """

    instances: tuple[Instance, ...]
    broken: Mapping[tuple[str, str], AstrolabeError] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    pinned: frozenset[tuple[str, str]] = frozenset()
    policies: Mapping[tuple[str, ...], SetPolicy] = field(default_factory=dict)


@dataclass(frozen=True)
class _Seed:
    definition: Application
    found_in: str | None
    origin: tuple[str, ...]
    is_root: bool = False
    set_name: str = ""


def discover(resolver: Resolver, render: Render) -> Fleet:
    """Finds every instance at one side. `render` gives manifests for requests, from a cache where it can.

    Raises GitError; what is wrong with a single file or application is in `notes` and `broken`.
    """
    notes: list[str] = []
    search = _Search(resolver, render, notes)
    seeds = [_Seed(app, cluster, (path,), True) for path, cluster, app in roots(resolver.tree, resolver.config)]
    files = list(application_files(resolver.tree, resolver.config))
    seeds.extend(_without_children(list(search.read_files(files)), resolver))
    for _ in range(MAX_DEPTH):
        if not seeds:
            break
        seeds = search.descend(seeds)
    if seeds:
        notes.append(f"applications nested deeper than {MAX_DEPTH} are not shown")
    flux = discover_flux(resolver, render, files)
    notes.extend(flux.notes)
    if not search.instances and not flux.instances:
        notes.append(NO_APPLICATIONS)
    instances = settle_rows((*search.instances.values(), *flux.instances))
    pinned = frozenset((item.cluster, item.application) for item in instances if resolver.is_pinned(item.definition))
    broken = {**flux.broken, **search.broken}
    return Fleet(instances, broken, tuple(dict.fromkeys(notes)), pinned, search.policies)


def _without_children(seeds: list[_Seed], resolver: Resolver) -> list[_Seed]:
    """The seeds whose files no other one renders: those come again as what their parent makes of them."""
    taken: set[str] = set()
    for seed in seeds:
        # A parent whose own file is another's comes by that one; two that hold each other must not both go.
        if seed.origin[0] not in taken:
            taken |= files_of(seed.definition, resolver) - {seed.origin[0]}
    return [seed for seed in seeds if seed.origin[0] not in taken]


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
        self.policies: dict[tuple[str, ...], SetPolicy] = {}

    def read_files(self, files: Iterable[SeenFile]) -> Iterable[_Seed]:
        """Applications and ApplicationSets that stand in files."""
        for path, blob, cluster in files:
            try:
                yield from self._read_file(self.resolver.tree.store.blob(blob), path, cluster)
            except (YamlError, RenderFailed) as error:
                self.notes.append(f"{path}: {error}")

    def _read_file(self, data: bytes, path: str, cluster: str | None) -> Iterable[_Seed]:
        if not MAKES_APPLICATIONS.search(data):
            return
        try:
            documents = load_all(data.decode("utf-8", "replace"))
        except YamlError:
            if b"{{" in data:  # a template of something, and no manifest
                return
            raise
        for document in documents:
            if is_application_set(document):
                yield from self._expand(document, cluster, (path,))
            elif is_application(document) and "{{" not in (definition := parse_application(document)).name:
                yield _Seed(definition, cluster, (path,))

    def _expand(self, document: dict[str, Any], found_in: str | None, origin: tuple[str, ...]) -> list[_Seed]:
        """The Applications of a set. One that cannot be expanded is noted, and hides its Applications."""
        name = set_name(document)
        where = f"{' / '.join(origin)}: ApplicationSet {name}"
        try:
            expansion = expand(document, self.resolver, self.render)
            made = [parse_application(item) for item in expansion.applications]
        except (NotRendered, RenderFailed) as error:
            self.notes.append(f"{where}: {error}; its Applications are not known")
            self.broken[ANY_CLUSTER, name] = error
            return []
        self.notes.extend(f"{where}: {note}" for note in expansion.notes)
        self.policies[*origin, name] = expansion.policy
        clusters = Counter(cluster_of(item, self.resolver.config, found_in) for item in made)
        row = name if all(count == 1 for count in clusters.values()) else ""
        return [_Seed(item, found_in, (*origin, name), set_name=row) for item in made]

    def descend(self, seeds: list[_Seed]) -> list[_Seed]:
        """Adds the instances of the seeds and gives the seeds that they make."""
        parents: dict[str, list[Instance]] = {}
        requests: dict[str, RenderRequest] = {}
        for instance in self._add(seeds):
            try:
                if not instance.is_root and not may_make_applications(instance.definition, self.resolver):
                    continue
                request = self.resolver.resolve(instance).request
            except NotRendered:
                continue
            except RenderFailed as error:
                self._break(instance, error)
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
                self.notes.append(_twice(seed, self.instances[key]))
                continue
            if len(self.instances) >= MAX_INSTANCES:
                raise RenderFailed("discover", f"more than {MAX_INSTANCES:,} applications")
            row = row_of(seed.definition, cluster, config, seed.set_name)
            profile = profile_of(cluster, config)
            self.instances[key] = Instance(cluster, row, seed.definition, profile, seed.origin, seed.is_root)
            added.append(self.instances[key])
        return added

    def _children(self, parent: Instance, result: Result) -> list[_Seed]:
        if not isinstance(result, Manifest):
            self._break(parent, result)
            return []
        seeds = []
        origin = (*parent.origin, parent.definition.name)
        for resource in result.resources:
            if resource.id.group != "argoproj.io":
                continue
            if resource.id.kind == "ApplicationSet":
                seeds += self._expand(load(resource.text), parent.cluster, origin)
            if resource.id.kind != "Application":
                continue
            try:
                definition = _with_namespace(_parse_text(resource.text), parent.definition.destination_namespace)
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

    def _break(self, parent: Instance, error: AstrolabeError) -> None:
        self.broken[parent.cluster, parent.definition.name] = error
        name = f"{parent.definition.name} on {parent.cluster}"
        self.notes.append(f"{name} cannot be rendered, so the applications that it makes are not known: {error}")


def _with_namespace(definition: Application, namespace: str) -> Application:
    """An application as its parent's sync puts it (controller/state.go NormalizeTargetObjects)."""
    return definition if definition.namespace else replace(definition, namespace=namespace)


def _twice(seed: _Seed, first: Instance) -> str:
    name = f"{seed.definition.name} on {first.cluster}"
    if seed.definition.name in seed.origin:
        return f"{name} makes itself again, through {' / '.join(seed.origin)}: it is followed once"
    return f"{name} stands in both {first.origin[-1]} and {seed.origin[-1]}: that of {first.origin[-1]} counts"
