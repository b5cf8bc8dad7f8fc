"""What we tell a provider of a preview, in our words: a status on the head commit, and one comment that is kept up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from previews.scm.client import Client

State = Literal["pending", "success", "failure", "error"]

#: Pages of comments that are looked through for our own.
_MAX_PAGES = 30


@dataclass(frozen=True)
class Place:
    """A change request at its provider: the repository's path there (`owner/name`), and the number."""

    project: str
    number: int


@dataclass(frozen=True)
class Status:
    """What stands beside a commit. `name` tells statuses of one commit apart; `link` may be ""."""

    commit: str
    name: str
    state: State
    text: str
    link: str


@dataclass(frozen=True)
class Comment:
    """A comment as it shall be. `marker` is a word nobody guesses; `id` is the provider's, "" when not known."""

    text: str
    marker: str
    id: str


@dataclass(frozen=True)
class Thread:
    """Where a provider keeps the comments of a change request.

    `all` is the path of the list, `one` of a comment behind which its id comes; `pages` is the query of a page, "" for
    a provider that gives all at once; `edit` the method.
    """

    all: str
    one: str
    pages: str
    edit: str = "PATCH"


def put(client: Client, thread: Thread, comment: Comment, body: dict[str, Any]) -> str:
    """Edits the comment, or makes it where there is none with its marker; gives its id.

    Raises Gone when the comment of that id is not there any more; else Refused, Later.
    """
    found = comment.id or find(client, thread, comment.marker)
    if found:
        client.call(thread.edit, f"{thread.one}/{found}", body)
        return found
    return id_of(client.call("POST", thread.all, body))


def find(client: Client, thread: Thread, marker: str) -> str:
    """The id of the comment that holds our marker: it may be there although we never heard so. "" for none."""
    return next((id_of(row) for row in _rows(client, thread) if marker in _text(row) and not row.get("deleted")), "")


def id_of(row: Any) -> str:
    """The id of a comment as a text that may stand in a path."""
    number = row.get("id") if isinstance(row, dict) else None
    return str(number) if isinstance(number, int) else ""


def _rows(client: Client, thread: Thread) -> Iterator[dict[str, Any]]:
    for page in range(1, _MAX_PAGES + 1):
        answer = client.call("GET", f"{thread.all}?{thread.pages}&page={page}" if thread.pages else thread.all)
        rows = answer.get("values") if isinstance(answer, dict) else answer
        found = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        yield from found
        if not found or not thread.pages:
            return


def _text(row: dict[str, Any]) -> str:
    content = row.get("content")
    return str(content.get("raw") if isinstance(content, dict) else row.get("body"))
