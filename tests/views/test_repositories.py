"""The first page."""

import pytest

from previews import arrivals, jobs
from previews.engine.errors import BadInput
from tests.factories import HOSTILE, make_change_request, make_repository

pytestmark = pytest.mark.django_db


@pytest.fixture
def enqueued(monkeypatch):
    """The jobs that were put on the queue."""
    found = []
    monkeypatch.setattr(jobs, "enqueue", lambda job, *ids: found.append((job, *ids)))
    return found


def test_without_repositories_the_page_says_what_to_do(client):
    page = client.get("/").content.decode()

    assert "Add a repository" in page
    assert "before it is merged" in page


def test_adding_a_repository_has_it_fetched_and_shows_it(client, enqueued, monkeypatch):
    repository = make_repository("fleet")
    monkeypatch.setattr(arrivals, "add_repository", lambda name, url: repository)
    response = client.post("/", {"url": "https://git.example.com/fleet.git"})

    assert response["Location"] == "/repositories/fleet/"
    assert enqueued == [(jobs.refresh, repository.pk)]


def test_a_bad_address_is_explained_and_kept_in_the_form(client, enqueued, monkeypatch):
    def refuse(name, url):
        raise BadInput("only https and ssh addresses are allowed")

    monkeypatch.setattr(arrivals, "add_repository", refuse)
    response = client.post("/", {"url": f"file:///etc/{HOSTILE}"})

    assert response.status_code == 422
    assert "only https and ssh addresses are allowed" in response.content.decode()
    assert "file:///etc/&lt;/script&gt;" in response.content.decode()
    assert enqueued == []


def test_each_repository_is_listed_with_its_open_requests_and_its_trouble(client):
    repository = make_repository("fleet", fetch_error=f"fatal: no route {HOSTILE}")
    make_change_request(repository, 1)
    make_change_request(repository, 2, state="merged")
    page = client.get("/").content.decode()

    assert "<strong>1</strong> open" in page
    assert "fatal: no route &lt;/script&gt;" in page
    assert HOSTILE not in page


def test_a_token_in_the_address_is_shown_nowhere(client):
    make_repository("fleet", url="https://bot:s3cret@git.example.com/x.git")

    for address in ("/", "/repositories/fleet/", "/repositories/fleet/settings/"):
        assert "s3cret" not in client.get(address).content.decode()


def test_colours_are_chosen_by_a_cookie_and_lead_back_here_only(client):
    response = client.post("/theme/", {"theme": "dark", "next": "/repositories/x/"})
    assert response["Location"] == "/repositories/x/"
    assert 'data-theme="dark"' in client.get("/").content.decode()
    assert client.post("/theme/", {"theme": "dark", "next": "https://evil.example/"})["Location"] == "/"
    assert client.post("/theme/", {"theme": "pink"}).status_code == 400
