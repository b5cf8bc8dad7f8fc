"""What is known of change requests together: for their own pages, for the page of the preview of all, for comments."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import OuterRef, Prefetch, Q, Subquery, prefetch_related_objects

from previews.engine.together import INTERACTIONS, Interaction, safe_order
from previews.models import Cell, ChangeRequest, Part, Preview

#: Cells that are named for each kind of interaction.
MAX_CELLS = 20
#: Previews with others that are looked at for one change request.
MAX_PREVIEWS = 50


#: Where one part is not fine without another.
_NEEDING: tuple[Interaction, ...] = ("needs", "awaits")

#: What is read at once for any number of previews.
_WITH_PARTS = (
    Prefetch("parts", Part.objects.select_related("change_request__repository", "alone")),
    Prefetch(
        "cells",
        Cell.objects.exclude(interaction="").defer("planned", "resources", "files").order_by("application", "cluster"),
        to_attr="interacting",
    ),
)


@dataclass(frozen=True)
class Member:
    """A part as people see it; `is_moved` tells that its change request has another head, or has ended, by now."""

    part: Part
    label: str

    @property
    def is_moved(self) -> bool:
        """Whether the preview tells of it as it was, and not as it is."""
        request = self.part.change_request
        return request.state != ChangeRequest.OPEN or request.head_commit != self.part.head_commit


@dataclass(frozen=True)
class Said:
    """Cells whose result is not the sum of the parts, in one way; `cells` are the first of `total`."""

    kind: Interaction
    text: str
    cells: tuple[Cell, ...]
    total: int

    @property
    def is_bad(self) -> bool:
        """Whether something fails or is rejected, in all or in one order."""
        return self.kind in ("breaks", "blocks", *_NEEDING)

    @property
    def why(self) -> str:
        """What is wrong with the first of the cells, "" where nothing is with all of them merged."""
        first = self.cells[0]
        return first.error["message"] if first.error else next(iter(first.rejected.values()), "")


@dataclass(frozen=True)
class Companion:
    """A preview of a change request with others, as they stand: what only all together do."""

    preview: Preview
    others: tuple[Member, ...]
    said: tuple[Said, ...]
    order: str


def members(preview: Preview) -> tuple[Member, ...]:
    """The parts in the order in which they are merged, by names that tell them apart."""
    prefetch_related_objects([preview], *_WITH_PARTS)
    parts = list(preview.parts.all())
    several = len({part.change_request.repository_id for part in parts}) > 1
    return tuple(
        Member(part, f"{part.change_request.repository.name} {part.change_request.label}")
        if several
        else Member(part, part.change_request.label)
        for part in parts
    )


def said(preview: Preview, among: Sequence[Member]) -> tuple[Said, ...]:
    """What is not the sum of the parts, the worst first."""
    cells: dict[str, list[Cell]] = defaultdict(list)
    for cell in _interacting(preview):
        cells[cell.interaction].append(cell)
    return tuple(
        Said(kind, _sentence(kind, cells[kind], among), tuple(cells[kind][:MAX_CELLS]), len(cells[kind]))
        for kind in INTERACTIONS
        if cells[kind]
    )


def _interacting(preview: Preview) -> list[Cell]:
    prefetch_related_objects([preview], *_WITH_PARTS)
    return preview.interacting  # type: ignore[attr-defined,no-any-return]


def _needy(cells: Sequence[Cell], among: Sequence[Member]) -> list[set[int]]:
    """For each of these cells, the parts that fail or are rejected there alone, by their place among the members."""
    places = {(cell.cluster, cell.application): set[int]() for cell in cells}
    place_of = {member.part.alone_id: at for at, member in enumerate(among) if member.part.alone_id}
    alone = Cell.objects.filter(preview__in=list(place_of), application__in={application for _, application in places})
    for cell in alone.only("preview", "cluster", "application", "yaml_state", "error", "findings") if places else ():
        if (cell.fails or cell.rejected) and (place := (cell.cluster, cell.application)) in places:
            places[place].add(place_of[cell.preview_id])
    return list(places.values())


def _sentence(kind: Interaction, cells: Sequence[Cell], among: Sequence[Member]) -> str:
    count = len(cells)
    one = count == 1
    many = f"{count} cell{'' if one else 's'}"
    if kind == "breaks":
        return f"{many} {'fails' if one else 'fail'} that each of them alone renders: what is merged last breaks it"
    if kind == "blocks":
        return f"{many} {'is' if one else 'are'} rejected by the API server, and with each of them alone not"
    if kind == "awaits":
        who = _names(among, sorted(set().union(*_needy(cells, among))))
        return f"{many} {'is' if one else 'are'} rejected by the API server with {who} alone, and not with all"
    if kind == "needs":
        who = _names(among, sorted(set().union(*_needy(cells, among))))
        return f"{many} {'fails' if one else 'fail'} with {who} alone, and {'renders' if one else 'render'} with all"
    if kind == "undone":
        return f"{many} that would change {'stays' if one else 'stay'} as before: one takes back what another does"
    if kind == "enables":
        return f"{many} {'deploys' if one else 'deploy'} only with all of them merged"
    return f"{many} {'comes' if one else 'come'} out otherwise than the changes of each add up to"


def _names(among: Sequence[Member], positions: Sequence[int]) -> str:
    labels = [among[at].label for at in positions]
    return " and ".join([", ".join(labels[:-1]), labels[-1]] if len(labels) > 1 else labels)


def order_of(preview: Preview, among: Sequence[Member]) -> str:
    """Which order of merging is safe, in a sentence; "" where none is known to be wrong."""
    needs = [cell for cell in _interacting(preview) if cell.interaction in _NEEDING]
    order = safe_order(_needy(needs, among), len(among)) if needs else None
    if order is None:
        return ""
    later = _names(among, order.later)
    if order.is_tied:
        return f"No order is safe: {later} each {_ails(needs, is_one=False)} without the others. Merge them as one."
    ails = _ails(needs, is_one=len(order.later) == 1)
    return f"Merge {_names(among, order.first)} before {later}: alone, {later} {ails}.{_untried(among)}"


def _ails(cells: Sequence[Cell], is_one: bool) -> str:
    kinds = {cell.interaction for cell in cells}
    fails = "fails to render" if is_one else "fail to render"
    rejected = "is rejected by the API server" if is_one else "are rejected by the API server"
    return " or ".join(text for kind, text in zip(_NEEDING, (fails, rejected), strict=True) if kind in kinds)


def _untried(among: Sequence[Member]) -> str:
    return " Other steps on the way were not tried." if len(among) > 2 else ""


def companions(change_request: ChangeRequest) -> list[Companion]:
    """What is known of an open change request together with others that are open, all as they stand; worst first."""
    if change_request.state != ChangeRequest.OPEN:
        return []
    found: dict[frozenset[int], Companion] = {}
    for preview in _standing(change_request):
        everyone = members(preview)
        others = tuple(member for member in everyone if member.part.change_request_id != change_request.pk)
        who = frozenset(member.part.change_request_id for member in others)
        if who not in found and not any(member.is_moved or member.part.left_out for member in everyone):
            found[who] = Companion(preview, others, said(preview, everyone), order_of(preview, everyone))
    return sorted(found.values(), key=_badness)


def _standing(change_request: ChangeRequest) -> list[Preview]:
    """The newest previews with others that were made of what stands for each part now."""
    shown = Preview.objects.filter(change_request=OuterRef("change_request")).plain().values("pk")[:1]
    parts = Part.objects.annotate(shown_id=Subquery(shown))
    # In the frame of another repository a part's preview alone is none of its plain ones.
    older = parts.filter(alone__change_request__isnull=False).exclude(alone=Subquery(shown)).values("preview")
    mine = Q(parts__change_request=change_request, parts__head_commit=change_request.head_commit)
    made = Preview.objects.filter(mine, state=Preview.DONE, added_up_at__isnull=False)
    return list(made.exclude(pk__in=older).prefetch_related(*_WITH_PARTS).order_by("-asked_at", "-pk")[:MAX_PREVIEWS])


def _badness(companion: Companion) -> tuple[int, int]:
    kinds = [INTERACTIONS.index(one.kind) for one in companion.said]
    return (min(kinds, default=len(INTERACTIONS)), -sum(one.total for one in companion.said))
