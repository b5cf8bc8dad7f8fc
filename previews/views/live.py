"""The matrix while its preview runs: each poll brings how far it is, and the cells completed since the last one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.http import urlencode
from django_htmx.http import HttpResponseClientRefresh

from previews.models import Preview
from previews.views.matrix_query import matrix_query, read_filters, way_back
from previews.views.matrix_table import completed_since, names_that_match

#: Cells in one answer; those that are left come with the next.
MOST_CELLS = 300


@dataclass(frozen=True, slots=True)
class Poll:
    """What a page has: the `attempt` whose table it shows, 0 for none, and the last `turn` of a cell in it.

    `said` is what it told last to those who listen.
    """

    attempt: int
    turn: int
    said: str

    @classmethod
    def of(cls, preview: Preview) -> Self:
        """What a page has that was made from a preview. Cells that are read later may be further."""
        if not preview.is_planned:
            return cls(0, 0, say(preview))
        return cls(preview.attempt, preview.totals.get("done", 0), say(preview))

    @classmethod
    def asked(cls, request: HttpRequest) -> Self:
        """What the page says that it has."""
        return cls(_number(request, "attempt"), _number(request, "turn"), request.GET.get("said", ""))

    @property
    def query(self) -> str:
        """How the page says it."""
        return urlencode([("attempt", self.attempt), ("turn", self.turn), ("said", self.said)])


def _number(request: HttpRequest, name: str) -> int:
    text = request.GET.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def say(preview: Preview) -> str:
    """How far it is, for those who listen: seldom something new, so that they hear something else, too."""
    return f"{preview.state}, {preview.percent // 20 * 20}% done"


def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """What is new since the page was made or asked last: how far the preview is, and completed cells.

    When it has ended, or has a table that the page has not, the whole page is to be had anew.
    """
    preview = get_object_or_404(Preview, pk=pk)
    asked = Poll.asked(request)
    if not preview.is_running or (preview.is_planned and asked.attempt != preview.attempt):
        return HttpResponseClientRefresh()
    new = completed_since(preview, asked.turn, MOST_CELLS) if preview.is_planned else []
    shown = names_that_match(preview.repository.clusters.all() if new else (), read_filters(request))
    context = {
        "preview": preview,
        "cells": [cell for cell in new if shown(cell.cluster, cell.application)],
        "poll": Poll(asked.attempt, new[-1].turn if new else asked.turn, say(preview)),
        "says_new": asked.said != say(preview),
        "back": way_back(request),
        "query": matrix_query(request),
    }
    return render(request, "_live.html", context)
