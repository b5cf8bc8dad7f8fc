"""Who reads: a random name in a cookie, until there are accounts. It says nothing about the person."""

from __future__ import annotations

import re
import secrets

from django.http import HttpRequest, HttpResponse

COOKIE = "reviewer"
_NAME = re.compile(r"[A-Za-z0-9_-]{43}")
_YEARS = 3 * 365 * 24 * 3600


def reviewer_of(request: HttpRequest) -> str:
    """The reader's name, "" for somebody who has none yet."""
    name = request.COOKIES.get(COOKIE, "")
    return name if _NAME.fullmatch(name) else ""


def new_reviewer() -> str:
    """A name that nobody can guess, since it is all that is asked for."""
    return secrets.token_urlsafe(32)


def remember(request: HttpRequest, response: HttpResponse, reviewer: str) -> None:
    """Keeps the name with the reader, for three years from now."""
    response.set_cookie(COOKIE, reviewer, max_age=_YEARS, samesite="Lax", httponly=True, secure=request.is_secure())
