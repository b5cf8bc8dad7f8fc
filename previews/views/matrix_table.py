"""The matrix as data: which rows and columns there are, and what stands where they meet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

from previews.models import Cell, Cluster, Fleet, Preview

#: What the filter by state offers: its name, and how the page calls it.
STATES = {
    "deploys": "deploys",
    "value-only": "only values change",
    "added": "added",
    "removed": "removed",
    "failed": "failed",
    "skipped": "skipped",
}

#: A cluster and an application.
Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Filters:
    """What the reader asked to see. Texts are found anywhere in a name; empty ones let everything through."""

    application: str = ""
    cluster: str = ""
    state: str = ""
    group: str = ""
    show_all: bool = False

    @property
    def is_narrow(self) -> bool:
        """Whether anything is filtered out."""
        return bool(self.application or self.cluster or self.state or self.group)

    def wants(self, cell: Cell) -> bool:
        """Whether a cell is one of those asked for, by its state and group; names are looked at for whole rows."""
        if self.group and cell.group != self.group:
            return False
        if self.state == "deploys":
            return cell.deploys
        if self.state == "value-only":
            return cell.value_state != "unchanged" and cell.yaml_state == "unchanged"
        return not self.state or cell.yaml_state == self.state


@dataclass(frozen=True, slots=True)
class Column:
    """A cluster. `starts_group` draws the line between two groups of columns."""

    name: str
    group: str
    starts_group: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a row and a column meet: a cell that says something, or an instance that stays as it is."""

    column: Column
    cell: Cell | None
    exists: bool
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """An application on all shown clusters."""

    application: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """The table. `column_groups` are (name, number of columns), empty when no column has a group."""

    columns: tuple[Column, ...]
    column_groups: tuple[tuple[str, int], ...]
    rows: tuple[Row, ...]


def load_cells(preview: Preview) -> list[Cell]:
    """The preview's cells in one query, without their long parts."""
    heavy = ("resources", "notes", "planned", "error", "skipped", "base_key", "head_key")
    blobs = ("base_values", "head_values", "base_target", "head_target")
    return list(preview.cells.defer(*heavy, *blobs).order_by())


def load_places(preview: Preview) -> dict[Place, bool]:
    """Every instance of either side, and whether it is pinned, from the fleets that were kept with the preview."""
    ids = {fleet for fleet in (preview.base_fleet_id, preview.head_fleet_id) if fleet}
    lists = Fleet.objects.filter(pk__in=ids).values_list("instances", flat=True)
    return {(instance[0], instance[1]): bool(instance[4:] and instance[4]) for rows in lists for instance in rows}


def make_matrix(
    cells: Iterable[Cell], places: Mapping[Place, bool], clusters: Iterable[Cluster], filters: Filters
) -> Matrix:
    """Rows by name, columns by their place and name; without `show_all` only those in which something changes.

    The filters choose rows and columns. Where these meet, each cell says what it is, asked for or not.
    """
    by_place = {(cell.cluster, cell.application): cell for cell in cells}
    known = {cluster.name: cluster for cluster in clusters}
    shown: set[Place] = {place for place, cell in by_place.items() if filters.wants(cell)}
    if filters.show_all and not (filters.state or filters.group):
        shown |= set(places)
    shown = {place for place in shown if _is_named(place, known, filters)}
    columns = _columns({cluster for cluster, _ in shown}, known)
    rows = [
        Row(name, tuple(_entry(column, name, by_place, places) for column in columns))
        for name in sorted({application for _, application in shown}, key=_by_name)
    ]
    groups = [(name, len(list(members))) for name, members in groupby(column.group for column in columns)]
    return Matrix(columns, tuple(groups) if any(name for name, _ in groups) else (), tuple(rows))


def _entry(column: Column, application: str, cells: Mapping[Place, Cell], places: Mapping[Place, bool]) -> Entry:
    place = (column.name, application)
    cell = cells.get(place)
    return Entry(column, cell, cell is not None or place in places, places.get(place, False))


def _is_named(place: Place, known: Mapping[str, Cluster], filters: Filters) -> bool:
    cluster, application = place
    if filters.application.lower() not in application.lower():
        return False
    group = known[cluster].group if cluster in known else ""
    return filters.cluster.lower() in f"{cluster}\n{group}".lower()


def _columns(names: Iterable[str], known: Mapping[str, Cluster]) -> tuple[Column, ...]:
    """Columns in order; those of a group stand together, where the first of them stands."""

    def place(name: str) -> tuple[int, tuple[str, str]]:
        return (known[name].position if name in known else 0, _by_name(name))

    ordered = sorted(names, key=place)
    groups: dict[str, list[str]] = {}
    for name in ordered:
        groups.setdefault(known[name].group if name in known else "", []).append(name)
    columns: list[Column] = []
    for group, members in groups.items():
        columns += [Column(name, group, at == 0 and bool(columns)) for at, name in enumerate(members)]
    return tuple(columns)


def _by_name(name: str) -> tuple[str, str]:
    return (name.lower(), name)
