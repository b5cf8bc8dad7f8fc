"""What several change requests do together that none of them does alone.

A cell's combined result is *the sum of its parts* when every resource is what all parts' own edits, put into the base
side by side, give. Where it is not, the parts interact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from previews.engine.cells import ResourceState, YamlState
from previews.engine.diff.lines import diff_lines, split_lines
from previews.engine.diff.noise import checksums, noisy_lines, quieted
from previews.engine.errors import YamlError
from previews.engine.manifests import ResourceId
from previews.engine.yamls import dump, load

#: What is not the sum of the parts, the worst first.
#: `breaks`: each part renders, all together do not. `needs`: a part fails where it is alone, together they do not.
#: `blocks` and `awaits`: the same of what the API server takes. `undone`: a part changes the manifest, all together do
#: not. `enables`: no part deploys anything, together they do. `differs`: the result is another than what the parts'
#: edits add up to.
Interaction = Literal["breaks", "blocks", "needs", "awaits", "undone", "enables", "differs"]
INTERACTIONS: tuple[Interaction, ...] = ("breaks", "blocks", "needs", "awaits", "undone", "enables", "differs")

#: Gives the texts of a resource: at the base, as each part that changes it leaves it, and all together.
#: None where it is not there.
Texts = Callable[[ResourceId], tuple[str | None, Sequence[str | None], str | None]]


@dataclass(frozen=True, slots=True)
class Result:
    """What a preview does to a cell. `fails` is about its head only: what fails at the base as well is nobody's doing.

    `rejected` are the rules by which the API server rejects what it deploys, None where nobody has predicted that.
    `edits` are the resources that change, each with its state and the digest of its edit.
    """

    yaml: YamlState = "unchanged"
    deploys: bool = False
    fails: bool = False
    rejected: frozenset[str] | None = frozenset()
    edits: Mapping[ResourceId, tuple[ResourceState, str]] | None = None

    @property
    def is_known(self) -> bool:
        """Whether there is a manifest to compare."""
        return self.yaml not in ("failed", "skipped")


def interaction(alone: Sequence[Result], together: Result, texts: Texts) -> Interaction | None:
    """How a cell's combined result differs from the sum of its parts, None when it does not or nobody can tell.

    `alone` has a result for each part, changed or not.
    """
    if together.fails:
        return "breaks" if not any(part.fails for part in alone) else None
    if any(part.fails for part in alone) and together.is_known:
        return "needs"
    if not together.is_known or not all(part.is_known for part in alone):
        return None
    if judged := _judged(alone, together):
        return judged
    moved = [part for part in alone if part.yaml != "unchanged"]
    if together.yaml == "unchanged":
        return "undone" if moved else None
    if not moved:
        return "enables"
    return None if _adds_up(alone, together, texts) else "differs"


def _judged(alone: Sequence[Result], together: Result) -> Interaction | None:
    by_part = [part.rejected for part in alone if part.rejected is not None]
    if together.rejected is None or len(by_part) < len(alone):
        return None
    by_any = frozenset[str]().union(*by_part)
    if together.rejected - by_any:
        return "blocks"
    return "awaits" if by_any and not together.rejected else None


def _adds_up(alone: Sequence[Result], together: Result, texts: Texts) -> bool:
    combined = together.edits or {}
    resources = dict.fromkeys((*combined, *(one for part in alone for one in part.edits or ())))
    return all(_resource_adds_up(one, alone, combined.get(one), texts) for one in resources)


def _resource_adds_up(
    resource: ResourceId, alone: Sequence[Result], combined: tuple[ResourceState, str] | None, texts: Texts
) -> bool:
    edits = {part.edits[resource] for part in alone if part.edits and resource in part.edits}
    # What one takes away is gone, whatever the others did to it.
    if edits == {combined} or (combined in edits and combined and combined[0] == "removed"):
        return True
    if combined is None or not edits:
        return False
    base, heads, result = texts(resource)
    if result is None or None in heads:
        return False
    known = [head for head in heads if head is not None]
    if base is None:
        return all(_lines(head) == _lines(result) for head in known)
    return adds_up(base, known, result)


def adds_up(base: str, heads: Sequence[str], result: str) -> bool:
    """Whether a text is what all heads' edits of one base give, put in side by side.

    The very same edit counts once. Edits that touch the same lines in different ways add up to nothing; texts that are
    put in at the same place may stand in any order.
    """
    lines, wanted = _lines(base), _lines(result)
    edits = _edits(lines, [_lines(head) for head in heads])
    spans = sorted(edits, key=lambda span: (span[0], span[1] > span[0], span[1]))
    if any(right[0] < left[1] or (left[0] == right[0] < left[1]) for left, right in pairwise(spans)):
        return False
    at, place = 0, 0
    for start, end in spans:
        kept = lines[at:start]
        if wanted[place : place + len(kept)] != kept:
            return False
        place = _put_in(edits[start, end], wanted, place + len(kept), is_insertion=start == end)
        if place < 0:
            return False
        at = end
    return wanted[place:] == lines[at:]


def _lines(text: str) -> list[str]:
    """The object's lines, without comments, in one order of keys, and without the values of checksums.

    A part that changes only a comment changes nothing, and checksums follow from what changes elsewhere.
    """
    with suppress(YamlError):
        text = dump(load(text))
    return quieted(split_lines(text), checksums(noisy_lines(text)))


def _edits(base: list[str], heads: Iterable[list[str]]) -> dict[tuple[int, int], list[list[str]]]:
    """What the heads put in the place of each stretch of the base, each text once."""
    found: dict[tuple[int, int], list[list[str]]] = {}
    for head in heads:
        for step in diff_lines(base, head).opcodes:
            if step.tag == "equal":
                continue
            texts, text = found.setdefault((step.i1, step.i2), []), head[step.j1 : step.j2]
            texts += [] if text in texts else [text]
    return found


def _put_in(texts: Sequence[list[str]], wanted: Sequence[str], place: int, is_insertion: bool) -> int:
    """Where the wanted lines go on behind these texts, -1 when they do not stand there."""
    if len(texts) > 1 and not is_insertion:
        return -1
    rest = list(texts)
    while rest:
        # The longest first: one may begin as another does.
        fits = [text for text in rest if wanted[place : place + len(text)] == text]
        if not fits:
            return -1
        chosen = max(fits, key=len)
        rest.remove(chosen)
        place += len(chosen)
    return place


@dataclass(frozen=True, slots=True)
class Order:
    """Which parts (by position) may be merged first, and which only after others; `is_tied`: none may be the first.

    `first` are fine wherever all together are; `later` fail alone, or are rejected, in a cell that is fine together.
    """

    first: tuple[int, ...]
    later: tuple[int, ...]

    @property
    def is_tied(self) -> bool:
        """Whether none is fine without the others, so that no order is safe."""
        return not self.first


def safe_order(needy: Sequence[set[int]], parts: int) -> Order | None:
    """The order to merge in, given the parts that are not fine alone in each cell that needs several.

    None if any will do.
    """
    later = sorted(set().union(*needy))
    return Order(tuple(part for part in range(parts) if part not in later), tuple(later)) if later else None
