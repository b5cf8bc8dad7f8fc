"""A cell's texts as files: one side as it is, or the unified diff of both."""

from __future__ import annotations

import re

from django.http import Http404, HttpRequest, HttpResponse

from previews.engine.diff.unified import unified_diff
from previews.views.cell import find_cell, read_look
from previews.views.cell_sections import texts_of

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_PLAIN = "text/plain; charset=utf-8"


def raw(request: HttpRequest, pk: int, cluster: str, application: str) -> HttpResponse:
    """One side (`?side=base` or `head`) of the view that the query names. 404 where that side has none."""
    cell = find_cell(pk, cluster, application)
    base, head = texts_of(cell, read_look(request, cell).view)
    text = base if request.GET.get("side") == "base" else head
    if text is None:
        raise Http404("there is nothing on this side")
    return HttpResponse(text, content_type=_PLAIN)


def unified(request: HttpRequest, pk: int, cluster: str, application: str) -> HttpResponse:
    """The diff of the view that the query names, as `git apply` takes it; what rules hide only with `ignored=show`."""
    cell = find_cell(pk, cluster, application)
    look = read_look(request, cell)
    path = f"{_safe(cluster)}/{_safe(application)}/{look.view}.yaml"
    response = HttpResponse(unified_diff(*texts_of(cell, look.view, look.with_ignored), path), content_type=_PLAIN)
    name = f"{_safe(application)}-{_safe(cluster)}-{look.view}.diff"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _safe(name: str) -> str:
    return _UNSAFE.sub("-", name).strip(".-")[:80] or "unnamed"
