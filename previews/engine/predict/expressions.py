"""What the rules of definitions come to: each value is asked about once, and all of them together take their time."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from previews.engine.predict.custom_rules import ABSENT, Node, Place, Rule
from previews.engine.predict.custom_values import aligned
from previews.engine.render.unstable import MARK
from previews.engine.yamls import canonical

#: Steps for all expressions of a preview: a minute or two, which only a stranger's loops need.
_STEPS = 1_000_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """The rules that a value breaks, each with what there is to say, and how many could not be evaluated."""

    broken: tuple[tuple[Rule, str], ...] = ()
    unknown: int = 0


class Expressions:
    """Evaluates the rules of values, those of equal values once."""

    def __init__(self, steps: int = _STEPS) -> None:
        """`steps` may be taken for all of them (previews.engine.predict.cel)."""
        self._left = steps
        self._known: dict[tuple[Node, bool, bytes], Outcome] = {}

    def ask(self, place: Place, compares: bool) -> Outcome:
        """What the rules at a place come to: those that compare with what was, or those about the value alone."""
        rules = tuple(rule for rule in place.node.rules if rule.compares == compares)
        if not rules or (compares and place.old is ABSENT):
            return Outcome()
        texts = [canonical(place.value), canonical(place.old) if compares else ""]
        # What is masked, or made anew by each render, may be anything.
        if any(MARK in text or "•••" in text for text in texts):
            return Outcome(unknown=len(rules))
        key = (place.node, compares, blake2b("\0".join(texts).encode(), digest_size=16).digest())
        if key not in self._known:
            self._known[key] = self._evaluated(place, rules, compares)
        return self._known[key]

    def _evaluated(self, place: Place, rules: tuple[Rule, ...], compares: bool) -> Outcome:
        # The library is large, and few have definitions with rules.
        from previews.engine.predict import cel, cel_values

        budget = cel.Budget(self._left)
        schema, is_resource = place.node.schema, not place.steps
        try:
            variables = {"self": cel_values.to_cel(place.value, schema, is_resource)}
            if compares:
                old = aligned(place.old, place.value, schema)
                variables["oldSelf"] = cel_values.to_cel(old, schema, is_resource)
        except (ValueError, OverflowError):
            return Outcome(unknown=len(rules))

        def value_of(expression: str) -> Any:
            try:
                return cel.evaluate(expression, variables, budget)
            except cel.NotEvaluated:
                return None

        broken, unknown = [], 0
        for rule in rules:
            found = value_of(rule.expression)
            unknown += not isinstance(found, cel.Truth)
            if isinstance(found, cel.Truth) and not found:
                said = value_of(rule.message_expression) if rule.message_expression else None
                broken.append((rule, str(said) if isinstance(said, str) and said else rule.message))
        self._left = budget.left
        return Outcome(tuple(broken), unknown)
