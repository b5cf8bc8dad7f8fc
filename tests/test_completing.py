"""Cells are completed while the rest is still rendered: once each, and as they would be if all came at the end."""

from __future__ import annotations

import pytest
from django.forms import model_to_dict

from previews import arrivals, completing, jobs
from previews.models import Cell, ChangeRequest, Manifest, Preview, RenderBatch
from tests.conftest import run_preview
from tests.engine.fleets import CONFIG, application, chart
from tests.test_sample import EXPECTED

NUMBERS = (4, 7, 15)


@pytest.fixture
def repository(sample, work, monkeypatch):
    """The sample fleet, fetched; its renders come one in a job."""
    monkeypatch.setattr(jobs, "BATCH", 1)
    found = arrivals.add_repository("Sample", str(sample))
    arrivals.refresh(found)
    return found


def prepared(number=1, **which):
    """A preview that is planned, and nothing of it rendered; the queue is not asked."""
    preview = jobs.request_preview(ChangeRequest.objects.get(number=number, **which))
    jobs.prepare(preview.pk, preview.attempt)
    preview.refresh_from_db()
    assert preview.state == Preview.RENDERING
    return preview


def render(preview, *numbers):
    for number in numbers:
        jobs.render(preview.pk, preview.attempt, number)
    preview.refresh_from_db()


def batches(preview):
    return list(RenderBatch.objects.filter(preview=preview).order_by("number").values_list("number", flat=True))


def rows(preview):
    """Everything that is kept of the cells but when they came."""
    left_out = ["id", "preview", "turn"]
    return {(row.cluster, row.application): model_to_dict(row, exclude=left_out) for row in preview.cells.all()}


def is_sound(preview):
    """Whether turns follow each other without a gap, and the counts are right."""
    states = list(preview.cells.exclude(turn=0).order_by("turn").values_list("turn", "yaml_state"))
    assert not preview.cells.filter(turn=0).exclude(yaml_state=Cell.PENDING).exists()
    assert not preview.cells.filter(yaml_state=Cell.PENDING).exclude(turn=0).exists()
    assert [turn for turn, _ in states] == list(range(1, len(states) + 1))
    failed = sum(state == "failed" for _, state in states)
    return (preview.totals["done"], preview.totals["failed"]) == (len(states), failed)


def test_cells_are_completed_batch_by_batch_and_each_is_compared_once(repository, monkeypatch):
    compared = []
    make_cell = completing.make_cell
    monkeypatch.setattr(completing, "make_cell", lambda *given: compared.append(given[0]) or make_cell(*given))
    preview = prepared(7)
    seen = []
    *first, last = batches(preview)
    assert len(first) > 5
    for number in first:
        render(preview, number)
        assert is_sound(preview)
        seen.append(preview.totals["done"])
    assert seen == sorted(seen)
    assert len({*seen}) > 3
    assert preview.totals["cells"] - 2 <= preview.totals["done"] < preview.totals["cells"]
    assert preview.totals["failed"] == preview.cells.filter(yaml_state="failed").count()
    cells = preview.cells.count()
    render(preview, last)
    assert preview.state == Preview.DONE
    assert len(compared) == cells
    assert {cell.place: cell.state for cell in _states(preview)} == EXPECTED[7]


def _states(preview):
    for cell in preview.cells.all():
        cell.place, cell.state = (cell.cluster, cell.application), (cell.value_state, cell.yaml_state)
        yield cell


def test_what_waits_for_no_render_is_completed_before_the_first(repository, work):
    first = prepared(7)
    render(first, *batches(first))
    Manifest.objects.filter(pk=first.cells.exclude(head_key="").first().head_key).delete()
    jobs.start(first)
    jobs.prepare(first.pk, first.attempt)
    first.refresh_from_db()
    assert len(batches(first)) == 1
    assert is_sound(first)
    assert first.totals["cells"] - first.totals["done"] == 1
    render(first, 0)
    assert first.state == Preview.DONE


def previewed(work, number, **which):
    """What is kept of a preview that was made from nothing."""
    Manifest.objects.all().delete()
    Preview.objects.all().delete()
    preview = prepared(number, **which)
    work()
    preview.refresh_from_db()
    assert preview.state == Preview.DONE, preview.error
    return rows(preview), preview.totals, preview.cluster_scoped


def only_at_the_end(monkeypatch):
    """Has no cell compared before everything is rendered."""
    complete = completing.complete

    def late(preview, attempt, cells, bench, failures=None):
        return failures is None or complete(preview, attempt, cells, bench, failures)

    monkeypatch.setattr(completing, "complete", late)


def test_what_is_completed_early_is_what_would_be_completed_at_the_end(repository, work, monkeypatch):
    early = {number: previewed(work, number) for number in NUMBERS}
    only_at_the_end(monkeypatch)
    for number in NUMBERS:
        assert previewed(work, number) == early[number]
        assert early[number][0]


DEFINITION = """apiVersion: apiextensions.k8s.io/v1
kind: {{ printf "%sDefinition" "CustomResource" }}
metadata:
  name: wholes.example.com
  labels: {is: old}
spec:
  group: example.com
  names:
    kind: Whole
    plural: wholes
  scope: Cluster
"""
WHOLE = "apiVersion: example.com/v1\nkind: Whole\nmetadata: {name: w}\nspec: {a: 1}\n"
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: '1'}\n"


@pytest.fixture
def late_kinds(git, work, monkeypatch):
    """`operator` defines in a template, where nobody sees it before, a kind without a namespace; others have objects.

    The destination's namespace of `whole` and `both` changes, which moves everything but objects without one.
    """
    monkeypatch.setattr(jobs, "BATCH", 1)
    base = {
        "astrolabe.yaml": CONFIG,
        **chart("charts/operator", {"crd.yaml": DEFINITION}),
        **chart("charts/quiet", {"c.yaml": CONFIG_MAP}),
        **{f"charts/{name}/{file}": text for name, file, text in _objects()},
        **{f"clusters/c1/{name}.yaml": application(name, f"charts/{name}") for name in APPLICATIONS},
    }
    git.commit(base)
    head = {"charts/operator/templates/crd.yaml": DEFINITION.replace("old", "new")}
    for name in ("whole", "both"):
        head[f"clusters/c1/{name}.yaml"] = base[f"clusters/c1/{name}.yaml"].replace(
            "namespace: apps", "namespace: elsewhere"
        )
    head["charts/quiet/templates/c.yaml"] = "{{/* only a remark */}}" + CONFIG_MAP
    head["charts/plain/c.yaml"] = CONFIG_MAP.replace("'1'", "'2'")
    git.commit(head, ref="refs/pull/1/head", start="refs/heads/main")
    found = arrivals.add_repository("Late", str(git.folder))
    arrivals.refresh(found)
    return found


APPLICATIONS = ("operator", "whole", "both", "plain", "quiet")


def _objects():
    yield from (("whole", "w.yaml", WHOLE), ("both", "w.yaml", WHOLE), ("both", "c.yaml", CONFIG_MAP))
    yield "plain", "c.yaml", CONFIG_MAP


def test_cells_with_kinds_that_only_a_later_render_defines_are_compared_again(late_kinds, work, monkeypatch, bench):
    preview = prepared(repository=late_kinds)
    operator = preview.cells.get(application="operator").pk
    defining = [batch.number for batch in preview.batches.all() if operator in batch.cells]
    render(preview, *[number for number in batches(preview) if number not in defining])
    states = dict(preview.cells.values_list("application", "yaml_state"))
    assert states.pop("quiet") == "unchanged"
    assert states == {"operator": "pending", "whole": "changed", "both": "changed", "plain": "changed"}
    assert len(preview.cells.get(application="both").resources) == 4
    render(preview, *defining)
    assert preview.state == Preview.DONE
    assert ["example.com", "Whole"] in preview.cluster_scoped
    # What turned out unchanged in every respect has left; "whole" is where it was, but for its target.
    states = dict(preview.cells.values_list("application", "yaml_state"))
    assert states == {"operator": "changed", "whole": "unchanged", "both": "changed", "plain": "changed"}
    assert [one["kind"] for one in preview.cells.get(application="both").resources] == ["ConfigMap", "ConfigMap"]

    found = (rows(preview), preview.totals, preview.cluster_scoped)
    assert previewed(work, 1, repository=late_kinds) == found
    only_at_the_end(monkeypatch)
    assert previewed(work, 1, repository=late_kinds) == found
    assert {place: told(row) for place, row in found[0].items()} == {
        place: (cell.yaml, [*cell.cause], cell.group or "", [one.edit for one in cell.resources])
        for place, cell in run_preview(bench(), "refs/pull/1/head")[1].items()
    }


def told(row):
    return (row["yaml_state"], row["causes"], row["group"], [one["edit"] for one in row["resources"]])


def test_two_jobs_that_complete_the_same_cells_at_once_count_them_once(repository, monkeypatch):
    preview = prepared(7)
    keep = completing._keep

    def overtaken(pk, attempt, done):
        """Another job compared the same, and was faster."""
        twins = [Cell.objects.get(pk=row.pk) for row in done]
        for twin, row in zip(twins, done, strict=True):
            twin.yaml_state, twin.planned, twin.notes = row.yaml_state, row.planned, ["the first"]
        keep(pk, attempt, twins)
        return keep(pk, attempt, done)

    with monkeypatch.context() as patch:
        patch.setattr(completing, "_keep", overtaken)
        render(preview, *batches(preview)[:-2])
    assert is_sound(preview)
    assert preview.totals["done"] > 3
    assert all(row.notes == ["the first"] for row in preview.cells.exclude(turn=0))


def test_jobs_that_come_twice_or_late_complete_nothing_twice(repository):
    preview = prepared(7)
    numbers = batches(preview)
    render(preview, *numbers[:6], *numbers[:6])
    before = (rows(preview), preview.totals, preview.batches_left)
    jobs.prepare(preview.pk, preview.attempt)  # comes once more, and late
    preview.refresh_from_db()
    assert (rows(preview), preview.totals, preview.batches_left) == before
    assert is_sound(preview)
    assert preview.renders_done == 6
    render(preview, *numbers)
    done = (rows(preview), preview.totals)
    jobs.finish(preview.pk, preview.attempt)
    render(preview, *numbers)
    assert preview.state == Preview.DONE
    assert (rows(preview), preview.totals) == done


def test_an_attempt_that_is_over_completes_nothing(repository, work, monkeypatch):
    preview = prepared(7)
    keep = completing._keep

    def too_late(pk, attempt, done):
        if done and attempt == 1:
            jobs.start(preview)
        return keep(pk, attempt, done)

    monkeypatch.setattr(completing, "_keep", too_late)
    render(preview, *batches(preview))
    assert (preview.state, preview.attempt) == (Preview.QUEUED, 2)
    assert not preview.cells.exclude(turn=0).exists()
    jobs.finish(preview.pk, 1)
    work()
    preview.refresh_from_db()
    assert preview.state == Preview.DONE
    assert {cell.place: cell.state for cell in _states(preview)} == EXPECTED[7]


def test_what_a_killed_job_left_is_done_at_the_end(repository, monkeypatch):
    """It had closed its batch, and died before it compared anything."""
    preview = prepared(7)
    with monkeypatch.context() as patch:
        patch.setattr(completing, "complete", lambda *_: True)
        render(preview, *batches(preview)[:4])
    assert preview.totals["done"] == 0
    render(preview, *batches(preview))
    assert preview.state == Preview.DONE
    assert {cell.place: cell.state for cell in _states(preview)} == EXPECTED[7]


def test_a_preview_that_was_lost_in_the_middle_begins_anew(repository, work):
    preview = prepared(7)
    render(preview, *batches(preview)[:-2])
    assert preview.totals["done"]
    jobs.start(preview)
    work()
    preview.refresh_from_db()
    assert {cell.place: cell.state for cell in _states(preview)} == EXPECTED[7]
    assert "done" not in preview.totals
