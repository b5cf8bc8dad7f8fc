"""Ticks: what a reader has viewed stays closed for that reader, wherever the very same change is."""

import html
import re

import pytest
from django.test import Client

from previews.models import Viewed
from previews.views.reviewer import COOKIE
from tests.factories import make_cell, make_preview, make_repository, manifest_text

pytestmark = pytest.mark.django_db


@pytest.fixture
def preview():
    return make_preview(make_repository())


def both(cluster, replicas=6, version="1.4.2"):
    """Both sides of a Deployment; only the replicas differ. The cluster stands in the surroundings of the change."""
    return manifest_text("api", cluster=cluster), manifest_text("api", cluster=cluster, replicas=replicas)


def tick_address(page):
    return html.unescape(re.search(r'formaction="([^"]*)"', page)[1])


def page_of(client, cell):
    return client.get(cell.get_absolute_url()).content.decode()


def test_a_tick_counts_wherever_the_very_same_lines_change(client, preview):
    here, there = (make_cell(preview, name, "api", both(name)) for name in ("seoul-1", "tokyo-1"))
    other = make_cell(preview, "osaka-1", "api", both("osaka-1", replicas=7))

    response = client.post(tick_address(page_of(client, here)))
    assert response.status_code == 302
    assert response["Location"].endswith("#r0")
    assert "you have viewed it" in page_of(client, here)
    assert "replicas: " not in page_of(client, there)
    assert "you have viewed it" not in page_of(client, other)


def test_a_tick_holds_in_the_next_preview_until_the_change_is_another(client, preview):
    client.post(tick_address(page_of(client, make_cell(preview, "c", "api", both("c")))))
    pushed = make_preview(preview.repository)

    assert "you have viewed it" in page_of(client, make_cell(pushed, "c", "api", both("c")))
    assert "you have viewed it" not in page_of(client, make_cell(pushed, "d", "api", both("d", replicas=9)))


def test_a_tick_is_one_readers_own_and_can_be_taken_back(client, preview):
    cell = make_cell(preview, "c", "api", both("c"))
    first = client.post(tick_address(page_of(client, cell)))
    assert first.cookies[COOKIE]["httponly"]
    assert "you have viewed it" not in page_of(Client(), cell)

    client.post(tick_address(page_of(client, cell)))
    assert "you have viewed it" not in page_of(client, cell)
    assert not Viewed.objects.exists()


def test_htmx_gets_the_section_and_its_place_in_the_list(client, preview):
    cell = make_cell(preview, "c", "api", both("c"))
    answer = client.post(tick_address(page_of(client, cell)), headers={"HX-Request": "true"}).content.decode()

    assert answer.count("<section") == 1
    assert "you have viewed it" in answer
    assert re.search(r'<li id="i0" hx-swap-oob="true">', answer)
    assert "1 of 1 viewed" in answer
    assert "<html" not in answer


def test_values_can_be_ticked_too(client, preview):
    cell = make_cell(preview, "c", "api", values=("a: 1\n", "a: 2\n"))
    client.post(tick_address(page_of(client, cell)))
    assert "you have viewed it" in page_of(client, cell)


def test_a_shared_line_is_shown_even_if_it_was_viewed(client, preview):
    cell = make_cell(preview, "c", "api", both("c"))
    client.post(tick_address(page_of(client, cell)))
    assert 'id="L0h2"' in client.get(f"{cell.get_absolute_url()}?line=L0h2").content.decode()


def test_nonsense_ticks_nothing(client, preview):
    cell = make_cell(preview, "c", "api", both("c"))
    address = f"{cell.get_absolute_url()}viewed/"
    assert client.get(f"{address}?section=0&viewed=1").status_code == 405
    for section in ("", "7", "x", "-1", "²"):
        assert client.post(f"{address}?section={section}&viewed=1").status_code == 404
    client.cookies[COOKIE] = "' or 1=1"
    client.post(f"{address}?section=0&viewed=1")
    assert len(Viewed.objects.get().reviewer) == 43


def test_a_tick_needs_the_pages_own_token(preview):
    cell = make_cell(preview, "c", "api", both("c"))
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(f"{cell.get_absolute_url()}viewed/?section=0&viewed=1").status_code == 403
