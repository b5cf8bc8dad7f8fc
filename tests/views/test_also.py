"""Cells that two open change requests touch are told on both pages, without asking."""

import pytest

from previews.models import ChangeRequest
from tests.factories import make_cell, make_change_request, make_preview, make_repository
from tests.views.reading import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def story():
    """Two change requests that both change web on seoul, and a third that changes something else."""
    repository = make_repository()
    cells = {}
    for number, places in ((11, ("seoul", "tokyo")), (12, ("seoul",)), (13, ("osaka",))):
        preview = make_preview(repository, make_change_request(repository, number, title=f"change {number}"))
        for cluster in places:
            cells[number, cluster] = make_cell(preview, cluster, "web", values=("a: 1", f"a: {number}"))
    return cells


def matrix_of(client, cell):
    return text_of(client.get(cell.preview.get_absolute_url()).content.decode())


def page_of(client, cell):
    return text_of(client.get(cell.get_absolute_url()).content.decode())


def test_both_pages_name_the_other(client, story):
    assert "Cells that are also changed by #12 change 12, 1 cell" in matrix_of(client, story[11, "seoul"])
    assert "Cells that are also changed by #11 change 11, 1 cell" in matrix_of(client, story[12, "seoul"])
    assert "Also changed by #12" in page_of(client, story[11, "seoul"])
    page = client.get(story[12, "seoul"].get_absolute_url()).content.decode()
    assert f'<a href="{story[11, "seoul"].get_absolute_url()}">#11</a>' in page


def test_what_only_one_touches_says_nothing(client, story):
    assert "lso changed by" not in page_of(client, story[11, "tokyo"])
    assert "lso changed by" not in matrix_of(client, story[13, "osaka"])


@pytest.mark.parametrize("state", ["closed", "merged"])
def test_what_has_ended_does_not_count(client, story, state):
    ChangeRequest.objects.filter(number=12).update(state=state)
    assert "lso changed by" not in matrix_of(client, story[11, "seoul"])
    assert "lso changed by" not in matrix_of(client, story[12, "seoul"])


def test_only_the_newest_preview_of_the_other_counts(client, story):
    other = story[12, "seoul"].preview
    make_preview(other.repository, other.change_request)
    assert "lso changed by" not in matrix_of(client, story[11, "seoul"])


def test_it_costs_the_same_however_many_there_are(client, story, django_assert_max_num_queries):
    repository = story[11, "seoul"].preview.repository
    for number in range(20, 50):
        preview = make_preview(repository, make_change_request(repository, number))
        make_cell(preview, "seoul", "web", values=("a: 1", f"a: {number}"))
    with django_assert_max_num_queries(9):
        page = matrix_of(client, story[11, "seoul"])
    assert page.count("1 cell") >= 20
