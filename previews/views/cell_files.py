"""The value files of a cell: which ones have a tab, what each compares, and the names of those that do not change."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from previews.engine.cells import Lines, ResourceState
from previews.engine.render.requests import digest
from previews.models import Blob, Cell
from previews.views.cell_section import Section, Sections


@dataclass(frozen=True)
class ChangedFile:
    """A file that has a tab: `index` is its place in `Cell.files`, `title` as much of its name as tells it apart."""

    index: int
    name: str
    title: str
    lines: Lines
    state: ResourceState


def changed_files(cell: Cell) -> list[ChangedFile]:
    """The value files that differ, in the order in which Helm merges them."""
    found = [(index, row) for index, row in enumerate(cell.files) if row["state"] != "unchanged"]
    titles = short_names([row["name"] for _, row in found])
    return [
        ChangedFile(index, row["name"], title, (row["added"], row["removed"]), row["state"])
        for (index, row), title in zip(found, titles, strict=True)
    ]


def unchanged_files(cell: Cell) -> list[str]:
    """The names of those that are the same on both sides."""
    return [row["name"] for row in cell.files if row["state"] == "unchanged"]


def short_names(paths: list[str]) -> list[str]:
    """Of each path the file's name, with as many folders before it as no other path has too."""
    ends = [
        ["/".join(parts[at:]) for at in reversed(range(len(parts)))] for parts in (path.split("/") for path in paths)
    ]
    count = Counter(end for all_ends in ends for end in all_ends)
    return [next((end for end in all_ends if count[end] == 1), all_ends[-1]) for all_ends in ends]


def parse_file(text: str, cell: Cell) -> int | None:
    """The place in `Cell.files` that an address names; None for nonsense, and for a file that does not change."""
    if not (text.isascii() and text.isdigit() and len(text) < 7 and int(text) < len(cell.files)):
        return None
    return int(text) if cell.files[int(text)]["state"] != "unchanged" else None


def file_texts(cell: Cell, index: int) -> tuple[str | None, str | None]:
    """Both sides of a file, None where it is not read."""
    row = cell.files[index]
    blobs = Blob.objects.in_bulk([key for key in (row["base"], row["head"]) if key])
    base, head = (blobs[key].text if key in blobs else None for key in (row["base"], row["head"]))
    return base, head


def file_sections(cell: Cell, index: int) -> Sections:
    """The comparison of one file. Ticked once, it is ticked on every cluster that has this change of it."""
    row = cell.files[index]
    left, right = file_texts(cell, index)
    change = digest(["file", row["name"], row["base"], row["head"]])
    counted = row["added"], row["removed"]
    return Sections((Section(0, row["name"], row["state"], left, right, counted=counted, change=change),))
