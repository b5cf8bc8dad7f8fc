"""Tabs of value files on the cell's page."""

from __future__ import annotations

import html
import re

import pytest

from previews.engine.diff.lines import diff_lines, split_lines
from previews.engine.diff.opcodes import count
from previews.models import Blob, Cell
from previews.record import keep_plan
from previews.views.cell_files import short_names
from tests.conftest import run_preview
from tests.engine.fleets import application, fleet
from tests.factories import HOSTILE, make_cell, make_preview, make_repository
from tests.views.reading import text_of

pytestmark = pytest.mark.django_db
HEAD = "refs/pull/1/head"

OLD = "# Sizes.\nreplicas: 2\nimage: a\n"
NEW = "# Sizes, for now.\nreplicas: 3\nimage: a\n"


def file(name, base=None, head=None):
    """A row of `Cell.files`; without texts of one that does not change."""
    state = "added" if base is None else "removed" if head is None else "changed"
    added, removed = count(diff_lines(split_lines(base or ""), split_lines(head or "")).opcodes)
    keys = ["" if text is None else Blob.objects.keep(text).pk for text in (base, head)]
    return {
        "name": name,
        "base": keys[0],
        "head": keys[1],
        "state": state if any(keys) else "unchanged",
        "added": added,
        "removed": removed,
    }


@pytest.fixture
def preview():
    return make_preview(make_repository())


@pytest.fixture
def cell(preview):
    files = [
        file("charts/web/values.yaml"),
        file("teams/web/values.yaml", OLD, NEW),
        file("clusters/c1/values.yaml", None, "a: 1\n"),
    ]
    return make_cell(preview, "c1", "web", values=("replicas: 2\n", "replicas: 3\n"), files=files)


def tabs(page):
    """Title -> (address, what a reader sees) of each tab."""
    nav = page.split('<nav class="tabs"')[1].split("</nav>")[0]
    found = re.findall(r'<a href="[^"]*\?([^"]*)"([^>]*)>(.*?)</a>', nav)
    return {
        re.sub(r"<[^>]+>", "", text).split(" ")[0]: (html.unescape(query), re.sub(r"<[^>]+>", "", text), more)
        for query, more, text in found
    }


def test_each_file_that_differs_is_a_tab_with_its_counts(client, cell):
    found = tabs(client.get(cell.get_absolute_url()).content.decode())

    assert list(found) == ["Values", "web/values.yaml", "c1/values.yaml", "YAML", "Target"]
    assert found["web/values.yaml"][1] == "web/values.yaml +2 −2"
    assert 'title="teams/web/values.yaml"' in found["web/values.yaml"][2]
    assert found["c1/values.yaml"][1] == "c1/values.yaml +1"


def test_a_tab_shows_the_diff_of_the_file(client, cell):
    query = tabs(client.get(cell.get_absolute_url()).content.decode())["web/values.yaml"][0]
    page = client.get(f"{cell.get_absolute_url()}?{query}").content.decode()

    assert 'aria-current="page"' in tabs(page)["web/values.yaml"][2]
    assert "aria-current" not in tabs(page)["c1/values.yaml"][2] + tabs(page)["Values"][2]
    assert "# Sizes, for now." in text_of(page)
    assert "teams/web/values.yaml" in re.findall(r'<span class="kind">(.*?)</span>', page)
    # Each switch and link of the page stays with the file.
    assert all("file=1" in link for link in re.findall(r'href="[^"]*\?([^"]*(?:layout|section)=[^"]*)"', page))
    assert "layout=unified" in page


def test_the_values_say_which_files_do_not_change(client, cell):
    page = client.get(f"{cell.get_absolute_url()}?view=values").content.decode()
    assert "1 more value file does not change" in text_of(page)
    assert "charts/web/values.yaml" in text_of(page)
    assert "does not change" not in text_of(client.get(f"{cell.get_absolute_url()}?view=file&file=1").content.decode())


@pytest.mark.parametrize("number", ["", "0", "3", "-1", "99999999999999999999", "x", "²", "1.0", "%00"])
def test_a_file_that_is_none_or_does_not_change_shows_what_changed_instead(client, cell, number):
    response = client.get(f"{cell.get_absolute_url()}?view=file&file={number}")
    assert response.status_code == 200
    assert "aria-current" in tabs(response.content.decode())["Values"][2]
    assert client.get(f"{cell.get_absolute_url()}cell.diff?view=file&file={number}").status_code == 200


def test_the_files_of_cells_from_before_are_not_known(client, preview):
    cell = make_cell(preview, "c1", "web", values=("a: 1\n", "a: 2\n"))
    page = client.get(f"{cell.get_absolute_url()}?view=values").content.decode()
    assert list(tabs(page)) == ["Values", "YAML", "Target"]
    assert "value file" not in text_of(page)


def test_texts_and_diffs_can_be_downloaded(client, cell):
    address = cell.get_absolute_url()
    assert client.get(f"{address}raw/?view=file&file=1&side=base").content.decode() == OLD
    assert client.get(f"{address}raw/?view=file&file=1&side=head&section=0").content.decode() == NEW
    assert client.get(f"{address}raw/?view=file&file=2&side=base").status_code == 404
    diff = client.get(f"{address}cell.diff?view=file&file=1")
    assert diff["Content-Disposition"] == 'attachment; filename="web-c1-teams-web-values.yaml.diff"'
    assert "+++ b/teams/web/values.yaml" in diff.content.decode()
    assert "+replicas: 3" in diff.content.decode()
    patch = client.get(f"{address}cell.patch?view=file&file=1").content.decode()
    assert patch.startswith("From ")
    assert "\n+# Sizes, for now.\n" in patch


def test_a_file_that_is_ticked_is_ticked_on_other_clusters_too(client, preview, cell):
    address = f"{cell.get_absolute_url()}viewed/?view=file&file=1&section=0&viewed=1"
    response = client.post(address)
    assert response["Location"] == f"{cell.get_absolute_url()}?view=file&file=1#r0"
    other = make_cell(preview, "c2", "web", values=("a: 1\n", "a: 2\n"), files=[cell.files[1], cell.files[2]])
    pages = [client.get(f"{other.get_absolute_url()}?view=file&file={n}").content.decode() for n in (0, 1)]
    assert ['class="section seen"' in page for page in pages] == [True, False]


def test_hostile_names_are_shown_as_text(client, preview):
    name = f"values/{HOSTILE}/{'x' * 300}.yaml"
    cell = make_cell(preview, "c1", "web", values=("a: 1\n", "a: 2\n"), files=[file(name, "a: 1\n", "a: 2\n")])
    page = client.get(f"{cell.get_absolute_url()}?view=file&file=0").content.decode()
    assert "onerror=alert" in text_of(page)
    assert HOSTILE not in page
    assert client.get(f"{cell.get_absolute_url()}cell.patch?view=file&file=0").status_code == 200


def test_names_are_as_short_as_they_can_be_told_apart():
    paths = ["values.yaml", "a/values.yaml", "x/a/values.yaml", "a/b.yaml", "$ref/c/d.yaml"]
    assert short_names(paths) == ["values.yaml", "a/values.yaml", "x/a/values.yaml", "b.yaml", "d.yaml"]
    assert short_names(["one/a/v.yaml", "two/a/v.yaml"]) == ["one/a/v.yaml", "two/a/v.yaml"]


def test_what_the_preview_finds_stands_on_the_page_with_secrets_masked(client, git, bench, preview):
    options = "    helm:\n      valueFiles: [a.yaml, b.yaml]\n"
    base = fleet(2) | {f"clusters/c{n}/web.yaml": application("web", "charts/web", options) for n in (1, 2)}
    text = "# who\ntext: {}\npassword: hunter22 # yearly\n# token: canary-1\n"
    git.commit(base | {"charts/web/a.yaml": text.format("a"), "charts/web/b.yaml": "x: 1\n"})
    changed = text.format("b").replace("hunter22", "hunter23")
    git.commit({"charts/web/a.yaml": changed}, ref=HEAD, start="refs/heads/main")
    prepared, _ = run_preview(bench(), HEAD)
    keep_plan(preview, prepared)

    one, other = Cell.objects.filter(preview=preview)
    assert one.files == other.files
    assert [(row["name"], row["state"]) for row in one.files] == [
        ("charts/web/values.yaml", "unchanged"),
        ("charts/web/a.yaml", "changed"),
        ("charts/web/b.yaml", "unchanged"),
    ]
    page = text_of(client.get(f"{one.get_absolute_url()}?view=file&file=1&layout=unified").content.decode())
    assert "text: b" in page
    assert "# who" in page
    assert "hunter" not in page
    assert "canary" not in page
    assert 'password: "••• hmac:' in page


def test_what_the_application_holds_itself_is_the_last_tab_of_files(client, git, bench, preview):
    helm = "    helm:\n      valueFiles: [a.yaml]\n      values: |\n        # who\n        text: {}\n        password: {}\n"
    apps = [
        {"clusters/c1/web.yaml": application("web", "charts/web", helm.format(*one))}
        for one in (("a", "hunter22"), ("b", "hunter23 # was hunter22"))
    ]
    git.commit(fleet(1) | apps[0] | {"charts/web/a.yaml": "x: 1\n"})
    git.commit(apps[1] | {"charts/web/a.yaml": "x: 2\n"}, ref=HEAD, start="refs/heads/main")
    prepared, _ = run_preview(bench(), HEAD)
    keep_plan(preview, prepared)

    cell = Cell.objects.get(preview=preview)
    found = tabs(client.get(f"{cell.get_absolute_url()}?view=values").content.decode())
    assert list(found) == ["Values", "a.yaml", "Application", "YAML", "Target"]
    assert found["Application"][1] == "Application +2 −2"
    page = text_of(client.get(f"{cell.get_absolute_url()}?{found['Application'][0]}").content.decode())
    diff = client.get(f"{cell.get_absolute_url()}cell.diff?{found['Application'][0]}").content.decode()
    assert "# who" in page and "text: b" in page
    assert "+text: b" in diff
    assert "hunter" not in page + diff
