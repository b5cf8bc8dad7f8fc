"""`kustomize edit set image`: which name, tag and digest an image gets.

Mirrors kustomize/commands/edit/set/setimage.go and api/pkg/util/image.go of Kustomize.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from previews.engine.errors import RenderFailed

_KEEP = "*"
_FIELDS = ("newName", "newTag", "digest")


def set_images(images: Iterable[Any], arguments: Iterable[str]) -> list[dict[str, Any]]:
    """The `images` of a kustomization after `[old=]name[:tag][@digest]` of each argument, sorted by name.

    An argument replaces the whole entry of its name; `*` keeps that field of it. Raises RenderFailed.
    """
    wanted = {entry["name"]: entry for entry in map(_parse, arguments)}
    here = {str(item.get("name")): item for item in images if isinstance(item, dict)}
    for name, entry in wanted.items():
        before = here.get(name, {})
        kept = {key: before.get(key, "") if entry[key] == _KEEP else entry[key] for key in _FIELDS}
        here[name] = {"name": name, **{key: value for key, value in kept.items() if value}}
    return [here[name] for name in sorted(here)]


def _parse(argument: str) -> dict[str, str]:
    old, equals, new = argument.partition("=")
    name, tag, digest = _split(new if equals else argument)
    if name == argument:
        raise RenderFailed("render", f"kustomize image {argument!r} must be [old=]name[:tag][@digest]")
    chosen = {"name": old, "newName": name} if equals and old else {"name": name, "newName": ""}
    return {**chosen, "newTag": tag, "digest": digest}


def _split(image: str) -> tuple[str, str, str]:
    """Name, tag and digest; a colon before the first slash is a port."""
    slash = max(image.find("/"), 0)
    at, colon = image.find("@", slash), image.find(":", slash)
    if at >= 0 and (colon < 0 or at < colon):
        return image[:at], "", image[at + 1 :]
    if colon < 0:
        return image, "", ""
    end = at if at >= 0 else len(image)
    return image[:colon], image[colon + 1 : end], image[end + 1 :]
