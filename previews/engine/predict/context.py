"""What a prediction knows besides the two manifests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from previews.engine.manifests import ResourceId
from previews.engine.predict.expressions import Expressions
from previews.engine.predict.objects import Object
from previews.engine.scope import GroupKind

#: A Kubernetes minor version, such as (1, 31).
Minor = tuple[int, int]
#: The range of node ports where nobody says another (kube-apiserver --service-node-port-range).
NODE_PORTS = (30000, 32767)


#: Gives the definitions of a kind that stand in files.
Library = Callable[[GroupKind], Sequence[Object]]


def no_definitions(_: GroupKind) -> Sequence[Object]:
    """The library that is empty."""
    return ()


@dataclass(frozen=True)
class Sync:
    """How the Application is synced: its sync options (`ServerSideApply=true`), and what its sync policy says.

    What Flux makes of a Kustomization is applied server-side, which is that option.
    """

    options: frozenset[str] = frozenset()
    prunes: bool = True
    is_automated: bool = True

    def has(self, option: str) -> bool:
        """Whether an option is set, as `Replace=true`."""
        return option in self.options


# The same only as itself, as a Pair is.
@dataclass(frozen=True, eq=False)
class Context:
    """The cluster that a cell is about, and the rest of what is known of it.

    `kubernetes` is the cluster's minor at head, `base_kubernetes` at base. `namespace` is where objects go that name
    none. `definitions` are the CRDs that changed applications of the cluster render at head, by (group, kind);
    `library` gives those that stand in the repository's files.
    `expressions` evaluates the rules of definitions, for all cells of a preview.
    `elsewhere` are the objects that other applications of the cluster have at head, with the application's name.
    `by_argo_cd` is False where Flux applies it. `knows_apis`: it was rendered for the APIs that the cluster serves.
    `nodes` is how many nodes the cluster has, `node_ports` the range of its node ports, both ends in it.
    `capacity_floor` is the part of the replicas that has to serve at all times where no PodDisruptionBudget says more.
    `startup_seconds` are measured times until a pod is ready, by `namespace/name` of its workload.
    `deletes_application`: the whole Application goes away, and what it made with it unless `cascades` is False.
    """

    kubernetes: Minor = (1, 31)
    base_kubernetes: Minor | None = None
    namespace: str = ""
    sync: Sync = Sync()
    definitions: Mapping[GroupKind, Object] = field(default_factory=lambda: MappingProxyType({}))
    library: Library = no_definitions
    expressions: Expressions = field(default_factory=Expressions)
    elsewhere: Mapping[ResourceId, str] = field(default_factory=lambda: MappingProxyType({}))
    nodes: int | None = None
    node_ports: tuple[int, int] = NODE_PORTS
    capacity_floor: float = 0.75
    startup_seconds: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    deletes_application: bool = False
    cascades: bool = True
    by_argo_cd: bool = True
    knows_apis: bool = False
