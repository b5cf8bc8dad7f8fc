"""Flux's source objects as sources that the resolver knows: repository, revision, chart.

Mirrors api/v1 of source-controller. What is not in a repository or registry (Bucket, ExternalArtifact) is said aloud.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from previews.engine.applications import Source
from previews.engine.errors import NotRendered
from previews.engine.fields import mapping
from previews.engine.versions import is_constraint

#: The source that `flux bootstrap` makes: where nobody declares it, it is the repository that we look at.
BOOTSTRAP = "flux-system"
_DEFAULT_BRANCH = "master"  # GitRepository, where it names no reference
_CHART_LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"


def text(value: Any, key: str) -> str:
    """A field that holds a text, "" when it is not there."""
    found = value.get(key) if isinstance(value, dict) else None
    return "" if found is None else str(found)


def items(value: Any, key: str) -> list[dict[str, Any]]:
    """The mappings of a field that holds a list."""
    found = value.get(key) if isinstance(value, dict) else None
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def files_source(document: Mapping[str, Any] | None, reference: tuple[str, str], path: str) -> Source:
    """Where a Kustomization or a chart in Git lies: `reference` is the kind and name that `sourceRef` asked for.

    Raises NotRendered for a source that nobody declares, or whose content is nowhere to be had.
    """
    kind, name = reference
    where = clamped(path)
    if document is None:
        if reference == ("GitRepository", BOOTSTRAP):
            return Source("", path=where)
        raise NotRendered("revision", f"{kind} {name} is declared nowhere in this repository")
    spec = mapping(document, "spec")
    if kind == "GitRepository":
        _refuse(f"GitRepository {name}", spec, ("include", "recurseSubmodules", "sparseCheckout"))
        return Source(text(spec, "url"), _git_revision(spec), where)
    if kind == "OCIRepository":
        _refuse(f"OCIRepository {name}", {**spec, **mapping(spec, "ref")}, ("layerSelector", "semverFilter"))
        return Source(text(spec, "url"), _oci_revision(spec), where)
    raise NotRendered("dependency", f"what {kind} {name} holds is not in a repository, so it is not known here")


def chart_source(document: Mapping[str, Any] | None, reference: tuple[str, str], chart: Mapping[str, Any]) -> Source:
    """The chart of a HelmRepository (`chart` is `spec.chart.spec`) or an OCIRepository. Raises NotRendered."""
    kind, name = reference
    if document is None:
        raise NotRendered("dependency", f"{kind} {name} is declared nowhere in this repository")
    spec = mapping(document, "spec")
    # As Argo CD writes it: a registry is an address without a scheme.
    url = text(spec, "url").rstrip("/").removeprefix("oci://")
    if kind == "HelmRepository":
        return Source(url, text(chart, "version") or "*", chart=text(chart, "chart"))
    if kind == "OCIRepository":
        # The usual selector names the layer that is taken anyway.
        is_usual = text(mapping(spec, "layerSelector"), "mediaType") == _CHART_LAYER
        fields = ("semverFilter",) if is_usual else ("layerSelector", "semverFilter")
        _refuse(f"OCIRepository {name}", {**spec, **mapping(spec, "ref")}, fields)
        registry, _, last = url.rpartition("/")
        return Source(registry, _oci_revision(spec), chart=last)
    raise NotRendered("dependency", f"what {kind} {name} holds is not in a repository, so it is not known here")


def _refuse(what: str, spec: Mapping[str, Any], fields: Sequence[str]) -> None:
    """Raises NotRendered for a field that changes what the source holds and that is not understood."""
    asked = [field for field in fields if spec.get(field)]
    if asked:
        raise NotRendered(
            "revision", f"{what}: {', '.join(asked)} is not understood, so what it holds is not known here"
        )


def _git_revision(spec: Mapping[str, Any]) -> str:
    """GitRepository's `ref`: a commit, else a full name, a range of tags, a tag, a branch."""
    reference = mapping(spec, "ref")
    if reference.get("commit"):
        return text(reference, "commit")
    if reference.get("name"):
        return text(reference, "name").removeprefix("refs/heads/")
    if reference.get("semver"):
        wanted = text(reference, "semver")
        # To Git an exact version is the name of one tag; to Flux `1.2.0` is the tag v1.2.0 as well.
        return wanted if is_constraint(wanted) else f"={wanted}"
    return text(reference, "tag") or text(reference, "branch") or _DEFAULT_BRANCH


def _oci_revision(spec: Mapping[str, Any]) -> str:
    reference = mapping(spec, "ref")
    return text(reference, "digest") or text(reference, "semver") or text(reference, "tag") or "latest"


def clamped(path: str) -> str:
    """A path of the artifact, "" for its root: `..` at the root stays there, as Flux's securejoin has it."""
    return posixpath.normpath(f"/{path}").lstrip("/")
