"""Light, dark, or as the system has it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

_YEAR = 365 * 24 * 3600


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Keeps the choice in a cookie, and goes back to where it was made."""
    chosen = request.POST.get("theme")
    if chosen not in ("light", "dark", "system"):
        return HttpResponseBadRequest("theme is light, dark or system")
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = "/"
    response = HttpResponseRedirect(back)
    response.set_cookie("theme", chosen, max_age=_YEAR, samesite="Lax", httponly=True)
    return response
