"""Order without meaning: brings the lines of one text into the order in which another has the same keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from previews.engine.diff.blocks import Block, Entry, read_blocks
from previews.engine.diff.fields import field_changes
from previews.engine.diff.lines import diff_lines, has_other_breaks, split_lines
from previews.engine.diff.merge_keys import item_keys
from previews.engine.errors import YamlError
from previews.engine.yamls import canonical, load, load_all

#: Pairs of items that matching two lists without keys may look at (see `diff_lines`).
BUDGET = 25_000_000


def is_reordered(base: Any, head: Any, name: str = "") -> bool:
    """Whether keys, or named items, that both parsed values have stand in another order somewhere: a cheap look.

    `name` is the field that the values stand in. Lists without names are compared place by place.
    """
    if isinstance(base, dict) and isinstance(head, dict):
        common = [key for key in base if key in head]
        if common != [key for key in head if key in base]:
            return True
        return any(is_reordered(base[key], head[key], key) for key in common)
    if not isinstance(base, list) or not isinstance(head, list):
        return False
    keys = item_keys(name, base, head)
    if keys is None:
        return any(is_reordered(*pair) for pair in zip(base, head, strict=False))
    old, new = (
        {repr(key): item for key, item in zip(*side, strict=True)} for side in zip(keys, (base, head), strict=True)
    )
    return is_reordered(old, new)


def aligned(left: str, right: str) -> list[int]:
    """The order for the left text's lines (as `split_lines` has them, from 0) in which its keys stand as in the right.

    Mappings and lists whose items have names are put in order, at every level; what the right lacks stays behind what
    it followed. Comments and blank lines go with what they precede, but those at the top and at the end stay. The
    lines as ordered read as the left text did, but for the order of keys and of named items. What begins behind a `- `
    stays first. Texts that cannot be read, with several documents, anchors or unusual line ends stay as they are.
    """
    lines = split_lines(left)
    unchanged = list(range(len(lines)))
    try:
        order = _order(left, right, len(lines))
        if order != unchanged and _reads_the_same(left, "".join(f"{lines[line]}\n" for line in order)):
            return order
    except YamlError:
        pass
    return unchanged


def _order(left: str, right: str, count: int) -> list[int]:
    values, others = load_all(left), load_all(right)
    block = None if has_other_breaks(left) or len(others) != 1 else read_blocks(left)
    if block is None:
        return list(range(count))
    lines = list(range(block.entries[0].lead))
    _add_block(lines, block, _Place("", values[0], others[0]), -1)
    return [*lines, *range(block.entries[-1].end, count)]


def _reads_the_same(left: str, ordered: str) -> bool:
    """Guards against what moves into a `|` block, such as a comment that is indented as it."""
    return all(change.state == "moved" for change in field_changes(load(left), load(ordered)))


@dataclass(frozen=True, slots=True)
class _Place:
    """A value of the left text and its counterpart in the right, None where there is none.

    `name` is the field that it stands in; `rank` counts it in the right, None to stay behind the one before it.
    """

    name: str
    value: Any
    other: Any
    rank: int | None = None


# As deep as the YAML parser allows, so recursion is safe.
def _add_block(lines: list[int], block: Block, place: _Place, start: int) -> None:
    """Adds the lines of a block that stands in an entry whose own first line is `start`."""
    places = _within(place)
    # Fewer places than entries: a key stands twice.
    if len(places) != len(block.entries):
        lines.extend(range(block.entries[0].lead, block.entries[-1].end))
        return
    is_pinned = block.entries[0].start == start
    for at in _in_order([inner.rank for inner in places], is_pinned):
        _add_entry(lines, block.entries[at], places[at])


def _add_entry(lines: list[int], entry: Entry, place: _Place) -> None:
    if entry.inner is None:
        lines.extend(range(entry.lead, entry.end))
        return
    lines.extend(range(entry.lead, entry.inner.entries[0].lead))
    _add_block(lines, entry.inner, place, entry.start)


def _within(place: _Place) -> list[_Place]:
    """What is directly inside, in the left text's order; nothing where the right has something else."""
    value, other = place.value, place.other
    if isinstance(value, dict) and isinstance(other, dict):
        ranks = {key: rank for rank, key in enumerate(other)}
        return [_Place(key, item, other.get(key), ranks.get(key)) for key, item in value.items()]
    if not isinstance(value, list) or not isinstance(other, list):
        return []
    keys = item_keys(place.name, value, other)
    if keys is None:
        places = _pairs_by_content(value, other)
        return [_Place("", item, other[places[at]] if at in places else None) for at, item in enumerate(value)]
    # Not the values themselves, for which True is 1.
    ranks = {repr(key): rank for rank, key in enumerate(keys[1])}
    found = [ranks.get(repr(key)) for key in keys[0]]
    return [
        _Place("", item, None if rank is None else other[rank], rank) for item, rank in zip(value, found, strict=True)
    ]


def _pairs_by_content(left: Sequence[Any], right: Sequence[Any]) -> dict[int, int]:
    """The place in the right of each item of the left: those that say the same, and one by one what is in between."""
    script = diff_lines([canonical(item) for item in left], [canonical(item) for item in right], BUDGET).opcodes
    return {i: j for _, i1, i2, j1, j2 in script for i, j in zip(range(i1, i2), range(j1, j2), strict=False)}


def _in_order(ranks: Sequence[int | None], is_pinned: bool) -> list[int]:
    """The places in order of their ranks; one without a rank stays behind the one before it."""
    full = []
    last = -1
    for at, rank in enumerate(ranks):
        last = -1 if is_pinned and at == 0 else last if rank is None else rank
        full.append(last)
    return sorted(range(len(full)), key=full.__getitem__)
