"""Applications that make applications: which they are, and which files are theirs.

A file that a parent renders is the parent's business: what counts is what comes out, perhaps patched, renamed or put
into a namespace, and not what stands in the file.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping

from previews.engine.applications import Application
from previews.engine.errors import NotRendered, RenderFailed
from previews.engine.render import directory, kustomize
from previews.engine.render.requests import digest
from previews.engine.resolve import Found, Resolver
from previews.engine.trees import Tree, clean_path

MAKES_APPLICATIONS = re.compile(rb"^[ \t-]*kind:[ \t]*[\"']?Application(Set)?[\"']?[ \t]*\r?$", re.MULTILINE)


def may_make_applications(definition: Application, resolver: Resolver) -> bool:
    """Whether a source's files hold what may become an Application. Raises NotRendered, RenderFailed."""
    if definition.problem:
        raise RenderFailed("resolve", definition.problem)
    return any(_may_hold(found, tool, resolver) for found, tool in _opened(definition, resolver))


def files_of(definition: Application, resolver: Resolver) -> set[str]:
    """Paths of the manifests in this repository that an Application renders; none where it cannot be rendered."""
    files: set[str] = set()
    try:
        for found, tool in _opened(definition, resolver):
            if resolver.is_ours(found.source) and _may_hold(found, tool, resolver):
                files.update(_manifests(found, tool, resolver))
    except (NotRendered, RenderFailed):
        return set()
    return files


def _opened(definition: Application, resolver: Resolver) -> Iterable[tuple[Found, str]]:
    for source in definition.sources:
        if source.path or source.chart:
            found = resolver.open(definition, source)
            yield found, resolver.tool(found)


def _may_hold(found: Found, tool: str, resolver: Resolver) -> bool:
    known = resolver.known.makes_applications
    blobs: Iterable[str]
    if tool == "helm":
        key = digest(resolver.chart_ids(found.tree, found.source.path))
        blobs = _templates(found, resolver)
    else:
        # Not its folder: options leave files out, and what a kustomization reaches lies elsewhere too.
        blobs = sorted(_manifests(found, tool, resolver).values())
        key = digest(blobs)
    if (tool, key) not in known:
        known[tool, key] = any(MAKES_APPLICATIONS.search(found.tree.store.blob(blob)) for blob in blobs)
    return known[tool, key]


def _templates(found: Found, resolver: Resolver) -> Iterable[str]:
    for folder in resolver.chart_folders(found.tree, found.source.path):
        yield from _blobs(found.tree, posixpath.join(folder, "templates"))


def _manifests(found: Found, tool: str, resolver: Resolver) -> Mapping[str, str]:
    """Path from the root -> blob id. A chart's templates are no manifests."""
    if tool == "kustomize":
        return kustomize.closure(found.tree, found.source, resolver.find, resolver.inflater(found.source))
    if tool == "directory":
        base = clean_path(found.source.path)
        chosen = directory.chosen(found.tree, base, found.source.directory or {})
        return {f"{base}/{name}" if base else name: blob for name, blob in chosen}
    return {}


def _blobs(tree: Tree, folder: str) -> Iterable[str]:
    return (entry.id for _, entry in tree.walk(folder) if entry.is_file)
