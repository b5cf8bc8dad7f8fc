"""All rules, in the order in which they are asked."""

from __future__ import annotations

from previews.engine.predict import (
    containers,
    deletions,
    immutable,
    impact,
    metadata,
    quantities,
    references,
    restarts,
    routes,
    served,
    templates,
)
from previews.engine.predict.findings import ChangeRule, StateRule

STATE_RULES: tuple[StateRule, ...] = (
    *metadata.RULES,
    *templates.RULES,
    *containers.RULES,
    *quantities.RULES,
    *routes.RULES,
    *served.RULES,
)
#: What may stand in the way of a revert: all else was there before.
BACK_RULES: tuple[ChangeRule, ...] = (*immutable.CHANGE_RULES,)
CHANGE_RULES: tuple[ChangeRule, ...] = (
    *immutable.CHANGE_RULES,
    *impact.CHANGE_RULES,
    *restarts.CHANGE_RULES,
    *deletions.CHANGE_RULES,
    *routes.CHANGE_RULES,
    *references.CHANGE_RULES,
)
