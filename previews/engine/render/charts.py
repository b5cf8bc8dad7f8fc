"""Charts as Helm wants them on disk: the chart's own files, and its dependencies in `charts/`.

Mirrors what `helm dependency build` puts in place (pkg/downloader/manager.go), without a network: `file://`
dependencies come from the tree, others from vendored archives or the chart store.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from previews.engine.errors import RenderFailed, YamlError
from previews.engine.remote.archives import unpack
from previews.engine.remote.hosts import Unreachable
from previews.engine.render.requests import Archive, Checkout, make_checkout
from previews.engine.render.unstable import Volatility, volatility
from previews.engine.trees import Tree, clean_path
from previews.engine.versions import best, parse_version, satisfies
from previews.engine.yamls import dump, load

_CHART_FILES = frozenset(
    ("Chart.yaml", "Chart.lock", "requirements.yaml", "requirements.lock", "values.yaml", "values.schema.json")
)
_CHART_FOLDERS = ("templates", "crds", "charts")
_ARCHIVE = re.compile(r"(?P<name>.+?)-(?P<version>v?\d+\.\d+\.\d+[^/]*)\.tgz")
_LOCAL = "file://"
#: The files of a chart that may declare dependencies.
DECLARATIONS = ("Chart.yaml", "requirements.yaml")


@dataclass(frozen=True, slots=True)
class Dependency:
    """One entry of `dependencies` in Chart.yaml (or requirements.yaml); `version` is the locked one if there is one."""

    name: str
    version: str
    repository: str
    alias: str
    condition: str
    tags: tuple[str, ...]
    declared: str = ""


@dataclass(frozen=True)
class Chart:
    """A chart ready to be rendered. `missing` are dependencies that are nowhere to be had.

    `values` are its own defaults, `definitions` a hash of its named templates: both reach into dependencies.
    `volatility` tells whether its output may differ each time, `stale` what was vendored at another version.
    """

    checkout: Checkout
    missing: tuple[Dependency, ...]
    values: Mapping[str, Any]
    definitions: str
    volatility: Volatility
    stale: tuple[str, ...] = ()


class FindsCharts(Protocol):
    """Whoever has the archives of charts that are dependencies."""

    def find(self, name: str, version: str, repository: str = "") -> Archive | None:
        """The archive of a chart at an exact version or the best of a range; None when it cannot be had."""


class ChartStore:
    """A folder of chart archives `<name>-<version>.tgz`, looked at before any network."""

    def __init__(self, folder: Path | None) -> None:
        """`folder` None is a store without charts. Raises RenderFailed later when the folder cannot be read."""
        self._versions: dict[str, dict[str, Path]] = {}
        for path in sorted(folder.glob("*.tgz")) if folder else ():
            found = _ARCHIVE.fullmatch(path.name)
            if found:
                self._versions.setdefault(found["name"], {})[found["version"]] = path

    def find(self, name: str, version: str, repository: str = "") -> Archive | None:
        """The archive of a chart at a version, or the highest that a constraint allows; None when there is none.

        `repository` is where the chart belongs to. A folder does not tell repositories apart, so it counts only for
        those who look further (remote.outside).
        """
        versions = self._versions.get(name, {})
        exact = versions.get(version) or versions.get(version.removeprefix("v"))
        chosen = exact or versions.get(best(version, versions) or "")
        return Archive(chosen, file_digest(chosen)) if chosen else None


def file_digest(path: Path) -> str:
    """The SHA-256 of a file in hex; read again only when it was written since. Raises RenderFailed if it is gone."""
    try:
        return _digest(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise RenderFailed("resolve", f"{path} cannot be read: {error.strerror}") from None


@lru_cache(maxsize=4096)
def _digest(path: Path, modified: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def dependencies(tree: Tree, path: str) -> tuple[Dependency, ...]:
    """What a chart declares, with the versions that its lock file pins. Raises RenderFailed on a broken file."""
    metadata = _mapping(tree, posixpath.join(path, "Chart.yaml"))
    listed = metadata.get("dependencies")
    if metadata.get("apiVersion", "v1") == "v1" and listed is None:
        listed = _mapping(tree, posixpath.join(path, "requirements.yaml")).get("dependencies")
    locks = (_mapping(tree, posixpath.join(path, name)) for name in ("Chart.lock", "requirements.lock"))
    lock = next(filter(None, locks), {})
    locked = {item.get("name"): str(item.get("version")) for item in _dicts(lock.get("dependencies"))}
    return tuple(
        Dependency(
            name=str(item.get("name", "")),
            version=locked.get(item.get("name")) or str(item.get("version", "")),
            repository=str(item.get("repository") or ""),
            alias=str(item.get("alias") or ""),
            condition=str(item.get("condition") or ""),
            tags=tuple(str(tag) for tag in item.get("tags") or ()),
            declared=str(item.get("version", "")),
        )
        for item in _dicts(listed)
    )


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _mapping(tree: Tree, path: str) -> Mapping[str, Any]:
    data = tree.read(path)
    return {} if data is None else _read_mapping(path, data)


def _read_mapping(path: str, data: bytes) -> Mapping[str, Any]:
    try:
        value = load(data.decode("utf-8", "replace"))
    except YamlError as error:
        raise RenderFailed("resolve", f"{path}: {error}") from None
    return value if isinstance(value, dict) else {}


def local_path(chart: str, dependency: Dependency) -> str | None:
    """Where in the tree a `file://` dependency lies; None for another repository. Raises RenderFailed outside."""
    if not dependency.repository.startswith(_LOCAL):
        return None
    return clean_path(posixpath.join(chart, dependency.repository.removeprefix(_LOCAL)))


def assemble(tree: Tree, path: str, store: FindsCharts, whole: bool = False) -> Chart:
    """Puts a chart and its dependencies together.

    Files that no template can read are left out, so that they move no render key; `whole` keeps them.
    Raises RenderFailed when the chart or a `file://` dependency is broken or leads out of the tree.
    """
    if tree.entry(posixpath.join(path, "Chart.yaml")) is None:
        raise RenderFailed("resolve", f"{path}: Chart.yaml file is missing")
    files = dict(tree_files(tree, path))
    archives: dict[str, Archive] = {}
    missing, stale = [], []
    vendored = _vendored(tree, files)
    for dependency in dependencies(tree, path):
        where = local_path(path, dependency)
        if where is not None:
            files.update(_local_dependency(tree, where, dependency))
        elif dependency.name not in vendored:
            archive = store.find(dependency.name, dependency.version, dependency.repository)
            if archive is None:
                missing.append(dependency)
            elif archive.blob:
                files[f"charts/{archive.path.name}"] = archive.blob
            else:
                archives[f"charts/{archive.path.name}"] = archive
        elif text := _staleness(dependency, vendored[dependency.name]):
            stale.append(text)
    kept = files if whole or _reads_files(tree, files) else {name: id for name, id in files.items() if _matters(name)}
    values = _mapping(tree, posixpath.join(path, "values.yaml")) if missing else {}
    definitions = _definitions(tree, files) if missing else ""
    volatile = _volatility(tree, kept, archives)
    return Chart(make_checkout(kept, archives), tuple(missing), values, definitions, volatile, tuple(stale))


def _volatility(tree: Tree, files: Mapping[str, str], archives: Mapping[str, Archive]) -> Volatility:
    """The strongest of what its templates, its default values and the charts in archives say."""
    found = {
        _packed_volatility(tree.store.blob(blob)) if name.endswith(".tgz") else volatility(tree.store.blob(blob))
        for name, blob in files.items()
    }
    found |= {_archive_volatility(archive.path, archive.digest) for archive in archives.values()}
    return max(found, key=("", "random", "time").index, default="")


@lru_cache(maxsize=1024)
def _archive_volatility(path: Path, digest: str) -> Volatility:
    return _packed_volatility(path.read_bytes())


def _packed_volatility(data: bytes) -> Volatility:
    try:
        files = unpack(data)
    except Unreachable:
        return ""  # Helm says what is wrong with it
    found = {volatility(text) for name, text in files.items() if "/templates/" in name}
    return max(found, key=("", "random", "time").index, default="")


def without_schemas(checkout: Checkout) -> Checkout:
    """The checkout as for `--skip-schema-validation`, which the Helm library does not know: it has no schema."""
    kept = {name: blob for name, blob in checkout.files if name.rpartition("/")[2] != "values.schema.json"}
    return make_checkout(kept, dict(checkout.archives))


def without_dependencies(declaration: str, names: Collection[str]) -> str:
    """Chart.yaml without some dependencies: the `helm` binary refuses a chart that lacks even a disabled one."""
    content = load(declaration)
    if isinstance(content, dict) and "dependencies" in content:
        content["dependencies"] = [item for item in _dicts(content["dependencies"]) if item.get("name") not in names]
    return dump(content)


def _vendored(tree: Tree, files: Mapping[str, str]) -> dict[str, list[str]]:
    """The versions of the charts that stand in `charts/`, unpacked or as archives, by name."""
    found: dict[str, list[str]] = {}
    for name, blob in files.items():
        folder, _, rest = name.removeprefix("charts/").partition("/")
        archive = _ARCHIVE.fullmatch(folder)
        if not name.startswith("charts/"):
            continue
        if archive and not rest:
            found.setdefault(archive["name"], []).append(archive["version"])
        elif rest:
            versions = found.setdefault(folder, [])
            if rest == "Chart.yaml":
                versions.append(str(_read_mapping(name, tree.store.blob(blob)).get("version", "")))
    return found


def _staleness(dependency: Dependency, versions: list[str]) -> str:
    """A warning when what is vendored is not what Chart.yaml asks for: Helm compares names only, and renders it."""
    fits = satisfies(dependency.declared)
    known = [parsed for version in versions if (parsed := parse_version(version))]
    if not known or any(fits(version) for version in known):
        return ""
    here, wanted = ", ".join(versions), dependency.declared
    return f"Chart.yaml asks for {dependency.name} {wanted}, but charts/ holds {here}, which is what Helm renders"


def _local_dependency(tree: Tree, where: str, dependency: Dependency) -> Iterator[tuple[str, str]]:
    if tree.entry(posixpath.join(where, "Chart.yaml")) is None:
        raise RenderFailed("resolve", f"dependency {dependency.name}: no chart at {where or '/'}")
    for name, blob in tree_files(tree, where):
        yield f"charts/{dependency.name}/{name}", blob


def _matters(name: str) -> bool:
    """Whether Helm reads the file by itself; all others are reached only through `.Files`."""
    parts = name.split("/")
    while len(parts) > 2 and parts[0] == "charts":
        parts = parts[2:]
    return parts[0] in _CHART_FOLDERS or parts[-1] == ".helmignore" or (len(parts) == 1 and parts[0] in _CHART_FILES)


def _reads_files(tree: Tree, files: Mapping[str, str]) -> bool:
    texts = (blob for name, blob in files.items() if "templates/" in name or name.endswith("values.yaml"))
    return any(b"Files" in tree.store.blob(blob) for blob in texts)


def _definitions(tree: Tree, files: Mapping[str, str]) -> str:
    found = hashlib.sha256()
    for name, blob in sorted(files.items()):
        if name.startswith("templates/") and re.search(rb"\{\{-?\s*(define|block)\b", tree.store.blob(blob)):
            found.update(f"{name}\0{blob}\0".encode())
    return found.hexdigest()


def tree_files(tree: Tree, path: str, prefix: str = "", links: int = 0) -> Iterator[tuple[str, str]]:
    """(path below `path`, blob id) of all files below a folder, links replaced by what they mean.

    Raises RenderFailed for a link that leads out of the tree; a broken one is left out, as Argo CD does.
    """
    base = clean_path(path)
    for where, entry in tree.walk(base):
        name = prefix + (where[len(base) + 1 :] if base else where)
        if not entry.is_link:
            yield name, entry.id
            continue
        target = tree.entry(where)
        if target is not None and target.is_file:
            yield name, target.id
        elif target is not None:
            if links >= 3:
                raise RenderFailed("resolve", f"{where}: symbolic links to folders stand in one another")
            yield from tree_files(Tree(tree.store, target.id), "", f"{name}/", links + 1)
