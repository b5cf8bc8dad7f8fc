"""How change requests end: what was merged, and the preview that is kept as the record of it."""

from __future__ import annotations

import datetime

from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from previews.engine.errors import BadInput, GitError
from previews.engine.git import Mirror
from previews.models import ChangeRequest, Preview, Repository


def settle(repository: Repository, mirror: Mirror) -> None:
    """Finds what was merged and keeps the record of each request that has ended; frees those that were reopened.

    Only those that were previewed: a repository is added with thousands that ended long ago. The mirror must have been
    fetched. Raises GitError.
    """
    requests = ChangeRequest.objects.filter(repository=repository)
    reopened = requests.filter(state=ChangeRequest.OPEN).exclude(is_settled=False, merged_commit="")
    Preview.objects.filter(change_request__in=reopened).update(is_record=False)
    reopened.update(is_settled=False, merged_commit="", merged_at=None)
    ended = requests.exclude(state=ChangeRequest.OPEN).filter(is_settled=False)
    for found in ended.filter(Exists(Preview.objects.filter(change_request=OuterRef("pk")))):
        _settle(found, mirror)


def _settle(request: ChangeRequest, mirror: Mirror) -> None:
    if request.state == ChangeRequest.MERGED:
        request.merged_commit = _merged_commit(request, mirror)
        if request.merged_commit and not request.merged_at:  # as no provider told it, Git did
            when = mirror.committed_at(request.merged_commit)
            request.merged_at = datetime.datetime.fromtimestamp(when, datetime.UTC)
    record = _record(request, mirror)
    if record:
        Preview.objects.filter(pk=record.pk).update(is_record=True, moved_to="")
    running = request.previews.filter(state__in=Preview.RUNNING, question="", is_record=False)
    running.update(state=Preview.SUPERSEDED, message="", finished_at=timezone.now())
    # Unless the provider has told of something else meanwhile.
    ChangeRequest.objects.filter(pk=request.pk, state=request.state, told_at=request.told_at).update(
        merged_commit=request.merged_commit, merged_at=request.merged_at, is_settled=True
    )


def _merged_commit(request: ChangeRequest, mirror: Mirror) -> str:
    """The provider's word in full, else what Git finds: a squashed or rebased head is in no branch."""
    try:
        if request.merged_commit:
            return mirror.commit(request.merged_commit)
        return mirror.first_with(mirror.commit(request.target), request.head_commit)
    except (BadInput, GitError):
        return request.merged_commit  # the head or the commit is gone from the mirror, or not in it yet


def _record(request: ChangeRequest, mirror: Mirror) -> Preview | None:
    """The last preview of what was merged or given up: not one made when its target held the merge already."""
    plain = request.previews.plain()
    done = [kept] if (kept := plain.filter(is_record=True).first()) else list(plain.filter(state=Preview.DONE)[:50])
    if request.merged_commit:
        before = [one for one in done if _is_before(mirror, one.base_commit, request.merged_commit)]
    else:
        before = list(plain.filter(Q(is_record=True) | Q(state=Preview.DONE)).exclude(base_tree=F("head_tree"))[:1])
    if before:
        return before[0]
    # It was merged while its only preview was on its way: that one may arrive.
    is_merged = request.state == ChangeRequest.MERGED
    running = plain.filter(state__in=Preview.RUNNING).first() if is_merged else None
    return running or (done[0] if done else None)


def _is_before(mirror: Mirror, commit: str, merged: str) -> bool:
    try:
        return commit != merged and mirror.contains(merged, commit)
    except GitError:
        return False  # a commit that a forced push took away
