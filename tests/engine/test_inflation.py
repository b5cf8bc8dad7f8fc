"""Helm charts inside of kustomizations, against the real Kustomize that runs the real Helm."""

import subprocess
import sys
from pathlib import Path

import pytest

from previews.engine.manifests import read_resources, split_documents
from previews.engine.masking import make_mask
from previews.engine.yamls import dump, load
from tests.conftest import run_preview
from tests.engine.fleets import CONFIG, application, chart

HEAD = "refs/pull/1/head"
TEMPLATE = """apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-map
  namespace: {{ .Release.Namespace }}
data:
  values: {{ omit .Values "global" | toJson | quote }}
  kube: {{ .Capabilities.KubeVersion.Version | quote }}
  has: {{ .Capabilities.APIVersions.Has "example.com/v1" | quote }}
"""
POD = (
    "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {}\n  annotations: {{helm.sh/hook: {}}}\nspec: {{containers: []}}\n"
)
VALUES = "text: hello\nmap: {a: 1, b: {c: 2}}\nlist: [1, 2]\nempty:\n"
CRD = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.example.com}\nspec: {group: example.com}\n"


def a_chart(path, values=VALUES, template=TEMPLATE):
    templates = {
        "map.yaml": template,
        "hook.yaml": POD.format("hook", "pre-install"),
        "t.yaml": POD.format("t", "test"),
    }
    return chart(path, templates, values) | {f"{path}/crds/crd.yaml": CRD}


FILES = {
    **a_chart("k/app/charts/web"),
    "k/app/values.yaml": "text: from a file\nmap: {a: 3}\n",
    "k/app/more.yaml": "map: {b: {d: 4}}\nlist: [9]\n",
    "k/app/plain.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: plain}\n",
}


def fleet(kustomization, more=None, argocd="--enable-helm", options=""):
    """An application of a kustomization with a chart inside."""
    settings = {"argocd": {"kustomize.buildOptions": argocd}} if argocd else {}
    return {
        "astrolabe.yaml": CONFIG + 'clusters: [{name: c1, kubernetesVersion: "1.31.2", apiVersions: [example.com/v1]}]\n' + dump(settings),
        "clusters/c1/k.yaml": application("k", "k/app", options),
        "k/app/kustomization.yaml": dump(kustomization),
        **FILES,
        **(more or {}),
    }  # fmt: skip


@pytest.fixture
def render(git, bench):
    """What an application that is new at the head renders, by kind and name; else the text that says why not."""

    def run(files, **settings):
        application = files.pop("clusters/c1/k.yaml")
        git.commit(files)
        git.commit({"clusters/c1/k.yaml": application}, ref=HEAD, start="refs/heads/main")
        opened = bench(**settings)
        prepared, cells = run_preview(opened, HEAD)
        cell = cells["c1", "k"]
        if cell.error or cell.skipped:
            return f"{cell.yaml}: {(cell.error or cell.skipped).message}"
        (manifest,) = opened.manifests(list(prepared.plan.requests.values())).values()
        return objects(manifest.resources)

    return run


def objects(resources):
    return {(resource.id.kind, resource.id.name): load(resource.text) for resource in resources}


def really(files, folder, helm, *flags):
    """The same by `kubectl kustomize --enable-helm`."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    kubectl = Path(sys.prefix) / "bin" / "kubectl"
    command = [kubectl, "kustomize", folder / "k/app", "--enable-helm", "--helm-command", helm, *flags,
               "--helm-kube-version", "1.31.2", "--helm-api-versions", "example.com/v1"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    mask = make_mask(b"k" * 32)
    return objects(item for text in split_documents(done.stdout) for item in read_resources(text, mask))


def with_chart(**options):
    return {"resources": ["plain.yaml"], "helmCharts": [{"name": "web", **options}]}


INLINE = {
    "text": "inline",
    "map": {"b": {"c": None, "e": 5}, "a": None},
    "list": [3],
    "empty": 7,
    "new": {"x": None, "y": 1},
}
CASES = {
    "plain": with_chart(),
    "release and namespace": with_chart(releaseName="mine", namespace="there"),
    "name template": with_chart(nameTemplate="templated"),
    "values file": with_chart(valuesFile="values.yaml", additionalValuesFiles=["more.yaml"]),
    "inline overrides": with_chart(valuesInline=INLINE),
    "inline merges": with_chart(valuesInline=INLINE, valuesMerge="merge"),
    "inline replaces": with_chart(valuesInline=INLINE, valuesMerge="replace"),
    "inline over a file": with_chart(valuesInline=INLINE, valuesFile="values.yaml", additionalValuesFiles=["more.yaml"]),
    "crds without hooks": with_chart(includeCRDs=True, skipHooks=True),
    "no tests": with_chart(skipTests=True),
    "versions": with_chart(kubeVersion="1.29.0", apiVersions=["other.example.com/v1"]),
    "transformed": with_chart() | {"namePrefix": "pre-", "namespace": "moved", "commonLabels": {"a": "b"},
                                   "patches": [{"target": {"kind": "ConfigMap"}, "patch": '[{"op": "add", "path": "/data", "value": {"x": "y"}}]'}]},
    "twice": {"helmCharts": [{"name": "web", "releaseName": "one"}, {"name": "web", "releaseName": "two", "skipHooks": True}], "configMapGenerator": [{"name": "g", "literals": ["a=b"]}]},
    "chart home": {"helmGlobals": {"chartHome": "charts/web/charts"}, "helmCharts": [{"name": "sub", "skipHooks": True}]},
    "older spelling": {"helmChartInflationGenerator": [{"chartName": "web", "values": "values.yaml", "releaseName": "old", "valuesLocal": {"a": 1}}]},
    "pulled before": {"helmCharts": [{"name": "web", "version": "2.0.0", "repo": "https://charts.example.com"}]},
}  # fmt: skip
MORE = {
    **a_chart("k/app/charts/web/charts/sub", values="sub: 1\n"),
    **a_chart("k/app/charts/web-2.0.0/web", values="two: 2\n"),
}


@pytest.mark.parametrize("name", CASES)
def test_charts_come_out_as_with_the_real_tools(name, render, tmp_path, helm_binary):
    files = fleet(CASES[name], MORE)
    expected = really(files, tmp_path / "real", helm_binary)
    assert expected
    assert render(files) == expected
