"""What the fleet's configuration and people say for the predictions of all cells of a preview."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from previews.engine.config import FleetConfig
from previews.engine.predict.acceptance import Acceptance
from previews.engine.predict.context import NODE_PORTS


@dataclass(frozen=True)
class Outlook:
    """What holds for all cells. `nodes` and `node_ports` are by cluster; the rest is as in Context."""

    acceptances: Sequence[Acceptance] = ()
    nodes: Mapping[str, int] = field(default_factory=dict)
    node_ports: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    capacity_floor: float = 0.75
    startup_seconds: Mapping[str, float] = field(default_factory=dict)

    def ports_of(self, cluster: str) -> tuple[int, int]:
        """The range of a cluster's node ports, both ends in it."""
        return self.node_ports.get(cluster, NODE_PORTS)


def outlook_of(config: FleetConfig) -> Outlook:
    """What a configuration says."""
    return Outlook(
        acceptances=config.accept,
        nodes={cluster.name: cluster.nodes for cluster in config.clusters if cluster.nodes is not None},
        node_ports={cluster.name: cluster.node_ports for cluster in config.clusters if cluster.node_ports},
        capacity_floor=config.capacity_floor,
        startup_seconds=config.startup_seconds,
    )


def to_json(outlook: Outlook) -> dict[str, Any]:
    """What `from_json` reads."""
    days = [{**asdict(one), "until": one.until.isoformat() if one.until else None} for one in outlook.acceptances]
    return {**asdict(outlook), "acceptances": days}


def from_json(content: Mapping[str, Any]) -> Outlook:
    """What `to_json` wrote; {} says nothing."""
    if not content:
        return Outlook()
    accepted = tuple(
        Acceptance(**{**one, "until": date.fromisoformat(one["until"]) if one["until"] else None})
        for one in content["acceptances"]
    )
    ports = {name: (first, last) for name, (first, last) in content["node_ports"].items()}
    return Outlook(**{**content, "acceptances": accepted, "node_ports": ports})
