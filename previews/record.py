"""Writing a preview down before anything is rendered: its plan, and the renders in batches."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import chain
from typing import Any, Literal

import zstandard

from previews.engine.config import Ignore
from previews.engine.errors import NotRendered, RenderFailed
from previews.engine.file_changes import ValueFile
from previews.engine.git import Ref
from previews.engine.plan import PlannedCell, Problem
from previews.engine.predict.outlook import outlook_of
from previews.engine.predict.outlook import to_json as outlook_json
from previews.engine.preview import Prepared
from previews.engine.remote.outside import External
from previews.engine.render.pool import Result
from previews.engine.render.requests import ENGINE_VERSION, RenderRequest, digest, from_json, to_json
from previews.engine.whatif import WhatIf
from previews.models import Blob, Cell, ChangeRequest, Cluster, Fleet, Preview, RenderBatch
from previews.models.text import clean, fit


def preview_key(change_request: ChangeRequest, base_commit: str, what_if: WhatIf) -> str:
    """What a preview is asked for, as a hash: the same question has one answer."""
    return digest(
        [
            ENGINE_VERSION,
            change_request.pk,
            base_commit,
            change_request.head_commit,
            change_request.exact,
            change_request.repository.config_text,
            *([asdict(what_if)] if what_if.asks_something else []),
            *change_request.repository.users.order_by("pk").values_list("pk", "default_commit", "config_text"),
        ]
    )


def keep_plan(preview: Preview, prepared: Prepared) -> None:
    """Writes down both fleets, the columns, and a pending cell for each instance that may change."""
    sides, cells = prepared.sides, prepared.plan.cells
    Preview.objects.filter(pk=preview.pk).update(
        # Not the base commit: on a conflict the tree is an older one, and a new attempt asks the same question again.
        base_tree=sides.base_tree,
        head_tree=sides.head_tree,
        merged=sides.merged,
        conflicts=[clean(path) for path in sides.conflicts],
        notes=[clean(note) for note in prepared.notes],
        cluster_scoped=sorted(prepared.rules.cluster_scoped),
        argocd=dict(prepared.config.argocd),
        base_fleet=_keep_fleet(preview, sides.base_tree, prepared, "base"),
        head_fleet=_keep_fleet(preview, sides.head_tree, prepared, "head"),
        totals={"instances": prepared.plan.instances, "cells": len(cells), "done": 0, "failed": 0},
        externals=[asdict(external) for external in prepared.externals],
        touched=_touched(cells),
        outlook=outlook_json(outlook_of(prepared.config)),
    )
    _keep_clusters(preview, prepared)
    texts = (text for cell in cells for text in (*cell.values, *cell.targets) if text)
    in_files = (text for cell in cells for file in cell.files for text in (file.base, file.head) if text is not None)
    blobs = Blob.objects.keep_all(chain(texts, in_files))
    preview.cells.all().delete()
    Cell.objects.bulk_create((_pending(preview, cell, blobs) for cell in cells), batch_size=200)


def _touched(cells: Iterable[PlannedCell]) -> Blob | None:
    rows = sorted([fit(cell.cluster), fit(cell.application), fit(cell.path, 1000)] for cell in cells)
    return Blob.objects.keep(json.dumps(rows, ensure_ascii=False, separators=(",", ":"))) if rows else None


def keep_commits(preview: Preview, total: int, newest: Sequence[Ref]) -> None:
    """Writes down what a head brings."""
    rows = [[one.commit, fit(one.author, 200), one.when, fit(one.subject, 300)] for one in newest]
    Preview.objects.filter(pk=preview.pk).update(commits=rows, commits_total=total)


def externals(preview: Preview) -> list[External]:
    """What the preview used from outside its repository: a machine that renders a part of it needs the same."""
    return [External(**item) for item in preview.externals]


def _keep_fleet(preview: Preview, tree: str, prepared: Prepared, side: Literal["base", "head"]) -> Fleet:
    found = prepared.head if side == "head" else prepared.base
    # Where other repositories move as well, the tree alone does not tell which side it is.
    mark = "" if preview.change_request_id else side
    config = hashlib.sha256(f"{prepared.config.digest}{preview.question}{mark}".encode()).hexdigest()
    places: defaultdict[str, dict[str, bool]] = defaultdict(dict)
    for item in found.instances:
        places[fit(item.application)][fit(item.cluster)] = (item.cluster, item.application) in found.pinned
    fleet, _ = Fleet.objects.update_or_create(
        repository=preview.repository, tree=tree, config=config, defaults={"places": places}
    )
    return fleet


def _keep_clusters(preview: Preview, prepared: Prepared) -> None:
    declared = {fit(cluster.name): cluster for cluster in prepared.config.clusters}
    found = {fit(item.cluster) for item in (*prepared.base.instances, *prepared.head.instances)}
    # Declared ones stand as they are declared, the others behind them.
    names = [*declared, *sorted(found - declared.keys())]
    rows = [
        Cluster(
            repository=preview.repository,
            name=name,
            group=fit(declared[name].group) if name in declared else "",
            kubernetes_version=fit(declared[name].kubernetes_version, 50) if name in declared else "",
            labels=dict(declared[name].labels) if name in declared else {},
            position=position,
        )
        for position, name in enumerate(names)
    ]
    Cluster.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["repository", "name"],
        update_fields=["group", "kubernetes_version", "labels", "position"],
    )


def _pending(preview: Preview, cell: PlannedCell, blobs: Mapping[str, Blob]) -> Cell:
    return Cell(
        preview=preview,
        cluster=fit(cell.cluster),
        application=fit(cell.application),
        name=fit(cell.name),
        path=fit(cell.path, 1000),
        value_state=cell.value,
        yaml_state=Cell.PENDING,
        deploys=False,
        pinned=cell.pinned,
        base_key=cell.base_key,
        head_key=cell.head_key,
        base_values=blobs.get(cell.values[0]),
        head_values=blobs.get(cell.values[1]),
        base_target=blobs.get(cell.targets[0]),
        head_target=blobs.get(cell.targets[1]),
        planned={
            "on_base": cell.on_base,
            "on_head": cell.on_head,
            "moved": cell.moved,
            "retargeted": cell.retargeted,
            "base_problem": _problem_json(cell.base_problem),
            "head_problem": _problem_json(cell.head_problem),
            "ignore": [[asdict(rule) for rule in side] for side in cell.ignore],
            "trackers": cell.trackers,
            "cascades": cell.cascades,
            "by_argo_cd": cell.by_argo_cd,
            "kubernetes": cell.kubernetes,
            "knows_apis": cell.knows_apis,
            "held": cell.held,
            "notes": [clean(note) for note in cell.notes],
        },
        namespaces=[clean(name) for name in cell.namespaces],
        files=[_file_json(file, blobs) for file in cell.files],
    )


def _file_json(file: ValueFile, blobs: Mapping[str, Blob]) -> dict[str, Any]:
    base, head = (blobs[text].pk if text is not None else "" for text in (file.base, file.head))
    state, (added, removed) = (file.state, file.lines) if file.is_changed else ("unchanged", (0, 0))
    return {
        "name": fit(file.name, 1000),
        "base": base,
        "head": head,
        "state": state,
        "added": added,
        "removed": removed,
    }


def _problem_json(problem: Problem | None) -> dict[str, str] | None:
    if problem is None:
        return None
    kind = {"stage": problem.stage} if isinstance(problem, RenderFailed) else {"reason": problem.reason}
    return {**kind, "message": clean(str(problem))}


def _problem(content: Mapping[str, Any] | None) -> Problem | None:
    if content is None:
        return None
    if "stage" in content:
        return RenderFailed(content["stage"], content["message"])
    return NotRendered(content["reason"], content["message"])


def planned_cell(row: Cell) -> PlannedCell:
    """What was planned for a cell whose preview is not finished."""
    plan = row.planned
    return PlannedCell(
        cluster=row.cluster,
        application=row.application,
        name=row.name,
        path=row.path,
        on_base=plan["on_base"],
        on_head=plan["on_head"],
        value=row.value_state,  # type: ignore[arg-type]
        values=(_text(row.base_values), _text(row.head_values)),
        targets=(_text(row.base_target), _text(row.head_target)),
        base_key=row.base_key,
        head_key=row.head_key,
        base_problem=_problem(plan["base_problem"]),
        head_problem=_problem(plan["head_problem"]),
        moved=tuple(plan["moved"]),
        retargeted=plan["retargeted"],
        pinned=row.pinned,
        namespaces=row.placing,
        ignore=(_ignore(plan["ignore"][0]), _ignore(plan["ignore"][1])),
        trackers=(plan["trackers"][0], plan["trackers"][1]),
        cascades=plan["cascades"],
        by_argo_cd=plan["by_argo_cd"],
        kubernetes=tuple(plan.get("kubernetes", ("", ""))),
        knows_apis=plan.get("knows_apis", False),
        held=plan["held"],
        notes=tuple(plan["notes"]),
    )


def _ignore(rules: Sequence[Mapping[str, Any]]) -> tuple[Ignore, ...]:
    lists = ("paths", "jq", "managers")
    return tuple(Ignore(**{**rule, **{name: tuple(rule[name]) for name in lists}}) for rule in rules)


def _text(blob: Blob | None) -> str:
    return blob.text if blob else ""


def keep_batches(
    preview: Preview, attempt: int, requests: Sequence[RenderRequest], size: int
) -> tuple[list[RenderBatch], list[int]]:
    """Cuts the renders into jobs, those of one chart together, and writes them down with the cells that need them.

    Gives the keys of the cells that wait for no render, too.
    """
    places = list(preview.cells.order_by("pk").values_list("pk", "base_key", "head_key"))
    users: dict[str, list[int]] = {request.key: [] for request in requests}
    for pk, *keys in places:
        for key in {*keys} & users.keys():
            users[key].append(pk)
    ordered = sorted(requests, key=lambda request: [part.checkout.id for part in request.parts])
    rows = []
    for number, at in enumerate(range(0, len(ordered), size)):
        chosen = ordered[at : at + size]
        data = zstandard.compress(json.dumps([to_json(request) for request in chosen]).encode(), 3)
        cells = sorted({pk for request in chosen for pk in users[request.key]})
        given = {"number": number, "requests": data, "count": len(chosen), "cells": cells}
        rows.append(RenderBatch(preview=preview, attempt=attempt, **given))
    RenderBatch.objects.bulk_create(rows, ignore_conflicts=True)
    return rows, [pk for pk, *keys in places if users.keys().isdisjoint(keys)]


def read_batch(batch: RenderBatch) -> list[RenderRequest]:
    """The requests of a batch."""
    return [from_json(content) for content in json.loads(zstandard.decompress(bytes(batch.requests)))]


def close_batch(batch: RenderBatch, results: Mapping[str, Result]) -> bool:
    """Marks a batch as done, with the failures that the cache does not keep; False when another did so before."""
    failures = {
        key: {"stage": result.stage, "message": clean(str(result))}
        for key, result in results.items()
        if isinstance(result, RenderFailed) and not result.is_final
    }
    return bool(RenderBatch.objects.filter(pk=batch.pk, done=False).update(done=True, failures=failures))
