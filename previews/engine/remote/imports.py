"""Archives and trees in a mirror that are no part of its repository: kept by refs of our own, found again by name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from previews.engine.git import Mirror, run_git

_CHARTS, _NAMES = "refs/astrolabe/charts", "refs/astrolabe/chart-names"
_FILES, _PACKED = "files", "archive.tgz"


@dataclass(frozen=True)
class Imported:
    """An archive in the mirror: the SHA-256 of its bytes, the tree of its files, and the blob that is itself."""

    digest: str
    tree: str
    blob: str


def import_archive(mirror: Mirror, data: bytes, files: Mapping[str, bytes]) -> Imported:
    """Writes an archive and its files into the mirror. The same archive gives the same objects everywhere."""
    digest = hashlib.sha256(data).hexdigest()
    found = find_digest(mirror, digest)
    if found is not None:
        return found
    parts = [f"commit {_CHARTS}/{digest}\ncommitter Astrolabe <astrolabe@localhost> 0 +0000\n".encode(), _data(b"")]
    for path, content in {_PACKED: data, **{f"{_FILES}/{path}": content for path, content in files.items()}}.items():
        parts += [f"M 100644 inline {path}\n".encode("utf-8", "surrogateescape"), _data(content)]
    # Forced: another process may have written the same in the meantime.
    run_git(["fast-import", "--quiet", "--force"], at=mirror.folder, send=b"".join(parts))
    imported = find_digest(mirror, digest)
    assert imported is not None
    return imported


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


def find_digest(mirror: Mirror, digest: str) -> Imported | None:
    """What was imported of an archive with this SHA-256."""
    return _read(mirror, f"{_CHARTS}/{digest}", digest)


def find_name(mirror: Mirror, *name: str) -> Imported | None:
    """What was given this name, such as (repository, chart, version)."""
    ref = f"{_NAMES}/{_key(name)}"
    commit = mirror.git("rev-parse", "--verify", "--quiet", ref, good=(0, 1)).strip()
    if not commit:
        return None
    refs = mirror.git("for-each-ref", "--format=%(refname)", f"--points-at={commit}", _CHARTS).split()
    return _read(mirror, refs[0], refs[0].rpartition("/")[2]) if refs else None


def give_name(mirror: Mirror, imported: Imported, *name: str) -> None:
    """Makes an import findable by name."""
    mirror.git("update-ref", f"{_NAMES}/{_key(name)}", f"{_CHARTS}/{imported.digest}")


def _key(name: tuple[str, ...]) -> str:
    return hashlib.sha256(json.dumps(name).encode()).hexdigest()


def _read(mirror: Mirror, ref: str, digest: str) -> Imported | None:
    said = mirror.git(
        "rev-parse", "--verify", "--quiet", f"{ref}:{_FILES}", good=(0, 1, 128)
    ).split()  # one object each: --verify takes no more
    packed = mirror.git("rev-parse", "--verify", "--quiet", f"{ref}:{_PACKED}", good=(0, 1, 128)).split()
    return Imported(digest, said[0], packed[0]) if said and packed else None
