"""The clusters generator: the clusters of astrolabe.yaml, and plain cluster Secrets of the tree.

Mirrors applicationset/generators/cluster.go and applicationset/utils/clusterUtils.go of Argo CD.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from previews.engine.config import Cluster
from previews.engine.discover.applicationsets.parameters import Parameters, TextMap, normalise
from previews.engine.discover.applicationsets.selectors import selects
from previews.engine.discover.layout import IN_CLUSTER, IN_CLUSTER_SERVER
from previews.engine.errors import NotRendered, YamlError
from previews.engine.resolve import Resolver
from previews.engine.trees import Tree
from previews.engine.yamls import load_all

_LABEL = "argocd.argoproj.io/secret-type"


def find_clusters(selector: Mapping[str, Any], resolver: Resolver, go: bool) -> Iterator[Parameters]:
    """The parameters of each cluster that the selector chooses, sorted by name.

    Raises NotRendered when no cluster is known at all.
    """
    known = _inventory(resolver)
    if not known:
        raise NotRendered(
            "generator",
            "the clusters generator needs `clusters` in astrolabe.yaml, or cluster Secrets in the repository",
        )
    for cluster in known:
        if selects(selector, _labels(cluster)):
            yield _parameters(cluster, go)
    # The cluster that Argo CD runs on has no secret, and so no labels: a selector leaves it out.
    if not (selector.get("matchLabels") or selector.get("matchExpressions")) and not any(
        IN_CLUSTER_SERVER in cluster.servers for cluster in known
    ):
        yield {"name": IN_CLUSTER, "nameNormalized": IN_CLUSTER, "server": IN_CLUSTER_SERVER, "project": ""}


def _inventory(resolver: Resolver) -> list[Cluster]:
    """The declared clusters, and Secrets of others; a Secret's name that is declared counts as declared."""
    tree = resolver.tree
    if tree.id not in resolver.known.clusters:
        resolver.known.clusters[tree.id] = tuple(_from_secrets(tree))
    found = {cluster.name: cluster for cluster in resolver.known.clusters[tree.id]}
    found.update((cluster.name, cluster) for cluster in resolver.config.clusters)
    return [found[name] for name in sorted(found)]


def _from_secrets(tree: Tree) -> Iterator[Cluster]:
    for path, entry in tree.walk():
        if not entry.is_file or not path.endswith((".yaml", ".yml", ".json")):
            continue
        data = tree.store.blob(entry.id)
        if _LABEL.encode() not in data:
            continue
        try:
            documents = load_all(data.decode("utf-8", "replace"))
        except YamlError:  # a template of something, and no Secret
            continue
        for document in documents:
            cluster = _read_secret(document)
            if cluster is not None:
                yield cluster


def _read_secret(document: Any) -> Cluster | None:
    """The cluster that a Secret declares; None for what is none, or is encrypted."""
    if not isinstance(document, dict) or document.get("kind") != "Secret" or "sops" in document:
        return None
    metadata = document.get("metadata")
    labels = _texts(metadata, "labels")
    if labels.get(_LABEL) != "cluster":
        return None
    data = {key: _decoded(value) for key, value in _texts(document, "data").items()} | _texts(document, "stringData")
    name, server = data.get("name"), data.get("server")
    if not name or not server:
        return None
    annotations, project = _texts(metadata, "annotations"), data.get("project", "")
    return Cluster(name, (server.rstrip("/"),), labels=labels, annotations=annotations, project=project)


def _texts(value: Any, key: str) -> dict[str, str]:
    found = value.get(key) if isinstance(value, dict) else None
    return {str(name): str(text) for name, text in found.items()} if isinstance(found, dict) else {}


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""


def _labels(cluster: Cluster) -> dict[str, str]:
    return {**cluster.labels, _LABEL: "cluster"}


def _parameters(cluster: Cluster, go: bool) -> Parameters:
    parameters: Parameters = {
        "name": cluster.name,
        "nameNormalized": normalise(cluster.name),
        "server": cluster.servers[0] if cluster.servers else "",
        "project": cluster.project,
    }
    told = {"annotations": cluster.annotations, "labels": _labels(cluster)}
    if go:
        return parameters | {"metadata": {kind: TextMap(texts) for kind, texts in told.items() if texts}}
    flat = {f"metadata.{kind}.{key}": text for kind, texts in told.items() for key, text in texts.items()}
    return parameters | flat
