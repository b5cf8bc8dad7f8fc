"""Helm charts inside of kustomizations, against the real Kustomize that runs the real Helm."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from previews.engine.manifests import read_resources, split_documents
from previews.engine.masking import make_mask
from previews.engine.render.charts import ChartStore
from previews.engine.render.inflation import Inflater
from previews.engine.resolve import Found
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
        "astrolabe.yaml": CONFIG + 'clusters: [{name: c1, kubernetesVersion: "1.31.2", apiVersions: [example.com/v1]}]\n' + (dump(settings) if argocd else ""),
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
    "namespaces": with_chart(namespace="there") | {"namespace": "moved"},
    "twice": {"helmCharts": [{"name": "web", "releaseName": "one"}, {"name": "web", "releaseName": "two", "skipHooks": True}], "configMapGenerator": [{"name": "g", "literals": ["a=b"]}]},
    "chart home": {"helmGlobals": {"chartHome": "other"}, "helmCharts": [{"name": "sub", "skipHooks": True}]},
    "older spelling": {"helmChartInflationGenerator": [{"chartName": "web", "values": "values.yaml", "releaseName": "old", "valuesLocal": {"a": 1}}]},
    "pulled before": {"helmCharts": [{"name": "web", "version": "2.0.0", "repo": "https://charts.example.com"}]},
}  # fmt: skip
MORE = {
    **a_chart("k/app/other/sub", values="sub: 1\n"),
    **a_chart("k/app/charts/web-2.0.0/web", values="two: 2\n"),
}


@pytest.mark.parametrize("name", CASES)
def test_charts_come_out_as_with_the_real_tools(name, render, tmp_path, helm_binary):
    files = fleet(CASES[name], MORE)
    expected = really(files, tmp_path / "real", helm_binary)
    assert expected
    assert render(files) == expected


def test_the_mark_of_charts_is_in_no_output(render):
    files = fleet(with_chart() | {"resources": ["plain.yaml"]})
    assert "helm-generated" not in str(render(files))


def test_charts_in_a_base_are_inflated_there_and_by_another_helm_too(render, tmp_path, helm_binary):
    files = fleet({"resources": ["../base"], "nameSuffix": "-x"})
    files["k/base/kustomization.yaml"] = dump(
        {"helmCharts": [{"name": "web", "includeCRDs": True}], "namespace": "base"}
    )
    files |= a_chart("k/base/charts/web")
    expected = really(files, tmp_path / "real", helm_binary)
    assert len(expected) == 4
    assert render(files, helm_binary=helm_binary) == expected


def test_the_applications_own_options_reach_charts_inside(render):
    options = "    kustomize: {namespace: ours, kubeVersion: 1.28.0, apiVersions: [x/v1]}\n"
    data = render(fleet(with_chart(), options=options))["ConfigMap", "release-name-map"]
    assert data["metadata"]["namespace"] == "ours"
    assert (data["data"]["kube"], data["data"]["has"]) == ("v1.28.0", "false")


def test_a_chart_that_changes_changes_what_holds_it(git, bench):
    git.commit(fleet(with_chart()))
    git.commit({"k/app/charts/web/values.yaml": "text: new\n"}, ref=HEAD, start="refs/heads/main")
    _, cells = run_preview(bench(), HEAD)
    assert [change.id.name for change in cells["c1", "k"].resources] == ["release-name-map"]


def test_random_output_of_a_chart_inside_is_not_a_change(git, bench):
    template = TEMPLATE + "  random: {{ randAlphaNum 12 }}\n  time: {{ now | quote }}\n"
    git.commit(fleet(with_chart(skipHooks=True), a_chart("k/app/charts/web", template=template)))
    git.commit({"k/app/charts/web/values.yaml": "text: new\n"}, ref=HEAD, start="refs/heads/main")
    _, cells = run_preview(bench(), HEAD)
    assert (cells["c1", "k"].unstable, cells["c1", "k"].yaml_lines) == (2, (1, 1))


REPOSITORY = {"repo": "https://charts.example.com", "version": "1.0.0"}
REFUSED = {
    "no option": (fleet(with_chart(), argocd=""), "skipped: .*--enable-helm .*kustomize.buildOptions"),
    "the option is off": (fleet(with_chart(), argocd="--enable-helm=false"), "skipped: .*--enable-helm"),
    "a chart from elsewhere": (fleet({"helmCharts": [{"name": "far", **REPOSITORY}]}),
                               "skipped: chart far of k/app/kustomization.yaml: .*1.0.0 of https://charts.example.com"),
    "no chart": (fleet({"helmCharts": [{"name": "far"}]}), "failed: chart far .*no repo specified for pull"),
    "no name": (fleet({"helmCharts": [{}]}), "failed: .*chart name cannot be empty"),
    "a template": (fleet(with_chart(nameTemplate="{{ randAlpha 5 }}")), "failed: .*Astrolabe does not evaluate it"),
    "two names": (fleet(with_chart(nameTemplate="a", releaseName="b")), "failed: .*cannot set --name-template"),
    "a merge": (fleet(with_chart(valuesMerge="other")), "failed: .*valuesMerge must be one of"),
    "a file outside": (fleet(with_chart(valuesFile="../values.yaml")), "failed: .*not in or below"),
    "far outside": (fleet(with_chart(valuesFile="../../../etc/passwd")), "failed: .*leads out of the repository"),
    "home outside": (fleet(with_chart() | {"helmGlobals": {"chartHome": "/etc"}}), "failed: .*not a path inside"),
    "a value file of the web": (fleet(with_chart(valuesFile="https://example.com/v.yaml")), "skipped: .*lies outside"),
    "a broken template": (fleet(with_chart(), a_chart("k/app/charts/web", template="{{ fail \"no way\" }}")), "failed: .*no way"),
    "a missing dependency": (fleet(with_chart(), {"k/app/charts/web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n"
                             "dependencies:\n- {name: redis, version: 1.2.3, repository: https://x.example.com}\n"}),
                             "skipped: .*redis 1.2.3 of https://x.example.com"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_inflated_says_why(name, render):
    files, message = REFUSED[name]
    assert re.match(message, render(dict(files)), re.DOTALL)


def test_a_chart_of_a_repository_is_taken_from_where_it_was_found(git, bench):
    """`find` is that of a resolver, which gives such a chart as a tree of its own."""
    git.commit(a_chart("web"), ref="refs/heads/charts")
    git.commit(FILES)
    one = bench()
    ours, theirs = (one.tree(one.mirror.tree(one.mirror.commit(name))) for name in ("main", "charts"))
    asked = []

    def find(source):
        asked.append((source.repository, source.chart, source.revision))
        return Found(replace(source, path="web"), theirs)

    inflater = Inflater(find, ChartStore(None))
    entry = {"name": "far", "repo": "oci://charts.example.com/team", "version": "1.0.0", "valuesFile": "values.yaml"}
    inflater.take(ours, "", "k/app/kustomization.yaml", {"helmCharts": [entry]})
    assert asked == [("oci://charts.example.com/team", "far", "1.0.0")]
    (planned,) = inflater.charts
    assert planned["values"] == {"text": "from a file", "map": {"a": 3}}
    assert f"{planned['chart']}/templates/map.yaml" in inflater.files


def test_a_value_file_outside_is_read_where_the_build_options_allow_it(render):
    argocd = "--enable-helm --load-restrictor LoadRestrictionsNone"
    found = render(fleet(with_chart(valuesFile="../values.yaml"), {"k/values.yaml": "text: above\n"}, argocd))
    assert "above" in found["ConfigMap", "release-name-map"]["data"]["values"]


def test_a_pull_request_cannot_allow_charts_for_itself(git, bench):
    files = fleet(with_chart())
    git.commit({"astrolabe.yaml": CONFIG})
    git.commit(files, ref=HEAD, start="refs/heads/main")
    _, cells = run_preview(bench(), HEAD)
    assert cells["c1", "k"].skipped.reason == "plugin"
