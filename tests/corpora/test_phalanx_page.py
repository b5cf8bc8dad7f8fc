"""The same corpus by each way in: added in the page, told by a webhook, asked for by the command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from previews.engine.cells import Cell, CellError, CellSkip
from previews.models import ChangeRequest, Preview, Repository
from tests.corpora import phalanx
from tests.views.test_hooks import deliver, payload

pytestmark = pytest.mark.skipif(not phalanx.BUNDLE.exists(), reason=f"the corpus is not at {phalanx.CORPORA}")

#: Three in the suite, all of them by `make phalanx`.
SOME = ("6802", "6119", "5042")
CASES = [
    pytest.param([case for case in phalanx.load_cases() if phalanx.number(case) in SOME], id="some"),
    pytest.param(phalanx.load_cases(), id="all", marks=pytest.mark.phalanx),
]


def row_as_cell(row) -> Cell:
    return Cell(
        row.cluster, row.application, row.name, row.path, row.value_state, row.yaml_state, tuple(row.causes),
        row.deploys, row.pinned, error=CellError(**row.error) if row.error else None,
        skipped=CellSkip(**row.skipped) if row.skipped else None,
    )  # fmt: skip


def json_as_cell(row) -> Cell:
    return Cell(
        row["cluster"], row["application"], row["name"], row["path"], row["value"], row["yaml"], tuple(row["cause"]),
        row["deploys"], row["pinned"], error=CellError(**row["error"]) if row["error"] else None,
        skipped=CellSkip(**row["skipped"]) if row["skipped"] else None,
    )  # fmt: skip


@pytest.fixture
def repository(client, work, settings):
    """The corpus as a person adds it in the page."""
    settings.ASTROLABE_CHART_STORE = str(phalanx.CHART_STORE)
    added = client.post("/", {"name": "Phalanx", "url": str(phalanx.BUNDLE)})
    assert added.status_code == 302, added.content.decode()
    Preview.objects.all().delete()
    form = {"name": "Phalanx", "exact_by_default": "on", "config_text": phalanx.CONFIG.read_text()}
    assert client.post("/repositories/phalanx/settings/", form).status_code == 302
    return Repository.objects.get()


def check(client, case):
    preview = Preview.objects.filter(change_request__number=phalanx.number(case), base_revision=case["base"]).latest(
        "created_at"
    )
    assert preview.state == Preview.DONE, preview.error
    assert phalanx.disagreements(case, [row_as_cell(row) for row in preview.cells.all()]) == []
    assert client.get(preview.get_absolute_url()).status_code == 200


@pytest.mark.parametrize("cases", CASES)
def test_by_the_page(cases, client, work, repository):
    work()
    page = client.get("/repositories/phalanx/?state=all").content.decode()
    assert "#6802" in page
    for case in cases:
        change = ChangeRequest.objects.get(number=phalanx.number(case))
        asked = client.post("/repositories/phalanx/preview/", {"change": change.pk, "base": case["base"]})
        assert asked.status_code == 302, asked.content.decode()
    work()
    for case in cases:
        check(client, case)
    assert repository.clusters.count() > 20


@pytest.mark.parametrize("cases", CASES)
def test_by_the_webhook(cases, client, work, repository):
    for case in cases:
        told = payload(int(phalanx.number(case)), target=case["base"], title=case["title"])
        assert deliver(client, repository, told, name=case["id"]).status_code == 202
    work()
    for case in cases:
        check(client, case)


@pytest.mark.parametrize("cases", CASES)
def test_by_the_command(cases, tmp_path):
    root = Path(__file__).resolve().parents[2]
    for case in cases:
        command = [sys.executable, "manage.py", "preview", str(phalanx.BUNDLE), "--cache", str(tmp_path)]
        command += ["--config", str(phalanx.CONFIG), "--base", case["base"], "--head", case["head"]]
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(tmp_path),
            "ASTROLABE_DATA": str(tmp_path / "data"),
            "ASTROLABE_CHART_STORE": str(phalanx.CHART_STORE),
        }
        done = subprocess.run(
            [*command, "--exact", "--format", "json"],
            cwd=root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        cells = [json_as_cell(row) for row in json.loads(done.stdout)["cells"]]
        assert phalanx.disagreements(case, cells) == []


def test_an_unknown_base_is_refused_in_a_sentence(client, work, settings):
    client.post("/", {"name": "Phalanx", "url": str(phalanx.BUNDLE)})
    work()
    change = ChangeRequest.objects.get(number=6802)
    refused = client.post("/repositories/phalanx/preview/", {"change": change.pk, "base": "base/nowhere"})
    assert refused.status_code == 422
    assert "base/nowhere" in refused.content.decode()
