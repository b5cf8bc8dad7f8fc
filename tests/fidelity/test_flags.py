"""Each option of `source.helm` against the flag of `helm template` that Argo CD turns it into (util/helm/cmd.go)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fidelity.pairs import Pair
from tests.fidelity.test_rules import CRD, OBJECT, SCHEMA, SHOW, chart, hook

PRINTED = """apiVersion: v1
kind: ConfigMap
metadata: {name: printed}
data:
{{- range $key, $value := .Values.show }}
  {{ $key }}: {{ printf "%v %s %s" $value (kindOf $value) (toYaml $value) | quote }}
{{- end }}
  versions: {{ .Capabilities.KubeVersion.Version }}
  has: "{{ .Capabilities.APIVersions.Has "example.com/v1" }} {{ .Capabilities.APIVersions.Has "v1" }}"
"""
# The chart that all options meet.
FILES = chart(
    "charts/probe",
    {
        "templates/show.yaml": SHOW,
        "templates/printed.yaml": PRINTED,
        "templates/test.yaml": hook("Pod", "test", "test"),
        "templates/hook.yaml": hook("Job", "hook", "pre-install"),
        "crds/crd.yaml": CRD.format("crd"),
        "values/a.yaml": "who: a\nonly: {a: 1}\nlist: [a]\n",
        "values/b.yaml": "who: b\nonly: {b: 1}\nlist: [b, b]\n",
        "values/c.yml": "who: c\n",
        "values/nulls.yaml": "gone: null\nmap: {x: null}\nlist: null\nsub: {v: null}\n",
        "values/deep/d.yaml": "who: d\nonly: {d: 1}\n",
        "values/no-newline.yaml": "block: |\n  text",
        "values/empty.yaml": "",
        "values/comment.yaml": "# nothing\n",
        "text.txt": "one, two\n{three}\n",
        "given.yaml": "who: inline\nshow: {big: 12345678}\n",
        "object.yaml": "only: {object: 1}\nlist: [1, '2', null, {x: 1.5}]\n",
    },
    values="who: chart\ngone: 1\nmap: {x: 1, z: 2}\nlist: [1, 2, 3]\nshow: {}\nmaps: [{a: 1, b: 2}, {a: 3}]\nsub: {v: 5}\n",
    meta="dependencies: [{name: sub, version: 1.0.0}]\n",
) | chart("charts/probe/charts/sub", {"templates/show.yaml": SHOW, "templates/printed.yaml": PRINTED.replace("printed", "sub-printed")}, "v: 1\nw: 2\nshow: {}\n")  # fmt: skip
FILES["values/shared.yaml"] = "who: shared\n"
STRICT = chart("charts/strict", {"templates/a.yaml": OBJECT.format("ConfigMap", "a"), "values.schema.json": SCHEMA}, "count: 5\n")  # fmt: skip


def parameters(*texts: str, **more: Any) -> dict[str, Any]:
    """`helm.parameters` of `name=value` texts; `forced` ones are strings."""
    plain = [dict(zip(("name", "value"), text.split("=", 1), strict=True)) for text in texts]
    forced = [{**dict(zip(("name", "value"), text.split("=", 1), strict=True)), "forceString": True}
              for text in more.pop("forced", ())]  # fmt: skip
    return {"parameters": plain + forced, **more}


def sets(*texts: str) -> tuple[str, ...]:
    return tuple(item for text in texts for item in ("--set", text))


def files(*names: str) -> tuple[str, ...]:
    return tuple(item for name in names for item in ("--values", name))


TYPED = ("show.tag=20240115", "show.small=3", "show.zero=0", "show.octal=007", "show.float=1.10", "show.exp=1e3",
         "show.neg=-5", "show.plus=+5", "show.yes=yes", "show.true=true", "show.TRUE=TRUE", "show.long=99999999999999999999",
         "show.uid=1000620000", "show.empty=", "show.space= x y ", "show.hex=0x10", "show.min=-9223372036854775808",
         "show.max=9223372036854775807", "show.under=1_000", "show.url=https://x.example/?a=b&c=d", "show.eq=a=b=c",
         "show.braces=a{b}c", "show.quote=\"q\"", "show.hash=#x", "show.colon=a: b", "show.dash=-", "show.tab=a\tb")  # fmt: skip
LISTS = ("show.list={1,two,3.0,true}", "show.none={}", "show.one={x}", "show.at[0]=5", "show.at[2]=x",
         "maps[0].b=7", "maps[1].c=8", "show.grid[0][1]=9", "show.objects[0].port=8080", "show.objects[0].name=http")  # fmt: skip
NAMES = (r"show.a\.b/c=1", r"show.comma\,name=1", "show.with-dash=1", r"show.open\[=2", r"show.eq\=x=3", "show.ünï=4",
         r"show.back\\slash=5")  # fmt: skip

CASES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "nothing": ({}, ()),
    "values": ({"values": "who: inline\nshow: {big: 12345678}\n"}, files("given.yaml")),
    "values-object": ({"valuesObject": {"only": {"object": 1}, "list": [1, "2", None, {"x": 1.5}]}}, files("object.yaml")),
    "values-object-beats-values": ({"values": "who: never", "valuesObject": {"only": {"object": 1}, "list": [1, "2", None, {"x": 1.5}]}}, files("object.yaml")),
    "an-empty-values-object-too": ({"values": "who: never", "valuesObject": {}}, ()),
    "value-files-in-order": ({"valueFiles": ["values/b.yaml", "values/a.yaml"]}, files("values/b.yaml", "values/a.yaml")),
    "a-value-file-twice": ({"valueFiles": ["values/a.yaml", "values/b.yaml", "values/a.yaml"]}, files("values/a.yaml", "values/b.yaml")),
    "value-files-then-inline-then-set": (
        {"valueFiles": ["values/a.yaml"], "values": "who: inline\nshow: {big: 12345678}\n", **parameters("only.a=2", "only.z=3")},
        (*files("values/a.yaml", "given.yaml"), *sets("only.a=2,only.z=3")),
    ),
    "value-files-with-dots-and-from-the-root": (
        {"valueFiles": ["./values/../values/a.yaml", "/values/shared.yaml"]},
        files("values/a.yaml", "../../values/shared.yaml"),
    ),
    "value-files-by-pattern": ({"valueFiles": ["values/*.yaml"]}, files("values/a.yaml", "values/b.yaml", "values/comment.yaml", "values/empty.yaml", "values/no-newline.yaml", "values/nulls.yaml")),
    "value-files-by-pattern-in-depth": (
        {"valueFiles": ["values/**/[a-d].y*ml"]},
        files("values/a.yaml", "values/b.yaml", "values/c.yml", "values/deep/d.yaml"),
    ),
    "a-pattern-and-one-of-its-files": ({"valueFiles": ["values/[ab].yaml", "values/a.yaml"]}, files("values/b.yaml", "values/a.yaml")),
    "value-files-without-content": ({"valueFiles": ["values/empty.yaml", "values/comment.yaml", "values/no-newline.yaml"]}, files("values/empty.yaml", "values/comment.yaml", "values/no-newline.yaml")),
    "missing-value-files-ignored": ({"valueFiles": ["values/none.yaml", "values/a.yaml"], "ignoreMissingValueFiles": True}, files("values/a.yaml")),
    "a-missing-value-file": ({"valueFiles": ["values/none.yaml"]}, files("values/none.yaml")),
    "nulls-in-a-value-file": ({"valueFiles": ["values/nulls.yaml"]}, files("values/nulls.yaml")),
    "nulls-under-other-values": ({"valueFiles": ["values/nulls.yaml"], **parameters("gone=2", "map.x=3")}, (*files("values/nulls.yaml"), *sets("gone=2,map.x=3"))),
    "an-index-into-null": ({"valueFiles": ["values/nulls.yaml"], **parameters("list[1]=x")}, (*files("values/nulls.yaml"), *sets("list[1]=x"))),
    "null-parameters": (parameters("gone=null", "map.x=null", "sub.v=null", "show.new=null"), sets("gone=null,map.x=null,sub.v=null,show.new=null")),
    "typed-parameters": (parameters(*TYPED), sets(*TYPED)),
    "lists-as-parameters": (parameters(*LISTS), sets(*LISTS)),
    "names-of-parameters": (parameters(*NAMES), sets(*NAMES)),
    "parameters-with-commas": (parameters("show.a=x,y", r"show.b=x\,y", "show.c=x,y=z"), sets(r"show.a=x\,y", r"show.b=x\,y", r"show.c=x\,y=z")),
    "a-parameter-twice": (parameters("who=first", "who=second"), sets("who=second")),
    "forced-strings": (
        parameters(forced=["show.tag=20240115", "show.true=true", "show.nil=null", "show.list={1,2}", "show.empty=", "show.zero=0"]),
        tuple(item for text in ("show.tag=20240115", "show.true=true", "show.nil=null", "show.list={1,2}", "show.empty=", "show.zero=0") for item in ("--set-string", text)),
    ),
    "plain-and-forced": (parameters("show.n=8", forced=["show.n=8"]), (*sets("show.n=8"), "--set-string", "show.n=8")),
    "whole-numbers-reach-subcharts-and-globals": (
        parameters("sub.show.n=20240115", "global.n=20240116", "global.deep.n=20240117", "sub.global.m=20240118"),
        sets("sub.show.n=20240115", "global.n=20240116,global.deep.n=20240117,sub.global.m=20240118"),
    ),
    "file-parameters": ({"fileParameters": [{"name": "show.text", "path": "text.txt"}, {"name": r"show.a\.b", "path": "values/a.yaml"}]}, ("--set-file", "show.text=text.txt", "--set-file", r"show.a\.b=values/a.yaml")),
    "file-parameters-win": ({**parameters("show.x=1", forced=["show.x=2"]), "fileParameters": [{"name": "show.x", "path": "text.txt"}]}, (*sets("show.x=1"), "--set-string", "show.x=2", "--set-file", "show.x=text.txt")),
    "release-name": ({"releaseName": "other.name"}, ("--name-template", "other.name")),
    "release-name-too-long": ({"releaseName": "x" * 54}, ("--name-template", "x" * 54)),
    "namespace": ({"namespace": "elsewhere"}, ("--namespace", "elsewhere")),
    "kube-version": ({"kubeVersion": "1.29.3"}, ("--kube-version", "1.29.3")),
    "kube-version-of-a-provider": ({"kubeVersion": "v1.29.3-gke.1234+x"}, ("--kube-version", "1.29.3")),
    "kube-version-short": ({"kubeVersion": "1.30"}, ("--kube-version", "1.30.0")),
    "api-versions": ({"apiVersions": ["example.com/v1"]}, ("--api-versions", "example.com/v1")),
    "skip-tests": ({"skipTests": True}, ("--skip-tests",)),
    "skip-crds": ({"skipCrds": True}, ()),
    "a-parameter-without-a-name": (parameters("=x"), sets("=x")),
    "a-parameter-into-a-text": (parameters("who.x=1"), sets("who.x=1")),
    "a-parameter-into-a-number-of-a-file": ({"valueFiles": ["values/a.yaml"], **parameters("who.x=1")}, (*files("values/a.yaml"), *sets("who.x=1"))),
    "a-parameter-into-a-list-of-a-file": ({"valueFiles": ["values/a.yaml"], **parameters("list.x=1")}, (*files("values/a.yaml"), *sets("list.x=1"))),
    "an-index-into-a-map": ({"valueFiles": ["values/a.yaml"], **parameters("only[0]=1")}, (*files("values/a.yaml"), *sets("only[0]=1"))),
    "a-list-that-does-not-end": (parameters("show.x={a"), sets("show.x={a")),
    "a-bad-index": (parameters("list[x]=1"), sets("list[x]=1")),
    "a-negative-index": (parameters("list[-1]=1"), sets("list[-1]=1")),
    "inline-values-that-are-no-mapping": ({"values": "- a\n"}, files("text.txt")),
    "inline-values-that-are-no-yaml": ({"values": "a: [\n"}, files("../strict/values.schema.json", "text.txt")),
    "a-value-file-that-is-no-yaml": ({"valueFiles": ["templates/show.yaml"]}, files("templates/show.yaml")),
    "a-kube-version-that-is-none": ({"kubeVersion": "newest"}, ("--kube-version", "newest")),
    "a-parameter-into-null": ({"valueFiles": ["values/nulls.yaml"], **parameters("gone.x=1")}, (*files("values/nulls.yaml"), *sets("gone.x=1"))),
    "null-in-a-list-replaced": ({"valuesObject": {"only": {"object": 1}, "list": [1, "2", None, {"x": 1.5}]}, **parameters("list[2].a=7", "list[3].x=8", "list[0].z=1")}, (*files("object.yaml"), *sets("list[2].a=7", "list[3].x=8", "list[0].z=1"))),
    "an-index-into-a-number": ({"valuesObject": {"only": {"object": 1}, "list": [1, "2", None, {"x": 1.5}]}, **parameters("list[0][1]=9")}, (*files("object.yaml"), *sets("list[0][1]=9"))),
    "a-backslash-at-the-end": (parameters("show.a=x\\"), sets("show.a=x\\")),
    "an-empty-parameter-list": ({"parameters": [], "fileParameters": [], "valueFiles": []}, ()),
}  # fmt: skip
SCHEMA_CASES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "schema": ({}, ()),
    "skip-schema-validation": ({"skipSchemaValidation": True}, ("--skip-schema-validation",)),
}


@pytest.fixture(scope="module")
def results(run_pairs):
    pairs = [Pair(name, "charts/probe", helm, flags, not helm.get("skipCrds")) for name, (helm, flags) in CASES.items()]
    pairs += [Pair(name, "charts/strict", *case) for name, case in SCHEMA_CASES.items()]
    return run_pairs(FILES | STRICT, pairs)


@pytest.mark.parametrize("name", [*CASES, *SCHEMA_CASES])
def test_option(name, results):
    assert results.differences.get(name, "") == ""


def test_our_second_implementation_gives_the_same(results):
    assert results.differences_of_second() == {}
