"""The impact page: what a change breaks and restarts, in which order, and how it is undone."""

import pytest

from previews.engine.manifests import ResourceId
from previews.engine.predict.findings import Finding
from previews.engine.predict.impact import Impact
from previews.engine.predict.prediction import Prediction, from_json, to_json
from previews.engine.predict.rollback import Rollback
from previews.engine.predict.sync_plan import Step
from previews.models import Blob
from tests.factories import HOSTILE, make_cell, make_change_request, make_preview, make_repository, manifest_text
from tests.views.reading import text_of

pytestmark = pytest.mark.django_db

WEB, PVC, JOB = (
    ResourceId(group, kind, "shop", name)
    for group, kind, name in (
        ("apps", "Deployment", "web"),
        ("", "PersistentVolumeClaim", "data"),
        ("batch", "Job", "migrate"),
    )
)
LOST = Finding("RB-PVC-DEL", "irreversible", f"the data is deleted {HOSTILE}", PVC, remedy="keep it")
OUTAGE = Finding("OUTAGE-ROLLOUT", "outage", "no pod serves for 30 s", WEB)
GONE = Step("Sync", 1, "delete", PVC)
PLAN = (Step("PreSync", -1, "run", JOB), Step("Sync", 0, "change", WEB), GONE)
MOVED = Impact(
    WEB,
    "now",
    "outage",
    "1 replica, none serves meanwhile",
    1,
    1,
    minimum=0,
    floor=1,
    waves=1,
    seconds=30.0,
    services=("web",),
)
WHOLE = Prediction((OUTAGE,), impacts=(MOVED,), plan=PLAN, apply="ok", rollback=Rollback("irreversible", (LOST,), GONE))


@pytest.fixture
def preview():
    repository = make_repository()
    totals = {"instances": 9, "unchanged": 6, "deploys": 3, "outage": 2, "irreversible": 2}
    made = make_preview(repository, make_change_request(repository), totals=totals)
    for cluster, prediction in (("seoul", WHOLE), ("tokyo", WHOLE), ("osaka", Prediction(plan=PLAN[1:2]))):
        texts = manifest_text("web"), manifest_text("web", version="2")
        blob = Blob.objects.keep(to_json(prediction))
        make_cell(made, cluster, "web", texts, prediction=blob, findings=prediction.counts)
    return made


@pytest.fixture
def page(client, preview):
    return client.get(f"{preview.get_absolute_url()}impact/").content.decode()


def test_a_whole_prediction_is_kept_as_it_is():
    assert from_json(to_json(WHOLE)) == WHOLE


def test_the_same_is_said_once_for_all_clusters(page):
    assert page.count("no pod serves for 30 s") == 1
    text = text_of(page)
    assert "web on seoul" in text
    assert "web on tokyo" in text
    assert "3 deploy" in text
    assert "2 with an outage" in text


def test_workloads_with_the_arithmetic(page):
    text = text_of(page)
    assert "Deployment web behind web" in text
    assert "1 replica, none serves meanwhile" in text
    assert 'aria-label="0 of 1"' in page
    assert "30 s" in text


def test_the_sync_step_by_step_up_to_the_point_of_no_return(page):
    text = text_of(page)
    assert text.index("PreSync -1") < text.index("run Job migrate") < text.index("change Deployment web")
    assert "delete PersistentVolumeClaim data : the point of no return" in text
    assert "cannot be undone" in text


def test_the_sync_as_a_picture(page):
    assert 'aria-label="The sync in 3 steps, at least 30 s"' in page
    assert 'class="outage"><title>Sync 0: 1 object, at least 30 s</title>' in page


def test_how_it_is_undone(page):
    text = text_of(page)
    assert "2 cells not at all, 1 cell by a revert alone." in text
    assert "RB-PVC-DEL PersistentVolumeClaim data" in text
    assert "keep it." in text
    assert "<img src=x" not in page


def test_what_nobody_can_know_is_said(page):
    assert "What nobody can read out of Git" in page
    assert "whether the cluster has drifted" in page


def test_the_matrix_leads_there(client, preview):
    assert f'href="{preview.get_absolute_url()}impact/"' in client.get(preview.get_absolute_url()).content.decode()


def test_a_preview_that_deploys_nothing_or_is_not_done(client):
    repository = make_repository()
    done = make_preview(repository, totals={"instances": 3, "unchanged": 3})
    assert "Nothing is deployed." in client.get(f"{done.get_absolute_url()}impact/").content.decode()
    running = make_preview(repository, state="rendering")
    assert "its impact is known once it is done" in client.get(f"{running.get_absolute_url()}impact/").content.decode()
    assert client.get("/previews/999/impact/").status_code == 404


@pytest.mark.parametrize(
    ("prediction", "said"),
    [
        (WHOLE, "Deploys. Deployment web: 1 replica, none serves meanwhile. It cannot be undone"),
        (Prediction(), "Deploys. Can be undone by a revert."),
        (Prediction(rollback=Rollback("reversible-restart")), "Deploys. Can be undone by a revert, with one restart."),
        (Prediction(impacts=(MOVED, MOVED)), "none serves meanwhile (and 1 more). Can be undone"),
        (
            Prediction(
                (Finding("IMMUTABLE", "blocked", "x", WEB), Finding("QTY", "blocked", "y", WEB)), apply="partial"
            ),
            "Rejected: the API server does not take 1 object; what comes before it in the sync is applied",
        ),
    ],
)
def test_verdicts(prediction, said):
    assert said in prediction.verdict
