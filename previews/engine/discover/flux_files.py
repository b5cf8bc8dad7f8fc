"""Flux's objects in files, the cluster of each, and which of them are roots."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from previews.engine.discover.layout import IN_CLUSTER, SeenFile
from previews.engine.errors import YamlError
from previews.engine.fields import mapping
from previews.engine.flux.sources import clamped, text
from previews.engine.flux.world import FLUX_KINDS, is_read
from previews.engine.resolve import Resolver
from previews.engine.yamls import load_all

_MENTIONS_FLUX = re.compile(rb"^[ \t-]*apiVersion:[ \t]*[\"']?\w+\.toolkit\.fluxcd\.io/", re.MULTILINE)
_CONFIG = re.compile(rb"^kind:[ \t]*[\"']?ConfigMap[\"']?[ \t]*\r?$", re.MULTILINE)
_CLUSTER = re.compile(r"(?:^|/)clusters/([^/]+)/")
_REQUIRED = {"Kustomization": ("sourceRef",), "HelmRelease": ("chart", "chartRef")}


@dataclass(frozen=True)
class InFile:
    """An object in a file; `cluster` None where neither the configuration nor the path says which.

    `is_sure` tells that the configuration said so: a folder below `clusters/` may also hold what clusters share.
    """

    path: str
    cluster: str | None
    document: Mapping[str, Any]
    is_sure: bool = False

    @property
    def kind(self) -> str:
        """Its kind."""
        return str(self.document.get("kind"))

    def covers(self, path: str) -> bool:
        """Whether this Kustomization would apply the file, as far as its folder tells."""
        return not self.folder or path.startswith(f"{self.folder}/")

    @cached_property
    def folder(self) -> str:
        """Where a Kustomization's files are."""
        return clamped(text(mapping(self.document, "spec"), "path"))

    @property
    def applies_itself(self) -> bool:
        """Whether it is a Kustomization as `flux bootstrap` makes it."""
        return self.kind == "Kustomization" and self.covers(self.path)


def objects_in_files(resolver: Resolver, seen: Iterable[SeenFile], notes: list[str]) -> list[InFile]:
    """The objects in these files that Flux reads; none at all where there is no Kustomization and no HelmRelease."""
    declared = {name: it.name for it in resolver.config.clusters for name in (*it.names, it.name)}
    found: list[InFile] = []
    config_maps: list[tuple[str, str | None, bool, str]] = []
    for path, blob, named in seen:
        folder = _CLUSTER.search(path)
        cluster = named or (folder[1] if folder else None)
        place = (path, declared.get(cluster, cluster) if cluster else None, bool(named) or cluster in declared, blob)
        data = resolver.tree.store.blob(blob)
        if _MENTIONS_FLUX.search(data):
            found += _objects(resolver, place, notes)
        elif cluster and _CONFIG.search(data):
            config_maps.append(place)
    if any(item.kind in FLUX_KINDS for item in found):
        found += [item for place in config_maps for item in _objects(resolver, place, notes)]
    return found


def _objects(resolver: Resolver, place: tuple[str, str | None, bool, str], notes: list[str]) -> list[InFile]:
    path, cluster, is_sure, blob = place
    data = resolver.tree.store.blob(blob)
    try:
        documents = load_all(data.decode("utf-8", "replace"))
    except YamlError as error:
        if b"{{" not in data:
            notes.append(f"{path}: {error}")
        return []
    whole = (document for document in documents if isinstance(document, dict) and _is_whole(document))
    return [InFile(path, cluster, document, is_sure) for document in whole]


def _is_whole(document: Mapping[str, Any]) -> bool:
    """Whether it is an object that Flux reads, and neither a template nor a patch of one."""
    kind = str(document.get("kind"))
    group = str(document.get("apiVersion")).rpartition("/")[0]
    metadata, spec = document.get("metadata"), document.get("spec")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    # Flux's Secrets in plain files are left where they are: their values must not leave the renderer.
    if not is_read(group, kind) or kind == "Secret" or not isinstance(name, str) or "{" in name:
        return False
    required = _REQUIRED.get(kind)
    return not required or (isinstance(spec, dict) and any(spec.get(key) for key in required))


def roots_of(files: list[InFile]) -> list[InFile]:
    """The objects that somebody applies by hand."""
    parents = [item for item in files if item.kind == "Kustomization"]
    roots = []
    for item in files:
        others = [other for other in parents if other is not item and other.cluster == item.cluster]
        is_covered = any(other.covers(item.path) for other in others)
        if item.kind in FLUX_KINDS and (item.applies_itself or not is_covered):
            roots.append(item)
    rootless = {item.cluster for item in parents} - {item.cluster for item in roots}
    roots += [item for item in parents if item.cluster in rootless]
    started = {item.cluster for item in roots if item.applies_itself}
    # Where clusters have a bootstrap, a folder of `clusters/` without one is shared by them.
    return [item for item in roots if not started or item.is_sure or item.cluster in started]


def with_clusters(files: list[InFile]) -> list[InFile]:
    """Objects of no known cluster belong to the one whose bootstrap folder they are in, else to a single one.

    Where clusters are known, files outside theirs are what Kustomizations share.
    """
    if any(item.cluster for item in files if item.kind in FLUX_KINDS):
        return [item for item in files if item.cluster]
    folders = {item.folder for item in files if item.applies_itself}

    def cluster(path: str) -> str:
        above = [folder for folder in folders if not folder or path.startswith(f"{folder}/")]
        name = max(above, key=len).rpartition("/")[2] if len(folders) > 1 and above else ""
        return name or IN_CLUSTER

    return [replace(item, cluster=cluster(item.path)) for item in files]
