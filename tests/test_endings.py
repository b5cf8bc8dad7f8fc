"""A request ends: what was merged stands on it, and its last preview stays as the record, however the news arrive."""

from __future__ import annotations

import datetime

import pytest

from previews import arrivals, jobs
from previews.models import ChangeRequest, Preview
from tests.engine.fleets import CONFIGMAP, fleet
from tests.views.test_hooks import deliver, payload

pytestmark = pytest.mark.django_db(transaction=True)

MAIN, HEAD = "refs/heads/main", "refs/pull/1/head"
CHANGE = {"charts/web/templates/config.yaml": CONFIGMAP + "  more: x\n"}
MORNING, NOON, EVENING = (f"2026-01-02T{hour}:00:00Z" for hour in ("08", "12", "20"))


@pytest.fixture
def repository(git, work):
    git.commit(fleet())
    git.commit(CHANGE, ref=HEAD, start=MAIN)
    found = arrivals.add_repository("Fleet", str(git.folder))
    jobs.refresh(found.pk)
    work()
    return found


def request():
    return ChangeRequest.objects.get(number=1)


def record():
    return Preview.objects.get(is_record=True)


def merge(git, *, head=HEAD):
    """A merge commit on main, as a provider makes it."""
    tree = git._git("merge-tree", "--write-tree", MAIN, head).decode().strip()
    who = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
    made = git._git(*who, "commit-tree", tree, "-p", MAIN, "-p", head, "-m", "Merge").decode().strip()
    git._git("update-ref", MAIN, made)
    return made


def squash(git):
    return git.commit(CHANGE)


def fast_forward(git):
    git._git("update-ref", MAIN, HEAD)
    return git._git("rev-parse", HEAD).decode().strip()


@pytest.mark.parametrize("how", [merge, fast_forward])
def test_without_a_provider_git_tells_what_was_merged(repository, git, work, how):
    if how is merge:
        git.commit({"a.txt": "a"})
        jobs.refresh(repository.pk)
        work()
    before = request().previews.plain().first()
    merged = how(git)
    git.commit({"b.txt": "b"})
    jobs.refresh(repository.pk)
    work()
    ended = request()
    assert (ended.state, ended.merged_commit, record().pk) == ("merged", merged, before.pk)
    when = int(git._git("show", "--no-patch", "--format=%ct", merged))
    assert ended.merged_at == datetime.datetime.fromtimestamp(when, datetime.UTC)
    git.commit({"c.txt": "c"})
    jobs.refresh(repository.pk)
    work()
    assert (record().pk, record().is_stale) == (before.pk, False)


@pytest.mark.parametrize("is_told_first", [True, False])
def test_a_squashed_request_keeps_the_preview_of_before(client, repository, git, work, is_told_first):
    """The push may be looked at before the merge is told, so that a renewal sees its change in the target already."""
    deliver(client, repository, payload(at=MORNING), name="1")
    work()
    before = request().previews.plain().first()
    merged = squash(git)
    told = payload(state="closed", at=EVENING, merged=True, merged_at=NOON, merge_commit_sha=merged)
    push = {"ref": MAIN, "after": merged}
    if not is_told_first:
        deliver(client, repository, push, event="push", name="2")
        work()
        assert request().previews.plain().first().base_tree == request().previews.plain().first().head_tree
    deliver(client, repository, told, name="3")
    deliver(client, repository, push, event="push", name="4")
    deliver(client, repository, told, name="3")
    work()
    ended = request()
    assert (ended.state, ended.merged_commit, record().pk) == ("merged", merged, before.pk)
    assert ended.merged_at.isoformat() == "2026-01-02T12:00:00+00:00"
    assert record().cells.count() == 2


def test_merged_before_its_preview_was_done_the_preview_arrives(client, repository, git, work):
    head = git.commit({"charts/web/values.yaml": "text: one\nmore: 2\n"}, ref=HEAD)
    deliver(client, repository, payload(at=MORNING), name="1")
    jobs.refresh(repository.pk)
    Preview.objects.exclude(head_commit=head).delete()
    merged = merge(git)
    told = payload(state="closed", at=EVENING, merged=True, merged_at=NOON, merge_commit_sha=merged)
    deliver(client, repository, told, name="2")
    work()
    assert (record().head_commit, record().state, Preview.objects.count()) == (head, Preview.DONE, 1)


def test_news_that_come_late_change_nothing(client, repository, git, work):
    merged = merge(git)
    told = payload(state="closed", at=EVENING, merged=True, merged_at=EVENING, merge_commit_sha=merged)
    deliver(client, repository, told, name="3")
    work()
    deliver(client, repository, payload(at=MORNING), name="1")
    deliver(client, repository, payload(title="edited", at=NOON), name="2")
    work()
    assert (request().state, request().merged_commit, Preview.objects.count()) == ("merged", merged, 1)


def test_a_commit_that_is_not_there_is_kept_as_it_was_told(client, repository, git, work):
    """The provider's word may be of a commit that nobody can fetch; nothing waits for it."""
    told = payload(state="closed", at=NOON, merged=True, merge_commit_sha="c0ffee" * 6 + "c0ff")
    deliver(client, repository, told, name="1")
    work()
    repository.refresh_from_db()
    assert repository.fetch_error == ""
    assert (request().merged_commit[:6], request().is_settled, record().state) == ("c0ffee", True, Preview.DONE)


def test_a_word_after_the_merge_keeps_what_git_found(client, repository, git, work):
    """GitLab names no commit when it moved the branch forward."""
    merged = fast_forward(git)
    deliver(client, repository, payload(state="closed", at=NOON, merged=True), name="1")
    work()
    deliver(client, repository, payload(state="closed", at=EVENING, merged=True, title="renamed"), name="2")
    work()
    assert (request().title, request().merged_commit) == ("renamed", merged)


def test_a_closed_request_keeps_its_record_and_comes_back_to_life(client, repository, git, work):
    deliver(client, repository, payload(at=MORNING), name="1")
    work()
    before = request().previews.plain().first()
    deliver(client, repository, payload(state="closed", at=NOON), name="2")
    work()
    git.commit({"clusters/c3/web.yaml": fleet()["clusters/c1/web.yaml"]})
    jobs.refresh(repository.pk)
    work()
    assert (request().state, record().pk, record().is_stale) == ("closed", before.pk, False)
    deliver(client, repository, payload(at=EVENING), name="3")
    work()
    assert not Preview.objects.filter(is_record=True).exists()
    newest = request().previews.plain().first()
    assert (newest.pk == before.pk, newest.state, newest.cells.count()) == (False, Preview.DONE, 3)


def test_a_deleted_ref_closes_and_its_return_reopens(repository, git, work):
    head = request().head_commit
    git._git("update-ref", "-d", HEAD)
    jobs.refresh(repository.pk)
    assert (request().state, record().head_commit) == ("closed", head)
    git._git("update-ref", HEAD, head)
    jobs.refresh(repository.pk)
    work()
    assert (request().state, Preview.objects.filter(is_record=True).count()) == ("open", 0)
    assert request().previews.plain().first().state == Preview.DONE


def test_a_merge_that_is_taken_back_opens_the_request_again(repository, git, work):
    base = git._git("rev-parse", MAIN).decode().strip()
    merge(git)
    jobs.refresh(repository.pk)
    assert request().state == "merged"
    git._git("update-ref", MAIN, base)
    jobs.refresh(repository.pk)
    work()
    assert (request().state, request().merged_commit, request().merged_at) == ("open", "", None)
    assert not Preview.objects.filter(is_record=True).exists()


def test_a_whole_life_in_any_order_gives_one_preview_for_each_push(client, repository, git, work):
    """Opened, pushed, pushed with force, pointed elsewhere and back: each twice, and the words in reverse."""
    git.commit({"a.txt": "a"}, ref="refs/heads/release", start=MAIN)
    words = [payload(at=MORNING), payload(target="release", at=NOON), payload(at=EVENING, title="last")]
    pushed = git.commit({"charts/web/values.yaml": "text: two\n"}, ref=HEAD)
    for _ in range(2):
        for number, word in reversed(list(enumerate(words))):
            deliver(client, repository, word, name=f"w{number}")
            deliver(client, repository, {"ref": "refs/heads/topic"}, event="push", name=f"p{number}")
            work()
    forced = git.commit({"charts/web/values.yaml": "text: three\n"}, ref=HEAD, start=MAIN)
    for name in ("f1", "f1", "f2"):
        deliver(client, repository, {"ref": "refs/heads/topic"}, event="push", name=name)
        work()
    assert (request().title, request().target_branch, request().head_commit) == ("last", "main", forced)
    made = Preview.objects.filter(state=Preview.DONE, base_revision="main").order_by("pk")
    heads = [preview.head_commit for preview in made]
    assert heads[1:] == [pushed, forced]
    assert len(set(heads)) == 3
