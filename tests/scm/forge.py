"""A repository at its provider: what people do there moves its refs, and makes deliveries for whoever listens."""

from __future__ import annotations

import urllib.error
import urllib.request
from dataclasses import replace

from tests.conftest import GitRepository
from tests.scm.deliveries import Delivery, Request, Teller


class Forge:
    """One change request, from the branch `labels` to `main`, with number 12.

    Each deed gives the deliveries that the provider makes of it; whether and how often they arrive is the test's.
    """

    def __init__(self, git: GitRepository, teller: Teller) -> None:
        self.git, self.teller = git, teller
        self.request = Request()

    def open(self) -> list[Delivery]:
        self._follow()
        return [self.teller.word("opened", self.request)]

    def pushed(self) -> list[Delivery]:
        """Somebody has moved the branch, with force or without."""
        before = self.request.head
        self._follow()
        moved = self.teller.push(self.request.source, before, self.request.head)
        return [moved, self.teller.word("pushed", replace(self.request, before=before))]

    def retarget(self, branch: str) -> list[Delivery]:
        self.request = replace(self.request, target=branch)
        return [self.teller.word("retargeted", self.request)]

    def close(self) -> list[Delivery]:
        self.request = replace(self.request, state="closed")
        return [self.teller.word("closed", self.request)]

    def reopen(self) -> list[Delivery]:
        """Bitbucket reopens nothing: people open another one from the same branch."""
        is_new = self.teller.kind == "bitbucket"
        self.request = replace(self.request, state="open", number=self.request.number + is_new)
        self._follow()
        return [self.teller.word("opened" if is_new else "reopened", self.request)]

    def merge(self) -> list[Delivery]:
        """With a merge commit."""
        branch = f"refs/heads/{self.request.target}"
        before = self._commit(branch)
        tree = self.git._git("merge-tree", "--write-tree", before, self.request.head).decode().strip()
        who = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
        sides = ["-p", before, "-p", self.request.head]
        merged = self.git._git(*who, "commit-tree", tree, *sides, "-m", "Merge #12").decode().strip()
        self.git._git("update-ref", branch, merged)
        self.request = replace(self.request, state="merged", merged=merged)
        moved = self.teller.push(self.request.target, before, merged)
        return [moved, self.teller.word("merged", self.request)]

    def _follow(self) -> None:
        """Has the ref of the change request stand where its branch stands."""
        self.request = replace(self.request, head=self._commit(f"refs/heads/{self.request.source}"))
        self.git._git("update-ref", self.teller.ref(self.request), self.request.head)

    def _commit(self, ref: str) -> str:
        return self.git._git("rev-parse", ref).decode().strip()


def post(client, repository, *deliveries: Delivery) -> list[int]:
    """Has the deliveries arrive, in this order; gives the answers."""
    place = f"/hooks/{repository.slug}/"
    return [
        client.post(place, one.body, content_type="application/json", headers=one.headers).status_code
        for one in deliveries
    ]


def send(url: str, *deliveries: Delivery) -> list[int]:
    """The same over the wire."""
    return [_send(url, one) for one in deliveries]


def _send(url: str, delivery: Delivery) -> int:
    headers = {"Content-Type": "application/json", **delivery.headers}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, delivery.body, headers), timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
