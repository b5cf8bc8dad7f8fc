"""All rules, in the order in which they are asked."""

from __future__ import annotations

from previews.engine.predict import immutable
from previews.engine.predict.findings import ChangeRule, StateRule

STATE_RULES: tuple[StateRule, ...] = ()
CHANGE_RULES: tuple[ChangeRule, ...] = (*immutable.CHANGE_RULES,)
