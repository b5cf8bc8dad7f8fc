"""Results of renders, kept by key for ever: equal keys are never rendered twice."""

from __future__ import annotations

import json
import sqlite3
import time
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
    """Where results are kept: a file for the commands, the database for the server."""

    def get_many(self, keys: Iterable[str]) -> dict[str, Result]:
        """The results known for these keys."""

    def put_many(self, results: Mapping[str, Result]) -> None:
        """Keeps results by key. Only what would come out the same again may be put."""


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


_TABLE = """
CREATE TABLE IF NOT EXISTS manifest (
    key TEXT PRIMARY KEY, data BLOB NOT NULL, used INTEGER NOT NULL
) WITHOUT ROWID
"""


class FileCache:
    """Results in one file, bounded in size: what was not used for longest goes first.

    An SQLite database rather than a file for each result, since opening five hundred files costs more than rendering
    half of them. Several processes may use it at once.
    """

    def __init__(self, path: Path, max_bytes: int = MAX_CACHE_BYTES) -> None:
        """The file need not exist. A damaged one is started anew: it is only a cache."""
        self.path = path
        self.max_bytes = max_bytes
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            self._database = self._open()
        except sqlite3.DatabaseError:
            path.unlink()
            self._database = self._open()

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path, timeout=30, isolation_level="IMMEDIATE", check_same_thread=False)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=NORMAL")
        with database:
            database.execute(_TABLE)
        return database

    def get_many(self, keys: Iterable[str]) -> dict[str, Result]:
        """The results known for these keys."""
        found: dict[str, Result] = {}
        for key in keys:
            row = self._database.execute("SELECT data FROM manifest WHERE key = ?", (key,)).fetchone()
            if row:
                found[key] = decode(row[0])
        with self._database:
            now = int(time.time())
            used = [(now, key) for key in found]
            self._database.executemany("UPDATE manifest SET used = ? WHERE key = ?", used)
        return found

    def put_many(self, results: Mapping[str, Result]) -> None:
        """Keeps results; the first one of a key stays."""
        now = int(time.time())
        rows = [(key, encode(result), now) for key, result in results.items()]
        with self._database:
            self._database.executemany("INSERT OR IGNORE INTO manifest VALUES (?, ?, ?)", rows)

    def forget(self, keys: Iterable[str]) -> None:
        """Removes results, if they are there."""
        with self._database:
            self._database.executemany("DELETE FROM manifest WHERE key = ?", [(key,) for key in keys])

    def prune(self) -> int:
        """Removes the results that were not used for longest until the rest fits, and gives how many."""
        rows = self._database.execute("SELECT key, length(data) FROM manifest ORDER BY used DESC").fetchall()
        total, gone = 0, []
        for key, size in rows:
            total += size
            if total > self.max_bytes:
                gone.append(key)
        self.forget(gone)
        return len(gone)

    def close(self) -> None:
        """Closes the file."""
        self._database.close()
