"""GitHub's webhooks (docs.github.com: webhook events and payloads, validating webhook deliveries)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from previews.scm.events import ChangeEvent, Event, Malformed, PushEvent, is_hmac, text_of

#: The headers that name the event and the delivery.
EVENT, DELIVERY = "X-GitHub-Event", "X-GitHub-Delivery"
_SIGNATURE = "X-Hub-Signature-256"


def is_signed(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """Whether the delivery proves that its sender knows the secret. SHA-1 signatures do not count."""
    kind, _, signature = headers.get(_SIGNATURE, "").partition("=")
    return kind == "sha256" and is_hmac(signature, body, secret)


def read(event: str, payload: Mapping[str, Any]) -> Event | None:
    """What a delivery says, None for an event that is none of our business. Raises Malformed."""
    if event == "push":
        return PushEvent()
    if event != "pull_request":
        return None
    request = payload.get("pull_request")
    if not isinstance(request, dict):
        raise Malformed("pull_request is no object")
    number = request.get("number")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 2**31:
        raise Malformed("pull_request.number is no number")
    try:
        at = datetime.fromisoformat(text_of(request, "updated_at"))
    except ValueError:
        raise Malformed("pull_request.updated_at is no time") from None
    if at.tzinfo is None:
        raise Malformed("pull_request.updated_at has no time zone")
    is_closed = text_of(request, "state") == "closed"
    return ChangeEvent(
        number=number,
        ref=f"refs/pull/{number}/head",
        title=text_of(request, "title"),
        description=text_of(request, "body", required=False),
        author=text_of(request, "user", "login", required=False),
        target_branch=text_of(request, "base", "ref"),
        state="merged" if is_closed and request.get("merged") is True else "closed" if is_closed else "open",
        at=at,
    )
