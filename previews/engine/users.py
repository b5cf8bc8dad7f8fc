"""Fleets of other repositories whose Applications use templates of the previewed one: many fleets in one preview."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from previews.engine.config import FleetConfig
from previews.engine.discover.fleet import NO_APPLICATIONS, Fleet
from previews.engine.plan import Plan, PlannedCell
from previews.engine.yamls import canonical

Place = tuple[str, str]


@dataclass(frozen=True)
class User:
    """A repository that holds a fleet: at one tree on both sides, or on its way from `tree` to `head_tree`.

    The trees are in the previewed repository's mirror. `tracks` are the revisions that mean them.
    """

    address: str
    tree: str
    config: FleetConfig
    head_tree: str = ""
    tracks: tuple[str, ...] = ()

    @property
    def moves(self) -> bool:
        """Whether the preview is about this repository too."""
        return bool(self.head_tree)

    @property
    def name(self) -> str:
        """For people."""
        return self.address.rstrip("/").rpartition("/")[2].rpartition(":")[2].removesuffix(".git")


def settle_across(names: Sequence[str], fleets: Sequence[tuple[Fleet, Fleet]]) -> list[tuple[Fleet, Fleet]]:
    """The fleets (base, head) with no place in two of them: users' rows get the user's name behind them.

    The first fleet is the previewed repository's own, the others go by `names`. A place counts wherever it is on either
    side, so that a row is called the same on both.
    """
    places = [{place for fleet in pair for place in _places(fleet)} for pair in fleets]
    count = Counter(place for found in places for place in found)
    settled = [fleets[0]]
    for name, pair in zip(_distinct(names), fleets[1:], strict=True):
        renamed = {place: f"{place[1]} ({name})" for place, times in count.items() if times > 1}
        settled.append((_renamed(pair[0], renamed), _renamed(pair[1], renamed)))
    return settled


def _places(fleet: Fleet) -> set[Place]:
    return {(item.cluster, item.application) for item in fleet.instances}


def _distinct(names: Sequence[str]) -> list[str]:
    """Names with their position behind them where two are alike."""
    count = Counter(names)
    return [f"{name} {at}" if count[name] > 1 else name for at, name in enumerate(names, 1)]


def _renamed(fleet: Fleet, rows: Mapping[Place, str]) -> Fleet:
    def row(cluster: str, application: str) -> str:
        return rows.get((cluster, application), application)

    return replace(
        fleet,
        instances=tuple(replace(item, application=row(item.cluster, item.application)) for item in fleet.instances),
        pinned=frozenset((cluster, row(cluster, application)) for cluster, application in fleet.pinned),
    )


def join_fleets(fleets: Sequence[Fleet], users: Sequence[User]) -> Fleet:
    """All instances of one side, and all notes, those of users with their names."""
    own, *others = fleets
    notes = [note for note in own.notes if not (users and note == NO_APPLICATIONS)]
    notes += [f"{user.name}: {note}" for user, fleet in zip(users, others, strict=True) for note in fleet.notes]
    return replace(
        own,
        instances=tuple(item for fleet in fleets for item in fleet.instances),
        notes=tuple(notes),
        pinned=frozenset().union(*(fleet.pinned for fleet in fleets)),
    )


def join_plans(plans: Sequence[Plan], users: Sequence[User]) -> Plan:
    """One plan of the own fleet's and the users'. A user's cells hide what its own configuration ignores."""
    own, *others = plans
    cells: list[PlannedCell] = list(own.cells)
    for user, plan in zip(users, others, strict=True):
        more = user.config.ignore
        cells += [replace(cell, ignore=((*cell.ignore[0], *more), (*cell.ignore[1], *more))) for cell in plan.cells]
    return Plan(
        tuple(sorted(cells, key=lambda cell: (cell.cluster, cell.application))),
        {key: request for plan in plans for key, request in plan.requests.items()},
        tuple(item for plan in plans for item in plan.unchanged),
    )


def with_users(config: FleetConfig, users: Sequence[User]) -> FleetConfig:
    """The configuration with the users' clusters and Argo CD settings behind its own; its digest tells the users."""
    if not users:
        return config
    clusters = {cluster.name: cluster for cluster in config.clusters}
    for cluster in (cluster for user in users for cluster in user.config.clusters):
        clusters.setdefault(cluster.name, cluster)
    argocd = {key: text for user in users for key, text in user.config.argocd.items()} | dict(config.argocd)
    digest = canonical(
        [config.digest, [[user.address, user.tree, user.head_tree, user.config.digest] for user in users]]
    )
    return replace(config, clusters=tuple(clusters.values()), argocd=argocd, digest=digest)
