"""The jobs on a real queue: from a repository's address to a finished preview; and each may come twice or late."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from previews import arrivals, jobs, record
from previews.engine.errors import AstrolabeError, BadInput
from previews.engine.whatif import WhatIf
from previews.models import Blob, Cell, ChangeRequest, Manifest, Preview, RenderBatch, Repository
from tests.test_sample import EXPECTED


@pytest.fixture
def repository(sample, work):
    """The sample fleet with the previews of three of its pull requests."""
    found = arrivals.add_repository("Sample", str(sample))
    arrivals.refresh(found)
    for number in (3, 4, 7):
        jobs.request_preview(ChangeRequest.objects.get(number=number))
    work()
    return found


def cells_of(number):
    preview = Preview.objects.get(change_request__number=number)
    assert preview.state == Preview.DONE, preview.error
    return {(cell.cluster, cell.application): (cell.value_state, cell.yaml_state) for cell in preview.cells.all()}


def test_a_repository_is_previewed_whole(sample, work):
    found = arrivals.add_repository("Sample", str(sample))
    jobs.enqueue(jobs.refresh, found.pk)
    work()
    found.refresh_from_db()
    assert found.default_branch == "main"
    assert ChangeRequest.objects.filter(repository=found, state="open").count() == len(EXPECTED)
    assert {number: cells_of(number) for number in EXPECTED} == EXPECTED
    assert RenderBatch.objects.count() == 0
    assert not Cell.objects.filter(yaml_state=Cell.PENDING).exists()


def test_totals_causes_and_groups_are_kept(repository):
    preview = Preview.objects.get(change_request__number=7)
    assert (preview.totals["deploys"], preview.totals["failed"], preview.totals["instances"]) == (5, 1, 70)
    failed = preview.cells.get(yaml_state="failed")
    assert "checkout needs a currency" in failed.error["message"]
    assert set(preview.cells.exclude(pk=failed.pk).values_list("group", flat=True)) == {"g1", "g2"}
    assert preview.cells.filter(causes=["template"]).count() == 6


def test_the_same_question_is_answered_once(repository, work):
    before = Preview.objects.count()
    change_request = ChangeRequest.objects.get(number=3)
    again = jobs.request_preview(change_request)
    work()
    assert Preview.objects.count() == before
    assert again.attempt == 1
    jobs.refresh(repository.pk)  # nothing is new in the repository, so nothing is asked for
    assert Preview.objects.count() == before


def test_a_question_is_a_preview_of_its_own_beside_the_plain_one(repository, work):
    change_request = ChangeRequest.objects.get(number=4)
    preview = jobs.request_preview(change_request, WhatIf(kubernetes_version="1.19", clusters=("*",)))
    work()
    preview.refresh_from_db()
    assert (preview.state, preview.question) == (Preview.DONE, "Kubernetes 1.19 on *")
    assert preview.notes[0] == "what if: Kubernetes 1.19 on *"
    assert {cause for cell in preview.cells.all() for cause in cell.causes} >= {"profile"}
    plain = Preview.objects.get(change_request=change_request, question="")
    assert not any("profile" in cell.causes for cell in plain.cells.all())


def test_texts_are_kept_once_and_secrets_not_at_all(repository, work):
    jobs.request_preview(ChangeRequest.objects.get(number=15))
    work()
    manifests = Manifest.objects.count()
    assert Blob.objects.count() < 4 * manifests
    texts = [blob.text for blob in Blob.objects.all()]
    assert any("••• hmac:" in text for text in texts)
    assert not any("not-a-real-token" in text or "another-token" in text for text in texts)


def test_a_job_of_an_older_attempt_writes_nothing(repository, work):
    preview = Preview.objects.get(change_request__number=4)
    jobs.start(preview)
    jobs.prepare(preview.pk, preview.attempt - 1)
    jobs.finish(preview.pk, preview.attempt - 1)
    preview.refresh_from_db()
    assert preview.state == Preview.QUEUED
    work()
    assert cells_of(4) == EXPECTED[4]


def test_jobs_that_come_twice_do_no_harm(repository):
    preview = Preview.objects.get(change_request__number=3)
    Manifest.objects.all().delete()
    jobs.start(preview)
    jobs.prepare(preview.pk, preview.attempt)
    numbers = list(RenderBatch.objects.filter(preview=preview).values_list("number", flat=True))
    assert numbers
    for number in numbers:
        jobs.render(preview.pk, preview.attempt, number)
        jobs.render(preview.pk, preview.attempt, number)
    jobs.finish(preview.pk, preview.attempt)
    preview.refresh_from_db()
    assert preview.state == Preview.DONE
    assert preview.renders_done == preview.renders_total
    assert cells_of(3) == EXPECTED[3]


def test_a_lost_preview_is_found_and_begun_again(repository, work):
    preview = Preview.objects.get(change_request__number=4)
    long_ago = timezone.now() - timedelta(hours=2)
    Preview.objects.filter(pk=preview.pk).update(state=Preview.RENDERING, beat_at=long_ago)
    jobs.sweep()
    work()
    assert cells_of(4) == EXPECTED[4]
    Preview.objects.filter(pk=preview.pk).update(state=Preview.RENDERING, beat_at=long_ago, attempt=3)
    jobs.sweep()
    preview.refresh_from_db()
    assert (preview.state, "No worker" in preview.error) == (Preview.FAILED, True)


def test_a_render_that_was_stopped_is_shown_and_tried_again_next_time(repository, work, monkeypatch):
    """What ran into a limit may be put right by a quieter machine, so it is not kept as the key's answer."""
    from previews.engine.errors import RenderFailed
    from previews.engine.render.pool import RenderPool

    preview = Preview.objects.get(change_request__number=4)
    Manifest.objects.all().delete()
    stopped = RenderFailed("render", "rendering took longer than 30 s and was stopped", is_final=False)
    with monkeypatch.context() as patch:
        patch.setattr(RenderPool, "_render_one", lambda *_: stopped)
        jobs.start(preview)
        work()
    preview.refresh_from_db()
    assert preview.state == Preview.DONE
    assert {cell.yaml_state for cell in preview.cells.all()} == {"failed"}
    assert not Manifest.objects.exists()
    jobs.start(preview)
    work()
    assert cells_of(4) == EXPECTED[4]


def test_a_new_head_makes_the_older_preview_step_back(repository, work):
    change_request = ChangeRequest.objects.get(number=4)
    older = Preview.objects.get(change_request=change_request)
    Preview.objects.filter(pk=older.pk).update(state=Preview.RENDERING)
    change_request.head_commit = ChangeRequest.objects.get(number=5).head_commit
    change_request.save()
    newer = jobs.request_preview(change_request)
    older.refresh_from_db()
    assert (older.state, newer.pk == older.pk) == (Preview.SUPERSEDED, False)


def test_a_broken_configuration_fails_the_preview_with_its_line(repository, work):
    Repository.objects.filter(pk=repository.pk).update(config_text="version: 1\nnonsense: 1\n")
    preview = jobs.request_preview(ChangeRequest.objects.get(number=4))
    work()
    preview.refresh_from_db()
    assert preview.state == Preview.FAILED
    assert "line 2: nonsense" in preview.error


def test_a_repository_that_cannot_be_fetched_says_why(work, tmp_path):
    (tmp_path / "empty").mkdir()
    found = arrivals.add_repository("Broken", str(tmp_path / "empty"))
    jobs.refresh(found.pk)
    found.refresh_from_db()
    assert "git fetch failed" in found.fetch_error


def test_adding_twice_gives_the_same_and_names_do_not_collide(db, sample, git):
    first = arrivals.add_repository("Fleet", str(sample))
    assert arrivals.add_repository("Other name", str(sample)) == first
    git.commit({"a": "b"})
    assert arrivals.add_repository("Fleet", str(git.folder)).slug == "fleet-2"
    # The name that an address gives is what people read.
    assert arrivals.add_repository("", "https://robot:s3cret@git.example.com").name == "git.example.com"


def test_bad_addresses_and_configurations_are_refused(db, sample, settings):
    with pytest.raises(BadInput):
        arrivals.add_repository("x", "ext::sh -c id")
    with pytest.raises(AstrolabeError, match="line 2"):
        arrivals.add_repository("x", str(sample), "version: 1\nnonsense: 1\n")
    settings.ASTROLABE_ALLOW_LOCAL_REPOSITORIES = False
    with pytest.raises(BadInput, match="is not allowed"):
        arrivals.add_repository("x", str(sample))


def test_requests_survive_being_written_down(repository):
    preview = Preview.objects.get(change_request__number=3)
    Manifest.objects.all().delete()
    jobs.start(preview)
    jobs.prepare(preview.pk, preview.attempt)
    requests = [request for batch in RenderBatch.objects.all() for request in record.read_batch(batch)]
    assert len(requests) == preview.renders_total or len(requests) > 40
    from previews.engine.render.requests import make_request

    assert all(make_request(request.parts, request.missing).key == request.key for request in requests)


def test_a_queue_that_is_down_loses_nothing(repository, work, monkeypatch):
    import django_rq
    from redis.exceptions import ConnectionError as NoRedis

    class Down:
        def enqueue(self, *_, **__):
            raise NoRedis("down")

    preview = Preview.objects.get(change_request__number=4)
    with monkeypatch.context() as patch:
        patch.setattr(django_rq, "get_queue", lambda *_: Down())
        jobs.start(preview)
    Preview.objects.filter(pk=preview.pk).update(beat_at=timezone.now() - timedelta(seconds=jobs.PATIENCE + 1))
    jobs.sweep()
    work()
    assert cells_of(4) == EXPECTED[4]


def test_names_and_messages_of_any_length_and_sign_are_kept(work, git):
    from tests.engine.fleets import CONFIGMAP, application, fleet

    long = "x" * 3000
    git.commit(fleet(1))
    head = {
        f"clusters/{'c' * 200}/long.yaml": application(long, "charts/web"),
        "charts/web/templates/config.yaml": CONFIGMAP
        + '  x: {{ if eq .Release.Name "web" }}{{ fail "a\\u0000b" }}{{ end }}\n',
    }
    git.commit(head, ref="refs/pull/1/head", start="refs/heads/main")
    found = arrivals.add_repository("Long", str(git.folder))
    jobs.refresh(found.pk)
    work()
    preview = Preview.objects.get()
    assert preview.state == Preview.DONE, preview.error
    assert {cell.yaml_state for cell in preview.cells.all()} == {"failed"}
    assert all(len(cell.application) <= 500 for cell in preview.cells.all())


def test_an_applications_ignored_differences_are_counted(work, git):
    from tests.engine.fleets import CONFIGMAP, fleet

    rule = "  ignoreDifferences: [{group: '', kind: ConfigMap, jsonPointers: [/data/x]}]\n  source:"
    web = fleet(1)["clusters/c1/web.yaml"].replace("  source:", rule)
    git.commit(fleet(1) | {"clusters/c1/web.yaml": web})
    head = {
        "clusters/c1/web.yaml": web + "        unread: 1\n",
        "charts/web/templates/config.yaml": CONFIGMAP + "  x: y\n",
    }
    git.commit(head, ref="refs/pull/1/head", start="refs/heads/main")
    jobs.refresh(arrivals.add_repository("Ignoring", str(git.folder)).pk)
    work()
    cell = Cell.objects.get()
    assert (cell.value_state, cell.yaml_state, cell.ignored) == ("changed", "unchanged", 1)


def test_a_conflict_stays_one_when_it_is_tried_again(repository, work):
    preview = jobs.request_preview(ChangeRequest.objects.get(number=13))
    work()
    jobs.start(preview)
    work()
    preview.refresh_from_db()
    assert (preview.state, preview.attempt, preview.merged) == (Preview.DONE, 2, False)
    assert preview.conflicts == ["values/seoul-prod-1/search.yaml"]
    assert preview.base_commit == Preview.objects.get(change_request__number=4).base_commit


def test_what_flux_does_not_act_on_deploys_nothing_and_says_why(work, git):
    from tests.engine.flux.fleets import SHOWN, fleet

    git.commit(fleet())
    head = {"charts/podinfo/templates/config.yaml": SHOWN + "  more: x\n"}
    git.commit(head, ref="refs/pull/1/head", start="refs/heads/main")
    found = arrivals.add_repository("Flux", str(git.folder))
    arrivals.refresh(found)
    jobs.request_preview(ChangeRequest.objects.get(repository=found, number=1))
    work()
    cell = Cell.objects.get(cluster="prod", application="podinfo")
    assert (cell.yaml_state, cell.deploys) == ("changed", False)
    assert cell.notes == ["the chart changed without a version bump: Flux will not release it"]
