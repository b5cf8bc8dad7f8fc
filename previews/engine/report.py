"""A preview as the commands print it: JSON for machines (a stable contract), text and Markdown for people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from previews.engine.cells import Cell
from previews.engine.predict.findings import Finding
from previews.engine.predict.prediction import Prediction

SCHEMA = "astrolabe.preview/1"
_SIGNS = {"changed": "~", "added": "+", "removed": "-", "failed": "!", "skipped": "?", "unchanged": " "}


@dataclass(frozen=True)
class PreviewReport:
    """A finished preview. `base` and `head` are as in the contract; `cells` those to be listed."""

    base: Mapping[str, Any]
    head: Mapping[str, Any]
    totals: Mapping[str, int]
    seconds: Mapping[str, float]
    cells: Sequence[Cell]
    notes: Sequence[str] = ()


def to_json(report: PreviewReport) -> dict[str, Any]:
    """The contract `astrolabe.preview/1` (docs: commands)."""
    return {
        "schema": SCHEMA,
        "base": dict(report.base),
        "head": dict(report.head),
        "clusters": sorted({cell.cluster for cell in report.cells}),
        "applications": sorted({cell.application for cell in report.cells}),
        "totals": dict(report.totals),
        "seconds": {step: round(seconds, 3) for step, seconds in report.seconds.items()},
        "groups": groups(report.cells),
        "cells": [cell_json(cell) for cell in report.cells],
        "notes": list(report.notes),
    }


def cell_json(cell: Cell) -> dict[str, Any]:
    """One cell of the contract."""
    return {
        "cluster": cell.cluster,
        "application": cell.application,
        "name": cell.name,
        "path": cell.path,
        "value": cell.value,
        "yaml": cell.yaml,
        "cause": list(cell.cause),
        "deploys": cell.deploys,
        "pinned": cell.pinned,
        "lines": {"value": list(cell.value_lines), "yaml": list(cell.yaml_lines)},
        "resources": [
            {**asdict(change.id), "state": change.state, "lines": list(change.lines)} for change in cell.resources
        ],
        "hidden": {"ignored": cell.ignored, "unstable": cell.unstable},
        "group": cell.group,
        "findings": [_finding_json(one) for one in cell.prediction.introduced] if cell.prediction else [],
        "prediction": _prediction_json(cell.prediction) if cell.prediction else None,
        "error": asdict(cell.error) if cell.error else None,
        "skipped": asdict(cell.skipped) if cell.skipped else None,
        "notes": list(cell.notes),
    }


def _finding_json(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "message": finding.message,
        "object": asdict(finding.object) if finding.object else None,
        "path": finding.place,
        "value": finding.value,
        "source": finding.source,
        "remedy": finding.remedy,
    }


def _prediction_json(prediction: Prediction) -> dict[str, Any]:
    return {
        "verdict": prediction.verdict,
        "apply": prediction.apply,
        "rollback": prediction.rollback.kind,
        "repaired": len(prediction.repaired),
        "preexisting": len(prediction.preexisting),
        "accepted": len(prediction.accepted),
        "unchecked": dict(prediction.unchecked),
    }


def groups(cells: Sequence[Cell]) -> list[dict[str, Any]]:
    """The groups of identical change, the largest first."""
    members: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        if cell.group:
            members[cell.group].append(cell)
    rows = [
        {
            "id": name,
            "cells": len(found),
            "resources": len(found[0].resources),
            "added": found[0].yaml_lines[0],
            "removed": found[0].yaml_lines[1],
        }
        for name, found in members.items()
    ]
    return sorted(rows, key=lambda row: int(str(row["id"])[1:]))


def summary(totals: Mapping[str, int]) -> str:
    """The totals in words: "37 of 525 instances change; 4 only in values; 33 deploy; 1 fails"."""
    moved = totals["instances"] - totals["unchanged"]
    if not moved:
        return f"nothing changes in {_many(totals['instances'], 'instance')}"
    parts = [f"{moved} of {_many(totals['instances'], 'instance')} {'changes' if moved == 1 else 'change'}"]
    words = (
        ("value_only", "{} without a change of yaml"),
        ("deploys", "{} {}"),
        ("added", "{} added"),
        ("removed", "{} removed"),
        ("failed", "{} {}"),
        ("skipped", "{} not rendered"),
        ("blocked", "{} rejected"),
        ("outage", "{} with an outage"),
        ("irreversible", "{} with no way back"),
    )
    verbs = {"deploys": ("deploys", "deploy"), "failed": ("fails", "fail")}
    for key, text in words:
        if totals.get(key):
            one, more = verbs.get(key, ("", ""))
            parts.append(text.format(totals[key], one if totals[key] == 1 else more))
    return "; ".join(parts)


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def to_text(report: PreviewReport) -> str:
    """For the terminal: the summary, then a line for each cell and what of it changes."""
    lines = [summary(report.totals)]
    lines += [f"conflict: {path}" for path in report.head["conflicts"]]
    lines += [f"note: {note}" for note in report.notes]
    for cell in report.cells:
        lines.append("")
        lines.append(
            f"{_SIGNS[cell.yaml]} {cell.cluster} / {cell.application}: "
            f"value {_state(cell.value, cell.value_lines)}, yaml {_state(cell.yaml, cell.yaml_lines)}"
            f"{f' [{chr(44).join(cell.cause)}]' if cell.cause else ''}{f' group {cell.group}' if cell.group else ''}"
        )
        lines += [
            f"    {_SIGNS[change.state]} {change.id.kind} {_place(change.id.namespace)}{change.id.name}"
            f" (+{change.lines[0]} -{change.lines[1]})"
            for change in cell.resources
        ]
        lines += [f"    {line}" for line in _reason(cell)]
        if cell.ignored:
            lines.append(f"    {_many(cell.ignored, 'difference')} hidden by ignoreDifferences (--show-ignored shows)")
        lines += [f"    note: {note}" for note in cell.notes]
        lines += _predicted(cell)
    return "\n".join(lines) + "\n"


def _predicted(cell: Cell) -> list[str]:
    if cell.prediction is None:
        return []
    said = [
        f"    {one.severity.upper()} {one.code} {_object(one)}: {one.message}" for one in cell.prediction.introduced
    ]
    return [f"    {cell.prediction.verdict}", *said]


def _object(finding: Finding) -> str:
    return f"{finding.object.kind}/{finding.object.name}" if finding.object else ""


def _state(state: str, lines: tuple[int, int]) -> str:
    return f"{state} (+{lines[0]} -{lines[1]})" if lines != (0, 0) else state


def _place(namespace: str) -> str:
    return f"{namespace}/" if namespace else ""


def _reason(cell: Cell) -> list[str]:
    if cell.error:
        return [f"{cell.error.side}, {cell.error.stage}: {line}" for line in cell.error.message.splitlines()]
    return [f"{cell.skipped.side}, {cell.skipped.reason}: {cell.skipped.message}"] if cell.skipped else []


def to_markdown(report: PreviewReport) -> str:
    """A table for a comment: applications down, clusters across, value and yaml state in each cell."""
    lines = [f"**{summary(report.totals)}**", ""]
    lines += [f"- {_escape(note)}" for note in (*report.notes, *(f"conflict: {p}" for p in report.head["conflicts"]))]
    clusters = sorted({cell.cluster for cell in report.cells})
    if not clusters:
        return "\n".join(lines) + "\n"
    by_place = {(cell.application, cell.cluster): cell for cell in report.cells}
    lines.append("| application | " + " | ".join(map(_escape, clusters)) + " |")
    lines.append("|---" * (len(clusters) + 1) + "|")
    for application in sorted({cell.application for cell in report.cells}):
        row = [_markdown_cell(by_place.get((application, cluster))) for cluster in clusters]
        lines.append(f"| {_escape(application)} | " + " | ".join(row) + " |")
    failed = [cell for cell in report.cells if cell.error or cell.skipped]
    lines += [""] if failed else []
    lines += [
        f"- {_escape(cell.cluster)} / {_escape(cell.application)}: {_escape(' '.join(_reason(cell))[:500])}"
        for cell in failed
    ]
    return "\n".join(lines) + "\n"


def _markdown_cell(cell: Cell | None) -> str:
    if cell is None:
        return " "
    value = f"value {cell.value}" if cell.value != "unchanged" else ""
    yaml = f"yaml {_state(cell.yaml, cell.yaml_lines)}" if cell.yaml != "unchanged" else ""
    return ", ".join(filter(None, (value, yaml))) or "target"


def _escape(text: str) -> str:
    """Text from a repository inside Markdown: no table breaks, no markup, nobody is mentioned."""
    for sign in ("\\", "|", "`", "*", "_", "[", "]", "<", ">", "#"):
        text = text.replace(sign, f"\\{sign}")
    return text.replace("@", "@\u200b").replace("\n", " ")
