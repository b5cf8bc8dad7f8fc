"""The cell's page in a real Chromium: what a reviewer does all day."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.browser.asking import complaints, faults, scrolls_sideways, text_of, wait

BOTH = pytest.mark.parametrize("browser", [(1440, 900, True), (1440, 900, False)], indirect=True, ids=["js", "no-js"])


def open_cell(browser, live_server, preview, cluster="seoul-prod-1", application="checkout", query=""):
    browser.get(f"{live_server.url}/previews/{preview.pk}/cells/{cluster}/{application}/{query}")


def section(browser, kind):
    """The section of the resource of a kind; while a page is being loaded it may not be there yet (NoSuchElement)."""
    return browser.find_element(By.XPATH, f"//section[.//h2/span[@class='kind' and text()='{kind}']]")


def press(browser, *keys):
    for key in keys:
        ActionChains(browser).send_keys(key).perform()


def focused_kind(browser):
    return browser.switch_to.active_element.find_element(By.CSS_SELECTOR, ".kind").text


@BOTH
def test_a_tick_closes_the_resource_here_and_on_every_cluster_with_the_same_change(browser, live_server, fleet):
    open_cell(browser, live_server, fleet[4])
    assert "checkout:4.3.0" in section(browser, "Deployment").text
    section(browser, "Deployment").find_element(By.CSS_SELECTOR, "button.tick").click()
    wait(browser, lambda b: "you have viewed it" in section(b, "Deployment").text)
    assert "checkout:4.3.0" not in section(browser, "Deployment").text
    assert "1 of 5 viewed" in text_of(browser)

    open_cell(browser, live_server, fleet[4], cluster="tokyo-prod-1")
    assert "you have viewed it" in section(browser, "Deployment").text
    section(browser, "Deployment").find_element(By.CSS_SELECTOR, "button.tick").click()
    wait(browser, lambda b: "checkout:4.3.0" in section(b, "Deployment").text)
    assert "viewed it" not in text_of(browser)
    assert complaints(browser) == []


@BOTH
def test_what_was_viewed_can_be_looked_at_again(browser, live_server, fleet):
    open_cell(browser, live_server, fleet[4])
    section(browser, "Deployment").find_element(By.CSS_SELECTOR, "button.tick").click()
    wait(browser, lambda b: "you have viewed it" in section(b, "Deployment").text)
    section(browser, "Deployment").find_element(By.LINK_TEXT, "Show the diff").click()
    wait(browser, lambda b: "checkout:4.3.0" in section(b, "Deployment").text)


@BOTH
def test_the_switches_lead_to_another_look_and_back(browser, live_server, fleet):
    open_cell(browser, live_server, fleet[4])
    browser.find_element(By.LINK_TEXT, "Unified").click()
    assert browser.find_elements(By.CSS_SELECTOR, "table.diff.split") == []
    browser.find_element(By.LINK_TEXT, "Quiet them").click()
    assert "layout=unified" in browser.current_url
    assert "quieted" in text_of(browser)
    assert len(browser.find_elements(By.CSS_SELECTOR, "section.section")) == 2
    browser.find_element(By.LINK_TEXT, "Show them").click()
    browser.find_element(By.LINK_TEXT, "Split").click()
    assert len(browser.find_elements(By.CSS_SELECTOR, "section.section table.diff.split")) == 5


@BOTH
def test_the_fields_of_a_resource_open(browser, live_server, fleet):
    open_cell(browser, live_server, fleet[4])
    told = section(browser, "Deployment").find_element(By.CSS_SELECTOR, "details.fields")
    told.find_element(By.TAG_NAME, "summary").click()
    assert "spec.template.spec.containers[checkout].image" in told.text
    assert "registry.example.com/checkout:4.3.0" in told.text


def test_the_tab_key_alone_reaches_folds_ticks_and_menus(browser, live_server, fleet):
    open_cell(browser, live_server, fleet[1], "site-c11", "edge-gateway")
    reached = []
    for _ in range(45):
        press(browser, Keys.TAB)
        reached.append(browser.switch_to.active_element.text)
        if "unchanged line" in reached[-1]:
            break
    assert any("Viewed" in text for text in reached)
    press(browser, Keys.ENTER)
    wait(browser, lambda b: "apiVersion: apps/v1" in text_of(b))
    browser.find_element(By.CSS_SELECTOR, "button.tick").send_keys(Keys.SPACE)
    wait(browser, lambda b: "you have viewed it" in text_of(b))
    wait(browser, lambda b: b.switch_to.active_element.get_attribute("class") == "tick")


def test_a_line_in_a_fold_is_shown_to_whom_its_address_is_sent(browser, live_server, fleet):
    open_cell(browser, live_server, fleet[1], "site-c11", "edge-gateway", "#L0h2")
    line = wait(browser, lambda b: b.find_element(By.ID, "L0h2"))
    assert "marked" in line.find_element(By.XPATH, "..").get_attribute("class")
    assert "kind: Deployment" in text_of(browser)


def test_a_range_of_lines_is_chosen_with_shift(browser, live_server, fleet):
    open_cell(browser, live_server, fleet[1], "site-c11", "edge-gateway")
    browser.find_element(By.ID, "L0h10").click()
    last = browser.find_element(By.ID, "L0h12")
    ActionChains(browser).key_down(Keys.SHIFT).click(last).key_up(Keys.SHIFT).perform()
    wait(browser, lambda b: b.current_url.endswith("#L0h10-12"))
    address = browser.current_url
    browser.get("about:blank")
    browser.get(address)
    marked = wait(browser, lambda b: b.find_elements(By.CSS_SELECTOR, "td.n.marked"))
    assert [cell.text for cell in marked] == ["10", "11", "12"]


@pytest.mark.parametrize("browser", [(1440, 900, False)], indirect=True, ids=["no-js"])
def test_a_lines_own_address_opens_its_fold_without_javascript_too(browser, live_server, fleet):
    open_cell(browser, live_server, fleet[1], "site-c11", "edge-gateway", "?line=L0h2#L0h2")
    assert "kind: Deployment" in text_of(browser)


def test_the_keys_go_from_resource_to_resource_tick_and_go_to_the_next_cell(browser, live_server, fleet):
    open_cell(browser, live_server, fleet[4])
    press(browser, "j")
    first = focused_kind(browser)
    press(browser, "j")
    second = focused_kind(browser)
    assert first != second
    press(browser, "k")
    assert focused_kind(browser) == first
    press(browser, "v")
    wait(browser, lambda b: "you have viewed it" in section(b, first).text)
    press(browser, "u")
    wait(browser, lambda b: "layout=unified" in b.current_url)
    press(browser, "]")
    wait(browser, lambda b: "/cells/seoul-prod-2/checkout/?layout=unified" in b.current_url)
    press(browser, "[")
    wait(browser, lambda b: "/cells/seoul-prod-1/checkout/" in b.current_url)
    press(browser, "m")
    wait(browser, lambda b: "/cells/" not in b.current_url)
    assert complaints(browser) == []


def test_keys_that_are_turned_off_stay_off(browser, live_server, fleet):
    open_cell(browser, live_server, fleet[4])
    press(browser, "?")
    box = browser.find_element(By.ID, "use-keys")
    wait(browser, lambda _: box.is_displayed())
    box.click()
    press(browser, "u")
    open_cell(browser, live_server, fleet[4])
    press(browser, "u", "]")
    assert "unified" not in browser.current_url
    assert "seoul-prod-1" in browser.current_url


def test_the_changes_are_reached_one_after_the_other(browser, live_server, fleet):
    open_cell(browser, live_server, fleet[4], query="?layout=unified")
    tops = []
    for _ in range(3):
        press(browser, "n")
        tops.append(browser.execute_script("return scrollY"))
    assert tops == sorted(set(tops))
    press(browser, "p")
    assert browser.execute_script("return scrollY") < tops[-1]


def test_the_list_jumps_to_a_resource(browser, live_server, fleet):
    open_cell(browser, live_server, fleet[4])
    link = browser.find_elements(By.CSS_SELECTOR, ".resources a")[-1]
    kind = link.find_element(By.CSS_SELECTOR, ".kind").text
    link.click()
    wait(browser, lambda b: section(b, kind).rect["y"] < b.execute_script("return scrollY + innerHeight"))


def test_a_text_is_copied(browser, live_server, fleet):
    browser.execute_cdp_cmd(
        "Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    )
    open_cell(browser, live_server, fleet[4])
    one = section(browser, "Deployment")
    one.find_element(By.CSS_SELECTOR, ".menu summary").click()
    button = next(b for b in one.find_elements(By.CSS_SELECTOR, "button[data-copy-from]") if "head" in b.text)
    button.click()
    wait(browser, lambda _: button.text == "Copied")
    text = browser.execute_async_script("navigator.clipboard.readText().then(arguments[0])")
    assert text.startswith("apiVersion: apps/v1\nkind: Deployment")
    assert "checkout:4.3.0" in text


@pytest.mark.parametrize("browser", [(390, 844, True)], indirect=True, ids=["narrow"])
def test_a_narrow_screen_is_unified(browser, live_server, fleet):
    open_cell(browser, live_server, fleet[4])
    assert not scrolls_sideways(browser)
    chunk = next(
        one
        for one in section(browser, "Deployment").find_elements(By.CSS_SELECTOR, "tbody.ch")
        if len(one.find_elements(By.CSS_SELECTOR, "td.c.d")) > 0
    )
    removed, added = (chunk.find_elements(By.CSS_SELECTOR, f"td.c.{side}") for side in "di")
    assert removed and added
    assert max(one.rect["y"] for one in removed) < min(one.rect["y"] for one in added)
    context = section(browser, "Deployment").find_elements(By.CSS_SELECTOR, "tr.x")[0]
    assert sum(cell.is_displayed() for cell in context.find_elements(By.CSS_SELECTOR, "td.c")) == 1


@pytest.mark.parametrize("browser", [(1440, 900, True), (390, 844, True)], indirect=True, ids=["wide", "narrow"])
def test_axe_finds_no_serious_fault(browser, live_server, fleet):
    pages = [
        "/",
        "/repositories/sample-fleet/",
        f"/previews/{fleet[1].pk}/",
        f"/previews/{fleet[7].pk}/?show=all",
        f"/previews/{fleet[4].pk}/cells/seoul-prod-1/checkout/",
        f"/previews/{fleet[4].pk}/cells/seoul-prod-1/checkout/?layout=unified",
        f"/previews/{fleet[7].pk}/cells/virginia-prod-1/checkout/?view=values",
    ]
    found = {}
    for scheme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        for page in pages:
            browser.get(live_server.url + page)
            assert browser.execute_script(f"return matchMedia('(prefers-color-scheme: {scheme})').matches")
            found[scheme, page] = faults(browser)
    assert {page: what for page, what in found.items() if what} == {}
