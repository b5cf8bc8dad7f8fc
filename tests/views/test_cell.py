"""The cell's page."""

import html
import re
import subprocess
from dataclasses import asdict, astuple
from functools import partial

import pytest

from previews.engine.compare import Viewpoint, compare_manifests
from previews.engine.config import Ignore
from previews.engine.diff.lines import diff_lines
from tests.factories import (
    HOSTILE,
    keep_manifest,
    make_cell,
    make_change_request,
    make_fleet_preview,
    make_preview,
    make_repository,
    manifest_text,
)
from tests.views.reading import long_text, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def preview():
    """A finished preview without cells."""
    return make_preview(make_repository())


def test_base_and_head_stand_side_by_side_with_their_numbers(client, preview):
    cell = make_cell(preview, "seoul-1", "api", (manifest_text("api"), manifest_text("api", replicas=6)))
    page = client.get(cell.get_absolute_url()).content.decode()

    row = next(row for row in page.split("<tr>") if 'id="L0b15"' in row)
    assert 'id="L0h15"' in row
    assert re.findall(r"<b>(.*?)</b>", row) == ["2", "6"]
    assert 'class="c d"' in row
    assert 'class="c i"' in row
    assert "1 resources" not in page


def test_unified_shows_the_removed_line_above_the_added_one(client, preview):
    cell = make_cell(preview, "seoul-1", "api", (manifest_text("api"), manifest_text("api", replicas=6)))
    page = client.get(f"{cell.get_absolute_url()}?layout=unified").content.decode()

    assert page.index('id="L0b15"') < page.index('id="L0h15"')
    assert page.index("</tr>", page.index('id="L0b15"')) < page.index('id="L0h15"')


def test_each_resource_that_differs_has_a_section_and_those_that_do_not_have_none(client, preview):
    base = manifest_text("api") + "---\napiVersion: v1\nkind: Secret\nmetadata: {name: same}\n"
    head = base.replace("port: 80", "port: 8080") + "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: new}\n"
    page = client.get(make_cell(preview, "c", "api", (base, head)).get_absolute_url()).content.decode()

    assert "2 resources differ" in text_of(page)
    assert 'id="r1"' in page
    assert 'id="r2"' not in page
    assert "ServiceAccount" in page
    assert "Secret" not in page


def test_differences_that_do_not_count_are_hidden_and_counted(client, preview):
    base = manifest_text("api")
    cell = make_cell(
        preview, "c", "api", (base, base.replace("replicas: 2", "replicas: 3").replace("port: 80", "port:  80"))
    )
    page = client.get(cell.get_absolute_url()).content.decode()

    assert "1 resource differs only in comments" in text_of(page)
    assert "Service" not in re.findall(r'<span class="kind">(\w+)', page)
    assert "Service" in re.findall(
        r'<span class="kind">(\w+)', client.get(f"{cell.get_absolute_url()}?hidden=1").content.decode()
    )


def test_a_fold_opens_in_place_and_the_address_remembers_it(client, preview):
    cell = make_cell(preview, "c", "a", (long_text("m", 100), long_text("m", 100, {50})), causes=["template"])
    address = cell.get_absolute_url()
    page = client.get(address).content.decode()
    assert "key10:" not in text_of(page)
    bars = [html.unescape(link) for link in re.findall(r'hx-get="([^"]*)"', page)]

    part = client.get(bars[0], headers={"HX-Current-URL": f"http://testserver{address}?expand=r0p9"})
    assert "key10:" in text_of(part.content.decode())
    assert "<html" not in part.content.decode()
    assert part["HX-Replace-Url"] == f"{address}?view=yaml&expand=r0p0%2Cr0p9"
    assert "key10:" in text_of(client.get(part["HX-Replace-Url"]).content.decode())


def test_a_fold_that_opens_step_by_step_shows_each_line_once_however_long_it_is(client, preview):
    size = 6000
    cell = make_cell(preview, "c", "a", (long_text("m", size), long_text("m", size, {0})))
    found = client.get(cell.get_absolute_url()).content.decode()
    lines = re.findall(r"key\d+:", text_of(found))
    links = re.findall(r'hx-get="([^"]*)"', found)[:1]
    while links:
        # First one step, then as much as comes.
        part = client.get(html.unescape(links[-1]), headers={"HX-Request": "true"}).content.decode()
        lines += re.findall(r"key\d+:", text_of(part))
        links = re.findall(r'hx-get="([^"]*)"', part)
        assert part.count("<tr") <= 501

    # Each stands on both sides.
    assert sorted(lines) == sorted(f"key{line}:" for line in range(size) for _ in range(2))


def test_a_long_fold_opens_in_steps(client, preview):
    cell = make_cell(preview, "c", "a", (long_text("m", 1000), long_text("m", 1000, {999})))
    address = cell.get_absolute_url()
    page = client.get(f"{address}?expand=r0p0.60.0").content.decode()

    assert "key50:" in text_of(page)
    assert "key60:" not in text_of(page)
    assert "r0p0.120.0" in page
    assert "r0p0.60.60" in page


def test_all_folds_of_a_resource_open_by_one_address(client, preview):
    cell = make_cell(preview, "c", "a", (long_text("m", 1000), long_text("m", 1000, {300, 600})))
    page = client.get(f"{cell.get_absolute_url()}?expand=r0").content.decode()

    assert all(f"key{line}:" in text_of(page) for line in range(1000))
    assert 'class="fold"' not in page
    assert "key999:" in text_of(client.get(f"{cell.get_absolute_url()}part/?expand=r0").content.decode())


def test_a_huge_diff_starts_at_once_and_goes_on_when_asked(client, preview):
    cell = make_cell(preview, "c", "a", (None, long_text("m", 6000)))
    page = client.get(cell.get_absolute_url()).content.decode()
    assert page.count("<tr") < 3100
    more = html.unescape(re.findall(r'hx-get="([^"]*at=[^"]*)"', page)[0])
    seen = text_of(page)
    while more:
        part = client.get(more).content.decode()
        seen += text_of(part)
        more = next(iter(html.unescape(link) for link in re.findall(r'hx-get="([^"]*at=[^"]*)"', part)), None)

    assert all(f"key{line}: old" in seen for line in range(6000))


def test_without_javascript_a_huge_diff_goes_on_on_a_page_of_its_own(client, preview):
    cell = make_cell(preview, "c", "a", (None, long_text("m", 6000)))
    link = re.findall(r'<a href="([^"]*at=[^"]*)"', client.get(cell.get_absolute_url()).content.decode())[0]
    page = client.get(html.unescape(link)).content.decode()

    assert "key3200:" in text_of(page)
    assert "key10:" not in text_of(page)
    assert "Show it from the start" in page


def test_hostile_text_is_shown_and_not_run(client):
    preview = make_fleet_preview()
    cell = preview.cells.get(application=HOSTILE)
    for query in ("view=yaml", "view=yaml&layout=unified", "view=values", "view=target", f"view={HOSTILE}&m={HOSTILE}"):
        page = client.get(f"{cell.get_absolute_url()}?{query}").content.decode()
        assert "<img src=x" not in page
        assert all("/static/" in tag for tag in re.findall(r"<script[^>]*>", page))
        assert not re.search(r"\sstyle=|\son[a-z]+=\"", page)
    assert HOSTILE in text_of(client.get(f"{cell.get_absolute_url()}?view=yaml").content.decode())


def test_characters_that_deceive_the_reader_are_named(client, preview):
    base = manifest_text("api")
    head = base.replace("path: /healthz", "path: /healthz\u202e")
    page = client.get(make_cell(preview, "c", "a", (base, head)).get_absolute_url()).content.decode()

    assert "\u202e" not in page
    assert '<span class="ctl">U+202E</span>' in page


def test_a_failing_cell_says_what_helm_said(client):
    preview = make_fleet_preview()
    page = client.get(preview.cells.get(yaml_state="failed").get_absolute_url()).content.decode()

    assert "The head cannot be rendered" in page
    assert "nil pointer evaluating interface {}.name" in html.unescape(page)
    assert "There is no yaml to compare" in page


def test_skipped_pinned_and_caused(client):
    preview = make_fleet_preview()
    skipped = client.get(preview.cells.get(yaml_state="skipped").get_absolute_url()).content.decode()
    pinned = client.get(preview.cells.get(pinned=True).get_absolute_url()).content.decode()

    assert "chart dependency not here: common 2.x" in skipped
    assert "because of its template" in skipped
    assert "Pinned." in pinned


def test_values_that_deploy_nothing_say_so(client):
    cell = make_fleet_preview().cells.get(application="ledger")
    page = client.get(cell.get_absolute_url()).content.decode()

    assert "Merged values" in page
    assert "nothing is deployed" in page
    assert "The yaml does not change" in client.get(f"{cell.get_absolute_url()}?view=yaml").content.decode()


def test_the_same_change_elsewhere_is_listed(client):
    preview = make_fleet_preview()
    page = client.get(preview.cells.get(application="ingress", cluster="seoul-1").get_absolute_url()).content.decode()

    assert "The same yaml change in 7 other cells" in page or "The same yaml change in 6 other cells" in page
    assert "ingress on tokyo-1" in page
    assert "ingress on dev" not in page[: page.index('class="tabs"')].replace("Next", "")


def test_neighbours_follow_the_matrix(client, preview):
    cells = [make_cell(preview, c, a, values=("a", "b")) for a, c in (("a", "x"), ("a", "y"), ("b", "x"))]
    middle = client.get(cells[1].get_absolute_url()).content.decode()
    links = dict(re.findall(r'rel="(prev|next)" href="([^"]*)"', middle))

    assert links == {"prev": cells[0].get_absolute_url(), "next": cells[2].get_absolute_url()}
    assert 'rel="prev"' not in client.get(cells[0].get_absolute_url()).content.decode()


def test_the_way_back_leads_to_the_same_place_of_the_same_matrix(client, preview):
    cell = make_cell(preview, "c", "a", (manifest_text("x"), manifest_text("y")))
    page = client.get(f"{cell.get_absolute_url()}?m=app%3Da%26show%3Dall%26evil%3D1").content.decode()

    assert f'href="/previews/{preview.pk}/?app=a&amp;show=all#c{cell.pk}y"' in page


def test_the_number_of_queries_is_bounded(client, django_assert_max_num_queries):
    cell = make_fleet_preview().cells.get(application="ingress", cluster="dev")

    with django_assert_max_num_queries(7):
        client.get(cell.get_absolute_url())


def test_texts_can_be_had_as_they_are(client, preview):
    base = manifest_text("api")
    cell = make_cell(preview, "c", "a", (base, None), (None, f"a: {HOSTILE}\n"))
    address = cell.get_absolute_url()
    values = client.get(f"{address}raw/?view=values&side=head")

    raw = client.get(f"{address}raw/?view=yaml&side=base").content.decode()
    assert raw.replace("--- # Deployment api/api\n", "---\n").replace("--- # Service api/api\n", "---\n") == base
    assert raw != base
    assert client.get(f"{address}raw/?view=yaml&side=head").status_code == 404
    assert values["Content-Type"] == "text/plain; charset=utf-8"
    assert values["X-Content-Type-Options"] == "nosniff"
    assert values.content.decode() == f"a: {HOSTILE}\n"


def test_the_diff_can_be_had_as_a_file(client, preview):
    cell = make_cell(preview, "c/../d", 'a"\r\nX: 1', (manifest_text("api"), manifest_text("api", replicas=6)))
    response = client.get(f"{cell.get_absolute_url()}cell.diff?view=yaml")

    assert "-  replicas: 2\n+  replicas: 6\n" in response.content.decode()
    assert response["Content-Disposition"] == 'attachment; filename="a-X-1-c-..-d-yaml.diff"'
    assert "--- a/c-..-d/a-X-1/yaml.yaml" in response.content.decode()


def test_the_patch_is_one_that_git_makes_a_commit_of(client, tmp_path):
    repository = make_repository()
    change = make_change_request(repository, title="Größer: 6 replicas")
    texts = manifest_text("api"), manifest_text("api", replicas=6)
    cell = make_cell(make_preview(repository, change), "seoul-1", "api", texts)
    mail = client.get(f"{cell.get_absolute_url()}cell.patch").content
    path = tmp_path / "seoul-1" / "api" / "yaml.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(client.get(f"{cell.get_absolute_url()}raw/?side=base").content.decode())

    def git(*arguments, send=b""):
        command = ["git", "-c", "user.name=T", "-c", "user.email=t@example.com", *arguments]
        return subprocess.run(command, cwd=tmp_path, input=send, capture_output=True, check=True).stdout.decode()

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "rendered")
    git("am", "-q", send=mail)
    assert git("log", "-1", "--format=%s").strip() == "api on seoul-1: Größer: 6 replicas (#12)"
    assert path.read_text() == client.get(f"{cell.get_absolute_url()}raw/?side=head").content.decode()


def test_one_resource_can_be_had_by_itself(client, preview):
    base = manifest_text("api")
    cell = make_cell(preview, "c", "a", (base, base.replace("port: 80", "port: 81")))
    page = client.get(cell.get_absolute_url()).content.decode()
    (number,) = re.findall(r'<section id="r(\d+)"', page)
    address = cell.get_absolute_url()

    text = client.get(f"{address}raw/?side=head&section={number}").content.decode()
    assert text.startswith("apiVersion: v1\nkind: Service")
    assert "port: 81" in text
    diff = client.get(f"{address}cell.diff?section={number}").content.decode()
    assert "kind: Deployment" not in diff
    assert "+      port: 81" in diff
    assert client.get(f"{address}raw/?section=99").status_code == 404


def test_what_has_one_side_takes_the_whole_width(client, preview):
    cell = make_cell(preview, "c", "a", (None, manifest_text("api")))
    page = client.get(cell.get_absolute_url()).content.decode()
    assert 'class="diff unified"' in page
    assert 'class="diff split"' not in page


def test_a_diff_that_is_longer_than_need_be_says_so(client, preview, monkeypatch):
    cell = make_cell(preview, "c", "a", (manifest_text("api"), manifest_text("api", replicas=6)))
    assert "Too much differs" not in client.get(cell.get_absolute_url()).content.decode()
    coarse = partial(diff_lines, budget=0)
    monkeypatch.setattr("previews.views.cell_section.diff_lines", coarse)
    texts = ("x: 1\ny: 2\ny: 2\nz: 3\n", "y: 2\nx: 0\ny: 2\ny: 2\n")
    assert coarse(*(text.split("\n")[:-1] for text in texts)).coarse
    cell = make_cell(preview, "c", "b", values=texts)
    assert "Too much differs" in client.get(cell.get_absolute_url()).content.decode()


def test_places_that_are_not_there_are_not_found(client, preview):
    cell = make_cell(preview, "c", "a", values=("a", "b"))
    keep_manifest(manifest_text("x"))

    for address in (
        "/previews/9/cells/c/a/",
        f"/previews/{preview.pk}/cells/c/b/",
        f"{cell.get_absolute_url()}part/?at=r7p0",
    ):
        assert client.get(address).status_code == 404
    assert client.get(f"{cell.get_absolute_url()}?expand=nonsense&at=x&view=y").status_code == 200


def test_ignored_differences_are_hidden_counted_and_shown_on_request(client, preview):
    texts = manifest_text("api"), manifest_text("api", replicas=6, level="debug")
    rule = Viewpoint((Ignore("Deployment", "", ("/spec/replicas",)),))
    found = compare_manifests(*(keep_manifest(text)[1] for text in texts), viewpoints=(rule, rule))
    (hidden,) = found.hidden
    cell = make_cell(
        preview,
        "c",
        "api",
        texts,
        ignored=1,
        hidden=[[list(astuple(hidden.id)), hidden.base, hidden.head, hidden.count]],
        resources=[{**asdict(one.id), "state": one.state, "lines": one.lines} for one in found.changes],
    )
    address = cell.get_absolute_url()
    page, shown = (client.get(f"{address}{query}").content.decode() for query in ("", "?ignored=show"))

    assert "1 difference hidden by ignoreDifferences. Show it" in text_of(page)
    assert "replicas:" not in text_of(page)
    assert "debug" in text_of(page)
    assert f'href="{address}?view=yaml&amp;ignored=show"' in page
    assert "replicas: 6" in text_of(shown)
    assert f'href="{address}?view=yaml"' in shown
    assert "replicas" not in client.get(f"{address}cell.diff").content.decode()
    assert "+  replicas: 6" in client.get(f"{address}cell.diff?ignored=show").content.decode()


def test_a_resource_that_differs_only_in_ignored_fields_shows_on_request_alone(client, preview):
    texts = manifest_text("api"), manifest_text("api", replicas=6)
    rule = Viewpoint((Ignore("Deployment", "", ("/spec/replicas",)),))
    (hidden,) = compare_manifests(*(keep_manifest(text)[1] for text in texts), viewpoints=(rule, rule)).hidden
    row = [list(astuple(hidden.id)), hidden.base, hidden.head, hidden.count]
    cell = make_cell(preview, "c", "api", texts, ignored=1, hidden=[row], resources=[], yaml_state="unchanged")
    page, shown = (
        client.get(f"{cell.get_absolute_url()}?view=yaml{more}").content.decode() for more in ("", "&ignored=show")
    )

    assert "The yaml differs only in what Argo CD ignores." in text_of(page)
    assert "comments or order" not in text_of(page)
    assert "Deployment" not in text_of(page)
    assert "replicas: 6" in text_of(shown)
