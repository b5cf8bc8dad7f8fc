"""goTemplate sets make the Applications that Argo CD would make: its documentation's examples, and Go's own habits."""

from __future__ import annotations

import json

import pytest

from previews.engine.errors import NotRendered, RenderFailed
from previews.engine.yamls import dump
from tests.engine.fleets import ADDRESS

STRICT = "goTemplateOptions: [missingkey=error]"


def spec_of(elements: str, template: str, options: str = "", more: str = "") -> str:
    return f"""goTemplate: true
{options}
generators:
- list: {{elements: {elements}}}
template:
  metadata: {{name: '{{{{ .name }}}}'}}
  spec: {template}
{more}"""


@pytest.fixture
def text(made):
    """What one template gives for one element of a list."""

    def run(template: str, element: dict[str, object], options: str = ""):
        spec = spec_of(json.dumps([{"name": "x", **element}]), json.dumps({"project": template}), options)
        return made(spec)["x"]["spec"]["project"]

    return run


def test_the_documentations_basic_example(made):
    apps = made(f"""
goTemplate: true
{STRICT}
generators:
- list:
    elements:
    - {{cluster: engineering-dev, url: "https://1.2.3.4"}}
    - {{cluster: engineering-prod, url: "https://2.4.6.8"}}
template:
  metadata: {{name: '{{{{.cluster}}}}-guestbook'}}
  spec:
    project: my-project
    source: {{repoURL: "{ADDRESS}", targetRevision: HEAD, path: 'guestbook/{{{{.cluster}}}}'}}
    destination: {{server: '{{{{.url}}}}', namespace: guestbook}}
""")
    assert list(apps) == ["engineering-dev-guestbook", "engineering-prod-guestbook"]
    assert apps["engineering-prod-guestbook"]["spec"]["source"]["path"] == "guestbook/engineering-prod"
    assert apps["engineering-prod-guestbook"]["metadata"] == {
        "name": "engineering-prod-guestbook",
        "namespace": "argocd",
        "finalizers": ["resources-finalizer.argocd.argoproj.io"],
    }


def test_the_documentations_fallback_for_unset_parameters(text):
    template = '{{.cluster}}{{dig "nameSuffix" "" .}}'
    assert text(template, {"cluster": "dev"}, STRICT) == "dev"
    assert text(template, {"cluster": "prod", "nameSuffix": "-mine"}, STRICT) == "prod-mine"


def test_the_documentations_slugs(text):
    branch = {"branch": "feature/Some_very.long-branch-name-that-goes-on-and-on"}
    assert text("{{ cat .branch | slugify }}", branch) == "feature-some-very-long-branch-name-that-goes-on"
    assert text("{{ cat .branch | slugify 23 }}", branch) == "feature-some-very-long"
    assert text("{{ cat .branch | slugify 50 false }}", branch) == "feature-some-very-long-branch-name-that-goes-on-an"
    assert text("{{ slugify 3 .branch | upper }}", branch) == "FEA"
    assert text("{{ normalize .branch }}", {"branch": "-Some_Branch.of/Mine."}) == "some-branch.of-mine"


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ .missing }}", "<no value>"),
        ("{{ .missing.deeper.still }}", "<no value>"),
        ('{{ default "d" .missing }}', "d"),
        ('{{ (split "-" "a-b")._1 }}{{ (split "-" "a")._1 }}', "b<no value>"),
        (
            "{{ .big }} {{ .quoted }} {{ .small }} {{ .list }} {{ .map }}",
            "1.23456789e+08 123456789 8080 [1 x] map[a:1]",
        ),
        ("{{ .map | toYaml }}|{{ .map | toJson }}", 'a: 1|{"a":1}'),
        ('{{ (fromYaml "a: [b, c]").a | join "+" }}', "b+c"),
        ('{{ range $i, $e := fromYamlArray "[p, q]" }}{{ $i }}{{ $e }}{{ end }}', "0p1q"),
        ('{{ fromJson "[1, 2]" | join "," }}', "1,2"),
        ("{{ $m := .map }}{{ with .map }}{{ .a }}{{ $.small }}{{ $m.a }}{{ end }}", "180801"),
        ('{{ define "t" }}<{{ .a }}>{{ end }}{{ template "t" .map }}', "<1>"),
        ('{{ (semver "1.2.3").Minor }}', "2"),
        ('{{- /* nothing */ -}} {{ `{{ raw }}` }} {{- " }}" -}} ', "{{ raw }} }}"),
        ("no template", "no template"),
    ],
)
def test_go_templates_are_evaluated_as_go_does(text, template, expected):
    element = {"big": 123456789, "quoted": "123456789", "small": 8080, "list": [1, "x"], "map": {"a": 1}}
    assert text(template, element) == expected


@pytest.mark.parametrize(
    ("template", "options", "message"),
    [
        ("{{ .missing }}", STRICT, "template '{{ .missing }}': map has no entry for key \"missing\""),
        ("{{ .map.b.c }}", STRICT, 'map has no entry for key "b"'),
        ('{{ (split "-" "a")._1 }}', STRICT, 'map has no entry for key "_1"'),
        ("{{ .null.a }}", "", "nil pointer evaluating interface {}.a"),
        ("{{ .map.a.b }}", "", "can't evaluate field b in type float64"),
        ("{{ .missing.b }}", "goTemplateOptions: [missingkey=zero]", "nil pointer evaluating interface {}.b"),
        ('{{ include "x" . }}', "", 'function "include" not defined'),
        ('{{ printf "%s" (env "HOME") }}', "", 'function "env" not defined'),
        ('{{ "x" | getHostByName }}', "", 'function "getHostByName" not defined'),
        ("{{ tpl .name . }}", "", 'function "tpl" not defined'),
        ("{{ nonsense 1 }}", "", 'function "nonsense" not defined'),
        ('{{ fail "not so" }}', "", "template '{{ fail \"not so\" }}': not so"),
        ('{{ fromYaml "a: [" }}', "", "error converting YAML to JSON"),
        ("{{ slugify .map }}", "", "slugify takes"),
        ("{{ index .list 5 }}", "", "index out of range: 5"),
        ("{{ if .map }}", "", "unexpected EOF"),
        ("{{ .map", "", "unclosed"),
        ("{{ .map }}", "goTemplateOptions: [missingkey=maybe]", "unrecognized option: missingkey=maybe"),
    ],
)
def test_an_error_in_one_text_stops_the_whole_set(text, template, options, message):
    with pytest.raises(RenderFailed) as error:
        text(template, {"map": {"a": 1}, "null": None, "list": []}, options)
    assert message in str(error.value)
    assert "astrolabe" not in str(error.value)


def test_texts_do_not_see_each_others_definitions(made):
    template = {"project": '{{ define "t" }}one{{ end }}{{ template "t" }}', "x": '{{ define "t" }}two{{ end }}'}
    template["y"] = '{{ block "t" . }}three{{ end }}'
    spec = made(spec_of("[{name: x}]", json.dumps(template)))["x"]["spec"]
    assert (spec["project"], spec["x"], spec["y"]) == ("one", "", "three")


def test_keys_are_templates_and_other_values_are_not(made):
    template = {"{{ .name }}-{{ .name }}": {"n": 1, "b": True, "list": ["{{ .name }}", None]}}
    spec = made(spec_of("[{name: x}]", json.dumps(template)))["x"]["spec"]
    assert spec == {"x-x": {"n": 1, "b": True, "list": ["x", None]}}


PATCHED = """
goTemplate: true
generators:
- list:
    elements: [{name: x, autoSync: true, prune: true, valueFiles: [values.large.yaml, values.debug.yaml]}, {name: w}]
template:
  metadata: {name: '{{ .name }}', finalizers: [mine]}
  spec:
    project: default
    source: {path: p, helm: {valueFiles: [old.yaml], releaseName: r, valuesObject: {a: {b: 1}, l: 1}}}
templatePatch: |
  spec:
    project: stolen
    source:
      helm:
        releaseName: null
        valueFiles:
        {{- range $valueFile := .valueFiles }}
          - {{ $valueFile }}
        {{- end }}
  {{- if .autoSync }}
    syncPolicy:
      automated:
        prune: {{ .prune }}
  metadata: {finalizers: [more], labels: {p: '{{ .name }}'}}
  {{- end }}
"""


def test_the_documentations_template_patch(made):
    apps = made(PATCHED)
    spec = apps["x"]["spec"]
    assert spec["project"] == "default"
    assert spec["syncPolicy"] == {"automated": {"prune": True}}
    assert spec["source"]["path"] == "p"
    assert spec["source"]["helm"]["valueFiles"] == ["values.large.yaml", "values.debug.yaml"]
    assert "releaseName" not in spec["source"]["helm"]
    assert apps["x"]["metadata"]["finalizers"] == ["mine", "more"]
    assert apps["x"]["metadata"]["labels"] == {"p": "x"}
    assert "syncPolicy" not in apps["w"]["spec"]


def test_a_patch_inside_values_that_both_have_is_the_error_that_argo_cd_gives(made):
    patch = 'templatePatch: \'{"spec": {"source": {"helm": {"valuesObject": %s}}}}\'\n'
    spec = PATCHED.partition("templatePatch")[0]
    assert made(spec + patch % '{"l": 2, "n": {"x": 1}}')["x"]["spec"]["source"]["helm"]["valuesObject"]["l"] == 2
    with pytest.raises(RenderFailed, match="cannot merge a inside valuesObject"):
        made(spec + patch % '{"a": {"b": 2}}')


@pytest.mark.parametrize(
    ("patch", "error", "message"),
    [
        ("'[{op: add, path: /spec/x, value: 1}]'", NotRendered, "JSON patch"),
        ("'just text'", RenderFailed, "no mapping"),
        ("'a: ['", RenderFailed, "templatePatch: line"),
        ("'{metadata: {$deleteFromPrimitiveList/finalizers: [mine]}}'", NotRendered, "not evaluated"),
    ],
)
def test_a_patch_that_is_none_is_said(made, patch, error, message):
    with pytest.raises(error, match=message):
        made(PATCHED.partition("templatePatch")[0] + f"templatePatch: {patch}\n")


def test_a_generators_own_template_comes_first_and_the_sets_fills_its_gaps(made):
    apps = made("""
goTemplate: true
generators:
- list:
    elements: [{name: x}]
    template: {metadata: {labels: {own: 'yes'}}, spec: {project: '', source: {path: 'own/{{ .name }}'}}}
- matrix:
    generators:
    - list: {elements: [{name: w}], template: {spec: {project: ignored}}}
    - list: {elements: [{z: z}]}
template:
  metadata: {name: '{{ .name }}', labels: {own: 'no', theirs: 'yes'}}
  spec: {project: default, source: {path: theirs, targetRevision: main}}
""")
    assert apps["x"]["metadata"]["labels"] == {"own": "yes", "theirs": "yes"}
    assert apps["x"]["spec"] == {"project": "default", "source": {"path": "own/x", "targetRevision": "main"}}
    assert apps["w"]["spec"]["project"] == "default"


def test_no_parameters_leave_the_template_as_it_was_written(made):
    spec = "goTemplate: true\ngenerators: [{list: {elements: [{}]}}]\ntemplate: {metadata: {name: '{{ .x }}'}}\n"
    assert made(spec)["{{ .x }}"]["metadata"] == {"name": "{{ .x }}", "namespace": "argocd"}


def test_the_finalizer_is_left_to_the_template_and_the_policy(made):
    spec = spec_of("[{name: x}]", "{}", more="syncPolicy: {preserveResourcesOnDeletion: true}")
    assert "finalizers" not in made(spec)["x"]["metadata"]


def test_a_thousand_applications_from_a_thousand_files_take_a_moment(made):
    import time

    spec = f"""
goTemplate: true
{STRICT}
generators:
- git: {{repoURL: {ADDRESS}, revision: HEAD, files: [{{path: 'apps/*.yaml'}}]}}
template:
  metadata:
    name: '{{{{ .app.name | normalize }}}}'
    labels: {{a: '{{{{ .app.team }}}}', b: '{{{{ .path.filename }}}}', c: '{{{{ dig "x" "none" .app }}}}'}}
  spec:
    project: '{{{{ .app.team }}}}'
    destination: {{namespace: '{{{{ .app.name }}}}', server: 'https://{{{{ .app.server }}}}'}}
    source: {{path: '{{{{ .path.path }}}}/{{{{ index .path.segments 0 }}}}', helm: {{values: '{{{{ .app.values | toYaml }}}}'}}}}
"""
    values = {"replicas": 2, "hosts": [f"h{n}" for n in range(20)]}
    files = {
        f"apps/{n}.yaml": dump({"app": {"name": f"app-{n}", "team": "t", "server": "s", "values": values}})
        for n in range(1000)
    }
    made(spec)
    start = time.perf_counter()
    assert len(made(spec, files)) == 1000
    assert time.perf_counter() - start < 8
