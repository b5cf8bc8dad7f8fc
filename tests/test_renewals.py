"""The target moves: what open previews say is renewed, the small ones first, and never before somebody who waits."""

from __future__ import annotations

import django_rq
import pytest

from previews import arrivals, jobs, renewals
from previews.models import Cell, ChangeRequest, Preview
from tests.engine.fleets import CONFIGMAP, application, fleet

pytestmark = pytest.mark.django_db(transaction=True)

MAIN = "refs/heads/main"


def head(number):
    return f"refs/pull/{number}/head"


@pytest.fixture
def repository(git, work):
    """Two clusters; request 1 changes the chart for both, request 2 the values of one."""
    git.commit(fleet())
    chart = {"charts/web/templates/config.yaml": CONFIGMAP + "  more: x\n"}
    git.commit(chart, ref=head(1), start=MAIN)
    values = {"clusters/c1/web.yaml": fleet()["clusters/c1/web.yaml"].replace("from c1", "other")}
    git.commit(values, ref=head(2), start=MAIN)
    found = arrivals.add_repository("Fleet", str(git.folder))
    jobs.refresh(found.pk)
    work()
    return found


def add_cluster(git, name="c3"):
    return git.commit({f"clusters/{name}/web.yaml": application("web", "charts/web")})


def shown(number):
    return ChangeRequest.objects.get(number=number).previews.plain().first()


def places(preview):
    return {cell.cluster for cell in preview.cells.all()}


def test_the_target_moves_and_open_previews_follow(repository, git, work):
    before = shown(1)
    moved = add_cluster(git)
    jobs.refresh(repository.pk)
    stale = shown(1)
    assert (stale.pk, stale.moved_to, stale.state) == (before.pk, moved, Preview.DONE)
    work()
    renewed = shown(1)
    assert (renewed.state, renewed.base_commit, renewed.renewal, renewed.is_stale) == (Preview.DONE, moved, True, False)
    assert (places(before), places(renewed)) == ({"c1", "c2"}, {"c1", "c2", "c3"})
    before.refresh_from_db()
    assert (before.state, before.is_stale) == (Preview.DONE, True)
    count = Preview.objects.count()
    jobs.refresh(repository.pk)
    work()
    assert Preview.objects.count() == count


def test_the_smallest_is_renewed_first_and_few_at_a_time(repository, git, work, monkeypatch):
    monkeypatch.setattr(renewals, "AT_ONCE", 1)
    add_cluster(git)
    jobs.refresh(repository.pk)
    assert [one.change_request.number for one in renewals.waiting()] == [2, 1]
    jobs.renew()
    jobs.renew()
    on_their_way = Preview.objects.filter(state__in=Preview.RUNNING)
    assert [one.change_request.number for one in on_their_way] == [2]
    work()
    assert not Preview.objects.filter(state__in=Preview.RUNNING).exists()
    assert not shown(1).is_stale
    assert [one.change_request.number for one in Preview.objects.filter(renewal=True).order_by("pk")] == [2, 1]


def test_a_fresh_push_waits_behind_no_renewal(repository, git, work):
    add_cluster(git)
    jobs.refresh(repository.pk)
    jobs.renew()
    git.commit({"charts/web/values.yaml": "text: x\nz: 1\n"}, ref=head(3), start=MAIN)
    jobs.refresh(repository.pk)
    waiting = {name: django_rq.get_queue(name).jobs for name in ("default", "renewals")}
    fresh = Preview.objects.get(change_request__number=3)
    assert [job.args[0] for job in waiting["default"] if job.func_name.endswith("prepare")] == [fresh.pk]
    assert sum(job.func_name.endswith("prepare") for job in waiting["renewals"]) == 2
    work()
    assert shown(3).finished_at < min(shown(1).finished_at, shown(2).finished_at)


def test_a_renewal_that_a_newer_push_overtakes_stops(repository, git, work):
    before = shown(1)
    add_cluster(git)
    jobs.refresh(repository.pk)
    jobs.renew()
    overtaken = Preview.objects.get(change_request__number=1, renewal=True)
    moved = add_cluster(git, "c4")
    jobs.refresh(repository.pk)
    overtaken.refresh_from_db()
    assert overtaken.state == Preview.SUPERSEDED
    assert (shown(1).pk, shown(1).moved_to) == (before.pk, moved)
    work()
    overtaken.refresh_from_db()
    assert overtaken.state == Preview.SUPERSEDED
    assert (shown(1).base_commit, places(shown(1))) == (moved, {"c1", "c2", "c3", "c4"})


def test_a_preview_that_was_stopped_at_work_does_not_come_back(repository, git):
    preview = Preview.objects.get(change_request__number=1)
    jobs.start(preview)
    Preview.objects.filter(pk=preview.pk).update(state=Preview.SUPERSEDED)
    assert not jobs.update(preview.pk, preview.attempt, state=Preview.RENDERING)
    preview.refresh_from_db()
    assert preview.state == Preview.SUPERSEDED


def test_a_push_that_changes_no_file_makes_no_preview(repository, git, work):
    count = Preview.objects.count()
    moved = git.commit({})
    jobs.refresh(repository.pk)
    assert shown(1).is_stale
    work()
    assert Preview.objects.count() == count
    assert (shown(1).base_commit, shown(1).is_stale) == (moved, False)
    # Asked for again, it is the answer to the new question.
    assert jobs.request_preview(ChangeRequest.objects.get(number=1)).pk == shown(1).pk


def test_the_target_goes_back_and_the_old_preview_is_right_again(repository, git, work):
    first = shown(1)
    back = first.base_commit
    add_cluster(git)
    jobs.refresh(repository.pk)
    work()
    renewed = shown(1)
    git._git("update-ref", MAIN, back)
    jobs.refresh(repository.pk)
    assert shown(1).is_stale
    work()
    assert (shown(1).pk, shown(1).is_stale) == (first.pk, False)
    assert renewed.pk != first.pk
    assert renewals.waiting() == []


def test_a_target_that_moves_while_a_preview_runs_is_made_up_for(repository, git, work):
    git.commit({"charts/web/values.yaml": "text: x\nz: 1\n"}, ref=head(3), start=MAIN)
    jobs.refresh(repository.pk)
    moved = add_cluster(git)
    jobs.refresh(repository.pk)
    running = shown(3)
    assert (running.state, running.moved_to) == (Preview.QUEUED, moved)
    work()
    assert (shown(3).base_commit, shown(3).renewal) == (moved, True)


def test_asking_for_a_renewal_hurries_it(repository, git, work):
    add_cluster(git)
    jobs.refresh(repository.pk)
    jobs.renew()
    asked = jobs.request_preview(ChangeRequest.objects.get(number=1))
    asked.refresh_from_db()
    assert (asked.renewal, asked.attempt) == (False, 2)
    assert [asked.pk, 2] in [job.args for job in django_rq.get_queue("default").jobs]
    work()
    assert shown(1).pk == asked.pk


def test_a_preview_that_failed_is_tried_against_the_new_base(repository, git, work):
    git.commit({"astrolabe.yaml": "nonsense"}, ref=head(3), start=MAIN)
    jobs.refresh(repository.pk)
    work()
    assert shown(3).state == Preview.FAILED
    add_cluster(git)
    jobs.refresh(repository.pk)
    work()
    assert (shown(3).state, shown(3).renewal, shown(3).is_stale) == (Preview.FAILED, True, False)
    assert not shown(1).is_stale


def test_a_branch_that_is_no_target_moves_nothing(repository, git, work):
    count = Preview.objects.count()
    git.commit({"a.txt": "a"}, ref="refs/heads/release", start=MAIN)
    jobs.refresh(repository.pk)
    work()
    assert Preview.objects.count() == count
    assert renewals.waiting() == []


def test_a_renewal_that_waits_behind_others_is_not_lost(repository, git, work):
    from datetime import timedelta

    from django.utils import timezone

    add_cluster(git)
    jobs.refresh(repository.pk)
    jobs.renew()
    long_ago = timezone.now() - timedelta(hours=2)
    Preview.objects.filter(renewal=True).update(beat_at=long_ago)
    jobs.sweep()
    assert set(Preview.objects.filter(renewal=True).values_list("attempt", flat=True)) == {1}
    django_rq.get_queue("renewals").empty()
    jobs.sweep()
    work()
    assert {(one.state, one.attempt) for one in Preview.objects.filter(renewal=True)} == {(Preview.DONE, 2)}


def test_what_was_lost_between_the_push_and_its_preview_is_found(repository, git, work):
    """A worker that is killed after it wrote the new head down, and before it asked for its preview."""
    pushed = git.commit({"charts/web/values.yaml": "text: x\nz: 1\n"}, ref=head(1))
    arrivals.refresh(repository)
    jobs.refresh(repository.pk)
    work()
    assert (shown(1).head_commit, shown(1).state) == (pushed, Preview.DONE)
    assert Cell.objects.filter(preview=shown(1), yaml_state=Cell.PENDING).count() == 0


def test_looking_costs_the_same_for_any_number_of_requests(repository, git, django_assert_max_num_queries):
    for number in range(10, 40):
        git.commit({"a.txt": str(number)}, ref=head(number), start=MAIN)
    jobs.refresh(repository.pk)
    add_cluster(git)
    arrivals.refresh(repository)
    with django_assert_max_num_queries(4):
        renewals.mark(repository)
    assert Preview.objects.exclude(moved_to="").count() == 32
