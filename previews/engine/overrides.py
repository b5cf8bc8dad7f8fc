"""Files beside an application that change its source: `.argocd-source.yaml` and `.argocd-source-<app>.yaml`.

Mirrors reposerver/repository/repository.go mergeSourceParameters: each is an RFC 7386 merge patch, the second on top of
the first, and neither can move the source elsewhere.
"""

from __future__ import annotations

import posixpath
from typing import Any

from previews.engine.applications import Application, Source, parse_source
from previews.engine.documents import read_mapping
from previews.engine.trees import Tree

_FIXED = ("chart", "path", "repoURL", "targetRevision")


def overridden(tree: Tree, source: Source, application: Application) -> Source:
    """The source as the files in its path change it; itself when there are none. Raises RenderFailed."""
    if source.chart:
        return source
    patched: Any = None
    for name in (".argocd-source.yaml", f".argocd-source-{application.instance_name}.yaml"):
        path = posixpath.join(source.path, name)
        patch = read_mapping(tree, path, path, "resolve")
        if patch is not None:
            patched = _merge_patch(source.raw if patched is None else patched, patch)
    if patched is None:
        return source
    fixed = {key: source.raw[key] for key in _FIXED if key in source.raw}
    kept = {key: value for key, value in patched.items() if key not in _FIXED}
    # Not normalised again: `helm: {}` in such a file does make it a Helm source.
    return parse_source({**kept, **fixed}, normalise=False)


def _merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7386: mappings merge, null deletes, all else (lists too) is replaced."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merge_patch(result.get(key), value)
    return result
