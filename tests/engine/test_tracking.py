"""Argo CD's own marks, where the configuration wants to see them."""

from __future__ import annotations

import pytest

from previews.engine.config import parse_config
from previews.engine.manifests import read_resources
from previews.engine.masking import make_mask
from previews.engine.rules import make_tracking
from previews.engine.tracking import Tracker
from previews.engine.yamls import load
from tests.conftest import run_preview
from tests.engine.fleets import CONFIG, application

HEAD = "refs/pull/1/head"
DEPLOYMENT = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"


def metadata(text, config, name="team_web"):
    tracking = make_tracking(parse_config(f"version: 1\n{config}"))
    (resource,) = read_resources(text, make_mask(b"k"))
    return load(Tracker(tracking, name, "apps").tracked(resource).text)["metadata"]


def test_the_annotation_names_application_and_object():
    found = metadata(DEPLOYMENT, "tracking: annotation\nargocd: {installationID: main}\n")
    assert found["annotations"] == {
        "argocd.argoproj.io/tracking-id": "team_web:apps/Deployment:apps/web",
        "argocd.argoproj.io/installation-id": "main",
    }
    assert "labels" not in found


def test_even_a_kind_without_namespace_gets_the_destinations_into_its_annotation():
    found = metadata("apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n", "tracking: annotation\n")
    assert found["annotations"]["argocd.argoproj.io/tracking-id"] == "team_web:/Namespace:apps/x"


@pytest.mark.parametrize(("method", "length"), [("label", 70), ("annotation+label", 63)])
def test_the_label_overwrites_the_charts_and_is_cut_only_beside_the_annotation(method, length):
    text = DEPLOYMENT.replace("{name: web}", "{name: web, labels: {app.kubernetes.io/instance: chart, a: b}}")
    found = metadata(text, f"tracking: {method}\n", "x" * 70)
    assert found["labels"] == {"app.kubernetes.io/instance": "x" * length, "a": "b"}
    other = metadata(text, f"tracking: {method}\nargocd: {{application.instanceLabelKey: mine}}\n")
    assert other["labels"]["mine"] == "team_web"


def test_definitions_get_no_mark():
    text = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x}\n"
    assert metadata(text, "tracking: label\n") == {"name": "x"}


@pytest.mark.parametrize(("config", "changes"), [("", 0), ("tracking: annotation\n", 2)])
def test_a_renamed_application_changes_its_marks_only_where_they_are_asked_for(git, bench, config, changes):
    texts = DEPLOYMENT + "---\n" + DEPLOYMENT.replace("web", "more")
    row = {"astrolabe.yaml": CONFIG + config + 'names: ["{application}-*"]\n', "plain/a.yaml": texts}
    git.commit({**row, "clusters/c1/web.yaml": application("web-one", "plain")})
    git.commit({"clusters/c1/web.yaml": application("web-two", "plain")}, ref=HEAD, start="refs/heads/main")
    cell = run_preview(bench(), HEAD)[1]["c1", "web"]
    assert [change.lines for change in cell.resources] == [(1, 1)] * changes
