"""One repository: its change requests with their impact at a glance, and its settings."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.paginator import Paginator
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from previews import jobs
from previews.engine.errors import AstrolabeError
from previews.engine.whatif import WhatIf, make_what_if
from previews.models import Answer, ChangeRequest, Preview, Repository
from previews.views.settings_form import SettingsForm
from previews.workshop import mirror_of

PAGE = 50
_STATES = ("open", "merged", "closed", "all")


def show(request: HttpRequest, slug: str) -> HttpResponse:
    """The list of change requests, by state and text."""
    return _list(request, get_object_or_404(Repository, slug=slug))


@require_POST
def refresh(request: HttpRequest, slug: str) -> HttpResponse:
    """Has the repository fetched."""
    repository = get_object_or_404(Repository, slug=slug)
    jobs.enqueue(jobs.refresh, repository.pk)
    return redirect(repository)


@require_POST
def preview(request: HttpRequest, slug: str) -> HttpResponse:
    """Asks for the preview of one change request (`change`, against `base` if given), or of all open ones.

    With `unpinned`, `kubernetes` (and `clusters`) the one change request is previewed under that question.
    """
    repository = get_object_or_404(Repository, slug=slug)
    wanted = repository.change_requests.select_related("repository")
    chosen = request.POST.get("change", "")
    try:
        if not chosen:
            for change_request in wanted.filter(state=ChangeRequest.OPEN):
                jobs.request_preview(change_request)
            return redirect(repository)
        change_request = get_object_or_404(wanted, pk=int(chosen) if chosen.isdecimal() else -1)
        _set_base(change_request, request.POST.get("base", "").strip())
        return redirect(jobs.request_preview(change_request, _what_if(request)))
    except AstrolabeError as error:
        return _list(request, repository, str(error))


def _what_if(request: HttpRequest) -> WhatIf:
    """What the form asks. Raises BadInput."""
    asked = {name: request.POST.get(name, "").strip()[:100] for name in ("kubernetes", "helm", "clusters")}
    clusters = tuple(filter(None, (part.strip() for part in asked["clusters"].split(","))))
    return make_what_if(bool(request.POST.get("unpinned")), asked["kubernetes"], asked["helm"], clusters)


def _set_base(change_request: ChangeRequest, base: str) -> None:
    """Compares a change request with another revision from now on. Raises BadInput when it is not there."""
    if not base or base == change_request.target:
        return
    mirror_of(change_request.repository).commit(base)
    change_request.base_branch = base
    change_request.save(update_fields=["base_branch"])


def settings(request: HttpRequest, slug: str) -> HttpResponse:
    """Shows and saves the settings; a changed configuration counts from the next preview on."""
    repository = get_object_or_404(Repository, slug=slug)
    form = SettingsForm(request.POST or None, instance=repository)
    if request.method == "POST" and form.is_valid():
        form.save()
        jobs.answer_again(repository)
        return redirect(repository)
    title = Repository.objects.values_list("name", flat=True).get(pk=repository.pk)
    hook_url = request.build_absolute_uri(reverse("hook", args=[slug]))
    context = {"repository": repository, "title": title, "form": form, "hook_url": hook_url}
    context |= {"unsent": _unsent(repository), "has_token": bool(form.initial_token)}
    return render(request, "repository_settings.html", context, status=422 if form.errors else 200)


def _unsent(repository: Repository) -> list[Answer]:
    """The latest answers that the provider has not taken, with what it said."""
    found = Answer.objects.filter(change_request__repository=repository).exclude(wanted=F("sent")).exclude(error="")
    return list(found.select_related("change_request__repository").order_by("-is_refused", "-pk")[:5])


def _list(request: HttpRequest, repository: Repository, error: str = "") -> HttpResponse:
    state = request.GET.get("state", "")
    if state not in _STATES:
        state = "open" if repository.change_requests.filter(state=ChangeRequest.OPEN).exists() else "all"
    text = request.GET.get("q", "").strip()
    found = _search(repository, state, text)
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    _attach_latest_previews(page.object_list)
    context = {
        "repository": repository,
        "page": page,
        "state": state,
        "states": _STATES,
        "q": text,
        "error": error,
        "is_empty": not repository.change_requests.exists(),
    }
    return render(request, "repository.html", context, status=422 if error else 200)


def _search(repository: Repository, state: str, text: str) -> QuerySet[ChangeRequest]:
    latest = Preview.objects.filter(change_request=OuterRef("pk")).plain().values("pk")[:1]
    found = repository.change_requests.annotate(latest_id=Subquery(latest)).select_related("repository")
    found = found.order_by(F("number").desc(nulls_last=True), F("head_at").desc(nulls_last=True))
    if state != "all":
        found = found.filter(state=state)
    for word in text.split():
        number = Q(number=int(word.lstrip("#"))) if word.lstrip("#").isdecimal() and len(word) < 10 else Q()
        found = found.filter(Q(title__icontains=word) | Q(author__icontains=word) | Q(ref__icontains=word) | number)
    return found


def _attach_latest_previews(change_requests: Iterable[ChangeRequest]) -> None:
    """Gives each its `latest` preview or None, in one query."""
    rows = list(change_requests)
    ids = [row.latest_id for row in rows if row.latest_id]  # type: ignore[attr-defined]
    previews = Preview.objects.in_bulk(ids)
    for row in rows:
        row.latest = previews.get(row.latest_id)  # type: ignore[attr-defined]
