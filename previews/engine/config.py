"""The fleet configuration, `astrolabe.yaml`: what Astrolabe cannot find out by itself.

Every key stands once in `_SHAPE`; from it come the checks and the JSON Schema that the docs publish.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from fnmatch import fnmatchcase
from typing import Any

from previews.engine.errors import ConfigError, YamlError
from previews.engine.manifests import ResourceId
from previews.engine.predict.acceptance import Acceptance
from previews.engine.yamls import canonical, load_with_lines

FILE_NAME = "astrolabe.yaml"
#: How Argo CD marks what it made (`application.resourceTrackingMethod`).
METHODS = ("annotation", "label", "annotation+label")
SECRET_VALUES = (r"(?i)(password|passwd|token|secret|private.?key)$",)


@dataclass(frozen=True)
class Cluster:
    """A column: its name, and the profile that charts see."""

    name: str
    servers: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    project: str = ""
    kubernetes_version: str = ""
    api_versions: tuple[str, ...] = ()
    helm_version: str = ""
    group: str = ""
    nodes: int | None = None
    node_ports: tuple[int, int] | None = None


@dataclass(frozen=True)
class DiscoverFiles:
    """Files that hold Applications; `{cluster}` in the pattern names the cluster."""

    pattern: str


@dataclass(frozen=True)
class DiscoverRoot:
    """An "app of apps": for each file that matches `each`, an application of this name, namespace and source."""

    each: str
    name: str
    namespace: str
    source: Mapping[str, Any]


@dataclass(frozen=True)
class Ignore:
    """Differences that are hidden, and counted: fields of the resources that the other fields choose.

    `paths` are JSON pointers, `jq` expressions, `managers` names of field managers, which only a cluster knows. `group`
    and `kind` are globs; an empty field chooses any.
    """

    kind: str
    name: str
    paths: tuple[str, ...] = ()
    group: str = "*"
    namespace: str = ""
    jq: tuple[str, ...] = ()
    managers: tuple[str, ...] = ()

    def covers(self, resource: ResourceId) -> bool:
        """Whether the rule is for a resource (util/argo/normalizers/diff_normalizer.go)."""
        return (
            fnmatchcase(resource.kind, self.kind or "*")
            and fnmatchcase(resource.group, self.group)
            and self.name in ("", resource.name)
            and self.namespace in ("", resource.namespace)
        )


@dataclass(frozen=True)
class FleetConfig:
    """`astrolabe.yaml`, checked. `digest` is the canonical text: equal digests mean the same configuration.

    `argocd` is the `data` of Argo CD's argocd-cm (see engine.argocd for whose word counts). `before` is the base's own
    file where both sides have one: the clusters' profiles of then.
    `accept`, `capacity_floor` and `startup_seconds` are for the prediction (previews.engine.predict).
    """

    addresses: tuple[str, ...] = ()
    tracks: tuple[str, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    discover: tuple[DiscoverFiles | DiscoverRoot, ...] = ()
    exclude: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    generators: Mapping[str, Any] = field(default_factory=dict)
    kubernetes_version: str = ""
    helm_version: str = ""
    skip_tests: bool = False
    ignore: tuple[Ignore, ...] = ()
    tracking: str = ""
    secret_values: tuple[str, ...] = SECRET_VALUES
    argocd: Mapping[str, str] = field(default_factory=dict)
    accept: tuple[Acceptance, ...] = ()
    capacity_floor: float = 0.75
    startup_seconds: Mapping[str, float] = field(default_factory=dict)
    digest: str = "{}"
    before: FleetConfig | None = None

    def with_word_of(self, before: FleetConfig | None) -> FleetConfig:
        """The head's configuration, where only the base's word counts for what is accepted: no change judges itself."""
        trusted = before or FleetConfig()
        return replace(self, before=before, accept=trusted.accept, capacity_floor=trusted.capacity_floor)

    def at_base(self) -> FleetConfig:
        """The configuration for the base side: the same but for the clusters' profiles, so that their change shows."""
        if self.before is None:
            return self
        profiles = {cluster.name: cluster for cluster in self.before.clusters}
        return replace(
            self,
            kubernetes_version=self.before.kubernetes_version,
            helm_version=self.before.helm_version,
            clusters=tuple(_with_profile(cluster, profiles.get(cluster.name, cluster)) for cluster in self.clusters),
        )


def _with_profile(cluster: Cluster, profile: Cluster) -> Cluster:
    return replace(
        cluster,
        kubernetes_version=profile.kubernetes_version,
        api_versions=profile.api_versions,
        helm_version=profile.helm_version,
    )


class _Map(dict[str, Any]):
    """A shape: a mapping with these keys; those in `required` must be there."""

    def __init__(self, required: tuple[str, ...] = (), /, **keys: Any) -> None:
        super().__init__(keys)
        self.required = required


# A list of one shape is a list of such items; `dict` and `object` are left to whoever reads them.
_SHAPE = _Map(
    ("version",),
    version=int,
    addresses=[str],
    tracks=[str],
    clusters=[
        _Map(
            ("name",),
            name=str,
            servers=[str],
            names=[str],
            labels=dict,
            annotations=dict,
            project=str,
            kubernetesVersion=str,
            apiVersions=[str],
            helmVersion=str,
            group=str,
            nodes=int,
            nodePorts=str,
        )
    ],
    discover=[
        _Map(
            files=str,
            root=_Map(
                ("each", "path"),
                each=str,
                name=str,
                namespace=str,
                path=str,
                helm=dict,
                kustomize=dict,
                directory=dict,
            ),
        )
    ],
    exclude=[str],
    names=[str],
    generators=dict,
    kubernetesVersion=str,
    helm=_Map(skipTests=bool, version=str),
    accept=[
        _Map(
            ("rule", "reason"),
            rule=str,
            reason=str,
            kind=str,
            namespace=str,
            name=str,
            cluster=str,
            application=str,
            until=str,
        )
    ],
    prediction=_Map(capacityFloor=int, startupSeconds=dict),
    ignore=[_Map(kind=str, name=str, paths=[str], jq=[str])],
    tracking=str,
    secretValues=[str],
    argocd=dict,
)
#: Keys that change no fleet.
_OF_PREDICTION = ("accept", "prediction")
_TYPE_NAMES = {str: "a text", int: "a whole number", bool: "true or false", dict: "a mapping"}
_JSON_TYPES = {str: "string", int: "integer", bool: "boolean", dict: "object"}


def parse_config(text: str) -> FleetConfig:
    """Reads `astrolabe.yaml`. Raises ConfigError naming the key and line of what is wrong."""
    try:
        value, lines = load_with_lines(text)
    except YamlError as error:
        raise ConfigError(f"is no YAML: {error}") from None
    if value is None:
        return FleetConfig()
    _check(value, _SHAPE, "", None, lines)
    if value["version"] != 1:
        raise ConfigError(f"version {value['version']} is not known; this Astrolabe reads version 1", "version")
    _check_patterns(value)
    return _build(value)


def _check(value: Any, shape: Any, key: str, line: int | None, lines: dict[tuple[int, str | int], int]) -> None:
    if isinstance(shape, list):
        if not isinstance(value, list):
            raise ConfigError("must be a list", key, line)
        for index, item in enumerate(value):
            _check(item, shape[0], f"{key}[{index}]", lines.get((id(value), index), line), lines)
        return
    wanted = dict if isinstance(shape, _Map) else shape
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        hint = ' (put it in quotes: "…")' if wanted is str and not isinstance(value, (dict, list)) else ""
        raise ConfigError(f"must be {_TYPE_NAMES[wanted]}{hint}", key, line)
    if not isinstance(shape, _Map):
        return
    for name, item in value.items():
        where = f"{key}.{name}" if key else name
        if name not in shape:
            known = ", ".join(sorted(shape))
            raise ConfigError(
                f"is not a key that Astrolabe knows here; known are {known}", where, lines[id(value), name]
            )
        _check(item, shape[name], where, lines[id(value), name], lines)
    for name in shape.required:
        if name not in value:
            raise ConfigError(f"{name!r} is missing", key, line)


def _check_patterns(value: Mapping[str, Any]) -> None:
    for index, entry in enumerate(value.get("discover", [])):
        if len(entry) != 1:
            raise ConfigError("must be either `files` or `root`", f"discover[{index}]")
    for index, rule in enumerate(value.get("ignore", [])):
        if not (rule.get("paths") or rule.get("jq")):
            raise ConfigError("must have `paths` or `jq`", f"ignore[{index}]")
    for index, one in enumerate(value.get("accept", [])):
        _day(one.get("until", ""), f"accept[{index}].until")
    for index, cluster in enumerate(value.get("clusters", [])):
        _node_ports(cluster.get("nodePorts", ""), f"clusters[{index}].nodePorts")
    _check_prediction(value.get("prediction", {}))
    if value.get("tracking", METHODS[0]) not in METHODS:
        raise ConfigError(f"must be one of {', '.join(METHODS)}", "tracking")
    for index, pattern in enumerate(value.get("secretValues", [])):
        try:
            re.compile(pattern)
        except re.error as error:
            raise ConfigError(f"is no regular expression: {error}", f"secretValues[{index}]") from None


def _check_prediction(value: Mapping[str, Any]) -> None:
    if not 0 <= value.get("capacityFloor", 75) <= 100:
        raise ConfigError("must be a percentage from 0 to 100", "prediction.capacityFloor")
    for name, seconds in value.get("startupSeconds", {}).items():
        if not isinstance(seconds, int | float) or isinstance(seconds, bool) or seconds < 0:
            raise ConfigError("must be a number of seconds", f"prediction.startupSeconds.{name}")


def _day(text: str, key: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise ConfigError('must be a day such as "2027-01-31"', key) from None


def _node_ports(text: str, key: str) -> tuple[int, int] | None:
    found = re.fullmatch(r"(\d{1,5})-(\d{1,5})", text)
    if not text:
        return None
    if not found or not 0 < int(found[1]) <= int(found[2]) <= 65535:
        raise ConfigError('must be a range of ports such as "30000-32767"', key)
    return int(found[1]), int(found[2])


def _acceptance(item: Mapping[str, Any]) -> Acceptance:
    patterns = {name: item[name] for name in ("kind", "namespace", "name", "cluster", "application") if item.get(name)}
    return Acceptance(item["rule"], item["reason"], **patterns, until=_day(item.get("until", ""), "accept.until"))


def _build(value: Mapping[str, Any]) -> FleetConfig:
    return FleetConfig(
        addresses=tuple(value.get("addresses", ())),
        tracks=tuple(value.get("tracks", ())),
        clusters=tuple(_cluster(item) for item in value.get("clusters", ())),
        discover=tuple(_discover(item) for item in value.get("discover", ())),
        exclude=tuple(value.get("exclude", ())),
        names=tuple(value.get("names", ())),
        generators=value.get("generators", {}),
        kubernetes_version=value.get("kubernetesVersion", ""),
        helm_version=value.get("helm", {}).get("version", ""),
        skip_tests=value.get("helm", {}).get("skipTests", False),
        ignore=tuple(
            Ignore(
                item.get("kind", ""), item.get("name", ""), tuple(item.get("paths", ())), jq=tuple(item.get("jq", ()))
            )
            for item in value.get("ignore", ())
        ),
        tracking=value.get("tracking", ""),
        secret_values=tuple(value.get("secretValues", SECRET_VALUES)),
        argocd={
            key: text if isinstance(text, str) else canonical(text) for key, text in value.get("argocd", {}).items()
        },
        accept=tuple(_acceptance(item) for item in value.get("accept", ())),
        capacity_floor=value.get("prediction", {}).get("capacityFloor", 75) / 100,
        startup_seconds={
            name: float(seconds) for name, seconds in value.get("prediction", {}).get("startupSeconds", {}).items()
        },
        digest=canonical({key: item for key, item in value.items() if key not in _OF_PREDICTION}),
    )


def _cluster(item: Mapping[str, Any]) -> Cluster:
    return Cluster(
        name=item["name"],
        servers=tuple(server.rstrip("/") for server in item.get("servers", ())),
        names=tuple(item.get("names", ())),
        labels={key: str(label) for key, label in item.get("labels", {}).items()},
        annotations={key: str(text) for key, text in item.get("annotations", {}).items()},
        project=item.get("project", ""),
        kubernetes_version=item.get("kubernetesVersion", ""),
        api_versions=tuple(item.get("apiVersions", ())),
        helm_version=item.get("helmVersion", ""),
        group=item.get("group", ""),
        nodes=item.get("nodes"),
        node_ports=_node_ports(item.get("nodePorts", ""), "nodePorts"),
    )


def _discover(item: Mapping[str, Any]) -> DiscoverFiles | DiscoverRoot:
    if "files" in item:
        return DiscoverFiles(item["files"])
    root = item["root"]
    source = {key: root[key] for key in ("path", "helm", "kustomize", "directory") if key in root}
    return DiscoverRoot(root["each"], root.get("name", "root"), root.get("namespace", "argocd"), source)


def json_schema(shape: Any = None) -> dict[str, Any]:
    """The JSON Schema of `astrolabe.yaml`, from the same table that checks it."""
    shape = _SHAPE if shape is None else shape
    if isinstance(shape, list):
        return {"type": "array", "items": json_schema(shape[0])}
    if not isinstance(shape, _Map):
        return {"type": _JSON_TYPES[shape]}
    properties = {name: json_schema(item) for name, item in shape.items()}
    schema = {"type": "object", "additionalProperties": False, "properties": properties}
    return schema | ({"required": list(shape.required)} if shape.required else {})
