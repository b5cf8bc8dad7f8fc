"""Label selectors (apimachinery pkg/apis/meta/v1 LabelSelectorAsSelector)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def selects(selector: Any, labels: Mapping[str, Any]) -> bool:
    """Whether a selector with matchLabels and matchExpressions selects these labels; an empty one selects all."""
    if not isinstance(selector, Mapping):
        return False
    wanted, expressions = selector.get("matchLabels") or {}, selector.get("matchExpressions") or []
    if not isinstance(wanted, Mapping) or not isinstance(expressions, list):
        return False
    return has_all(wanted, labels) and all(_holds(one, labels) for one in expressions)


def has_all(wanted: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    """Whether the labels hold all of the wanted ones."""
    return all(key in labels and labels[key] == value for key, value in wanted.items())


def _holds(expression: Any, labels: Mapping[str, Any]) -> bool:
    if not isinstance(expression, Mapping):
        return False
    key, operator, values = expression.get("key"), expression.get("operator"), expression.get("values")
    values = values if isinstance(values, list) else []
    is_there = isinstance(key, str) and key in labels
    if operator == "In":
        return is_there and labels[str(key)] in values
    if operator == "NotIn":
        return not is_there or labels[str(key)] not in values
    return is_there if operator == "Exists" else operator == "DoesNotExist" and not is_there
