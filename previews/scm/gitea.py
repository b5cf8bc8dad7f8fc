"""Gitea and Forgejo: their webhooks, and what we tell them (docs.gitea.com: webhooks, API).

Both send GitHub's webhook headers too, but sign their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from previews.scm.answer import Comment, Place, Thread, put
from previews.scm.client import Client
from previews.scm.events import Event, PushEvent, is_hmac
from previews.scm.github import post_status, read_pull_request

__all__ = ["headers", "is_signed", "post_status", "put_comment", "read"]

#: The headers that name the event and the delivery.
EVENT, DELIVERY = "X-Gitea-Event", "X-Gitea-Delivery"
_SIGNATURE = "X-Gitea-Signature"

#: Everybody has an API of their own. A comment may be long; people read no more than elsewhere.
API, COMMENT_BYTES = "", 60_000


def is_signed(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """Whether the delivery proves that its sender knows the secret."""
    return is_hmac(headers.get(_SIGNATURE, ""), body, secret)


def read(event: str, payload: Mapping[str, Any]) -> Event | None:
    """What a delivery says, None for an event that is none of our business. Raises Malformed."""
    if event == "push":
        return PushEvent()
    # A new head comes as an event of its own: pull_request_sync.
    return read_pull_request(payload) if event in ("pull_request", "pull_request_sync") else None


def headers(token: str) -> dict[str, str]:
    """How we tell who we are."""
    return {"Authorization": f"token {token}"}


def put_comment(client: Client, place: Place, comment: Comment) -> str:
    """Edits our comment or makes it; gives its id. Raises Refused, Gone, Later."""
    repository = f"/repos/{quote(place.project)}/issues"
    # The list of an issue's comments has no pages.
    thread = Thread(f"{repository}/{place.number}/comments", f"{repository}/comments", "")
    return put(client, thread, comment, {"body": f"{comment.text}\n<!-- astrolabe:{comment.marker} -->"})
