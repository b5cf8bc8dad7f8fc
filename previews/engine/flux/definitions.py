"""A Kustomization or HelmRelease, with everything it refers to, as an application of the fleet.

Mirrors api/v1/kustomization_types.go of kustomize-controller and api/v2/helmrelease_types.go of helm-controller.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from previews.engine.applications import Application, HelmOptions, Source
from previews.engine.config import FleetConfig
from previews.engine.errors import NotRendered, RenderFailed
from previews.engine.fields import mapping
from previews.engine.flux.options import FluxKind, FluxOptions
from previews.engine.flux.references import release_values, variables
from previews.engine.flux.sources import chart_source, files_source, items, text
from previews.engine.flux.world import Declared, World
from previews.engine.yamls import canonical, dump

_LONGEST_NAME = 53
#: What is a value of the object, and so no part of its target.
_VALUES = frozenset(("values", "valuesFrom", "postBuild"))


def column_of(item: Declared, config: FleetConfig) -> str:
    """The cluster that an object's `kubeConfig` names, else the one that holds it. Raises RenderFailed."""
    remote = mapping(mapping(item.document, "spec"), "kubeConfig")
    name = text(remote.get("secretRef"), "name") or text(remote.get("configMapRef"), "name")
    if not name:
        return item.cluster
    short = name.removesuffix("-kubeconfig")
    return next((cluster.name for cluster in config.clusters if {name, short} & {cluster.name, *cluster.names}), short)


def release_name(name: str, spec: Mapping[str, Any]) -> str:
    """The name of a release: its own, or that of its namespace and object, hashed when too long (ShortenName)."""
    namespace = text(spec, "targetNamespace")
    full = text(spec, "releaseName") or (f"{namespace}-{name}" if namespace else name)
    if len(full) <= _LONGEST_NAME:
        return full
    return f"{full[: _LONGEST_NAME - 13]}-{hashlib.sha256(full.encode()).hexdigest()[:12]}"


def define(item: Declared, world: World, config: FleetConfig) -> Application:
    """The application that an object is. What is wrong with its references is in `flux.problem`."""
    _, kind, namespace, name = item.place
    spec, metadata = mapping(item.document, "spec"), mapping(item.document, "metadata")
    flux = FluxOptions("HelmRelease" if kind == "HelmRelease" else "Kustomization", spec)
    flux = replace(flux, parent_suspended=item.suspended)
    sources: tuple[Source, ...] = ()
    try:
        source, flux = (_release if kind == "HelmRelease" else _kustomization)(item, spec, flux, world)
        sources = (source,)
    except (NotRendered, RenderFailed) as error:
        flux = replace(flux, problem=error)
    if spec.get("suspend"):
        flux = replace(flux, suspended=f"{kind} {name}")
    flux = replace(flux, notes=(*flux.notes, *_dependencies(item, spec, flux.kind, world)))
    return Application(
        name=name,
        namespace=namespace,
        project="",
        server="",
        destination=column_of(item, config),
        destination_namespace=(text(spec, "targetNamespace") or namespace) if kind == "HelmRelease" else "",
        sources=sources,
        annotations={str(key): str(value) for key, value in mapping(metadata, "annotations").items()},
        digest=_digest(flux, sources),
        target=_target(kind, metadata, spec),
        flux=flux,
    )


def _digest(flux: FluxOptions, sources: tuple[Source, ...]) -> str:
    read = [
        dict(flux.variables),
        flux.placeholders,
        dict(flux.hidden),
        flux.source_ignore,
        flux.suspended,
        flux.parent_suspended,
    ]
    where = [[item.repository, item.revision, item.path, item.chart] for item in sources]
    values = [item.helm.values for item in sources if item.helm]
    return canonical([dict(flux.spec), *read, list(flux.notes), str(flux.problem), where, values])


def _target(kind: str, metadata: Mapping[str, Any], spec: Mapping[str, Any]) -> str:
    kept = {key: metadata[key] for key in ("name", "namespace", "labels", "annotations") if key in metadata}
    bare = {key: value for key, value in spec.items() if key not in _VALUES}
    return dump({"kind": kind, "metadata": kept, "spec": bare})


def _kustomization(
    item: Declared, spec: Mapping[str, Any], flux: FluxOptions, world: World
) -> tuple[Source, FluxOptions]:
    cluster, _, namespace, _ = item.place
    document, reference = _referenced(world, item, mapping(spec, "sourceRef"), namespace)
    source = files_source(document, reference, text(spec, "path"))
    gathered = variables(spec, lambda kind, name: world.get(cluster, kind, namespace, name), world.missing(item.place))
    flux = replace(
        _with_source(flux, document, reference),
        variables={key: str(value) for key, value in gathered.values.items()},
        placeholders=gathered.placeholders,
        notes=tuple(gathered.notes),
    )
    ignore = [text(mapping(document, "spec"), "ignore"), text(spec, "ignore")]
    return replace(source, kustomize={}), replace(flux, source_ignore="\n".join(filter(None, ignore)))


def _release(item: Declared, spec: Mapping[str, Any], flux: FluxOptions, world: World) -> tuple[Source, FluxOptions]:
    cluster, _, namespace, name = item.place
    gathered = release_values(spec, lambda kind, it: world.get(cluster, kind, namespace, it), world.missing(item.place))
    chart = mapping(mapping(spec, "chart"), "spec")
    document, reference = _referenced(world, item, mapping(spec, "chartRef") or mapping(chart, "sourceRef"), namespace)
    if not spec.get("chartRef") and reference[0] in ("GitRepository", "Bucket"):
        source = files_source(document, reference, text(chart, "chart"))
    else:
        source = chart_source(document, reference, chart)
    helm = HelmOptions(release_name=release_name(name, spec), values=gathered.values)
    flux = replace(_with_source(flux, document, reference), hidden=gathered.hidden, notes=tuple(gathered.notes))
    return replace(source, helm=helm), flux


def _referenced(
    world: World, item: Declared, reference: Mapping[str, Any], namespace: str
) -> tuple[Mapping[str, Any] | None, tuple[str, str]]:
    kind, name = text(reference, "kind") or "GitRepository", text(reference, "name")
    return world.get(item.cluster, kind, text(reference, "namespace") or namespace, name), (kind, name)


def _with_source(flux: FluxOptions, document: Mapping[str, Any] | None, reference: tuple[str, str]) -> FluxOptions:
    """A source that is suspended holds back what comes from it."""
    return replace(flux, suspended=" ".join(reference)) if mapping(document, "spec").get("suspend") else flux


def _dependencies(item: Declared, spec: Mapping[str, Any], kind: FluxKind, world: World) -> list[str]:
    """Notes on what it waits for and nobody declares: it has no effect on the output, but then nothing is applied."""
    cluster, _, namespace, _ = item.place
    return [
        f"dependsOn {text(other, 'name')}, a {kind} that is declared nowhere in this repository"
        for other in items(spec, "dependsOn")
        if world.get(cluster, kind, text(other, "namespace") or namespace, text(other, "name")) is None
    ]
