"""GitLab's webhooks (docs.gitlab.com: webhook events, merge request events)."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any, Literal

from previews.scm.events import ChangeEvent, Event, PushEvent, commit_of, mapping_of, number_of, text_of, time_of

#: The headers that name the event and the delivery.
EVENT, DELIVERY = "X-Gitlab-Event", "X-Gitlab-Event-UUID"
_TOKEN = "X-Gitlab-Token"  # noqa: S105 (a header's name)
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
