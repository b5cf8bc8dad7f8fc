"""The same change elsewhere: which other cells a change is identical on, and on which clusters it differs."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from previews.models import Cell

#: Cells that are listed by name.
MAX_LISTED = 60


@dataclass(frozen=True)
class Others:
    """Some of `count` cells."""

    count: int
    cells: list[Cell]


@dataclass(frozen=True)
class SameChange:
    """Cells with the very same yaml change, and the same application's cells whose yaml changes in another way."""

    same: Others
    differ: Others


def same_change(cell: Cell) -> SameChange:
    """What is the same elsewhere, and what is not. Cells that are added or removed are never called the same."""
    beside = cell.preview.cells.exclude(pk=cell.pk)
    same = beside.filter(group=cell.group) if cell.group else beside.none()
    differ = beside.filter(application=cell.application).exclude(yaml_state__in=("unchanged", Cell.PENDING))
    if cell.group:
        differ = differ.exclude(group=cell.group)
    return SameChange(_listed(same), _listed(differ))


def _listed(cells: QuerySet[Cell]) -> Others:
    fields = ("preview_id", "cluster", "application", "group", "yaml_state", "yaml_added", "yaml_removed")
    rows = list(cells.order_by("application", "cluster").only(*fields)[: MAX_LISTED + 1])
    return Others(len(rows) if len(rows) <= MAX_LISTED else cells.count(), rows[:MAX_LISTED])
