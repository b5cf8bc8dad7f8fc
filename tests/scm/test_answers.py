"""What a provider hears of a pull request, and what happens when it does not listen."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection

from previews import answers, jobs
from previews.models import Answer, ChangeRequest, Part, Preview
from tests.factories import make_cell, make_change_request, make_preview
from tests.scm.conftest import every_provider
from tests.scm.servers import TOKEN

ONE, TWO, THREE = "1" * 40, "2" * 40, "3" * 40
GOOD = {"bitbucket": "SUCCESSFUL"}
BAD = {"github": "failure", "gitea": "failure", "gitlab": "failed", "bitbucket": "FAILED"}
WAIT = {"bitbucket": "INPROGRESS"}


def states(provider):
    return [(row[0][0], row[2]) for row in provider.statuses]


@every_provider
def test_a_pull_request_gets_a_status_on_each_head_and_one_comment_that_is_edited(provider, story):
    good, wait = GOOD.get(provider.kind, "success"), WAIT.get(provider.kind, "pending")
    first = story.push(ONE)
    story.work()
    assert states(provider) == [("1", wait)]
    assert provider.comments == {}
    story.finish(first, deploys=3)
    story.work()
    assert states(provider) == [("1", wait), ("1", good)]
    assert provider.statuses[-1][1] == "astrolabe"
    assert provider.statuses[-1][3:] == (
        "3 of 20 instances change; 3 deploy",
        f"https://astrolabe.example.com{first.get_absolute_url()}",
    )
    [(number, text)] = provider.comments.items()
    assert "`d0`, `d1`, `d2`" in text
    assert ONE[:10] in text

    story.finish(second := story.push(TWO), deploys=1)
    story.work()
    assert states(provider)[-1] == ("2", good)
    assert list(provider.comments) == [number]
    assert TWO[:10] in provider.comments[number]
    assert ONE[:10] not in provider.comments[number]
    assert second.get_absolute_url() in provider.comments[number]
    assert {answer.state for answer in Answer.objects.all()} == {"sent"}


@pytest.mark.parametrize("provider", ["gitlab"], indirect=True)
def test_gitlab_is_told_which_ref_even_of_a_fork(provider, story):
    provider.is_fork = True
    story.finish(story.push(ONE), deploys=1)
    story.work()
    assert states(provider) == [("1", "success")]


@pytest.mark.parametrize("provider", ["gitlab"], indirect=True)
def test_gitlab_is_not_troubled_by_what_it_knows(provider, story):
    story.push(ONE)
    story.work()
    Answer.objects.filter(kind="status").update(sent="")
    story.wait()
    assert states(provider) == [("1", "pending")]
    assert story.answer("status").state == "sent"


@every_provider
def test_a_status_fails_only_where_the_repository_says_so(provider, story):
    story.finish(story.push(ONE), failed=1)
    story.work()
    assert states(provider)[-1] == ("1", GOOD.get(provider.kind, "success"))
    story.repository.fails_on = "cells"
    story.repository.save()
    story.finish(story.push(TWO), failed=1)
    story.work()
    assert states(provider)[-1] == ("2", BAD[provider.kind])


def test_a_preview_that_itself_fails_is_an_error_with_its_reason(provider, story):
    preview = story.push(ONE)
    jobs._fail(preview.pk, preview.attempt, "astrolabe.yaml, line 3: what is this?")
    story.work()
    assert provider.statuses[-1][2:4] == ("error", "no preview: astrolabe.yaml, line 3: what is this?")
    assert "could not be previewed" in next(iter(provider.comments.values()))


def test_a_force_push_to_an_older_head_is_answered_by_its_older_preview(provider, story):
    story.finish(first := story.push(ONE), deploys=3)
    story.finish(story.push(TWO), deploys=1)
    story.work()
    ChangeRequest.objects.update(head_commit=ONE)
    jobs._send(answers.asked(first))
    story.work()
    assert states(provider)[-1] == ("1", "success")
    [text] = provider.comments.values()
    assert ONE[:10] in text


def test_a_renewal_leaves_the_status_as_it_is_until_it_knows_better(provider, story):
    story.finish(story.push(ONE), deploys=3)
    story.work()
    renewal = Preview.objects.create(
        repository=story.repository, change_request=ChangeRequest.objects.get(), key="renewal", renewal=True,
        base_revision="main", base_commit=TWO, head_revision="x", head_commit=ONE, attempt=1,
    )  # fmt: skip
    jobs._send(answers.asked(renewal))
    story.work()
    assert states(provider) == [("1", "success")]
    story.finish(renewal, deploys=4)
    story.work()
    assert provider.statuses[-1][3] == "4 of 20 instances change; 4 deploy"


def test_an_older_preview_that_ends_after_a_newer_one_says_nothing(provider, story):
    first, second = story.push(ONE), story.push(TWO)
    story.finish(second, deploys=1)
    story.work()
    before = list(provider.calls)
    story.finish(first, failed=3)
    story.work()
    assert provider.calls == before
    # Nor does one that was asked for with a head that has moved on.
    assert answers.asked(first) == []


def test_a_pull_request_that_was_closed_hears_nothing_more(provider, story):
    preview = story.push(ONE)
    story.work()
    story.finish(preview, deploys=2)
    ChangeRequest.objects.update(state="closed")
    story.work()
    assert states(provider) == [("1", "pending")]
    assert provider.comments == {}
    assert not answers.due()
    assert answers.asked(preview) == []


def test_a_preview_that_is_done_before_it_is_told_of_is_told_as_done(provider, story):
    stale = Preview.objects.get(pk=story.push(ONE).pk)
    Answer.objects.all().delete()
    story.finish(stale, deploys=1)  # nobody is there to answer yet
    jobs._send(answers.asked(stale))
    story.work()
    assert states(provider) == [("1", "success")]
    assert len(provider.comments) == 1


def test_a_superseded_preview_does_not_take_the_place_of_its_successor(provider, story):
    first, second = story.push(ONE), story.push(ONE)
    Preview.objects.filter(pk=first.pk).update(state=Preview.SUPERSEDED)
    assert answers.asked(first) == []
    assert set(Answer.objects.values_list("preview", flat=True)) == {second.pk}


def test_a_preview_with_a_question_says_nothing(provider, story):
    preview = story.push(ONE)
    Preview.objects.filter(pk=preview.pk).update(question="Kubernetes 1.33")
    preview.refresh_from_db()
    assert answers.asked(preview) == []


@pytest.mark.parametrize(("rule", "quiet", "loud"), [("never", 0, 0), ("changes", 0, 1), ("always", 1, 1)])
def test_the_repository_says_when_to_comment(provider, story, rule, quiet, loud):
    story.repository.comments = rule
    story.repository.save()
    story.finish(story.push(ONE))
    story.work()
    assert len(provider.comments) == quiet
    story.finish(story.push(TWO), deploys=1)
    story.work()
    assert len(provider.comments) == loud
    story.finish(story.push(THREE))
    story.work()
    # A comment that is there never stays with what is no longer so.
    assert all("Nothing changes in 20 instances" in text for text in provider.comments.values())


def test_what_breaks_only_together_with_another_is_told_although_nothing_changes_alone(provider, story):
    mine = story.push(ONE)
    story.finish(mine)
    other = make_change_request(story.repository, 13, title="the other")
    alone = make_preview(story.repository, other)
    both = make_preview(story.repository, head_commit="")
    for position, preview in enumerate((mine, alone)):
        commits = {"base_commit": preview.base_commit, "head_commit": preview.change_request.head_commit}
        Part.objects.create(
            preview=both, change_request=preview.change_request, position=position, alone=preview, **commits
        )
    error = {"side": "head", "stage": "render", "message": "nil pointer"}
    make_cell(both, "tokyo", "search", yaml_state="failed", error=error, deploys=False)
    story.work()
    assert not provider.comments
    jobs.add_up(both.pk)
    story.work()
    (text,) = provider.comments.values()
    assert "together with #\u200b13: 1 cell fails that each of them alone renders" in text
    assert "search on tokyo" in text


@every_provider
def test_a_provider_that_is_down_is_told_once_it_is_up(provider, story):
    provider.stop()
    story.finish(story.push(ONE), deploys=1)
    story.work()
    assert story.answer("status").state == "waiting"
    assert "127.0.0.1 cannot be reached" in story.answer("status").error
    assert not answers.due()
    provider.start()
    story.wait()
    story.wait()
    # Pending was never heard, and is not said any more.
    assert states(provider) == [("1", GOOD.get(provider.kind, "success"))]
    assert len(provider.comments) == 1
    assert {(answer.state, answer.error, answer.attempts) for answer in Answer.objects.all()} == {("sent", "", 0)}


@pytest.mark.parametrize("status", [500, 502, 408])
def test_a_provider_in_trouble_is_asked_again_later_and_later(provider, story, status):
    provider.fault = lambda method, path: (status, {}, b"<html>oops</html>")
    story.finish(story.push(ONE), deploys=1)
    story.work()
    waits = []
    for _ in range(4):
        answer = story.answer("status")
        waits.append(round((answer.next_try_at - jobs.timezone.now()).total_seconds(), -1))
        story.wait()
    assert waits == [30, 60, 120, 240]
    assert answer.error == f"127.0.0.1 answers {status}"


@pytest.mark.parametrize(
    ("status", "headers", "content", "seconds"),
    [
        (429, {"Retry-After": "900"}, {}, 900),
        (429, {}, {}, 60),
        (
            403,
            {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "RESET"},
            {"message": "API rate limit exceeded"},
            1200,
        ),
        (403, {"Retry-After": "120"}, {"message": "You have exceeded a secondary rate limit"}, 120),
        (403, {}, {"message": "You have exceeded a secondary rate limit"}, 60),
    ],
)
def test_a_limit_is_kept_for_all_that_the_token_is_used_for(provider, story, status, headers, content, seconds):
    headers = {name: value.replace("RESET", str(int(time.time()) + 1200)) for name, value in headers.items()}
    provider.fault = lambda method, path: (status, headers, content)
    story.finish(story.push(ONE), deploys=1)
    story.work()
    assert len(provider.calls) == 1
    soonest = min((answer.next_try_at - jobs.timezone.now()).total_seconds() for answer in Answer.objects.all())
    assert seconds - 20 < soonest <= seconds
    provider.fault = lambda method, path: None
    jobs.sweep()
    story.work()
    assert len(provider.calls) == 1
    story.wait()
    assert states(provider) == [("1", "success")]
    assert len(provider.comments) == 1


@every_provider
def test_a_refused_token_is_said_and_not_tried_for_ever(provider, story, client):
    story.repository.api_token = "wrong-token"
    story.repository.save()
    story.finish(story.push(ONE), deploys=1)
    story.work()
    asked = len(provider.calls)
    story.wait()
    story.wait()
    assert len(provider.calls) == asked
    answer = story.answer("status")
    assert answer.state == "refused"
    assert "the token is not accepted; enter a new one" in answer.error
    # Whatever the provider says, the token is not in it.
    assert "•••" in answer.error
    for page in (story.change.get_absolute_url(), f"/repositories/{story.repository.slug}/settings/"):
        shown = client.get(page).content.decode()
        assert "the token is not accepted" in shown
        assert "wrong-token" not in shown
    posted = {"name": "fleet", "provider": provider.kind, "api_url": provider.url, "new_token": TOKEN}
    assert client.post(f"/repositories/{story.repository.slug}/settings/", posted).status_code == 302
    story.work()
    assert len(provider.statuses) == 1
    assert len(provider.comments) == 1


@every_provider
def test_a_comment_that_somebody_deleted_is_made_anew_once(provider, story):
    story.finish(story.push(ONE), deploys=1)
    story.work()
    [(old, text)] = provider.comments.items()
    del provider.comments[old]
    # Somebody else's comment that copies ours, marker and all, is not taken for it.
    provider.comments[17] = text
    story.finish(story.push(TWO), deploys=2)
    story.work()
    assert provider.comments.pop(17) == text
    [(new, text)] = provider.comments.items()
    assert new != old
    assert TWO[:10] in text


@every_provider
def test_a_comment_whose_making_was_never_confirmed_is_found_again(provider, story):
    for number in range(230):
        provider.comments[number] = f"comment {number}"
    provider.lose_answers = True
    story.finish(story.push(ONE), deploys=1)
    story.work()
    assert story.answer("comment").state == "waiting"
    provider.lose_answers = False
    for _ in range(3):
        story.wait()
    assert story.answer("comment").state == "sent"
    assert len(provider.comments) == 231


def test_two_workers_at_once_send_one_answer_once(provider, story):
    provider.delay = 0.3
    story.finish(story.push(ONE), deploys=1)
    key = story.answer("comment").pk
    told = []

    def run():
        told.append(answers.send(key))
        connection.close()

    workers = [threading.Thread(target=run) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [call[0] for call in provider.calls] == ["GET", "POST"]
    assert len(provider.comments) == 1
    assert answers.send(key) is False


def test_what_a_worker_that_died_had_claimed_is_sent_when_its_claim_ends(provider, story):
    story.finish(story.push(ONE), deploys=1)
    Answer.objects.update(claimed_until=jobs.timezone.now() + jobs.timedelta(seconds=60))
    story.work()
    assert provider.calls == []
    Answer.objects.update(claimed_until=jobs.timezone.now() - jobs.timedelta(seconds=1))
    jobs.sweep()
    story.work()
    assert states(provider) == [("1", "success")]
    assert len(provider.comments) == 1


def test_edits_of_one_comment_are_kept_apart(provider, story, monkeypatch):
    monkeypatch.setattr("previews.answers.PAUSE", 10)
    story.finish(story.push(ONE), deploys=1)
    story.work()
    for commit in (TWO, THREE):
        story.finish(story.push(commit), deploys=1)
        story.work()
    [text] = provider.comments.values()
    assert ONE[:10] in text
    assert states(provider)[-1] == ("3", "success")
    story.wait()
    [text] = provider.comments.values()
    assert THREE[:10] in text
    assert len([call for call in provider.calls if call[0] == "PATCH"]) == 1


def test_what_is_wanted_while_something_else_is_sent_follows_at_once(provider, story):
    first = story.push(ONE)
    finished = []

    def meanwhile(method, path):
        if not finished:
            finished.append(True)
            run = threading.Thread(target=lambda: (story.finish(first, deploys=1), connection.close()))
            run.start()
            run.join()

    provider.fault = meanwhile
    story.work()
    assert states(provider) == [("1", "pending"), ("1", "success")]


def test_whoever_sends_says_whether_something_newer_waits(provider, story):
    first = story.push(ONE)
    key = story.answer("status").pk

    def meanwhile(method, path):
        run = threading.Thread(target=lambda: (story.finish(first, deploys=1), connection.close()))
        run.start()
        run.join()
        provider.fault = lambda method, path: None

    provider.fault = meanwhile
    # A job that comes meanwhile finds it claimed, so the sender itself sees to what is new.
    assert answers.send(key) is True
    assert answers.send(key) is False
    assert states(provider) == [("1", "pending"), ("1", "success")]


def test_what_nobody_heard_of_an_older_head_is_not_said_any_more(provider, story):
    provider.stop()
    story.finish(story.push(ONE), deploys=1)
    story.work()
    provider.start()
    second = story.push(TWO)
    story.wait()
    assert states(provider) == [("2", "pending")]
    assert provider.comments == {}
    story.finish(second, deploys=1)
    story.wait()
    [text] = provider.comments.values()
    assert TWO[:10] in text


def test_a_slow_provider_does_not_hold_a_worker_for_ever(provider, story, monkeypatch):
    monkeypatch.setattr("previews.scm.client.CLIENT_SECONDS", 0.3)
    provider.delay = 2
    story.push(ONE)
    began = time.monotonic()
    story.work()
    assert time.monotonic() - began < 1.8
    assert "no answer in time" in story.answer("status").error


def test_a_moved_repository_is_not_followed(provider, story):
    provider.fault = lambda method, path: (301, {"Location": "http://169.254.169.254/"}, {"message": "Moved"})
    story.push(ONE)
    story.work()
    assert len(provider.calls) == 1
    assert story.answer("status").state == "refused"
    assert "it is elsewhere now" in story.answer("status").error


def test_pull_requests_to_two_branches_with_one_head_have_statuses_of_their_own(provider, story):
    story.finish(story.push(ONE), deploys=1)
    other = story.push(ONE)
    Preview.objects.filter(pk=other.pk).update(base_revision="release")
    story.finish(other, deploys=1)
    story.work()
    assert provider.statuses[-1][1] == "astrolabe (release)"
