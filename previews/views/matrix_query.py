"""The query of a matrix: what the reader asked to see, and the way back to it."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.http import urlencode

from previews.views.matrix_table import CAUSES, STATES, Filters

#: Names of the query parameters that a filtered matrix has.
PARAMETERS = ("app", "cluster", "state", "cause", "finding", "pattern", "group", "sort", "show")


def read_filters(request: HttpRequest) -> Filters:
    """The filters in the query. What is not known counts as not given."""
    state, cause = request.GET.get("state", ""), request.GET.get("cause", "")
    return Filters(
        application=request.GET.get("app", "").strip()[:200],
        cluster=request.GET.get("cluster", "").strip()[:200],
        state=state if state in STATES else "",
        group=request.GET.get("group", "")[:20],
        pattern=request.GET.get("pattern", "")[:20],
        worst_first=request.GET.get("sort") == "worst",
        cause=cause if cause in CAUSES else "",
        finding=request.GET.get("finding", "").strip()[:60],
        show_all=request.GET.get("show") == "all",
    )


def matrix_query(request: HttpRequest) -> str:
    """The query of this matrix in one canonical form, for links that come back to it."""
    return urlencode([(name, request.GET[name]) for name in PARAMETERS if request.GET.get(name)])


def kept_for_later(request: HttpRequest) -> list[tuple[str, str]]:
    """What the query asks of cells besides their names: while nothing is known of them it has no effect yet."""
    return [(name, request.GET[name]) for name in PARAMETERS[2:-1] if request.GET.get(name)]


def way_back(request: HttpRequest) -> str:
    """What a link to a cell carries, so that the cell leads back to this very matrix."""
    query = matrix_query(request)
    return "&" + urlencode({"m": query}) if query else ""
