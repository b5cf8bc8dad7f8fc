"""The value files that an instance reads: each by its name, in the order of Helm, with its texts where it differs."""

from __future__ import annotations

import pytest

from tests.conftest import run_preview
from tests.engine.fleets import ADDRESS, application, fleet
from tests.engine.flux.fleets import fleet as flux_fleet
from tests.engine.flux.fleets import release

HEAD = "refs/pull/1/head"


@pytest.fixture
def files(git, bench):
    """The value files of the planned cell of `web` on c1."""

    def run(base, head, **options):
        git.commit(base)
        git.commit(head, ref=HEAD, start="refs/heads/main")
        prepared, _ = run_preview(bench(), HEAD, **options)
        (cell,) = [one for one in prepared.plan.cells if one.cluster == "c1"]
        return {file.name: file for file in cell.files}

    return run


def with_files(*names):
    options = "    helm:\n      valueFiles:\n" + "".join(f"      - {name}\n" for name in names)
    return {"clusters/c1/web.yaml": application("web", "charts/web", options)}


def test_the_files_stand_in_the_order_in_which_helm_merges_them(files):
    base = fleet(1) | with_files("values.yaml", "/values/b.yaml", "/values/more/*.yaml", "a.yaml")
    base |= {"values/b.yaml": "text: b\n", "charts/web/a.yaml": "text: old\n"}
    base |= {"values/more/2.yaml": "x: 1\n", "values/more/1.yaml": "x: 2\n"}
    found = files(base, {"charts/web/a.yaml": "# why\ntext: new\n", "values/more/3.yaml": "z: 1\n"})

    assert list(found) == [
        "charts/web/values.yaml",
        "values/b.yaml",
        "values/more/1.yaml",
        "values/more/2.yaml",
        "values/more/3.yaml",
        "charts/web/a.yaml",
    ]
    assert [name for name, file in found.items() if file.is_changed] == ["values/more/3.yaml", "charts/web/a.yaml"]
    changed, added = found["charts/web/a.yaml"], found["values/more/3.yaml"]
    assert (changed.base, changed.head, changed.lines) == ("text: old\n", "# why\ntext: new\n", (2, 1))
    assert (added.state, added.base, added.head, added.lines) == ("added", None, "z: 1\n", (1, 0))


def test_a_file_that_is_read_no_more_is_removed(files):
    base = fleet(1) | with_files("a.yaml", "b.yaml")
    base |= {"charts/web/a.yaml": "text: a\n", "charts/web/b.yaml": "text: b\n"}
    found = files(base, with_files("a.yaml") | {"charts/web/b.yaml": None})

    assert (found["charts/web/b.yaml"].state, found["charts/web/b.yaml"].lines) == ("removed", (0, 1))
    assert not found["charts/web/a.yaml"].is_changed


def with_reference(repository):
    return f"""apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: web, namespace: argocd}}
spec:
  project: default
  destination: {{server: "https://kubernetes.default.svc", namespace: apps}}
  sources:
  - {{repoURL: "{repository}", targetRevision: main, ref: values}}
  - repoURL: {ADDRESS}
    targetRevision: main
    path: charts/web
    helm: {{valueFiles: ["$values/values/c1.yaml"]}}
"""


def test_a_file_of_a_ref_to_this_repository_goes_by_its_path(files):
    base = fleet(1) | {"clusters/c1/web.yaml": with_reference(ADDRESS), "values/c1.yaml": "text: old\n"}
    found = files(base, {"values/c1.yaml": "text: new\n"})
    assert [(file.name, file.is_changed) for file in found.values()] == [
        ("charts/web/values.yaml", False),
        ("values/c1.yaml", True),
    ]


def test_secrets_in_files_are_masked_and_their_comments_stay(files):
    base = fleet(1) | with_files("a.yaml")
    base |= {"charts/web/a.yaml": "# who\ntext: a\npassword: hunter22  # new each year\n"}
    found = files(base, {"charts/web/a.yaml": "# who\ntext: a\npassword: hunter23  # new each year\n"})
    file = found["charts/web/a.yaml"]
    assert "hunter2" not in file.base + file.head
    assert file.lines == (1, 1)
    assert file.head.startswith("# who\ntext: a\npassword: ")
    assert file.head.endswith("  # new each year\n")


def test_a_comment_does_not_tell_what_the_other_side_masks(files):
    base = fleet(1) | with_files("a.yaml")
    base |= {"charts/web/a.yaml": "text: a\npassword: hunter22 # next: canary33\n"}
    found = files(base, {"charts/web/a.yaml": "text: a\npassword: canary33 # was hunter22 until May\n"})
    file = found["charts/web/a.yaml"]
    assert "hunter22" not in file.base + file.head
    assert "canary33" not in file.base + file.head
    old, new = (text.partition("password: ")[2].partition('"')[2].partition('"')[0] for text in (file.base, file.head))
    assert file.head.endswith(f"# was {old} until May\n")
    assert file.base.endswith(f"# next: {new}\n")


def with_inline(helm):
    lines = "".join(f"      {line}\n" for line in helm.splitlines())
    return {"clusters/c1/web.yaml": application("web", "charts/web", f"    helm:\n{lines}")}


def test_what_the_application_holds_itself_stands_behind_the_files_as_it_is_written(files):
    helm = "valueFiles: [a.yaml]\nvalues: |\n  # who\n  text: {}\n  password: hunter22\nparameters:\n"
    helm += "- {{name: db.token, value: {}}}\n- {{name: size, value: '3', forceString: true}}\n"
    base = fleet(1) | with_inline(helm.format("a", "canary11")) | {"charts/web/a.yaml": "text: z\n"}
    found = files(base, with_inline(helm.format("b", "canary12")))

    assert [(file.name, file.is_changed) for file in found.values()] == [
        ("charts/web/values.yaml", False),
        ("charts/web/a.yaml", False),
        ("Application", True),
        ("Application parameters", True),
    ]
    inline, parameters = found["Application"], found["Application parameters"]
    assert inline.base.startswith("# who\ntext: a\npassword: ")
    assert inline.lines == (1, 1)
    assert parameters.head.startswith("db:\n  token: ")
    assert parameters.head.endswith('size: "3"\n')
    assert parameters.lines == (1, 1)
    assert not any(word in text for file in (inline, parameters) for text in (file.base, file.head)
                   for word in ("hunter", "canary"))  # fmt: skip


def test_an_object_of_values_stands_in_its_own_order_and_beats_the_text(files):
    helm = "values: |\n  unused: 1\nvaluesObject:\n  text: {}\n  also: x\n"
    found = files(fleet(1) | with_inline(helm.format("a")), with_inline(helm.format("b")))
    assert (found["Application"].base, found["Application"].head) == ("text: a\nalso: x\n", "text: b\nalso: x\n")


def test_what_stands_in_a_file_beside_the_application_counts_as_its_own(files):
    over = {"charts/web/.argocd-source.yaml": "helm: {parameters: [{name: text, value: new}]}\n"}
    found = files(fleet(1), over)
    assert {name: file.state for name, file in found.items() if file.is_changed} == {"Application parameters": "added"}
    assert found["Application parameters"].head == "text: new\n"


def test_the_inline_values_of_several_sources_are_told_apart(files):
    def two(text):
        lines = (
            f"  - {{repoURL: {ADDRESS}, targetRevision: main, path: charts/web, "
            f"helm: {{releaseName: {release}, valuesObject: {{text: {value}}}}}}}\n"
            for release, value in (("one", "a"), ("two", text))
        )
        return {"clusters/c1/web.yaml": with_reference(ADDRESS).partition("  - {")[0] + "".join(lines)}

    found = files(fleet(1) | two("b"), two("c"))
    assert [(file.name, file.is_changed) for file in found.values()] == [
        ("charts/web/values.yaml", False),
        ("Application", False),
        ("Application (2)", True),
    ]


def test_the_files_of_a_release_stand_instead_of_the_charts_own(git, bench):
    chosen = "      valuesFiles: [./values/one.yaml, ./values/none.yaml]\n      ignoreMissingValuesFiles: true\n"
    apps = {"apps/base/podinfo/release.yaml": release(chart_more=chosen)}
    git.commit(flux_fleet() | apps | {"values/one.yaml": "text: one\n"})
    git.commit({"values/one.yaml": "text: two\n"}, ref=HEAD, start="refs/heads/main")
    prepared, _ = run_preview(bench(), HEAD)
    assert {tuple((file.name, file.is_changed) for file in cell.files) for cell in prepared.plan.cells} == {
        (("values/one.yaml", True),)
    }


def test_nothing_is_said_about_files_where_a_side_cannot_be_resolved(files):
    base = fleet(1) | with_files("a.yaml") | {"charts/web/a.yaml": "text: a\n"}
    assert files(base, {"charts/web/a.yaml": "text: [\n"}) == {}
