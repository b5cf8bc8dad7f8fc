"""Charts of Helm repositories and registries, as the template of an Application and as a dependency."""

import pytest

from tests.engine.fleets import CONFIG, CONFIGMAP, chart, fleet
from tests.engine.remote.conftest import allow
from tests.engine.remote.servers import chart_archive

VERSIONED = CONFIGMAP + "  version: {{ .Chart.Version | quote }}\n"


def packed(version, name="web", **files):
    return chart_archive(name, version, {"c.yaml": VERSIONED}, **{"values_yaml": "text: hello\n", **files})


def application(repository, version, name="web", options=""):
    return f"""apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: web, namespace: argocd}}
spec:
  project: default
  destination: {{server: "https://kubernetes.default.svc", namespace: apps}}
  source:
    repoURL: {repository}
    chart: {name}
    targetRevision: "{version}"
{options}"""


def on_c1(*arguments, **options):
    return {"astrolabe.yaml": CONFIG, "clusters/c1/web.yaml": application(*arguments, **options)}


def lines_of(cell):
    return cell.value, cell.yaml, cell.yaml_lines, set(cell.cause)


def test_a_bumped_chart_of_a_helm_repository_is_a_change_of_the_template(preview, helm):
    helm.add("web", "1.0.0", packed("1.0.0"))
    helm.add("web", "1.1.0", packed("1.1.0"))
    _, cells = preview(on_c1(helm.url, "1.0.0"), on_c1(helm.url, "1.1.0"), allow(helm))
    assert lines_of(cells["c1", "web"]) == ("unchanged", "changed", (1, 1), {"target", "template"})
