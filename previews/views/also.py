"""Which other open change requests touch the same cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import OuterRef, Q, QuerySet, Subquery

from previews.models import Cell, ChangeRequest, Preview
from previews.views.matrix_table import Place

#: Change requests that are listed by name.
MAX_LISTED = 20


@dataclass(frozen=True)
class Also:
    """Another open change request whose newest `preview` changes `count` of the same cells; `cell` is one of them."""

    change_request: ChangeRequest
    preview: Preview
    count: int
    cell: Cell


def also_changed(preview: Preview, places: Collection[Place]) -> list[Also]:
    """The open change requests that change something at these places of a preview too, those with the most first.

    Two that change the same cell may be harmless each, and not together. What has ended is not asked any more.
    """
    change = preview.change_request
    if change is None or change.state != ChangeRequest.OPEN or preview.question:
        return []
    found: dict[int, Cell] = {}
    counts: Counter[int] = Counter()
    for other in _others(change, {application for _, application in places}):
        if (other.cluster, other.application) in places:
            counts[other.preview_id] += 1
            found.setdefault(other.preview_id, other)
    listed = [key for key, _ in counts.most_common(MAX_LISTED)]
    previews = Preview.objects.select_related("change_request__repository").in_bulk(listed)
    rows = ((previews[key], previews[key].change_request) for key in listed)
    return [Also(request, one, counts[one.pk], found[one.pk]) for one, request in rows if request]


def _others(change: ChangeRequest, applications: set[str]) -> QuerySet[Cell]:
    """The cells of the applications in what stands for the other open change requests to the same fleet."""
    standing = Preview.objects.filter(change_request=OuterRef("pk")).plain().values("pk")[:1]
    opened = ChangeRequest.objects.filter(repository=change.repository, state=ChangeRequest.OPEN).exclude(pk=change.pk)
    previews = opened.annotate(standing=Subquery(standing)).values("standing")
    changed = ~Q(yaml_state="unchanged") | ~Q(value_state="unchanged")
    cells = Cell.objects.filter(changed, preview__in=previews, preview__state=Preview.DONE)
    # All at once where they are few; a long list is no filter that a database likes.
    cells = cells.filter(application__in=applications) if len(applications) <= 500 else cells
    return cells.only("preview_id", "cluster", "application").order_by("application", "cluster")
