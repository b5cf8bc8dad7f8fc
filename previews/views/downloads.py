"""A cell's texts as files: one side as it is, or the diff of both as `git apply` and `git am` take it."""

from __future__ import annotations

import re
from dataclasses import replace
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from django.http import Http404, HttpRequest, HttpResponse

from previews.engine.diff.unified import unified_diff
from previews.models import Cell
from previews.views.cell import find_cell, look_at
from previews.views.cell_files import file_texts
from previews.views.cell_look import Look, read_look
from previews.views.cell_sections import texts_of

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_PLAIN = "text/plain; charset=utf-8"


def raw(request: HttpRequest, pk: int, cluster: str, application: str) -> HttpResponse:
    """One side (`?side=base` or `head`) of the view, or of the section, that the query names. 404 where it has none."""
    cell = find_cell(pk, cluster, application)
    base, head = _texts(request, cell, replace(read_look(request, cell), with_ignored=True))
    text = base if request.GET.get("side") == "base" else head
    if text is None:
        raise Http404("there is nothing on this side")
    return HttpResponse(text, content_type=_PLAIN)


def unified(request: HttpRequest, pk: int, cluster: str, application: str) -> HttpResponse:
    """The unified diff of the view or section that the query names; what rules hide only with `ignored=show`."""
    cell = find_cell(pk, cluster, application)
    look = read_look(request, cell)
    return _download(_diff(request, cell, look), f"{_name(cell, look)}.diff")


def patch(request: HttpRequest, pk: int, cluster: str, application: str) -> HttpResponse:
    """The same diff as a mail that `git am` makes a commit of, for repositories of rendered manifests."""
    cell = find_cell(pk, cluster, application)
    look = read_look(request, cell)
    return _download(_mail(cell, _diff(request, cell, look)), f"{_name(cell, look)}.patch")


def _texts(request: HttpRequest, cell: Cell, look: Look) -> tuple[str | None, str | None]:
    number = request.GET.get("section", "")
    if not number and look.view == "file":
        return file_texts(cell, look.file)
    if not number:
        return texts_of(cell, look.view, look.with_ignored)
    section = look_at(cell, look).at(int(number)) if number.isascii() and number.isdigit() else None
    if section is None:
        raise Http404("there is no such section")
    left, right = (text if text is None or text.endswith("\n") else text + "\n" for text in section.texts)
    return left, right


def _diff(request: HttpRequest, cell: Cell, look: Look) -> str:
    if look.view == "file":
        path = "/".join(map(_safe, cell.files[look.file]["name"].split("/")))
    else:
        path = f"{_safe(cell.cluster)}/{_safe(cell.application)}/{look.view}.yaml"
    return unified_diff(*_texts(request, cell, look), path)


def _mail(cell: Cell, diff: str) -> str:
    """The form of `git format-patch`; its first line has the date that Git always writes there."""
    change = cell.preview.change_request
    title = f"{change.title} ({change.label})" if change else f"{cell.preview}"
    mail = EmailMessage(policy=SMTP.clone(linesep="\n", cte_type="8bit"))
    mail["From"] = "Astrolabe <astrolabe@localhost>"
    mail["Date"] = format_datetime(cell.preview.created_at)
    mail["Subject"] = f"[PATCH] {_safe(cell.application)} on {_safe(cell.cluster)}: {' '.join(title.split())[:200]}"
    return f"From {cell.preview.head_commit or '0' * 40} Mon Sep 17 00:00:00 2001\n{mail.as_string()}---\n{diff}-- \n"


def _download(text: str, name: str) -> HttpResponse:
    response = HttpResponse(text, content_type=_PLAIN)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _name(cell: Cell, look: Look) -> str:
    view = _safe(cell.files[look.file]["name"]) if look.view == "file" else look.view
    return f"{_safe(cell.application)}-{_safe(cell.cluster)}-{view}"


def _safe(name: str) -> str:
    return _UNSAFE.sub("-", name).strip(".-")[:80] or "unnamed"
