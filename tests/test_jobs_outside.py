"""The server's previews of what lies outside their repository, and workers that must fetch it for themselves."""

import shutil

import pytest

from previews import arrivals, jobs
from previews.models import ChangeRequest, Preview
from tests.conftest import GitRepository
from tests.engine.fleets import ADDRESS, CONFIG, CONFIGMAP, application, chart
from tests.engine.remote.servers import HelmRepository
from tests.engine.remote.test_charts import application as of_chart
from tests.engine.remote.test_charts import packed

HEAD = "refs/pull/1/head"


@pytest.fixture
def helm():
    server = HelmRepository()
    server.add("web", "1.0.0", packed("1.0.0"))
    server.add("web", "1.1.0", packed("1.1.0"))
    yield server
    server.close()


@pytest.fixture
def preview(git, work, helm, tmp_path, settings):
    """A preview on the server of an application by chart, and one whose template another repository has."""
    settings.ASTROLABE_CHART_HOSTS = [helm.url]
    settings.DATA = tmp_path / "data"
    other = GitRepository(tmp_path / "other.git")
    other.commit(chart("web", {"config.yaml": CONFIGMAP}))
    other.commit({"web/values.yaml": "text: v2\n"}, ref="refs/tags/v2", start="refs/heads/main")
    elsewhere = application("other", "web").replace(ADDRESS, str(other.folder))
    base = {"astrolabe.yaml": CONFIG, "clusters/c1/web.yaml": of_chart(helm.url, "1.0.0")}
    git.commit(base | {"clusters/c1/other.yaml": elsewhere})
    head = {
        "clusters/c1/web.yaml": of_chart(helm.url, "1.x"),
        "clusters/c1/other.yaml": elsewhere.replace("targetRevision: main", "targetRevision: v2"),
    }
    git.commit(head, ref=HEAD, start="refs/heads/main")
    arrivals.add_repository("Other", str(other.folder))
    found = arrivals.add_repository("Fleet", str(git.folder))
    arrivals.refresh(found)

    def run():
        jobs.request_preview(ChangeRequest.objects.get(repository=found, ref=HEAD))
        work()
        return Preview.objects.get(change_request__repository=found)

    return run


def states(preview):
    assert preview.state == Preview.DONE, preview.error
    return {cell.name: (cell.yaml_state, cell.error) for cell in preview.cells.all()}


def test_a_chart_and_a_registered_repository_are_used_and_written_down(preview):
    done = preview()
    assert states(done) == {"web": ("changed", None), "other": ("changed", None)}
    used = {(item["kind"], item["name"], item["version"]) for item in done.externals if item["kind"] == "chart"}
    assert used == {("chart", "web", "1.0.0"), ("chart", "web", "1.1.0")}
    assert len([item for item in done.externals if item["kind"] == "commit"]) == 2


@pytest.fixture
def without_mirrors(monkeypatch, settings):
    """Renders run on a machine whose disk is empty."""
    plain = jobs.arrivals.mirror_with

    def forget(repository, *commits):
        shutil.rmtree(settings.DATA / "mirrors")
        return plain(repository, *commits)

    def render(preview_id, attempt, number):
        with monkeypatch.context() as patched:
            patched.setattr(jobs.arrivals, "mirror_with", forget)
            jobs.render(preview_id, attempt, number)

    return render


def test_a_worker_on_another_machine_fetches_what_it_needs(preview, without_mirrors, monkeypatch, helm):
    monkeypatch.setattr(jobs, "enqueue", lambda job, *ids, **_: (without_mirrors if job is jobs.render else job)(*ids))
    assert states(preview()) == {"web": ("changed", None), "other": ("changed", None)}
    assert helm.asked.count("/archives/web-1.1.0.tgz") == 2


def test_a_worker_that_cannot_fetch_it_says_so_and_the_next_attempt_may(preview, without_mirrors, monkeypatch, helm):
    def enqueue(job, *ids, **_):
        if job is jobs.render:
            helm.pages["/archives/web-1.1.0.tgz"] = b"something else"
            without_mirrors(*ids)
        else:
            job(*ids)

    monkeypatch.setattr(jobs, "enqueue", enqueue)
    done = preview()
    state, error = states(done)["web"]
    assert state == "failed"
    assert "web 1.1.0 of http://127.0.0.1" in error["message"] and "is not on this machine" in error["message"]
    assert states(done)["other"] == ("changed", None)
