"""Kustomize sources: the files that a kustomization reaches, and Argo CD's edits put into it.

Mirrors util/kustomize/kustomize.go of Argo CD.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from typing import Any

from previews.engine.applications import Profile, Source
from previews.engine.render.charts import FindsCharts
from previews.engine.render.inflation import Inflater
from previews.engine.render.kustomize.edits import add_files, check_shapes, edited
from previews.engine.render.kustomize.files import FILE_NAMES, kustomization
from previews.engine.render.kustomize.gather import Find, gather
from previews.engine.render.kustomize.settings import build_arguments, check_options, inflates_charts, is_unrestricted
from previews.engine.render.requests import Part, make_checkout
from previews.engine.trees import Tree, clean_path

__all__ = ["FILE_NAMES", "Find", "closure", "new_inflater", "part", "values"]


def closure(tree: Tree, source: Source, find: Find, inflater: Inflater | None = None) -> dict[str, str]:
    """All files that a build of this source may read, as path in the checkout -> blob id.

    Those of remote bases stand below `.remote/`, those of charts that `inflater` takes below `.charts/`. Raises
    NotRendered when a base or chart cannot be had, RenderFailed when one leads out of its repository.
    """
    path = clean_path(source.path)
    _, content = kustomization(tree, path)
    check_shapes(content, source.kustomize or {})
    gathered = gather(tree, path, add_files(content, source.kustomize or {}, tree, path), find, inflater)
    return gathered.files | (inflater.files if inflater else {})


def new_inflater(
    find: Find,
    store: FindsCharts,
    engine: Callable[[str], str],
    source: Source,
    profile: Profile,
    settings: Mapping[str, str],
) -> Inflater | None:
    """A taker of Helm charts inside, for one source on one cluster; None where the build options do not allow them.

    `engine` tells what identifies a version of Helm. Mirrors kustomize.go parseKustomizeBuildOptions.
    """
    if not inflates_charts(settings):
        return None
    options = source.kustomize or {}
    return Inflater(
        find,
        store,
        engine(profile.helm_version),
        str(options.get("kubeVersion") or profile.kubernetes_version),
        tuple(map(str, options.get("apiVersions") or profile.api_versions)),
        is_unrestricted(settings),
    )


def values(tree: Tree, source: Source) -> dict[str, Any]:
    """What stands in the value row: the Application's options and the path's own kustomization."""
    _, content = kustomization(tree, clean_path(source.path))
    return {"kustomization": dict(content), **({"kustomize": dict(source.kustomize)} if source.kustomize else {})}


def part(
    tree: Tree,
    source: Source,
    find: Find,
    environment: Mapping[str, str],
    settings: Mapping[str, str],
    inflater: Inflater | None = None,
) -> Part:
    """What to render for a Kustomize source.

    `find` gives the trees of remote bases, `environment` what Argo CD substitutes, `settings` are argocd-cm's data.
    `inflater`, a new one, takes Helm charts inside; None where they are not allowed.
    Raises RenderFailed, or NotRendered for an option that we cannot apply.
    """
    options = source.kustomize or {}
    check_options(options, settings)
    path = clean_path(source.path)
    name, written = kustomization(tree, path)
    check_shapes(written, options)
    content = edited(written, options, environment, tree, path)
    gathered = gather(tree, path, content, find, inflater)
    edits = dict(gathered.rewritten)
    if content != written:
        edits.setdefault(posixpath.join(path, name), content)
    asked: dict[str, Any] = {"path": path}
    if edits:
        asked["edits"] = edits
    if arguments := build_arguments(settings):
        asked["arguments"] = arguments
    if inflater is None or not inflater.charts:
        return Part("kustomize", make_checkout(gathered.files), asked)
    asked |= {"charts": inflater.charts, "engine": inflater.engine, "volatility": inflater.volatility}
    return Part("kustomize", make_checkout(gathered.files | inflater.files, inflater.archives), asked)
