"""Ticks: a resource's change is seen, for this reader, here and wherever the very same change is."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_POST

from previews.models import Viewed
from previews.views.cell import find_cell, look_at, page_of
from previews.views.cell_look import read_look
from previews.views.reviewer import new_reviewer, remember, reviewer_of


@require_POST
def tick(request: HttpRequest, pk: int, cluster: str, application: str) -> HttpResponse:
    """Ticks the section that the query names (`viewed=1`), or takes the tick back.

    htmx gets the section anew, and its place in the list; others are led back to it on the page.
    """
    cell = find_cell(pk, cluster, application)
    look = read_look(request, cell)
    number = request.GET.get("section", "")
    section = look_at(cell, look).at(int(number)) if number.isascii() and number.isdigit() else None
    if section is None or not section.change:
        raise Http404("there is no such section that could be ticked")
    reviewer = reviewer_of(request) or new_reviewer()
    Viewed.objects.tick(reviewer, section.change, request.GET.get("viewed") == "1")
    response: HttpResponse
    if getattr(request, "htmx", False):
        page = page_of(cell, look, reviewer, only=section.index)
        response = render(request, "_ticked.html", page)
    else:
        response = HttpResponseRedirect(f"{cell.get_absolute_url()}?{look.query}#r{section.index}")
    remember(request, response, reviewer)
    return response
