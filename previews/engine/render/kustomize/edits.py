"""`source.kustomize` edited into a kustomization, as `kustomize edit` does it for Argo CD.

Mirrors util/kustomize/kustomize.go Build of Argo CD, and kustomize/commands/edit of Kustomize.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from previews.engine.errors import RenderFailed
from previews.engine.globs import compile_glob
from previews.engine.render.kustomize.images import set_images
from previews.engine.render.kustomize.remote import parse_remote
from previews.engine.trees import Tree, clean_path
from previews.engine.values import expand_environment

_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_MAGIC = re.compile(r"[*?\[]")


_LISTS, _MAPPINGS = ("images", "patches", "components"), ("commonLabels", "commonAnnotations")


def check_shapes(*written: Mapping[str, Any]) -> None:
    """Raises RenderFailed where a kustomization or its options hold something else than the lists that we edit."""
    for content in written:
        for key in (*_LISTS, "replicas", "labels"):
            if not isinstance(content.get(key) or [], list):
                raise RenderFailed("render", f"kustomize: {key} is no list")
        for key in _MAPPINGS:
            _check_mapping(key, content.get(key))
        for key in ("replicas", "labels"):
            for item in content.get(key) or ():
                if not isinstance(item, dict):
                    raise RenderFailed("render", f"kustomize: an item of {key} is no mapping")
                _check_mapping("pairs of labels", item.get("pairs"))


def _check_mapping(name: str, value: Any) -> None:
    if not isinstance(value or {}, dict):
        raise RenderFailed("render", f"kustomize: {name} is no mapping")


def edited(
    content: Mapping[str, Any], options: Mapping[str, Any], environment: Mapping[str, str], tree: Tree, path: str
) -> dict[str, Any]:
    """The kustomization of a folder after `kustomize edit`, in Argo CD's order. Raises RenderFailed."""
    result = dict(content)
    for key in ("namePrefix", "nameSuffix"):
        if options.get(key):
            result[key] = str(options[key])
    if options.get("images"):
        arguments = [expand_environment(str(image), environment) for image in options["images"]]
        result["images"] = set_images(result.get("images") or [], arguments)
    if options.get("replicas"):
        result["replicas"] = _set_replicas(result.get("replicas") or [], options["replicas"])
    _add_labels(result, options, environment)
    _add_annotations(result, options, environment)
    if options.get("namespace"):
        result["namespace"] = _checked_namespace(str(options["namespace"]))
    return add_files(result, options, tree, path)


def add_files(content: Mapping[str, Any], options: Mapping[str, Any], tree: Tree, path: str) -> dict[str, Any]:
    """The kustomization with the options' patches and components: what makes it reach more files. Raises RenderFailed.

    For components: edit/add/addcomponent.go of Kustomize.
    """
    result = dict(content)
    if options.get("patches"):
        result["patches"] = [*(result.get("patches") or ()), *options["patches"]]
    components = [str(item) for item in options.get("components") or ()]
    if options.get("ignoreMissingComponents"):
        # Argo CD looks for them with securejoin, for which `..` never leads out of the path.
        components = [item for item in components if tree.entry(f"{path}/{posixpath.normpath(f'/{item}')}".lstrip("/"))]
    if components:
        kept = list(result.get("components") or [])
        for component in (match for item in components for match in _expanded(tree, path, item)):
            if component not in kept:
                kept.append(component)
        result["components"] = kept
    return result


def _expanded(tree: Tree, path: str, pattern: str) -> Iterator[str]:
    """What a component's pattern means. Raises RenderFailed when that is nothing."""
    if parse_remote(pattern):
        yield pattern
        return
    matches = [""]
    for name in pattern.split("/"):
        if _MAGIC.search(name):
            glob = compile_glob(name)
            matches = [
                f"{start}{child}/" for start in matches for child in _names(tree, path, start) if glob.match(child)
            ]
        else:
            matches = [f"{start}{name}/" for start in matches]
    found = [match[:-1] for match in matches if tree.entry(clean_path(posixpath.join(path, match)))]
    if not found:
        raise RenderFailed("render", f"component {pattern} has no match")
    yield from found


def _names(tree: Tree, path: str, folder: str) -> list[str]:
    entry = tree.entry(clean_path(posixpath.join(path, folder)))
    return sorted(child.name for child in tree.store.entries(entry.id)) if entry and entry.is_tree else []


def _set_replicas(here: list[Any], wanted: list[Any]) -> list[Any]:
    """edit/set/setreplicas.go; the count is a whole number or a text that is one (types.go GetIntCount)."""
    counts: dict[str, Any] = {}
    for item in wanted:
        name, count = str(item.get("name", "")), item.get("count")
        if isinstance(count, bool) or not re.fullmatch(r"[-+]?[0-9]+", str(count)):
            raise RenderFailed("render", f"kustomize replicas of {name}: count {count!r} is no whole number")
        counts[name] = {"name": name, "count": int(count)}
    kept = [item for item in here if item.get("name") not in counts]
    return sorted([*kept, *counts.values()], key=lambda item: str(item.get("name")))


def _add_labels(result: dict[str, Any], options: Mapping[str, Any], environment: Mapping[str, str]) -> None:
    """edit/add/addmetadata.go addLabels."""
    pairs = _pairs(options.get("commonLabels"), environment)
    if not pairs:
        return
    force, templates = bool(options.get("forceCommonLabels")), bool(options.get("labelIncludeTemplates"))
    if not options.get("labelWithoutSelector"):
        if templates:
            raise RenderFailed("render", "kustomize labelIncludeTemplates needs labelWithoutSelector")
        result["commonLabels"] = _added("label", result.get("commonLabels"), pairs, force)
        return
    labels = [dict(item) for item in result.get("labels") or ()]
    for item in labels:
        if not item.get("includeSelectors") and bool(item.get("includeTemplates")) == templates:
            item["pairs"] = _added("label", item.get("pairs"), pairs, force)
            break
    else:
        labels.append({"pairs": pairs, **({"includeTemplates": True} if templates else {})})
    result["labels"] = labels


def _add_annotations(result: dict[str, Any], options: Mapping[str, Any], environment: Mapping[str, str]) -> None:
    substituted = environment if options.get("commonAnnotationsEnvsubst") else None
    pairs = _pairs(options.get("commonAnnotations"), substituted)
    if pairs:
        force = bool(options.get("forceCommonAnnotations"))
        result["commonAnnotations"] = _added("annotation", result.get("commonAnnotations"), pairs, force)


def _pairs(written: Mapping[str, Any] | None, environment: Mapping[str, str] | None) -> dict[str, str]:
    """Names and values as they come out of `name:value` on a command line, which loses quotes around a value."""
    texts = {str(name): str(value) for name, value in (written or {}).items()}
    if environment is not None:
        texts = {name: expand_environment(value, environment) for name, value in texts.items()}
    return {name: re.sub(r'\A"(.*)"\Z', r"\1", value, flags=re.DOTALL) for name, value in texts.items()}


def _added(kind: str, here: Mapping[str, Any] | None, pairs: Mapping[str, str], force: bool) -> dict[str, Any]:
    twice = sorted(set(pairs) & set(here or {}))
    if twice and not force:
        raise RenderFailed("render", f"{kind} {', '.join(twice)} already in kustomization file")
    return {**(here or {}), **pairs}


def _checked_namespace(name: str) -> str:
    """edit/set/setnamespace.go: an RFC 1123 label."""
    if not _NAMESPACE.fullmatch(name):
        raise RenderFailed("render", f"{name!r} is not a valid namespace name")
    return name
