"""Argo CD's Application, parsed once at the edge: template (sources), values and target. Flux's objects become one too.

Mirrors pkg/apis/application/v1alpha1/types.go of Argo CD, for the fields that affect rendering.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import UnionType
from typing import Any

from previews.engine.config import Ignore
from previews.engine.errors import RenderFailed, YamlError
from previews.engine.fields import mapping
from previews.engine.flux.options import FluxOptions
from previews.engine.yamls import canonical, dump, load

API_GROUP = "argoproj.io"
_FINALIZER = "resources-finalizer.argocd.argoproj.io"
#: What of `helm` is the value row's; the rest of the Application is the target.
_VALUE_FIELDS = frozenset({"values", "valuesObject", "parameters", "fileParameters", "valueFiles"})


@dataclass(frozen=True, slots=True)
class Parameter:
    """One `--set` (or `--set-string`) of a Helm source."""

    name: str
    value: str
    force_string: bool = False


@dataclass(frozen=True)
class HelmOptions:
    """`source.helm`. `values` is the inline value set, from `valuesObject` or else `values`; None when neither is."""

    release_name: str = ""
    namespace: str = ""
    value_files: tuple[str, ...] = ()
    values: Mapping[str, Any] | None = None
    parameters: tuple[Parameter, ...] = ()
    file_parameters: tuple[tuple[str, str], ...] = ()
    ignore_missing_value_files: bool = False
    skip_crds: bool = False
    skip_tests: bool = False
    skip_schema_validation: bool = False
    kube_version: str = ""
    api_versions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """One source of an Application. `helm` and the like are None when the Application does not name that tool.

    `raw` is the source as it was written, `resolved` the version that a chart's `revision` came to once it was found.
    """

    repository: str
    revision: str = ""
    path: str = ""
    chart: str = ""
    ref: str = ""
    helm: HelmOptions | None = None
    kustomize: Mapping[str, Any] | None = None
    directory: Mapping[str, Any] | None = None
    plugin: Mapping[str, Any] | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)
    resolved: str = ""


@dataclass(frozen=True)
class Profile:
    """What a chart sees of its cluster, and the Helm that renders it. Empty versions mean the renderer's own."""

    kubernetes_version: str = ""
    api_versions: tuple[str, ...] = ()
    helm_version: str = ""


@dataclass(frozen=True)
class Application:
    """An Application object. `digest` is its canonical spec; `target` the YAML of all that is no value of it.

    `cascades`: what it made is deleted with it, since it has the resources-finalizer (or is Flux's).
    `problem` says what of its sources cannot be read; it then has none.
    A Kustomization or HelmRelease is one with `flux` (previews.engine.flux.definitions).
    """

    name: str
    namespace: str
    project: str
    server: str
    destination: str
    destination_namespace: str
    sources: tuple[Source, ...]
    annotations: Mapping[str, str] = field(default_factory=dict)
    multi_source: bool = False
    digest: str = ""
    target: str = ""
    ignore: tuple[Ignore, ...] = ()
    cascades: bool = True
    problem: str = ""
    flux: FluxOptions | None = None

    @property
    def kind(self) -> str:
        """Application, Kustomization or HelmRelease."""
        return self.flux.kind if self.flux else "Application"

    @property
    def instance_name(self) -> str:
        """The name alone in Argo CD's own namespace, taken to be `argocd`; else `<namespace>_<name>` (InstanceName)."""
        return self.name if self.namespace in ("", "argocd") else f"{self.namespace}_{self.name}"


@dataclass(frozen=True)
class Instance:
    """One Application on one cluster: a cell's place. `origin` is the file or the chain of apps that led to it.

    `is_new` tells that it is not there at base, so that Flux will install a release and not upgrade it.
    """

    cluster: str
    application: str
    definition: Application
    profile: Profile
    origin: tuple[str, ...]
    is_root: bool = False
    is_new: bool = False

    @property
    def path(self) -> str:
        """The path (or chart) of its first source that renders something, for people."""
        return next((source.path or source.chart for source in self.definition.sources if not source.ref), "")


def is_application(document: Any) -> bool:
    """Whether a parsed YAML document is an Argo CD Application."""
    return (
        isinstance(document, dict)
        and document.get("kind") == "Application"
        and str(document.get("apiVersion", "")).startswith(f"{API_GROUP}/")
    )


def parse_application(document: Mapping[str, Any]) -> Application:
    """Reads an Application object. Raises RenderFailed (stage discover) when it is malformed."""
    metadata, spec = mapping(document, "metadata"), mapping(document, "spec")
    destination = mapping(spec, "destination")
    name = metadata.get("name")
    if not isinstance(name, str) or not name:
        raise RenderFailed("discover", "an Application has no metadata.name")
    hydrator = mapping(spec, "sourceHydrator")
    listed = [item for item in spec.get("sources") or [] if isinstance(item, dict)]
    # T GetSources: the hydrator's dry source first, else a non-empty `sources`, else `source`.
    raw: list[Mapping[str, Any]] = [mapping(hydrator, "drySource")] if hydrator else [*listed]
    raw = raw or [mapping(spec, "source")]
    sources, problem = _parse_sources(raw)
    return Application(
        name=name,
        namespace=_text(metadata, "namespace"),
        project=_text(spec, "project"),
        server=_text(destination, "server").rstrip("/"),
        destination=_text(destination, "name"),
        destination_namespace=_text(destination, "namespace"),
        sources=sources,
        annotations={str(key): str(value) for key, value in mapping(metadata, "annotations").items()},
        multi_source=bool(listed) and not hydrator,
        digest=canonical(spec),
        target=_target(metadata, spec),
        ignore=_parse_ignore(spec),
        cascades=any(name.startswith(_FINALIZER) for name in _texts(metadata, "finalizers")),
        problem=problem,
    )


def _parse_sources(raw: list[Mapping[str, Any]]) -> tuple[tuple[Source, ...], str]:
    """The sources, or none and why: a broken one must not make the Application look removed."""
    try:
        return tuple(parse_source(item) for item in raw), ""
    except RenderFailed as error:
        return (), str(error)


def _parse_ignore(spec: Mapping[str, Any]) -> tuple[Ignore, ...]:
    rules = spec.get("ignoreDifferences")
    return tuple(
        Ignore(
            kind=_text(rule, "kind"),
            name=_text(rule, "name"),
            paths=_texts(rule, "jsonPointers"),
            group=_text(rule, "group"),
            namespace=_text(rule, "namespace"),
            jq=_texts(rule, "jqPathExpressions"),
            managers=_texts(rule, "managedFieldsManagers"),
        )
        for rule in (rules if isinstance(rules, list) else ())
        if isinstance(rule, dict)
    )


def parse_source(raw: Mapping[str, Any], normalise: bool = True) -> Source:
    """Reads one source. With `normalise`, empty blocks count as absent (util/argo/argo.go NormalizeSource)."""
    helm, kustomize, directory = (mapping(raw, key) for key in ("helm", "kustomize", "directory"))

    def is_named(key: str, block: Mapping[str, Any]) -> bool:
        return any(block.values()) if normalise else raw.get(key) is not None

    return Source(
        repository=_text(raw, "repoURL"),
        revision=_text(raw, "targetRevision"),
        path=_text(raw, "path"),
        chart=_text(raw, "chart"),
        ref=_text(raw, "ref"),
        helm=_parse_helm(helm) if is_named("helm", helm) else None,
        kustomize=kustomize if is_named("kustomize", kustomize) else None,
        directory=directory if is_named("directory", directory) else None,
        plugin=mapping(raw, "plugin") if "plugin" in raw else None,
        raw=raw,
    )


def _parse_helm(raw: Mapping[str, Any]) -> HelmOptions:
    return HelmOptions(
        release_name=_text(raw, "releaseName"),
        namespace=_text(raw, "namespace"),
        value_files=tuple(str(item) for item in _list(raw, "valueFiles")),
        values=_inline_values(raw),
        parameters=tuple(
            Parameter(_text(item, "name"), _text(item, "value"), bool(item.get("forceString")))
            for item in _list(raw, "parameters", dict)
        ),
        file_parameters=tuple(
            (_text(item, "name"), _text(item, "path")) for item in _list(raw, "fileParameters", dict)
        ),
        ignore_missing_value_files=bool(raw.get("ignoreMissingValueFiles")),
        skip_crds=bool(raw.get("skipCrds")),
        skip_tests=bool(raw.get("skipTests")),
        skip_schema_validation=bool(raw.get("skipSchemaValidation")),
        kube_version=_text(raw, "kubeVersion"),
        api_versions=tuple(str(item) for item in _list(raw, "apiVersions")),
    )


def _inline_values(raw: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """`valuesObject`, even an empty one, beats `values` (values.go ValuesYAML)."""
    if raw.get("valuesObject") is not None:
        return mapping(raw, "valuesObject")
    text = _text(raw, "values")
    if not text.strip():
        return None
    try:
        values = load(text)
    except YamlError as error:
        raise RenderFailed("parse", f"helm.values: {error}") from None
    if values is not None and not isinstance(values, dict):
        raise RenderFailed("resolve", "helm.values is no YAML mapping")
    return values or {}


def _target(metadata: Mapping[str, Any], spec: Mapping[str, Any]) -> str:
    """The Application without its values, as YAML: what the page shows above the value row."""
    kept = {
        key: metadata[key] for key in ("name", "namespace", "labels", "annotations", "finalizers") if key in metadata
    }
    bare = dict(spec)
    if isinstance(spec.get("source"), dict):
        bare["source"] = _without_values(spec["source"])
    if isinstance(spec.get("sources"), list):
        bare["sources"] = [_without_values(item) for item in spec["sources"] if isinstance(item, dict)]
    return dump({"metadata": kept, "spec": bare})


def _without_values(source: Mapping[str, Any]) -> dict[str, Any]:
    bare = {key: value for key, value in source.items() if key not in ("kustomize", "directory", "helm")}
    helm = source.get("helm")
    kept = {key: value for key, value in helm.items() if key not in _VALUE_FIELDS} if isinstance(helm, dict) else {}
    return bare | ({"helm": kept} if kept else {})


def _list(raw: Mapping[str, Any], key: str, kind: type | UnionType = str | int | float) -> list[Any]:
    value = raw.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, kind) for item in value):
        raise RenderFailed("discover", f"{key} is no list of {'mappings' if kind is dict else 'texts'}")
    return value


def _texts(raw: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = raw.get(key)
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def _text(raw: Any, key: str) -> str:
    value = raw.get(key) if isinstance(raw, dict) else None
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
