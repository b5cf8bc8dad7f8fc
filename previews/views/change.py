"""One change request: what it is, and every preview that was made of it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from previews.models import ChangeRequest


def show(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """The change request of this number, or of this ref where it has none."""
    found = ChangeRequest.objects.select_related("repository").filter(repository__slug=slug)
    if name.isdecimal():
        change_request = get_object_or_404(found, number=int(name[:9]))
    else:
        change_request = get_object_or_404(found, ref=name, number=None)
    previews = list(change_request.previews.order_by("-created_at", "-pk")[:100])
    context = {
        "change": change_request,
        "repository": change_request.repository,
        "previews": previews,
        "answers": [answer for answer in change_request.answers.order_by("-kind") if answer.wanted],
        "latest": next((preview for preview in previews if not preview.question), None),
    }
    return render(request, "change.html", context)
