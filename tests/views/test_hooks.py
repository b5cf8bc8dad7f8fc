"""Webhooks: who may send them, what is taken, and what follows; with a real repository and a real queue."""

from __future__ import annotations

import hashlib
import hmac
import json
from urllib.parse import urlencode

import pytest

from previews import arrivals
from previews.models import ChangeRequest, Delivery, Preview
from tests.engine.fleets import fleet
from tests.factories import make_repository


def payload(number=1, state="open", target="main", at="2026-01-02T10:00:00Z", **more):
    request = {
        "number": number,
        "title": "Raise the limit",
        "body": None,
        "state": state,
        "merged": False,
        "updated_at": at,
        "user": {"login": "kim"},
        "base": {"ref": target, "repo": {"clone_url": "http://169.254.169.254/"}},
        "head": {"sha": "f" * 40, "repo": None},
        **more,
    }
    return {"action": "opened", "pull_request": request}


def sign(body, secret):
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def deliver(client, repository, content, event="pull_request", name="d-1", **headers):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    sent = {
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": name,
        "X-Hub-Signature-256": sign(body, repository.hook_secret),
    }
    sent |= {key.replace("_", "-"): value for key, value in headers.items()}
    content_type = sent.pop("Content-Type", "application/json")
    sent = {key: value for key, value in sent.items() if value is not None}
    return client.post(f"/hooks/{repository.slug}/", body, content_type=content_type, headers=sent)


@pytest.fixture
def repository(git, work):
    """A fleet with one pull request, mirrored, its preview made."""
    git.commit(fleet())
    git.commit({"charts/web/values.yaml": "text: one\nmore: 1\n"}, ref="refs/pull/1/head", start="refs/heads/main")
    git.commit({"a.txt": "a"}, ref="refs/heads/release", start="refs/heads/main")
    found = arrivals.add_repository("Fleet", str(git.folder))
    arrivals.refresh(found)
    return found


@pytest.mark.django_db
@pytest.mark.parametrize(
    "signature",
    [None, "", "sha256=", "sha1=" + "0" * 40, "sha256=" + "0" * 64, "sha256=\xe4\xf6", "sha256=" + "0" * 5000],
)
def test_without_a_right_signature_nothing_is_taken(client, signature):
    repository = make_repository()
    answer = deliver(client, repository, payload(), X_Hub_Signature_256=signature)
    assert answer.status_code == 401
    assert not ChangeRequest.objects.exists()


@pytest.mark.django_db
def test_an_unknown_repository_answers_like_a_wrong_signature(client):
    repository = make_repository()
    wrong = deliver(client, repository, payload(), X_Hub_Signature_256="sha256=1")
    repository.slug = "nowhere"
    unknown = deliver(client, repository, payload())
    assert (unknown.status_code, unknown.content) == (wrong.status_code, wrong.content) == (401, wrong.content)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"null",
        b"[]",
        b"[" * 100_000,
        {},
        {"pull_request": 1},
        {"pull_request": {"number": "1"}},
        payload(number=0),
        payload(number=2**40),
        payload(number=True),
        payload(at="soon"),
        payload(at="2026-01-02T10:00:00"),
        payload(title=7),
        payload(base=None),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(client, content):
    answer = deliver(client, make_repository(), content)
    assert answer.status_code == 400
    assert answer.content.startswith(b"this delivery cannot be read")
    assert not Delivery.objects.exists()


@pytest.mark.django_db
def test_too_much_is_refused_and_other_events_are_let_go(client):
    repository = make_repository()
    assert deliver(client, repository, b" " * (5 * 1024 * 1024 + 1)).status_code == 413
    assert deliver(client, repository, {}, event="star").status_code == 202
    assert client.get(f"/hooks/{repository.slug}/").status_code == 405


def test_a_delivery_makes_a_preview_and_counts_once(client, repository, work):
    for _ in range(3):
        assert deliver(client, repository, payload()).status_code == 202
    work()
    change_request = ChangeRequest.objects.get(number=1)
    assert (change_request.title, change_request.author, change_request.state) == ("Raise the limit", "kim", "open")
    assert Preview.objects.get(change_request=change_request).state == Preview.DONE
    arrivals.refresh(repository)
    change_request.refresh_from_db()
    assert change_request.title == "Raise the limit"


def test_a_form_is_taken_too(client, repository, work):
    body = urlencode({"payload": json.dumps(payload())}).encode()
    assert deliver(client, repository, body, Content_Type="application/x-www-form-urlencoded").status_code == 202
    assert ChangeRequest.objects.get(number=1).title == "Raise the limit"


def test_an_older_word_never_replaces_a_newer_one(client, repository):
    deliver(client, repository, payload(title="newer", at="2026-01-02T10:00:00Z"), name="b")
    deliver(client, repository, payload(title="older", at="2026-01-01T10:00:00Z"), name="a")
    assert ChangeRequest.objects.get(number=1).title == "newer"


def test_closing_stops_its_preview_and_reopening_makes_it(client, repository, work):
    deliver(client, repository, payload(), name="1")
    change_request = ChangeRequest.objects.get(number=1)
    arrivals.refresh(repository)
    from previews import jobs

    preview = jobs.request_preview(change_request)
    deliver(client, repository, payload(state="closed", at="2026-01-03T10:00:00Z"), name="2")
    preview.refresh_from_db()
    assert preview.state == Preview.SUPERSEDED
    work()
    change_request.refresh_from_db()
    preview.refresh_from_db()
    assert (change_request.state, preview.state) == ("closed", Preview.SUPERSEDED)

    deliver(client, repository, payload(at="2026-01-04T10:00:00Z"), name="3")
    work()
    preview.refresh_from_db()
    assert preview.state == Preview.DONE


def test_pointing_at_another_branch_previews_against_that(client, repository, git, work):
    deliver(client, repository, payload(), name="1")
    work()
    deliver(client, repository, payload(target="release", at="2026-01-05T10:00:00Z"), name="2")
    work()
    made = Preview.objects.filter(change_request__number=1).order_by("pk")
    assert [(preview.base_revision, preview.state) for preview in made] == [("main", "done"), ("release", "done")]


def test_a_push_brings_new_heads(client, repository, git, work):
    head = git.commit({"charts/web/values.yaml": "text: two\n"}, ref="refs/pull/1/head")
    deliver(client, repository, {"ref": "refs/heads/topic"}, event="push")
    work()
    assert ChangeRequest.objects.get(number=1).head_commit == head
    assert Preview.objects.get(head_commit=head).state == Preview.DONE
