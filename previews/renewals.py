"""Previews whose base has moved on: which they are, and which is renewed next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import cache

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.utils import timezone

from previews import arrivals, record
from previews.engine.errors import BadInput
from previews.engine.git import Mirror
from previews.engine.sides import choose_sides
from previews.engine.whatif import NOTHING_MORE
from previews.models import ChangeRequest, Preview, Repository
from previews.workshop import mirror_of

#: Renewals that are on their way at a time.
AT_ONCE = 4
_SIDES = ("base_commit", "head_commit")


def mark(repository: Repository) -> None:
    """Marks the previews of open change requests that no longer compare what would be merged with what.

    A renewal that was overtaken stops: the preview that it was to renew is still stale, and its turn comes again.
    """
    commit_of = _commits(mirror_of(repository))
    requests = list(_open(ChangeRequest.objects.filter(repository=repository).select_related("repository")))
    right = {request.pk: (commit_of(request.target), request.head_commit) for request in requests}
    shown = Preview.objects.filter(pk__in=[request.shown_id for request in requests])  # type: ignore[attr-defined]
    moved = defaultdict[str, list[int]](list)
    for pk, request, base, head, moved_to in shown.values_list("pk", "change_request", *_SIDES, "moved_to"):
        at = right[request][0]
        now = "" if (base, head) == right[request] else at
        if at and now != moved_to:
            moved[now].append(pk)
    for now, pks in moved.items():
        Preview.objects.filter(pk__in=pks).update(moved_to=now)
    running = on_their_way().filter(change_request__in=right).values_list("pk", "change_request", *_SIDES)
    overtaken = [pk for pk, request, *sides in running if right[request][0] and tuple(sides) != right[request]]
    Preview.objects.filter(pk__in=overtaken, state__in=Preview.RUNNING).update(
        state=Preview.SUPERSEDED, message="", finished_at=timezone.now()
    )


def _commits(mirror: Mirror) -> Callable[[str], str]:
    """Finds the commits of branches, "" for one that is not there."""

    @cache
    def commit_of(revision: str) -> str:
        try:
            return mirror.commit(revision)
        except BadInput:
            return ""

    return commit_of


def _open(requests: QuerySet[ChangeRequest]) -> QuerySet[ChangeRequest]:
    """Those that are open, each with the `shown_id` of the preview that stands for it."""
    shown = Preview.objects.filter(change_request=OuterRef("pk")).plain().values("pk")[:1]
    return requests.filter(state=ChangeRequest.OPEN).exclude(head_commit="").annotate(shown_id=Subquery(shown))


def waiting() -> list[Preview]:
    """Stale previews that nothing renews yet, those with the fewest cells first."""
    shown = _open(ChangeRequest.objects.all()).values("shown_id")  # type: ignore[misc]
    stale = Preview.objects.filter(pk__in=shown).exclude(moved_to="").exclude(state__in=Preview.RUNNING)
    busy = on_their_way().values("change_request")
    stale = stale.exclude(change_request__in=busy).select_related("change_request__repository", "repository")
    return list(stale.annotate(size=Count("cells")).order_by("size", "pk"))


def on_their_way() -> QuerySet[Preview]:
    """Renewals that somebody works on, or soon will."""
    return Preview.objects.filter(renewal=True, state__in=Preview.RUNNING).exclude(change_request=None)


def is_still_right(preview: Preview) -> bool:
    """Whether moving the base changed neither tree: then the preview answers the new question as well, and says so.

    Nothing less is sound: Applications read files anywhere in their repository. Raises BadInput, GitError.
    """
    request = preview.change_request
    assert request is not None
    if preview.state != Preview.DONE or preview.key != record.preview_key(request, preview.base_commit, NOTHING_MORE):
        return False
    mirror = arrivals.mirror_with(preview.repository, preview.moved_to, preview.head_commit)
    sides = choose_sides(mirror, preview.moved_to, [preview.head_commit], preview.exact)
    found = (sides.base_tree, sides.head_tree, sides.merged, list(sides.conflicts))
    if found != (preview.base_tree, preview.head_tree, preview.merged, preview.conflicts):
        return False
    key = record.preview_key(request, preview.moved_to, NOTHING_MORE)
    if Preview.objects.filter(key=key).exists():
        return False
    same = Preview.objects.filter(pk=preview.pk, moved_to=preview.moved_to)
    return bool(same.update(key=key, base_commit=preview.moved_to, moved_to=""))
