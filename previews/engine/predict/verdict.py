"""The prediction for one cell in a sentence or three."""

from __future__ import annotations

from typing import TYPE_CHECKING

from previews.engine.predict.rollback import RollbackClass

if TYPE_CHECKING:  # which has its verdict
    from previews.engine.predict.prediction import Prediction

_UNDONE: dict[RollbackClass, str] = {
    "reversible": "Can be undone by a revert.",
    "reversible-restart": "Can be undone by a revert, with one restart.",
    "manual": "Undoing it takes more than a revert.",
    "irreversible": "It cannot be undone: Git does not hold what is lost.",
}


def verdict(prediction: Prediction) -> str:
    """Whether it deploys, what its users feel, and whether it can be undone."""
    rejected = len({one.object for one in prediction.introduced if one.severity == "blocked"})
    if rejected:
        objects = f"{rejected} object{'' if rejected == 1 else 's'}"
        before = {
            "blocked": "nothing is deployed",
            "partial": "what comes before it in the sync is applied, and the rest is not",
            "ok": "the sync fails",
        }[prediction.apply]
        return f"Rejected: the API server does not take {objects}; {before}."
    return f"Deploys. {_felt(prediction)}{_UNDONE[prediction.rollback.kind]}"


def _felt(prediction: Prediction) -> str:
    """What the users of the worst workload or Service feel."""
    felt = [one for one in prediction.impacts if one.category != "none"]
    if not felt:
        return ""
    worst = felt[0]
    more = f" (and {len(felt) - 1} more)" if len(felt) > 1 else ""
    return f"{worst.object.kind} {worst.object.name}: {worst.sentence}{more}. "
