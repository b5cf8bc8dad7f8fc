"""Unpacking what strangers packed: in memory, bounded, regular files below the root only."""

from __future__ import annotations

import gzip
import io
import posixpath
import tarfile
import zlib
from collections.abc import Iterator

from previews.engine.remote.hosts import Unreachable
from previews.engine.trees import MAX_FILE

MAX_PACKED = 20_000_000
MAX_UNPACKED = 100_000_000
MAX_FILES = 10_000


def unpack(data: bytes) -> dict[str, bytes]:
    """The files of a tar archive, gzipped or not, by path.

    Raises Unreachable for an archive that is broken, too large, or holds links, devices or paths that lead out of it
    (CVE-2023-40584, CVE-2025-32386).
    """
    stream = gzip.GzipFile(fileobj=io.BytesIO(data)) if data[:2] == b"\x1f\x8b" else io.BytesIO(data)
    try:
        with tarfile.open(fileobj=_Bounded(stream), mode="r|") as archive:
            return dict(_members(archive))
    except (tarfile.TarError, OSError, EOFError, zlib.error, UnicodeError, ValueError) as error:
        raise Unreachable(f"the archive cannot be unpacked: {error}") from None


class _Bounded(io.RawIOBase):
    """A stream that ends with an error once it has given more than an archive may hold."""

    def __init__(self, stream: io.BufferedIOBase) -> None:
        self._stream = stream
        self._given = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        data = self._stream.read(min(size, MAX_UNPACKED + 1) if size >= 0 else MAX_UNPACKED + 1)
        self._given += len(data)
        if self._given > MAX_UNPACKED:
            raise Unreachable(f"the archive holds more than {MAX_UNPACKED // 1_000_000} MB")
        return data


def _members(archive: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    seen = 0
    for member in archive:
        seen += 1
        if seen > MAX_FILES:
            raise Unreachable(f"the archive holds more than {MAX_FILES:,} files")
        path = _checked(member.name)
        if member.isdir():
            continue
        if not member.isreg() or member.issparse():
            raise Unreachable(f"the archive holds {path}, which is a link or no regular file")
        if member.size > MAX_FILE:
            raise Unreachable(f"the archive holds {path}, which is larger than {MAX_FILE // 1024 // 1024} MiB")
        file = archive.extractfile(member)
        yield path, file.read() if file else b""


def _checked(name: str) -> str:
    path = posixpath.normpath(name)
    parts = path.split("/")
    bad = any(ord(c) < 32 or ord(c) == 127 or c in '\\"' for c in name)
    if name.startswith("/") or ".." in name.split("/") or bad or ".git" in (part.lower() for part in parts):
        raise Unreachable(f"the archive holds {name[:200]!r}, which is no path below its root")
    return path
