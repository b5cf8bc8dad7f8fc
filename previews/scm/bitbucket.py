"""Bitbucket Cloud's webhooks (support.atlassian.com: event payloads, secure webhooks).

Bitbucket keeps no ref for a pull request, so its head is the source branch; one from a fork cannot be had.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

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
