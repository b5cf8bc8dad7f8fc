"""What Argo CD refuses in an Application before it looks into Git (util/argo/argo.go)."""

from __future__ import annotations

import re

from previews.engine.applications import Application, Source
from previews.engine.errors import RenderFailed

_REF = re.compile(r"[A-Za-z0-9_-]+")


def check_application(definition: Application) -> None:
    """Raises RenderFailed for what Argo CD would never render (validateSourcePermissions, GetRefSources).

    Not for roots of astrolabe.yaml: they name no repository.
    """
    if definition.problem:
        raise RenderFailed("resolve", definition.problem)
    if definition.server and definition.destination:
        text = f"name ({definition.destination}) and server ({definition.server})"
        raise RenderFailed("resolve", f"destination has both {text}; Argo CD takes one of them")
    if not definition.server and not definition.destination:
        raise RenderFailed("resolve", "destination has neither name nor server")
    for source in definition.sources:
        _check_source(source, definition.multi_source)
    refs = [source.ref for source in definition.sources if source.ref] if definition.multi_source else []
    for ref in refs:
        if not _REF.fullmatch(ref):
            raise RenderFailed("resolve", f"ref {ref!r} may hold letters, digits, _ and - only")
        if refs.count(ref) > 1:
            raise RenderFailed("resolve", f"several sources have the ref {ref!r}")


def _check_source(source: Source, multi_source: bool) -> None:
    if not source.repository:
        raise RenderFailed("resolve", "a source has no repoURL")
    if not (source.path or source.chart or (multi_source and source.ref)):
        wanted = "path, chart or ref" if multi_source else "path or chart"
        raise RenderFailed("resolve", f"a source has neither {wanted.replace(', ', ' nor ').replace(' or ', ' nor ')}")
    if source.chart and not source.revision:
        raise RenderFailed("resolve", f"chart {source.chart} has no targetRevision")
