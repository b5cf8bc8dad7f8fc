"""Findings that people have accepted: for a rule, an object, a cluster; with a reason, and perhaps for a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fnmatch import fnmatchcase

from previews.engine.predict.findings import Finding
from previews.engine.predict.prediction import Prediction


@dataclass(frozen=True)
class Acceptance:
    """What is accepted, and why. `rule`, `kind`, `namespace`, `name`, `cluster` and `application` are globs.

    It counts up to and with the day `until`.
    """

    rule: str
    reason: str
    kind: str = "*"
    namespace: str = "*"
    name: str = "*"
    cluster: str = "*"
    application: str = "*"
    until: date | None = None

    def covers(self, finding: Finding, cluster: str, application: str, today: date) -> bool:
        """Whether a finding of a cell is accepted today."""
        if self.until is not None and today > self.until:
            return False
        names = [(finding.code, self.rule), (cluster, self.cluster), (application, self.application)]
        if finding.object is not None:
            one = finding.object
            names += [(one.kind, self.kind), (one.namespace, self.namespace), (one.name, self.name)]
        elif (self.kind, self.namespace, self.name) != ("*", "*", "*"):
            return False
        return all(fnmatchcase(name, pattern) for name, pattern in names)


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
