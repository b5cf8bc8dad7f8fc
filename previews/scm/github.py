"""GitHub: its webhooks, and what we tell it.

docs.github.com: webhook events and payloads, validating webhook deliveries; REST: commit statuses, issue comments.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from previews.scm.answer import Comment, Place, Status, Thread, put
from previews.scm.client import Client
from previews.scm.events import (
    ChangeEvent,
    Event,
    PushEvent,
    commit_of,
    is_sha256,
    mapping_of,
    number_of,
    text_of,
    time_of,
)

#: The headers that name the event and the delivery.
EVENT, DELIVERY = "X-GitHub-Event", "X-GitHub-Delivery"
_SIGNATURE = "X-Hub-Signature-256"

#: Where its API is, and how many bytes a comment may have (65,536 characters).
API, COMMENT_BYTES = "https://api.github.com", 60_000


def is_signed(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """Whether the delivery proves that its sender knows the secret. SHA-1 signatures do not count."""
    return is_sha256(headers.get(_SIGNATURE, ""), body, secret)


def read(event: str, payload: Mapping[str, Any]) -> Event | None:
    """What a delivery says, None for an event that is none of our business. Raises Malformed."""
    if event == "push":
        return PushEvent()
    return read_pull_request(payload) if event == "pull_request" else None


def read_pull_request(payload: Mapping[str, Any]) -> ChangeEvent:
    """A pull request as GitHub, and Gitea after it, writes it. Raises Malformed."""
    request = mapping_of(payload, "pull_request")
    number = number_of(request, "number")
    is_closed = text_of(request, "state") == "closed"
    is_merged = is_closed and request.get("merged") is True
    return ChangeEvent(
        number=number,
        ref=f"refs/pull/{number}/head",
        title=text_of(request, "title"),
        description=text_of(request, "body", required=False),
        author=text_of(request, "user", "login", required=False),
        target_branch=text_of(request, "base", "ref"),
        state="merged" if is_merged else "closed" if is_closed else "open",
        at=time_of(request, "updated_at"),
        # While it is open, GitHub names a commit there that nobody has merged.
        merged_commit=commit_of(request, "merge_commit_sha") if is_merged else "",
        merged_at=time_of(request, "merged_at") if is_merged and request.get("merged_at") else None,
    )


def headers(token: str) -> dict[str, str]:
    """How we tell who we are."""
    return {"Authorization": f"Bearer {token}", "X-GitHub-Api-Version": "2022-11-28"}


def post_status(client: Client, place: Place, status: Status) -> None:
    """Puts a status on a commit. Raises Refused, Later."""
    content = {"state": status.state, "context": status.name, "description": status.text[:140]}
    link = {"target_url": status.link} if status.link else {}
    client.call("POST", f"/repos/{quote(place.project)}/statuses/{status.commit}", content | link)


def put_comment(client: Client, place: Place, comment: Comment) -> str:
    """Edits our comment or makes it; gives its id. Raises Refused, Gone, Later."""
    repository = f"/repos/{quote(place.project)}/issues"
    thread = Thread(f"{repository}/{place.number}/comments", f"{repository}/comments", "per_page=100")
    return put(client, thread, comment, {"body": f"{comment.text}\n<!-- astrolabe:{comment.marker} -->"})
