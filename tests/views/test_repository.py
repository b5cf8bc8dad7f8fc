"""A repository's change requests and settings."""

import pytest

from previews import jobs
from previews.engine.errors import BadInput
from previews.engine.whatif import WhatIf
from tests.factories import HOSTILE, make_change_request, make_preview, make_repository

pytestmark = pytest.mark.django_db


def test_each_request_shows_its_impact_at_a_glance(client):
    repository = make_repository()
    totals = {"instances": 525, "unchanged": 488, "value_only": 4, "deploys": 33, "failed": 1}
    make_preview(repository, make_change_request(repository, 12), totals=totals)
    make_change_request(repository, 13, title=HOSTILE)
    page = client.get("/repositories/fleet/").content.decode()

    assert "± 33 deploy" in page
    assert "± 4 only values" in page
    assert "✕ 1 fails" in page
    assert "not previewed" in page
    assert HOSTILE not in page


def test_the_newest_preview_counts(client):
    repository = make_repository()
    change_request = make_change_request(repository)
    make_preview(repository, change_request, state="failed", error="boom")
    make_preview(repository, change_request, state="rendering", renders_total=4, renders_done=1)
    page = client.get("/repositories/fleet/").content.decode()

    assert "rendering 30%" in page
    assert "preview failed" not in page


def test_the_number_of_queries_does_not_grow_with_the_list(client, django_assert_num_queries):
    repository = make_repository()
    for number in range(1, 31):
        make_preview(repository, make_change_request(repository, number))

    with django_assert_num_queries(6):
        page = client.get("/repositories/fleet/").content.decode()
    assert page.count("just now") >= 30


def test_requests_are_found_by_state_and_text(client):
    repository = make_repository()
    make_change_request(repository, 12, title="Raise the memory limit")
    make_change_request(repository, 13, title="Bump grafana", author="Jae-won")
    make_change_request(repository, 14, title="Old one", state="merged")

    assert "Old one" not in client.get("/repositories/fleet/").content.decode()
    assert "Old one" in client.get("/repositories/fleet/?state=all").content.decode()
    by_author = client.get("/repositories/fleet/?q=jae-won").content.decode()
    assert "Bump grafana" in by_author
    assert "Raise the memory" not in by_author
    assert "Raise the memory" in client.get("/repositories/fleet/?q=%2312").content.decode()
    assert "No change request matches" in client.get("/repositories/fleet/?q=zzz").content.decode()


def test_a_repository_without_open_requests_shows_the_others(client):
    make_change_request(make_repository(), 14, title="Old one", state="merged")

    assert "Old one" in client.get("/repositories/fleet/").content.decode()


def test_long_lists_come_in_pages(client):
    repository = make_repository()
    for number in range(1, 61):
        make_change_request(repository, number, title=f"Request number {number}.")
    second = client.get("/repositories/fleet/?page=2&q=Request").content.decode()

    assert "Request number 10." in second
    assert "Request number 60." not in second
    assert "?page=1&amp;q=Request" in second


def test_one_request_is_previewed_on_demand(client, monkeypatch):
    repository = make_repository()
    change_request = make_change_request(repository)
    preview = make_preview(repository, change_request)
    monkeypatch.setattr(jobs, "request_preview", lambda wanted, asked: preview if wanted == change_request else None)

    response = client.post("/repositories/fleet/preview/", {"change": change_request.pk})
    assert response["Location"] == preview.get_absolute_url()


def test_a_question_goes_with_the_request_or_is_refused_in_words(client, monkeypatch):
    change_request = make_change_request(make_repository())
    preview = make_preview(change_request.repository, change_request)
    asked = []
    monkeypatch.setattr(jobs, "request_preview", lambda wanted, what_if: asked.append(what_if) or preview)
    form = {"change": change_request.pk, "unpinned": "1", "kubernetes": "1.33", "clusters": "prod-*, korea"}
    client.post("/repositories/fleet/preview/", form)
    assert asked == [WhatIf(True, "1.33", "", ("prod-*", "korea"))]

    response = client.post("/repositories/fleet/preview/", {**form, "kubernetes": "newest"})
    assert response.status_code == 422
    assert "is no Kubernetes version" in response.content.decode()


def test_all_open_requests_are_previewed_on_demand(client, monkeypatch):
    repository = make_repository()
    wanted = [make_change_request(repository, number) for number in (1, 2)]
    make_change_request(repository, 3, state="closed")
    asked = []
    monkeypatch.setattr(jobs, "request_preview", asked.append)
    client.post("/repositories/fleet/preview/")

    assert sorted(asked, key=lambda one: one.number) == wanted


def test_a_preview_that_cannot_be_had_is_explained(client, monkeypatch):
    def refuse(change_request, what_if):
        raise BadInput("there is no branch main")

    change_request = make_change_request(make_repository())
    monkeypatch.setattr(jobs, "request_preview", refuse)
    response = client.post("/repositories/fleet/preview/", {"change": change_request.pk})

    assert response.status_code == 422
    assert "there is no branch main" in response.content.decode()


def test_a_request_of_another_repository_is_not_previewed(client):
    make_repository("fleet")
    other = make_change_request(make_repository("other"))

    assert client.post("/repositories/fleet/preview/", {"change": other.pk}).status_code == 404
    assert client.post("/repositories/fleet/preview/", {"change": "x"}).status_code == 404


def test_actions_are_not_done_by_following_a_link(client):
    make_repository()

    assert client.get("/repositories/fleet/preview/").status_code == 405
    assert client.get("/repositories/fleet/refresh/").status_code == 405
    assert client.get("/repositories/unknown/").status_code == 404


def test_a_wrong_configuration_is_refused_with_its_line(client):
    repository = make_repository()
    given = {"name": "fleet", "web_url": "", "config_text": "version: 1\nclusters:\n  - nam: a\n"}
    response = client.post("/repositories/fleet/settings/", given)
    repository.refresh_from_db()

    assert response.status_code == 422
    assert "line 3" in response.content.decode()
    assert repository.config_text == ""


def test_settings_are_saved(client):
    repository = make_repository()
    given = {
        "name": "Fleet",
        "web_url": "https://x.example/",
        "config_text": "version: 1\r\n",
        "exact_by_default": "on",
    }
    response = client.post("/repositories/fleet/settings/", given)
    repository.refresh_from_db()

    assert response.status_code == 302
    assert (repository.name, repository.config_text, repository.exact_by_default) == ("Fleet", "version: 1\n", True)


def test_a_web_address_that_runs_a_script_is_refused(client):
    make_repository()
    response = client.post("/repositories/fleet/settings/", {"name": "fleet", "web_url": "javascript:alert(1)"})

    assert response.status_code == 422
    assert "https://" in response.content.decode()


def test_the_page_of_a_request_has_its_history(client):
    repository = make_repository()
    change_request = make_change_request(repository, description=HOSTILE)
    make_preview(
        repository, change_request, head_commit="0ld" + "0" * 37, totals={"instances": 3, "unchanged": 2, "deploys": 1}
    )
    make_preview(repository, change_request, state="failed", error="no worker")
    page = client.get("/repositories/fleet/changes/12/").content.decode()

    assert "1 of 3 instances changes; 1 deploys." in page
    assert "no worker" in page
    assert "0ld000000" in page
    assert HOSTILE not in page


def test_a_branch_has_a_page_by_its_ref(client):
    make_change_request(make_repository(), None, title="From a branch")

    assert "From a branch" in client.get("/repositories/fleet/changes/refs/heads/feature/labels/").content.decode()
    assert client.get("/repositories/fleet/changes/99/").status_code == 404
    assert client.get("/repositories/fleet/changes/refs/heads/x/").status_code == 404
