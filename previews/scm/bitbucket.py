"""Bitbucket Cloud: its webhooks, and what we tell it.

support.atlassian.com: event payloads, secure webhooks; developer.atlassian.com: commit statuses, pull requests.

Bitbucket keeps no ref for a pull request, so its head is the source branch; one from a fork cannot be had.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any, Literal
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
EVENT, DELIVERY = "X-Event-Key", "X-Request-UUID"
_SIGNATURE = "X-Hub-Signature"

#: Where its API is, and how many bytes a comment may have (32,768 characters).
API, COMMENT_BYTES = "https://api.bitbucket.org/2.0", 30_000
_STATUSES = {"pending": "INPROGRESS", "success": "SUCCESSFUL", "failure": "FAILED", "error": "FAILED"}
_STATES: dict[str, Literal["open", "closed", "merged"]] = {
    "OPEN": "open",
    "MERGED": "merged",
    "DECLINED": "closed",
    "SUPERSEDED": "closed",
}


def is_signed(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """Whether the delivery proves that its sender knows the secret."""
    return is_sha256(headers.get(_SIGNATURE, ""), body, secret)


def read(event: str, payload: Mapping[str, Any]) -> Event | None:
    """What a delivery says, None for an event that is none of our business. Raises Malformed."""
    if event == "repo:push":
        return PushEvent()
    request = payload.get("pullrequest")
    if not event.startswith("pullrequest:") or not isinstance(request, dict):
        return None
    source, target = mapping_of(request, "source"), mapping_of(request, "destination")
    if text_of(source, "repository", "full_name", required=False) != text_of(target, "repository", "full_name"):
        return None
    return ChangeEvent(
        number=number_of(request, "id"),
        ref=f"refs/heads/{text_of(source, 'branch', 'name')}",
        title=text_of(request, "title"),
        description=text_of(request, "description", required=False),
        author=text_of(request, "author", "display_name", required=False),
        target_branch=text_of(target, "branch", "name"),
        state=_STATES.get(text_of(request, "state"), "open"),
        at=time_of(request, "updated_on"),
        merged_commit=commit_of(request, "merge_commit", "hash"),
    )


def headers(token: str) -> dict[str, str]:
    """How we tell who we are: an access token of a repository, or `e-mail:API token` of a user."""
    if ":" in token:
        return {"Authorization": "Basic " + base64.b64encode(token.encode()).decode()}
    return {"Authorization": f"Bearer {token}"}


def post_status(client: Client, place: Place, status: Status) -> None:
    """Puts a status on a commit. Bitbucket wants a link in each, so without one it is the pull request itself."""
    content = {
        "key": status.name if len(status.name) <= 40 else hashlib.sha256(status.name.encode()).hexdigest()[:40],
        "name": status.name[:255],
        "state": _STATUSES[status.state],
        "description": status.text[:255],
        "url": status.link or f"https://bitbucket.org/{quote(place.project)}/pull-requests/{place.number}",
    }
    client.call("POST", f"/repositories/{quote(place.project)}/commit/{status.commit}/statuses/build", content)


def put_comment(client: Client, place: Place, comment: Comment) -> str:
    """Edits our comment or makes it; gives its id. Raises Refused, Gone, Later."""
    comments = f"/repositories/{quote(place.project)}/pullrequests/{place.number}/comments"
    thread = Thread(comments, comments, "pagelen=100&sort=-created_on", edit="PUT")
    # It shows HTML comments as text; the definition of a link that is not used is not seen.
    text = f"{comment.text}\n\n[astrolabe]: # ({comment.marker})"
    return put(client, thread, comment, {"content": {"raw": text}})
