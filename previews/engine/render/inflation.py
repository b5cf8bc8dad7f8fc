"""Helm charts inside of kustomizations: found and prepared here, rendered by our Helm, written in as resources.

Kustomize would run a `helm` binary that fetches what it lacks; this does the same without binary and network. Mirrors
plugin/builtin/helmchartinflationgenerator and api/types/helmchartargs.go of Kustomize. Only for fleets whose Argo CD
has `--enable-helm` among `kustomize.buildOptions`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from previews.engine.applications import Source
from previews.engine.documents import read_mapping
from previews.engine.errors import NotRendered, RenderFailed
from previews.engine.render.charts import Chart, FindsCharts, assemble
from previews.engine.render.requests import Archive, digest
from previews.engine.render.unstable import Volatility, volatility
from previews.engine.trees import Tree, clean_path
from previews.engine.values import merge
from previews.engine.yamls import canonical, dump, load

#: Keys of a kustomization that this takes out.
KEYS = ("helmCharts", "helmGlobals", "helmChartInflationGenerator")
_FOLDER = ".charts"
# The older helmChartInflationGenerator: what its fields are called now (helmchartargs.go makeHelmChartFromHca).
_OLD = {"chartName": "name", "chartVersion": "version", "chartRepoUrl": "repo", "values": "valuesFile",
        "valuesLocal": "valuesInline", "valuesMerge": "valuesMerge", "releaseName": "releaseName"}  # fmt: skip


class Found(Protocol):
    """A source and the tree that its revision means."""

    @property
    def source(self) -> Source:
        """Where in the tree it lies."""

    @property
    def tree(self) -> Tree:
        """The whole tree."""


@dataclass
class Inflater:
    """Collects the charts of one source's kustomizations.

    `find` gives charts of repositories, `engine` identifies the Helm; `kube_version` and `api_versions` are what charts
    see that do not say otherwise. `unrestricted` lets value files lie outside of their kustomization's folder.
    """

    find: Callable[[Source], Found]
    store: FindsCharts
    engine: str = ""
    kube_version: str = ""
    api_versions: tuple[str, ...] = ()
    unrestricted: bool = False
    files: dict[str, str] = field(default_factory=dict)
    archives: dict[str, Archive] = field(default_factory=dict)
    charts: list[dict[str, Any]] = field(default_factory=list)
    volatility: Volatility = ""

    def take(self, tree: Tree, root: str, path: str, content: Mapping[str, Any]) -> None:
        """Takes the charts of the kustomization file at `path`, whose tree stands at `root` in the checkout.

        Raises NotRendered for a chart that cannot be had, RenderFailed for options that Kustomize refuses.
        """
        for entry in chart_entries(content):
            try:
                self._take(tree, root, path, entry)
            except NotRendered as error:
                raise NotRendered(error.reason, f"chart {entry['name']} of {path}: {error}") from None
            except RenderFailed as error:
                raise RenderFailed(error.stage, f"chart {entry['name']} of {path}: {error}") from None

    def _take(self, tree: Tree, root: str, path: str, entry: Mapping[str, Any]) -> None:
        if entry.get("digest"):
            raise NotRendered("plugin", "charts by digest are not rendered")
        where_tree, where = self._locate(tree, posixpath.dirname(path), entry)
        values = self._values(tree, posixpath.dirname(path), where_tree, where, entry)
        chart = assemble(where_tree, where, self.store, whole="Files" in canonical(values))
        _refuse_missing(chart)
        folder = f"{_FOLDER}/{digest([chart.checkout.id])[:16]}"
        self.files |= {f"{folder}/{name}": blob for name, blob in chart.checkout.files}
        self.archives |= {f"{folder}/{name}": archive for name, archive in chart.checkout.archives}
        found = (self.volatility, chart.volatility, volatility(canonical(values).encode("utf-8", "replace")))
        self.volatility = max(found, key=("", "random", "time").index)
        self.charts.append(
            {
                "kustomization": posixpath.join(root, path),
                "resource": f".astrolabe-chart-{len(self.charts)}.yaml",
                "chart": folder,
                "name": _release_name(entry),
                "namespace": str(entry.get("namespace") or ""),
                "kube_version": str(entry.get("kubeVersion") or self.kube_version),
                "api_versions": [str(item) for item in entry.get("apiVersions") or self.api_versions],
                "include_crds": bool(entry.get("includeCRDs")),
                "skip_tests": bool(entry.get("skipTests")),
                "skip_hooks": bool(entry.get("skipHooks")),
                "values": values,
                "engine": self.engine,
            }
        )

    def _locate(self, tree: Tree, folder: str, entry: Mapping[str, Any]) -> tuple[Tree, str]:
        """The chart's tree and folder: in the chart home where Kustomize keeps it, else of its repository."""
        name, version, repository = (str(entry.get(key) or "") for key in ("name", "version", "repo"))
        home = clean_path(posixpath.join(folder, str(entry.get("chartHome") or "charts")))
        kept = posixpath.join(home, f"{name}-{version}" if version and repository else "", name)
        here = tree.entry(clean_path(kept))
        if here is not None and here.is_tree:
            return tree, clean_path(kept)
        if not repository:
            raise RenderFailed("resolve", f"no repo specified for pull, no chart found at {kept}")
        found = self.find(Source(repository=repository, chart=name, revision=version or "*"))
        return found.tree, clean_path(found.source.path)

    def _values(
        self, tree: Tree, folder: str, chart_tree: Tree, chart: str, entry: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What Helm gets by `--values`: the chart's own or another file with the inline values, then further files."""
        inline, how = entry.get("valuesInline") or {}, entry.get("valuesMerge") or "override"
        if how not in ("merge", "override", "replace"):
            raise RenderFailed("resolve", "valuesMerge must be one of merge, override, replace")
        if not isinstance(inline, dict):
            raise RenderFailed("resolve", "valuesInline is no mapping")
        named = str(entry.get("valuesFile") or "")
        if inline and how == "replace":
            values = dict(inline)
        else:
            values = self._file(tree, folder, named) if named else _read(chart_tree, f"{chart}/values.yaml".lstrip("/"))
            if inline:
                values = overlaid(values, inline) if how == "override" else overlaid(inline, values)
        for name in entry.get("additionalValuesFiles") or ():
            values = merge(values, self._file(tree, folder, str(name)))
        return values

    def _file(self, tree: Tree, folder: str, name: str) -> dict[str, Any]:
        if "://" in name:
            raise NotRendered("dependency", f"value file {name} lies outside the repository")
        path = clean_path(posixpath.join(folder, name))
        if not (self.unrestricted or not folder or path.startswith(f"{folder}/")):
            raise RenderFailed("resolve", f"value file {name} is not in or below {folder} (--load-restrictor)")
        return _read(tree, path)


def chart_entries(content: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The charts that a kustomization names, each with its `chartHome`. Raises RenderFailed for what is none."""
    globals_ = content.get("helmGlobals") or {}
    older = content.get("helmChartInflationGenerator") or []
    charts = content.get("helmCharts") or []
    if not isinstance(globals_, dict) or not all(isinstance(item, list) for item in (older, charts)):
        raise RenderFailed("resolve", "helmGlobals is no mapping, or helmCharts no list")
    entries = [*charts, *({_OLD.get(key, key): item[key] for key in item} for item in older if isinstance(item, dict))]
    home = globals_.get("chartHome") or next((item["chartHome"] for item in entries[::-1] if _has_home(item)), "")
    for item in entries:
        if not isinstance(item, dict) or not isinstance(item.get("name"), str) or not item["name"]:
            raise RenderFailed("resolve", "helmCharts: chart name cannot be empty")
        # Kustomize 5.8 hands its own namespace on, and leaves that of the objects alone afterwards.
        yield {**item, "chartHome": home, "namespace": item.get("namespace") or content.get("namespace")}


def _has_home(item: Any) -> bool:
    return isinstance(item, dict) and bool(item.get("chartHome"))


def _release_name(entry: Mapping[str, Any]) -> str:
    """`helm template --generate-name` calls a release `release-name`."""
    name, template = str(entry.get("releaseName") or ""), str(entry.get("nameTemplate") or "")
    if "{{" in name + template:
        raise RenderFailed("resolve", "nameTemplate holds a template; Astrolabe does not evaluate it")
    if name and template:
        raise RenderFailed("resolve", "cannot set --name-template and also specify a name")
    return name or template or "release-name"


def _refuse_missing(chart: Chart) -> None:
    for item in chart.missing:
        raise NotRendered("dependency", f"its dependency {item.name} {item.version} of {item.repository} is not here")


def _read(tree: Tree, path: str) -> dict[str, Any]:
    value = read_mapping(tree, path, path, "parse")
    if value is None:
        raise RenderFailed("resolve", f"no value file {path}")
    return value


def overlaid(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """kyaml/yaml/merge2 of Kustomize: mappings merge, all else is replaced, and null takes the key away."""
    result = dict(under)
    for key, value in over.items():
        here = result.get(key)
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = overlaid(here if isinstance(here, dict) else {}, value)
        else:
            result[key] = value
    return result


def write_inflated(folder: Path, charts: list[dict[str, Any]], inflate: Callable[[dict[str, Any]], str]) -> None:
    """Puts what the charts render to into a copy of the checkout, in place of the kustomizations' own charts.

    Raises what `inflate` raises.
    """
    for chart in charts:
        text, path = inflate(chart), folder / chart["kustomization"]
        content = load(path.read_text("utf-8", errors="replace"))
        kept = {key: value for key, value in content.items() if key not in KEYS}
        if text:
            (path.parent / chart["resource"]).write_text(text, "utf-8")
            kept["resources"] = [*(kept.get("resources") or ()), chart["resource"]]
        path.write_text(dump(kept))
