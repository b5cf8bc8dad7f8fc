"""What a sync leaves alone, and what stays in the cluster although it is removed."""

from __future__ import annotations

import pytest

from previews.engine.hooks import kept_by, skipped_by_sync
from tests.conftest import run_preview
from tests.engine.fleets import CONFIG, application

HEAD = "refs/pull/1/head"


def annotated(**annotations):
    return {"metadata": {"annotations": annotations}}


@pytest.mark.parametrize(
    ("argo", "helm", "skipped"),
    [
        (None, None, ""),
        ("PreSync", None, ""),
        (None, "pre-install,pre-upgrade", ""),
        (None, "crd-install", ""),
        (None, "test", "never"),
        (None, "test-success", "never"),
        (None, "pre-rollback", "never"),
        ("Presync", None, "never"),  # a typo
        ("Presync", "pre-install", ""),  # Helm's type counts then
        ("PreSync", "test", ""),
        ("Skip", None, "never"),
        ("Skip, PreSync", None, ""),
        ("PostDelete", None, "at deletion"),
        (None, "pre-delete", "at deletion"),
        (None, "post-delete,post-upgrade", ""),
    ],
)
def test_hooks_are_those_of_argo_cd(argo, helm, skipped):
    annotations = {"argocd.argoproj.io/hook": argo, "helm.sh/hook": helm}
    given = {key: value for key, value in annotations.items() if value}
    assert skipped_by_sync(annotated(**given)) == skipped


def test_a_removed_object_stays_where_it_is_told_to():
    options, policy = "argocd.argoproj.io/sync-options", "helm.sh/resource-policy"
    assert kept_by(annotated(**{options: "Validate=false, Prune=false"}), whole_application=False) == "Prune=false"
    assert kept_by(annotated(**{options: "Delete=false"}), whole_application=False) == ""
    assert kept_by(annotated(**{options: "Delete=false"}), whole_application=True) == "Delete=false"
    assert kept_by(annotated(**{policy: "keep"}), whole_application=True) == "helm.sh/resource-policy: keep"
    assert kept_by(annotated(**{policy: "keep"}), whole_application=False) == ""
    assert kept_by(None, whole_application=True) == ""


def configmap(name, annotations="{}", data="1"):
    return (
        f"---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  annotations: {annotations}\n"
        f"data: {{a: '{data}'}}\n"
    )


@pytest.fixture
def preview(git, bench):
    def run(base, head, app=None):
        app = app or application("web", "plain")
        git.commit({"astrolabe.yaml": CONFIG, "clusters/c1/web.yaml": app, "plain/a.yaml": base})
        git.commit(head, ref=HEAD, start="refs/heads/main")
        return run_preview(bench(), HEAD)[1]["c1", "web"]

    return run


TEST = "{helm.sh/hook: test}"


def test_a_change_of_nothing_but_a_helm_test_deploys_nothing(preview):
    cell = preview(configmap("t", TEST), {"plain/a.yaml": configmap("t", TEST, "2")})
    assert (cell.yaml, cell.deploys) == ("changed", False)
    assert "hooks that Argo CD never applies: ConfigMap t" in cell.notes


def test_a_change_beside_a_helm_test_deploys(preview):
    base = configmap("t", TEST) + configmap("a")
    cell = preview(base, {"plain/a.yaml": configmap("t", TEST, "2") + configmap("a", data="2")})
    assert (len(cell.resources), cell.deploys) == (2, True)


def test_a_hook_that_becomes_an_object_deploys(preview):
    assert preview(configmap("t", TEST), {"plain/a.yaml": configmap("t")}).deploys


def test_what_pruning_spares_is_named(preview):
    kept = configmap("kept", "{argocd.argoproj.io/sync-options: Prune=false}")
    cell = preview(kept + configmap("gone") + configmap("a"), {"plain/a.yaml": configmap("a")})
    assert [change.state for change in cell.resources] == ["removed", "removed"]
    assert "stays in the cluster (Prune=false): ConfigMap kept" in cell.notes


def with_finalizer(app):
    return app.replace(
        "  namespace: argocd\n", "  namespace: argocd\n  finalizers: [resources-finalizer.argocd.argoproj.io]\n", 1
    )


def test_without_the_finalizer_what_an_application_made_is_orphaned(preview):
    cell = preview(configmap("a"), {"clusters/c1/web.yaml": None})
    assert cell.yaml == "removed"
    assert any("has no resources-finalizer" in note for note in cell.notes)


def test_with_the_finalizer_all_goes_but_what_is_told_to_stay(preview):
    base = configmap("a") + configmap("kept", "{helm.sh/resource-policy: keep}")
    base += (
        "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x.y}\nspec: {}\n"
    )
    cell = preview(base, {"clusters/c1/web.yaml": None}, with_finalizer(application("web", "plain")))
    assert cell.notes == (
        "CRDs stay when an Application is deleted: CustomResourceDefinition x.y",
        "stays in the cluster (helm.sh/resource-policy: keep): ConfigMap kept",
    )
