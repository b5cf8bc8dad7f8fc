"""What a cell has to compare: for each view a list of sections, each with two texts. Data, not yet a diff."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any, Literal

from django.core.cache import cache

from previews.engine.cells import Hidden, Lines, ResourceState
from previews.engine.diff.colours import long_scalars
from previews.engine.diff.lines import LineDiff, diff_lines, split_lines
from previews.engine.diff.opcodes import Opcode, count
from previews.engine.diff.resources import ResourcePair, pair_resources
from previews.engine.ignoring import without
from previews.engine.manifests import Resource, ResourceId, to_readable_text
from previews.engine.render.requests import digest
from previews.engine.scope import place_all
from previews.models import Blob, Cell, Manifest

View = Literal["yaml", "values", "target"]
Scalars = list[tuple[int, int]]
#: Steps and scalars of a section that stay in memory, some 20 bytes each, for at most 300 sections (Django's default).
_KEPT = 10_000
VIEWS: tuple[View, ...] = ("yaml", "values", "target")


@dataclass(frozen=True)
class Section:
    """Two texts side by side under a heading. None is a text that is not there.

    `index` names it in addresses: it does not depend on what else is hidden. `id` is set for resources;
    `renamed_from` when the left one had another identity. `counted` are the lines added and removed where the preview
    has counted them. `change` is equal for the very same change elsewhere, "" where that is not known.
    """

    index: int
    title: str
    state: ResourceState
    left: str | None
    right: str | None
    id: ResourceId | None = None
    renamed_from: ResourceId | None = None
    counted: Lines | None = None
    change: str = ""

    @property
    def texts(self) -> tuple[str | None, str | None]:
        """Both sides."""
        return self.left, self.right

    @cached_property
    def left_lines(self) -> list[str]:
        """The base's lines."""
        return split_lines(self.left or "")

    @cached_property
    def right_lines(self) -> list[str]:
        """The head's lines."""
        return split_lines(self.right or "")

    @property
    def left_scalars(self) -> Scalars:
        """Where the base's scalars of several lines stand."""
        return self._found[1]

    @property
    def right_scalars(self) -> Scalars:
        """Where the head's scalars of several lines stand."""
        return self._found[2]

    @property
    def diff(self) -> LineDiff:
        """The edit script, worked out when it is first asked for."""
        return self._found[0]

    @cached_property
    def _found(self) -> tuple[LineDiff, Scalars, Scalars]:
        """What takes a look at every line of both texts, kept in memory for the next fold or page."""
        both = "\0".join((self.left or "", self.right or "")).encode()
        key = f"section-{blake2b(both, digest_size=20).hexdigest()}"
        known: tuple[LineDiff, Scalars, Scalars] | None = cache.get(key)
        if known:
            return known
        sides = self.left_lines, self.right_lines
        found = diff_lines(*sides), long_scalars(sides[0]), long_scalars(sides[1])
        if sum(map(len, (found[0].opcodes, *found[1:]))) <= _KEPT:
            cache.set(key, found)
        return found

    @property
    def opcodes(self) -> tuple[Opcode, ...]:
        """The edit script's steps."""
        return self.diff.opcodes

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

    def at(self, index: int) -> Section | None:
        """The section that an address names."""
        return next((section for section in self.sections if section.index == index), None)


def sections_of(cell: Cell, view: View, with_hidden: bool = False, with_ignored: bool = False) -> Sections:
    """What a view of a cell compares.

    `with_hidden` shows resources too that differ in nothing but order or comments, `with_ignored` what rules hide.
    """
    if view == "yaml":
        return _yaml_sections(cell, with_hidden, with_ignored)
    base, head = (cell.base_values, cell.head_values) if view == "values" else (cell.base_target, cell.head_target)
    left, right = _text(base), _text(head)
    if left == right:
        return Sections(())
    state: ResourceState = "added" if left is None else "removed" if right is None else "changed"
    title = "Merged values" if view == "values" else "Target"
    change = digest([view, base and base.pk, head and head.pk])
    return Sections((Section(0, title, state, left, right, change=change),))


def texts_of(cell: Cell, view: View, with_ignored: bool = True) -> tuple[str | None, str | None]:
    """Both sides' whole text, as for a download; without what rules hide on request."""
    if view == "values":
        return _text(cell.base_values), _text(cell.head_values)
    if view == "target":
        return _text(cell.base_target), _text(cell.head_target)
    manifests = _manifests(cell)
    is_there = [bool(manifest and manifest.blob) for manifest in map(manifests.get, (cell.base_key, cell.head_key))]
    hidden = {} if with_ignored else cell.hidden_fields
    left, right = (
        to_readable_text(_without(one, hidden, is_base) for one in side)
        for side, is_base in zip(_delivered(cell, manifests), (True, False), strict=True)
    )
    return left if is_there[0] else None, right if is_there[1] else None


def _yaml_sections(cell: Cell, with_hidden: bool, with_ignored: bool) -> Sections:
    if cell.yaml_state in ("failed", "skipped", Cell.PENDING):
        # One side alone says nothing about a difference.
        return Sections(())
    manifests = _manifests(cell)
    if cell.base_key == cell.head_key and cell.placing[0] == cell.placing[1] and not cell.marks:
        return Sections((), equal=sum(len(manifest.index) for manifest in manifests.values()))
    hidden = cell.hidden_fields
    paired = pair_resources(*_delivered(cell, manifests))
    counted = {_id(row): row for row in cell.resources}
    ignored = hidden.keys() if with_ignored else set()
    # What differs in ignored fields alone is no difference in order or comments.
    changed = [
        (index, pair)
        for index, pair in enumerate(paired.changed)
        if with_ignored or pair.id in counted or pair.id not in hidden
    ]
    shown = [(index, pair) for index, pair in changed if with_hidden or _ids(pair) & (counted.keys() | ignored)]
    if not with_ignored:
        shown = [(index, _pair_without(pair, hidden)) for index, pair in shown]
    sections = tuple(
        # The preview counted lines without those that rules hide.
        _section(index, pair, {} if with_ignored and pair.id in hidden else counted)
        for index, pair in shown
    )
    return Sections(sections, len(changed) - len(shown), paired.equal)


def _delivered(cell: Cell, manifests: Mapping[str, Manifest]) -> tuple[tuple[Resource, ...], tuple[Resource, ...]]:
    """The resources of both sides where a sync puts them, and with its marks."""
    base, head = (
        tuple(tracker.tracked(one) if tracker else one for one in placed)
        for tracker, placed in (
            (tracker, place_all(_resources(manifests.get(key)), namespace, cell.preview.cluster_scoped_kinds))
            for key, namespace, tracker in zip((cell.base_key, cell.head_key), cell.placing, cell.trackers, strict=True)
        )
    )
    return base, head


def _resources(manifest: Manifest | None) -> tuple[Resource, ...]:
    return manifest.resources if manifest else ()


def _pair_without(pair: ResourcePair, hidden: Mapping[ResourceId, Hidden]) -> ResourcePair:
    left, right = pair.left, pair.right
    return ResourcePair(left and _without(left, hidden, is_base=True), right and _without(right, hidden, is_base=False))


def _without(resource: Resource, hidden: Mapping[ResourceId, Hidden], is_base: bool) -> Resource:
    found = hidden.get(resource.id)
    return resource.with_text(without(resource.text, found.base if is_base else found.head)) if found else resource


def _ids(pair: ResourcePair) -> set[ResourceId]:
    return {resource.id for resource in (pair.left, pair.right) if resource}


def _id(row: Mapping[str, Any]) -> ResourceId:
    return ResourceId(row["group"], row["kind"], row["namespace"], row["name"])


def _section(index: int, pair: ResourcePair, counted: Mapping[ResourceId, Mapping[str, Any]]) -> Section:
    identity = pair.id
    row = None if pair.renamed else counted.get(identity)
    return Section(
        index=index,
        title=f"{identity.kind} {identity.name}",
        state=pair.state,
        left=pair.left.text if pair.left else None,
        right=pair.right.text if pair.right else None,
        id=identity,
        renamed_from=pair.left.id if pair.renamed and pair.left else None,
        counted=(row["lines"][0], row["lines"][1]) if row else None,
        change=_change(pair, counted),
    )


def _change(pair: ResourcePair, counted: Mapping[ResourceId, Mapping[str, Any]]) -> str:
    """Hash of what happens to the resource, the same in each cell of a group; for a renamed one of both its halves."""
    rows = [counted.get(one.id) for one in (pair.left, pair.right) if one]
    names = [(one.id.group, one.id.kind, one.id.name) for one in (pair.left, pair.right) if one]
    # Previews of an earlier version did not write it down.
    edits = [row.get("edit") for row in rows if row]
    return digest([pair.state, names, edits]) if edits and all(edits) else ""


def _manifests(cell: Cell) -> dict[str, Manifest]:
    keys = {key for key in (cell.base_key, cell.head_key) if key}
    return Manifest.objects.select_related("blob").in_bulk(keys)


def _text(blob: Blob | None) -> str | None:
    return blob.text if blob else None
