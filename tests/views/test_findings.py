"""What the prediction says, as the pages show it."""

import pytest

from previews.engine.manifests import ResourceId
from previews.engine.predict.findings import Finding
from previews.engine.predict.prediction import Prediction, from_json, to_json
from previews.models import Blob
from tests.factories import HOSTILE, make_cell, make_preview, make_repository, manifest_text
from tests.views.reading import text_of

pytestmark = pytest.mark.django_db

WEB = ResourceId("apps", "Deployment", "web", "web")
IMAGE = ("spec", "template", "spec", "containers", 0, "image")
LONG = Finding(
    "META-LABEL",
    "blocked",
    "the label release is 64 characters long; at most 63 are allowed",
    WEB,
    ("metadata", "labels", "app.kubernetes.io/name"),
    "web",
    "apimachinery/pkg/util/validation",
    "shorten it",
    place='metadata.labels."app.kubernetes.io/name"',
)
TAG = Finding("RB-TAG", "warning", f"the tag may move {HOSTILE}", WEB, IMAGE, confidence="possible")


def cell_with(*introduced, repaired=(), preexisting=(), **fields):
    preview = fields.pop("preview", None) or make_preview(make_repository())
    prediction = Prediction(introduced, repaired, preexisting, {"Widget": 2})
    texts = manifest_text("web"), manifest_text("web", version="1.5.0")
    return make_cell(
        preview,
        fields.pop("cluster", "seoul-1"),
        fields.pop("application", "web"),
        texts,
        prediction=Blob.objects.keep(to_json(prediction)),
        findings=prediction.counts,
        **fields,
    )


def test_a_prediction_is_kept_as_it_is():
    prediction = Prediction((LONG, TAG), (TAG,), (LONG,), {"Widget": 2}, ("metadata.names",))
    assert from_json(to_json(prediction)) == prediction
    assert from_json(to_json(Prediction())) == Prediction()


def test_the_matrix_tells_the_worst_finding_of_each_cell(client):
    cell = cell_with(LONG, TAG)
    page = client.get(cell.preview.get_absolute_url()).content.decode()
    assert '<span class="fd blocked"><span aria-hidden="true">✕</span> blocked</span>' in page
    assert "because of its template; META-LABEL, RB-TAG: the label release is 64 characters long" in page
    assert '<option value="META-LABEL">META-LABEL (1)</option>' in page


@pytest.mark.parametrize(
    ("asked", "count"), [("blocked", 1), ("META-LABEL", 1), ("warning", 1), ("outage", 0), ("RB-PVC-DEL", 0)]
)
def test_the_matrix_is_filtered_by_finding(client, asked, count):
    cell = cell_with(LONG, TAG)
    make_cell(cell.preview, "seoul-1", "other", values=("a: 1", "a: 2"))
    page = client.get(f"{cell.preview.get_absolute_url()}?finding={asked}").content.decode()
    assert page.count('<th scope="rowgroup"') == count


def test_mere_notes_are_no_sign_in_the_matrix(client):
    note = Finding("RESTART-NO-CHANGE", "info", "it restarts without a change", WEB)
    page = client.get(cell_with(note).preview.get_absolute_url()).content.decode()
    assert 'class="fd info"' not in page


def test_the_worst_rows_come_first(client):
    cell = cell_with(TAG)
    make_cell(cell.preview, "seoul-1", "aaa", (manifest_text("aaa"), manifest_text("aaa", level="debug")))
    page = client.get(f"{cell.preview.get_absolute_url()}?sort=worst").content.decode()
    assert page.index('class="app" title="web"') < page.index('class="app" title="aaa"')


def test_the_cell_says_it_on_top_and_on_its_line(client):
    cell = cell_with(LONG, TAG, repaired=(LONG,), preexisting=(TAG,))
    html = client.get(cell.get_absolute_url()).content.decode()
    page = text_of(html)
    assert "the label release is 64 characters long; at most 63 are allowed" in page
    assert "shorten it" in page
    assert "1 finding of the base is repaired" in page
    assert "1 finding was there before" in page
    assert "Not checked against a schema: 2 Widget" in page
    line = html.index('<tr class="said blocked">')
    assert "app.kubernetes.io/name" in html[:line].rpartition("<tr")[2]
    assert "<img src=x" not in html


def test_the_list_leads_to_the_line_even_where_it_is_folded_away(client):
    cell = cell_with(LONG)
    html = client.get(cell.get_absolute_url()).content.decode()
    anchor = html.partition("Deployment web</a>")[0].rpartition('href="#')[2].partition('"')[0]
    assert f'id="{anchor}"' in html
    values = client.get(f"{cell.get_absolute_url()}?view=values").content.decode()
    assert f"{cell.get_absolute_url()}?view=yaml" in values


def test_the_unified_diff_says_it_too(client):
    html = client.get(f"{cell_with(LONG).get_absolute_url()}?layout=unified").content.decode()
    assert '<tr class="said blocked"><td colspan="3">' in html


def test_a_finding_without_an_object_or_with_one_that_does_not_change_is_told(client):
    elsewhere = Finding("REF-MISSING", "warning", "its Secret is nowhere", ResourceId("", "Pod", "web", "x"), ("spec",))
    page = text_of(
        client.get(cell_with(Finding("X", "info", "said of all"), elsewhere).get_absolute_url()).content.decode()
    )
    assert "said of all" in page
    assert "its Secret is nowhere" in page
    assert "Pod x" in page
