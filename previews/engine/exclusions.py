"""Kinds that Argo CD never touches, whatever an application renders. Mirrors util/settings/resources_filter.go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from previews.engine.errors import ConfigError, YamlError
from previews.engine.manifests import Manifest, ResourceId
from previews.engine.render.directory import matches
from previews.engine.yamls import load


@dataclass(frozen=True)
class KindFilter:
    """Kinds of some groups on some clusters; each a list of globs, and an empty list means any."""

    groups: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()

    def matches(self, resource: ResourceId, cluster: str) -> bool:
        """Whether a resource on a cluster is meant."""
        asked = ((self.groups, resource.group), (self.kinds, resource.kind), (self.clusters, cluster))
        return all(not patterns or any(matches(pattern, text) for pattern in patterns) for patterns, text in asked)


_ALWAYS = (
    KindFilter(groups=("events.k8s.io", "metrics.k8s.io")),
    KindFilter(groups=("",), kinds=("Event",)),
    KindFilter(groups=("coordination.k8s.io",), kinds=("Lease",)),
)


@dataclass(frozen=True)
class Exclusions:
    """`resource.exclusions` and `resource.inclusions` of argocd-cm."""

    excluded: tuple[KindFilter, ...] = ()
    included: tuple[KindFilter, ...] = ()

    def excludes(self, resource: ResourceId, cluster: str) -> bool:
        """Whether Argo CD leaves a resource alone."""
        if any(rule.matches(resource, cluster) for rule in (*_ALWAYS, *self.excluded)):
            return True
        return bool(self.included) and not any(rule.matches(resource, cluster) for rule in self.included)


def exclusions(argocd: Mapping[str, str]) -> Exclusions:
    """Reads argocd-cm's data. Raises ConfigError."""
    return Exclusions(_filters(argocd, "resource.exclusions"), _filters(argocd, "resource.inclusions"))


def _filters(argocd: Mapping[str, str], key: str) -> tuple[KindFilter, ...]:
    try:
        listed = load(argocd.get(key, ""))
    except YamlError as error:
        raise ConfigError(f"is no YAML: {error}", f"argocd.{key}") from None
    if listed is None:
        return ()
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise ConfigError("must be a list of mappings", f"argocd.{key}")
    return tuple(
        KindFilter(_texts(item, "apiGroups"), _texts(item, "kinds"), _texts(item, "clusters")) for item in listed
    )


def _texts(item: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = item.get(key)
    return tuple(str(text) for text in value) if isinstance(value, list) else ()


def without_excluded(manifest: Manifest, rules: Exclusions, cluster: str) -> Manifest:
    """A manifest without what Argo CD leaves alone; a warning says what that was."""
    left_out = [item.id for item in manifest.resources if rules.excludes(item.id, cluster)]
    if not left_out:
        return manifest
    counted = Counter(identity.kind for identity in left_out)
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(counted.items()))
    gone = set(left_out)
    return replace(
        manifest,
        resources=tuple(item for item in manifest.resources if item.id not in gone),
        warnings=(*manifest.warnings, f"left out, since Argo CD is told to leave such kinds alone: {kinds}"),
    )
