"""Where Applications stand in a repository, and which column and row each belongs to (docs: fleet configuration)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from previews.engine.applications import Application, Instance, Profile, parse_source
from previews.engine.config import Cluster, DiscoverFiles, DiscoverRoot, FleetConfig
from previews.engine.globs import capture, compile_glob, fill
from previews.engine.trees import Tree

IN_CLUSTER = "in-cluster"
IN_CLUSTER_SERVER = "https://kubernetes.default.svc"
ROW_ANNOTATION = "astrolabe.io/application"
_YAML_ENDINGS = (".yaml", ".yml")
_TEST_FOLDERS = frozenset(("testdata", "test", "tests", "ci", "node_modules"))


#: The path of a file, its blob id, and the cluster that the configuration names for it.
SeenFile = tuple[str, str, str | None]


def application_files(tree: Tree, config: FleetConfig) -> Iterator[SeenFile]:
    """(path, blob id, cluster or None) of the files that may hold Applications.

    Those of `discover`, when the configuration has any; else every YAML file that is no part of a chart.
    """
    patterns = [entry.pattern for entry in config.discover if isinstance(entry, DiscoverFiles)]
    if config.discover and not patterns:
        return
    excluded = [compile_glob(pattern) for pattern in config.exclude]
    files = sorted((path, entry.id) for path, entry in tree.walk() if entry.is_file and path.endswith(_YAML_ENDINGS))
    charts = {path.rpartition("/")[0] for path, _ in files if path.rpartition("/")[2] == "Chart.yaml"}
    for path, blob in files:
        if any(pattern.match(path) for pattern in excluded):
            continue
        if not patterns:
            if not _belongs_to_chart(path, charts):
                yield path, blob, None
            continue
        names = next((found for pattern in patterns if (found := capture(pattern, path)) is not None), None)
        if names is not None:
            yield path, blob, names.get("cluster")


def _belongs_to_chart(path: str, charts: set[str]) -> bool:
    folders = path.split("/")[:-1]
    if _TEST_FOLDERS.intersection(folders):
        return True
    return any("/".join(folders[:depth]) in charts for depth in range(len(folders) + 1))


def roots(tree: Tree, config: FleetConfig) -> Iterator[tuple[str, str, Application]]:
    """(file, cluster, application) for each root that the configuration names, one for each file of its `each`."""
    for entry in config.discover:
        if not isinstance(entry, DiscoverRoot):
            continue
        for path, found in sorted((path, capture(entry.each, path)) for path, _ in tree.walk()):
            if found is not None:
                yield path, found.get("cluster", IN_CLUSTER), _root_application(entry, found)


def _root_application(entry: DiscoverRoot, names: dict[str, str]) -> Application:
    source = parse_source(_filled(dict(entry.source), names))
    return Application(fill(entry.name, names), "argocd", "", IN_CLUSTER_SERVER, "", entry.namespace, (source,))


def _filled(value: object, names: dict[str, str]) -> dict[str, object]:
    def walk(item: object) -> object:
        if isinstance(item, dict):
            return {key: walk(below) for key, below in item.items()}
        if isinstance(item, list):
            return [walk(below) for below in item]
        return fill(item, names) if isinstance(item, str) else item

    filled = walk(value)
    return filled if isinstance(filled, dict) else {}


def cluster_of(definition: Application, config: FleetConfig, found_in: str | None) -> str:
    """The column: a declared cluster, else where the Application was found, else what its destination says."""
    server, name = definition.server, definition.destination
    for cluster in config.clusters:
        if (server and server in cluster.servers) or (name and name in (cluster.name, *cluster.names)):
            return cluster.name
    here = (not server and not name) or server == IN_CLUSTER_SERVER or name == IN_CLUSTER
    if here and found_in:
        return found_in
    if name:
        return name
    return IN_CLUSTER if here else urlsplit(server).hostname or IN_CLUSTER


def row_of(definition: Application, cluster: str, config: FleetConfig, set_name: str = "") -> str:
    """The row: the annotation, else the configured patterns, else `set_name`, else the name without its cluster's.

    `set_name` is the ApplicationSet's when it makes at most one Application on each cluster.
    """
    annotated = definition.annotations.get(ROW_ANNOTATION)
    if annotated:
        return annotated
    name = definition.name
    for pattern in config.names:
        found = capture(pattern.replace("{cluster}", re.sub(r"([*?\[{])", r"[\1]", cluster)), name)
        if found and found.get("application"):
            return found["application"]
    if set_name:
        return set_name
    for stripped in (name.removesuffix(f"-{cluster}"), name.removeprefix(f"{cluster}-")):
        if stripped != name and stripped:
            return stripped
    return name


def profile_of(cluster: str, config: FleetConfig) -> Profile:
    """What charts see of the cluster."""
    declared = next((item for item in config.clusters if item.name == cluster), Cluster(cluster))
    return Profile(
        declared.kubernetes_version or config.kubernetes_version,
        declared.api_versions,
        declared.helm_version or config.helm_version,
    )


def settle_rows(instances: Iterable[Instance]) -> tuple[Instance, ...]:
    """Instances that would share a cell keep their full names; those that still would, their namespace, then kind."""
    settled = list(instances)
    for full in (
        lambda item: item.definition.name,
        lambda item: f"{item.definition.namespace}/{item.definition.name}",
        lambda item: f"{item.definition.kind.lower()}/{item.definition.namespace}/{item.definition.name}",
    ):
        shared = Counter((item.cluster, item.application) for item in settled)
        settled = [
            replace(item, application=full(item)) if shared[item.cluster, item.application] > 1 else item
            for item in settled
        ]
    return tuple(sorted(settled, key=lambda item: (item.cluster, item.application)))
