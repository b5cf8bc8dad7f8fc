"""From an instance to what exactly is rendered: sources found, values merged, files chosen, all known by content.

Two depths. `fingerprint` looks at Git ids only and tells cheaply that nothing moved. `resolve` reads and merges values
and gives the render request. Mirrors reposerver/repository/repository.go of Argo CD.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from previews.engine.applications import Application, HelmOptions, Instance, Profile, Source
from previews.engine.config import Cluster, FleetConfig
from previews.engine.documents import read_mapping
from previews.engine.environment import environment_of
from previews.engine.errors import NotRendered, RenderFailed
from previews.engine.file_changes import ReadFile, inline_file, told_apart
from previews.engine.flux import parts
from previews.engine.flux.artifact import Artifact
from previews.engine.flux.options import FluxOptions
from previews.engine.helm_input import (
    inline_values,
    inputs_of,
    is_enabled,
    release_name,
    whole_numbers,
    with_parameters,
)
from previews.engine.manifests import MissingDependency
from previews.engine.overrides import overridden
from previews.engine.remote.outside import Outside
from previews.engine.render import directory, kustomize, plugins
from previews.engine.render.charts import Chart, Dependency, assemble, dependencies, local_path, without_schemas
from previews.engine.render.inflation import Inflater
from previews.engine.render.kustomize import new_inflater
from previews.engine.render.requests import Part, RenderRequest, digest, make_request
from previews.engine.render.unstable import volatility
from previews.engine.scope import GroupKind, cluster_scoped_kinds
from previews.engine.standing import Standing
from previews.engine.trees import Tree, clean_path
from previews.engine.validation import check_application
from previews.engine.value_files import Place, ValueFiles
from previews.engine.values import merge, set_file
from previews.engine.yamls import canonical

OCI = "oci://"
_NO_PROFILE = Profile()


@dataclass(frozen=True)
class Resolution:
    """One side of an instance, ready to render. `shown` is what it hands to its template, as the value row has it.

    `version` is the chart's where Flux releases a change of the chart only with a new one, else "". `files` are the
    value files in the order in which Helm merges them: the chart's own first, what the Application itself holds last.
    """

    shown: Any
    request: RenderRequest
    version: str = ""
    files: tuple[ReadFile, ...] = ()


@dataclass(frozen=True)
class Found:
    """A source and the tree that its revision means."""

    source: Source
    tree: Tree


@dataclass(frozen=True)
class _Made:
    """One source of an instance: what to render, and its values."""

    parts: tuple[Part, ...]
    values: dict[str, Any]
    missing: tuple[MissingDependency, ...] = ()
    version: str = ""
    files: tuple[ReadFile, ...] = ()


@dataclass
class Known:
    """What was read out of the object store, by Git ids: the two sides of a preview share most of it."""

    charts: dict[tuple[Any, ...], Chart] = field(default_factory=dict)
    dependencies: dict[str, tuple[Dependency, ...]] = field(default_factory=dict)
    values: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    makes_applications: dict[tuple[str, str], bool] = field(default_factory=dict)
    kinds: dict[str, tuple[GroupKind, ...]] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    artifacts: dict[tuple[str, str], Artifact] = field(default_factory=dict)
    clusters: dict[str, tuple[Cluster, ...]] = field(default_factory=dict)
    trees: dict[str, Tree] = field(default_factory=dict)


class Resolver:
    """Resolves the instances of one side of a preview."""

    def __init__(
        self,
        standing: Sequence[Standing],
        config: FleetConfig,
        charts: Outside,
        known: Known | None = None,
        engines: Mapping[str, str] | None = None,
        commands: Mapping[str, plugins.Plugin] | None = None,
    ) -> None:
        """The first of `standing` is the repository that holds the fleet; `charts` has what is in none of them.

        `known` is shared by the resolvers of one object store. `engines` are the Helm versions that can be had, with
        what identifies each; `commands` are the operator's plugins by name.
        """
        self.standing = tuple(standing)
        self.tree = self.standing[0].tree
        self.config = config
        self.charts = charts
        self.known = known if known is not None else Known()
        self.engines = engines if engines is not None else {"": ""}
        self.plugins = commands if commands is not None else {}

    def is_pinned(self, definition: Application) -> bool:
        """Whether a source of the repository that the preview moves stands at a revision that it does not move."""
        return any(
            home is not None and home.moves and not home.is_tracked(source.revision)
            for source in definition.sources
            if (home := self._home(source)) is not None
        )

    def _home(self, source: Source) -> Standing | None:
        if source.chart or source.repository.startswith(OCI):
            return None
        # A root of astrolabe.yaml names no repository: it lies in this one.
        if not source.repository:
            return self.standing[0]
        return next((item for item in self.standing if item.holds(source)), None)

    def is_ours(self, source: Source) -> bool:
        """Whether a source lies in the repository that holds the fleet."""
        return self._home(source) is self.standing[0]

    def cluster_scoped(self) -> frozenset[GroupKind]:
        """Kinds without a namespace that files of this side, and of what it took from outside, define."""
        trees = [self.tree, *self.known.trees.values()]
        return frozenset().union(*(cluster_scoped_kinds(tree, self.known.kinds) for tree in trees))

    def find(self, source: Source) -> Found:
        """The tree that a source means, wherever it lies. Raises NotRendered when it cannot be had, with what to do.

        A chart of a Helm repository or OCI registry, and an OCI artifact, are trees as well: the root is the chart's
        folder, and the source that is given back has the path `.` and in `resolved` the version that it came to.
        Another Git repository's revision means the same tree on both sides, unless the preview moves that repository.
        """
        home = self._home(source)
        if home is not None:
            return Found(source, home.find(source.revision))
        if source.chart:
            chart = self.charts.chart(source.chart, source.revision, source.repository)
            return Found(replace(source, path=".", resolved=chart.version), self._tree(chart.tree))
        if source.repository.startswith(OCI):
            artifact = self.charts.artifact(source.repository, source.revision)
            return Found(replace(source, resolved=artifact.version), self._tree(artifact.tree))
        return Found(source, self._tree(self.charts.tree(source.repository, source.revision)))

    def _tree(self, id: str) -> Tree:
        if id not in self.known.trees:
            self.tree.store.preload(id)
            self.known.trees[id] = Tree(self.tree.store, id)
        return self.known.trees[id]

    def open(self, definition: Application, source: Source) -> Found:
        """A source's tree, and the source as the files in it change it. Raises NotRendered, RenderFailed."""
        found = self.find(source)
        if definition.flux:
            return found
        self._refuse_links(found.tree)
        changed = overridden(found.tree, found.source, definition)
        return replace(found, source=replace(changed, resolved=found.source.resolved))

    def _refuse_links(self, tree: Tree) -> None:
        if self.config.argocd.get("reposerver.allow.oob.symlinks") == "true":
            return
        if tree.id not in self.known.links:
            self.known.links[tree.id] = tree.link_out_of_bounds()
        if self.known.links[tree.id]:
            raise RenderFailed("resolve", f"the repository has a link out of bounds: {self.known.links[tree.id]}")

    def _artifact(self, tree: Tree, flux: FluxOptions) -> Artifact:
        key = (tree.id, flux.source_ignore)
        if key not in self.known.artifacts:
            self.known.artifacts[key] = Artifact(tree, flux.source_ignore)
        return self.known.artifacts[key]

    def fingerprint(self, instance: Instance) -> str:
        """The hash of everything that could move the instance, by Git ids, without reading values.

        Raises RenderFailed or NotRendered as `resolve` would.
        """
        _check(instance)
        definition = instance.definition
        content: list[Any] = [definition.name, definition.target, definition.digest, _profile(instance)]
        content += [
            self._source_ids(definition, source) if not source.ref or source.path or source.chart else None
            for source in definition.sources
        ]
        return digest(content)

    def _source_ids(self, definition: Application, source: Source) -> list[Any]:
        try:
            found = self.open(definition, source)
        except NotRendered as error:
            # The same revision that nobody here has is the same on both sides.
            return [source.revision, str(error)]
        source = found.source
        flux = definition.flux
        if flux and flux.kind == "Kustomization":
            name = parts.kustomization_content(found.tree, source.path, flux, self._artifact(found.tree, flux))
            return [name, sorted(self._flux_files(found, flux).items())]
        entry = found.tree.entry(source.path)
        ids: list[Any] = [entry.id if entry else None]
        if flux:
            entries = [(path, found.tree.entry(path)) for path in parts.value_files(source, flux)]
            ids += [[path, file.id if file else None] for path, file in entries]
        tool = self.tool(found)
        if tool == "helm":
            ids += self.chart_ids(found.tree, source.path)
            for tree, path, _ in self._value_files(definition, source).all():
                value_file = tree.entry(path)
                ids.append([path, value_file.id if value_file else None])
        elif tool == "kustomize":
            ids.append(sorted(kustomize.closure(found.tree, source, self.find, self.inflater(source)).items()))
        elif tool == "plugin":
            ids.append(sorted(plugins.closure(found.tree, source.path, plugins.selected(source, self.plugins)).items()))
        elif plugins.JSONNET in self.plugins:
            ids.append(sorted(directory.imports(found.tree, source).items()))
        return ids

    def _flux_files(self, found: Found, flux: FluxOptions) -> dict[str, str]:
        return parts.kustomization_files(found.tree, found.source.path, flux, self._artifact(found.tree, flux))

    def tool(self, found: Found) -> str:
        """helm, kustomize, directory or plugin.

        Raises NotRendered for a plugin that the operator does not have, RenderFailed for a path that is none.
        util/app/discovery/discovery.go: of the files directly in the path the last match in lexical order wins.
        """
        source = found.source
        named = [name for name in ("helm", "kustomize", "directory", "plugin") if getattr(source, name) is not None]
        if len(named) > 1:
            raise RenderFailed("resolve", f"multiple application sources defined: {', '.join(named)}")
        if named == ["plugin"]:
            plugins.selected(source, self.plugins)
        entry = found.tree.entry(clean_path(source.path))
        if entry is None or not entry.is_tree:
            raise RenderFailed("resolve", f"{source.path}: app path does not exist")
        if named:
            return named[0] if self._is_enabled(named[0]) else "directory"
        tool = "directory"
        for child in found.tree.store.entries(entry.id):
            if child.name.endswith("Chart.yaml") and self._is_enabled("helm"):
                tool = "helm"
            elif child.name in kustomize.FILE_NAMES and self._is_enabled("kustomize"):
                tool = "kustomize"
        return tool

    def _is_enabled(self, tool: str) -> bool:
        """Whether argocd-cm leaves a tool switched on (settings.go GetEnabledSourceTypes)."""
        return (self.config.argocd.get(f"{tool}.enable") or "true") == "true"

    def resolve(self, instance: Instance) -> Resolution:
        """Values and render request of an instance. Raises RenderFailed or NotRendered."""
        _check(instance)
        instance = parts.for_action(instance)
        definition = instance.definition
        made: list[_Made] = []
        skipped: list[NotRendered] = []
        for written in definition.sources:
            if written.ref and not written.path and not written.chart:
                continue
            try:
                made.append(self._part(instance, self.open(definition, written), written))
            except NotRendered as error:
                # Another source may be wrong, which is the clearer answer.
                skipped.append(error)
        if skipped:
            raise skipped[0]
        values = [item.values for item in made]
        found = tuple(part for item in made for part in item.parts)
        request = make_request(found, tuple(absent for item in made for absent in item.missing))
        return Resolution(
            shown=values[0] if len(values) == 1 else values,
            request=request,
            version=made[0].version if made else "",
            files=told_apart(file for item in made for file in item.files),
        )

    def _part(self, instance: Instance, found: Found, written: Source) -> _Made:
        definition = instance.definition
        flux = definition.flux
        if flux and flux.kind == "Kustomization":
            artifact = self._artifact(found.tree, flux)
            place = found.tree, found.source.path, flux, artifact
            return _Made((parts.kustomization_part(*place),), parts.kustomization_values(*place))
        tool = self.tool(found)
        if tool == "helm":
            files = self._value_files(definition, found.source)
            places = files.all()
            values = self._helm_values(instance, found.source, files, places)
            part, missing = self._helm_part(instance, found, values)
            if flux is None:
                inline = inline_values(found.source, environment_of(definition, found.source))
                read = (*self._read_files(found, written, places), *(inline_file(*one) for one in inline))
                return _Made((part,), values, tuple(missing), files=read)
            source = replace(found.source, chart=written.chart)
            part = parts.release_part(instance, flux, part, found.tree, source)
            shown = merge(parts.default_values(found.tree, source, flux) or {}, values) | dict(flux.hidden)
            instead = [Place(found.tree, path, source) for path in parts.value_files(source, flux)]
            read = self._read_files(found, written, places, instead)
            return _Made((part,), shown, tuple(missing), parts.chart_version(found.tree, source, flux), read)
        environment = environment_of(definition, found.source)
        if tool == "kustomize":
            inflater = self.inflater(found.source, instance.profile)
            part = kustomize.part(found.tree, found.source, self.find, environment, self.config.argocd, inflater)
            return _Made((part,), kustomize.values(found.tree, found.source))
        if tool == "plugin":
            plugin = plugins.selected(found.source, self.plugins)
            part = plugins.part(found.tree, found.source, plugin, environment, instance.profile)
            return _Made((part,), dict(found.source.plugin or {}))
        jsonnet, evaluates = self.plugins.get(plugins.JSONNET), self._is_enabled("jsonnet")
        chosen = directory.parts(found.tree, found.source, jsonnet, environment, evaluates)
        return _Made(tuple(chosen), dict(found.source.directory or {}))

    def inflater(self, source: Source, profile: Profile = _NO_PROFILE) -> Inflater | None:
        """A new taker of the Helm charts in a Kustomize source; None where Argo CD does not allow them."""
        return new_inflater(self.find, self.charts, self._engine, source, profile, self.config.argocd)

    # Helm

    def _chart_dependencies(self, tree: Tree, path: str) -> tuple[Dependency, ...]:
        entry = tree.entry(path)
        if entry is None:
            return ()
        # One chart tree declares the same dependencies wherever it is met.
        if entry.id not in self.known.dependencies:
            self.known.dependencies[entry.id] = dependencies(tree, path)
        return self.known.dependencies[entry.id]

    def chart_folders(self, tree: Tree, path: str) -> list[str]:
        """A chart's own folder, and those of its `file://` dependencies. Raises RenderFailed on a broken Chart.yaml."""
        beside = (local_path(path, item) for item in self._chart_dependencies(tree, path))
        return [path, *(where for where in beside if where is not None)]

    def chart_ids(self, tree: Tree, path: str) -> tuple[str | None, ...]:
        """The tree ids of these folders: equal ones hold the same chart. Raises as `chart_folders` does."""
        entries = (tree.entry(where) for where in self.chart_folders(tree, path))
        return tuple(entry.id if entry else None for entry in entries)

    def _assemble(self, tree: Tree, path: str, whole: bool) -> Chart:
        key = (whole, *self.chart_ids(tree, path))
        if key not in self.known.charts:
            self.known.charts[key] = assemble(tree, path, self.charts, whole)
        return self.known.charts[key]

    def _helm_part(
        self, instance: Instance, found: Found, values: dict[str, Any]
    ) -> tuple[Part, list[MissingDependency]]:
        options = found.source.helm or HelmOptions()
        chart = self._assemble(found.tree, clean_path(found.source.path), whole="Files" in canonical(values))
        engine = self._engine(instance.profile.helm_version)
        asked = {
            "name": release_name(instance.definition, options),
            "namespace": options.namespace or instance.definition.destination_namespace,
            "kube_version": options.kube_version or instance.profile.kubernetes_version,
            "api_versions": list(options.api_versions or instance.profile.api_versions),
            "include_crds": not options.skip_crds,
            "skip_tests": options.skip_tests or self.config.skip_tests,
            "values": values,
            "engine": engine,
            "volatility": chart.volatility or volatility(canonical(values).encode("utf-8", "replace")),
            **whole_numbers(options, environment_of(instance.definition, found.source), values),
            **({"warnings": list(chart.stale)} if chart.stale else {}),
            **({"undeclared": [item.name for item in chart.missing]} if engine and chart.missing else {}),
        }
        effective = merge(chart.values, values)
        absent = [
            MissingDependency(item.name, item.version, item.repository, inputs_of(item, chart, effective, asked))
            for item in chart.missing
            if is_enabled(item, effective)
        ]
        checkout = without_schemas(chart.checkout) if options.skip_schema_validation else chart.checkout
        return Part("helm", checkout, asked), absent

    def _engine(self, version: str) -> str:
        if version not in self.engines:
            known = ", ".join(sorted(filter(None, self.engines))) or "none besides the built-in one"
            raise NotRendered("plugin", f"Helm {version} is not installed here (ASTROLABE_HELM_BINARIES has {known})")
        return self.engines[version]

    def _helm_values(
        self, instance: Instance, source: Source, files: ValueFiles, places: Sequence[Place]
    ) -> dict[str, Any]:
        options = source.helm or HelmOptions()
        environment = environment_of(instance.definition, source)
        values: dict[str, Any] = {}
        for tree, path, _ in places:
            values = merge(values, self._read_values(tree, path))
        values = merge(values, options.values or {})
        values = with_parameters(values, options, environment, force_string=False)
        values = with_parameters(values, options, environment, force_string=True)
        for name, path in options.file_parameters:
            tree, where, _ = files.locate(path)
            content = tree.read(where)
            if content is None:
                raise RenderFailed("resolve", f"file parameter {name}: no file {path}")
            values = set_file(values, name, content.decode("utf-8", "replace"))
        return values

    def _read_files(
        self, found: Found, written: Source, places: Sequence[Place], instead: Sequence[Place] = ()
    ) -> tuple[ReadFile, ...]:
        """What Helm merges, the chart's own values first or what stands `instead` of them; not those of a package."""
        is_packed = bool(written.chart) or written.repository.startswith(OCI)
        own = Place(found.tree, posixpath.join(clean_path(found.source.path), "values.yaml"), written)
        first = list(instead) or ([] if is_packed else [own])
        entries = ((place, place.tree.entry(place.path)) for place in (*first, *places))
        return tuple(
            ReadFile(self._home_name(place.source) + place.path, entry.id, partial(place.tree.store.blob, entry.id))
            for place, entry in entries
            if entry is not None and entry.is_file
        )

    def _home_name(self, source: Source) -> str:
        """What stands before the name of a file: nothing for the fleet's own repository, else whose the file is."""
        if self.is_ours(source):
            return ""
        if source.ref:
            return f"${source.ref}/"
        return f"{(source.chart or source.repository).rstrip('/').rpartition('/')[2].removesuffix('.git')}/"

    def _read_values(self, tree: Tree, path: str) -> Mapping[str, Any]:
        entry = tree.entry(path)
        if entry is None or not entry.is_file:
            raise RenderFailed("resolve", f"value file {path} does not exist")
        if entry.id not in self.known.values:
            self.known.values[entry.id] = read_mapping(tree, path, f"value file {path}", "parse") or {}
        return self.known.values[entry.id]

    def _value_files(self, definition: Application, source: Source) -> ValueFiles:
        environment = environment_of(definition, source)
        tree = self.find(source).tree
        return ValueFiles(
            definition, source, tree, lambda other: self.find(other).tree, environment, self.config.argocd
        )


def _check(instance: Instance) -> None:
    flux = instance.definition.flux
    if flux and flux.problem:
        raise flux.problem
    if not flux and not instance.is_root:
        check_application(instance.definition)


def _profile(instance: Instance) -> list[Any]:
    profile = instance.profile
    return [profile.kubernetes_version, list(profile.api_versions), profile.helm_version]
