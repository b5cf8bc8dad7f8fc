"""Which resources of two manifests belong together: by identity, and where a name changed, by what they say."""

from __future__ import annotations

import re
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from previews.engine.cells import ResourceState
from previews.engine.diff.lines import split_lines
from previews.engine.manifests import Resource, ResourceId

#: Below this score a removed and an added resource are not called the same one renamed. Measured on 27 public charts:
#: two different workloads share at most 0.59 of their telling lines, one whose release is renamed at least 0.87.
RENAMED = 0.65
#: What an equal name (but for a hash at its end, or in another namespace) adds to the score: that alone is enough.
SAME_STEM = RENAMED
#: What a wholly like name adds: it decides among resources that say the same.
LIKE_NAME = 0.1
#: Possible pairs of one kind whose texts are compared; beyond, only equal stems are.
MAX_PAIRS = 10_000
#: Lines of a resource that are compared.
MAX_LINES = 2_000

#: The suffix of Kustomize (10 of these letters) and of charts that name an object by a checksum of what is in it.
_HASH = re.compile(r"-(?:[24-9bcdfghkmt]{10}|(?=[0-9a-f]*[0-9])[0-9a-f]{6,64})$")
#: Lines that every resource of the kind has, or that only open a block: they tell nothing.
_TELLS_NOTHING = re.compile(r"(?:apiVersion|kind):|(?:- )?[\w./-]+:$|[\[\]{}#-]*$")


@dataclass(frozen=True, slots=True)
class ResourcePair:
    """A resource at both sides, or at one: never at none."""

    left: Resource | None
    right: Resource | None

    @property
    def state(self) -> ResourceState:
        """`changed` also for a renamed one."""
        if self.left is None:
            return "added"
        return "removed" if self.right is None else "changed"

    @property
    def renamed(self) -> bool:
        """Whether two resources that are not the same to Kubernetes are shown as one: deleted there, and created."""
        return self.left is not None and self.right is not None and self.left.id != self.right.id

    @property
    def id(self) -> ResourceId:
        """The identity at head, or for a removed one at base. Raises ValueError if both sides are None."""
        resource = self.right or self.left
        if resource is None:
            raise ValueError("a pair of no resources")
        return resource.id


@dataclass(frozen=True, slots=True)
class PairedResources:
    """How many resources are equal on both sides, and those that are not: in the right manifest's order."""

    equal: int
    changed: tuple[ResourcePair, ...]


#: Places of two resources, one in each manifest.
_Places = tuple[int, int]


def pair_resources(left: Iterable[Resource], right: Iterable[Resource]) -> PairedResources:
    """Pairs the resources of two manifests.

    Changed and added ones come in the order of the right manifest, removed ones after what stood before them in the
    left one. An identity that stands more than once in a manifest is paired with itself in order.
    """
    old, new = list(left), list(right)
    places = _pair_by_identity(old, new)
    places += _pair_renamed(old, new, _rest(len(old), (i for i, _ in places)), _rest(len(new), (j for _, j in places)))
    equal = sum(_is_equal(old[i], new[j]) for i, j in places)
    return PairedResources(equal, tuple(_in_order(old, new, dict(places))))


def _is_equal(a: Resource, b: Resource) -> bool:
    return a.hash == b.hash and a.id == b.id


def _rest(size: int, taken: Iterable[int]) -> list[int]:
    gone = set(taken)
    return [place for place in range(size) if place not in gone]


def _pair_by_identity(old: Sequence[Resource], new: Sequence[Resource]) -> list[_Places]:
    """Those with equal text first, so that one of two namesakes that is dropped does not shift the other."""
    pairs = _pair_by_key([(r.id, r.hash) for r in old], [(r.id, r.hash) for r in new])
    rest_old, rest_new = _rest(len(old), (i for i, _ in pairs)), _rest(len(new), (j for _, j in pairs))
    others = _pair_by_key([old[i].id for i in rest_old], [new[j].id for j in rest_new])
    return pairs + [(rest_old[i], rest_new[j]) for i, j in others]


def _pair_by_key(old: Sequence[object], new: Sequence[object]) -> list[_Places]:
    """Pairs of places with an equal key, the first with the first."""
    waiting: defaultdict[object, deque[int]] = defaultdict(deque)
    for j, key in enumerate(new):
        waiting[key].append(j)
    return [(i, waiting[key].popleft()) for i, key in enumerate(old) if waiting[key]]


def _pair_renamed(old: Sequence[Resource], new: Sequence[Resource], gone: list[int], come: list[int]) -> list[_Places]:
    """Pairs among removed and added resources of one kind, the most alike first."""
    by_kind: defaultdict[tuple[str, str], tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for i in gone:
        by_kind[old[i].id.group, old[i].id.kind][0].append(i)
    for j in come:
        by_kind[new[j].id.group, new[j].id.kind][1].append(j)
    pairs: list[_Places] = []
    for olds, news in by_kind.values():
        scores = _scores([old[i] for i in olds], [new[j] for j in news])
        pairs.extend((olds[i], news[j]) for i, j in _best_first(scores))
    return pairs


def _best_first(scores: Iterable[tuple[float, int, int]]) -> Iterator[_Places]:
    taken_old: set[int] = set()
    taken_new: set[int] = set()
    for _, i, j in sorted(scores, key=lambda score: (-score[0], score[1], score[2])):
        if i not in taken_old and j not in taken_new:
            taken_old.add(i)
            taken_new.add(j)
            yield i, j


def _scores(old: Sequence[Resource], new: Sequence[Resource]) -> list[tuple[float, int, int]]:
    """`(score, i, j)` of the pairs that may be one resource renamed."""
    if not old or not new:
        return []
    stems_old, stems_new = [_stem(r.id.name) for r in old], [_stem(r.id.name) for r in new]
    if len(old) * len(new) > MAX_PAIRS:
        return [(1.0, i, j) for i, j in _pair_by_key(stems_old, stems_new)]
    lines_old, lines_new = [_telling_lines(r) for r in old], [_telling_lines(r) for r in new]
    found = []
    for i, a in enumerate(lines_old):
        for j, b in enumerate(lines_new):
            score = _likeness(a, b) + (SAME_STEM if stems_old[i] == stems_new[j] else 0)
            if score >= RENAMED:
                found.append((score + LIKE_NAME * _likeness(_name_parts(old[i]), _name_parts(new[j])), i, j))
    return found


def _stem(name: str) -> str:
    return _HASH.sub("", name)


def _name_parts(resource: Resource) -> Counter[str]:
    return Counter(resource.id.name.split("-"))


def _telling_lines(resource: Resource) -> Counter[str]:
    """The lines of a resource that say something, with its own name (and its name without a hash) taken out."""
    name = resource.id.name
    text = "\n".join(split_lines(resource.text)[:MAX_LINES])
    for own in (name, _stem(name)):
        text = text.replace(own, "\0") if own else text
    stripped = (line.strip() for line in split_lines(text))
    return Counter(line for line in stripped if not _TELLS_NOTHING.match(line))


def _likeness(a: Counter[str], b: Counter[str]) -> float:
    """Twice what is in common among what both have: 0 nothing, 1 all."""
    total = a.total() + b.total()
    return 2 * (a & b).total() / total if total else 0.0


def _in_order(old: Sequence[Resource], new: Sequence[Resource], places: dict[int, int]) -> Iterator[ResourcePair]:
    """The pairs that differ. A removed one comes behind the last before it in the old manifest that is still there."""
    removed_after: defaultdict[int, list[int]] = defaultdict(list)
    behind = -1
    for i in range(len(old)):
        if i in places:
            behind = places[i]
        else:
            removed_after[behind].append(i)
    where_old = {j: i for i, j in places.items()}
    for j in range(-1, len(new)):
        if j >= 0 and (j not in where_old or not _is_equal(old[where_old[j]], new[j])):
            yield ResourcePair(old[where_old[j]] if j in where_old else None, new[j])
        yield from (ResourcePair(old[i], None) for i in removed_after[j])
