"""Whom to tell, in the settings: the token goes in and never out, and belongs to the place that it was entered for."""

from __future__ import annotations

import pytest

from previews.models import Answer
from tests.factories import make_change_request, make_repository

TOKEN = "gh-t0p-s3cret"


@pytest.fixture
def repository(db):
    return make_repository(url="https://github.com/acme/fleet.git")


@pytest.fixture
def save(client, repository):
    """Posts the settings; gives the response."""

    def post(**fields):
        given = {"name": "fleet", "provider": "github", "comments": "changes", "fails_on": "never", "api_url": ""}
        response = client.post(f"/repositories/{repository.slug}/settings/", {**given, **fields})
        repository.refresh_from_db()
        return response

    return post


def test_the_settings_say_whom_to_tell_and_when(save, repository):
    assert save(new_token=TOKEN, comments="always", fails_on="cells").status_code == 302
    assert (repository.provider, repository.api_url) == ("github", "https://api.github.com")
    assert (repository.api_token, repository.comments, repository.fails_on) == (TOKEN, "always", "cells")


def test_a_token_is_never_shown_and_stays_until_it_is_replaced_or_forgotten(save, client, repository):
    page = client.get(f"/repositories/{repository.slug}/settings/").content.decode()
    assert "(not set)" in page
    save(new_token=TOKEN)
    page = client.get(f"/repositories/{repository.slug}/settings/").content.decode()
    assert TOKEN not in page
    assert "set; enter another" in page
    save(comments="never")
    assert repository.api_token == TOKEN
    # Nor does it come back with a form that has faults.
    refused = save(new_token="another-token", web_url="javascript:")
    assert refused.status_code == 422
    assert "another-token" not in refused.content.decode()
    assert repository.api_token == TOKEN
    save(new_token="new-token")
    assert repository.api_token == "new-token"
    save(forget_token="on")
    assert repository.api_token == ""


@pytest.mark.parametrize(
    "other",
    [{"api_url": "https://evil.example.com/api/v3"}, {"provider": "gitlab"}, {"api_url": "https://api.github.com:444"}],
)
def test_a_token_does_not_follow_to_another_place(save, repository, other):
    save(new_token=TOKEN)
    refused = save(**other)
    assert refused.status_code == 422
    assert "The token was entered for another place" in refused.content.decode()
    repository.refresh_from_db()
    assert repository.api_url == "https://api.github.com"
    assert save(**other, new_token="other").status_code == 302
    assert repository.api_token == "other"


def test_a_token_that_was_entered_for_nobody_is_not_sent_to_somebody(save, repository):
    save(new_token=TOKEN)
    save(provider="plain", api_url="https://api.github.com")
    assert save(provider="gitlab").status_code == 422


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"provider": "gitea"}, "Enter where its API is"),
        ({"api_url": "http://github.example.com/api/v3"}, "must begin with https://"),
        ({"api_url": "https://u:p@github.example.com"}, "with nothing more in it"),
        ({"new_token": "two words"}, "no spaces"),
        ({"new_token": "naïve"}, "letters, digits and signs"),
        ({"provider": "sourceforge"}, "Select a valid choice"),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(save, settings, fields, text):
    settings.ASTROLABE_ALLOW_LOCAL_REPOSITORIES = False
    response = save(**fields)
    assert response.status_code == 422
    assert text in response.content.decode()


def test_comments_elsewhere_are_not_taken_for_ours(save, repository):
    save(new_token=TOKEN)
    Answer.objects.create(change_request=make_change_request(repository), kind="comment", remote_id="7")
    save(comments="always")
    assert Answer.objects.exists()
    save(api_url="https://github.example.com/api/v3", new_token=TOKEN)
    assert not Answer.objects.exists()


def test_a_script_that_knows_nothing_of_it_changes_nothing(client, save, repository):
    save(new_token=TOKEN, comments="always")
    assert client.post(f"/repositories/{repository.slug}/settings/", {"name": "fleet"}).status_code == 302
    repository.refresh_from_db()
    assert (repository.provider, repository.api_token, repository.comments) == ("github", TOKEN, "always")
