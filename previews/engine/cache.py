"""Results of renders, kept by key for ever: equal keys are never rendered twice."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import zstandard

from previews.engine.errors import RenderFailed
from previews.engine.manifests import Manifest, MissingDependency, Resource, ResourceId
from previews.engine.render.pool import Result

MAX_CACHE_BYTES = 2 * 1024**3


class ManifestCache(Protocol):
    """Where results are kept: a folder for the commands, the database for the server."""

    def get_many(self, keys: Iterable[str]) -> dict[str, Result]:
        """The results known for these keys."""

    def put(self, key: str, result: Result) -> None:
        """Keeps a result. Only what would come out the same again may be put."""


def encode(result: Result) -> bytes:
    """A result as compressed JSON."""
    if isinstance(result, RenderFailed):
        content: dict[str, Any] = {"error": {"stage": result.stage, "message": str(result)}}
    else:
        content = {
            "resources": [
                [r.id.group, r.version, r.id.kind, r.id.namespace, r.id.name, r.hash, r.text] for r in result.resources
            ],
            "warnings": result.warnings,
            "missing": [asdict(item) for item in result.missing],
        }
    return zstandard.compress(json.dumps(content, separators=(",", ":")).encode(), 3)


def decode(data: bytes) -> Result:
    """The result that `encode` wrote."""
    content: Mapping[str, Any] = json.loads(zstandard.decompress(data))
    error = content.get("error")
    if error:
        return RenderFailed(error["stage"], error["message"])
    resources = tuple(
        Resource(ResourceId(group, kind, namespace, name), version, text, hashed)
        for group, version, kind, namespace, name, hashed, text in content["resources"]
    )
    missing = tuple(MissingDependency(**item) for item in content["missing"])
    return Manifest(resources, tuple(content["warnings"]), missing)


class FolderCache:
    """A folder of results, one file each, bounded in size: what was not used for longest goes first."""

    def __init__(self, folder: Path, max_bytes: int = MAX_CACHE_BYTES) -> None:
        """`folder` need not exist."""
        self.folder = folder
        self.max_bytes = max_bytes

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / key

    def get_many(self, keys: Iterable[str]) -> dict[str, Result]:
        """The results known for these keys. A damaged file counts as not known."""
        found: dict[str, Result] = {}
        for key in keys:
            path = self._path(key)
            try:
                found[key] = decode(path.read_bytes())
                os.utime(path)
            except (OSError, ValueError, KeyError, zstandard.ZstdError):
                continue
        return found

    def put(self, key: str, result: Result) -> None:
        """Keeps a result; a reader never sees half of one."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as draft:
            draft.write(encode(result))
        os.replace(draft.name, path)

    def prune(self) -> int:
        """Removes the results that were not used for longest until the rest fits, and gives how many."""
        files = [(path.stat().st_mtime, path.stat().st_size, path) for path in self.folder.glob("??/*")]
        total = sum(size for _, size, _ in files)
        removed = 0
        for _, size, path in sorted(files, key=lambda row: row[0]):
            if total <= self.max_bytes:
                break
            path.unlink(missing_ok=True)
            total -= size
            removed += 1
        return removed
