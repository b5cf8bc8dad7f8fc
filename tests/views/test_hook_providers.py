"""Each provider's own words for the same: a change request that is opened, closed, merged."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest

from previews.models import ChangeRequest
from tests.factories import make_repository

pytestmark = pytest.mark.django_db


def gitlab(state, **more):
    attributes = {
        "iid": 7, "title": "Raise the limit", "description": "why", "state": state, "target_branch": "main",
        "updated_at": "2026-01-02 10:00:00 UTC", "last_commit": {"author": {"name": "Kim"}},
    }  # fmt: skip
    return {"object_kind": "merge_request", "object_attributes": {**attributes, **more}}


def gitea(state, **more):
    request = {
        "number": 7, "title": "Raise the limit", "body": "why", "state": "open" if state == "open" else "closed",
        "merged": state == "merged", "updated_at": "2026-01-02T10:00:00+09:00", "user": {"login": "Kim"},
        "base": {"ref": "main"},
    }  # fmt: skip
    return {"action": "synchronized", "pull_request": {**request, **more}}


def bitbucket(state, fork=False, **more):
    request = {
        "id": 7, "title": "Raise the limit", "description": "why", "state": state, "author": {"display_name": "Kim"},
        "updated_on": "2026-01-02T10:00:00.123456+00:00",
        "source": {"branch": {"name": "topic"}, "repository": {"full_name": "kim/fleet" if fork else "acme/fleet"}},
        "destination": {"branch": {"name": "main"}, "repository": {"full_name": "acme/fleet"}},
    }  # fmt: skip
    return {"pullrequest": {**request, **more}}


def signature(body, secret):
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def send(client, repository, provider, content, secret=None, event=None):
    body = json.dumps(content).encode()
    secret = repository.hook_secret if secret is None else secret
    headers = {
        "gitlab": {"X-Gitlab-Event": event or "Merge Request Hook", "X-Gitlab-Token": secret},
        "gitea": {
            "X-Gitea-Event": event or "pull_request_sync",
            "X-GitHub-Event": "pull_request",
            "X-Gitea-Signature": signature(body, secret),
        },
        "bitbucket": {
            "X-Event-Key": event or "pullrequest:updated",
            "X-Hub-Signature": f"sha256={signature(body, secret)}",
        },
    }[provider]
    return client.post(f"/hooks/{repository.slug}/", body, content_type="application/json", headers=headers)


@pytest.mark.parametrize(
    ("provider", "make", "states", "ref"),
    [
        ("gitlab", gitlab, ("opened", "closed", "merged"), "refs/merge-requests/7/head"),
        ("gitea", gitea, ("open", "closed", "merged"), "refs/pull/7/head"),
        ("bitbucket", bitbucket, ("OPEN", "DECLINED", "MERGED"), "refs/heads/topic"),
    ],
)
def test_each_state_is_understood(client, provider, make, states, ref):
    repository = make_repository()
    for theirs, ours in zip(states, ("open", "closed", "merged"), strict=True):
        assert send(client, repository, provider, make(theirs)).status_code == 202
        found = ChangeRequest.objects.get(number=7)
        assert (found.state, found.ref, found.title, found.author, found.target_branch) == (
            ours, ref, "Raise the limit", "Kim", "main",
        )  # fmt: skip


COMMIT = "c0ffee" * 6 + "c0ff"


@pytest.mark.parametrize(
    ("provider", "content", "told"),
    [
        ("gitlab", gitlab("merged", merge_commit_sha=COMMIT, squash_commit_sha="5" * 40), COMMIT),
        ("gitlab", gitlab("merged", merge_commit_sha=None, squash_commit_sha=COMMIT), COMMIT),
        ("gitlab", gitlab("merged", merge_commit_sha=None), ""),
        ("gitlab", gitlab("closed", merge_commit_sha=COMMIT), ""),
        ("gitea", gitea("merged", merge_commit_sha=COMMIT, merged_at="2026-01-02T09:00:00+09:00"), COMMIT),
        ("gitea", gitea("merged", merge_commit_sha="--upload-pack=x"), ""),
        # What merging would give, as GitHub tells it while nobody has.
        ("gitea", gitea("open", merge_commit_sha=COMMIT), ""),
        ("bitbucket", bitbucket("MERGED", merge_commit={"hash": COMMIT[:12]}), COMMIT[:12]),
        ("bitbucket", bitbucket("OPEN", merge_commit=None), ""),
    ],
)
def test_what_was_merged_is_told_by_each_in_its_own_words(client, provider, content, told):
    repository = make_repository()
    assert send(client, repository, provider, content).status_code == 202
    found = ChangeRequest.objects.get(number=7)
    assert (found.merged_commit, found.merged_at is not None) == (told, found.state == "merged")


@pytest.mark.parametrize(("provider", "make"), [("gitlab", gitlab), ("gitea", gitea), ("bitbucket", bitbucket)])
def test_a_wrong_secret_is_refused_and_nonsense_as_well(client, provider, make):
    repository = make_repository()
    assert send(client, repository, provider, make("open"), secret="wrong").status_code == 401
    assert send(client, repository, provider, make("open"), secret="").status_code == 401
    assert send(client, repository, provider, make("open", title=3)).status_code == 400
    assert not ChangeRequest.objects.exists()


@pytest.mark.parametrize(
    ("provider", "event"), [("gitlab", "Push Hook"), ("gitea", "push"), ("bitbucket", "repo:push")]
)
def test_a_push_is_taken_and_other_events_are_let_go(client, provider, event):
    repository = make_repository()
    assert send(client, repository, provider, {}, event=event).content == b"taken\n"
    assert send(client, repository, provider, {}, event="something else").content == b"nothing to do for this event\n"


def test_a_bitbucket_fork_cannot_be_had(client):
    repository = make_repository()
    assert send(client, repository, "bitbucket", bitbucket("OPEN", fork=True)).status_code == 202
    assert not ChangeRequest.objects.exists()
