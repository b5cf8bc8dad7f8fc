"""Apps of apps by plain files and Kustomize: what a parent renders counts, and not the file it stands in."""

from __future__ import annotations

import pytest

from tests.conftest import run_preview
from tests.engine.fleets import CONFIGMAP, application, chart, fleet

HEAD = "refs/pull/1/head"
CONFIG = "version: 1\naddresses: [https://git.example.com/fleet.git]\n"


@pytest.fixture
def preview(git, bench):
    def run(base, head):
        git.commit({"astrolabe.yaml": CONFIG, **chart("charts/web", {"config.yaml": CONFIGMAP}), **base})
        git.commit(head, ref=HEAD, start="refs/heads/main")
        return run_preview(bench(), HEAD)

    return run


def found(prepared):
    return {(item.cluster, item.application): " / ".join(item.origin) for item in prepared.head.instances}


def with_namespace(text, namespace):
    return text.replace("destination:\n", f"destination:\n    name: {namespace}\n", 1).replace(
        "    server: https://kubernetes.default.svc\n", ""
    )


def test_children_in_plain_files_are_their_parents(preview):
    children = {f"apps/{name}.yaml": application(name, "charts/web") for name in ("one", "two")}
    prepared, _ = preview({"root.yaml": application("root", "apps"), **children}, {"a.txt": "a"})
    assert found(prepared) == {
        ("in-cluster", "root"): "root.yaml",
        ("in-cluster", "one"): "root.yaml / root",
        ("in-cluster", "two"): "root.yaml / root",
    }
    assert prepared.notes == ()


def test_what_an_overlay_makes_of_a_child_counts(preview):
    base = {"base/app.yaml": application("web", "charts/web"), "base/kustomization.yaml": "resources: [app.yaml]\n"}
    for name in ("c1", "c2"):
        base[f"overlays/{name}/kustomization.yaml"] = f"""resources: [../../base]
nameSuffix: -{name}
patches:
  - target: {{kind: Application}}
    patch: |
      - {{op: replace, path: /spec/destination, value: {{name: {name}, namespace: apps}}}}
"""
        base[f"roots/{name}.yaml"] = application(f"root-{name}", f"overlays/{name}")
    prepared, cells = preview(base, {"charts/web/templates/config.yaml": CONFIGMAP + "  more: x\n"})
    assert {place for place in found(prepared) if "root" not in place[1]} == {("c1", "web"), ("c2", "web")}
    assert {place: cell.yaml for place, cell in cells.items()} == {("c1", "web"): "changed", ("c2", "web"): "changed"}


def test_an_application_that_manages_itself_is_legal(preview):
    files = {"apps/root.yaml": application("root", "apps"), "apps/web.yaml": application("web", "charts/web")}
    prepared, _ = preview(files, {"a.txt": "a"})
    assert found(prepared) == {
        ("in-cluster", "root"): "apps/root.yaml",
        ("in-cluster", "web"): "apps/root.yaml / root",
    }
    assert prepared.notes == ()


def test_a_cycle_is_followed_once_and_told(preview):
    files = {"a/child.yaml": application("b", "b"), "b/child.yaml": application("a", "a")}
    prepared, _ = preview(files, {"a.txt": "a"})
    assert sorted(found(prepared)) == [("in-cluster", "a"), ("in-cluster", "b")]
    assert ["it is followed once" in note for note in prepared.notes] == [True]


def test_two_parents_of_one_child_are_a_warning(preview):
    files = {
        "one.yaml": application("one", "first"),
        "two.yaml": application("two", "second"),
        "first/web.yaml": application("web", "charts/web"),
        "second/web.yaml": application("web", "charts/web"),
    }
    prepared, _ = preview(files, {"a.txt": "a"})
    assert "web on in-cluster stands in both one and two: that of one counts" in prepared.notes


def test_a_child_without_a_namespace_lands_in_its_parents(preview):
    child = application("web", "charts/web", "    helm:\n      parameters: [{name: text, value: $ARGOCD_APP_NAME}]\n")
    child = child.replace("  namespace: argocd\n", "", 1)
    prepared, _ = preview({"root.yaml": application("root", "apps"), "apps/web.yaml": child}, {"a.txt": "a"})
    web = next(item for item in prepared.head.instances if item.application == "web")
    assert web.definition.namespace == "apps"
    assert web.definition.instance_name == "apps_web"


def test_children_of_a_parent_that_breaks_fail_and_are_not_removed(preview):
    files = {"root.yaml": application("root", "apps"), "apps/web.yaml": application("web", "charts/web")}
    prepared, cells = preview(files, {"apps/broken.yaml": "apiVersion: v1\nkind: A\nmetadata: {name: [\n"})
    assert cells["in-cluster", "web"].yaml == "failed"
    assert "root, which makes this application, failed" in cells["in-cluster", "web"].error.message
    assert any("the applications that it makes are not known" in note for note in prepared.notes)


def test_files_that_no_parent_renders_are_seeds_themselves(preview):
    prepared, _ = preview({**fleet(), "astrolabe.yaml": CONFIG}, {"a.txt": "a"})
    assert set(found(prepared).values()) == {"clusters/c1/web.yaml"}
    assert any("stands in both" in note for note in prepared.notes)


def test_a_base_beside_that_comes_to_hold_a_child_makes_it(preview):
    base = {
        "root.yaml": application("root", "overlay"),
        "overlay/kustomization.yaml": "resources: [../base]\nnameSuffix: -x\n",
        "base/kustomization.yaml": "resources: [more.yaml]\n",
        "base/more.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\n",
    }
    _, cells = preview(base, {"base/more.yaml": application("web", "charts/web")})
    assert {place[1]: cell.yaml for place, cell in cells.items()} == {"root": "changed", "web-x": "added"}


def test_the_annotation_names_the_row(preview):
    named = application("web", "charts/web").replace(
        "  namespace: argocd\n", "  namespace: argocd\n  annotations: {astrolabe.io/application: shop}\n", 1
    )
    prepared, _ = preview({"web.yaml": named}, {"a.txt": "a"})
    assert set(found(prepared)) == {("in-cluster", "shop")}


def test_two_parents_of_one_folder_with_other_options_are_told_apart(preview):
    deep = application("deep", "apps", "    directory: {recurse: true}\n")
    files = {
        "a.yaml": application("flat", "apps"),
        "b.yaml": deep,
        "apps/in/web.yaml": application("web", "charts/web"),
    }
    prepared, _ = preview(files, {"a.txt": "a"})
    assert found(prepared)["in-cluster", "web"] == "b.yaml / deep"


def test_a_chart_beside_that_comes_to_hold_an_application_is_seen(preview):
    uses = "dependencies: [{name: part, version: 1.0.0, repository: 'file://../part'}]\n"
    files = chart("charts/root", {"c.yaml": CONFIGMAP}, more=uses) | chart("charts/part", {"c.yaml": CONFIGMAP})
    child = application("web", "charts/web")
    _, cells = preview(
        {"a.yaml": application("root", "charts/root"), **files}, {"charts/part/templates/child.yaml": child}
    )
    assert cells["in-cluster", "web"].yaml == "added"
