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
