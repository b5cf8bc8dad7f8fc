"""What holds for all cells of a preview: kinds that are left alone, differences that are hidden, marks that are added.

From the fleet's configuration and from argocd-cm (util/settings/settings.go of Argo CD).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from previews.engine.config import FleetConfig, Ignore
from previews.engine.errors import ConfigError, YamlError
from previews.engine.exclusions import Exclusions, exclusions
from previews.engine.ignoring import FindPaths, no_paths
from previews.engine.scope import GroupKind
from previews.engine.tracking import Tracking
from previews.engine.yamls import load

_CUSTOMIZATIONS = "resource.customizations"
_IGNORE = f"{_CUSTOMIZATIONS}.ignoreDifferences."


@dataclass(frozen=True)
class Rules:
    """Kinds that Argo CD leaves alone, kinds without a namespace besides the built-in ones, and how to compare.

    `ignore` are the rules for every Application, after its own ones. `find_paths` is jq. With `show_ignored` no rule
    hides anything. `tracking` None adds no marks.
    """

    ignore: tuple[Ignore, ...] = ()
    exclusions: Exclusions = field(default_factory=Exclusions)
    cluster_scoped: frozenset[GroupKind] = frozenset()
    ignores_aggregated_roles: bool = False
    tracking: Tracking | None = None
    find_paths: FindPaths = no_paths
    show_ignored: bool = False


def make_rules(
    config: FleetConfig, cluster_scoped: Iterable[GroupKind] = (), find_paths: FindPaths = no_paths
) -> Rules:
    """The rules of a configuration. Raises ConfigError for what argocd-cm says and nobody can read."""
    options = _mapping(config.argocd, "resource.compareoptions")
    return Rules(
        ignore=(*config.ignore, *_customizations(config.argocd), *_always_ignored(options)),
        exclusions=exclusions(config.argocd),
        cluster_scoped=frozenset(cluster_scoped),
        ignores_aggregated_roles=options.get("ignoreAggregatedRoles") is True,
        tracking=make_tracking(config),
        find_paths=find_paths,
    )


def make_tracking(config: FleetConfig) -> Tracking | None:
    """The marks that a configuration asks for; their names are argocd-cm's."""
    if not config.tracking:
        return None
    label = config.argocd.get("application.instanceLabelKey") or Tracking.label
    return Tracking(config.tracking, label, config.argocd.get("installationID", ""))


def _always_ignored(options: Mapping[str, Any]) -> list[Ignore]:
    """Fields that belong to the cluster; `ignoreResourceStatusField` says whose status does."""
    rules = [Ignore("", "", ("/metadata/creationTimestamp",))]
    where = options.get("ignoreResourceStatusField") or "all"
    if where == "all":
        rules.append(Ignore("", "", ("/status",)))
    elif where not in ("off", "none", "false"):
        rules.append(Ignore("CustomResourceDefinition", "", ("/status",), "apiextensions.k8s.io"))
    return rules


def _customizations(argocd: Mapping[str, str]) -> list[Ignore]:
    """Rules of the one old key for all kinds, then of the keys for each."""
    rules = []
    for kind, entry in _mapping(argocd, _CUSTOMIZATIONS).items():
        ignore = entry.get("ignoreDifferences") if isinstance(entry, dict) else None
        if ignore:
            group, _, name = str(kind).rpartition("/")
            rules.append(_rule(group, name, _mapping({kind: ignore}, kind) if isinstance(ignore, str) else ignore))
    for key in sorted(argocd):
        if key.startswith(_IGNORE):
            group, _, name = key.removeprefix(_IGNORE).rpartition("_")
            chosen = ("*", "*") if (group, name) == ("", "all") else (group, name)
            rules.append(_rule(*chosen, _mapping(argocd, key)))
    return rules


def _rule(group: str, kind: str, ignore: Any) -> Ignore:
    found = ignore if isinstance(ignore, dict) else {}
    paths, jq, managers = (found.get(key) for key in ("jsonPointers", "jqPathExpressions", "managedFieldsManagers"))
    return Ignore(kind, "", _texts(paths), group, jq=_texts(jq), managers=_texts(managers))


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def _mapping(argocd: Mapping[str, str], key: str) -> Mapping[str, Any]:
    try:
        value = load(argocd.get(key, ""))
    except YamlError as error:
        raise ConfigError(f"is no YAML: {error}", f"argocd.{key}") from None
    if value is not None and not isinstance(value, dict):
        raise ConfigError("must be a mapping", f"argocd.{key}")
    return value or {}
