"""Fields that hold a number or a percentage (`maxUnavailable: 25%`).

Mirrors k8s.io/apimachinery pkg/util/intstr and ValidatePositiveIntOrPercent of pkg/apis/apps/validation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from previews.engine.predict.fields import is_unstable, number
from previews.engine.predict.findings import told

_PERCENT = re.compile(r"[0-9]{1,18}%")


@dataclass(frozen=True, slots=True)
class Amount:
    """So many, or so many of a hundred."""

    value: int
    is_percent: bool = False

    def __str__(self) -> str:
        return f"{self.value}%" if self.is_percent else str(self.value)

    def of(self, total: int) -> int:
        """How many that is of a total; parts of a percentage round up, as for PodDisruptionBudgets."""
        return -(-self.value * total // 100) if self.is_percent else self.value


def amount(value: Any, default: Amount | None = None) -> Amount | None:
    """What a field says, `default` where it is absent, None for what is no valid amount."""
    if value is None:
        return default
    count = number(value)
    if count is not None:
        return Amount(count) if count >= 0 else None
    if isinstance(value, str) and _PERCENT.fullmatch(value):
        return Amount(int(value[:-1]), is_percent=True)
    return None


def objection(value: Any, at_most_all: bool = True) -> str:
    """Why the API server rejects this value as an amount, "" where it does not.

    `at_most_all`: whether more than 100% is too much.
    """
    count = number(value)
    if count is not None:
        return f"is {count}, and must be at least 0" if count < 0 else ""
    if not isinstance(value, str) or is_unstable(value):
        return ""
    found = amount(value)
    if found is None:
        return f'is the text "{told(value)}", and must be a whole number without quotes or a percentage such as 25%'
    return f"is {found}, and at most 100% is allowed" if at_most_all and found.value > 100 else ""
