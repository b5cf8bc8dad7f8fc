"""What of an object counts: Go knows no difference between an absent field and its zero, or between 1 and 1000m.

Mirrors the decoding into the Go types of k8s.io/api: null is absent, an empty list or string map is absent, and so is
the zero of a field that is no pointer. An empty mapping of a pointer (`securityContext: {}`) is something, and stays.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from previews.engine.predict.quantities import quantity

# Mappings from text to text: their keys are the user's own.
_TEXTS = frozenset(
    "labels annotations data binaryData stringData nodeSelector matchLabels parameters volumeAttributes options".split()
)
_QUANTITIES = frozenset("limits requests capacity hard overhead default defaultRequest maxLimitRequestRatio".split())
_QUANTITY_FIELDS = frozenset({"sizeLimit", "divisor", "averageValue"})
# Structs that are no pointers: an empty one is as good as none.
_STRUCTS = frozenset("metadata status resources strategy updateStrategy".split())
# Fields that are no pointers, wherever they stand: false, 0 and "" are as good as none.
_ZEROS = frozenset(
    "hostNetwork hostPID hostIPC stdin stdinOnce tty readOnly paused publishNotReadyAddresses "
    "minReadySeconds initialDelaySeconds timeoutSeconds periodSeconds successThreshold failureThreshold hostPort "
    "hostIP nodePort healthCheckNodePort subPath subPathExpr value path scheme protocol imagePullPolicy pullPolicy "
    "terminationMessagePath terminationMessagePolicy dnsPolicy restartPolicy schedulerName nodeName hostname subdomain "
    "priorityClassName serviceAccountName serviceAccount workingDir medium type sessionAffinity externalTrafficPolicy "
    "clusterIP loadBalancerIP externalName podManagementPolicy serviceName concurrencyPolicy volumeName divisor "
    "fsType key effect operator".split()
)


def given(value: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of an object with what counts alone, its quantities in one form. The copy shares nothing with it."""
    found: dict[str, Any] = {}
    for key, below in value.items():
        kept = _given(key, below)
        if kept is not None and not (key in _ZEROS and not isinstance(kept, dict) and kept in (False, 0, "", "0")):
            found[key] = kept
    return found


def _given(key: str, value: Any) -> Any:
    """What a field holds, None where that is as good as nothing."""
    if isinstance(value, dict):
        is_text = key in _TEXTS or (
            key == "selector" and not any(isinstance(one, dict | list) for one in value.values())
        )
        if key in _QUANTITIES:
            kept = {name: one_form(one) for name, one in value.items()}
        else:
            kept = dict(value) if is_text else given(value)
        return kept if kept or not (is_text or key in _QUANTITIES or key in _STRUCTS) else None
    if isinstance(value, list):
        return [_item(one) for one in value] or None
    return one_form(value) if key in _QUANTITY_FIELDS else value


def _item(value: Any) -> Any:
    if isinstance(value, dict):
        return given(value)
    return [_item(one) for one in value] if isinstance(value, list) else value


def one_form(value: Any) -> Any:
    """The one form of a quantity: a number, or thousandths as `1500m`, rounded up. What is none stays as it is."""
    number = quantity(value)
    if number is None:
        return value
    thousandths = math.ceil(abs(number) * 1000) * (-1 if number < 0 else 1)
    return f"{thousandths}m" if thousandths % 1000 else str(thousandths // 1000)
