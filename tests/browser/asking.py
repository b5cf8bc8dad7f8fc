"""What the browser tests ask of a page."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait


def wait(browser, condition):
    # What htmx swaps while it is being looked at is looked at again.
    return WebDriverWait(browser, 20, ignored_exceptions=[StaleElementReferenceException]).until(condition)


def text_of(browser):
    return browser.find_element(By.TAG_NAME, "body").text


def complaints(browser):
    """What the console says: a blocked inline script or a missing file would stand there."""
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def scrolls_sideways(browser):
    return browser.execute_script("return document.documentElement.scrollWidth > innerWidth + 1")


@cache
def axe_source():
    """axe-core's script; the package that carries it is not imported, as it would want Playwright."""
    (folder,) = importlib.util.find_spec("axe_playwright_python").submodule_search_locations
    return Path(folder, "axe.min.js").read_text(encoding="utf-8")


def faults(browser):
    """What axe calls a serious or critical fault: the rule, and where."""
    browser.execute_script(axe_source())
    found = browser.execute_async_script("axe.run().then(arguments[arguments.length - 1])")
    assert found["passes"]
    return [
        (rule["id"], [node["html"][:160] for node in rule["nodes"][:3]])
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
    ]
