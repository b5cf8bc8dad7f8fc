"""A line of a diff has an address that can be sent to others, wherever the line is."""

import re

import pytest

from tests.factories import make_cell, make_preview, make_repository, manifest_text
from tests.views.reading import long_text

pytestmark = pytest.mark.django_db


@pytest.fixture
def preview():
    return make_preview(make_repository())


@pytest.mark.parametrize("line", ["L0h40", "L0b40", "L0h2", "L0h998", "L0b998-1000"])
def test_a_line_in_a_fold_is_shown(client, preview, line):
    cell = make_cell(preview, "c", "a", (long_text("m", 1200), long_text("m", 1200, {600})))
    anchor = line.split("-")[0]
    assert f'id="{anchor}"' not in client.get(cell.get_absolute_url()).content.decode()
    page = client.get(f"{cell.get_absolute_url()}?line={line}").content.decode()
    assert f'id="{anchor}"' in page
    assert page.count("<tr") < 700


def test_a_line_beyond_what_a_page_holds_begins_one_of_its_own(client, preview):
    cell = make_cell(preview, "c", "a", (None, long_text("m", 9000)))
    page = client.get(f"{cell.get_absolute_url()}?line=L0h8000").content.decode()
    assert 'id="L0h8000"' in page
    assert 'id="L0h10"' not in page
    assert "Show it from the start" in page


def test_a_line_in_unified_layout_is_shown(client, preview):
    cell = make_cell(preview, "c", "a", (long_text("m", 100), long_text("m", 100, {60})))
    assert 'id="L0b9"' in client.get(f"{cell.get_absolute_url()}?layout=unified&line=L0b9").content.decode()


@pytest.mark.parametrize("line", ["L9h1", "L0h99999", "L0x1", "h1", "L0h0", "<b>"])
def test_a_line_that_is_not_there_shows_the_page_as_it_is(client, preview, line):
    cell = make_cell(preview, "c", "a", (long_text("m", 100), long_text("m", 100, {60})))
    pages = (client.get(cell.get_absolute_url(), {"line": text}).content.decode() for text in (line, ""))
    first, second = (re.findall(r'id="L[^"]*"', page) for page in pages)
    assert first == second


def test_the_names_of_lines_do_not_depend_on_what_else_is_hidden(client, preview):
    base = "---\n# a comment\n" + manifest_text("a").removeprefix("---\n")
    head = manifest_text("a").replace("port: 80", "port: 81")
    cell = make_cell(preview, "c", "a", (base, head))
    pages = [client.get(f"{cell.get_absolute_url()}{query}").content.decode() for query in ("", "?hidden=1")]
    assert [re.findall(r'<section id="(r\d+)"', page) for page in pages] == [["r1"], ["r0", "r1"]]
    changed = [set(re.findall(r'id="(L1h\d+)"', page)) for page in pages]
    assert changed[0] == changed[1] != set()
