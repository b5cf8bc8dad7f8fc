"""Several change requests as one: choosing them, and asking for their preview."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from previews import jobs
from previews.engine.errors import AstrolabeError
from previews.models import ChangeRequest, Repository
from previews.together import linked

#: Open change requests of one repository that are offered.
MOST = 200


def choose(request: HttpRequest, slug: str) -> HttpResponse:
    """The page where open change requests are chosen, `with` being chosen already; by POST it asks for the preview.

    They are merged in the order in which the form names them.
    """
    repository = get_object_or_404(Repository, slug=slug)
    keys = _keys(request.POST.getlist("change") if request.method == "POST" else request.GET.getlist("with"))
    if request.method != "POST":
        return _page(request, repository, keys)
    try:
        return redirect(jobs.request_together(_requests(repository, keys)))
    except AstrolabeError as error:
        return _page(request, repository, keys, str(error))


def _keys(texts: Iterable[str]) -> list[int]:
    numbers = (int(text) for text in texts if text.isdecimal() and len(text) < 19)
    return list(dict.fromkeys(numbers))


def _requests(repository: Repository, keys: Sequence[int]) -> list[ChangeRequest]:
    """Those that are named, in this order. Raises Http404 for one that cannot be chosen here."""
    known = ChangeRequest.objects.filter(repository__in=linked(repository)).select_related("repository")
    found = known.in_bulk(keys)
    if len(found) < len(keys):
        raise Http404("no such change request")
    return [found[key] for key in keys]


def _page(request: HttpRequest, repository: Repository, chosen: Sequence[int], error: str = "") -> HttpResponse:
    opened = ChangeRequest.objects.filter(state=ChangeRequest.OPEN).exclude(head_commit="")
    offered = [
        (one, list(opened.filter(repository=one).order_by("number", "ref")[:MOST])) for one in linked(repository)
    ]
    # That of the page first.
    offered.sort(key=lambda pair: pair[0] != repository)
    context = {"repository": repository, "offered": offered, "chosen": set(chosen), "error": error, "most": MOST}
    return render(request, "together.html", context, status=422 if error else 200)
