"""From a change request to the prediction of its cell."""

import pytest

from tests.engine.fleets import application, chart
from tests.engine.predict.rollout_cells import service, thing, workload

SETTINGS = thing("ConfigMap", "settings", data={"LEVEL": "info"})
READS = {"envFrom": [{"configMapRef": {"name": "settings"}}]}


def files(text):
    return {"clusters/c1/web.yaml": application("web", "charts/web", ""), **chart("charts/web", {"all.yaml": text})}


@pytest.fixture
def predicted(changed):
    return lambda base, head: changed(files(base), files(head)).prediction


def codes(prediction):
    return {one.code for one in prediction.introduced}


def test_a_workload_whose_settings_are_not_there_does_not_come_up(predicted):
    found = predicted(workload(replicas=4) + SETTINGS, workload(replicas=4, **READS))
    (one,) = [one for one in found.impacts if one.object.kind == "Deployment"]

    assert "REF-MISSING" in codes(found)
    assert one.category == "degraded"
    assert "the new pods cannot start" in one.notes


def test_settings_replicas_and_renames_are_asked_about(predicted):
    base = workload(replicas=10, **READS) + SETTINGS + service()
    changed_settings = SETTINGS.replace("info", "debug")
    found = predicted(base, workload(replicas=10, **READS) + changed_settings + service("front"))

    assert codes(found) >= {"STALE-CONFIG", "RENAMED"}
