"""Change requests say what they are called and what they are compared with."""

import pytest

from previews.models import ChangeRequest
from previews.models.text import fit
from tests.factories import make_change_request, make_repository

pytestmark = pytest.mark.django_db


def test_a_pull_request_goes_by_its_number():
    change_request = make_change_request(make_repository(), 12)

    assert change_request.label == "#12"
    assert change_request.get_absolute_url() == "/repositories/fleet/changes/12/"


def test_a_branch_goes_by_its_name():
    change_request = make_change_request(make_repository(), None, ref="refs/heads/feature/labels")

    assert change_request.label == "feature/labels"
    assert change_request.get_absolute_url() == "/repositories/fleet/changes/refs/heads/feature/labels/"


def test_the_target_is_the_default_branch_unless_something_else_is_said():
    repository = make_repository(default_branch="trunk")

    assert ChangeRequest(repository=repository).target == "trunk"
    assert ChangeRequest(repository=repository, target_branch="release").target == "release"
    assert ChangeRequest(repository=repository, target_branch="release", base_branch="old").target == "old"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://bot:s3cret@git.example.com/x.git", "https://•••@git.example.com/x.git"),
        ("https://t0ken@git.example.com/x.git", "https://•••@git.example.com/x.git"),
        ("ssh://git@git.example.com/x.git", "ssh://git@git.example.com/x.git"),
        ("https://git.example.com/a@b.git", "https://git.example.com/a@b.git"),
    ],
)
def test_credentials_in_an_address_are_not_shown(url, shown):
    assert make_repository(url=url).shown_url == shown


def test_a_name_that_is_too_long_stays_different_from_its_neighbour():
    one, other = fit("a" * 600 + "b"), fit("a" * 600 + "c")

    assert len(one) == len(other) == 500
    assert one != other
