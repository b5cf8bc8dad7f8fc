"""The same corpus the way a person goes: added in the page, previewed by the workers, read off the database."""

from __future__ import annotations

import pytest

from previews.engine.cells import Cell, CellError, CellSkip
from previews.models import ChangeRequest, Preview, Repository
from tests.corpora import phalanx

pytestmark = pytest.mark.skipif(not phalanx.BUNDLE.exists(), reason=f"the corpus is not at {phalanx.CORPORA}")


def as_engine_cell(row) -> Cell:
    return Cell(
        row.cluster, row.application, row.name, row.path, row.value_state, row.yaml_state, tuple(row.causes),
        row.deploys, row.pinned, error=CellError(**row.error) if row.error else None,
        skipped=CellSkip(**row.skipped) if row.skipped else None,
    )  # fmt: skip


def test_cases_by_the_page(client, work, settings):
    settings.ASTROLABE_CHART_STORE = str(phalanx.CHART_STORE)
    added = client.post("/", {"name": "Phalanx", "url": str(phalanx.BUNDLE)})
    assert added.status_code == 302, added.content.decode()
    work()
    page = client.get("/repositories/phalanx/?state=all").content.decode()
    assert "#6802" in page
    form = {"name": "Phalanx", "exact_by_default": "on", "config_text": phalanx.CONFIG.read_text()}
    assert client.post("/repositories/phalanx/settings/", form).status_code == 302
    cases = [case for case in phalanx.load_cases() if phalanx.number(case) in ("6802", "6119", "5042")]
    for case in cases:
        change = ChangeRequest.objects.get(number=phalanx.number(case))
        asked = client.post("/repositories/phalanx/preview/", {"change": change.pk, "base": case["base"]})
        assert asked.status_code == 302, asked.content.decode()
    work()
    for case in cases:
        preview = Preview.objects.filter(change_request__number=phalanx.number(case)).latest("created_at")
        assert preview.state == Preview.DONE, preview.error
        assert phalanx.disagreements(case, [as_engine_cell(row) for row in preview.cells.all()]) == []
        assert client.get(preview.get_absolute_url()).status_code == 200
    assert Repository.objects.get().clusters.count() > 20


def test_an_unknown_base_is_refused_in_a_sentence(client, work, settings):
    client.post("/", {"name": "Phalanx", "url": str(phalanx.BUNDLE)})
    work()
    change = ChangeRequest.objects.get(number=6802)
    refused = client.post("/repositories/phalanx/preview/", {"change": change.pk, "base": "base/nowhere"})
    assert refused.status_code == 422
    assert "base/nowhere" in refused.content.decode()
