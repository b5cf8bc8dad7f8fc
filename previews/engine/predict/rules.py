"""All rules, in the order in which they are asked."""

from __future__ import annotations

from previews.engine.predict import containers, immutable, metadata, quantities, templates
from previews.engine.predict.findings import ChangeRule, StateRule

STATE_RULES: tuple[StateRule, ...] = (
    *metadata.RULES,
    *templates.RULES,
    *containers.RULES,
    *quantities.RULES,
)
CHANGE_RULES: tuple[ChangeRule, ...] = (*immutable.CHANGE_RULES,)
