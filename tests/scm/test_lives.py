"""What happens to a change request at each provider, from opening to merging: told in its own words, and answered."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from previews import arrivals, jobs
from previews.models import Answer, ChangeRequest, Delivery, Preview
from tests.engine.fleets import CONFIGMAP, fleet
from tests.scm.conftest import every_provider
from tests.scm.deliveries import Delivery as Sent
from tests.scm.deliveries import Teller
from tests.scm.forge import Forge, post
from tests.scm.servers import TOKEN

pytestmark = [every_provider, pytest.mark.django_db(transaction=True)]

MAIN, BRANCH = "refs/heads/main", "refs/heads/labels"
GOOD = {"bitbucket": "SUCCESSFUL"}
WAIT = {"bitbucket": "INPROGRESS"}


def change(text):
    return {"charts/web/templates/config.yaml": f"{CONFIGMAP}  more: {text}\n"}


class World:
    """Astrolabe and a provider, with a repository of two clusters and a branch that changes both."""

    def __init__(self, client, git, provider, work) -> None:
        self.client, self.git, self.provider, self._work = client, git, provider, work
        git.commit(fleet())
        git.commit({"docs.md": "released\n"}, ref="refs/heads/release", start=MAIN)
        git.commit(change("one"), ref=BRANCH, start=MAIN)
        self.repository = arrivals.add_repository("Fleet", str(git.folder))
        self.repository.web_url = "https://git.example.com/acme/fleet"
        self.repository.provider, self.repository.api_url = provider.kind, provider.url
        self.repository.api_token = TOKEN
        self.repository.save()
        self.forge = Forge(git, Teller(provider.kind, self.repository.hook_secret))

    def hear(self, deliveries: list[Sent]) -> None:
        """The deliveries arrive, and all that follows is done."""
        assert set(post(self.client, self.repository, *deliveries)) == {202}
        self._work()

    def wait(self) -> None:
        """Time passes until what was put off is due."""
        Answer.objects.update(next_try_at="2020-01-01T00:00:00Z")
        jobs.sweep()
        self._work()

    def push(self, text: str, forced: bool = False) -> list[Sent]:
        self.git.commit(change(text), ref=BRANCH, start=MAIN if forced else "")
        return self.forge.pushed()

    @property
    def request(self) -> ChangeRequest:
        return ChangeRequest.objects.get(ref=self.forge.teller.ref(self.forge.request))

    def said(self, name: str = "astrolabe", commit: str = "") -> str:
        """What the status of that name says last, of the head or another commit."""
        place = (commit or self.forge.request.head, name)
        return next((row[2] for row in reversed(self.provider.statuses) if row[:2] == place), "nothing")

    @property
    def good(self) -> str:
        return GOOD.get(self.provider.kind, "success")

    def right(self, name: str = "astrolabe") -> None:
        """The provider knows of the head what the preview of it says: once, and in one comment that leads to it."""
        preview = self.request.previews.plain().first()
        assert (preview.head_commit, preview.state) == (self.forge.request.head, Preview.DONE), preview.error
        assert self.said(name) == self.good
        (comment,) = self.provider.comments.values()
        assert f"https://astrolabe.example.com{preview.get_absolute_url()}" in comment
        assert self.forge.request.head[:10] in comment
        finals = [row[:2] for row in self.provider.statuses if row[2] == self.good]
        assert len(finals) == len(set(finals))
        assert {answer.state for answer in Answer.objects.all()} == {"sent"}


@pytest.fixture
def world(client, git, provider, work, settings, monkeypatch):
    settings.ASTROLABE_URL = "https://astrolabe.example.com"
    monkeypatch.setattr("previews.answers.PAUSE", 0)
    return World(client, git, provider, work)


def test_an_opened_request_is_previewed_and_answered(world):
    world.hear(world.forge.open())
    found = world.request
    assert (found.number, found.state, found.title, found.target_branch) == (12, "open", "Raise the limit", "main")
    assert found.author.lower() == "kim"
    states = [row[2] for row in world.provider.statuses]
    assert states == [WAIT.get(world.provider.kind, "pending"), world.good]
    world.right()


def test_a_branch_that_was_previewed_before_its_request_was_opened_is_answered(world):
    """Bitbucket has no other ref for a request than its branch, which is looked at as soon as it is pushed."""
    world.hear([world.forge.teller.push("labels", "0" * 40, "1" * 40)])
    assert world.provider.writes() == []
    world.hear(world.forge.open())
    world.right()


@pytest.mark.parametrize("forced", [False, True], ids=["push", "force-push"])
def test_each_push_is_previewed_and_the_preview_of_the_one_before_is_kept(world, forced):
    world.hear(world.forge.open())
    first, (number,) = world.forge.request.head, world.provider.comments
    world.hear(world.push("two", forced))
    assert list(world.provider.comments) == [number]
    world.right()
    heads = [preview.head_commit for preview in world.request.previews.order_by("pk")]
    assert heads == [first, world.forge.request.head]
    assert {preview.state for preview in world.request.previews.all()} == {Preview.DONE}
    assert world.said(commit=first) == world.good


def test_a_request_that_is_pointed_elsewhere_and_back_is_compared_with_each(world):
    world.hear(world.forge.open())
    world.hear(world.forge.retarget("release"))
    assert world.request.target_branch == "release"
    world.right("astrolabe (release)")
    world.hear(world.forge.retarget("main"))
    bases = [preview.base_revision for preview in world.request.previews.order_by("pk")]
    assert (world.request.target_branch, bases) == ("main", ["main", "release"])
    (comment,) = world.provider.comments.values()
    assert world.request.previews.get(base_revision="main").get_absolute_url() in comment
    assert (world.said(), world.said("astrolabe (release)")) == (world.good, world.good)


def test_a_closed_request_keeps_its_record_and_hears_nothing_more(world):
    world.hear(world.forge.open())
    writes = world.provider.writes()
    world.hear(world.forge.close())
    world.git.commit({"clusters/c3/web.yaml": fleet()["clusters/c1/web.yaml"]})
    world.hear([world.forge.teller.push("main", "0" * 40, "1" * 40)])
    assert (world.request.state, world.provider.writes()) == ("closed", writes)
    assert [preview.is_record for preview in world.request.previews.all()] == [True]


def test_a_request_that_is_closed_before_its_preview_is_done_never_gets_it(world, work):
    post(world.client, world.repository, *world.forge.open())
    jobs.refresh(world.repository.pk)
    assert world.request.previews.get().state == Preview.QUEUED
    post(world.client, world.repository, *world.forge.close())
    work()
    assert (world.request.state, world.request.previews.get().state) == ("closed", Preview.SUPERSEDED)
    assert world.provider.writes() == []
    world.hear(world.forge.reopen())
    world.right()


def test_a_merged_request_names_its_commit_and_keeps_its_record(world):
    world.hear(world.forge.open())
    record = world.request.previews.get()
    world.hear(world.forge.merge())
    found = world.request
    assert (found.state, found.merged_commit) == ("merged", world.forge.request.merged)
    assert found.merged_at is not None
    assert [preview.pk for preview in Preview.objects.filter(is_record=True)] == [record.pk]
    world.right()


def test_a_request_that_is_merged_before_its_preview_is_done_is_not_left_pending(world):
    post(world.client, world.repository, *world.forge.open())
    jobs.refresh(world.repository.pk)
    jobs.answer(Answer.objects.get(kind=Answer.STATUS).pk)
    assert world.said() == WAIT.get(world.provider.kind, "pending")
    world.hear(world.forge.merge())
    assert (world.said(), len(world.provider.statuses)) == (world.good, 2)
    assert world.provider.comments == {}


def test_a_request_that_is_opened_again_is_answered_again(world):
    """Bitbucket opens nothing again: there it is another request from the same branch."""
    world.hear(world.forge.open())
    world.hear(world.forge.close())
    world.provider.calls.clear()
    world.hear(world.forge.reopen())
    found = world.request
    assert (found.state, found.number, found.previews.filter(is_record=True).count()) == (
        "open", world.forge.request.number, 0,
    )  # fmt: skip
    if world.provider.kind == "bitbucket":
        assert ("POST", "/2.0/repositories/acme/fleet/pullrequests/13/comments") in world.provider.calls
    else:
        world.right()
    world.hear(world.push("two"))
    assert world.said() == world.good
    assert world.forge.request.head[:10] in list(world.provider.comments.values())[-1]


def test_what_was_pushed_while_it_was_closed_is_previewed_when_it_is_opened_again(world):
    world.hear(world.forge.open())
    world.hear(world.forge.close())
    world.git.commit(change("two"), ref=BRANCH)
    jobs.refresh(world.repository.pk)
    world.hear(world.forge.reopen())
    assert world.request.head_commit == world.forge.request.head
    assert world.said() == world.good


def test_what_could_not_be_told_before_a_request_was_closed_is_told_when_it_is_opened_again(world):
    world.provider.stop()
    world.hear(world.forge.open())
    world.hear(world.forge.close())
    world.wait()
    world.provider.start()
    world.hear(world.forge.reopen())
    world.wait()
    world.right()


def test_the_preview_that_somebody_asked_for_while_it_was_closed_is_told_when_it_is_opened_again(world, work):
    world.hear(world.forge.open())
    world.hear(world.forge.close())
    world.git.commit(change("two"), ref=BRANCH)
    world.forge._follow()
    jobs.refresh(world.repository.pk)
    jobs.request_preview(world.request)
    work()
    world.hear(world.forge.reopen())
    assert world.said() == world.good


def test_deliveries_that_come_three_times_count_once(world):
    opened = world.forge.open()
    world.hear(opened * 3)
    pushed = world.push("two")
    world.hear(pushed * 3)
    world.hear((opened + pushed) * 2)
    assert Delivery.objects.count() == len(opened + pushed)
    assert world.request.previews.count() == 2
    assert len(world.provider.statuses) == 4
    world.right()


def test_the_same_words_under_other_names_do_nothing_twice(world):
    """A provider that is asked to deliver again may give the delivery another name."""
    world.hear(world.forge.open())
    again = world.forge.teller
    world.hear([again.word("opened", world.forge.request) for _ in range(3)])
    assert world.request.previews.count() == 1
    assert len(world.provider.statuses) == 2
    world.right()


def test_a_whole_life_in_reverse_ends_the_same(world):
    deliveries = world.forge.open() + world.push("two") + world.push("three", forced=True)
    deliveries += world.forge.retarget("release") + world.forge.retarget("main")
    deliveries += world.forge.close()
    if world.provider.kind != "bitbucket":
        deliveries += world.forge.reopen()
    deliveries += world.forge.merge()
    for delivery in reversed(deliveries):
        world.hear([delivery])
    found = world.request
    assert (found.state, found.target_branch) == ("merged", "main")
    assert world.forge.request.merged.startswith(found.merged_commit)  # Bitbucket says 12 digits
    assert (len(found.merged_commit) >= 12, world.provider.writes()) == (True, [])


def test_a_push_that_is_told_before_the_opening_is_previewed_once(world):
    opened = world.forge.open()
    pushed = world.push("two")
    for delivery in [*reversed(pushed), *opened]:
        world.hear([delivery])
    assert (world.request.state, world.request.previews.count()) == ("open", 1)
    world.right()


def test_a_late_word_of_the_request_before_changes_nothing_of_the_one_that_follows(world):
    """Where one can be opened again it is the same; at Bitbucket somebody comments on the one that was declined."""
    world.hear(world.forge.open())
    closed = world.forge.close()
    world.hear(world.forge.reopen())
    opened = world.request
    if world.provider.kind == "bitbucket":
        closed += [world.forge.teller.word("comment_created", replace(world.forge.request, number=12, state="closed"))]
    world.hear(closed)
    found = world.request
    assert (found.state, found.number, found.told_at) == ("open", opened.number, opened.told_at)


def test_what_is_forged_is_refused_and_changes_nothing(world, work):
    (opened,) = world.forge.open()
    unsigned = {
        name: value for name, value in opened.headers.items() if "Signature" not in name and "Token" not in name
    }
    forged = [world.forge.teller.forge(opened), replace(opened, headers=unsigned)]
    if world.provider.kind != "gitlab":  # its token does not depend on the body
        forged.append(replace(opened, body=opened.body.replace(b"Raise", b"Lower")))
    assert set(post(world.client, world.repository, *forged)) == {401}
    work()
    assert not ChangeRequest.objects.exists()
    assert not Delivery.objects.exists()
    assert world.provider.calls == []
    # Nor does it take the name of the delivery that is to come.
    world.hear([opened])
    world.right()


def test_what_is_too_large_is_refused_and_what_can_be_is_taken(world):
    (opened,) = world.forge.open()
    too_large = replace(opened, body=opened.body + b" " * (5 * 1024 * 1024))
    assert post(world.client, world.repository, too_large) == [413]
    assert not ChangeRequest.objects.exists()
    large = replace(world.forge.request, title="x" * 4_000_000)
    world.hear([world.forge.teller.word("opened", large)])
    assert len(world.request.title) <= 500
    world.right()


def slow(world, monkeypatch):
    """Each call takes longer than a client waits."""
    monkeypatch.setattr("previews.scm.client.CLIENT_SECONDS", 0.2)
    world.provider.delay = 0.5

    def well():
        monkeypatch.undo()
        world.provider.delay = 0

    return well


def limited(world, monkeypatch):
    """The token's calls are used up."""
    world.provider.fault = lambda method, path: (429, {"Retry-After": "600"}, {"message": "Too many requests"})
    return lambda: setattr(world.provider, "fault", lambda method, path: None)


def deaf(world, monkeypatch):
    """What is asked is done, and nobody hears so."""
    world.provider.lose_answers = True
    return lambda: setattr(world.provider, "lose_answers", False)


def down(world, monkeypatch):
    """Nobody is there."""
    world.provider.stop()
    return world.provider.start


@pytest.mark.parametrize("trouble", [down, slow, limited, deaf])
def test_a_provider_in_trouble_loses_nothing_and_gets_nothing_twice(world, trouble):
    """While it hears nothing, a request is opened, pushed to, pointed elsewhere and back, closed and opened again."""
    with pytest.MonkeyPatch.context() as patch:
        well = trouble(world, patch)
        world.hear(world.forge.open())
        world.hear(world.push("two", forced=True))
        world.hear(world.forge.retarget("release"))
        world.hear(world.forge.retarget("main"))
        if world.provider.kind != "bitbucket":
            world.hear(world.forge.close())
            world.hear(world.forge.reopen())
        assert {preview.state for preview in world.request.previews.all()} == {Preview.DONE}
        assert {answer.state for answer in Answer.objects.all()} == {"waiting"}
        well()
    time.sleep(0.5 if trouble is slow else 0)  # what was cut off is done by now
    for _ in range(3):
        world.wait()
    assert world.said() == world.good
    preview = world.request.previews.get(base_revision="main", head_commit=world.forge.request.head)
    (comment,) = world.provider.comments.values()
    assert f"https://astrolabe.example.com{preview.get_absolute_url()}" in comment
    assert {answer.state for answer in Answer.objects.all()} == {"sent"}
    writes = len(world.provider.writes())
    world.wait()
    assert len(world.provider.writes()) == writes


def test_a_request_that_was_merged_while_its_provider_was_down_hears_nothing_old(world):
    world.provider.stop()
    world.hear(world.forge.open())
    world.hear(world.forge.merge())
    world.provider.start()
    world.wait()
    assert (world.request.state, world.request.merged_commit) == ("merged", world.forge.request.merged)
    assert (world.provider.writes(), jobs.answers.due()) == ([], [])
