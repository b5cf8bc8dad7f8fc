"""From an ApplicationSet to the Applications that it makes (applicationset/controllers/template/template.go)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from previews.engine.applications import API_GROUP
from previews.engine.discover.applicationsets.generators import Generators
from previews.engine.discover.applicationsets.parameters import Parameters, fill_empty
from previews.engine.discover.applicationsets.patch import apply_patch
from previews.engine.discover.applicationsets.policy import SetPolicy, read_policy
from previews.engine.discover.applicationsets.texts import Texts
from previews.engine.errors import RenderFailed
from previews.engine.fields import mapping, mappings
from previews.engine.render.pool import Render
from previews.engine.render.unstable import volatility
from previews.engine.resolve import Resolver
from previews.engine.yamls import canonical

_FINALIZER = "resources-finalizer.argocd.argoproj.io"


@dataclass(frozen=True)
class Expansion:
    """The Application objects of a set, sorted by name; what Argo CD would leave out of them; and its policy."""

    applications: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]
    policy: SetPolicy


def is_application_set(document: Any) -> bool:
    """Whether a parsed YAML document is an ApplicationSet."""
    return (
        isinstance(document, dict)
        and document.get("kind") == "ApplicationSet"
        and str(document.get("apiVersion", "")).startswith(f"{API_GROUP}/")
    )


def set_name(document: Mapping[str, Any]) -> str:
    """The set's own name."""
    metadata = document.get("metadata")
    return str(metadata.get("name", "")) if isinstance(metadata, dict) else ""


def expand(document: Mapping[str, Any], resolver: Resolver, render: Render) -> Expansion:
    """The Applications that a set makes. `render` evaluates Go templates.

    Raises NotRendered when something that it needs is not here, RenderFailed when Argo CD would stop with an error.
    """
    spec = document.get("spec")
    if not isinstance(spec, dict):
        raise RenderFailed("discover", "an ApplicationSet has no spec")
    name, texts = set_name(document), Texts(spec, render)
    namespace = str(mapping(document, "metadata").get("namespace") or "argocd")
    entries = mappings(spec, "generators")
    policy = read_policy(name, spec)
    found: list[dict[str, Any]] = []
    for body, sets in Generators((f"{namespace}/{name}", name), entries, texts, resolver).run():
        template = _template(fill_empty(mapping(body, "template"), mapping(spec, "template")))
        applications = _filled(template, sets, texts, policy)
        found += _patched(applications, spec.get("templatePatch"), sets, texts)
    kept, notes = _named([_made(item, namespace) for item in found])
    if texts.go and volatility(canonical(spec).encode("utf-8", "replace")):
        notes = (*notes, "its templates ask for random values or the time, which differ at each reconciliation")
    return Expansion(kept, notes, policy)


def _template(stated: Mapping[str, Any]) -> dict[str, Any]:
    """What Argo CD takes of a template: its spec, and these of its metadata."""
    metadata = mapping(stated, "metadata")
    taken = {key: metadata[key] for key in ("name", "labels", "annotations", "finalizers") if metadata.get(key)}
    return {"metadata": taken, "spec": mapping(stated, "spec")}


def _filled(
    template: Mapping[str, Any], sets: Sequence[Parameters], texts: Texts, policy: SetPolicy
) -> list[dict[str, Any]]:
    """The template for each set of parameters; one without parameters gets it as it was written."""
    filled = iter(texts.fill(template, [one for one in sets if one]))
    return [_with_finalizer(next(filled), policy) if one else dict(template) for one in sets]


def _with_finalizer(application: Mapping[str, Any], policy: SetPolicy) -> dict[str, Any]:
    metadata = application["metadata"]
    if not policy.preserves and not metadata.get("finalizers"):
        metadata = {**metadata, "finalizers": [_FINALIZER]}
    return {**application, "metadata": metadata}


def _patched(
    applications: list[dict[str, Any]], patch: Any, sets: Sequence[Parameters], texts: Texts
) -> list[dict[str, Any]]:
    if patch is None:
        return applications
    return [apply_patch(*pair) for pair in zip(applications, texts.fill(str(patch), sets), strict=True)]


def _made(application: Mapping[str, Any], namespace: str) -> dict[str, Any]:
    # An Application lives beside its set, whatever the template says.
    metadata = {**mapping(application, "metadata"), "namespace": namespace}
    spec = mapping(application, "spec")
    return {"apiVersion": f"{API_GROUP}/v1alpha1", "kind": "Application", "metadata": metadata, "spec": spec}


def _named(applications: Sequence[dict[str, Any]]) -> tuple[tuple[dict[str, Any], ...], tuple[str, ...]]:
    """Those that Argo CD accepts: with a name, and the first of each name."""
    kept: dict[str, dict[str, Any]] = {}
    notes: dict[str, None] = {}
    for application in applications:
        name = str(application["metadata"].get("name") or "")
        if not name:
            notes["an Application without a name is left out"] = None
        elif name in kept:
            notes[f"Application {name} is made more than once: only the first one counts"] = None
        kept.setdefault(name, application)
    return tuple(kept[name] for name in sorted(kept) if name), tuple(notes)
