"""Completing a preview's cells: each as soon as its manifests are there; at the end what only all of them tell.

A cell is pending, then compared, then finished with all others. What is compared does not change again before the end,
so that it does not matter who compares a cell, how often, and in which order. Until the end cells are compared under
the kinds without a namespace that were known when the preview was planned. Those that hold an object of a kind that
only the renders defined are compared again at the end.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, replace
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from previews.engine.cells import Cell as EngineCell
from previews.engine.cells import Noise, ResourceChange
from previews.engine.compare import Outcome, group_cells, make_cell
from previews.engine.errors import RenderFailed
from previews.engine.manifests import ResourceId
from previews.engine.plan import PlannedCell
from previews.engine.predict.cell import predict_cells
from previews.engine.predict.library import FileLibrary
from previews.engine.predict.outlook import Outlook
from previews.engine.predict.outlook import from_json as from_outlook_json
from previews.engine.predict.prediction import to_json as to_prediction_json
from previews.engine.preview import Workbench, outcomes
from previews.engine.preview import totals as count_totals
from previews.engine.render.pool import Result
from previews.engine.rules import Rules, make_rules
from previews.engine.scope import GroupKind, defined_by
from previews.models import Acceptance, Blob, Cell, DatabaseCache, Manifest, Preview
from previews.models.acceptances import today
from previews.models.manifests import definitions_in, keys_holding
from previews.models.text import clean
from previews.record import planned_cell

#: Cells that are compared before they are saved and seen.
_AT_ONCE = 50

_BLOBS = ("base_values", "head_values", "base_target", "head_target")
_COMPARED = (
    "yaml_state causes deploys value_added value_removed yaml_added yaml_removed resources ignored hidden marks error "
    "skipped notes planned fields"
).split()
_FINISHED = "group pattern prediction findings planned".split()


def complete(
    preview: Preview, attempt: int, cells: Sequence[int], bench: Workbench, failures: Mapping[str, Result] | None = None
) -> bool:
    """Compares those of the cells (by their keys) that are pending, and saves them, some at a time.

    Takes its time, so no transaction may be open. A cell whose manifests are not all known stays pending, unless there
    are `failures` by render key: the end has come, and what is not among them has no manifest at all. Gives False when
    the attempt is over.
    """
    rules = _rules(preview, bench, preview.cluster_scoped_kinds) if cells else Rules()
    for at in range(0, len(cells), _AT_ONCE):
        rows = preview.cells.filter(pk__in=cells[at : at + _AT_ONCE], yaml_state=Cell.PENDING)
        if failures is None:
            rows = rows.filter(Q(base_key=F("head_key")) | (_is_known("base_key") & _is_known("head_key")))
        if not _keep(preview.pk, attempt, _compare_all(rows.select_related(*_BLOBS).order_by("pk"), rules, failures)):
            return False
    return True


def _is_known(key: str) -> Q:
    return Q(**{key: ""}) | Q(Exists(Manifest.objects.filter(pk=OuterRef(key))))


def _compare_all(rows: Iterable[Cell], rules: Rules, failures: Mapping[str, Result] | None) -> list[Cell]:
    """Completes rows without saving them, and gives those that were completed."""
    found: list[tuple[Cell, EngineCell]] = []
    for row in rows:
        planned = planned_cell(row)
        sides = _sides(planned, failures)
        if sides:
            cell, change = make_cell(planned, *sides, rules)
            _complete(row, planned, cell, change, rules)
            found.append((row, cell))
    texts = [fields_json(cell.resources) for _, cell in found]
    blobs = Blob.objects.keep_all(filter(None, texts))
    for (row, _), text in zip(found, texts, strict=True):
        row.fields = blobs.get(text)
    return [row for row, _ in found]


def _sides(planned: PlannedCell, failures: Mapping[str, Result] | None) -> tuple[Outcome, Outcome] | None:
    keys = {key for key in (planned.base_key, planned.head_key) if key} if planned.needs_rendering else set()
    known = DatabaseCache().get_many(keys)
    if failures is None and known.keys() != keys:
        return None
    return outcomes(planned, {**(failures or {}), **known})


def _keep(pk: int, attempt: int, rows: Sequence[Cell]) -> bool:
    """Saves completed rows, without those that another job completed in the meantime; False when the attempt is over.

    Whoever saves holds the preview: turns follow each other without a gap, in the order in which they can be seen.
    """
    if not rows:
        return True
    with transaction.atomic():
        preview = Preview.objects.attempt(pk, attempt).select_for_update().first()
        if preview is None:
            return False
        pending = preview.cells.filter(pk__in=[row.pk for row in rows], yaml_state=Cell.PENDING)
        still = set(pending.values_list("pk", flat=True))
        new = [row for row in rows if row.pk in still]
        totals = preview.totals
        for turn, row in enumerate(new, totals.get("done", 0) + 1):
            row.turn = turn
        _save(new, [*_COMPARED, "turn"])
        failed = totals.get("failed", 0) + sum(row.yaml_state == "failed" for row in new)
        totals = {**totals, "done": totals.get("done", 0) + len(new), "failed": failed}
        Preview.objects.filter(pk=pk).update(totals=totals, beat_at=timezone.now())
    return True


@dataclass(frozen=True)
class Finished:
    """What the end of a preview saves, and what it writes on the preview.

    `rows` are the cells with what only all of them tell, `again` those that were compared again.
    """

    rows: list[Cell]
    again: list[Cell]
    totals: dict[str, int]
    cluster_scoped: list[GroupKind]


def pending(preview: Preview) -> list[int]:
    """The keys of the cells that nobody has compared yet."""
    return list(preview.cells.filter(yaml_state=Cell.PENDING).order_by("pk").values_list("pk", flat=True))


def failures(preview: Preview, attempt: int) -> dict[str, Result]:
    """The failures that the cache does not keep, by render key."""
    found = preview.batches.filter(attempt=attempt).values_list("failures", flat=True)
    return {
        key: RenderFailed(failure["stage"], failure["message"], is_final=False)
        for batch in found
        for key, failure in batch.items()
    }


def finish(preview: Preview, bench: Workbench, failures: Mapping[str, Result]) -> Finished:
    """Groups, patterns, predictions and totals of a preview whose cells were all compared. Saves nothing."""
    rows = list(preview.cells.exclude(yaml_state=Cell.PENDING).select_related(*_BLOBS).order_by("pk"))
    wanted = {key for row in rows for key in (row.base_key, row.head_key) if key}
    kinds = preview.cluster_scoped_kinds | defined_by(definitions_in(wanted))
    late = kinds - preview.cluster_scoped_kinds
    holding = keys_holding(wanted, late) if late else set()
    rules = _rules(preview, bench, kinds) if rows else Rules()
    again = _compare_all([row for row in rows if {row.base_key, row.head_key} & holding], rules, failures)
    made = [(row, cell) for row in rows if (cell := _engine_cell(row)).is_changed]
    planned = [planned_cell(row) for row, _ in made]
    grouped = group_cells([(cell, row.planned["change"]) for row, cell in made])

    def sides_of(one: PlannedCell) -> tuple[Outcome, Outcome]:
        return _sides(one, failures) or (None, None)

    pairs = list(zip(planned, grouped, strict=True))
    cells = predict_cells(
        pairs, sides_of, rules, _outlook(preview), today(), FileLibrary(bench.tree(preview.head_tree))
    )
    _finish_all([row for row, _ in made], cells)
    rendered = preview.renders_total
    totals = count_totals(preview.totals["instances"], cells, rendered, max(len(wanted) - rendered, 0))
    return Finished([row for row, _ in made], again, totals, sorted(kinds))


def keep_finished(preview: Preview, finished: Finished) -> None:
    """Saves the end of a preview, and removes the cells that turned out unchanged."""
    _save(finished.again, _COMPARED)
    _save(finished.rows, _FINISHED)
    preview.cells.filter(yaml_state="unchanged", value_state="unchanged", causes=[]).delete()


def _save(rows: Sequence[Cell], fields: Sequence[str]) -> None:
    # Rows that are there, and held: a `bulk_update` of so many fields takes longer than comparing them.
    Cell.objects.bulk_create(rows, 200, update_conflicts=True, unique_fields=["id"], update_fields=fields)


def _outlook(preview: Preview) -> Outlook:
    outlook = from_outlook_json(preview.outlook)
    return replace(outlook, acceptances=(*outlook.acceptances, *Acceptance.objects.standing(preview.repository)))


def _rules(preview: Preview, bench: Workbench, cluster_scoped: frozenset[GroupKind]) -> Rules:
    config = bench.config_without_argocd(preview.head_tree, preview.repository.config_text)
    return make_rules(replace(config, argocd=preview.argocd), cluster_scoped, bench.find_paths)


def _complete(row: Cell, planned: PlannedCell, cell: EngineCell, change: str, rules: Rules) -> None:
    if rules.tracking and all(planned.trackers):
        places = zip(planned.trackers, planned.namespaces, strict=True)
        row.marks = [[astuple(rules.tracking), place] for place in places]
    row.yaml_state = cell.yaml
    row.causes = list(cell.cause)
    row.deploys = cell.deploys
    row.value_added, row.value_removed = cell.value_lines
    row.yaml_added, row.yaml_removed = cell.yaml_lines
    row.resources = [_resource_json(item) for item in cell.resources]
    row.ignored = cell.ignored
    row.hidden = [[[clean(text) for text in astuple(one.id)], one.base, one.head, one.count] for one in cell.hidden]
    row.error = {**asdict(cell.error), "message": clean(cell.error.message)} if cell.error else None
    row.skipped = {**asdict(cell.skipped), "message": clean(cell.skipped.message)} if cell.skipped else None
    row.notes = [clean(note) for note in cell.notes]
    row.planned = {**row.planned, "change": change}


def _resource_json(item: ResourceChange) -> dict[str, Any]:
    identity = {key: clean(text) for key, text in asdict(item.id).items()}
    rest = {"state": item.state, "lines": list(item.lines), "edit": item.edit, "noise": list(item.noise)}
    return {**identity, **rest}


def _resource(content: Mapping[str, Any]) -> ResourceChange:
    identity = ResourceId(*(content[name] for name in ("group", "kind", "namespace", "name")))
    added, removed = content["lines"]
    return ResourceChange(identity, content["state"], (added, removed), content["edit"], noise=Noise(*content["noise"]))


def _engine_cell(row: Cell) -> EngineCell:
    """A compared row for what is about all cells: what it is, and the resources that change, without their fields."""
    return EngineCell(
        cluster=row.cluster,
        application=row.application,
        name=row.name,
        path=row.path,
        value=row.value_state,  # type: ignore[arg-type]
        yaml=row.yaml_state,  # type: ignore[arg-type]
        cause=tuple(row.causes),
        deploys=row.deploys,
        pinned=row.pinned,
        resources=tuple(_resource(content) for content in row.resources),
    )


def _finish_all(rows: Sequence[Cell], cells: Sequence[EngineCell]) -> None:
    predicted = [clean(to_prediction_json(cell.prediction)) if cell.prediction else "" for cell in cells]
    blobs = Blob.objects.keep_all(filter(None, predicted))
    for row, cell, prediction in zip(rows, cells, predicted, strict=True):
        row.group, row.pattern = cell.group or "", cell.pattern or ""
        row.prediction = blobs.get(prediction)
        row.findings = cell.prediction.counts if cell.prediction else {}
        row.planned = {}


def fields_json(changes: Sequence[ResourceChange]) -> str:
    """The fields that change in resources, as `Cell.changed_fields` reads them; "" where there are none."""
    rows = [
        [*map(clean, astuple(item.id)), item.fields.total, *(astuple(line) for line in item.fields.lines)]
        for item in changes
        if item.fields.total
    ]
    return json.dumps(rows, ensure_ascii=False) if rows else ""
