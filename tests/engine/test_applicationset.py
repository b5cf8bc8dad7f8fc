"""ApplicationSets make the Applications that Argo CD would make, or say why that cannot be known."""

from __future__ import annotations

import pytest

from previews.engine.discover.applicationsets.parameters import fill, normalise, printed
from previews.engine.errors import NotRendered, RenderFailed
from tests.conftest import run_preview
from tests.engine.fleets import ADDRESS, CONFIGMAP, chart

HEAD = "refs/pull/1/head"
CONFIG = f"""version: 1
addresses: [{ADDRESS}]
clusters:
  - {{name: seoul-1, servers: ["https://10.0.0.1"], labels: {{stage: prod, region: kr}}}}
  - {{name: tokyo-1, servers: ["https://10.0.0.2"], labels: {{stage: test, region: jp}}}}
generators:
  recorded: [{{branch: feature, number: "12"}}]
"""
CHARTS = chart("charts/web", {"config.yaml": CONFIGMAP}) | chart("charts/api", {"config.yaml": CONFIGMAP})


def application_set(
    generators: str, name: str = "{{name}}-web", path: str = "charts/web", more: str = "", own: str = "web"
):
    return f"""apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {{name: {own}, namespace: argocd}}
spec:
{more}  generators:
{generators}
  template:
    metadata: {{name: '{name}'}}
    spec:
      project: default
      destination: {{server: '{{{{server}}}}', namespace: apps}}
      source:
        repoURL: {ADDRESS}
        targetRevision: main
        path: '{path}'
        helm: {{parameters: [{{name: text, value: 'on {{{{name}}}}'}}]}}
"""


@pytest.fixture
def preview(git, bench):
    """Cells that the given files add, and the notes."""

    def run(base, head=None):
        git.commit({"astrolabe.yaml": CONFIG, **CHARTS, **(base if head is not None else {})})
        git.commit(base if head is None else head, ref=HEAD, start="refs/heads/main")
        prepared, cells = run_preview(bench(), HEAD)
        return cells, "\n".join(prepared.notes)

    return run


def added(cells):
    return {place: (cell.name, cell.yaml) for place, cell in cells.items()}


def test_clusters_by_label(preview):
    selector = "  - clusters: {selector: {matchLabels: {stage: prod}}}"
    cells, _ = preview({"set.yaml": application_set(selector)})
    assert added(cells) == {("seoul-1", "web"): ("seoul-1-web", "added")}


def test_without_a_selector_the_local_cluster_is_one_too(preview):
    cells, _ = preview({"set.yaml": application_set("  - clusters: {}")})
    assert set(cells) == {("seoul-1", "web"), ("tokyo-1", "web"), ("in-cluster", "web")}


@pytest.mark.parametrize(
    ("expression", "clusters"),
    [
        ("{key: stage, operator: In, values: [test]}", {"tokyo-1"}),
        ("{key: stage, operator: NotIn, values: [test]}", {"seoul-1"}),
        ("{key: region, operator: Exists}", {"seoul-1", "tokyo-1"}),
        ("{key: region, operator: DoesNotExist}", set()),
    ],
)
def test_selectors(preview, expression, clusters):
    generator = f"  - clusters: {{selector: {{matchExpressions: [{expression}]}}}}"
    cells, _ = preview({"set.yaml": application_set(generator)})
    assert {cluster for cluster, _ in cells} == clusters


def test_a_list_with_values_and_a_name_for_each(preview):
    elements = "  - list: {elements: [{name: a, server: 'https://10.0.0.1'}, {name: b, server: 'https://10.0.0.1'}]}"
    cells, _ = preview({"set.yaml": application_set(elements)})
    # Two on one cluster: the row is each Application's own name.
    assert set(cells) == {("seoul-1", "a-web"), ("seoul-1", "b-web")}


def test_git_directories_with_an_exclusion_on_every_cluster(preview):
    matrix = f"""  - matrix:
      generators:
      - git: {{repoURL: {ADDRESS}, revision: main, directories: [{{path: charts/*}}, {{path: charts/api, exclude: true}}]}}
      - clusters: {{selector: {{matchLabels: {{stage: prod}}}}}}"""
    text = application_set(matrix, name="{{path.basename}}-{{name}}", path="{{path}}", own="all")
    cells, _ = preview({"set.yaml": text})
    assert added(cells) == {("seoul-1", "all"): ("web-seoul-1", "added")}


def test_git_files_flatten_what_they_hold(preview):
    files = f"  - git: {{repoURL: {ADDRESS}, revision: main, files: [{{path: 'apps/*.json'}}]}}"
    text = application_set(files, name="{{app.name}}-{{path.basename}}-{{path.filenameNormalized}}")
    text = text.replace("{{server}}", "{{app.server}}")
    head = {"set.yaml": text, "apps/x/a.json": '{"app": {"name": "one", "server": "https://10.0.0.2"}}'}
    cells, _ = preview(head)
    assert {cell.name for cell in cells.values()} == {"one-x-a.json"}


def test_merge_overrides_by_key_and_only_what_the_base_has(preview):
    merge = """  - merge:
      mergeKeys: [server]
      generators:
      - list: {elements: [{name: a, server: 'https://10.0.0.1'}, {name: b, server: 'https://10.0.0.2'}]}
      - list: {elements: [{name: z, server: 'https://10.0.0.2'}, {name: none, server: 'https://10.0.0.9'}]}"""
    cells, _ = preview({"set.yaml": application_set(merge)})
    assert {cell.name for cell in cells.values()} == {"a-web", "z-web"}


def test_the_matrix_second_generator_sees_the_first_ones_parameters(preview):
    matrix = f"""  - matrix:
      generators:
      - clusters: {{selector: {{matchLabels: {{stage: prod}}}}, values: {{folder: 'charts/*'}}}}
      - git: {{repoURL: {ADDRESS}, revision: main, directories: [{{path: '{{{{values.folder}}}}'}}]}}"""
    cells, _ = preview({"set.yaml": application_set(matrix, name="{{path.basename}}-{{name}}", path="{{path}}")})
    assert {cell.name for cell in cells.values()} == {"api-seoul-1", "web-seoul-1"}


def test_recorded_parameters_stand_for_the_outside_world(preview):
    generator = "  - pullRequest: {github: {owner: x, repo: y}}"
    text = application_set(generator, name="pr-{{number}}", own="recorded")
    cells, _ = preview({"set.yaml": text.replace("'{{server}}'", "https://10.0.0.1")})
    assert {cell.name for cell in cells.values()} == {"pr-12"}


@pytest.mark.parametrize(
    ("generator", "more", "message"),
    [
        ("  - scmProvider: {github: {}}", "", "the scmProvider generator asks the outside world"),
        ("  - clusters: {}", "  goTemplate: true\n", 'function "server" not defined'),
        ("  - git: {repoURL: 'https://else.where/x', directories: [{path: '*'}]}", "", "is another repository"),
        ("  - list: {elements: [{name: 1}]}", "", "only texts"),
        ("  - merge: {generators: [{clusters: {}}, {clusters: {}}]}", "", "mergeKeys is missing"),
        ("  - matrix: {generators: [{clusters: {}}]}", "", "it takes 2"),
    ],
)
def test_what_cannot_be_known_is_said_and_never_a_removal(preview, generator, more, message):
    good = application_set("  - clusters: {selector: {matchLabels: {stage: prod}}}")
    cells, notes = preview({"set.yaml": good}, {"set.yaml": application_set(generator, more=more)})
    assert message in notes
    assert {cell.yaml for cell in cells.values()} == {"failed"}
    assert message in cells["seoul-1", "web"].error.message


def test_a_change_of_the_set_moves_its_applications(preview):
    one = application_set("  - clusters: {selector: {matchLabels: {stage: prod}}}")
    cells, _ = preview(
        {"set.yaml": one}, {"set.yaml": one.replace("matchLabels: {stage: prod}", "matchLabels: {stage: test}")}
    )
    assert {place: cell.yaml for place, cell in cells.items()} == {
        ("seoul-1", "web"): "removed",
        ("tokyo-1", "web"): "added",
    }


def test_unknown_tags_stay_and_only_texts_are_filled():
    template = {"a": "{{ x }}-{{y}}", "b": ["{{x}}", 1, True], "{{x}}": None}
    assert fill(template, {"x": "1"}) == {"a": "1-{{y}}", "b": ["1", 1, True], "1": None}


@pytest.mark.parametrize(
    ("value", "text"),
    [(123456789, "1.23456789e+08"), (8080, "8080"), (1000000, "1e+06"), (1.5, "1.5"), (0, "0"), (0.00001, "1e-05"),
     (True, "true"), (None, "<nil>"), ("x", "x"), (-42, "-42")],
)  # fmt: skip
def test_values_print_as_go_prints_them(value, text):
    assert printed(value) == text


def test_names_are_normalised_as_argo_cd_does():
    assert normalise("My_Cluster.Name-") == "my-cluster.name"


def one_cluster(names: str, more: str = "") -> str:
    elements = ", ".join(f"{{name: {name}, server: 'https://10.0.0.1'}}" for name in names)
    return application_set(f"  - list: {{elements: [{elements}]}}", more=more)


@pytest.mark.parametrize(
    ("sync", "removed", "changed"),
    [
        ("create-only", "deletes no Application: this one stays", "updates no Application"),
        ("create-update", "deletes no Application: this one stays", ""),
        ("create-delete", "", "updates no Application"),
        ("sync", "", ""),
    ],
)
def test_what_a_sets_policy_would_not_do_is_said_on_the_cell(preview, sync, removed, changed):
    policy = f"  syncPolicy: {{applicationsSync: {sync}}}\n"
    head = one_cluster("ac", policy).replace("namespace: apps", "namespace: other")
    cells, _ = preview({"set.yaml": one_cluster("ab", policy)}, {"set.yaml": head})
    notes = {cell.name: " ".join(cell.notes) for cell in cells.values()}
    assert set(notes) == {"a-web", "b-web", "c-web"}
    assert (removed in notes["b-web"], changed in notes["a-web"], notes["c-web"]) == (True, True, "")
    assert bool(notes["b-web"]) == bool(removed)
    assert bool(notes["a-web"]) == bool(changed)


def test_resources_that_outlive_their_application_are_told(preview):
    policy = "  syncPolicy: {preserveResourcesOnDeletion: true}\n"
    cells, _ = preview({"set.yaml": one_cluster("ab", policy)}, {"set.yaml": None})
    why, what = (
        "ApplicationSet web (preserveResourcesOnDeletion): the resources stay in the cluster",
        "the Application has no resources-finalizer: what it made is not deleted with it, but orphaned",
    )
    assert [cell.notes for cell in cells.values()] == [(why, what), (why, what)]


def test_names_that_argo_cd_drops_are_told(preview):
    text = one_cluster("ab").replace("'{{name}}-web'", "same")
    cells, notes = preview({"set.yaml": text})
    assert {cell.name for cell in cells.values()} == {"same"}
    assert "ApplicationSet web: Application same is made more than once: only the first one counts" in notes
    _, notes = preview({"x": "y"}, {"set.yaml": text.replace("name: 'same'", "").replace("name: same", "")})
    assert "an Application without a name is left out" in notes


@pytest.mark.parametrize(
    "field",
    ["generators: 5", "generators: [5]", "generators: [{list: x}]", "generators: [{list: {elements: {}}}]",
     "generators: [{git: {directories: 5}}]", "generators: [{git: {}}]", "generators: [{clusters: {selector: x}}]",
     "generators: [{clusters: {values: x}}]", "generators: [{matrix: {generators: 1}}]", "template: 5\n  generators: [{list: {elements: [{a: b}]}}]",
     "generators: [{list: {elements: [{name: a}]}, selector: {matchLabels: x}}]", "syncPolicy: x",
     "generators: [{merge: {mergeKeys: 1, generators: [{clusters: {}}, {clusters: {}}]}}]", "generators: [{x: {}}]",
     "goTemplate: true\n  goTemplateOptions: 1", "generators: [{list: {elementsYaml: 'a: b'}}]"],
)  # fmt: skip
def test_a_field_of_another_shape_is_an_error_of_its_set_alone(preview, field):
    document = f"apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {{name: odd}}\nspec:\n  {field}\n"
    cells, notes = preview({"odd.yaml": document, "good.yaml": one_cluster("a")})
    assert "odd.yaml: ApplicationSet odd: " in notes
    assert {cell.name for cell in cells.values()} == {"a-web"}


def test_fasttemplate_knows_texts_only_and_wants_ends():
    assert fill("{{a}} {{ b }} {{c}} {{}}", {"a": "{{b}}", "b": 1}) == "{{b}} {{ b }} {{c}} {{}}"
    assert fill("{{a\n}}", {"a": "1"}) == "{{a\n}}"
    with pytest.raises(RenderFailed, match="tag without an end"):
        fill("{{a}} {{b", {"a": "1"})
    with pytest.raises(NotRendered, match="longer than"):
        fill("{{a}}" * 3000, {"a": "x" * 2000})
