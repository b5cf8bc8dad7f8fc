"""What a Kustomization or HelmRelease renders: the files of the artifact, the overlay, and what is done afterwards.

Mirrors kustomize/kustomize_generator.go of Flux's pkg, internal/action (install.go, upgrade.go) of helm-controller and
internal/helm/chart/builder_local.go of source-controller.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from previews.engine.applications import HelmOptions, Instance, Source
from previews.engine.documents import read_mapping
from previews.engine.errors import NotRendered, RenderFailed, YamlError
from previews.engine.fields import mapping
from previews.engine.flux.artifact import Artifact
from previews.engine.flux.options import FluxOptions
from previews.engine.flux.sources import clamped, items, text
from previews.engine.render.flux import POST_RENDERER
from previews.engine.render.kustomize.files import FILE_NAMES, kustomization
from previews.engine.render.kustomize.gather import Found, gather
from previews.engine.render.requests import Part, make_checkout
from previews.engine.trees import Tree, clean_path
from previews.engine.values import merge
from previews.engine.yamls import dump, load

_ENDINGS = (".yaml", ".yml")
# Flux lets kustomize read anywhere in the artifact; the checkout holds nothing else.
_ANYWHERE = ["--load-restrictor", "LoadRestrictionsNone"]
_OVERLAY = (
    "targetNamespace", "namePrefix", "nameSuffix", "patches", "patchesStrategicMerge", "patchesJson6902", "images",
    "components", "buildMetadata", "commonMetadata",
)  # fmt: skip


def kustomization_files(tree: Tree, path: str, flux: FluxOptions, artifact: Artifact) -> dict[str, str]:
    """All files that the build may read: path from the root -> blob id. Raises as `kustomize.gather`."""
    folder = clean_path(path)
    entry = tree.entry(folder)
    if entry is None or not entry.is_tree:
        raise RenderFailed("resolve", f"kustomization path not found: {path or '/'}")
    folders = [folder] if _own_file(tree, folder, artifact) else []
    files: dict[str, str] = {}
    if not folders:
        for where in generated_resources(tree, folder, artifact):
            entry = tree.entry(where)
            assert entry is not None
            if entry.is_tree:
                folders.append(where)
            else:
                files[where] = entry.id
    folders += [clean_path(posixpath.join(folder, component)) for component in _components(tree, folder, flux)]
    for where in folders:
        _, content = kustomization(tree, where)
        files.update(gather(tree, where, content, _no_remote).files)
    return {name: blob for name, blob in files.items() if artifact.holds(name)}


def _no_remote(source: Source) -> Found:
    raise NotRendered("dependency", "is not fetched for Flux yet")


def _own_file(tree: Tree, folder: str, artifact: Artifact) -> str:
    for name in FILE_NAMES:
        path = posixpath.join(folder, name)
        entry = tree.entry(path)
        if entry is not None and entry.is_file and artifact.holds(path):
            return name
    return ""


def generated_resources(tree: Tree, folder: str, artifact: Artifact) -> Iterator[str]:
    """What a folder without a kustomization file is made of: its YAML files, and folders that have such a file."""
    entry = tree.entry(folder)
    for child in sorted(tree.store.entries(entry.id), key=lambda item: item.name) if entry else ():
        path = posixpath.join(folder, child.name)
        if child.is_tree:
            if _own_file(tree, path, artifact):
                yield path
            else:
                yield from generated_resources(tree, path, artifact)
        elif child.is_file and child.name.endswith(_ENDINGS) and artifact.holds(path):
            yield path


def _components(tree: Tree, folder: str, flux: FluxOptions) -> list[str]:
    listed = [str(item) for item in flux.spec.get("components") or ()]
    for item in listed:
        if "://" in item or item.startswith("/"):
            raise RenderFailed("resolve", f"component path '{item}' must be local and relative")
    if not flux.spec.get("ignoreMissingComponents"):
        return listed
    return [item for item in listed if tree.entry(clean_path(posixpath.join(folder, item))) is not None]


def kustomization_content(tree: Tree, path: str, flux: FluxOptions, artifact: Artifact) -> tuple[str, dict[str, Any]]:
    """The name and content of the kustomization file before the overlay: that of the folder, or a generated one."""
    folder = clean_path(path)
    if _own_file(tree, folder, artifact):
        name, content = kustomization(tree, folder)
        return name, dict(content)
    resources = [
        f"./{posixpath.relpath(where, folder or '.')}" for where in generated_resources(tree, folder, artifact)
    ]
    bare: dict[str, Any] = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
    # Kustomize refuses a file that says nothing.
    return FILE_NAMES[0], bare | ({"resources": resources} if resources else {"namespace": "_placeholder"})


def _with_overlay(content: Mapping[str, Any], spec: Mapping[str, Any], components: list[str]) -> dict[str, Any]:
    result = dict(content)
    for ours, theirs in (("targetNamespace", "namespace"), ("namePrefix", "namePrefix"), ("nameSuffix", "nameSuffix")):
        if spec.get(ours):
            result[theirs] = spec[ours]
    added = _patches(spec)
    if components:
        added["components"] = [item for item in components if item not in (result.get("components") or ())]
    for key, more in added.items():
        result[key] = [*(result.get(key) or []), *more]
    images = {str(item.get("name")): item for item in [*items(result, "images"), *items(spec, "images")]}
    if images:
        result["images"] = list(images.values())
    if spec.get("buildMetadata"):
        result["buildMetadata"] = spec["buildMetadata"]
    return result


def _patches(spec: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Patches of all three kinds, as a kustomization file writes them."""
    old = [
        {"patch": json.dumps(item.get("patch")), "target": item.get("target")}
        for item in items(spec, "patchesJson6902")
    ]
    strategic = [dump(item) for item in items(spec, "patchesStrategicMerge")]
    found: dict[str, list[Any]] = {
        # Nothing but what Flux's own type has: a `path` would read a file.
        "patches": [{key: item[key] for key in ("patch", "target") if key in item} for item in items(spec, "patches")],
        "patchesStrategicMerge": [*strategic],
        "patchesJson6902": [*old],
    }
    return {key: value for key, value in found.items() if value}


def kustomization_part(tree: Tree, path: str, flux: FluxOptions, artifact: Artifact) -> Part:
    """What to render for a Kustomization. Raises RenderFailed, or NotRendered for a remote base."""
    folder = clean_path(path)
    files = kustomization_files(tree, path, flux, artifact)
    name, content = kustomization_content(tree, path, flux, artifact)
    edited = _with_overlay(content, flux.spec, _components(tree, folder, flux))
    after = {
        "variables": dict(flux.variables),
        "placeholders": flux.placeholders,
        "always": mapping(flux.spec, "postBuild").get("substituteStrategy") == "Always",
        "decrypts": bool(flux.spec.get("decryption")),
        **_finish(flux),
    }
    options = {"path": folder, "edits": {posixpath.join(folder, name): edited}, "arguments": _ANYWHERE, "flux": after}
    return Part("kustomize", make_checkout(files), options)


def kustomization_values(tree: Tree, path: str, flux: FluxOptions, artifact: Artifact) -> dict[str, Any]:
    """What stands in the value row: the folder's kustomization (no generated one), the overlay, the variables."""
    is_own = _own_file(tree, clean_path(path), artifact)
    content = kustomization_content(tree, path, flux, artifact)[1] if is_own else {}
    overlay = {key: flux.spec[key] for key in _OVERLAY if flux.spec.get(key)}
    rows = {"kustomization": content, "overlay": overlay, "substitute": {**flux.variables, **flux.hidden}}
    return {key: value for key, value in rows.items() if value}


def _finish(flux: FluxOptions) -> dict[str, Any]:
    common = mapping(flux.spec, "commonMetadata")
    return {
        "labels": dict(mapping(common, "labels")),
        "annotations": dict(mapping(common, "annotations")),
        "notes": list(flux.notes),
    }


def for_action(instance: Instance) -> Instance:
    """A HelmRelease with the options of the action that Flux will take: installing a new one, upgrading others."""
    flux = instance.definition.flux
    if flux is None or flux.kind != "HelmRelease":
        return instance
    action = _action(instance, flux)

    def with_action(source: Source) -> Source:
        helm = replace(
            source.helm or HelmOptions(),
            skip_crds=text(action, "crds") == "Skip",
            skip_schema_validation=bool(action.get("disableSchemaValidation")),
            # Tests run on demand, and are no part of what is applied.
            skip_tests=not mapping(flux.spec, "test").get("enable"),
        )
        return replace(source, helm=helm)

    sources = tuple(map(with_action, instance.definition.sources))
    return replace(instance, definition=replace(instance.definition, sources=sources))


def _action(instance: Instance, flux: FluxOptions) -> Mapping[str, Any]:
    return mapping(flux.spec, "install" if instance.is_new else "upgrade")


def release_part(instance: Instance, flux: FluxOptions, part: Part, tree: Tree, source: Source) -> Part:
    """The chart's part with what only Flux does: other default values, post-renderers, an upgrade."""
    files: dict[str, str] = {}
    defaults = default_values(tree, source, flux)
    if defaults is not None:
        files["values.yaml"] = dump(defaults)
    renderers = [mapping(item, "kustomize") for item in items(flux.spec, "postRenderers")]
    for number, renderer in enumerate(filter(None, renderers)):
        content = {"resources": ["/dev/stdin"], **_patches(renderer), "images": items(renderer, "images")}
        files[f"{POST_RENDERER.format(number)}/{FILE_NAMES[0]}"] = dump(content)
    after = {
        "post_renderers": len(list(filter(None, renderers))),
        "post_render_strategy": text(flux.spec, "postRenderStrategy") or "combined",
        "disable_hooks": bool(_action(instance, flux).get("disableHooks")),
        **_finish(flux),
    }
    options = {**part.options, "is_upgrade": not instance.is_new, "flux": after}
    return Part("helm", part.checkout, options | ({"files": files} if files else {}))


def value_files(source: Source, flux: FluxOptions) -> list[str]:
    """Where the files lie that replace the chart's default values: from the root in Git, else inside the chart."""
    chart = mapping(mapping(flux.spec, "chart"), "spec")
    names = [text(chart, "valuesFile"), *(str(item) for item in chart.get("valuesFiles") or ())]
    return [clamped(posixpath.join(source.path if source.chart else "", name.lstrip("/"))) for name in names if name]


def default_values(tree: Tree, source: Source, flux: FluxOptions) -> dict[str, Any] | None:
    """What replaces the chart's values.yaml, None when nothing does. Raises RenderFailed for a missing file."""
    ignores = bool(mapping(mapping(flux.spec, "chart"), "spec").get("ignoreMissingValuesFiles"))
    merged: dict[str, Any] | None = None
    for path in value_files(source, flux):
        values = read_mapping(tree, path, f"values file {path}", "parse")
        if values is not None:
            merged = merge(merged or {}, values)
        elif not ignores:
            raise RenderFailed("resolve", f"no values file found at path '{path}'")
    return merged


def chart_version(tree: Tree, source: Source, flux: FluxOptions) -> str:
    """The version of a chart in Git whose every release needs a new one (reconcileStrategy ChartVersion), else ""."""
    chart = mapping(mapping(flux.spec, "chart"), "spec")
    if source.chart or text(chart, "reconcileStrategy") == "Revision":
        return ""
    try:
        metadata = load((tree.read(f"{source.path}/Chart.yaml") or b"").decode("utf-8", "replace"))
    except YamlError:
        return ""
    return text(metadata, "version")
