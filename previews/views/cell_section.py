"""A section of a cell's page: two texts side by side. Data, and the diff of it when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b
from typing import Literal

from django.core.cache import cache

from previews.engine.cells import NO_NOISE, Lines, Noise, ResourceState
from previews.engine.diff.colours import long_scalars
from previews.engine.diff.fields import NO_FIELDS, FieldList
from previews.engine.diff.lines import LineDiff, diff_lines, split_lines
from previews.engine.diff.noise import noisy_lines, quieted
from previews.engine.diff.opcodes import Opcode, count
from previews.engine.diff.order import aligned
from previews.engine.manifests import ResourceId
from previews.engine.predict.findings import Finding

#: What can be quieted, by its name in addresses.
NoiseName = Literal["labels", "order"]
NOISES: tuple[NoiseName, ...] = ("labels", "order")

#: Lines, from the first to behind the last, of the scalars that have several.
Scalars = list[tuple[int, int]]
#: Steps and scalars of a section that stay in memory, some 20 bytes each, for at most 300 sections (Django's default).
_KEPT = 10_000


@dataclass(frozen=True)
class Section:
    """Two texts side by side under a heading. None is a text that is not there.

    `index` names it in addresses: it does not depend on what else is hidden. `id` is set for resources;
    `renamed_from` when the left one had another identity. `counted` are the lines added and removed where the preview
    has counted them, `noise` those that `quiet` takes away. `change` is equal for the very same change elsewhere, ""
    where that is not known. `fields` are those that change in a resource that is on both sides.
    `remarks` is what the prediction says of lines of the head, by their number.
    """

    index: int
    title: str
    state: ResourceState
    left: str | None
    right: str | None
    id: ResourceId | None = None
    renamed_from: ResourceId | None = None
    counted: Lines | None = None
    change: str = ""
    fields: FieldList = NO_FIELDS
    noise: Noise = NO_NOISE
    quiet: frozenset[NoiseName] = frozenset()
    remarks: Mapping[int, Sequence[Finding]] = field(default_factory=dict)

    @property
    def texts(self) -> tuple[str | None, str | None]:
        """Both sides."""
        return self.left, self.right

    @cached_property
    def left_lines(self) -> list[str]:
        """The base's lines; where order is quieted, in the order that the head has them in."""
        lines = split_lines(self.left or "")
        return lines if self.left_order is None else [lines[at] for at in self.left_order]

    @cached_property
    def left_order(self) -> list[int] | None:
        """Where the base's lines stand in its text, from 0; None for as they come."""
        return aligned(self.left or "", self.right or "") if self._is_quiet("order") else None

    def place(self, is_base: bool, number: int) -> int:
        """Where the line with a number, counted from 1, stands among those that are shown: from 0, -1 for nowhere."""
        if not is_base or self.left_order is None:
            return number - 1
        return self.left_order.index(number - 1) if 0 < number <= len(self.left_order) else -1

    def _is_quiet(self, name: NoiseName) -> bool:
        return name in self.quiet and bool(getattr(self.noise, name))

    @cached_property
    def right_lines(self) -> list[str]:
        """The head's lines."""
        return split_lines(self.right or "")

    @property
    def left_scalars(self) -> Scalars:
        """Where the base's scalars of several lines stand."""
        return self._found[1]

    @property
    def right_scalars(self) -> Scalars:
        """Where the head's scalars of several lines stand."""
        return self._found[2]

    @property
    def diff(self) -> LineDiff:
        """The edit script, worked out when it is first asked for. To it, a line is what is not quieted of it."""
        return self._found[0]

    @cached_property
    def _found(self) -> tuple[LineDiff, Scalars, Scalars]:
        """What takes a look at every line of both texts, kept in memory for the next fold or page."""
        quiet = [name for name in NOISES if self._is_quiet(name)]
        texts = "\0".join((*quiet, self.left or "", self.right or "")).encode()
        key = f"section-{blake2b(texts, digest_size=20).hexdigest()}"
        known: tuple[LineDiff, Scalars, Scalars] | None = cache.get(key)
        if known:
            return known
        diff = diff_lines(*(self._quieted_lines if "labels" in quiet else (self.left_lines, self.right_lines)))
        found = diff, long_scalars(self.left_lines), long_scalars(self.right_lines)
        if sum(map(len, (diff.opcodes, *found[1:]))) <= _KEPT:
            cache.set(key, found)
        return found

    @property
    def _quieted_lines(self) -> tuple[list[str], list[str]]:
        left, right = (quieted(lines, noisy_lines("\n".join(lines))) for lines in (self.left_lines, self.right_lines))
        return left, right

    @property
    def opcodes(self) -> tuple[Opcode, ...]:
        """The edit script's steps."""
        return self.diff.opcodes

    @cached_property
    def lines(self) -> Lines:
        """Lines added and removed."""
        if self.counted is not None and not any(map(self._is_quiet, NOISES)):
            return self.counted
        if self.left is None:
            return len(self.right_lines), 0
        if self.right is None:
            return 0, len(self.left_lines)
        return count(self.opcodes)


@dataclass(frozen=True)
class Sections:
    """The sections of a view. `equal` resources do not differ; `hidden` differ in nothing but order and comments.

    `noise` counts the lines that can be quieted; `quieted` resources are not shown, as they differ in nothing else.
    """

    sections: tuple[Section, ...]
    hidden: int = 0
    equal: int = 0
    noise: Noise = NO_NOISE
    quieted: int = 0

    def at(self, index: int) -> Section | None:
        """The section that an address names."""
        return next((section for section in self.sections if section.index == index), None)

    def quietly(self) -> Sections:
        """Without the sections of which nothing is left to see."""
        heard = tuple(section for section in self.sections if not any(section.noise) or any(section.lines))
        return replace(self, sections=heard, quieted=len(self.sections) - len(heard))
