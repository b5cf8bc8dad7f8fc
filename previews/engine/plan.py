"""Pairs the instances of two fleets and finds, by content alone, which of them have to be rendered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from previews.engine.applications import Instance
from previews.engine.cells import Cause, ValueState
from previews.engine.config import Ignore
from previews.engine.discover.applicationsets.policy import policy_notes
from previews.engine.discover.fleet import ANY_CLUSTER, Fleet
from previews.engine.errors import AstrolabeError, NotRendered, RenderFailed
from previews.engine.file_changes import ReadFile, ShowFile, ValueFile, compare_files
from previews.engine.flux.verdict import flux_verdict
from previews.engine.mask_text import mask_text
from previews.engine.masking import Mask, mask_values
from previews.engine.render.requests import RenderRequest
from previews.engine.resolve import Resolution, Resolver
from previews.engine.yamls import canonical, dump

Problem = RenderFailed | NotRendered
Show = Callable[[Resolution | Problem | None], str]


@dataclass(frozen=True)
class PlannedCell:
    """An instance that may change: everything about it that is known before rendering.

    `base_key` and `head_key` are render keys, "" where a side has a problem or the instance is not on it. `values`
    and `targets` are YAML texts of both sides, secrets masked; `moved` are causes that may have moved the manifest.
    `namespaces` are the destination's, for objects that name none; a side that is not there has the other's.
    `ignore` are each side's own rules; `trackers` the names that mark each side's objects, "" where nothing does.
    `cascades`: deleting the Application deletes what it made.
    `kubernetes` are the cluster's versions on both sides, "" where nobody said; `knows_apis` tells whether it is known
    which APIs it serves, by which charts choose.
    `held` is why nothing is deployed although the manifests differ, "" when there is no such reason; `notes` are said
    on the cell. `files` are the value files of both sides, none where a side cannot be read.
    """

    cluster: str
    application: str
    name: str
    path: str
    on_base: bool
    on_head: bool
    value: ValueState
    values: tuple[str, str]
    targets: tuple[str, str]
    base_key: str
    head_key: str
    base_problem: Problem | None
    head_problem: Problem | None
    moved: tuple[Cause, ...]
    retargeted: bool
    pinned: bool
    ignore: tuple[tuple[Ignore, ...], tuple[Ignore, ...]] = ((), ())
    namespaces: tuple[str, str] = ("", "")
    trackers: tuple[str, str] = ("", "")
    cascades: bool = True
    by_argo_cd: bool = True
    kubernetes: tuple[str, str] = ("", "")
    knows_apis: bool = False
    held: str = ""
    notes: tuple[str, ...] = ()
    files: tuple[ValueFile, ...] = ()

    @property
    def needs_rendering(self) -> bool:
        """Whether the two sides could give different manifests, or put the same one elsewhere."""
        return (
            self.base_key != self.head_key
            or self.namespaces[0] != self.namespaces[1]
            or self.trackers[0] != self.trackers[1]
        )


@dataclass(frozen=True)
class Plan:
    """What a preview has to look at: the cells that may change, and a request for each key to be known."""

    cells: tuple[PlannedCell, ...]
    requests: Mapping[str, RenderRequest]
    unchanged: tuple[Instance, ...]

    @property
    def instances(self) -> int:
        """How many instances there are, on either side."""
        return len(self.cells) + len(self.unchanged)


def make_plan(base: Fleet, head: Fleet, base_resolver: Resolver, head_resolver: Resolver, mask: Mask = str) -> Plan:
    """Compares two fleets. What has the same fingerprint on both sides is unchanged without looking further.

    `mask` hides what the configuration calls secret in the values that are kept for showing.
    """
    patterns = head_resolver.config.secret_values

    def show(side: Resolution | Problem | None) -> str:
        """The values of a side as YAML, "" where there are none."""
        return dump(mask_values(side.shown, patterns, mask)) if isinstance(side, Resolution) and side.shown else ""

    show_file = _file_shower(patterns, mask)
    pinned = base.pinned | head.pinned
    left = {(item.cluster, item.application): item for item in base.instances}
    right = {(item.cluster, item.application): item for item in head.instances}
    cells: list[PlannedCell] = []
    requests: dict[str, RenderRequest] = {}
    unchanged: list[Instance] = []
    for place in sorted(left.keys() | right.keys()):
        before, after = left.get(place), right.get(place)
        if before and after and _same(before, after, base_resolver, head_resolver):
            unchanged.append(after)
            continue
        old = _resolve(before, base_resolver) if before else _broken_parent(after, base)
        after = replace(after, is_new=before is None and old is None) if after else None
        new = _resolve(after, head_resolver) if after else _broken_parent(before, head)
        cell = _plan_cell(_Pair(before, after, old, new), place in pinned, bool(head_resolver.config.tracking), show)
        cell = replace(cell, notes=(*cell.notes, *policy_notes(before, after, base.policies, head.policies)))
        if _is_unchanged(cell) and after:
            unchanged.append(after)
            continue
        cells.append(replace(cell, files=_files(old, new, show_file)))
        if cell.needs_rendering:
            requests.update((side.request.key, side.request) for side in (old, new) if isinstance(side, Resolution))
    return Plan(tuple(cells), requests, tuple(unchanged))


@dataclass(frozen=True)
class _Pair:
    """An instance on both sides, and what resolving each gave."""

    before: Instance | None
    after: Instance | None
    old: Resolution | Problem | None
    new: Resolution | Problem | None


def _file_shower(patterns: tuple[str, ...], mask: Mask) -> ShowFile:
    """Gives the text of a file with its secrets masked. Many instances read the same file: it is masked once."""
    known: dict[tuple[str, str], str] = {}

    def show(file: ReadFile, other: ReadFile | None) -> str:
        key = file.id, other.id if other else ""
        if key not in known:
            try:
                known[key] = mask_text(file.text, patterns, mask, other.text if other else "")
            except RenderFailed as error:
                known[key] = f"# {error}\n"
        return known[key]

    return show


def _files(old: Resolution | Problem | None, new: Resolution | Problem | None, show: ShowFile) -> tuple[ValueFile, ...]:
    sides = [() if side is None else side.files if isinstance(side, Resolution) else None for side in (old, new)]
    if sides[0] is None or sides[1] is None:
        # What a side that cannot be resolved would read is not known, so neither is what changes.
        return ()
    return compare_files(sides[0], sides[1], show)


def _same(before: Instance, after: Instance, base: Resolver, head: Resolver) -> bool:
    try:
        return base.fingerprint(before) == head.fingerprint(after)
    except (RenderFailed, NotRendered):
        return False


def _plan_cell(pair: _Pair, pinned: bool, tracks: bool, show: Show) -> PlannedCell:
    before, after, old, new = pair.before, pair.after, pair.old, pair.new
    shown = after or before
    assert shown is not None
    old_one, new_one = (before or shown).definition, (after or shown).definition
    by_argo_cd = not new_one.flux
    targets = (before.definition.target if before else "", after.definition.target if after else "")
    said = flux_verdict(before, after, old, new)
    return PlannedCell(
        cluster=shown.cluster,
        application=shown.application,
        name=shown.definition.name,
        path=shown.path,
        # A parent that is broken hides its children: they are there, and nobody knows how.
        on_base=before is not None or old is not None,
        on_head=after is not None or new is not None,
        value=_value_state(pair),
        values=(show(old), show(new)),
        targets=targets,
        base_key=old.request.key if isinstance(old, Resolution) else "",
        head_key=new.request.key if isinstance(new, Resolution) else "",
        base_problem=None if isinstance(old, Resolution) else old,
        head_problem=None if isinstance(new, Resolution) else new,
        moved=_moved(pair),
        retargeted=bool(before and after and targets[0] != targets[1]),
        ignore=(old_one.ignore, new_one.ignore),
        namespaces=(old_one.destination_namespace, new_one.destination_namespace),
        trackers=(old_one.instance_name, new_one.instance_name) if tracks and by_argo_cd else ("", ""),
        cascades=old_one.cascades,
        by_argo_cd=by_argo_cd,
        knows_apis=bool((after or shown).profile.api_versions),
        kubernetes=((before or shown).profile.kubernetes_version, (after or shown).profile.kubernetes_version),
        pinned=pinned,
        held=said.held,
        notes=said.notes,
    )


def _is_unchanged(cell: PlannedCell) -> bool:
    """Whether nothing of it can show: the same to render on both sides, or the same reason not to."""
    if not (cell.on_base and cell.on_head) or cell.value != "unchanged" or cell.retargeted or cell.needs_rendering:
        return False
    if cell.base_problem is None and cell.head_problem is None:
        return True
    return isinstance(cell.head_problem, NotRendered) and str(cell.base_problem) == str(cell.head_problem)


def _resolve(instance: Instance, resolver: Resolver) -> Resolution | Problem:
    try:
        return resolver.resolve(instance)
    except (RenderFailed, NotRendered) as error:
        return error
    except AstrolabeError as error:
        return RenderFailed("resolve", str(error))


def _broken_parent(instance: Instance | None, fleet: Fleet) -> Problem | None:
    """Why an instance is not seen on a side although its parent is there: the parent could not be rendered."""
    if instance is None:
        return None
    for name in instance.origin[1:]:
        error = fleet.broken.get((instance.cluster, name)) or fleet.broken.get((ANY_CLUSTER, name))
        if error is not None:
            return RenderFailed("discover", f"{name}, which makes this application, failed: {error}")
    return None


def _value_state(pair: _Pair) -> ValueState:
    if pair.before is None:
        return "unchanged" if pair.old else "added"
    if pair.after is None:
        return "unchanged" if pair.new else "removed"
    if isinstance(pair.old, Resolution) and isinstance(pair.new, Resolution):
        return "unchanged" if canonical(pair.old.shown) == canonical(pair.new.shown) else "changed"
    # Without a tree the files cannot be read; what the Applications themselves say still can be compared.
    return "unchanged" if _stated_values(pair.before) == _stated_values(pair.after) else "changed"


def _stated_values(instance: Instance) -> str:
    sources = instance.definition.sources
    return repr([(item.helm, canonical(item.kustomize), canonical(item.directory)) for item in sources])


def _moved(pair: _Pair) -> tuple[Cause, ...]:
    if pair.before is None or pair.after is None:
        return ()
    causes: list[Cause] = []
    if isinstance(pair.old, Resolution) and isinstance(pair.new, Resolution):
        checkouts = [[part.checkout.id for part in side.request.parts] for side in (pair.old, pair.new)]
        if checkouts[0] != checkouts[1]:
            causes.append("template")
    if pair.before.profile != pair.after.profile:
        causes.append("profile")
    return tuple(causes)
