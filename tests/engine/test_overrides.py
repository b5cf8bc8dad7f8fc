"""`.argocd-source.yaml` and `.argocd-source-<app>.yaml`, as Argo CD merges them (rendering specification, edge cases)."""

import pytest

from tests.conftest import run_preview
from tests.engine.fleets import CONFIGMAP, application, chart, fleet

HEAD = "refs/pull/1/head"
VALUES = "    helm:\n      valueFiles: [a.yaml, b.yaml]\n"


@pytest.fixture
def preview(git, bench):
    def run(base, head):
        git.commit(base)
        git.commit(head, ref=HEAD, start="refs/heads/main")
        prepared, cells = run_preview(bench(), HEAD)
        return cells.get(("c1", "web")), (prepared.plan.cells[0] if prepared.plan.cells else None)

    return run


def base(options=VALUES, **files):
    web = {"clusters/c1/web.yaml": application("web", "charts/web", options)}
    more = {"charts/web/a.yaml": "text: a\n", "charts/web/b.yaml": "text: b\n", "charts/web/c.yaml": "text: c\n"}
    return fleet(1) | web | more | files


def test_a_file_beside_the_chart_changes_values_and_its_lists_replace(preview):
    cell, planned = preview(base(), {"charts/web/.argocd-source.yaml": "helm:\n  valueFiles: [c.yaml]\n"})
    assert (cell.value, cell.yaml) == ("changed", "changed")
    assert planned.values == ("text: b\n", "text: c\n")


def test_the_file_of_the_application_wins_over_the_one_for_all(preview):
    files = {
        "charts/web/.argocd-source.yaml": "helm: {parameters: [{name: text, value: all}]}\n",
        "charts/web/.argocd-source-web.yaml": "helm: {parameters: [{name: text, value: mine}]}\n",
        "charts/web/.argocd-source-other.yaml": "helm: {parameters: [{name: text, value: other}]}\n",
    }
    _, planned = preview(base(), files)
    assert planned.values[1] == "text: mine\n"


def test_null_deletes_and_the_place_cannot_be_moved(preview):
    patch = "path: charts/other\ntargetRevision: evil\nhelm:\n  valueFiles: null\n"
    cell, planned = preview(base(), {"charts/web/.argocd-source.yaml": patch})
    assert planned.values == ("text: b\n", "")
    assert (cell.path, cell.yaml) == ("charts/web", "changed")


def test_another_tool_beside_the_named_one_is_an_error(preview):
    cell, _ = preview(base(), {"charts/web/.argocd-source.yaml": "kustomize: {namePrefix: x-}\n"})
    assert "multiple application sources defined: helm, kustomize" in cell.error.message


def test_an_empty_block_in_such_a_file_names_the_tool(preview):
    plain = {
        "clusters/c1/web.yaml": application("web", "plain"),
        "plain/c.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n",
    }
    cell, _ = preview(fleet(1) | plain, {"plain/.argocd-source.yaml": "helm: {}\n"})
    assert "Chart.yaml file is missing" in cell.error.message


def test_an_application_in_a_namespace_of_its_own_has_its_own_file_name_and_environment(preview):
    web = application("web", "charts/web", "    helm:\n      parameters: [{name: text, value: $ARGOCD_APP_NAME}]\n")
    files = fleet(1) | {"clusters/c1/web.yaml": web.replace("namespace: argocd", "namespace: team")}
    patch = {"charts/web/.argocd-source-team_web.yaml": "helm: {releaseName: patched}\n"}
    cell, planned = preview(files, patch)
    assert planned.values[1] == "text: team_web\n"
    assert {change.id.name for change in cell.resources} == {"web", "patched"}


def test_a_broken_file_is_named(preview):
    cell, _ = preview(base(), {"charts/web/.argocd-source.yaml": "helm: [\n"})
    assert "charts/web/.argocd-source.yaml: line" in cell.error.message


def test_chart_files_of_that_name_move_nothing_else(preview):
    files = chart("charts/web", {"config.yaml": CONFIGMAP})
    cell, _ = preview(base(**files), {"charts/web/.argocd-source-somebody.yaml": "helm: {}\n"})
    assert cell is None
