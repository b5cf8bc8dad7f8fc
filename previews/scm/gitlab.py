"""GitLab: its webhooks, and what we tell it.

docs.gitlab.com: webhook events, merge request events; REST: commits (statuses), notes.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import quote

from previews.scm.answer import Comment, Place, Status, Thread, put
from previews.scm.client import Client, Refused
from previews.scm.events import ChangeEvent, Event, PushEvent, commit_of, mapping_of, number_of, text_of, time_of

#: The headers that name the event and the delivery.
EVENT, DELIVERY = "X-Gitlab-Event", "X-Gitlab-Event-UUID"
_TOKEN = "X-Gitlab-Token"  # noqa: S105 (a header's name)

#: Where its API is, and how many bytes a comment may have (1,000,000 characters; people read fewer).
API, COMMENT_BYTES = "https://gitlab.com/api/v4", 60_000
_STATUSES = {"pending": "pending", "success": "success", "failure": "failed", "error": "failed"}
_STATES: dict[str, Literal["open", "closed", "merged"]] = {
    "opened": "open",
    "locked": "open",
    "closed": "closed",
    "merged": "merged",
}


def is_signed(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """Whether the delivery carries the secret: GitLab sends it as it is."""
    return hmac.compare_digest(headers.get(_TOKEN, "").encode("utf-8", "replace"), secret.encode())


def read(event: str, payload: Mapping[str, Any]) -> Event | None:
    """What a delivery says, None for an event that is none of our business. Raises Malformed."""
    if event == "Push Hook":
        return PushEvent()
    if event != "Merge Request Hook":
        return None
    request = mapping_of(payload, "object_attributes")
    number = number_of(request, "iid")
    return ChangeEvent(
        number=number,
        ref=f"refs/merge-requests/{number}/head",
        title=text_of(request, "title"),
        description=text_of(request, "description", required=False),
        # The event's user is who did it, not who wrote it, but for the first.
        author=text_of(request, "last_commit", "author", "name", required=False),
        target_branch=text_of(request, "target_branch"),
        state=_STATES.get(text_of(request, "state"), "open"),
        at=time_of(request, "updated_at"),
        merged_commit=commit_of(request, "merge_commit_sha") or commit_of(request, "squash_commit_sha"),
    )


def headers(token: str) -> dict[str, str]:
    """How we tell who we are."""
    return {"PRIVATE-TOKEN": token}


def post_status(client: Client, place: Place, status: Status) -> None:
    """Puts a status on a commit. Raises Refused, Later.

    GitLab wants to know on which ref (app/services/ci/create_commit_status_service.rb): by itself it takes any branch
    that holds the commit, and finds none for a fork's.
    """
    project = f"/projects/{quote(place.project, safe='')}"
    content = {
        "state": _STATUSES[status.state],
        "name": status.name,
        "description": status.text[:255],
        "ref": _ref(client.call("GET", f"{project}/merge_requests/{place.number}"), place.number),
    }
    link = {"target_url": status.link} if status.link else {}
    try:
        client.call("POST", f"{project}/statuses/{status.commit}", content | link)
    except Refused as error:
        # Its statuses are a state machine, which takes it ill to be told what it is already.
        if "Cannot transition status" not in str(error):
            raise


def _ref(request: Any, number: int) -> str:
    """The branch of a merge request, or what stands for it where it comes from a fork."""
    branch = request.get("source_branch") if isinstance(request, dict) else None
    is_here = bool(branch) and request.get("source_project_id") == request.get("target_project_id")
    return str(branch) if is_here else f"refs/merge-requests/{number}/head"


def put_comment(client: Client, place: Place, comment: Comment) -> str:
    """Edits our comment or makes it; gives its id. Raises Refused, Gone, Later."""
    notes = f"/projects/{quote(place.project, safe='')}/merge_requests/{place.number}/notes"
    thread = Thread(notes, notes, "per_page=100&sort=desc", edit="PUT")
    return put(client, thread, comment, {"body": f"{comment.text}\n<!-- astrolabe:{comment.marker} -->"})
