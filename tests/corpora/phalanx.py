"""The phalanx corpus: where it is, and what our cells say about its cases.

The corpus (a bundle, its cases, a chart store) lies in a folder beside the checkout, or where ASTROLABE_CORPORA says.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from previews.engine.cells import Cell
from previews.engine.manifests import ResourceId

CORPORA = Path(os.environ.get("ASTROLABE_CORPORA") or Path(__file__).resolve().parents[3] / "shared" / "corpora")
BUNDLE = CORPORA / "phalanx.bundle"
CHART_STORE = CORPORA / "chartstore"
CONFIG = CORPORA / "phalanx.astrolabe.yaml"

#: Cheap ones of different kinds; `make phalanx` runs all.
SUITE = ["6676", "5651", "5431", "6802", "5258", "6119", "4319", "5130", "5456", "5042", "5892", "6651"]

_STATES = {"modified": "changed", "added": "added", "removed": "removed"}


def load_cases() -> list[dict[str, Any]]:
    """The cases; none when the corpus is not there."""
    path = CORPORA / "phalanx_cases.json"
    return json.loads(path.read_text()) if path.exists() else []


def number(case: Mapping[str, Any]) -> str:
    """The number of the case's pull request."""
    return str(case["id"]).removeprefix("phalanx-")


def expected_cells(case: Mapping[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """The listed cells by (cluster, application).

    Case 5710 lists two root applications both as removed and as added, since their name (not their place) changes;
    the configuration gives every root the same name, so for us that is one changed cell.
    """
    cells: dict[tuple[str, str], dict[str, Any]] = {}
    for entry in case["expected"]:
        place = (entry["cluster"], entry["app"])
        cells[place] = {**entry, "status": "modified"} if place in cells else entry
    return cells


def disagreements(case: Mapping[str, Any], cells: Sequence[Cell]) -> list[str]:
    """A sentence for every cell that is not as the case says. Cells that are not listed must not change."""
    found = {(cell.cluster, cell.application): cell for cell in cells}
    expected = expected_cells(case)
    wrong = []
    for place in sorted(found.keys() | expected.keys()):
        cell, entry = found.get(place), expected.get(place)
        if entry is None:
            assert cell is not None
            if not _is_unknown(cell):
                wrong.append(f"{place}: not listed, but value {cell.value}, yaml {cell.yaml} {cell.error}")
            continue
        wrong += [f"{place}: {text}" for text in _compare(cell, entry)]
    return wrong


def _is_unknown(cell: Cell) -> bool:
    """A chart that is not in the store: the corpus leaves such cells out, we show them as skipped."""
    return cell.value == "unchanged" and cell.skipped is not None and cell.skipped.reason == "dependency"


def _compare(cell: Cell | None, entry: Mapping[str, Any]) -> list[str]:
    value = cell.value if cell else "unchanged"
    yaml = cell.yaml if cell else "unchanged"
    wrong = []
    for half, state, changed in (("value", value, entry["value_changed"]), ("yaml", yaml, entry["yaml_changed"])):
        wanted = _STATES[entry["status"]] if changed else "unchanged"
        if changed is not None and state != wanted:
            wrong.append(f"{half} is {state}, expected {wanted}")
    if entry["yaml_changed"] is None and yaml != "skipped":
        wrong.append(f"yaml is {yaml}, but nobody can know it here")
    if entry.get("spec_changed") and (cell is None or not {"target", "value"} & set(cell.cause)):
        wrong.append("the Application differs, and no cause says so")
    return wrong


def _as_listed(identity: ResourceId, listed: Sequence[str]) -> str:
    """The corpus lists the namespace that the text names; ours is the one that Argo CD gives where it names none."""
    bare = f"{identity.kind}//{identity.name}"
    return bare if bare in listed else f"{identity.kind}/{identity.namespace}/{identity.name}"


def resource_disagreements(case: Mapping[str, Any], cells: Sequence[Cell]) -> list[str]:
    """The same for the resources of each cell, where the case lists them whole."""
    found = {(cell.cluster, cell.application): cell for cell in cells}
    wrong = []
    for place, entry in expected_cells(case).items():
        documents = entry.get("docs")
        if (
            not documents
            or place not in found
            or any("in all" in name for names in documents.values() for name in names)
        ):
            continue
        for key, state in (("added", "added"), ("removed", "removed"), ("modified", "changed")):
            changes = [item for item in found[place].resources if item.state == state]
            theirs = sorted(name.replace("/None/", "//") for name in documents[key])
            ours = sorted(_as_listed(item.id, theirs) for item in changes)
            if ours != theirs:
                wrong.append(f"{place}: {key} are {ours}, expected {theirs}")
    return wrong
