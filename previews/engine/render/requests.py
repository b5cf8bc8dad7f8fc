"""What a renderer is asked: plain, complete, and known by its content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from previews.engine.manifests import MissingDependency
from previews.engine.yamls import canonical

#: Part of every render key: raise it whenever the same input would give other output.
ENGINE_VERSION = "6"

Tool = Literal["helm", "kustomize", "directory", "gotemplate", "plugin"]


@dataclass(frozen=True, slots=True)
class Archive:
    """A chart archive, and the SHA-256 of its bytes.

    `path` is on our disk; of one that lies in Git, as `blob`, only the path's name counts.
    """

    path: Path
    digest: str
    blob: str = ""


@dataclass(frozen=True, slots=True)
class Checkout:
    """Files that a renderer needs on disk: (path, blob id) from Git, (path, archive) from the chart store.

    `id` is the hash of both, so that equal checkouts are written once.
    """

    id: str
    files: tuple[tuple[str, str], ...]
    archives: tuple[tuple[str, Archive], ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """One source of an instance. `options` are JSON and hold all that matters besides the files."""

    tool: Tool
    checkout: Checkout
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """Everything that an instance renders at one side. Equal keys give equal manifests."""

    key: str
    parts: tuple[Part, ...]
    missing: tuple[MissingDependency, ...] = ()


def make_checkout(files: Mapping[str, str], archives: Mapping[str, Archive] | None = None) -> Checkout:
    """A checkout of files (path -> blob id) and archives (path -> archive)."""
    archives = archives or {}
    content = [sorted(files.items()), sorted((path, archive.digest) for path, archive in archives.items())]
    return Checkout(digest(content), tuple(sorted(files.items())), tuple(sorted(archives.items())))


def make_request(parts: tuple[Part, ...], missing: tuple[MissingDependency, ...] = ()) -> RenderRequest:
    """A request with its key."""
    content = [[part.tool, part.checkout.id, part.options] for part in parts]
    absent = [[item.name, item.version, item.repository] for item in missing]
    return RenderRequest(digest([ENGINE_VERSION, content, absent]), parts, missing)


def digest(value: Any) -> str:
    """The SHA-256, in hex, of a JSON value's canonical text."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()


def to_json(request: RenderRequest) -> dict[str, Any]:
    """A request as JSON, to be kept until a worker takes it."""
    return {
        "key": request.key,
        "missing": [[item.name, item.version, item.repository, item.inputs] for item in request.missing],
        "parts": [
            {
                "tool": part.tool,
                "id": part.checkout.id,
                "files": part.checkout.files,
                "archives": [[name, str(item.path), item.digest] for name, item in part.checkout.archives],
                "options": part.options,
            }
            for part in request.parts
        ],
    }


def from_json(content: Mapping[str, Any]) -> RenderRequest:
    """The request that `to_json` wrote."""
    return RenderRequest(
        content["key"],
        tuple(
            Part(
                part["tool"],
                Checkout(
                    part["id"],
                    tuple((name, blob) for name, blob in part["files"]),
                    tuple((name, Archive(Path(path), found)) for name, path, found in part["archives"]),
                ),
                part["options"],
            )
            for part in content["parts"]
        ),
        tuple(MissingDependency(*row) for row in content["missing"]),
    )
