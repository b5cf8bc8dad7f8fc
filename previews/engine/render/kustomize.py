"""Kustomize sources: the files that a kustomization reaches, and Argo CD's edits put into it.

Mirrors util/kustomize/kustomize.go of Argo CD. Remote bases are named, never fetched.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from previews.engine.applications import Source
from previews.engine.errors import NotRendered, RenderFailed, YamlError
from previews.engine.render.charts import tree_files
from previews.engine.render.requests import Part, make_checkout
from previews.engine.trees import Tree, clean_path
from previews.engine.yamls import load

FILE_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_REMOTE = re.compile(r"[a-z+]+://|git@|github\.com[:/]|.*\?(ref|version)=|.*\.git(//|$)")
_BASES = ("resources", "bases", "components")
_FILE_LISTS = ("patchesStrategicMerge", "crds", "configurations", "transformers", "generators", "validators")
#: Options that Argo CD edits into the kustomization and that Astrolabe edits in as well.
_EDITS = frozenset(
    ("namePrefix", "nameSuffix", "namespace", "images", "replicas", "commonLabels", "commonAnnotations", "patches",
     "components", "forceCommonLabels", "forceCommonAnnotations", "labelWithoutSelector", "version")
)  # fmt: skip


def kustomization(tree: Tree, path: str) -> tuple[str, Mapping[str, Any]]:
    """The name and content of a folder's kustomization file. Raises RenderFailed when there is none or it is broken."""
    for name in FILE_NAMES:
        data = tree.read(posixpath.join(path, name))
        if data is None:
            continue
        try:
            content = load(data.decode("utf-8", "replace"))
        except YamlError as error:
            raise RenderFailed("resolve", f"{path}/{name}: {error}") from None
        if content is not None and not isinstance(content, dict):
            raise RenderFailed("resolve", f"{path}/{name} is no YAML mapping")
        return name, content or {}
    raise RenderFailed("resolve", f"{path}: no kustomization file")


def closure(tree: Tree, path: str) -> dict[str, str]:
    """All files that a build of this folder may read, as path from the root -> blob id.

    Raises NotRendered when a base lies in another repository, RenderFailed when it leads out of this one.
    """
    files: dict[str, str] = {}
    waiting, seen = [clean_path(path)], set()
    while waiting:
        folder = waiting.pop()
        if folder in seen:
            continue
        seen.add(folder)
        files.update((posixpath.join(folder, name), blob) for name, blob in tree_files(tree, folder))
        _, content = kustomization(tree, folder)
        for where in _references(folder, content):
            entry = tree.entry(where)
            if entry is None:
                continue  # kustomize itself says so, better than we could
            if entry.is_tree:
                waiting.append(where)
            else:
                files[where] = entry.id
    return files


def _references(folder: str, content: Mapping[str, Any]) -> Iterator[str]:
    for key in (*_BASES, *_FILE_LISTS):
        for item in content.get(key) or ():
            if not isinstance(item, str) or "\n" in item:
                continue
            if _REMOTE.match(item):
                raise NotRendered("dependency", f"remote base {item} is not fetched")
            yield _inside(folder, item)
    for item in [*(content.get("patches") or ()), *(content.get("replacements") or ())]:
        if isinstance(item, dict) and isinstance(item.get("path"), str):
            yield _inside(folder, item["path"])
    yield from (_inside(folder, name) for name in _generated_from(content))
    if content.get("helmCharts") or content.get("helmChartInflationGenerator"):
        raise NotRendered("plugin", "kustomize with Helm charts inside (--enable-helm) is not rendered")


def _generated_from(content: Mapping[str, Any]) -> Iterator[str]:
    """The files that generators read: `files` may have a key before the path."""
    for key in ("configMapGenerator", "secretGenerator"):
        for item in content.get(key) or ():
            if not isinstance(item, dict):
                continue
            names = [str(name).rpartition("=")[2] for name in item.get("files") or ()]
            names += [str(name) for name in [*(item.get("envs") or ()), *([item["env"]] if item.get("env") else ())]]
            for name in names:
                if _REMOTE.match(name):
                    raise NotRendered("dependency", f"remote file {name} is not fetched")
                yield name


def _inside(folder: str, reference: str) -> str:
    return clean_path(posixpath.join(folder, reference))


def values(tree: Tree, source: Source) -> dict[str, Any]:
    """What stands in the value row: the Application's options and the path's own kustomization."""
    _, content = kustomization(tree, clean_path(source.path))
    return {"kustomization": dict(content), **({"kustomize": dict(source.kustomize)} if source.kustomize else {})}


def part(tree: Tree, source: Source) -> Part:
    """What to render for a Kustomize source. Raises RenderFailed, or NotRendered for an option that we cannot apply."""
    path = clean_path(source.path)
    files = closure(tree, path)
    options: dict[str, Any] = {"path": path}
    if source.kustomize:
        unknown = sorted(set(source.kustomize) - _EDITS)
        if unknown:
            raise NotRendered("plugin", f"kustomize option {', '.join(unknown)} is not supported")
        name, content = kustomization(tree, path)
        options["kustomization"] = {"name": name, "content": edited(content, source.kustomize)}
    return Part("kustomize", make_checkout(files), options)


def edited(content: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The kustomization after `kustomize edit`, in the order in which Argo CD calls it. Raises RenderFailed."""
    result = dict(content)
    for key in ("namePrefix", "nameSuffix", "namespace"):
        if options.get(key):
            result[key] = options[key]
    if options.get("images"):
        result["images"] = _set_images(result.get("images") or [], options["images"])
    if options.get("replicas"):
        counts = {item["name"]: {"name": item["name"], "count": int(item["count"])} for item in options["replicas"]}
        kept = [item for item in result.get("replicas") or [] if item.get("name") not in counts]
        result["replicas"] = sorted([*kept, *counts.values()], key=lambda item: str(item["name"]))
    _add_metadata(result, options)
    for key in ("patches", "components"):
        if options.get(key):
            result[key] = [*(result.get(key) or []), *options[key]]
    return result


def _add_metadata(result: dict[str, Any], options: Mapping[str, Any]) -> None:
    for key, force in (("commonLabels", "forceCommonLabels"), ("commonAnnotations", "forceCommonAnnotations")):
        added = options.get(key) or {}
        here = result.get(key) or {}
        twice = sorted(set(added) & set(here))
        if twice and not options.get(force):
            raise RenderFailed("render", f"{key}: {', '.join(twice)} already in kustomization file")
        if not added:
            continue
        if key == "commonLabels" and options.get("labelWithoutSelector"):
            result["labels"] = [*(result.get("labels") or []), {"includeSelectors": False, "pairs": dict(added)}]
        else:
            result[key] = {**here, **added}


def _set_images(images: list[Any], arguments: list[Any]) -> list[Any]:
    """`kustomize edit set image` (edit/set/setimage.go): `[old=]name[:tag][@digest]` replaces a whole entry."""
    by_name = {str(item.get("name")): item for item in images if isinstance(item, dict)}
    for argument in arguments:
        old, _, new = str(argument).rpartition("=")
        found = re.fullmatch(r"(?P<name>(?:[^/@]+/)*[^/:@]+)(?::(?P<tag>[^@]+))?(?:@(?P<digest>.+))?", new)
        if not found or not (old or found["tag"] or found["digest"]):
            raise RenderFailed("resolve", f"kustomize image {argument!r} must be [old=]name[:tag][@digest]")
        entry: dict[str, Any] = {"name": old or found["name"]}
        entry |= {"newName": found["name"]} if old else {}
        entry |= {"newTag": found["tag"]} if found["tag"] else {}
        entry |= {"digest": found["digest"]} if found["digest"] else {}
        by_name[entry["name"]] = entry
    return [by_name[name] for name in sorted(by_name)]
