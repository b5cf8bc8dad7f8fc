"""The prediction for a cell of a preview: what is known of its cluster and its Application, and what the rules say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache
from typing import Any

from previews.engine.cells import Cell
from previews.engine.compare import Outcome, as_synced
from previews.engine.errors import YamlError
from previews.engine.manifests import Manifest
from previews.engine.plan import PlannedCell
from previews.engine.predict.around import Around, Surroundings
from previews.engine.predict.context import Context, Library, Minor, Sync
from previews.engine.predict.findings import Finding, Severity
from previews.engine.predict.impact import impacts
from previews.engine.predict.judge import judge
from previews.engine.predict.objects import make_pair
from previews.engine.predict.outlook import Outlook
from previews.engine.predict.prediction import Prediction, with_acceptances
from previews.engine.predict.rollback import rollback
from previews.engine.predict.rules import BACK_RULES, CHANGE_RULES, STATE_RULES
from previews.engine.predict.schemas import Definitions, unchecked
from previews.engine.predict.sync_plan import outcome, sync_plan
from previews.engine.render.helm import DEFAULT_KUBERNETES
from previews.engine.rules import Rules
from previews.engine.yamls import load

_MINOR = re.compile(r"v?(\d{1,3})\.(\d{1,3})")


def predict_cells(
    found: Sequence[tuple[PlannedCell, Cell]],
    sides_of: Callable[[PlannedCell], tuple[Outcome, Outcome]],
    rules: Rules,
    outlook: Outlook,
    today: date,
    library: Library,
) -> list[Cell]:
    """The cells with their predictions, those that deploy nothing as they are.

    `sides_of` gives what both sides of a planned cell were rendered to; it is asked for one cell at a time. `today` is
    the day on which findings are accepted or not. `library` has the definitions of kinds in the head's files.
    """
    around = Around(library)
    for planned, cell in found:
        if cell.deploys:
            around.add(cell.cluster, cell.application, (one.id for one in cell.resources if one.state != "removed"))
            head = sides_of(planned)[1]
            if isinstance(head, Manifest):
                around.define(cell.cluster, head)
    predicted = []
    for planned, cell in found:
        if cell.deploys:
            prediction = predict_cell(planned, cell, _manifests(planned, sides_of, rules), around, outlook)
            where = cell.cluster, cell.application
            cell = replace(cell, prediction=with_acceptances(prediction, *where, outlook.acceptances, today))
        predicted.append(cell)
    return predicted


def _manifests(
    planned: PlannedCell, sides_of: Callable[[PlannedCell], tuple[Outcome, Outcome]], rules: Rules
) -> tuple[Manifest, Manifest]:
    """Both sides where a sync puts them, empty where there is none."""
    base, head = (
        side if isinstance(side := as_synced(outcome, namespace, planned.cluster, rules), Manifest) else Manifest()
        for outcome, namespace in zip(sides_of(planned), planned.namespaces, strict=True)
    )
    return base, head


def predict_cell(
    planned: PlannedCell, cell: Cell, sides: tuple[Manifest, Manifest], around: Around, outlook: Outlook
) -> Prediction:
    """Predicts what syncing the head does where the base is deployed. What rules hide does not count."""
    pair = make_pair(sides[0].resources, sides[1].resources, {one.id for one in cell.resources})
    context = _context(planned, around.of(cell.cluster, cell.application), outlook)
    said = judge(pair, context, STATE_RULES, CHANGE_RULES)
    if sides[1].missing:
        said = replace(said, introduced=tuple(map(_doubted, said.introduced)))
    changed = [one.head for one in pair.changes if one.head]
    plan = sync_plan(pair, context)
    way_back = judge(pair.reversed(), replace(context, deletes_application=False), (), BACK_RULES)
    rejected = {one.object for one in said.introduced if one.severity == "blocked" and one.object}
    startless = {one.object for one in said.introduced if one.code == "REF-MISSING" and one.confidence != "possible"}
    moved = impacts(pair, context, {one for one in startless if one})
    restarts = any(one.change in ("now", "recreated", "renamed") for one in moved)
    return Prediction(
        said.introduced,
        said.repaired,
        said.preexisting,
        failed=said.failed,
        unchecked=unchecked(changed, Definitions(pair.head.objects, context), context),
        impacts=moved,
        plan=plan,
        apply=outcome(plan, rejected),
        rollback=rollback(pair, context, said.introduced, way_back.introduced, restarts, plan),
    )


def _doubted(finding: Finding) -> Finding:
    """A finding on a manifest that lacks a chart dependency, whose values and objects may be what is missed."""
    severity: Severity = "warning" if finding.severity == "blocked" else finding.severity
    return replace(finding, severity=severity, confidence="possible")


def _context(planned: PlannedCell, around: Surroundings, outlook: Outlook) -> Context:
    base, head = (minor_of(version) for version in planned.kubernetes)
    return Context(
        kubernetes=head,
        base_kubernetes=base,
        namespace=planned.namespaces[1],
        sync=sync_of(planned.targets[1] or planned.targets[0], planned.by_argo_cd),
        definitions=around.definitions,
        library=around.library,
        expressions=around.expressions,
        elsewhere=around.elsewhere,
        nodes=outlook.nodes.get(planned.cluster),
        node_ports=outlook.ports_of(planned.cluster),
        capacity_floor=outlook.capacity_floor,
        startup_seconds=outlook.startup_seconds,
        deletes_application=not planned.on_head,
        cascades=planned.cascades,
        by_argo_cd=planned.by_argo_cd,
        knows_apis=planned.knows_apis,
    )


def minor_of(version: str) -> Minor:
    """The minor of a Kubernetes version; where nobody said one, that which charts are rendered for."""
    found = _MINOR.match(version) or _MINOR.match(DEFAULT_KUBERNETES)
    assert found is not None
    return int(found[1]), int(found[2])


@lru_cache(maxsize=256)
def sync_of(target: str, by_argo_cd: bool) -> Sync:
    """How an Application is synced, from its YAML (Argo CD: pkg/apis/application/v1alpha1 SyncPolicy; Flux: prune).

    Who syncs by hand decides about pruning then: it is taken as if he did.
    """
    try:
        content = load(target) if target else {}
    except YamlError:
        content = {}
    spec = _mapping(content, "spec")
    if not by_argo_cd:
        is_release = isinstance(content, dict) and content.get("kind") == "HelmRelease"
        how = frozenset() if is_release else frozenset({"ServerSideApply=true"})
        return Sync(how, prunes=spec.get("prune", True) is True)
    policy = _mapping(spec, "syncPolicy")
    options = policy.get("syncOptions")
    automated = policy.get("automated")
    is_automated = isinstance(automated, dict) and automated.get("enabled") is not False
    return Sync(
        options=frozenset(one for one in options if isinstance(one, str)) if isinstance(options, list) else frozenset(),
        prunes=_mapping(policy, "automated").get("prune") is True if is_automated else True,
        is_automated=is_automated,
    )


def _mapping(content: Any, key: str) -> Mapping[str, Any]:
    found = content.get(key) if isinstance(content, dict) else None
    return found if isinstance(found, dict) else {}
