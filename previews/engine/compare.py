"""From two sides of an instance to its cell: states, causes, counts, groups of identical change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from previews.engine.cells import (
    Cause,
    Cell,
    CellError,
    CellSkip,
    Hidden,
    Lines,
    Noise,
    ResourceChange,
    Side,
    YamlState,
)
from previews.engine.config import Ignore
from previews.engine.diff.fields import FieldList, field_list
from previews.engine.diff.lines import diff_lines, split_lines
from previews.engine.diff.noise import checksums, noisy_lines, quieted
from previews.engine.diff.opcodes import count
from previews.engine.diff.order import aligned, is_reordered
from previews.engine.errors import NotRendered, RenderFailed, YamlError
from previews.engine.exclusions import without_excluded
from previews.engine.hooks import Applied, applied_by_sync, kept_when_deleted
from previews.engine.ignoring import FindPaths, no_paths, remove_from_both, without
from previews.engine.manifests import Manifest, Resource
from previews.engine.normalise import normalise
from previews.engine.parsed import parsed
from previews.engine.plan import PlannedCell
from previews.engine.render.requests import digest
from previews.engine.render.unstable import MARK
from previews.engine.rules import Rules
from previews.engine.scope import placed
from previews.engine.tracking import Tracker
from previews.engine.yamls import canonical

#: What one side came to: a manifest, why there is none, or None where the instance does not exist.
Outcome = Manifest | RenderFailed | NotRendered | None


NO_RULES = Rules()


class Unreadable(YamlError):
    """A rendered text is no YAML, so that nobody can apply it."""

    def __init__(self, side: Side, message: str) -> None:
        """`side` is where it was rendered."""
        super().__init__(message)
        self.side: Side = side


@dataclass(frozen=True)
class Comparison:
    """What differs between two manifests. `digest` is equal for identical changes, "" when nothing differs.

    `hidden` are the resources of which rules hide a difference; `problems` say which rules could not be followed.
    """

    changes: tuple[ResourceChange, ...] = ()
    digest: str = ""
    hidden: tuple[Hidden, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def lines(self) -> Lines:
        """Lines added and removed."""
        return sum(change.lines[0] for change in self.changes), sum(change.lines[1] for change in self.changes)


@dataclass(frozen=True)
class Viewpoint:
    """How one side of an instance is looked at: its own ignored differences, and the marks that Argo CD adds to it."""

    ignore: tuple[Ignore, ...] = ()
    tracker: Tracker | None = None


@dataclass(frozen=True)
class _Found:
    """What comparing one resource gives."""

    change: ResourceChange | None = None
    hidden: Hidden | None = None
    problems: tuple[str, ...] = ()


def compare_manifests(
    base: Manifest,
    head: Manifest,
    rules: Rules = NO_RULES,
    viewpoints: tuple[Viewpoint, Viewpoint] = (Viewpoint(), Viewpoint()),
) -> Comparison:
    """Pairs resources by identity; texts that mean the same object do not differ, nor do those in ignored fields."""
    left = {resource.id: resource for resource in base.resources}
    right = {resource.id: resource for resource in head.resources}
    changes, parts, hidden, problems = [], [], [], list[str]()
    for identity in sorted(left.keys() | right.keys()):
        found = _compare(left.get(identity), right.get(identity), rules, viewpoints)
        problems.extend(found.problems)
        if found.hidden:
            hidden.append(found.hidden)
        if found.change:
            changes.append(found.change)
            parts.append([identity.group, identity.kind, identity.name, found.change.state, found.change.edit])
    return Comparison(tuple(changes), digest(parts) if parts else "", tuple(hidden), tuple(dict.fromkeys(problems)))


def _compare(
    before: Resource | None, after: Resource | None, rules: Rules, viewpoints: tuple[Viewpoint, Viewpoint]
) -> _Found:
    old, new = viewpoints
    if before and after and before.hash == after.hash and old.tracker == new.tracker:
        return _Found()
    before = old.tracker.tracked(before) if before and old.tracker else before
    after = new.tracker.tracked(after) if after and new.tracker else after
    if not before or not after:
        return _Found(_change(before, after))
    ignore = (_covering(old, after, rules), _covering(new, after, rules))
    asks_jq = any(rule.jq for side in ignore for rule in side)
    compare = _compare_texts.__wrapped__ if asks_jq else _compare_texts
    return compare(before, after, ignore, rules.ignores_aggregated_roles, rules.find_paths if asks_jq else no_paths)


def _covering(side: Viewpoint, resource: Resource, rules: Rules) -> tuple[Ignore, ...]:
    wanted = () if rules.show_ignored else (*side.ignore, *rules.ignore)
    return tuple(rule for rule in wanted if rule.covers(resource.id))


# What many clusters have in common is compared once.
@lru_cache(maxsize=2048)
def _compare_texts(
    before: Resource,
    after: Resource,
    ignore: tuple[tuple[Ignore, ...], tuple[Ignore, ...]],
    ignores_aggregated_roles: bool,
    find: FindPaths,
) -> _Found:
    try:
        old, new = (normalise(parsed(one.text), one.id, ignores_aggregated_roles) for one in (before, after))
    except YamlError:
        return _Found(_change(before, after))
    # Not `==`, for which True is 1.
    if canonical(old) == canonical(new):
        return _Found()
    removed = remove_from_both((old, new), ignore, find)
    problems = (*removed.base.problems, *removed.head.problems)
    if not removed.count:
        return _Found(_change(before, after), problems=problems)
    steps = removed.base.steps, removed.head.steps
    hidden = Hidden(after.id, *steps, removed.count)
    if removed.is_same:
        return _Found(hidden=hidden, problems=problems)
    texts = (one.with_text(without(one.text, taken)) for one, taken in zip((before, after), steps, strict=True))
    return _Found(_change(*texts), hidden, problems)


# A template change makes the same edit on every cluster: it is worked out once.
@lru_cache(maxsize=2048)
def _change(before: Resource | None, after: Resource | None) -> ResourceChange:
    """The change of one resource.

    Raises Unreadable when a text is no YAML: the renderer does not parse what it need not.
    """
    base, head = _read("base", before), _read("head", after)
    if before and after:
        return _changed(before, after, field_list(base, head), is_reordered(base, head))
    if after:
        return ResourceChange(after.id, "added", (len(split_lines(after.text)), 0), after.hash)
    assert before is not None
    return ResourceChange(before.id, "removed", (0, len(split_lines(before.text))), before.hash)


def _changed(before: Resource, after: Resource, fields: FieldList, reordered: bool) -> ResourceChange:
    """Its edit is the hash of the lines taken away and put in, without the values of checksums."""
    old, new = split_lines(before.text), split_lines(after.text)
    noisy_old, noisy_new = noisy_lines(before.text), noisy_lines(after.text)
    script = diff_lines(old, new).opcodes
    lines, labels, order = count(script), 0, 0
    if noisy_old and noisy_new:
        fewer = count(diff_lines(quieted(old, noisy_old), quieted(new, noisy_new)).opcodes)
        labels = max(sum(lines) - sum(fewer), 0)
    if reordered:
        fewer = count(diff_lines([old[at] for at in aligned(before.text, after.text)], new).opcodes)
        order = max(sum(lines) - sum(fewer), 0)
    old, new = quieted(old, checksums(noisy_old)), quieted(new, checksums(noisy_new))
    edit = [[old[op.i1 : op.i2], new[op.j1 : op.j2]] for op in script if op.tag != "equal"]
    return ResourceChange(after.id, "changed", lines, digest(edit), fields, Noise(labels, order))


def _read(side: Side, resource: Resource | None) -> Any:
    if resource is None:
        return None
    try:
        return parsed(resource.text)
    except YamlError as error:
        raise Unreadable(side, f"{resource.id.kind} {resource.id.name}: {error}") from None


@dataclass(frozen=True)
class _Yaml:
    """The yaml half of a cell."""

    state: YamlState
    comparison: Comparison = Comparison()
    error: CellError | None = None
    skipped: CellSkip | None = None
    notes: tuple[str, ...] = ()
    unstable: int = 0
    is_left_alone: bool = False


def make_cell(planned: PlannedCell, base: Outcome, head: Outcome, rules: Rules) -> tuple[Cell, str]:
    """The cell of a planned one, and the digest of its change ("" when its yaml does not change).

    The rules of the Application come on top of those of the preview.
    """
    cell = _value_side(planned)
    base, head = (
        as_synced(outcome, namespace, planned.cluster, rules)
        for outcome, namespace in zip((base, head), planned.namespaces, strict=True)
    )
    try:
        yaml = _yaml_side(planned, base, head, rules)
    except Unreadable as error:
        yaml = _Yaml("failed", error=CellError(error.side, "parse", str(error)))
    cell = replace(
        cell,
        yaml=yaml.state,
        cause=_causes(planned, cell, yaml.state),
        deploys=yaml.state in ("changed", "added", "removed") and not planned.held and not yaml.is_left_alone,
        yaml_lines=yaml.comparison.lines,
        resources=yaml.comparison.changes,
        ignored=sum(hidden.count for hidden in yaml.comparison.hidden),
        hidden=yaml.comparison.hidden,
        unstable=yaml.unstable,
        error=yaml.error,
        skipped=yaml.skipped,
        notes=(*planned.notes, *yaml.notes),
    )
    return cell, yaml.comparison.digest if yaml.state == "changed" else ""


def as_synced(outcome: Outcome, namespace: str, cluster: str, rules: Rules) -> Outcome:
    """A side as a sync applies it: objects where they go, without those that Argo CD leaves alone."""
    if not isinstance(outcome, Manifest):
        return outcome
    return without_excluded(placed(outcome, namespace, rules.cluster_scoped), rules.exclusions, cluster)


def _yaml_side(planned: PlannedCell, base: Outcome, head: Outcome, rules: Rules) -> _Yaml:
    error, skipped = _error(base, head), _skip(base, head)
    before = base if isinstance(base, Manifest) else Manifest()
    if not planned.on_head:
        # Gone whatever it was: the fleet says so, and not a render.
        gone = compare_manifests(before, Manifest())
        kept = kept_when_deleted(gone.changes, before, planned.cascades) if planned.by_argo_cd else ()
        return _Yaml("removed", gone, error, skipped, notes=kept)
    if error is not None:
        return _Yaml("failed", error=error)
    if skipped is not None or not isinstance(head, Manifest):
        return _Yaml("skipped", skipped=skipped)
    comparison = compare_manifests(before, head, rules, _viewpoints(planned, rules))
    applied = applied_by_sync(comparison.changes, before, head) if planned.by_argo_cd else Applied()
    unstable = sum(resource.text.count(MARK) for resource in head.resources)
    yaml = _Yaml(
        "unchanged",
        comparison,
        notes=(*_notes(head, unstable, comparison, planned), *applied.notes),
        unstable=unstable,
        is_left_alone=applied.is_nothing,
    )
    if not planned.on_base:
        return replace(yaml, state="added")
    if comparison.changes:
        return replace(yaml, state="changed")
    if _inputs(before) != _inputs(head):
        return replace(yaml, state="skipped", skipped=_missing(head if head.missing else before), unstable=0)
    return yaml


def _viewpoints(planned: PlannedCell, rules: Rules) -> tuple[Viewpoint, Viewpoint]:
    base, head = (
        Viewpoint(ignore, Tracker(rules.tracking, name, namespace) if rules.tracking and name else None)
        for ignore, name, namespace in zip(planned.ignore, planned.trackers, planned.namespaces, strict=True)
    )
    return base, head


def _notes(manifest: Manifest, unstable: int, comparison: Comparison, planned: PlannedCell) -> tuple[str, ...]:
    notes = [f"without {item.name} {item.version}, which is not here" for item in manifest.missing]
    if unstable:
        values = "1 value comes" if unstable == 1 else f"{unstable} values come"
        notes.append(f"{values} out differently at each render (random or time) and is not compared: see {MARK}n⟩")
    changed = [change.id for change in comparison.changes if change.state == "changed"]
    managers = {
        name: None
        for side in planned.ignore
        for rule in side
        for name in rule.managers
        if any(rule.covers(one) for one in changed)
    }
    if managers:
        notes.append(
            f"ignoreDifferences by field managers ({', '.join(managers)}) hides nothing here: only the cluster knows "
            "which fields are theirs"
        )
    return (*notes, *manifest.warnings, *comparison.problems)


def _value_side(planned: PlannedCell) -> Cell:
    old, new = planned.values
    lines = (0, 0) if old == new else count(diff_lines(old.splitlines(), new.splitlines()).opcodes)
    return Cell(
        cluster=planned.cluster,
        application=planned.application,
        name=planned.name,
        path=planned.path,
        value=planned.value,
        yaml="unchanged",
        cause=(),
        deploys=False,
        pinned=planned.pinned,
        value_lines=lines,
    )


def _causes(planned: PlannedCell, cell: Cell, state: YamlState) -> tuple[Cause, ...]:
    """What moved; a template or profile that moved without any effect is no cause of anything."""
    if not planned.on_base or not planned.on_head:
        return ("target",)
    moved = [] if state == "unchanged" else list(planned.moved)
    causes: list[Cause] = [
        cause
        for cause in ("target", "value", "template", "profile")
        if cause in moved
        or (cause == "value" and cell.value != "unchanged")
        or (cause == "target" and planned.retargeted)
    ]
    return tuple(causes)


def _error(base: Outcome, head: Outcome) -> CellError | None:
    failures: list[tuple[Side, RenderFailed]] = [
        (side, outcome) for side, outcome in _sides(base, head) if isinstance(outcome, RenderFailed)
    ]
    if not failures:
        return None
    side, failure = failures[-1]
    both = len(failures) == 2 and str(failures[0][1]) == str(failure)
    return CellError("both" if both else side, failure.stage, str(failure))


def _skip(base: Outcome, head: Outcome) -> CellSkip | None:
    skips = [(side, outcome) for side, outcome in _sides(base, head) if isinstance(outcome, NotRendered)]
    if not skips:
        return None
    side, skip = skips[-1]
    return CellSkip("both" if len(skips) == 2 else side, skip.reason, str(skip))


def _sides(base: Outcome, head: Outcome) -> list[tuple[Side, Outcome]]:
    return [("base", base), ("head", head)]


def _inputs(manifest: Manifest) -> list[str]:
    return sorted(item.inputs for item in manifest.missing)


def _missing(manifest: Manifest) -> CellSkip:
    names = ", ".join(f"{item.name} {item.version} of {item.repository}" for item in manifest.missing)
    advice = "the preview's notes say why; or put its archive into the chart store folder (ASTROLABE_CHART_STORE)"
    text = f"chart dependency not here: {names}; what it renders may change ({advice})"
    return CellSkip("both", "dependency", text)


def group_cells(cells: Iterable[tuple[Cell, str]]) -> list[Cell]:
    """Gives cells of identical yaml change the same group, and those of the same lines the same pattern.

    `g1` and `p1` are the largest; then as they come.
    """
    cells = list(cells)
    groups = _names("g", [change for _, change in cells])
    patterns = _names("p", [_pattern(cell) for cell, _ in cells])
    return [replace(cell, group=groups.get(change), pattern=patterns.get(_pattern(cell))) for cell, change in cells]


def _names(letter: str, keys: Iterable[str]) -> dict[str, str]:
    """A short name for each key that is not "", by how often there is one."""
    members = Counter(key for key in keys if key)
    return {key: f"{letter}{place}" for place, (key, _) in enumerate(members.most_common(), 1)}


def _pattern(cell: Cell) -> str:
    """Equal where the same lines change in resources of the same kinds, whatever they are called."""
    if cell.yaml != "changed":
        return ""
    return digest(sorted([one.id.group, one.id.kind, one.state, one.edit] for one in cell.resources))
