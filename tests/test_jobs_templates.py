"""A repository of charts: its previews show the Applications of the repositories that use them."""

from __future__ import annotations

import pytest

from previews import arrivals, jobs
from previews.engine.whatif import WhatIf
from previews.models import ChangeRequest, Preview
from tests.conftest import GitRepository
from tests.engine.fleets import ADDRESS, CONFIG, CONFIGMAP, application, chart

HEAD = "refs/pull/1/head"


@pytest.fixture
def charts(git, tmp_path, work, client, settings):
    """Charts with one change request, and a fleet with one Application that follows them and one that is pinned."""
    settings.DATA = tmp_path / "data"
    git.commit(chart("web", {"config.yaml": CONFIGMAP}))
    git.commit({"web/values.yaml": "text: changed\n"}, ref=HEAD, start="refs/heads/main")
    git.commit({"a.txt": "a"}, ref="refs/tags/v1", start="refs/heads/main")
    fleet = GitRepository(tmp_path / "fleet.git")
    follows = application("follows", "web").replace(ADDRESS, str(git.folder))
    pinned = application("pinned", "web", revision="v1").replace(ADDRESS, str(git.folder))
    fleet.commit({"astrolabe.yaml": CONFIG, "clusters/c1/a.yaml": follows, "clusters/c1/b.yaml": pinned})
    templates = arrivals.add_repository("Charts", str(git.folder))
    user = arrivals.add_repository("Fleet", str(fleet.folder))
    for repository in (templates, user):
        arrivals.refresh(repository)
    page = client.get("/repositories/charts/settings/").content.decode()
    assert "Fleets that use charts of this repository" in page
    saved = client.post("/repositories/charts/settings/", {"name": "Charts", "users": [user.pk]})
    assert saved.status_code == 302, saved.content.decode()
    return templates, user, fleet


def cells(work, **asked):
    preview = jobs.request_preview(ChangeRequest.objects.get(number=1), WhatIf(**asked))
    work()
    preview.refresh_from_db()
    assert preview.state == Preview.DONE, preview.error
    return preview, {(cell.cluster, cell.application): (cell.yaml_state, cell.pinned) for cell in preview.cells.all()}


def test_a_change_of_a_chart_shows_on_every_fleet_that_uses_it(charts, work, client):
    preview, found = cells(work)
    assert found == {("c1", "follows"): ("changed", False)}
    page = client.get(preview.get_absolute_url()).content.decode()
    assert "1 instance of this fleet is pinned" in page
    cell = preview.cells.get()
    assert "changed" in client.get(cell.get_absolute_url()).content.decode()


def test_what_if_moves_the_pins_of_other_repositories_too(charts, work):
    _, found = cells(work, unpinned=True)
    assert found == {("c1", "follows"): ("changed", False), ("c1", "pinned"): ("changed", True)}


def test_a_fleet_that_moved_on_is_a_new_question(charts, work):
    _, user, fleet = charts
    before, _ = cells(work)
    fleet.commit({"clusters/c1/a.yaml": None})
    arrivals.refresh(user)
    after, found = cells(work)
    assert (after.pk != before.pk, found) == (True, {})


def test_a_fleet_that_cannot_be_read_is_said(charts, work):
    _, user, fleet = charts
    fleet.commit({"astrolabe.yaml": "version: 2\n"})
    arrivals.refresh(user)
    preview, found = cells(work)
    assert found == {}
    assert any("the applications of Fleet are not shown" in note for note in preview.notes)
