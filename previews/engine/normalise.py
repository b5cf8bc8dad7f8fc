"""What two objects must agree in to be the same to Argo CD (gitops-engine pkg/diff/diff.go Normalize).

Secrets are normalised where they are masked; what rules hide is in previews.engine.ignoring.
"""

from __future__ import annotations

from typing import Any

from previews.engine.manifests import ResourceId

_RBAC = "rbac.authorization.k8s.io"


def normalise(value: Any, resource: ResourceId, ignore_aggregated_roles: bool = False) -> Any:
    """The parsed object with an empty list of a role's rules as null; those of an aggregated role too where asked."""
    if resource.group != _RBAC or resource.kind not in ("Role", "ClusterRole") or not isinstance(value, dict):
        return value
    is_aggregated = ignore_aggregated_roles and isinstance(value.get("aggregationRule"), dict)
    if is_aggregated or value.get("rules") == []:
        return {**value, "rules": None}
    return value
