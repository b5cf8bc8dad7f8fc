"""The matrix in a real Chromium while its preview runs: it fills cell by cell under the eyes of a reader."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.by import By

from previews import jobs
from previews.models import Manifest, Preview, RenderBatch
from tests.browser.asking import complaints, faults, text_of, wait

PLACE = """
const scrolled = document.querySelector(".scroll");
return [scrolled.scrollLeft, scrolled.scrollTop, document.activeElement.id, document.querySelector("#app").value,
  window.marked ?? null];
"""


@pytest.fixture
def running(fleet, monkeypatch):
    """The preview of #7, planned anew: six clusters of one application, each rendered by a job of its own."""
    monkeypatch.setattr(jobs, "BATCH", 1)
    preview = fleet[7]
    heads = preview.cells.values_list("head_key", flat=True)
    Manifest.objects.filter(pk__in=list(heads)).delete()
    jobs.start(preview)
    jobs.prepare(preview.pk, preview.attempt)
    preview.refresh_from_db()
    assert preview.state == Preview.RENDERING
    return preview


def batches(preview):
    return list(RenderBatch.objects.filter(preview=preview).order_by("number").values_list("number", flat=True))


def pending(browser):
    return browser.find_elements(By.CSS_SELECTOR, "a.half.yaml.pending")


@pytest.mark.parametrize("browser", [(560, 420, True)], indirect=True, ids=["small"])
def test_cells_fill_one_by_one_and_the_reader_stays_where_he_is(browser, live_server, running):
    browser.get(f"{live_server.url}/previews/{running.pk}/?show=all")
    count = len(pending(browser))
    assert count > 4
    focused = pending(browser)[-1]
    browser.execute_script("arguments[0].focus(); window.marked = true", focused)
    browser.execute_script("document.querySelector('.scroll').scrollTo(60, 90)")
    browser.execute_script("document.querySelector('#app').value = 'half a na'")
    before = browser.execute_script(PLACE)
    assert before[:2] == [60, 90]
    assert before[2].startswith("h")

    *first, last = batches(running)
    for done, number in enumerate(first, 1):
        jobs.render(running.pk, running.attempt, number)
        wait(browser, lambda b, left=count - done: len(pending(b)) == left)
        assert f"{done} of {count} cells done" in text_of(browser)
    assert "±" in browser.find_element(By.TAG_NAME, "table").text
    # The very same page, as the mark tells: nothing was loaded anew, and the cell that has the focus was replaced.
    assert browser.execute_script(PLACE) == before
    assert faults(browser) == []

    jobs.render(running.pk, running.attempt, last)
    wait(browser, lambda b: "instances change" in text_of(b))
    at = browser.execute_script(PLACE)
    assert (at[:2], at[4]) == ([60, 90], None)
    focused = browser.execute_script("return document.activeElement.closest('td')?.id")
    assert focused == f"c{before[2][1:]}"
    assert "FAILS" in browser.find_element(By.TAG_NAME, "table").text
    assert complaints(browser) == []


@pytest.mark.parametrize("browser", [(1440, 900, False)], indirect=True, ids=["no-js"])
def test_without_javascript_the_page_comes_anew_by_itself(browser, live_server, running):
    browser.get(f"{live_server.url}/previews/{running.pk}/")
    count = len(pending(browser))
    jobs.render(running.pk, running.attempt, batches(running)[0])
    wait(browser, lambda b: 0 < len(pending(b)) < count)


def test_a_filtered_matrix_fills_as_well(browser, live_server, running):
    browser.get(f"{live_server.url}/previews/{running.pk}/?cluster=virginia")
    assert len(pending(browser)) == 1
    for number in batches(running)[:-1]:
        jobs.render(running.pk, running.attempt, number)
    wait(browser, lambda b: f"{len(batches(running)) - 1} of" in text_of(b))
    assert "virginia" in browser.current_url
    jobs.render(running.pk, running.attempt, batches(running)[-1])
    wait(browser, lambda b: "FAILS" in text_of(b) and "instances change" in text_of(b))
    assert complaints(browser) == []
