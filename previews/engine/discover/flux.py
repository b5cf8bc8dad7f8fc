"""The Flux objects of one side: roots from files, and what their Kustomizations declare, to a fixpoint.

A root is a Kustomization in a file that no other Kustomization would apply: that of `flux bootstrap` applies its own
folder. What a Kustomization renders beats the same object in a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from previews.engine.applications import Application, Instance
from previews.engine.discover.flux_files import InFile, objects_in_files, roots_of, with_clusters
from previews.engine.discover.layout import IN_CLUSTER, SeenFile, profile_of, row_of
from previews.engine.errors import AstrolabeError, NotRendered, RenderFailed, YamlError
from previews.engine.flux.definitions import define
from previews.engine.flux.world import Declared, Place, World, is_read
from previews.engine.manifests import Manifest
from previews.engine.render.pool import Render, Result
from previews.engine.render.requests import RenderRequest
from previews.engine.resolve import Resolver
from previews.engine.yamls import load

MAX_ROUNDS = 12
MAX_OBJECTS = 20_000


@dataclass(frozen=True)
class FluxFleet:
    """What was found: instances, and the parents whose objects are not known, by (cluster, name)."""

    instances: tuple[Instance, ...]
    broken: Mapping[tuple[str, str], AstrolabeError]
    notes: tuple[str, ...]


def discover_flux(resolver: Resolver, render: Render, seen: Iterable[SeenFile]) -> FluxFleet:
    """Finds every Kustomization and HelmRelease of one side; `seen` are the files to look into. Raises GitError."""
    notes: list[str] = []
    files = objects_in_files(resolver, seen, notes)
    beside = with_clusters(files)
    roots = roots_of(beside)
    if not roots:
        return FluxFleet((), {}, tuple(notes))
    search = _Search(resolver, render, roots, beside)
    search.run()
    notes += [*search.world.notes, *_unused(files, search.world)]
    return FluxFleet(search.instances(), search.broken(), tuple(dict.fromkeys(notes)))


def _unused(files: list[InFile], world: World) -> list[str]:
    """A note on the Kustomizations in files that no cluster's Kustomization leads to."""
    used = {place[3] for place in world.declared if place[1] == "Kustomization"}
    unused = [
        item.path for item in files if item.kind == "Kustomization" and item.document["metadata"]["name"] not in used
    ]
    if not unused:
        return []
    more = f" and {len(unused) - 1} more" if len(unused) > 1 else ""
    return [f"{unused[0]}{more}: Flux Kustomizations that no cluster's own leads to are not shown"]


@lru_cache(maxsize=20_000)
def _parse(document: str) -> Any:
    # A round reads what the one before read, and the two sides mostly the same.
    return load(document)


class _Search:
    """Rounds of: define what is declared, render it, declare what came out. Ends when a round adds nothing."""

    def __init__(self, resolver: Resolver, render: Render, roots: Iterable[InFile], beside: Iterable[InFile]) -> None:
        self.resolver = resolver
        self.render = render
        self.roots = [_declared(item) for item in roots]
        self.beside = {item.place: item for item in map(_declared, beside)}
        self.world = World(found=self.beside)
        self.defined: dict[Place, tuple[Instance, Declared]] = {}
        self.requests: dict[tuple[str, str], RenderRequest | AstrolabeError | None] = {}
        self.problems: dict[Place, AstrolabeError] = {}
        self.wrong: list[str] = []
        for item in self.roots:
            self.world.declare(item)

    def run(self) -> None:
        for _ in range(MAX_ROUNDS):
            before = self.world.digest(), self.world.silent
            self.world = self.next_world()
            if (self.world.digest(), self.world.silent) == before:
                return
        self.world.notes.append(f"what Flux objects make of one another did not settle in {MAX_ROUNDS} rounds")

    def next_world(self) -> World:
        """The world after everything declared in the present one was rendered."""
        self.define()
        wanted = {place: self.request(instance) for place, (instance, _) in self.defined.items()}
        requests = {item.key: item for item in wanted.values() if isinstance(item, RenderRequest)}
        results: Mapping[str, Result] = self.render(list(requests.values()))
        self.problems = {}
        world = World(found=self.beside, notes=list(self.wrong))
        for place, request in wanted.items():
            result = results[request.key] if isinstance(request, RenderRequest) else request
            if isinstance(result, Manifest):
                self.declare(world, self.defined[place], result)
            elif result is not None:
                self.problems[place] = result
                world.silent.setdefault(place[0], []).append(place[3])
        for item in self.roots:
            if item.place not in world.declared:
                world.declare(item)
        return world

    def define(self) -> None:
        config = self.resolver.config
        self.defined = {}
        self.wrong = []
        applications = self.world.applications()
        if len(applications) > MAX_OBJECTS:
            raise RenderFailed("discover", f"more than {MAX_OBJECTS:,} Flux objects")
        for item in applications:
            try:
                definition = define(item, self.world, config)
            except RenderFailed as error:
                self.wrong.append(f"{' / '.join(item.origin)}: {item.place[1]} {item.place[3]}: {error}")
                continue
            cluster = definition.destination
            row = _row(definition, item, row_of(definition, cluster, config))
            instance = Instance(cluster, row, definition, profile_of(cluster, config), item.origin)
            self.defined[item.place] = instance, item

    def request(self, instance: Instance) -> RenderRequest | AstrolabeError | None:
        """What to render of an instance to see what it declares, None when it cannot declare anything."""
        key = (instance.cluster, instance.definition.digest + instance.definition.target)
        if key not in self.requests:
            self.requests[key] = self._request(instance)
        return self.requests[key]

    def _request(self, instance: Instance) -> RenderRequest | AstrolabeError | None:
        is_release = instance.definition.kind == "HelmRelease"
        try:
            request = self.resolver.resolve(instance).request
        except (NotRendered, RenderFailed) as error:
            # Charts rarely make Flux objects; that one cannot be had is no reason to doubt others.
            return None if is_release else error
        return request if not is_release or self._mentions_flux(request) else None

    def _mentions_flux(self, request: RenderRequest) -> bool:
        files = [blob for part in request.parts for name, blob in part.checkout.files if "templates/" in name]
        return any(b"toolkit.fluxcd.io/" in self.resolver.tree.store.blob(blob) for blob in files)

    def declare(self, world: World, parent: tuple[Instance, Declared], manifest: Manifest) -> None:
        instance, item = parent
        origin = (*item.origin, instance.definition.name)
        namespace = instance.definition.destination_namespace
        suspended = instance.definition.flux.suspended if instance.definition.flux else ""
        for resource in manifest.resources:
            if not is_read(resource.id.group, resource.id.kind):
                continue
            try:
                document = _parse(resource.text)
            except YamlError as error:
                world.notes.append(f"{resource.id.name} (made by {instance.definition.name}): {error}")
                continue
            made = Declared(instance.cluster, _in_namespace(document, namespace), origin, suspended)
            # A bootstrap Kustomization applies itself: it stays where it was found.
            world.declare(replace(made, origin=item.origin) if made.place == item.place else made)

    def instances(self) -> tuple[Instance, ...]:
        return tuple(instance for instance, _ in self.defined.values())

    def broken(self) -> dict[tuple[str, str], AstrolabeError]:
        found: dict[tuple[str, str], AstrolabeError] = {}
        for place, error in self.problems.items():
            instance, _ = self.defined[place]
            found[instance.cluster, place[3]] = error
        return found


def _declared(item: InFile) -> Declared:
    return Declared(item.cluster or IN_CLUSTER, item.document, (item.path,))


def _in_namespace(document: Mapping[str, Any], namespace: str) -> Mapping[str, Any]:
    """What Helm puts into the release's namespace; a Kustomization leaves objects as they are."""
    metadata = document.get("metadata")
    if not namespace or not isinstance(metadata, dict) or metadata.get("namespace"):
        return document
    return {**document, "metadata": {**metadata, "namespace": namespace}}


def _row(definition: Application, item: Declared, row: str) -> str:
    """A HelmRelease is mostly named like the Kustomization that makes it, which has the row already."""
    if definition.kind == "HelmRelease" and definition.name in item.origin[1:]:
        return f"helmrelease/{row}"
    return row
