"""A real Chromium, and a sample fleet with previews for it to look at."""

from __future__ import annotations

import os
import shutil

import pytest
from django.apps import apps
from django.core import serializers
from django.core.serializers import sort_dependencies
from selenium import webdriver

from previews import arrivals, jobs
from previews.models import ChangeRequest, Preview

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")


@pytest.fixture
def browser(request, tmp_path):
    """A Chromium; parametrise with (width, height, javascript)."""
    if not (CHROMIUM and DRIVER) and not os.environ.get("CI"):
        pytest.skip("no Chromium and chromedriver here: the browser tests do not run")
    width, height, javascript = getattr(request, "param", (1440, 900, True))
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in (
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
        "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
        f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},{height}",
    ):  # fmt: skip
        options.add_argument(argument)
    if width < 500:
        # Chromium's windows are never that narrow; a phone's screen is.
        metrics = {"width": width, "height": height, "pixelRatio": 1.0}
        options.add_experimental_option("mobileEmulation", {"deviceMetrics": metrics})
    if not javascript:
        options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    driver.set_page_load_timeout(30)
    yield driver
    driver.quit()


@pytest.fixture(scope="session")
def kept_rows():
    """The rows of the previewed fleet, once it was made: other tests get them as they were."""
    return []


@pytest.fixture
def fleet(sample, work, kept_rows):
    """The sample fleet with the previews of #1 (the long label), #4 (a release) and #7 (one cluster fails)."""
    if kept_rows:
        for row in serializers.deserialize("python", kept_rows):
            row.save()
    else:
        repository = arrivals.add_repository("Sample fleet", str(sample))
        arrivals.refresh(repository)
        for number in (1, 4, 7):
            jobs.request_preview(ChangeRequest.objects.get(number=number))
        work()
        models = sort_dependencies([(apps.get_app_config("previews"), None)])
        kept_rows += serializers.serialize("python", (row for model in models for row in model.objects.all()))
    return {number: Preview.objects.get(change_request__number=number) for number in (1, 4, 7)}
