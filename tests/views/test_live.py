"""The matrix while its preview runs: what a poll brings, what it leaves out, and what it costs."""

import re

import pytest

from previews.models import Cell, Cluster, Preview
from previews.views import live
from tests.factories import HOSTILE, make_cell, make_preview, make_repository, manifest_text
from tests.views.reading import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def preview():
    """Three cells are done and three are not."""
    totals = {"instances": 9, "cells": 6, "done": 3, "failed": 1}
    given = {"state": "rendering", "renders_total": 40, "renders_done": 12, "attempt": 2, "totals": totals}
    preview = make_preview(make_repository(), **given)
    both = (manifest_text("x"), manifest_text("y"))
    make_cell(preview, "seoul", "web", both, values=("a: 1", "a: 2"), turn=1)
    make_cell(preview, "seoul", "api", yaml_state="unchanged", turn=2)
    make_cell(preview, "tokyo", "web", yaml_state="failed", turn=3)
    for cluster, application in (("tokyo", "api"), ("osaka", "web"), ("osaka", "api")):
        make_cell(preview, cluster, application, yaml_state=Cell.PENDING)
    return preview


def poll_of(page):
    """The address that a page or an answer asks next."""
    return re.search(r'hx-get="([^"]*)"', page)[1].replace("&amp;", "&")


def swapped(answer):
    """The ids that an answer puts in the table."""
    return re.findall(r'<(?:a|span) id="(\w+)" hx-swap-oob="true"', answer)


def complete(preview, cluster, application, state="changed"):
    """One more cell is done."""
    turn = preview.totals["done"] + 1
    preview.totals |= {"done": turn}
    preview.save()
    cell = preview.cells.get(cluster=cluster, application=application)
    Cell.objects.filter(pk=cell.pk).update(yaml_state=state, turn=turn, yaml_added=7)
    return cell.pk


def test_the_page_shows_what_is_done_and_what_is_not(client, preview):
    page = client.get(preview.get_absolute_url()).content.decode()

    assert "12 of 40 manifests; 3 of 6 cells done, 1 fails" in text_of(page)
    assert 'value="36"' in page  # the renders and the cells count alike
    assert len(re.findall(r'<a id="h\d+y" class="half yaml pending"', page)) == 3
    assert len(re.findall(r'<span id="h\d+y" class="half yaml unchanged" tabindex="-1">·</span>', page)) == 1
    assert 'hx-trigger="every 1s"' in page
    assert '<noscript><meta http-equiv="refresh"' in page
    assert poll_of(page).startswith(f"/previews/{preview.pk}/progress/?attempt=2&turn=3&")


def test_a_poll_brings_what_was_completed_since_and_nothing_else(client, preview):
    page = client.get(preview.get_absolute_url()).content.decode()
    nothing = client.get(poll_of(page)).content.decode()
    assert swapped(nothing) == []
    done = complete(preview, "osaka", "web")
    answer = client.get(poll_of(nothing)).content.decode()

    assert swapped(answer) == [f"h{done}y"]
    assert "DIFF" in answer
    assert "+7" in answer
    assert "4 of 6 cells done" in text_of(answer)
    assert "<table" not in answer
    assert swapped(client.get(poll_of(answer)).content.decode()) == []
    # A page that is far behind gets all that it lacks, the values with their counts as well.
    first = preview.cells.get(turn=1).pk
    assert swapped(client.get(poll_of(page).replace("turn=3", "turn=0")).content.decode())[:2] == [
        f"h{first}v",
        f"h{first}y",
    ]


def test_everything_that_a_poll_may_bring_has_its_place_on_the_page(client, preview):
    for query in ("", "?show=all", "?app=web", "?cluster=japan", "?state=failed&app=api"):
        Cluster.objects.update_or_create(repository=preview.repository, name="tokyo", defaults={"group": "japan"})
        page = client.get(preview.get_absolute_url() + query).content.decode()
        brought = swapped(client.get(poll_of(page).replace("turn=3", "turn=0")).content.decode())
        assert brought
        assert {f'id="{one}"' for one in brought} <= {*re.findall(r'id="\w+"', page)}


def test_what_does_not_change_stays_until_the_end(client, preview):
    page = client.get(preview.get_absolute_url()).content.decode()
    done = complete(preview, "tokyo", "api", "unchanged")
    answer = client.get(poll_of(page)).content.decode()

    assert f'<span id="h{done}y" hx-swap-oob="true" class="half yaml unchanged" tabindex="-1">·</span>' in answer


def test_names_filter_a_running_matrix_and_other_choices_wait_for_its_end(client, preview):
    page = client.get(f"{preview.get_absolute_url()}?app=web&state=failed").content.decode()
    assert re.findall(r'scope="rowgroup"[^>]*title="([^"]*)"', page) == ["web"]
    assert '<input type="hidden" name="state" value="failed">' in page
    assert 'name="cause"' not in page

    complete(preview, "tokyo", "api")
    done = complete(preview, "osaka", "web")
    answer = client.get(poll_of(page)).content.decode()
    assert swapped(answer) == [f"h{done}y"]
    assert "&amp;m=app%3Dweb%26state%3Dfailed" in answer
    assert "app=web&state=failed" in poll_of(answer)


def test_what_is_too_much_for_one_answer_comes_with_the_next(client, preview, monkeypatch):
    monkeypatch.setattr(live, "MOST_CELLS", 2)
    page = client.get(preview.get_absolute_url()).content.decode()
    done = [complete(preview, *place) for place in (("osaka", "web"), ("tokyo", "api"), ("osaka", "api"))]
    first = client.get(poll_of(page)).content.decode()
    second = client.get(poll_of(first)).content.decode()

    assert [swapped(first), swapped(second)] == [[f"h{pk}y" for pk in some] for some in (done[:2], done[2:])]


def test_a_poll_costs_what_it_brings(client, preview, django_assert_max_num_queries):
    page = client.get(preview.get_absolute_url()).content.decode()
    Cell.objects.bulk_create(
        Cell(
            preview=preview, cluster=f"c{at}", application="many", value_state="unchanged", yaml_state="changed",
            deploys=True, pinned=False, turn=at,
        )
        for at in range(4, 1004)
    )  # fmt: skip
    with django_assert_max_num_queries(4):
        answer = client.get(poll_of(page).replace("turn=3", "turn=1001")).content
    assert len(swapped(answer.decode())) == 2
    assert len(answer) < 3000


def test_a_page_without_this_attempts_table_is_had_anew(client, preview):
    page = client.get(preview.get_absolute_url()).content.decode()
    Preview.objects.update(attempt=3, state="preparing", totals={"instances": 9})
    again = client.get(poll_of(page))
    assert "HX-Refresh" not in again
    assert swapped(again.content.decode()) == []
    Preview.objects.update(state="rendering")
    assert client.get(poll_of(again.content.decode()))["HX-Refresh"] == "true"

    waiting = client.get(f"/previews/{preview.pk}/progress/?attempt=0&turn=nonsense")
    assert waiting["HX-Refresh"] == "true"


def test_who_listens_hears_something_new_now_and_then_and_nothing_of_the_table(client, preview):
    page = client.get(preview.get_absolute_url()).content.decode()
    assert '<p class="sr" id="said" role="status">rendering, 20% done</p>' in page
    assert page.count('role="status"') == 1
    assert "aria-live" not in page
    complete(preview, "osaka", "web")
    answer = client.get(poll_of(page)).content.decode()
    assert "#said" not in answer
    Preview.objects.update(renders_done=30)
    answer = client.get(poll_of(answer)).content.decode()
    assert '<p hx-swap-oob="innerHTML:#said">rendering, 60% done</p>' in answer
    assert "#said" not in client.get(poll_of(answer)).content.decode()


def test_nothing_hostile_comes_with_a_poll(client):
    totals = {"cells": 1, "done": 1, "failed": 0}
    preview = make_preview(make_repository(), state="rendering", attempt=1, totals=totals, message=HOSTILE)
    make_cell(preview, HOSTILE, HOSTILE, values=("1", "2"), yaml_state="changed", turn=1)
    asked = {"attempt": 1, "said": HOSTILE, "app": HOSTILE}
    answer = client.get(f"/previews/{preview.pk}/progress/", asked).content.decode()

    assert len(swapped(answer)) == 2
    assert "<img" not in answer
    assert "<script" not in answer
