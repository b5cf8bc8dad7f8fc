"""Charts of our own, one for each rule of rendering.md §3 and of Helm's engine: ours against the binary."""

from __future__ import annotations

import io
import tarfile

import pytest

from tests.fidelity.pairs import Pair

SHOW = """apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}-{{ .Chart.Name }}"}
data:
  values: {{ .Values | toJson | quote }}
  release: {{ .Release | toJson | quote }}
  chart: {{ list .Chart.Name .Chart.Version .Chart.AppVersion .Chart.Type | toJson | quote }}
  template: {{ .Template.Name }} {{ .Template.BasePath }}
  subcharts: {{ keys .Subcharts | sortAlpha | toJson | quote }}
"""
OBJECT = "apiVersion: v1\nkind: {}\nmetadata:\n  name: {}\n"


def hook(kind: str, name: str, value: str, more: str = "") -> str:
    return OBJECT.format(kind, name) + f"  annotations:\n    helm.sh/hook: {value}\n{more}"


def chart(path: str, files: dict[str, str], values: str = "", meta: str = "") -> dict[str, str]:
    name = path.rpartition("/")[2]
    head = f"apiVersion: v2\nname: {name}\nversion: 1.0.0\nappVersion: '2'\n{meta}"
    return {f"{path}/{file}": text for file, text in {"Chart.yaml": head, "values.yaml": values, **files}.items()}


def archive(name: str, files: dict[str, str]) -> str:
    """A chart archive's bytes, as a text that a commit can hold."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for path, text in chart(name, files).items():
            member = tarfile.TarInfo(path)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue().decode("utf-8", "surrogateescape")


SUB = {"templates/show.yaml": SHOW}
CRD = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: {}\n"
SCHEMA = '{"properties": {"count": {"type": "string"}}}'

CHARTS: dict[str, dict[str, str]] = {
    # The order of output.
    "kinds-in-installing-order": chart(
        "x", {"templates/a.yaml": "---\n".join(
            OBJECT.format(kind, kind.lower()) for kind in
            "Widget Ingress CronJob Job StatefulSet Deployment Service RoleBinding Role ClusterRole Secret Gadget "
            "ConfigMap ServiceAccount NetworkPolicy Namespace PriorityClass APIService IngressClass Pod List2 "
            "HorizontalPodAutoscaler PodDisruptionBudget MutatingWebhookConfiguration ReplicaSet StorageClass".split()
        )}
    ),
    "equal-kinds-in-order-of-files-and-documents": chart(
        "x", {f"templates/{name}": OBJECT.format("ConfigMap", name.split(".")[0].replace("/", "-") + "-1") + "---\n" + OBJECT.format("ConfigMap", name.split(".")[0].replace("/", "-") + "-0")
              for name in ("b.yaml", "a.yaml", "B.yaml", "a-1.yaml", "a/z.yaml", "b/a.yml", "c.txt", "d.json2")}
    ),
    "subcharts-and-their-order": chart("x", {"templates/m.yaml": OBJECT.format("ConfigMap", "m")})
    | chart("x/charts/a", {"templates/z.yaml": OBJECT.format("ConfigMap", "a-z")})
    | chart("x/charts/z", {"templates/a.yaml": OBJECT.format("ConfigMap", "z-a"), "templates/NOTES.txt": "notes"}),
    "hooks-last-in-their-order": chart(
        "x",
        {
            "templates/a.yaml": hook("Job", "a", "pre-install", "    helm.sh/hook-weight: '5'\n"),
            "templates/b.yaml": hook("ConfigMap", "b", "post-install"),
            "templates/c.yaml": hook("ServiceAccount", "c", "pre-install, post-upgrade", "    helm.sh/hook-weight: '-5'\n"),
            "templates/d.yaml": OBJECT.format("ConfigMap", "d"),
            "templates/e.yaml": hook("Pod", "e", "test"),
            "templates/f.yaml": hook("Pod", "f", "test-success"),
        },
    ),
    "unknown-hooks": chart(
        "x",
        {
            "templates/a.yaml": hook("ConfigMap", "a", "pre-nothing"),
            "templates/b.yaml": hook("ConfigMap", "b", "crd-install"),
            "templates/c.yaml": hook("Pod", "c", "test-failure"),
            "templates/d.yaml": hook("ConfigMap", "d", "pre-install,nonsense"),
            "templates/e.yaml": hook("ConfigMap", "e", "Pre-Install"),
            "templates/f.yaml": hook("ConfigMap", "f", "''"),
            "templates/g.yaml": OBJECT.format("ConfigMap", "g"),
        },
    ),
    "hook-text-that-is-no-hook": chart(
        "x",
        {
            "templates/a.yaml": OBJECT.format("ConfigMap", "a") + "data:\n  inner: |\n    metadata:\n      annotations:\n        helm.sh/hook: test\n",
            "templates/b.yaml": OBJECT.format("Pod", "b") + "spec:\n  template:\n    metadata:\n      annotations:\n        helm.sh/hook: pre-install\n",
            "templates/c.yaml": OBJECT.format("Pod", "c") + '  annotations: {"helm.sh/hook": test}\n',
            "templates/d.yaml": OBJECT.format("Pod", "d") + "  annotations:\n    # helm.sh/hook: test\n    x: y\n",
            "templates/e.yaml": OBJECT.format("Pod", "e") + "  labels:\n    helm.sh/hook: test\n",
            "templates/z.yaml": OBJECT.format("Secret", "z"),
        },
    ),
    "custom-resource-definitions": chart(
        "x",
        {
            "crds/b.yaml": CRD.format("b1") + "---\n" + CRD.format("b2") + "---\n",
            "crds/a.yaml": "# a comment\n---\n" + CRD.format("a"),
            "crds/deep/c.yml": CRD.format("c"),
            "crds/d.json": '{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "d"}}',
            "crds/README.md": "no definition",
            "crds/e.txt": CRD.format("e"),
            "crds/f.yaml": CRD.format("f") + "spec: {x: '{{ .Values.a }}'}\n",
            "templates/t.yaml": OBJECT.format("Namespace", "t"),
        },
    )
    | chart("x/charts/a", {"crds/z.yaml": CRD.format("from-a"), "templates/_x.tpl": ""})
    | chart("x/charts/off", {"crds/z.yaml": CRD.format("from-off"), "templates/_x.tpl": ""}),
    # What is no manifest.
    "notes-partials-and-empty-documents": chart(
        "x",
        {
            "templates/NOTES.txt": "hello {{ .Release.Name }}",
            "templates/deep/NOTES.txt": "apiVersion: v1",
            "templates/_helpers.tpl": '{{ define "h" }}from helper{{ end }}',
            "templates/_odd.yaml": OBJECT.format("ConfigMap", "never"),
            "templates/empty.yaml": "{{ if false }}x: y{{ end }}\n\n",
            "templates/comments.yaml": "# nothing\n---\n# here\n",
            "templates/gaps.yaml": "---\n---\n" + OBJECT.format("ConfigMap", "gap") + "\n---\n\n--- # trailing\n" + OBJECT.format("ConfigMap", "gap2") + "---\n",
            "templates/use.yaml": OBJECT.format("ConfigMap", "use") + 'data: {a: {{ include "h" . }}}\n',
            "templates/windows.yaml": OBJECT.format("ConfigMap", "windows").replace("\n", "\r\n") + "data:\r\n  a: |\r\n    b\r\n    c\r\n",
        },
    ),
    "blocks-at-the-end-of-documents": chart(
        "x",
        {
            "templates/a.yaml": OBJECT.format("ConfigMap", "a") + "data:\n  x: |\n    one\n---\n" + OBJECT.format("ConfigMap", "c") + "data:\n  x: |-\n    three\n",
            "templates/d.yaml": OBJECT.format("ConfigMap", "d") + "data:\n  x: |\n    no newline at the end",
            "templates/e.yaml": OBJECT.format("ConfigMap", "e") + "data:\n  x: >+\n    folded\n\n\n",
        },
    ),
    "lists-and-names": chart(
        "x",
        {
            "templates/list.yaml": "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: one}\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: two}\n",
            "templates/dots.yaml": "apiVersion: v1\nkind: Secret\nmetadata:\n  name: 'with.dots.in.it'\n  labels: {a.b/c: 'd.e'}\nstringData:\n  'file.name.yaml': x\n",
            "templates/flow.yaml": "{apiVersion: v1, kind: ConfigMap, metadata: {name: flow}, data: {a: '1'}}",
            "templates/json.yaml": '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "json"}}\n',
            "templates/late.yaml": "data: {a: b}\nmetadata:\n    namespace: elsewhere\n    name: late\nkind: ConfigMap\napiVersion: v1\n",
            "templates/anchor.yaml": OBJECT.format("ConfigMap", "anchor") + "data: &d\n  a: 'x'\nother:\n  <<: *d\n  b: 'y'\n",
        },
    ),
    # Dependencies.
    "conditions-and-tags": chart(
        "x",
        SUB,
        "a: {enabled: false}\nb: {enabled: true}\ntags: {front: false, back: true}\n",
        "dependencies:\n"
        + "".join(
            f"- {{name: {name}, version: 1.0.0{more}}}\n"
            for name, more in {
                "a": ", condition: a.enabled", "b": ", condition: b.enabled", "c": ", tags: [front]",
                "d": ", tags: [front, back]", "e": ", condition: a.missing", "f": ", condition: 'a.missing,b.enabled', tags: [front]",
                "g": ", condition: g.enabled, tags: [front]",
            }.items()
        ),
    )
    | {path: text for name in "abcdefg" for path, text in chart(f"x/charts/{name}", SUB).items()},
    "aliases": chart(
        "x", SUB, "one: {v: 1}\ntwo: {v: 2}\nsub: {v: 3}\n",
        "dependencies:\n- {name: sub, version: 1.0.0, alias: one}\n- {name: sub, version: 1.0.0, alias: two, condition: two.on}\n- {name: sub, version: 1.0.0}\n",
    )
    | chart("x/charts/sub", {**SUB, "crds/c.yaml": CRD.format("c")}, "v: 0\nw: 9\n"),
    "imported-values": chart(
        "x", SUB, "mine: {a: 1}\ntaken: {deep: {z: 1}}\n",
        "dependencies:\n- name: sub\n  version: 1.0.0\n  import-values:\n  - data\n  - {child: inner.map, parent: taken.deep}\n",
    )
    | chart("x/charts/sub", SUB, "exports: {data: {mine: {a: 2, b: 3}}}\ninner: {map: {y: 2, z: 3}}\n"),
    "globals": chart("x", SUB, "global: {a: 1, deep: {x: 1}}\nsub: {global: {b: 2}, v: from-parent}\n")
    | chart("x/charts/sub", SUB, "global: {a: 0, c: 3, deep: {x: 0, y: 2}}\nv: own\n")
    | chart("x/charts/sub/charts/leaf", SUB, "global: {d: 4}\n"),
    "library-charts": chart(
        "x", {"templates/a.yaml": OBJECT.format("ConfigMap", "a") + 'data: {a: {{ include "lib.text" . }}}\n'}, "",
        "dependencies: [{name: lib, version: 1.0.0}]\n",
    )
    | chart("x/charts/lib", {"templates/_l.tpl": '{{ define "lib.text" }}{{ .Chart.Name }}{{ end }}', "templates/a.yaml": SHOW}, "v: 1\n", "type: library\n"),
    "a-library-chart-alone": chart("x", {"templates/_l.tpl": ""}, "", "type: library\n"),
    "vendored-archives": chart("x", SUB, "sub: {v: 1}\n", "dependencies: [{name: sub, version: 1.0.0}]\n")
    | {"x/charts/sub-1.0.0.tgz": archive("sub", SUB), "x/charts/not-declared-1.0.0.tgz": archive("not-declared", SUB)},
    "a-lock-out-of-step": chart("x", SUB, "", "dependencies: [{name: sub, version: 2.0.0, repository: 'https://charts.example.com'}]\n")
    | {"x/Chart.lock": "dependencies:\n- {name: sub, version: 1.0.0, repository: 'https://charts.example.com'}\ndigest: sha256:0\ngenerated: '2020-01-01T00:00:00Z'\n"}
    | chart("x/charts/sub", SUB),
    "dependencies-of-apiversion-1": {
        "x/Chart.yaml": "apiVersion: v1\nname: x\nversion: 1.0.0\n",
        "x/requirements.yaml": "dependencies: [{name: a, version: 1.0.0, condition: a.on}, {name: b, version: 1.0.0}]\n",
        "x/values.yaml": "a: {on: false}\n",
        "x/templates/s.yaml": SHOW,
    }
    | chart("x/charts/a", SUB) | chart("x/charts/b", SUB),
    # Files.
    "files": chart(
        "x",
        {
            "templates/a.yaml": OBJECT.format("ConfigMap", "a")
            + 'data:\n  get: {{ .Files.Get "config/a.txt" | quote }}\n  none: {{ .Files.Get "nothing" | quote }}\n'
            '  lines: {{ .Files.Lines "config/a.txt" | toJson | quote }}\n  ignored: {{ .Files.Get "config/i.bak" | quote }}\n'
            '{{ (.Files.Glob "config/*.txt").AsConfig | indent 2 }}\n'
            '  secret: {{ (.Files.Glob "**/a.txt").AsSecrets | quote }}\n  readme: {{ .Files.Get "README.md" | quote }}\n'
            '  template: {{ .Files.Get "templates/a.yaml" | quote }}\n  values: {{ .Files.Get "values.yaml" | quote }}\n  chart: {{ .Files.Get "Chart.yaml" | quote }}\n'
            '  sub: {{ .Files.Get "charts/sub/own.txt" | quote }}\n',
            "config/a.txt": "one\ntwo\n", "config/b.txt": "three", "config/i.bak": "ignored", "README.md": "read me",
            ".helmignore": "*.bak\n/templates/ignored.yaml\nsecret/\n", "templates/ignored.yaml": "fails: {{ fail \"read\" }}", "templates/secret/x.yaml": "{{ fail \"read\" }}",
        },
    )
    | chart("x/charts/sub", {"own.txt": "own", "templates/a.yaml": OBJECT.format("ConfigMap", "s") + 'data: {own: {{ .Files.Get "own.txt" | quote }}}\n'}),
    "helmignore-of-a-subchart": chart("x", {".helmignore": "charts/gone/\n*.md\n", "templates/a.yaml": SHOW})
    | chart("x/charts/gone", SUB)
    | chart("x/charts/sub", {**SUB, ".helmignore": "templates/b.yaml\n", "templates/b.yaml": OBJECT.format("ConfigMap", "b")}),
    # Values.
    "nulls-delete-defaults": chart(
        "x", SUB, "a: 1\nb: {c: 1, d: 2}\nn: null\nsub: {v: null, w: {x: null}}\nl: [1, null]\n", "dependencies: [{name: sub, version: 1.0.0}]\n"
    )
    | chart("x/charts/sub", SUB, "v: 1\nw: {x: 1, y: 2}\nn: null\n"),
    "numbers-and-words": chart(
        "x", {"templates/a.yaml": OBJECT.format("ConfigMap", "a") + "data:\n{{- range $k, $v := .Values }}\n  {{ $k }}: '{{ $v }} {{ kindOf $v }} {{ toJson $v }}'\n{{- end }}\n"},
        "big: 12345678\nmillion: 1000000\nhuge: 123456789012345678901\nfloat: 1.5\nexp: 1e3\nhex: 0x1F\noctal: 017\nnewoctal: 0o17\n"
        "under: 1_000\nyes: yes\non_: on\nno_: no\ndate: 2024-01-01\nsexagesimal: 12:30:45\ninf: .inf\nempty:\ntilde: ~\nquoted: '12'\nneg: -7\nplus: +7\ndot: .5\ntrailing: 5.\n"
        "multi: |\n  a\n  b\nfold: >-\n  a\n  b\nequals: =\n",
    ),
    "values-without-newline-and-with-mark": chart("x", SUB, "﻿a: |\n  text"),
    "a-schema": chart("x", {**SUB, "values.schema.json": SCHEMA}, "count: 5\n"),
    "a-schema-of-a-subchart": chart("x", SUB, "sub: {count: 5}\n") | chart("x/charts/sub", {**SUB, "values.schema.json": SCHEMA}),
    "a-schema-in-an-archive-that-counts": chart("x", SUB, "sub: {count: 5}\n")
    | {"x/charts/sub-1.0.0.tgz": archive("sub", {**SUB, "values.schema.json": SCHEMA})},
    "a-schema-of-a-subchart-that-counts": chart("x", SUB, "sub: {count: 5}\n") | chart("x/charts/sub", {**SUB, "values.schema.json": SCHEMA}),
    "capabilities": chart(
        "x",
        {"templates/a.yaml": OBJECT.format("ConfigMap", "a") + "data:\n  has: '{{ .Capabilities.APIVersions.Has \"example.com/v1\" }} {{ .Capabilities.APIVersions.Has \"example.com/v1/Widget\" }} {{ .Capabilities.APIVersions.Has \"apps/v1\" }}'\n  lookup: {{ lookup \"v1\" \"Namespace\" \"\" \"default\" | toJson | quote }}\n"},
    ),
    "needs-a-newer-kubernetes": chart("x", SUB, "", "kubeVersion: '>= 1.99.0-0'\n"),
    "needs-an-older-kubernetes": chart("x", SUB, "", "kubeVersion: '< 1.20.0'\n"),
    # Functions of the engine.
    "functions": chart(
        "x",
        {
            "templates/a.yaml": OBJECT.format("ConfigMap", "a")
            + 'data:\n  tpl: {{ tpl .Values.t . | quote }}\n  yaml: {{ toYaml .Values.m | quote }}\n  toml: {{ toToml .Values.m | quote }}\n'
            '  from: {{ (fromYaml "a: {b: 1}").a | toJson | quote }}\n  bad: {{ fromYaml "a: [" | toJson | quote }}\n  sha: {{ sha256sum "x" }}\n'
            '  semver: "{{ semverCompare ">=1.20-0" .Capabilities.KubeVersion.Version }}"\n  dns: {{ getHostByName "example.com" | quote }}\n'
            '  required: {{ required "needed" .Values.t | quote }}\n  ternary: {{ ternary "a" "b" true }}\n  mustToJson: {{ mustToJson .Values.m | quote }}\n  merge: {{ merge (dict "a" 1) (dict "a" 2 "b" 3) | toJson | quote }}\n'
            '  re: {{ regexReplaceAll "a(b)" "xaby" "${1}c" | quote }}\n  base: {{ .Template.BasePath }}\n  title: {{ "hello world" | title }}\n  date: {{ "2006-01-02" | toDate "2006-01-02" | date "2006" | quote }}\n',
        },
        "t: 'rendered {{ .Release.Name }} {{ .Values.m.a }}'\nm: {a: 1, b: [x, y], c: {d: 'true'}}\n",
    ),
    "fails-on-purpose": chart("x", {"templates/a.yaml": '{{ fail "no" }}'}),
    "a-required-value-is-missing": chart("x", {"templates/a.yaml": 'a: {{ required "give it" .Values.a }}'}),
    "output-that-is-no-yaml": chart("x", {"templates/a.yaml": "a: [\n"}),
    "a-nil-pointer": chart("x", {"templates/a.yaml": "a: {{ .Values.a.b.c }}\n"}),
    "chart-without-version": chart("x", SUB) | {"x/Chart.yaml": "apiVersion: v2\nname: x\n"},
    "chart-of-an-unknown-kind": chart("x", SUB, "", "type: nonsense\n"),
    "values-that-are-no-mapping": chart("x", SUB, "- a\n"),
    "a-chart-without-templates": chart("x", {"README.md": "nothing"}),
    "duplicate-keys-in-output": chart("x", {"templates/a.yaml": OBJECT.format("ConfigMap", "a") + "data: {a: '1', a: '2'}\n"}),
    "two-objects-of-one-name": chart("x", {"templates/a.yaml": OBJECT.format("ConfigMap", "a") + "data: {v: '1'}\n", "templates/b.yaml": OBJECT.format("ConfigMap", "a") + "data: {v: '2'}\n"}),
}  # fmt: skip

OPTIONS: dict[str, tuple[dict, tuple[str, ...]]] = {
    "nulls-delete-defaults": (
        {"valuesObject": {"a": None, "b": {"c": None}, "sub": {"w": {"y": None}}, "new": None}},
        ("--set", "a=null,b.c=null,sub.w.y=null,new=null"),
    ),
    "custom-resource-definitions": (
        {"valuesObject": {"off": {"enabled": False}}}, ("--set", "off.enabled=false"),
    ),
    "capabilities": (
        {"apiVersions": ["example.com/v1", "example.com/v1/Widget"]},
        ("--api-versions", "example.com/v1", "--api-versions", "example.com/v1/Widget"),
    ),
    "a-schema-of-a-subchart": ({"skipSchemaValidation": True}, ("--skip-schema-validation",)),
}  # fmt: skip
CHARTS["custom-resource-definitions"]["x/Chart.yaml"] += (
    "dependencies: [{name: a, version: 1.0.0}, {name: off, version: 1.0.0, condition: off.enabled}]\n"
)


@pytest.fixture(scope="module")
def results(run_pairs):
    files: dict[str, str] = {}
    pairs = []
    for name, chart_files in CHARTS.items():
        files |= {f"charts/{name}/{path.removeprefix('x/')}": text for path, text in chart_files.items()}
        pairs.append(Pair(name, f"charts/{name}", *OPTIONS.get(name, ({}, ()))))
    return run_pairs(files, pairs)


@pytest.mark.parametrize("name", CHARTS)
def test_rule(name, results):
    assert results.differences.get(name, "") == ""


def test_our_second_implementation_gives_the_same(results):
    assert results.differences_of_second() == {}
