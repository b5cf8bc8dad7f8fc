"""What says little can be quieted, and is counted; which fields change is told in a line each."""

import html
import re

import pytest

from tests.factories import make_cell, make_preview, make_repository

pytestmark = pytest.mark.django_db

TEXT = """---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: web
  labels:
    helm.sh/chart: web-1.0.0
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels:
    helm.sh/chart: web-1.0.0
spec:
  replicas: 2
  template:
    metadata:
      annotations:
        checksum/config: {checksum}
    spec:
      containers:
        - name: web
          image: web:1
"""


@pytest.fixture
def preview():
    return make_preview(make_repository())


def release(text, checksum="abc1"):
    return text.replace("web-1.0.0", "web-1.1.0").replace("image: web:1", "image: web:2").format(checksum=checksum)


def text_of(page):
    return html.unescape(re.sub(r"<[^>]+>", "", page))


def page_of(client, cell, query=""):
    return client.get(f"{cell.get_absolute_url()}{query}").content.decode()


def sections(page):
    return re.findall(r'<section id="r\d+".*?<span class="kind">(\w+)', page, re.S)


def test_labels_and_checksums_are_counted_and_can_be_quieted(client, preview):
    cell = make_cell(preview, "c", "web", (TEXT.format(checksum="abc0"), release(TEXT)))
    page = page_of(client, cell)
    assert "6 changed lines are labels and checksums" in text_of(page)
    assert sections(page) == ["ServiceAccount", "Deployment"]

    quiet = page_of(client, cell, "?quiet=labels&expand=r1")
    assert "6 changed lines of labels and checksums are quieted; 1 resource differs in nothing else" in text_of(quiet)
    assert sections(quiet) == ["Deployment"]
    assert re.findall(r"<b>(.*?)</b>", quiet) == ["1", "2"]
    assert quiet.count('class="x q"') == 2
    assert "checksum/config: abc0" in text_of(quiet)
    assert "checksum/config: abc1" in text_of(quiet)
    assert 'href="#r1"' in quiet


def test_a_cell_that_differs_in_nothing_else_says_so(client, preview):
    cell = make_cell(preview, "c", "web", (TEXT, TEXT.replace("web-1.0.0", "web-1.1.0")))
    page = page_of(client, cell, "?quiet=labels")
    assert "The yaml differs only in labels and checksums" in text_of(page)
    assert "2 resources differ in nothing else" in text_of(page)
    assert "does not change" not in text_of(page[page.index('class="empty"') :])


def test_a_label_that_comes_or_goes_is_no_noise(client, preview):
    cell = make_cell(preview, "c", "web", (TEXT, TEXT.replace("    helm.sh/chart: web-1.0.0\n", "    team: x\n", 1)))
    assert "changed lines are labels" not in text_of(page_of(client, cell))
    assert "web-1.0.0" in text_of(page_of(client, cell, "?quiet=labels"))


def test_quiet_is_kept_from_cell_to_cell(client, preview):
    for cluster in "ab":
        cell = make_cell(preview, cluster, "web", (TEXT.format(checksum="abc0"), release(TEXT)))
    page = page_of(client, cell, "?quiet=labels&layout=unified")
    assert re.search(r'rel="prev" href="[^"]*\?layout=unified&amp;quiet=labels"', page)


def test_the_fields_that_change_are_told(client, preview):
    cell = make_cell(preview, "c", "web", (TEXT.format(checksum="abc0"), release(TEXT)))
    told = text_of(page_of(client, cell))
    assert "spec.template.spec.containers[web].image from web:1 → to web:2" in told
    assert '"checksum/config" from abc0 → to abc1' in told
    assert "3 fields" in told
    assert "1 field " in told


def test_a_change_is_the_same_on_clusters_whose_checksums_differ(preview):
    cells = [
        make_cell(preview, cluster, "web", (TEXT.format(checksum=f"old-{cluster}"), release(TEXT, f"new-{cluster}")))
        for cluster in "ab"
    ]
    edits = [[row["edit"] for row in cell.resources] for cell in cells]
    assert edits[0] == edits[1]
    other = make_cell(preview, "c", "web", (TEXT, release(TEXT).replace("web:2", "web:3")))
    assert [row["edit"] for row in other.resources] != edits[0]
