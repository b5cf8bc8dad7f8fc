"""One change request: what it is, and every preview that was made of it, push by push."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from previews.companions import companions
from previews.models import ChangeRequest, Preview

#: Previews that the page lists.
MOST = 200


@dataclass
class Push:
    """The previews of one head: the one that stands for it first, then its older ones and those of what-ifs."""

    shown: Preview
    older: list[Preview] = field(default_factory=list)
    before: Preview | None = None


def show(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """The page of the change request."""
    change_request = find_change(slug, name)
    previews = list(change_request.previews.order_by("-asked_at", "-pk")[:MOST])
    plain = list(change_request.previews.plain()[:MOST])
    pushes = _pushes(previews, [preview.pk for preview in plain])
    context = {
        "change": change_request,
        "repository": change_request.repository,
        "pushes": pushes,
        "comparable": [push.shown for push in pushes if push.shown.state == Preview.DONE],
        "latest": plain[0] if plain else None,
        "companions": companions(change_request),
        "answers": [answer for answer in change_request.answers.order_by("-kind") if answer.wanted],
    }
    return render(request, "change.html", context)


def find_change(slug: str, name: str) -> ChangeRequest:
    """The change request of this number, or of this ref where it has none. Raises Http404."""
    found = ChangeRequest.objects.select_related("repository").filter(repository__slug=slug)
    if name.isdecimal():
        return get_object_or_404(found, number=int(name[:9]))
    return get_object_or_404(found, ref=name, number=None)


def _pushes(previews: Iterable[Preview], standing: list[int]) -> list[Push]:
    """Previews by head, the newest first; `standing` are those that may stand for theirs, the best first."""
    rank = {pk: at for at, pk in enumerate(standing)}
    pushes: dict[str, Push] = {}
    for preview in sorted(previews, key=lambda one: rank.get(one.pk, len(rank))):
        found = pushes.setdefault(preview.head_commit, Push(preview))
        if found.shown is not preview:
            found.older.append(preview)
    made = sorted(pushes.values(), key=lambda push: push.shown.asked_at, reverse=True)
    done = [push for push in made if push.shown.state == Preview.DONE]
    for newer, older in pairwise(done):
        newer.before = older.shown
    return made
