"""What a cell has to compare: for each view a list of sections, each with two texts. Data, not yet a diff."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from previews.engine.cells import NO_NOISE, Hidden, Noise, ResourceState
from previews.engine.diff.fields import NO_FIELDS
from previews.engine.diff.resources import ResourcePair, pair_resources
from previews.engine.ignoring import without
from previews.engine.manifests import Resource, ResourceId, to_readable_text
from previews.engine.render.requests import digest
from previews.engine.scope import place_all
from previews.models import Blob, Cell, Manifest
from previews.views.cell_section import NoiseName, Section, Sections

View = Literal["yaml", "values", "target", "file"]
#: Those that every cell has.
VIEWS: tuple[View, ...] = ("yaml", "values", "target")


def sections_of(
    cell: Cell,
    view: View,
    with_hidden: bool = False,
    with_ignored: bool = False,
    quiet: frozenset[NoiseName] = frozenset(),
) -> Sections:
    """What a view of a cell compares.

    `with_hidden` shows resources too that differ in nothing but order or comments, `with_ignored` what rules hide;
    `quiet` takes away what says little.
    """
    if view == "yaml":
        found = _yaml_sections(cell, with_hidden, with_ignored, quiet)
        return found.quietly() if quiet else found
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


def _yaml_sections(cell: Cell, with_hidden: bool, with_ignored: bool, quiet: frozenset[NoiseName]) -> Sections:
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
    fields = cell.changed_fields
    sections = tuple(
        # The preview counted lines without those that rules hide.
        replace(
            _section(index, pair, {} if with_ignored and pair.id in hidden else counted),
            fields=fields.get(pair.id, NO_FIELDS),
            quiet=quiet,
        )
        for index, pair in shown
    )
    noise = Noise(sum(one.noise.labels for one in sections), sum(one.noise.order for one in sections))
    return Sections(sections, len(changed) - len(shown), paired.equal, noise)


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
        noise=Noise(*row.get("noise", ())) if row else NO_NOISE,
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
