"""What each provider sends when something happens to a change request: headers, fields and signature as it sends them."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

State = Literal["open", "closed", "merged"]

#: The ref that holds the head of the change request with a number, from a branch.
REFS = {
    "github": "refs/pull/{number}/head",
    "gitlab": "refs/merge-requests/{number}/head",
    "gitea": "refs/pull/{number}/head",
    "bitbucket": "refs/heads/{source}",
}
ACTIONS = {
    "github": {"pushed": "synchronize", "retargeted": "edited", "merged": "closed"},
    "gitea": {"pushed": "synchronized", "retargeted": "edited", "merged": "closed"},
    "gitlab": {
        "opened": "open", "pushed": "update", "retargeted": "update", "closed": "close", "merged": "merge",
        "reopened": "reopen",
    },
    "bitbucket": {
        "opened": "created", "pushed": "updated", "retargeted": "updated", "closed": "rejected", "merged": "fulfilled",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Request:
    """A change request as its provider knows it."""

    number: int = 12
    source: str = "labels"
    target: str = "main"
    title: str = "Raise the limit"
    state: State = "open"
    head: str = "f" * 40
    before: str = ""
    merged: str = ""


@dataclass(frozen=True)
class Delivery:
    """A request to the hook, ready to be sent any number of times."""

    headers: dict[str, str]
    body: bytes


class Teller:
    """One provider's side of the webhooks. Its clock goes on by an hour with each word."""

    def __init__(self, kind: str, secret: str) -> None:
        self.kind, self.secret = kind, secret
        self.now = datetime(2026, 1, 2, 8, 0, 0, tzinfo=UTC)

    def ref(self, request: Request) -> str:
        return REFS[self.kind].format(number=request.number, source=request.source)

    def word(self, action: str, request: Request) -> Delivery:
        """That something was done to a change request, which is as it says since."""
        self.now += timedelta(hours=1)
        name = ACTIONS[self.kind].get(action, action)
        event, payload = getattr(self, f"_{self.kind}")(name, request)
        return self._sign(event, payload)

    def push(self, branch: str, before: str, after: str) -> Delivery:
        """That a branch moved."""
        if self.kind == "bitbucket":
            sides = {"old": {"type": "branch", "name": branch, "target": {"hash": before}}}
            sides |= {"new": {"type": "branch", "name": branch, "target": {"hash": after}}}
            change = {**sides, "created": False, "closed": False, "forced": False, "truncated": False}
            return self._sign("repo:push", {"push": {"changes": [change]}, **_place(self.kind)})
        payload = {"ref": f"refs/heads/{branch}", "before": before, "after": after, "commits": [], **_place(self.kind)}
        if self.kind == "gitlab":
            return self._sign("Push Hook", {"object_kind": "push", "checkout_sha": after, **payload})
        return self._sign("push", {**payload, "pusher": {"login": "kim"}})

    def forge(self, delivery: Delivery) -> Delivery:
        """The same words from somebody who does not know the secret."""
        stranger = Teller(self.kind, "guessed")
        event = next(value for name, value in delivery.headers.items() if name in _EVENTS)
        return stranger._sign(event, json.loads(delivery.body))

    def _sign(self, event: str, payload: dict[str, Any]) -> Delivery:
        body = json.dumps(payload).encode()
        digest = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        sha1 = hmac.new(self.secret.encode(), body, hashlib.sha1).hexdigest()
        name = str(uuid.uuid4())
        more = "_sync" if payload.get("action") == "synchronized" else ""
        github = {
            "X-GitHub-Event": event, "X-GitHub-Delivery": name, "X-Hub-Signature": f"sha1={sha1}",
            "X-Hub-Signature-256": f"sha256={digest}",
        }  # fmt: skip
        headers = {
            "github": {"User-Agent": "GitHub-Hookshot/044aadd", "X-GitHub-Hook-ID": "292430182", **github},
            "gitea": {
                **github, "X-Gitea-Event": event, "X-Gitea-Event-Type": f"{event}{more}", "X-Gitea-Delivery": name,
                "X-Gitea-Signature": digest, "X-Gogs-Event": event, "X-Gogs-Delivery": name, "X-Gogs-Signature": digest,
            },
            "gitlab": {
                "User-Agent": "GitLab/17.5.0", "X-Gitlab-Event": event, "X-Gitlab-Token": self.secret,
                "X-Gitlab-Event-UUID": name, "X-Gitlab-Webhook-UUID": str(uuid.uuid4()),
                "X-Gitlab-Instance": "https://gitlab.example.com", "Idempotency-Key": str(uuid.uuid4()),
            },
            "bitbucket": {
                "User-Agent": "Bitbucket-Webhooks/2.0", "X-Event-Key": event, "X-Request-UUID": name,
                "X-Hook-UUID": str(uuid.uuid4()), "X-Attempt-Number": "1", "X-Hub-Signature": f"sha256={digest}",
            },
        }[self.kind]  # fmt: skip
        return Delivery(headers, body)

    def _github(self, action: str, request: Request) -> tuple[str, dict[str, Any]]:
        owner = {"login": "acme", "id": 1, "type": "Organization"}
        repository = {"id": 5, "full_name": "acme/fleet", "name": "fleet", "owner": owner, "default_branch": "main"}
        is_merged = request.state == "merged"
        at = self.now.strftime("%Y-%m-%dT%H:%M:%SZ")
        pull_request = {
            "id": 279147437, "number": request.number, "state": "open" if request.state == "open" else "closed",
            "locked": False, "draft": False, "title": request.title, "body": None, "user": {"login": "kim", "id": 21},
            "created_at": "2026-01-02T08:00:00Z", "updated_at": at, "merged": is_merged,
            "closed_at": None if request.state == "open" else at, "merged_at": at if is_merged else None,
            # While it is open, that of a merge that nobody has made.
            "merge_commit_sha": request.merged if is_merged else "e" * 40,
            "head": {"label": f"acme:{request.source}", "ref": request.source, "sha": request.head, "repo": repository},
            "base": {"label": f"acme:{request.target}", "ref": request.target, "sha": "b" * 40, "repo": repository},
        }  # fmt: skip
        payload = {"action": action, "number": request.number, "pull_request": pull_request}
        payload |= {"before": request.before, "after": request.head} if action.startswith("synchron") else {}
        return "pull_request", {**payload, **_place(self.kind)}

    _gitea = _github

    def _gitlab(self, action: str, request: Request) -> tuple[str, dict[str, Any]]:
        at = self.now.strftime("%Y-%m-%d %H:%M:%S UTC")
        commit = {"id": request.head, "message": "why", "author": {"name": "Kim", "email": "kim@example.com"}}
        attributes = {
            "id": 90, "iid": request.number, "title": request.title, "description": "", "author_id": 21,
            "state": "opened" if request.state == "open" else request.state, "action": action, "draft": False,
            "source_branch": request.source, "target_branch": request.target, "source_project_id": 5,
            "target_project_id": 5, "created_at": "2026-01-02 08:00:00 UTC", "updated_at": at, "last_commit": commit,
            "merge_commit_sha": request.merged or None, "squash_commit_sha": None, "merge_status": "unchecked",
        }  # fmt: skip
        attributes |= {"oldrev": request.before} if request.before else {}
        payload = {"object_kind": "merge_request", "event_type": "merge_request", "object_attributes": attributes}
        return "Merge Request Hook", {**payload, "labels": [], "changes": {}, **_place(self.kind)}

    def _bitbucket(self, action: str, request: Request) -> tuple[str, dict[str, Any]]:
        state = {"open": "OPEN", "closed": "DECLINED", "merged": "MERGED"}[request.state]
        repository = {"type": "repository", "full_name": "acme/fleet", "name": "fleet", "uuid": "{673a}"}
        merged = {"type": "commit", "hash": request.merged[:12]} if request.merged else None
        pull_request = {
            "type": "pullrequest", "id": request.number, "title": request.title, "description": "", "state": state,
            "author": {"type": "user", "display_name": "Kim", "account_id": "1"}, "reason": "", "merge_commit": merged,
            "source": {
                "branch": {"name": request.source}, "commit": {"hash": request.head[:12]}, "repository": repository,
            },
            "destination": {
                "branch": {"name": request.target}, "commit": {"hash": "b" * 12}, "repository": repository,
            },
            "created_on": "2026-01-02T08:00:00.000000+00:00", "updated_on": self.now.isoformat(timespec="microseconds"),
        }  # fmt: skip
        return f"pullrequest:{action}", {"pullrequest": pull_request, **_place(self.kind)}


_EVENTS = ("X-Gitea-Event", "X-GitHub-Event", "X-Gitlab-Event", "X-Event-Key")


def _place(kind: str) -> dict[str, Any]:
    """Where it happened and who did it."""
    who = {"login": "kim", "username": "kim", "name": "Kim"}
    if kind == "gitlab":
        project = {"id": 5, "path_with_namespace": "acme/fleet", "default_branch": "main"}
        return {"user": who, "project": project, "repository": {"name": "fleet"}}
    return {
        "sender" if kind != "bitbucket" else "actor": who,
        "repository": {"name": "fleet", "full_name": "acme/fleet"},
    }
