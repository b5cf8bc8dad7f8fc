"""The prediction for one cell: made from its two manifests, and kept as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, fields
from typing import Any

from previews.engine.manifests import ResourceId
from previews.engine.predict.findings import Finding, Severity

_FINDING_FIELDS = tuple(one.name for one in fields(Finding))


@dataclass(frozen=True)
class Prediction:
    """What a deployment of the cell will do.

    `introduced` are the findings that the change brings, worst first; `accepted` those of them that somebody has
    accepted, each with the reason; `repaired` those that it ends; `preexisting`
    those that hold before and after. `unchecked` are changed objects that no schema is known for, by kind.
    `failed` are rules of ours that could not be asked.
    """

    introduced: tuple[Finding, ...] = ()
    repaired: tuple[Finding, ...] = ()
    preexisting: tuple[Finding, ...] = ()
    unchecked: Mapping[str, int] = field(default_factory=dict)
    failed: tuple[str, ...] = ()
    accepted: tuple[tuple[Finding, str], ...] = ()

    @property
    def everything(self) -> tuple[Finding, ...]:
        """All that the change brings, accepted or not."""
        return (*self.introduced, *(finding for finding, _ in self.accepted))

    @property
    def counts(self) -> dict[str, tuple[Severity, int]]:
        """The worst severity and the number of the findings that the change brings and nobody accepts, by rule."""
        found: dict[str, tuple[Severity, int]] = {}
        for one in self.introduced:
            severity, count = found.get(one.code, (one.severity, 0))
            found[one.code] = (severity, count + 1)
        return found


def to_json(prediction: Prediction) -> str:
    """A text that `from_json` reads."""
    content = {
        "introduced": [_finding_json(one) for one in prediction.introduced],
        "repaired": [_finding_json(one) for one in prediction.repaired],
        "preexisting": [_finding_json(one) for one in prediction.preexisting],
        "accepted": [[_finding_json(one), reason] for one, reason in prediction.accepted],
        "unchecked": dict(prediction.unchecked),
        "failed": prediction.failed,
    }
    return json.dumps({name: value for name, value in content.items() if value}, ensure_ascii=False)


def from_json(text: str) -> Prediction:
    """What `to_json` wrote, also by an earlier version that knew less."""
    content = json.loads(text)
    return Prediction(
        introduced=_findings(content, "introduced"),
        repaired=_findings(content, "repaired"),
        preexisting=_findings(content, "preexisting"),
        accepted=tuple((_finding(one), reason) for one, reason in content.get("accepted", ())),
        unchecked=content.get("unchecked", {}),
        failed=tuple(content.get("failed", ())),
    )


def _finding_json(finding: Finding) -> dict[str, Any]:
    values = {name: getattr(finding, name) for name in _FINDING_FIELDS}
    values["object"] = astuple(finding.object) if finding.object else None
    return {name: value for name, value in values.items() if value}


def _findings(content: Mapping[str, Any], name: str) -> tuple[Finding, ...]:
    return tuple(_finding(one) for one in content.get(name, ()))


def _finding(content: Mapping[str, Any]) -> Finding:
    known = {name: content[name] for name in _FINDING_FIELDS if name in content}
    known["object"] = ResourceId(*content["object"]) if content.get("object") else None
    return Finding(**{**known, "steps": tuple(content.get("steps", ()))})
