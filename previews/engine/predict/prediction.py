"""The prediction for one cell: made from its two manifests, and kept as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field, fields, replace
from datetime import date
from typing import Any

from previews.engine.manifests import ResourceId
from previews.engine.predict.acceptance import Acceptance
from previews.engine.predict.findings import SEVERE, Finding, Severity, told
from previews.engine.predict.impact import Impact
from previews.engine.predict.rollback import UNDONE, Rollback
from previews.engine.predict.sync_plan import Apply, Step
from previews.engine.predict.verdict import verdict

_FINDING_FIELDS = tuple(one.name for one in fields(Finding))
_IMPACT_FIELDS = tuple(one.name for one in fields(Impact))


@dataclass(frozen=True)
class Prediction:
    """What a deployment of the cell will do.

    `introduced` are the findings that the change brings, worst first; `accepted` those of them that somebody has
    accepted, each with the reason; `repaired` those that it ends; `preexisting`
    those that hold before and after. `unchecked` are changed objects that no schema is known for, by kind.
    `failed` are rules of ours that could not be asked. `impacts` are what happens to pods and those who use them,
    worst first; `plan` is what the sync does in its order, `apply` how far it comes, `rollback` how it is undone.
    """

    introduced: tuple[Finding, ...] = ()
    repaired: tuple[Finding, ...] = ()
    preexisting: tuple[Finding, ...] = ()
    unchecked: Mapping[str, int] = field(default_factory=dict)
    failed: tuple[str, ...] = ()
    accepted: tuple[tuple[Finding, str], ...] = ()
    impacts: tuple[Impact, ...] = ()
    plan: tuple[Step, ...] = ()
    apply: Apply = "ok"
    rollback: Rollback = UNDONE

    @property
    def verdict(self) -> str:
        """What it comes to, in a sentence or three."""
        return verdict(self)

    @property
    def everything(self) -> tuple[Finding, ...]:
        """All that the change brings, accepted or not."""
        return (*self.introduced, *(finding for finding, _ in self.accepted))

    @property
    def counts(self) -> dict[str, tuple[Severity, int, str]]:
        """By rule, of what the change brings and nobody accepts: the worst severity, how many, what the worst says."""
        found: dict[str, tuple[Severity, int, str]] = {}
        for one in self.introduced:
            severity, count, message = found.get(one.code, (one.severity, 0, told(one.message)))
            found[one.code] = (severity, count + 1, message)
        return found


def with_acceptances(
    prediction: Prediction, cluster: str, application: str, acceptances: Sequence[Acceptance], today: date
) -> Prediction:
    """The prediction with its findings told apart anew: those that are accepted, and the others."""

    def reason(finding: Finding) -> str | None:
        return next((one.reason for one in acceptances if one.covers(finding, cluster, application, today)), None)

    judged = [(finding, reason(finding)) for finding in prediction.everything]
    return replace(
        prediction,
        introduced=_in_order(finding for finding, why in judged if why is None),
        accepted=tuple((finding, why) for finding, why in judged if why is not None),
    )


def _in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda one: one.rank))


def count_severe(cells: Iterable[Mapping[str, Sequence[Any]]]) -> dict[str, int]:
    """How many cells have a finding of each severe kind, from their `counts`."""
    said = [{severity for severity, *_ in counts.values()} for counts in cells]
    return {severity: sum(severity in one for one in said) for severity in SEVERE}


def to_json(prediction: Prediction) -> str:
    """A text that `from_json` reads."""
    content = {
        "introduced": [_finding_json(one) for one in prediction.introduced],
        "repaired": [_finding_json(one) for one in prediction.repaired],
        "preexisting": [_finding_json(one) for one in prediction.preexisting],
        "accepted": [[_finding_json(one), reason] for one, reason in prediction.accepted],
        "unchecked": dict(prediction.unchecked),
        "impacts": [_impact_json(one) for one in prediction.impacts],
        "plan": [[*astuple(step)[:3], astuple(step.object)] for step in prediction.plan],
        "apply": prediction.apply,
        "rollback": _rollback_json(prediction.rollback),
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
        impacts=tuple(_impact(one) for one in content.get("impacts", ())),
        plan=tuple(_step(one) for one in content.get("plan", ())),
        apply=content.get("apply", "ok"),
        rollback=_rollback(content.get("rollback", {})),
        accepted=tuple((_finding(one), reason) for one, reason in content.get("accepted", ())),
        unchecked=content.get("unchecked", {}),
        failed=tuple(content.get("failed", ())),
    )


def _impact_json(impact: Impact) -> dict[str, Any]:
    values = {**{name: getattr(impact, name) for name in _IMPACT_FIELDS}, "object": astuple(impact.object)}
    return {name: value for name, value in values.items() if value not in ("", ())}


def _impact(content: Mapping[str, Any]) -> Impact:
    known: dict[str, Any] = {name: content[name] for name in _IMPACT_FIELDS if name in content}
    for name in ("services", "notes"):
        known[name] = tuple(content.get(name, ()))
    known["object"] = ResourceId(*content["object"])
    return Impact(**known)


def _rollback_json(rollback: Rollback) -> dict[str, Any]:
    point = rollback.point_of_no_return
    return {
        "kind": rollback.kind,
        "reasons": [_finding_json(one) for one in rollback.reasons],
        "point": [*astuple(point)[:3], astuple(point.object)] if point else None,
    }


def _rollback(content: Mapping[str, Any]) -> Rollback:
    point = content.get("point")
    return Rollback(content.get("kind", "reversible"), _findings(content, "reasons"), _step(point) if point else None)


def _step(content: Sequence[Any]) -> Step:
    phase, wave, action, identity = content
    return Step(phase, wave, action, ResourceId(*identity))


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
