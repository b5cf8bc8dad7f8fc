"""From two sides of an instance to its cell: states, causes, counts, groups of identical change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from previews.engine.cells import Cause, Cell, CellError, CellSkip, Lines, ResourceChange, Side, YamlState
from previews.engine.config import Ignore
from previews.engine.diff.lines import diff_lines
from previews.engine.diff.opcodes import count
from previews.engine.errors import NotRendered, RenderFailed, YamlError
from previews.engine.exclusions import Exclusions, without_excluded
from previews.engine.manifests import Manifest, Resource
from previews.engine.plan import PlannedCell
from previews.engine.render.requests import digest
from previews.engine.render.unstable import MARK
from previews.engine.scope import GroupKind, placed
from previews.engine.yamls import canonical, load

#: What one side came to: a manifest, why there is none, or None where the instance does not exist.
Outcome = Manifest | RenderFailed | NotRendered | None


class Unreadable(YamlError):
    """A rendered text is no YAML, so that nobody can apply it."""

    def __init__(self, side: Side, message: str) -> None:
        """`side` is where it was rendered."""
        super().__init__(message)
        self.side: Side = side


@dataclass(frozen=True)
class Comparison:
    """What differs between two manifests. `digest` is equal for identical changes, "" when nothing differs."""

    changes: tuple[ResourceChange, ...]
    lines: Lines
    ignored: int
    digest: str


def compare_manifests(base: Manifest, head: Manifest, ignore: Sequence[Ignore] = ()) -> Comparison:
    """Pairs resources by identity; texts that mean the same object do not differ."""
    left = {resource.id: resource for resource in base.resources}
    right = {resource.id: resource for resource in head.resources}
    changes, parts, ignored = [], [], 0
    for identity in sorted(left.keys() | right.keys()):
        before, after = left.get(identity), right.get(identity)
        if before and after:
            if before.hash == after.hash or _means_the_same(before, after):
                continue
            if _differs_only_in_ignored(before, after, ignore):
                ignored += 1
                continue
        change, edit = _change(before, after)
        changes.append(change)
        parts.append([identity.group, identity.kind, identity.name, change.state, edit])
    lines = (sum(change.lines[0] for change in changes), sum(change.lines[1] for change in changes))
    return Comparison(tuple(changes), lines, ignored, digest(parts) if parts else "")


# A template change makes the same edit on every cluster: it is worked out once.
@lru_cache(maxsize=2048)
def _change(before: Resource | None, after: Resource | None) -> tuple[ResourceChange, str]:
    """The change of one resource, and the hash of its edit: the lines taken away and put in.

    Raises Unreadable when a text is no YAML: the renderer does not parse what it need not.
    """
    _check_readable("base", before)
    _check_readable("head", after)
    old = before.text.split("\n") if before else []
    new = after.text.split("\n") if after else []
    if before and after:
        found = diff_lines(old, new)
        edit = [[old[op.i1 : op.i2], new[op.j1 : op.j2]] for op in found.opcodes if op.tag != "equal"]
        return ResourceChange(after.id, "changed", count(found.opcodes)), digest(edit)
    if after:
        return ResourceChange(after.id, "added", (len(new), 0)), after.hash
    assert before is not None
    return ResourceChange(before.id, "removed", (0, len(old))), before.hash


def _check_readable(side: Side, resource: Resource | None) -> None:
    if resource is None:
        return
    try:
        load(resource.text)
    except YamlError as error:
        raise Unreadable(side, f"{resource.id.kind} {resource.id.name}: {error}") from None


@lru_cache(maxsize=2048)
def _means_the_same(before: Resource, after: Resource) -> bool:
    """Whether two texts are the same object: comments, order of keys and quotes do not count."""
    try:
        # Not `==`, for which True is 1.
        return canonical(load(before.text)) == canonical(load(after.text))
    except YamlError:
        return False


def _differs_only_in_ignored(before: Resource, after: Resource, ignore: Sequence[Ignore]) -> bool:
    paths = [path for rule in ignore if rule.covers(after.id) for path in rule.paths]
    if not paths:
        return False
    sides = [load(before.text), load(after.text)]
    for side in sides:
        for path in paths:
            _drop(side, [part.replace("~1", "/").replace("~0", "~") for part in path.lstrip("/").split("/")])
    return canonical(sides[0]) == canonical(sides[1])


def _drop(value: Any, pointer: list[str]) -> None:
    """Removes what a JSON pointer names; nothing when it names nothing."""
    *parents, last = pointer
    for part in parents:
        value = _member(value, part)
    if isinstance(value, dict):
        value.pop(last, None)
    elif _member(value, last) is not None:
        value.pop(int(last))


def _member(value: Any, part: str) -> Any:
    if isinstance(value, dict):
        return value.get(part)
    is_place = isinstance(value, list) and part.isdigit() and int(part) < len(value)
    return value[int(part)] if is_place else None


@dataclass(frozen=True)
class _Yaml:
    """The yaml half of a cell."""

    state: YamlState
    comparison: Comparison = Comparison((), (0, 0), 0, "")
    error: CellError | None = None
    skipped: CellSkip | None = None
    notes: tuple[str, ...] = ()
    unstable: int = 0


@dataclass(frozen=True)
class Rules:
    """What holds for all cells of a preview.

    Differences that are hidden, kinds that Argo CD leaves alone, kinds without a namespace besides the built-in ones.
    """

    ignore: tuple[Ignore, ...] = ()
    exclusions: Exclusions = field(default_factory=Exclusions)
    cluster_scoped: frozenset[GroupKind] = frozenset()


def make_cell(planned: PlannedCell, base: Outcome, head: Outcome, rules: Rules) -> tuple[Cell, str]:
    """The cell of a planned one, and the digest of its change ("" when its yaml does not change).

    The rules of the Application come on top of those of the preview.
    """
    cell = _value_side(planned)
    base, head = (
        _as_synced(outcome, namespace, planned.cluster, rules)
        for outcome, namespace in zip((base, head), planned.namespaces, strict=True)
    )
    try:
        yaml = _yaml_side(planned, base, head, (*rules.ignore, *planned.ignore))
    except Unreadable as error:
        yaml = _Yaml("failed", error=CellError(error.side, "parse", str(error)))
    cell = replace(
        cell,
        yaml=yaml.state,
        cause=_causes(planned, cell, yaml.state),
        deploys=yaml.state in ("changed", "added", "removed") and not planned.held,
        yaml_lines=yaml.comparison.lines,
        resources=yaml.comparison.changes,
        ignored=yaml.comparison.ignored,
        unstable=yaml.unstable,
        error=yaml.error,
        skipped=yaml.skipped,
        notes=(*planned.notes, *yaml.notes),
    )
    return cell, yaml.comparison.digest if yaml.state == "changed" else ""


def _as_synced(outcome: Outcome, namespace: str, cluster: str, rules: Rules) -> Outcome:
    if not isinstance(outcome, Manifest):
        return outcome
    return without_excluded(placed(outcome, namespace, rules.cluster_scoped), rules.exclusions, cluster)


def _yaml_side(planned: PlannedCell, base: Outcome, head: Outcome, ignore: Sequence[Ignore]) -> _Yaml:
    error, skipped = _error(base, head), _skip(base, head)
    before = base if isinstance(base, Manifest) else Manifest()
    if not planned.on_head:
        # Gone whatever it was: the fleet says so, and not a render.
        return _Yaml("removed", compare_manifests(before, Manifest()), error, skipped)
    if error is not None:
        return _Yaml("failed", error=error)
    if skipped is not None or not isinstance(head, Manifest):
        return _Yaml("skipped", skipped=skipped)
    comparison = compare_manifests(before, head, ignore)
    unstable = sum(resource.text.count(MARK) for resource in head.resources)
    notes = _notes(head, unstable)
    if not planned.on_base:
        return _Yaml("added", comparison, notes=notes, unstable=unstable)
    if comparison.changes:
        return _Yaml("changed", comparison, notes=notes, unstable=unstable)
    if _inputs(before) != _inputs(head):
        return _Yaml("skipped", comparison, skipped=_missing(head if head.missing else before), notes=notes)
    return _Yaml("unchanged", comparison, notes=notes, unstable=unstable)


def _notes(manifest: Manifest, unstable: int) -> tuple[str, ...]:
    absent = [f"without {item.name} {item.version}, which is not here" for item in manifest.missing]
    if unstable:
        values = "1 value comes" if unstable == 1 else f"{unstable} values come"
        absent.append(f"{values} out differently at each render (random or time) and is not compared: see {MARK}n⟩")
    return (*absent, *manifest.warnings)


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
    return CellSkip("both", "dependency", f"chart dependency not here: {names}; what it renders may change")


def group_cells(cells: Iterable[tuple[Cell, str]]) -> list[Cell]:
    """Gives cells of identical yaml change the same group: g1 the largest, then as they come."""
    cells = list(cells)
    members: dict[str, int] = defaultdict(int)
    for _, change in cells:
        if change:
            members[change] += 1
    names = {change: f"g{place}" for place, change in enumerate(sorted(members, key=lambda key: -members[key]), 1)}
    return [replace(cell, group=names[change]) if change else cell for cell, change in cells]
