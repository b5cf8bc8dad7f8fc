"""The generators of goTemplate sets, with structured parameters; alone, and in matrix and merge."""

from __future__ import annotations

import pytest

from previews.engine.errors import NotRendered, RenderFailed
from tests.engine.fleets import ADDRESS, SET_CONFIG

STRICT = "goTemplateOptions: [missingkey=error]"


def test_git_folders_have_their_parts(made):
    apps = made(
        f"""
goTemplate: true
{STRICT}
generators:
- git:
    repoURL: {ADDRESS}
    revision: HEAD
    directories: [{{path: 'apps/*/*'}}, {{path: 'apps/*/no_*', exclude: true}}]
    values: {{where: '{{{{ index .path.segments 1 }}}}'}}
template:
  metadata: {{name: '{{{{ .path.basenameNormalized }}}}'}}
  spec: {{project: '{{{{ .values.where }}}} {{{{ .path.path }}}} {{{{ .path.basename }}}} {{{{ len .path.segments }}}}'}}
""",
        {"apps/a/My_App/x": "", "apps/a/no_app/x": "", "apps/a/.hidden/x": "", "apps/a/b/c/d": ""},
    )
    assert {name: app["spec"]["project"] for name, app in apps.items()} == {
        "my-app": "a apps/a/My_App My_App 3",
        "b": "a apps/a/b b 3",
    }


def test_git_files_keep_their_structure_and_prefix(made):
    apps = made(
        f"""
goTemplate: true
generators:
- git:
    repoURL: {ADDRESS}
    revision: HEAD
    pathParamPrefix: my
    files: [{{path: '**/config.json'}}, {{path: 'conf/skip/*', exclude: true}}]
    values: {{tag: 'v{{{{ .version }}}}'}}
template:
  metadata: {{name: '{{{{ .app.name }}}}'}}
  spec: {{project: '{{{{ .my.path.filename }}}} {{{{ .my.path.path }}}} {{{{ .app.hosts }}}} {{{{ .values.tag }}}} {{{{ .id }}}}'}}
""",
        {
            "conf/one/config.json": '{"app": {"name": "one", "hosts": ["a", "b"]}, "version": 1, "id": 123456789}',
            "conf/two/config.json": '[{"app": {"name": "two"}}, {"app": {"name": "three"}, "values": "gone"}]',
            "conf/skip/config.json": '{"app": {"name": "skipped"}}',
            "config.json": "",
        },
    )
    assert {name: app["spec"]["project"] for name, app in apps.items()} == {
        "one": "config.json conf/one [a b] v1 1.23456789e+08",
        "two": "config.json conf/two <no value> v<no value> <no value>",
        "three": "config.json conf/two <no value> v<no value> <no value>",
    }


@pytest.mark.parametrize(
    ("kind", "pattern", "found"),
    [
        ("directories", "a/*", {"a/b", "a/c"}),
        ("directories", "a/**", {"a/b", "a/c"}),
        ("directories", "a/[^b]", {"a/c"}),
        ("directories", "*/b/?", {"a/b/d"}),
        ("directories", "/a/*", set()),
        ("directories", "a/[z-a]", set()),
        ("files", "a", {"a/b", "a/b/d", "a/c", "a/.h"}),
        ("files", "a/*.json", {"a/b", "a/b/d", "a/c"}),
        ("files", "**/b/*.json", {"a/b", "a/b/d"}),
        ("files", "?.json", {"."}),
        ("files", "{a,b}/*.json", set()),
    ],
)
def test_patterns_match_as_those_of_go_and_git(made, kind, pattern, found):
    spec = f"""
generators: [{{git: {{repoURL: {ADDRESS}, revision: HEAD, {kind}: [{{path: '{pattern}'}}]}}}}]
template: {{metadata: {{name: '{{{{path}}}}'}}}}
"""
    files = {"a/b/1.json": "{}", "a/b/d/1.json": "{}", "a/c/1.json": "{}", "a/.h/x": "", "x.json": "{}"}
    assert set(made(spec, files)) == found


CLUSTERS = """
goTemplate: true
goTemplateOptions: [missingkey=error]
generators:
- clusters: {selector: {matchLabels: {stage: dev}}, values: {v: 'at {{ .server }}'}}
template:
  metadata: {name: '{{ .nameNormalized }}', labels: {'{{ index .metadata.labels "stage" }}': '{{ .metadata.labels.stage }}'}}
  spec: {project: '{{ .project }} {{ index .metadata.annotations "team/owner" }} {{ .values.v }}'}
"""


def test_clusters_have_labels_annotations_and_a_project(made):
    app = made(CLUSTERS)["engineering-dev"]
    assert app["metadata"]["labels"] == {"dev": "dev"}
    assert app["spec"]["project"] == "dev ann at https://1.2.3.4"


SECRET = """apiVersion: v1
kind: Secret
metadata:
  name: found
  labels: {argocd.argoproj.io/secret-type: cluster, stage: dev}
  annotations: {team/owner: bob}
stringData: {name: Found_1, project: p}
data: {server: aHR0cHM6Ly8xMC4xLjEuMQ==}
"""


def test_plain_cluster_secrets_of_the_tree_are_clusters_and_need_no_config(made):
    apps = made(
        CLUSTERS, {"argocd/cluster.yaml": SECRET, "broken.yaml": "secret-type: [argocd.argoproj.io/secret-type"}
    )
    assert set(apps) == {"engineering-dev", "found-1"}
    assert apps["found-1"]["spec"]["project"] == "p bob at https://10.1.1.1"
    only = made(CLUSTERS, config=f"version: 1\naddresses: [{ADDRESS}]\n")
    assert set(only) == {"found-1"}


def test_a_secret_for_the_local_cluster_takes_its_place(made):
    secret = SECRET.replace("aHR0cHM6Ly8xMC4xLjEuMQ==", "aHR0cHM6Ly9rdWJlcm5ldGVzLmRlZmF1bHQuc3Zj")
    everywhere = CLUSTERS.replace("selector: {matchLabels: {stage: dev}}, ", "").replace("matchLabels", "x")
    everywhere = everywhere.replace("{{ .metadata.labels.stage }}", "x").replace(
        '{{ index .metadata.labels "stage" }}', "y"
    )
    everywhere = everywhere.replace('{{ index .metadata.annotations "team/owner" }}', "")
    assert set(made(everywhere)) == {"engineering-dev", "prod", "in-cluster"}
    assert set(made(everywhere, {"argocd/cluster.yaml": secret})) == {"engineering-dev", "prod", "found-1"}


def test_a_flat_list_is_one_set_of_parameters(made):
    apps = made("""
goTemplate: true
generators:
- clusters: {flatList: true, selector: {matchExpressions: [{key: stage, operator: Exists}]}}
template:
  metadata: {name: all}
  spec: {project: '{{ range .clusters }}{{ .name }}={{ .server }};{{ end }}'}
""")
    assert apps["all"]["spec"]["project"] == "engineering_dev=https://1.2.3.4;prod=https://2.4.6.8;"


def test_a_matrix_merges_deeply_and_the_first_generator_wins(made):
    apps = made("""
goTemplate: true
generators:
- matrix:
    generators:
    - list: {elements: [{name: x, deep: {a: first}}]}
    - list: {elements: [{name: w, deep: {a: second, b: second}}]}
template:
  metadata: {name: '{{ .name }}'}
  spec: {project: '{{ .deep.a }} {{ .deep.b }}'}
""")
    assert apps["x"]["spec"]["project"] == "first second"


def test_a_matrix_of_folders_without_prefix_keeps_the_first_ones_path(made):
    git = f"- git: {{repoURL: {ADDRESS}, revision: HEAD, directories: [{{path: '%s/*'}}]}}"
    spec = f"""
goTemplate: true
generators:
- matrix:
    generators:
    {git % "a"}
    {git % "b"}
template:
  metadata: {{name: '{{{{ .path.basename }}}}'}}
"""
    files = {"a/one/x": "", "b/two/x": ""}
    assert set(made(spec, files)) == {"one"}
    with pytest.raises(RenderFailed, match="both generators give path"):
        made(spec.replace("goTemplate: true", ""), files)


def test_the_documentations_elements_from_a_file(made):
    apps = made(
        f"""
goTemplate: true
{STRICT}
generators:
- matrix:
    generators:
    - git: {{repoURL: {ADDRESS}, revision: HEAD, files: [{{path: 'list.yaml'}}]}}
    - list: {{elementsYaml: '{{{{ .key.components | toJson }}}}'}}
template:
  metadata: {{name: '{{{{ .name }}}}'}}
  spec: {{project: '{{{{ .chart }}}} {{{{ .version }}}}'}}
""",
        {
            "list.yaml": "key: {components: [{name: c1, chart: podinfo, version: 1.10}, {name: c2, chart: q, version: '2'}]}"
        },
    )
    assert {name: app["spec"]["project"] for name, app in apps.items()} == {"c1": "podinfo 1.1", "c2": "q 2"}


def test_the_second_generators_values_may_use_either_ones_parameters(made):
    apps = made(f"""
goTemplate: true
{STRICT}
generators:
- matrix:
    generators:
    - list: {{elements: [{{name: x}}, {{name: w}}]}}
    - clusters:
        selector: {{matchLabels: {{stage: '{{{{ if eq .name "x" }}}}dev{{{{ else }}}}prod{{{{ end }}}}'}}}}
        values: {{own: '{{{{ .server }}}}', first: 'of {{{{ .name }}}}'}}
template:
  metadata: {{name: '{{{{ .name }}}}'}}
  spec: {{project: '{{{{ .values.own }}}} {{{{ .values.first }}}}'}}
""")
    assert {name: app["spec"]["project"] for name, app in apps.items()} == {
        "x": "https://1.2.3.4 of x",
        "w": "https://2.4.6.8 of w",
    }


def test_a_matrix_within_a_matrix_and_no_deeper(made):
    inner = "matrix: {generators: [{list: {elements: [{b: '1'}, {b: '2'}]}}, {list: {elements: [{c: '{{ .a }}{{ .b }}'}]}}]}"
    outer = "goTemplate: true\ngenerators:\n- matrix: {generators: [{list: {elements: [{a: x}]}}, {%s}]}\n"
    template = "template: {metadata: {name: '{{ .c }}'}}\n"
    assert set(made(outer % inner + template)) == {"x1", "x2"}
    deeper = inner.replace("{list: {elements: [{b: '1'}, {b: '2'}]}}", f"{{{inner}}}")
    with pytest.raises(RenderFailed, match="nested once"):
        made(outer % deeper + template)


def test_merge_overrides_deeply_by_keys_of_the_first_level(made):
    spec = """
goTemplate: true
generators:
- merge:
    mergeKeys: [name]
    generators:
    - list: {elements: [{name: x, deep: {a: base, b: base}}, {name: w, deep: {a: base, b: base}}]}
    - list: {elements: [{name: x, deep: {a: over}}, {name: none, deep: {a: no}}]}
template:
  metadata: {name: '{{ .name }}'}
  spec: {project: '{{ .deep.a }} {{ .deep.b }}'}
"""
    assert {name: app["spec"]["project"] for name, app in made(spec).items()} == {"x": "over base", "w": "base base"}
    with pytest.raises(RenderFailed, match="stands twice"):
        made(spec.replace("[name]", "[deep.a]"))


def test_a_selector_sees_flattened_parameters(made):
    spec = """
goTemplate: true
generators:
- list: {elements: [{name: x, at: {a: [eu, us]}}, {name: w, at: {a: [us]}}]}
  selector: {matchLabels: {at.a.0: eu}}
template: {metadata: {name: '{{ .name }}'}}
"""
    assert set(made(spec)) == {"x"}


def test_two_kinds_in_one_entry_both_run_but_not_within_a_matrix(made):
    both = "list: {elements: [{name: x}]}, clusters: {selector: {matchLabels: {stage: prod}}}"
    template = "template: {metadata: {name: '{{ .name }}'}}\ngoTemplate: true\n"
    assert set(made(f"generators: [{{{both}}}]\n{template}")) == {"x", "prod"}
    with pytest.raises(RenderFailed, match="must be of one kind, not list, clusters"):
        made(f"generators: [{{matrix: {{generators: [{{{both}}}, {{list: {{elements: [{{}}]}}}}]}}}}]\n{template}")


def test_recorded_parameters_by_place_within_a_matrix(made):
    spec = f"""
goTemplate: true
{STRICT}
generators:
- matrix:
    generators:
    - pullRequest: {{github: {{owner: o, repo: r}}, values: {{v: 'pr-{{{{ .number }}}}'}}}}
    - plugin: {{configMapRef: {{name: c}}, input: {{parameters: {{k: asked}}}}}}
template:
  metadata: {{name: '{{{{ .values.v }}}}-{{{{ .deep.answer }}}}'}}
  spec: {{project: '{{{{ .labels | join "," }}}} {{{{ .generator.input.parameters.k }}}}'}}
"""
    with pytest.raises(NotRendered, match=r'pullRequest.*generators: \{argocd/set: \{"0/0": .*number, title, branch'):
        made(spec)
    both = "generators: {argocd/set: {0/0: [{number: 1234567, labels: [a, b]}], 0/1: [{deep: {answer: 42}}]}}\n"
    app = made(spec, config=SET_CONFIG + both)["pr-1234567-42"]
    assert app["spec"]["project"] == "a,b asked"
    with pytest.raises(NotRendered, match=r'plugin generator asks .*"0/1"'):
        made(spec, config=SET_CONFIG + "generators: {set: {0/0: [{number: 1}]}}\n")
