"""The matrix as data: which rows and columns there are, and what stands where they meet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import NamedTuple

from django.db.models import QuerySet

from previews.engine.predict.findings import SEVERITIES
from previews.models import Cell, Cluster, Fleet, Preview

#: What the filter by state offers: its name, and how the page calls it.
STATES = {
    "deploys": "deploys",
    "value-only": "only values change",
    "added": "added",
    "removed": "removed",
    "failed": "failed",
    "skipped": "skipped",
    "together": "only together",
}

#: What the filter by cause offers.
CAUSES = {"template": "template", "value": "values", "target": "target", "profile": "cluster's profile"}

#: How bad a state is; that it deploys makes it a little worse.
_RISKS = {"failed": 8, "removed": 6, "changed": 4, "added": 2, "skipped": 2}

#: A cluster and an application.
Place = tuple[str, str]
#: The clusters that an application stands on, each with whether it is pinned there, by application.
Places = dict[str, dict[str, bool]]


class TableCell(NamedTuple):
    """What the table shows of a `Cell`: there may be thousands, and as models they take three times as long to load."""

    pk: int
    preview_id: int
    turn: int
    cluster: str
    application: str
    value_state: str
    yaml_state: str
    causes: list[str]
    deploys: bool
    pinned: bool
    group: str
    pattern: str
    value_added: int
    value_removed: int
    yaml_added: int
    yaml_removed: int
    interaction: str
    moved_by: list[int]
    findings: dict[str, list[str]]

    @property
    def worst(self) -> str:
        """The worst severity among its findings, "" where there are none."""
        return min((severity for severity, *_ in self.findings.values()), key=SEVERITIES.index, default="")

    @property
    def codes(self) -> list[str]:
        """The rules that have findings, the worst first."""
        return sorted(self.findings, key=lambda code: (SEVERITIES.index(self.findings[code][0]), code))


@dataclass(frozen=True, slots=True)
class Filters:
    """What the reader asked to see. Texts are found anywhere in a name; empty ones let everything through."""

    application: str = ""
    cluster: str = ""
    state: str = ""
    group: str = ""
    pattern: str = ""
    cause: str = ""
    finding: str = ""
    worst_first: bool = False
    show_all: bool = False

    @property
    def chooses_cells(self) -> bool:
        """Whether some cells are asked for by what they say."""
        return bool(self.state or self.group or self.pattern or self.cause or self.finding)

    @property
    def is_narrow(self) -> bool:
        """Whether anything is filtered out."""
        return bool(self.application or self.cluster or self.chooses_cells)

    @property
    def by_name(self) -> Filters:
        """What can be asked of cells of which nothing is known yet."""
        return Filters(self.application, self.cluster, show_all=self.show_all)

    def wants(self, cell: TableCell) -> bool:
        """Whether a cell is one of those asked for, by its state and group; names are looked at for whole rows."""
        if self.group and cell.group != self.group:
            return False
        if self.pattern and cell.pattern != self.pattern:
            return False
        if self.cause and self.cause not in cell.causes:
            return False
        if self.finding and not self._says(cell):
            return False
        if self.state == "together":
            return bool(cell.interaction)
        if self.state == "deploys":
            return cell.deploys
        if self.state == "value-only":
            return cell.value_state != "unchanged" and cell.yaml_state == "unchanged"
        return not self.state or cell.yaml_state == self.state

    def _says(self, cell: TableCell) -> bool:
        """Whether a finding of the severity, or of the rule, that is asked for is among the cell's."""
        if self.finding in SEVERITIES:
            return any(severity == self.finding for severity, *_ in cell.findings.values())
        return self.finding in cell.findings


@dataclass(frozen=True, slots=True)
class Column:
    """A cluster. `starts_group` draws the line between two groups of columns."""

    name: str
    group: str
    starts_group: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """An application: what is said of it by cluster, and where it stands, with whether it is pinned there."""

    application: str
    cells: Mapping[str, TableCell]
    places: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class Matrix:
    """The table. `column_groups` are (name, number of columns), empty when no column has a group."""

    columns: tuple[Column, ...]
    column_groups: tuple[tuple[str, int], ...]
    rows: tuple[Row, ...]


def load_cells(preview: Preview) -> list[TableCell]:
    """The preview's cells in one query."""
    return _as_shown(Cell.objects.filter(preview=preview).order_by())


def completed_since(preview: Preview, turn: int, most: int) -> list[TableCell]:
    """The cells that were completed after a turn, at most so many, in their order."""
    return _as_shown(Cell.objects.filter(preview=preview, turn__gt=turn).order_by("turn")[:most])


def _as_shown(cells: QuerySet[Cell]) -> list[TableCell]:
    return [TableCell._make(row) for row in cells.values_list(*TableCell._fields)]


def names_that_match(clusters: Iterable[Cluster], filters: Filters) -> Callable[[str, str], bool]:
    """Tells whether the filters by name let a cluster and an application through."""
    return _Named({cluster.name: cluster for cluster in clusters}, filters).wants


def load_places(preview: Preview) -> Places:
    """Every instance of either side, from the fleets that were kept with the preview."""
    ids = {fleet for fleet in (preview.base_fleet_id, preview.head_fleet_id) if fleet}
    found: Places = {}
    for places in Fleet.objects.filter(pk__in=ids).values_list("places", flat=True):
        for application, row in places.items():
            found.setdefault(application, {}).update(row)
    return found


def make_matrix(cells: Iterable[TableCell], places: Places, clusters: Iterable[Cluster], filters: Filters) -> Matrix:
    """Rows by name, columns by their place and name; without `show_all` only those in which something changes.

    The filters choose rows and columns. Where these meet, each cell says what it is, asked for or not.
    """
    known = {cluster.name: cluster for cluster in clusters}
    by_row: dict[str, dict[str, TableCell]] = {}
    shown: list[Place] = []
    for cell in cells:
        by_row.setdefault(cell.application, {})[cell.cluster] = cell
        if filters.wants(cell):
            shown.append((cell.cluster, cell.application))
    if filters.show_all and not filters.chooses_cells:
        shown += [(cluster, application) for application, row in places.items() for cluster in row]
    names = _Named(known, filters)
    shown = [place for place in shown if names.wants(*place)]
    columns = _columns({cluster for cluster, _ in shown}, known)
    names_in_order = sorted({application for _, application in shown}, key=_by_name)
    rows = [Row(name, by_row.get(name, {}), places.get(name, {})) for name in names_in_order]
    if filters.worst_first:
        rows.sort(key=_risk, reverse=True)
    groups = [(name, len(list(members))) for name, members in groupby(column.group for column in columns)]
    return Matrix(columns, tuple(groups) if any(name for name, _ in groups) else (), tuple(rows))


def _risk(row: Row) -> tuple[int, int]:
    """How bad the worst cell of a row is, and how many such cells there are."""
    risks = [_risk_of(cell) for cell in row.cells.values()]
    return max(risks, default=-1), risks.count(max(risks, default=-1))


def _risk_of(cell: TableCell) -> int:
    worst = cell.worst
    said = 2 * (len(SEVERITIES) - SEVERITIES.index(worst)) if worst else 0
    return _RISKS.get(cell.yaml_state, 0) + cell.deploys + said


class _Named:
    """Whether the filters let names through; each is looked at once."""

    def __init__(self, known: Mapping[str, Cluster], filters: Filters) -> None:
        self.known, self.filters = known, filters
        self.application, self.cluster = cache(self._application), cache(self._cluster)

    def wants(self, cluster: str, application: str) -> bool:
        return self.application(application) and self.cluster(cluster)

    def _application(self, name: str) -> bool:
        return self.filters.application.lower() in name.lower()

    def _cluster(self, name: str) -> bool:
        group = self.known[name].group if name in self.known else ""
        return self.filters.cluster.lower() in f"{name}\n{group}".lower()


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
