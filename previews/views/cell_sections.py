"""What a cell has to compare: for each view a list of sections, each with two texts. Data, not yet a diff."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from previews.engine.cells import Lines, ResourceState
from previews.engine.diff.lines import diff_lines, split_lines
from previews.engine.diff.opcodes import Opcode, count
from previews.engine.diff.resources import ResourcePair, pair_resources
from previews.engine.manifests import ResourceId
from previews.engine.scope import place_all
from previews.models import Blob, Cell, Manifest
from previews.views.cell_colours import Colours, colours

View = Literal["yaml", "values", "target"]
VIEWS: tuple[View, ...] = ("yaml", "values", "target")


@dataclass(frozen=True)
class Section:
    """Two texts side by side under a heading. None is a text that is not there.

    `id` is set for resources; `renamed_from` when the left one had another identity. `counted` are the lines added and
    removed where the preview has counted them.
    """

    index: int
    title: str
    state: ResourceState
    left: str | None
    right: str | None
    id: ResourceId | None = None
    renamed_from: ResourceId | None = None
    counted: Lines | None = None

    @cached_property
    def left_lines(self) -> list[str]:
        """The base's lines."""
        return split_lines(self.left or "")

    @cached_property
    def right_lines(self) -> list[str]:
        """The head's lines."""
        return split_lines(self.right or "")

    @cached_property
    def left_colours(self) -> Colours:
        """The tokens of each of the base's lines."""
        return colours(self.left or "")

    @cached_property
    def right_colours(self) -> Colours:
        """The tokens of each of the head's lines."""
        return colours(self.right or "")

    @cached_property
    def opcodes(self) -> tuple[Opcode, ...]:
        """The edit script, worked out when it is first asked for."""
        return diff_lines(self.left_lines, self.right_lines).opcodes

    @cached_property
    def lines(self) -> Lines:
        """Lines added and removed."""
        if self.counted is not None:
            return self.counted
        if self.left is None:
            return len(self.right_lines), 0
        if self.right is None:
            return 0, len(self.left_lines)
        return count(self.opcodes)


@dataclass(frozen=True)
class Sections:
    """The sections of a view, and how many resources differ in a way that does not count: order, comments, ignored."""

    sections: tuple[Section, ...]
    hidden: int = 0
    equal: int = 0


def sections_of(cell: Cell, view: View, with_hidden: bool = False) -> Sections:
    """What a view of a cell compares. `with_hidden` shows resources too whose difference does not count."""
    if view == "yaml":
        return _yaml_sections(cell, with_hidden)
    base, head = (cell.base_values, cell.head_values) if view == "values" else (cell.base_target, cell.head_target)
    left, right = _text(base), _text(head)
    if left == right:
        return Sections(())
    state: ResourceState = "added" if left is None else "removed" if right is None else "changed"
    return Sections((Section(0, "Merged values" if view == "values" else "Target", state, left, right),))


def texts_of(cell: Cell, view: View) -> tuple[str | None, str | None]:
    """Both sides' whole text, as for a download."""
    if view == "values":
        return _text(cell.base_values), _text(cell.head_values)
    if view == "target":
        return _text(cell.base_target), _text(cell.head_target)
    manifests = _manifests(cell)
    return _manifest_text(manifests.get(cell.base_key)), _manifest_text(manifests.get(cell.head_key))


def _yaml_sections(cell: Cell, with_hidden: bool) -> Sections:
    if cell.yaml_state in ("failed", "skipped", Cell.PENDING):
        # One side alone says nothing about a difference.
        return Sections(())
    manifests = _manifests(cell)
    base, head = manifests.get(cell.base_key), manifests.get(cell.head_key)
    if cell.base_key == cell.head_key and cell.placing[0] == cell.placing[1]:
        return Sections((), equal=len(base.index) if base else 0)
    left, right = (
        place_all(manifest.resources if manifest else (), namespace, cell.preview.cluster_scoped_kinds)
        for manifest, namespace in zip((base, head), cell.placing, strict=True)
    )
    paired = pair_resources(left, right)
    counted = {_id(row): (row["lines"][0], row["lines"][1]) for row in cell.resources}
    shown = [pair for pair in paired.changed if with_hidden or _ids(pair) & counted.keys()]
    sections = tuple(_section(index, pair, counted) for index, pair in enumerate(shown))
    return Sections(sections, len(paired.changed) - len(shown), paired.equal)


def _ids(pair: ResourcePair) -> set[ResourceId]:
    return {resource.id for resource in (pair.left, pair.right) if resource}


def _id(row: Mapping[str, Any]) -> ResourceId:
    return ResourceId(row["group"], row["kind"], row["namespace"], row["name"])


def _section(index: int, pair: ResourcePair, counted: Mapping[ResourceId, Lines]) -> Section:
    identity = pair.id
    return Section(
        index=index,
        title=f"{identity.kind} {identity.name}",
        state=pair.state,
        left=pair.left.text if pair.left else None,
        right=pair.right.text if pair.right else None,
        id=identity,
        renamed_from=pair.left.id if pair.renamed and pair.left else None,
        counted=None if pair.renamed else counted.get(identity),
    )


def _manifests(cell: Cell) -> dict[str, Manifest]:
    keys = {key for key in (cell.base_key, cell.head_key) if key}
    return Manifest.objects.select_related("blob").in_bulk(keys)


def _manifest_text(manifest: Manifest | None) -> str | None:
    return manifest.blob.text if manifest and manifest.blob else None


def _text(blob: Blob | None) -> str | None:
    return blob.text if blob else None
