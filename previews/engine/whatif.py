"""What a preview asks besides what the change itself does: "what if all pins moved", "what if these were on 1.33"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from previews.engine.config import FleetConfig
from previews.engine.errors import BadInput
from previews.engine.globs import compile_glob

_VERSION = re.compile(r"v?\d+\.\d+(\.\d+)?([-+][\w.+-]+)?")


@dataclass(frozen=True)
class WhatIf:
    """Questions about the head side. Empty texts ask nothing.

    `unpinned`: all pins of the repository stand at the head. `kubernetes_version` and `helm_version` are those of the
    clusters whose name or group matches one of the patterns in `clusters`, or of all when there are none.
    """

    unpinned: bool = False
    kubernetes_version: str = ""
    helm_version: str = ""
    clusters: tuple[str, ...] = ()

    @property
    def asks_something(self) -> bool:
        """Whether the answer can differ from that of a plain preview."""
        return self.unpinned or bool(self.kubernetes_version or self.helm_version)

    def describe(self) -> str:
        """The question in words, "" when there is none."""
        parts = ["all pins moved to this head"] if self.unpinned else []
        where = f" on {', '.join(self.clusters)}" if self.clusters else ""
        parts += [f"Kubernetes {self.kubernetes_version}{where}"] if self.kubernetes_version else []
        parts += [f"Helm {self.helm_version}{where}"] if self.helm_version else []
        return " and ".join(parts)


#: No question besides the change itself.
NOTHING_MORE = WhatIf()


def from_json(content: Mapping[str, Any]) -> WhatIf:
    """The question that `dataclasses.asdict` wrote as JSON, which knows no tuples; {} asks nothing."""
    return WhatIf(**{**content, "clusters": tuple(content.get("clusters", ()))})


def make_what_if(unpinned: bool, kubernetes_version: str, helm_version: str, clusters: tuple[str, ...]) -> WhatIf:
    """What was asked, checked. Raises BadInput."""
    if kubernetes_version and not _VERSION.fullmatch(kubernetes_version):
        raise BadInput(f"{kubernetes_version!r} is no Kubernetes version; write it like 1.33 or 1.33.2")
    if clusters and not (kubernetes_version or helm_version):
        raise BadInput("clusters are named, but no Kubernetes or Helm version for them")
    return WhatIf(unpinned, kubernetes_version, helm_version, clusters)


def at_head(config: FleetConfig, asked: WhatIf) -> FleetConfig:
    """The configuration of the head side, were things as asked. Raises BadInput when no cluster is meant."""
    if not (asked.kubernetes_version or asked.helm_version):
        return config
    patterns = [compile_glob(pattern) for pattern in asked.clusters]

    def means(*names: str) -> bool:
        return not patterns or any(pattern.match(name) for pattern in patterns for name in names if name)

    chosen = [cluster for cluster in config.clusters if means(cluster.name, cluster.group)]
    if patterns and not chosen:
        raise BadInput(f"no cluster of astrolabe.yaml is named {' or '.join(asked.clusters)}")
    kubernetes, helm = asked.kubernetes_version, asked.helm_version
    moved = {
        cluster.name: replace(
            cluster,
            kubernetes_version=kubernetes or cluster.kubernetes_version,
            helm_version=helm or cluster.helm_version,
        )
        for cluster in chosen
    }
    config = replace(config, clusters=tuple(moved.get(cluster.name, cluster) for cluster in config.clusters))
    if patterns:
        return config
    return replace(
        config,
        kubernetes_version=kubernetes or config.kubernetes_version,
        helm_version=helm or config.helm_version,
    )
