"""Git trees read out of the object store: entries, files, symbolic links inside the tree. No working copy."""

from __future__ import annotations

import posixpath
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from git.db import GitCmdObjectDB
from git.exc import BadName, BadObject
from git.objects.fun import tree_entries_from_data
from git.repo import Repo

from previews.engine.errors import GitError, RenderFailed
from previews.engine.git import run_git

MAX_ENTRIES = 100_000
MAX_FILE = 10 * 1024 * 1024
MAX_LINKS = 10
PRELOAD_ENTRIES = 20_000
PRELOAD_FILE = 256 * 1024

_TREE, _LINK, _SUBMODULE = 0o040000, 0o120000, 0o160000


@dataclass(frozen=True, slots=True)
class Entry:
    """One name of a Git tree: its mode and its object id in hex."""

    name: str
    mode: int
    id: str

    @property
    def is_tree(self) -> bool:
        """Whether it is a folder."""
        return self.mode == _TREE

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link."""
        return self.mode == _LINK

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file (no link, no submodule)."""
        return self.mode not in (_TREE, _LINK, _SUBMODULE)


class ObjectStore:
    """Reads blobs and trees of a bare repository by id, keeping trees in memory. Safe to use from threads."""

    def __init__(self, folder: Path) -> None:
        """`folder` is the bare repository's."""
        self._folder = folder
        self._repository = Repo(folder, odbt=GitCmdObjectDB)
        self._lock = threading.Lock()
        self._loaded: dict[str, bytes] = {}
        self._preloaded: set[str] = set()
        self.entries = lru_cache(maxsize=50_000)(self._entries)

    def preload(self, tree: str) -> None:
        """Reads a whole tree of usual size in one go: asking for thousands of objects one by one takes a second.

        Once: several parts of a preview ask for the same trees.
        """
        if tree in self._preloaded:
            return
        listing = run_git(["ls-tree", "-r", "-t", "-l", "-z", tree], at=self._folder).split("\0")
        self._preloaded.add(tree)
        rows = [row.partition("\t")[0].split() for row in listing if row]
        if len(rows) > PRELOAD_ENTRIES:
            return
        small = {row[2] for row in rows if row[1] == "tree" or (row[1] == "blob" and int(row[3]) <= PRELOAD_FILE)}
        wanted = [tree, *sorted(small - self._loaded.keys())]
        data = run_git(["cat-file", "--batch", "--buffer"], at=self._folder, send="\n".join(wanted)).encode(
            "utf-8", "surrogateescape"
        )
        at = 0
        for object_id in wanted:
            end = data.index(b"\n", at)
            size = int(data[at:end].rsplit(b" ", 1)[1])
            self._loaded[object_id] = data[end + 1 : end + 1 + size]
            at = end + size + 2

    def _read(self, object_id: str) -> bytes:
        if object_id in self._loaded:
            return self._loaded[object_id]
        try:
            with self._lock:
                stream = self._repository.odb.stream(bytes.fromhex(object_id))
                if stream.size > MAX_FILE:
                    stream.read()
                    raise RenderFailed("resolve", f"a file is larger than {MAX_FILE // 1024 // 1024} MiB")
                data: bytes = stream.read()
                return data
        except (BadName, BadObject, ValueError):
            raise GitError(f"object {object_id} is not in the mirror") from None

    def _entries(self, tree: str) -> tuple[Entry, ...]:
        rows = tree_entries_from_data(self._read(tree))
        return tuple(Entry(_text(name), mode, sha.hex()) for sha, mode, name in rows)

    def links(self, tree: str) -> list[tuple[str, str]]:
        """(path, target) of every symbolic link of a tree, by path."""
        listing = run_git(["ls-tree", "-r", "-z", tree], at=self._folder).split("\0")
        rows = (row.partition("\t") for row in listing if row.startswith("120000 "))
        return [(path, _text(self.blob(head.split()[2]))) for head, _, path in rows]

    def holding(self, tree: str, text: str, *patterns: str) -> list[str]:
        """The ids of the blobs of a tree in which a text stands, whose paths match one of these patterns (`*.yaml`)."""
        arguments = ["grep", "-l", "-z", "-F", "-e", text, tree, "--", *patterns]
        paths = run_git(arguments, at=self._folder, good=(0, 1)).split("\0")
        wanted = {path.removeprefix(f"{tree}:") for path in paths if path}
        listing = run_git(["ls-tree", "-r", "-z", tree], at=self._folder).split("\0") if wanted else ()
        rows = (row.partition("\t") for row in listing)
        return sorted({head.split()[2] for head, _, path in rows if path in wanted and not head.startswith("120000")})

    def blob(self, blob: str) -> bytes:
        """The bytes of a blob. Raises RenderFailed when it is larger than MAX_FILE."""
        return self._read(blob)

    def close(self) -> None:
        """Ends the git processes that serve the reads."""
        self._repository.close()


def _text(name: str | bytes) -> str:
    return name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name


class Tree:
    """One root tree. Paths are relative, with slashes; links are followed inside the tree only."""

    def __init__(self, store: ObjectStore, id: str) -> None:
        """`id` is the tree's object id."""
        self.store = store
        self.id = id

    def entry(self, path: str) -> Entry | None:
        """The entry at a path, links followed; None when there is nothing.

        Raises RenderFailed when the path or a link leads out of the tree (as Argo CD refuses it,
        util/app/path/path.go CheckOutOfBoundsSymlinks) or links are chained too long.
        """
        parts = clean_path(path).split("/") if clean_path(path) else []
        current, done, links = Entry("", _TREE, self.id), [""][:0], 0
        while parts:
            name = parts.pop(0)
            found = self._child(current, name)
            if found is None:
                return None
            if not found.is_link:
                current = found
                done.append(name)
                continue
            links += 1
            if links > MAX_LINKS:
                raise RenderFailed("resolve", f"{path}: more than {MAX_LINKS} symbolic links")
            target = self.store.blob(found.id).decode("utf-8", "surrogateescape")
            parts = self._follow("/".join(done), target, path) + parts
            current, done = Entry("", _TREE, self.id), []
        return current

    def _child(self, parent: Entry, name: str) -> Entry | None:
        if not parent.is_tree:
            return None
        return next((entry for entry in self.store.entries(parent.id) if entry.name == name), None)

    @staticmethod
    def _follow(folder: str, target: str, path: str) -> list[str]:
        if target.startswith("/"):
            raise RenderFailed("resolve", f"{path}: symbolic link to an absolute path")
        where = clean_path(posixpath.join(folder, target))
        return where.split("/") if where else []

    def read(self, path: str) -> bytes | None:
        """The bytes of the file at a path, None when there is none. Raises as `entry` does."""
        entry = self.entry(path)
        return self.store.blob(entry.id) if entry and entry.is_file else None

    def link_out_of_bounds(self) -> str:
        """What is wrong with the first link that leaves the tree, even if it comes back; "" when none does.

        Argo CD refuses to render anything of such a repository (util/app/path/path.go CheckOutOfBoundsSymlinks).
        """
        for path, target in self.store.links(self.id):
            if target.startswith("/"):
                return f"{path}: symbolic link to an absolute path"
            depth = path.count("/")
            for part in target.split("/"):
                depth += {"..": -1, ".": 0, "": 0}.get(part, 1)
                if depth < 0:
                    return f"{path}: symbolic link leads out of the repository"
        return ""

    def walk(self, path: str = "") -> Iterator[tuple[str, Entry]]:
        """All files and links below a folder as (path from the root, entry), folder by folder, in Git's order.

        Raises RenderFailed past MAX_ENTRIES: a tree of a few kilobytes can stand for 10^10 files.
        """
        start = self.entry(path)
        if start is None or not start.is_tree:
            return
        stack = [(clean_path(path), start)]
        seen = 0
        while stack:
            folder, tree = stack.pop()
            children = self.store.entries(tree.id)
            seen += len(children)
            if seen > MAX_ENTRIES:
                raise RenderFailed("resolve", f"{path or 'the repository'} holds more than {MAX_ENTRIES:,} entries")
            for entry in children:
                where = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_tree:
                    stack.append((where, entry))
                elif entry.is_file or entry.is_link:
                    yield where, entry


def clean_path(path: str) -> str:
    """A relative path without `.`, `..` and doubled slashes; "" for the root.

    Raises RenderFailed when it leads out of the tree (CVE-2022-24730, CVE-2022-24731).
    """
    if path.startswith("/") or "\0" in path:
        raise RenderFailed("resolve", f"{path!r} is not a path inside the repository")
    clean = posixpath.normpath(path) if path else "."
    if clean == ".." or clean.startswith("../"):
        raise RenderFailed("resolve", f"{path!r} leads out of the repository")
    return "" if clean == "." else clean
