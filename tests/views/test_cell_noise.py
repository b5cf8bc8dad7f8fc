"""What says little can be quieted, and is counted; which fields change is told in a line each."""

import re

import pytest

from tests.factories import make_cell, make_preview, make_repository
from tests.views.reading import text_of

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
    assert "6 changed lines of labels and checksums are quieted" in text_of(quiet)
    assert "1 resource differs in nothing but what is quieted" in text_of(quiet)
    assert sections(quiet) == ["Deployment"]
    assert re.findall(r"<b>(.*?)</b>", quiet) == ["1", "2"]
    assert quiet.count('class="x q"') == 2
    assert "checksum/config: abc0" in text_of(quiet)
    assert "checksum/config: abc1" in text_of(quiet)
    assert 'href="#r1"' in quiet


def test_a_cell_that_differs_in_nothing_else_says_so(client, preview):
    cell = make_cell(preview, "c", "web", (TEXT, TEXT.replace("web-1.0.0", "web-1.1.0")))
    page = page_of(client, cell, "?quiet=labels")
    assert "The yaml differs only in what is quieted" in text_of(page)
    assert "2 resources differ in nothing but what is quieted, and are not shown" in text_of(page)
    assert "does not change" not in text_of(page[page.index('class="empty"') :])


def test_a_label_that_comes_or_goes_is_no_noise(client, preview):
    cell = make_cell(preview, "c", "web", (TEXT, TEXT.replace("    helm.sh/chart: web-1.0.0\n", "    team: x\n", 1)))
    assert "changed lines are labels" not in text_of(page_of(client, cell))
    assert "web-1.0.0" in text_of(page_of(client, cell, "?quiet=labels"))


ORDERED = """---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  paused: false
  template:
    spec:
      containers:
        - name: web
          image: web:1
          env:
            - name: A
              value: "1"
            - name: B
              value: "2"
"""


def test_another_order_of_keys_is_counted_and_can_be_quieted(client, preview):
    head = ORDERED.replace("web:1", "web:2").replace(
        "  replicas: 2\n  paused: false\n", "  paused: false\n  replicas: 2\n"
    )
    cell = make_cell(preview, "c", "web", (ORDERED, head))
    page = page_of(client, cell)
    assert "2 changed lines come from another order of keys" in text_of(page)

    quiet = page_of(client, cell, "?quiet=order&expand=r0")
    assert "the base is shown in the head's order" in text_of(quiet)
    assert re.findall(r'class="n d"><a id="(\w+)"', quiet) == ["L0b12"]
    assert re.findall(r'id="L0b(\d+)"', quiet)[5:8] == ["7", "6", "8"]
    assert 'id="L0b6"' in page_of(client, cell, "?quiet=order&line=L0b6")
    other = make_cell(preview, "d", "web", (ORDERED, ORDERED.replace("web:1", "web:2")))
    assert "another order" not in text_of(page_of(client, other))


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
