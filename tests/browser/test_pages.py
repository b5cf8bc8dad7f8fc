"""The pages in a real Chromium: from the list to the matrix to the diff, with and without JavaScript, wide and narrow."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from previews.models import Preview
from tests.browser.asking import complaints, scrolls_sideways, text_of, wait


@pytest.mark.parametrize("browser", [(1440, 900, True), (1440, 900, False)], indirect=True, ids=["js", "no-js"])
def test_from_the_list_to_the_diff(browser, live_server, fleet):
    browser.get(live_server.url)
    browser.find_element(By.LINK_TEXT, "Sample fleet").click()
    browser.find_element(By.LINK_TEXT, "edge-gateway: tell the release by a label").click()
    assert "3 of 70 instances change; 3 deploy" in text_of(browser)
    cells = browser.find_elements(By.CSS_SELECTOR, "table a[href*='/cells/site-c11/edge-gateway/']")
    cells[-1].click()
    assert "release: this-is-super-long-length-label-upper-than-63characters-site-c11" in text_of(browser)
    assert "unchanged lines" in text_of(browser)
    assert complaints(browser) == []


@pytest.mark.parametrize("browser", [(1440, 900, True), (1440, 900, False)], indirect=True, ids=["js", "no-js"])
def test_folded_context_opens(browser, live_server, fleet):
    browser.get(f"{live_server.url}/previews/{fleet[1].pk}/cells/site-c11/edge-gateway/")
    assert "apiVersion: apps/v1" not in text_of(browser)
    browser.find_element(By.PARTIAL_LINK_TEXT, "unchanged lines").click()
    wait(browser, lambda b: "apiVersion: apps/v1" in text_of(b))


def test_the_failing_cluster_says_what_helm_said(browser, live_server, fleet):
    browser.get(f"{live_server.url}/previews/{fleet[7].pk}/")
    failing = browser.find_element(By.PARTIAL_LINK_TEXT, "FAILS")
    assert "virginia-prod-1" in failing.get_attribute("href")
    failing.click()
    assert "checkout needs a currency" in text_of(browser)


def test_the_switch_shows_all_instances(browser, live_server, fleet):
    browser.get(f"{live_server.url}/previews/{fleet[1].pk}/")
    assert "log-agent" not in text_of(browser)
    browser.get(f"{live_server.url}/previews/{fleet[1].pk}/?show=all")
    assert "log-agent" in text_of(browser)


def test_the_matrix_fills_while_the_preview_runs(browser, live_server, fleet):
    Preview.objects.filter(pk=fleet[1].pk).update(state=Preview.RENDERING, renders_total=10, renders_done=5)
    browser.get(f"{live_server.url}/previews/{fleet[1].pk}/")
    assert browser.find_element(By.TAG_NAME, "progress").get_attribute("value") == "50"
    Preview.objects.filter(pk=fleet[1].pk).update(state=Preview.DONE)
    wait(browser, lambda b: "3 of 70 instances change" in text_of(b))


def test_the_keyboard_reaches_a_cell(browser, live_server, fleet):
    browser.get(f"{live_server.url}/previews/{fleet[1].pk}/")
    for _ in range(40):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        if "/cells/" in (browser.switch_to.active_element.get_attribute("href") or ""):
            break
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    wait(browser, lambda b: "/cells/site-" in b.current_url)


@pytest.mark.parametrize("browser", [(390, 844, True)], indirect=True, ids=["narrow"])
def test_a_narrow_screen_shows_everything_without_scrolling_the_page_sideways(browser, live_server, fleet):
    pages = ["/", "/repositories/sample-fleet/", f"/previews/{fleet[1].pk}/", f"/previews/{fleet[7].pk}/?show=all"]
    pages.append(f"/previews/{fleet[1].pk}/cells/site-c11/edge-gateway/")
    for page in pages:
        browser.get(live_server.url + page)
        assert not scrolls_sideways(browser), page
    assert "63characters-site-c11" in text_of(browser)


def test_a_failed_cell_claims_no_difference(browser, live_server, fleet):
    browser.get(f"{live_server.url}/previews/{fleet[7].pk}/cells/virginia-prod-1/checkout/")
    assert "There is no yaml to compare" in text_of(browser)
    assert "differ only" not in text_of(browser)
