"""Expressions in the Common Expression Language, as far as cel-python knows it, within limits.

Who writes an expression may be a stranger: each step is counted, and what grows is bounded. Some of Kubernetes'
functions (quantities, addresses, optionals) are not known; an expression that asks for one is not evaluated.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import celpy
import lark
from celpy.evaluation import Activation, Evaluator

from previews.engine.predict.cel_functions import FUNCTIONS

#: What a rule comes to; true and false of the language are none of Python's.
Truth = celpy.celtypes.BoolType
#: Steps for one expression, and what each turn of a loop costs besides its own: about a second.
MAX_STEPS = 10_000
_TURN = 20
#: Characters of an expression, and items or characters of what two are joined to.
MAX_TEXT = 5_000
MAX_JOINED = 100_000

# It tells of every step, and an error by the values it was about.
logging.getLogger("celpy").setLevel(logging.CRITICAL)


class NotEvaluated(Exception):
    """An expression cannot be evaluated here, or not to the end."""


class Budget:
    """The steps that several expressions may take together."""

    def __init__(self, steps: int) -> None:
        """`steps` are left."""
        self.left = steps

    def spend(self, steps: int) -> None:
        """Raises NotEvaluated where so many are not left."""
        self.left -= steps
        if self.left < 0:
            raise NotEvaluated("too many steps")


def evaluate(expression: str, variables: Mapping[str, Any], budget: Budget) -> Any:
    """What an expression comes to. The variables are values of `celpy.celtypes`.

    Raises NotEvaluated on syntax or functions that are not known, errors of the expression itself, and past the limits.
    """
    own = Budget(min(MAX_STEPS, budget.left))
    before = own.left
    try:
        runner = _compiled(expression)
        return _Bounded(runner.ast, runner.new_activation(), own).evaluate(dict(variables))
    except NotEvaluated:
        raise
    except Exception as error:  # whatever a library for a language makes of what anyone may write
        raise NotEvaluated(type(error).__name__) from None
    finally:
        budget.left -= before - max(own.left, 0)


class _Bounded(Evaluator):
    """Counts the steps, those of loops with them, and looks at the size of what is joined."""

    def __init__(self, ast: lark.Tree[Any], activation: Activation, budget: Budget) -> None:
        super().__init__(ast, activation)
        self.budget = budget

    def visit(self, tree: lark.Tree[Any]) -> Any:
        """One step."""
        self.budget.spend(1)
        return super().visit(tree)

    def sub_evaluator(self, ast: lark.Tree[Any]) -> _Bounded:
        """For the body of a loop."""
        return _Bounded(ast, self.activation, self.budget)

    def set_activation(self, values: Mapping[str, Any]) -> Evaluator:
        """A turn of a loop begins, which is the dear part of it."""
        self.budget.spend(_TURN)
        return super().set_activation(dict(values))

    def addition(self, tree: lark.Tree[Any]) -> Any:
        """Sums of numbers, and texts and lists that are joined."""
        found = super().addition(tree)
        if isinstance(found, str | bytes | list) and len(found) > MAX_JOINED:
            raise NotEvaluated("a value grows too large")
        return found


@lru_cache(maxsize=1024)
def _compiled(expression: str) -> Any:
    if len(expression) > MAX_TEXT:
        raise NotEvaluated("too long")
    environment = celpy.Environment()
    return environment.program(environment.compile(expression), functions=dict(FUNCTIONS))
