"""What the prediction has to say on a cell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from previews.engine.manifests import ResourceId
from previews.engine.predict.objects import Pair, Side

if TYPE_CHECKING:  # what evaluates rules of definitions is a part of it, and speaks of steps
    from previews.engine.predict.context import Context

#: The worst first. `blocked`: the API server rejects it. `outage`: nobody is served for a while, or for good.
#: `irreversible`: Git does not hold what is lost. `degraded`: fewer serve than the author wants, or not what he wants.
Severity = Literal["blocked", "outage", "irreversible", "degraded", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("blocked", "outage", "irreversible", "degraded", "warning", "info")

#: Those that a check may fail on, and that totals count.
SEVERE: tuple[Severity, ...] = ("blocked", "outage", "irreversible")

Confidence = Literal["certain", "likely", "possible"]

#: Steps from an object's root: names of fields and places in lists.
Steps = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to say, and where.

    `code` names the rule (`META-LABEL`). `message` is one sentence with its arithmetic ("64 characters, at most 63"),
    `value` what the rule is about, as text, "" where there is none. `steps` lead to the field in the object at head
    (at base where there is none at head). `source` is the Kubernetes or Argo CD file or page that the rule mirrors,
    `remedy` what to do about it. `place` is what `steps` are called for people; the judge fills it in.
    """

    code: str
    severity: Severity
    message: str
    object: ResourceId | None = None
    steps: Steps = ()
    value: str = ""
    source: str = ""
    remedy: str = ""
    confidence: Confidence = "certain"
    place: str = ""

    @property
    def rank(self) -> int:
        """For sorting, the worst first."""
        return SEVERITIES.index(self.severity)


#: Rules about one state. They are asked about both sides: what holds at the base already is nothing new, and what
#: holds there alone is repaired.
StateRule: TypeAlias = "Callable[[Side, Context], Iterator[Finding]]"
#: Rules about the way from one state to the other.
ChangeRule: TypeAlias = "Callable[[Pair, Context], Iterator[Finding]]"


def told(value: Any) -> str:
    """A value as `Finding.value` tells it, on one line of at most 200 characters."""
    text = " ".join(str(value).split())
    return text if len(text) <= 200 else f"{text[:199]}…"
