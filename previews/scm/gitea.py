"""Webhooks of Gitea and Forgejo (docs.gitea.com: webhooks). Both send GitHub's headers too, but sign their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from previews.scm.events import Event, PushEvent, is_hmac
from previews.scm.github import read_pull_request

#: The headers that name the event and the delivery.
EVENT, DELIVERY = "X-Gitea-Event", "X-Gitea-Delivery"
_SIGNATURE = "X-Gitea-Signature"


def is_signed(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """Whether the delivery proves that its sender knows the secret."""
    return is_hmac(headers.get(_SIGNATURE, ""), body, secret)


def read(event: str, payload: Mapping[str, Any]) -> Event | None:
    """What a delivery says, None for an event that is none of our business. Raises Malformed."""
    if event == "push":
        return PushEvent()
    # A new head comes as an event of its own: pull_request_sync.
    return read_pull_request(payload) if event in ("pull_request", "pull_request_sync") else None
