"""Kubernetes' label selectors, with values of any form (applicationset/utils/selector.go)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from previews.engine.errors import RenderFailed
from previews.engine.fields import items, mapping, mappings


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a LabelSelector chooses what has these labels; an empty one chooses all. Raises RenderFailed."""
    if any(labels.get(key) != str(value) for key, value in mapping(selector, "matchLabels").items()):
        return False
    return all(_matches(labels, rule) for rule in mappings(selector, "matchExpressions"))


def _matches(labels: Mapping[str, str], rule: Mapping[str, Any]) -> bool:
    key, values = str(rule.get("key")), [str(value) for value in items(rule, "values")]
    operator = rule.get("operator")
    if operator in ("Exists", "DoesNotExist"):
        return bool((key in labels) == (operator == "Exists"))
    if operator not in ("In", "NotIn"):
        raise RenderFailed("discover", f"selector: operator {operator!r} is not known")
    return bool((key in labels and labels[key] in values) == (operator == "In"))
