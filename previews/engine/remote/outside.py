"""What a preview needs from outside its repository, brought into the repository's mirror: one object store for all.

Everything is found once for a preview, so that both sides see the same; what was used is remembered, so that another
machine can get the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import urljoin

from previews.engine.errors import AstrolabeError, NotRendered
from previews.engine.git import Mirror, normalise_address
from previews.engine.remote.archives import MAX_PACKED, unpack
from previews.engine.remote.hosts import Unreachable
from previews.engine.remote.imports import Imported, find_digest, find_name, give_name, import_archive
from previews.engine.remote.index import MAX_INDEX, Listed, listed
from previews.engine.remote.reach import Reach
from previews.engine.remote.registry import Registry
from previews.engine.remote.repositories import FoundTree, Repositories
from previews.engine.remote.web import Web
from previews.engine.render.charts import ChartStore
from previews.engine.render.requests import Archive
from previews.engine.versions import best, is_constraint, parse_version

_OCI = "oci://"
_Thing = TypeVar("_Thing")


@dataclass(frozen=True)
class FoundChart:
    """A chart in the mirror: the id of the tree that is the chart's folder, and the version that was asked for."""

    tree: str
    version: str


@dataclass(frozen=True)
class External:
    """Something from outside that a preview used, exactly: enough to get the same on another machine.

    Of a chart `version` is its own and `digest` the SHA-256 of its archive; of an artifact the digests of its manifest
    and of its layer; of a commit `version` is its id and `digest` its tree.
    """

    kind: Literal["chart", "artifact", "commit"]
    repository: str
    name: str
    version: str
    digest: str

    def __str__(self) -> str:
        """For people."""
        return " ".join(filter(None, (self.name, self.version, f"of {self.repository}")))


class Outside:
    """Charts and other repositories, as the operator allows them."""

    def __init__(self, mirror: Mirror, store: ChartStore, reach: Reach) -> None:
        """All goes into `mirror`; `store` is looked at before any network."""
        self._mirror = mirror
        self._store = store
        self._reach = reach
        self._web = Web(reach.chart_hosts, reach.credentials, reach.seconds)
        self._notes: list[str] = []
        self._missed: dict[str, list[str]] = {}
        self._repositories = Repositories(mirror, reach, self._notes.append)
        self._indexes: dict[str, bytes | Unreachable] = {}
        self._answers: dict[tuple[str, ...], object] = {}
        self._used: dict[External, None] = {}

    @property
    def used(self) -> tuple[External, ...]:
        """What was found so far."""
        return tuple(self._used)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know: dependencies that were not found, and why."""
        return (*self._notes, *(f"{why} (needed by {_some(who)})" for why, who in self._missed.items()))

    def find(self, name: str, version: str, repository: str = "") -> Archive | None:
        """The archive of a chart that is a dependency, at a version or the highest of a range; None with a note."""
        kept = self._store.find(name, version)
        if kept is not None or not repository:
            return kept
        try:
            imported, found = self._chart(name, version, repository)
        except NotRendered as error:
            who = self._missed.setdefault(str(error.__cause__ or error), [])
            who += [] if f"{name} {version}" in who else [f"{name} {version}"]
            return None
        return Archive(Path(f"{name}-{found}.tgz"), imported.digest, imported.blob)

    def chart(self, name: str, version: str, repository: str) -> FoundChart:
        """A chart of a Helm repository, or of an OCI registry (`oci://…`, or no scheme). Raises NotRendered."""
        imported, found = self._chart(name, version, repository)
        return FoundChart(self._chart_folder(imported, name), found)

    def artifact(self, repository: str, revision: str) -> FoundChart:
        """What an OCI artifact (`oci://…`) holds, at a tag, digest or range: the root of its files, or the chart.

        Raises NotRendered.
        """
        return self._once(("artifact", repository, revision), lambda: self._artifact(repository, revision))

    def tree(self, address: str, revision: str) -> str:
        """The id of another Git repository's tree at a revision. Raises NotRendered."""
        return self.commit(address, revision).tree

    def commit(self, address: str, revision: str) -> FoundTree:
        """A commit of another Git repository and its tree. Raises NotRendered."""

        def find() -> FoundTree:
            found = self._repositories.find(address, revision)
            self._use(External("commit", address, "", found.commit, found.tree))
            return found

        return self._once(("commit", normalise_address(address), revision), find)

    def ensure(self, externals: Iterable[External]) -> tuple[str, ...]:
        """Gets what another machine used. Gives a sentence for each that cannot be had, or is not the same here."""
        return tuple(filter(None, map(self._ensure, externals)))

    def _ensure(self, external: External) -> str:
        try:
            if external.kind == "commit":
                digest = self._repositories.ensure(external.repository, external.version)
            elif find_digest(self._mirror, external.digest) is not None:
                return ""
            elif external.kind == "chart":
                digest = self._chart(external.name, external.version, external.repository)[0].digest
            else:
                self._artifact(external.repository, external.version)
                return ""
        except AstrolabeError as error:
            return f"{external} is not on this machine: {error}"
        return "" if digest == external.digest else f"{external} is not what it was when the preview began"

    def _use(self, external: External) -> None:
        self._used[external] = None

    def _once(self, question: tuple[str, ...], ask: Callable[[], _Thing]) -> _Thing:
        """One answer for both sides; a refusal as well."""
        if question not in self._answers:
            try:
                self._answers[question] = ask()
            except NotRendered as error:
                self._answers[question] = error
        answer = self._answers[question]
        if isinstance(answer, NotRendered):
            raise NotRendered(answer.reason, str(answer)) from answer.__cause__
        return answer  # type: ignore[return-value]

    def _chart(self, name: str, version: str, repository: str) -> tuple[Imported, str]:
        def find() -> tuple[Imported, str]:
            try:
                imported, found = self._find_chart(name, version, self._address(repository))
            except Unreachable as error:
                raise NotRendered("dependency", _refusal(name, version, repository, error)) from error
            self._use(External("chart", repository, name, found, imported.digest))
            return imported, found

        return self._once(("chart", name, version, repository), find)

    def _address(self, repository: str) -> str:
        """Where a repository is: `@name` and `alias:name` stand for addresses that Argo CD is told of."""
        for mark in ("@", "alias:"):
            if repository.startswith(mark):
                alias = repository.removeprefix(mark)
                if alias not in self._reach.aliases:
                    raise Unreachable(f"the alias {alias} is not known (list it in the file of ASTROLABE_REMOTES)")
                return self._reach.aliases[alias]
        return repository

    def _find_chart(self, name: str, version: str, repository: str) -> tuple[Imported, str]:
        kept = self._store.find(name.rpartition("/")[2], version)
        if kept is not None:
            data = kept.path.read_bytes()
            return import_archive(self._mirror, data, unpack(data)), _version_in(kept.path.name, name)
        repository = repository.rstrip("/")
        known = find_name(self._mirror, repository, name, version)
        if known is not None:
            return known, version
        is_registry = repository.startswith(_OCI) or "://" not in repository
        look = self._from_registry if is_registry else self._from_repository
        return look(name, version, repository)

    def _from_repository(self, name: str, version: str, repository: str) -> tuple[Imported, str]:
        entry = _choose(listed(self._index(repository), name), version)
        if entry is None:
            raise Unreachable("its repository has no such version")
        known = find_name(self._mirror, repository, name, entry.version)
        if known is not None:
            return known, entry.version
        data = self._web.fetch(urljoin(f"{repository}/", entry.url), MAX_PACKED)
        return self._keep(data, (repository, name, entry.version), entry.digest), entry.version

    def _index(self, repository: str) -> bytes:
        if repository not in self._indexes:
            try:
                self._indexes[repository] = self._web.fetch(f"{repository}/index.yaml", MAX_INDEX)
            except Unreachable as error:
                self._indexes[repository] = error
        found = self._indexes[repository]
        if isinstance(found, Unreachable):
            raise Unreachable(str(found))
        return found

    def _from_registry(self, name: str, version: str, repository: str) -> tuple[Imported, str]:
        registry = Registry(self._web, f"{repository}/{name}")
        # A tag such as `latest`, or a digest, is taken as it is.
        found = best(version or "*", registry.tags()) if is_constraint(version or "*") else version
        if found is None:
            raise Unreachable("its repository has no such version")
        known = find_name(self._mirror, repository, name, found)
        if known is not None:
            return known, found
        artifact = registry.artifact(found)
        if not artifact.is_chart:
            raise Unreachable("it is no Helm chart")
        # What a tag that is no version means may change, so it is not remembered.
        place = (repository, name, found) if parse_version(found) else ()
        return self._keep(registry.layer(artifact.layer), place), found

    def _artifact(self, repository: str, revision: str) -> FoundChart:
        try:
            registry = Registry(self._web, repository)
            tag = best(revision, registry.tags()) if is_constraint(revision) else None
            artifact = registry.artifact(tag or revision or "latest")
            digest = artifact.layer.removeprefix("sha256:")
            imported = find_digest(self._mirror, digest) or self._keep(registry.layer(artifact.layer), ())
            self._use(External("artifact", repository, "", artifact.digest, digest))
            tree = self._chart_folder(imported, "") if artifact.is_chart else imported.tree
            return FoundChart(tree, artifact.digest)
        except Unreachable as error:
            raise NotRendered("dependency", f"{repository} {revision} is not here: {error}") from None

    def _keep(self, data: bytes, name: tuple[str, ...], digest: str = "") -> Imported:
        if digest and hashlib.sha256(data).hexdigest() != digest:
            raise Unreachable(f"its archive does not have the digest {digest[:12]}… that the repository's index tells")
        imported = import_archive(self._mirror, data, unpack(data))
        if name:
            give_name(self._mirror, imported, *name)
        return imported

    def _chart_folder(self, imported: Imported, name: str) -> str:
        """The tree of the chart in an archive: the folder of its name, or else the only one that is a chart."""
        said = self._mirror.git("ls-tree", "-r", "-z", "--name-only", imported.tree)
        folders = [path.removesuffix("/Chart.yaml") for path in said.split("\0") if path.count("/") == 1]
        charts = [folder for folder in folders if "/" not in folder]
        own = name.rpartition("/")[2]
        if not charts:
            raise NotRendered("dependency", f"the archive of {name or 'the artifact'} holds no Chart.yaml")
        return self._mirror.git("rev-parse", f"{imported.tree}:{own if own in charts else charts[0]}").strip()


def _choose(versions: Iterable[Listed], wanted: str) -> Listed | None:
    """The version of just this text, else the highest that it allows (pkg/repo/index.go Get)."""
    by_version: Mapping[str, Listed] = {item.version: item for item in reversed(list(versions))}
    return by_version.get(wanted) or by_version.get(best(wanted or "*", by_version) or "")


def _version_in(file_name: str, name: str) -> str:
    return file_name.removeprefix(f"{name}-").removesuffix(".tgz")


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _refusal(name: str, version: str, repository: str, error: Exception) -> str:
    return (
        f"chart {name} {version} of {repository} is not here: {error}. "
        f"Allow what it needs, or put {name}-<version>.tgz into the chart store folder (ASTROLABE_CHART_STORE)"
    )
