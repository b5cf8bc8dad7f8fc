"""The value files that an instance reads on each side, and which of them differ: what people edit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from previews.engine.cells import Lines, ResourceState
from previews.engine.diff.lines import diff_lines, split_lines
from previews.engine.diff.opcodes import count
from previews.engine.render.requests import digest
from previews.engine.yamls import dump


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A value file of one side. `id` is its blob's, so that the same text is known without reading it.

    `read` gives its bytes, and raises RenderFailed when they are too many.
    """

    name: str
    id: str
    read: Callable[[], bytes] = field(repr=False, compare=False)

    @property
    def text(self) -> str:
        """What stands in it, read anew each time; secrets are not masked. Raises RenderFailed when it is too large."""
        return self.read().decode("utf-8", "replace")


def inline_file(name: str, values: str | Mapping[str, Any]) -> ReadFile:
    """A file for values that stand in none: YAML as somebody wrote it, or what it would say."""

    def read() -> bytes:
        text = values if isinstance(values, str) else dump(values, sort_keys=False)
        return text.encode("utf-8", "replace")

    return ReadFile(name, digest(values), read)


#: The text of a file as it may be shown beside that of the other side, None when there is no other.
ShowFile = Callable[[ReadFile, ReadFile | None], str]


@dataclass(frozen=True, slots=True)
class ValueFile:
    """A value file on both sides: its texts, masked, None on a side that does not read it.

    One that is the same on both sides has no texts at all.
    """

    name: str
    base: str | None = None
    head: str | None = None

    @property
    def is_changed(self) -> bool:
        """Whether it differs."""
        return self.base is not None or self.head is not None

    @property
    def state(self) -> ResourceState:
        """What happened to one that differs."""
        return "added" if self.base is None else "removed" if self.head is None else "changed"

    @property
    def lines(self) -> Lines:
        """Lines added and removed."""
        return _lines(self.base, self.head)


# All clusters have the change of a common file in common.
@lru_cache(maxsize=512)
def _lines(base: str | None, head: str | None) -> Lines:
    old, new = (split_lines(text or "") for text in (base, head))
    if base is None or head is None:
        return len(new), len(old)
    return count(diff_lines(old, new).opcodes)


def told_apart(files: Iterable[ReadFile]) -> tuple[ReadFile, ...]:
    """The files in their order, each once; others of the same name get a number behind it."""
    found: dict[str, ReadFile] = {}
    for file in dict.fromkeys(files):
        name, number = file.name, 1
        while name in found:
            number += 1
            name = f"{file.name} ({number})"
        found[name] = replace(file, name=name)
    return tuple(found.values())


def compare_files(base: Sequence[ReadFile], head: Sequence[ReadFile], show: ShowFile) -> tuple[ValueFile, ...]:
    """The files of both sides by name: in the head's order, then those that are read no more."""
    before, after = ({file.name: file for file in side} for side in (base, head))
    return tuple(_compare(name, before.get(name), after.get(name), show) for name in {**after, **before})


def _compare(name: str, before: ReadFile | None, after: ReadFile | None, show: ShowFile) -> ValueFile:
    if before == after:
        return ValueFile(name)
    return ValueFile(name, show(before, after) if before else None, show(after, before) if after else None)
