"""What two objects must agree in to be the same to Argo CD (gitops-engine pkg/diff/diff.go Normalize).

What rules hide is in previews.engine.ignoring.
"""

from __future__ import annotations

from typing import Any

from previews.engine.manifests import ResourceId
from previews.engine.masking import encoded

_RBAC = "rbac.authorization.k8s.io"


def normalise(value: Any, resource: ResourceId, ignore_aggregated_roles: bool = False) -> Any:
    """A parsed object as it is compared.

    The values of a Secret in one form; an empty list of a role's rules as null, and where asked those of an aggregated
    role too.
    """
    if not isinstance(value, dict):
        return value
    if (resource.group, resource.kind) == ("", "Secret"):
        return encoded(value)
    if resource.group != _RBAC or resource.kind not in ("Role", "ClusterRole"):
        return value
    is_aggregated = ignore_aggregated_roles and isinstance(value.get("aggregationRule"), dict)
    return {**value, "rules": None} if is_aggregated or value.get("rules") == [] else value
