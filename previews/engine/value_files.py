"""Where the value files and file parameters of a Helm source lie.

Mirrors reposerver/repository (value file resolution, resolveReferencedSources, runManifestGenAsync) and
util/io/path/resolved.go of Argo CD.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from previews.engine.applications import Application, HelmOptions, Source
from previews.engine.errors import NotRendered, RenderFailed
from previews.engine.git import normalise_address
from previews.engine.globs import compile_glob
from previews.engine.trees import Tree, clean_path
from previews.engine.values import expand_environment

DEFAULT_SCHEMES = "https, http"
_PATTERN = re.compile(r"[*?\[]")
# Go's url.Parse: what stands before the first colon is a scheme when it looks like one.
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")


class Place(NamedTuple):
    """A file of a source's tree, whether it is there or not."""

    tree: Tree
    path: str
    source: Source


@dataclass(frozen=True)
class ValueFiles:
    """Finds the files that one source of an Application names.

    `tree` is the source's own, `find` gives the tree of another source (and may raise NotRendered), `settings` are
    those of argocd-cm, `environment` what may stand in a path.
    """

    definition: Application
    source: Source
    tree: Tree
    find: Callable[[Source], Tree]
    environment: Mapping[str, str]
    settings: Mapping[str, str]

    def all(self) -> list[Place]:
        """The value files in the order in which Helm merges them.

        Patterns are expanded, but a file that is also listed by itself stands there only; of other repetitions the
        first counts. Raises RenderFailed for a pattern without a match and for paths that lead out, NotRendered for
        files that are not in Git.
        """
        options = self.source.helm or HelmOptions()
        places = [self.locate(name) for name in options.value_files]
        listed = {(tree.id, path) for tree, path, _ in places if not _PATTERN.search(path)}
        found: dict[tuple[str, str], Place] = {}
        for name, place in zip(options.value_files, places, strict=True):
            tree, path, _ = place
            if not _PATTERN.search(path):
                if not options.ignore_missing_value_files or tree.entry(path) is not None:
                    found.setdefault((tree.id, path), place)
                continue
            matches = list(_matching(tree, path))
            if not matches and not options.ignore_missing_value_files:
                raise RenderFailed("resolve", f"no value file matches {name}")
            for match in matches:
                if (tree.id, match) not in listed:
                    found.setdefault((tree.id, match), place._replace(path=match))
        return list(found.values())

    def locate(self, written: str) -> Place:
        """The place of one entry: beside the app, from the root (`/x`), or in the source that has a ref (`$ref/x`)."""
        ref, _, rest = written.partition("/")
        if self.definition.multi_source and written.startswith("$"):
            tree, source = self._referenced(ref[1:])
            # Only what follows the ref can hold variables, and it starts at the root of that repository.
            path = clean_path(expand_environment(rest, self.environment).lstrip("/"))
        else:
            tree, source, name = self.tree, self.source, expand_environment(written, self.environment)
            self._refuse_addresses(name)
            below_root = name.startswith("/")
            path = clean_path(name.lstrip("/") if below_root else posixpath.join(self.source.path, name))
        if not path:
            raise RenderFailed("resolve", f"value file {written} is the root of the repository and no file")
        return Place(tree, path, source)

    def _refuse_addresses(self, name: str) -> None:
        found = _SCHEME.match(name)
        if not found:
            return
        allowed = self.settings.get("helm.valuesFileSchemes") or DEFAULT_SCHEMES
        scheme = found[1].lower()
        if scheme not in [item.strip() for item in allowed.split(",")]:
            raise RenderFailed("resolve", f"value file {name}: the URL scheme {scheme!r} is not allowed")
        raise NotRendered("dependency", f"value file {name} lies outside the repository and is not fetched")

    def _referenced(self, ref: str) -> tuple[Tree, Source]:
        """The source with a ref and its tree, checked against the others that this source's files name."""
        refs = {item.ref: item for item in self.definition.sources if item.ref}
        named = refs.get(ref)
        if named is None:
            known = f"the refs are {', '.join(sorted(refs))}" if refs else "no source has a ref"
            raise RenderFailed("resolve", f"a value file names the source ${ref}, but {known}")
        if named.chart:
            raise RenderFailed("resolve", f"source ${ref} is a chart, and value files cannot come from one")
        options = self.source.helm or HelmOptions()
        others = [*options.value_files, *(path for _, path in options.file_parameters)]
        for other in (refs.get(text.partition("/")[0][1:]) for text in others if text.startswith("$")):
            if other and other.revision != named.revision and _same_repository(other, named):
                raise RenderFailed(
                    "resolve",
                    f"value files of one repository at several revisions: ${ref} is at {named.revision or 'HEAD'}, "
                    f"${other.ref} at {other.revision or 'HEAD'}",
                )
        tree = self.find(named)
        if not self.source.chart and _same_repository(named, self.source) and tree.id != self.tree.id:
            raise RenderFailed(
                "resolve",
                f"source ${ref} is at another revision ({named.revision or 'HEAD'}) of this source's own repository "
                f"({self.source.revision or 'HEAD'})",
            )
        return tree, named


def _same_repository(one: Source, other: Source) -> bool:
    return normalise_address(one.repository) == normalise_address(other.repository)


def _matching(tree: Tree, pattern: str) -> Iterator[str]:
    """Files that match, as doublestar lists them: by name, and those of a folder before its subfolders."""
    folder = _PATTERN.split(pattern, maxsplit=1)[0].rpartition("/")[0]
    glob = compile_glob(pattern)

    def order(path: str) -> list[tuple[bool, str]]:
        *folders, name = path.split("/")
        return [*((True, part) for part in folders), (False, name)]

    yield from sorted((path for path, _ in tree.walk(folder) if glob.match(path)), key=order)
