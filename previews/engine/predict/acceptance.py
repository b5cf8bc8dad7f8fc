"""Findings that people have accepted: for a rule, an object, a cluster; with a reason, and perhaps for a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

from previews.engine.predict.findings import Finding


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
