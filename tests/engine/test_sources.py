"""Sources of other kinds: dependencies, Kustomize, plain files, several sources, apps of apps."""

import subprocess

import pytest

from tests.conftest import run_preview
from tests.engine.fleets import ADDRESS, CONFIG, CONFIGMAP, application, chart, fleet

HEAD = "refs/pull/1/head"


@pytest.fixture
def preview(git, bench):
    def run(base, head, bench_options=None, **options):
        git.commit(base)
        git.commit(head, ref=HEAD, start="refs/heads/main")
        return run_preview(bench(**(bench_options or {})), HEAD, **options)[1]

    return run


LIBRARY = 'dependencies:\n- name: common\n  version: "1.x"\n  repository: file://../common\n'


def with_library():
    library = chart("charts/common", {"_l.tpl": '{{ define "common.label" }}one{{ end }}'}, values="")
    web = chart("charts/web", {"config.yaml": CONFIGMAP + '  label: {{ include "common.label" . }}\n'}, more=LIBRARY)
    return fleet() | library | web


def test_a_library_chart_beside_is_put_in_place_and_its_change_is_seen(preview):
    cells = preview(with_library(), {"charts/common/templates/_l.tpl": '{{ define "common.label" }}two{{ end }}'})
    assert {place: cell.yaml for place, cell in cells.items()} == {("c1", "web"): "changed", ("c2", "web"): "changed"}


def test_a_local_dependency_outside_the_repository_is_refused(preview):
    evil = chart("charts/web", {"config.yaml": CONFIGMAP}, more=LIBRARY.replace("../common", "../../../../etc"))
    cells = preview(fleet(1), evil)
    assert "leads out of the repository" in cells["c1", "web"].error.message


REMOTE = "dependencies:\n- name: redis\n  version: 1.2.3\n  repository: https://charts.example.com\n"


def make_archive(folder, name, version):
    source = folder / "source" / name
    (source / "templates").mkdir(parents=True)
    (source / "Chart.yaml").write_text(f"apiVersion: v2\nname: {name}\nversion: {version}\n")
    (source / "templates" / "r.yaml").write_text(CONFIGMAP.replace("{{ .Release.Name }}", f"{name}-{version}"))
    store = folder / "store"
    store.mkdir(exist_ok=True)
    subprocess.run(["tar", "czf", store / f"{name}-{version}.tgz", "-C", folder / "source", name], check=True)
    return store


def test_a_remote_dependency_comes_from_the_chart_store(preview, tmp_path):
    store = make_archive(tmp_path, "redis", "1.2.3")
    base = fleet(1) | chart("charts/web", {"config.yaml": CONFIGMAP}, more=REMOTE)
    cells = preview(fleet(1), base, {"charts": store})
    assert [change.id.name for change in cells["c1", "web"].resources] == ["redis-1.2.3"]


def test_a_dependency_that_is_nowhere_is_named_and_never_an_empty_diff(preview):
    base = fleet(1) | chart("charts/web", {"config.yaml": CONFIGMAP}, more=REMOTE)
    cells = preview(base, chart("charts/web", {"config.yaml": CONFIGMAP}, more=REMOTE.replace("1.2.3", "1.3.0")))
    assert (cells["c1", "web"].yaml, cells["c1", "web"].skipped.reason) == ("skipped", "dependency")
    assert "redis 1.3.0 of https://charts.example.com" in cells["c1", "web"].skipped.message


def test_what_a_missing_dependency_would_have_read_alike_changes_nothing(preview):
    base = fleet(1) | chart("charts/web", {"config.yaml": CONFIGMAP}, values="text: a\nredis: {x: 1}\n", more=REMOTE)
    assert preview(base, {"charts/web/values.yaml": "text: a\nredis: {x: 1}\nunread: 1\n"}) == {}


def test_what_a_missing_dependency_would_have_read_anew_is_not_known(preview):
    base = fleet(1) | chart("charts/web", {"config.yaml": CONFIGMAP}, values="text: a\nredis: {x: 1}\n", more=REMOTE)
    cells = preview(base, {"charts/web/values.yaml": "text: a\nredis: {x: 2}\n"})
    assert cells["c1", "web"].yaml == "skipped"


def test_a_disabled_dependency_is_not_missed(preview):
    more = REMOTE + "  condition: redis.enabled\n"
    off = "text: a\nredis: {enabled: false}\n"
    base = fleet(1) | chart("charts/web", {"config.yaml": CONFIGMAP}, values=off, more=more)
    head = chart("charts/web", {"config.yaml": CONFIGMAP}, values=off, more=more.replace("1.2.3", "2.0.0"))
    assert preview(base, head) == {}


OVERLAY = "resources: [../../base]\nnamePrefix: {}-\n"


def kustomize_fleet():
    plain = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: plain\ndata:\n  a: b\n"
    files = {
        "astrolabe.yaml": CONFIG,
        "k/base/kustomization.yaml": "resources: [plain.yaml]\n",
        "k/base/plain.yaml": plain,
    }
    for cluster in ("c1", "c2"):
        files[f"k/overlays/{cluster}/kustomization.yaml"] = OVERLAY.format(cluster)
        files[f"clusters/{cluster}/k.yaml"] = application("k", f"k/overlays/{cluster}")
    return files


def test_a_base_reaches_its_overlays(preview):
    changed = kustomize_fleet()["k/base/plain.yaml"].replace("a: b", "a: c")
    cells = preview(kustomize_fleet(), {"k/base/plain.yaml": changed})
    assert {place: (cell.value, cell.yaml) for place, cell in cells.items()} == {
        ("c1", "k"): ("unchanged", "changed"),
        ("c2", "k"): ("unchanged", "changed"),
    }
    assert cells["c2", "k"].resources[0].id.name == "c2-plain"


def test_an_overlay_is_the_value_of_its_own_instance(preview):
    cells = preview(kustomize_fleet(), {"k/overlays/c1/kustomization.yaml": OVERLAY.format("new")})
    assert {place: cell.value for place, cell in cells.items()} == {("c1", "k"): "changed"}


def test_argo_cds_kustomize_options_are_edited_in(preview):
    options = "    kustomize:\n      namePrefix: edited-\n      commonLabels: {team: x}\n"
    cells = preview(kustomize_fleet(), {"clusters/c1/k.yaml": application("k", "k/overlays/c1", options)})
    names = {change.id.name: change.state for change in cells["c1", "k"].resources}
    assert names == {"c1-plain": "removed", "edited-plain": "added"}


@pytest.mark.parametrize("base", ["https://example.com/base.yaml", "github.com/o/r//base?ref=v1", "git@host:o/r.git"])
def test_a_remote_base_is_named_and_not_fetched(preview, base):
    cells = preview(kustomize_fleet(), {"k/overlays/c1/kustomization.yaml": f"resources: ['{base}']\n"})
    assert (cells["c1", "k"].yaml, cells["c1", "k"].skipped.reason) == ("skipped", "dependency")
    assert base in cells["c1", "k"].skipped.message


def test_a_base_outside_the_repository_is_refused(preview):
    cells = preview(kustomize_fleet(), {"k/overlays/c1/kustomization.yaml": "resources: [../../../../x]\n"})
    assert "leads out of the repository" in cells["c1", "k"].error.message


def test_plain_files_are_chosen_as_argo_cd_does(preview):
    def configmap(name):
        return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n"

    options = "    directory:\n      recurse: true\n      exclude: '{skip*,*/no.yaml}'\n"
    head = {
        "clusters/c1/p.yaml": application("p", "plain", options),
        "plain/a.yaml": configmap("a"),
        "plain/deep/b.yml": configmap("b"),
        "plain/deep/no.yaml": configmap("no"),
        "plain/skip-me.yaml": configmap("skip"),
        "plain/marked.yaml": "# +argocd:skip-file-rendering\n" + configmap("marked"),
        "plain/values.yaml": "not: an object\n",
        "plain/c.json": '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}',
        "plain/list.yaml": "apiVersion: v1\nkind: List\nitems:\n- " + configmap("in-list").replace("\n", "\n  "),
    }
    cells = preview({"astrolabe.yaml": CONFIG}, head)
    assert [change.id.name for change in cells["c1", "p"].resources] == ["a", "b", "c", "in-list"]


def test_jsonnet_and_plugins_are_skipped_aloud(preview):
    head = {
        "clusters/c1/j.yaml": application("j", "jsonnet"),
        "jsonnet/x.jsonnet": "{}",
        "clusters/c1/p.yaml": application("p", "jsonnet", "    plugin: {name: cmp}\n"),
    }
    cells = preview({"astrolabe.yaml": CONFIG}, head)
    assert {cell.skipped.reason for cell in cells.values()} == {"plugin"}


def test_several_sources_with_a_ref_for_values(preview):
    both = f"""apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: web, namespace: argocd}}
spec:
  project: default
  destination: {{server: "https://kubernetes.default.svc", namespace: apps}}
  sources:
  - {{repoURL: "{ADDRESS}", targetRevision: main, ref: values}}
  - repoURL: {ADDRESS}
    targetRevision: main
    path: charts/web
    helm: {{valueFiles: ["$values/values/c1.yaml"]}}
  - {{repoURL: "{ADDRESS}", targetRevision: main, path: plain}}
"""
    plain = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: Yg==}\n"
    base = fleet(1) | {"clusters/c1/web.yaml": both, "values/c1.yaml": "text: old\n", "plain/s.yaml": plain}
    cells = preview(base, {"values/c1.yaml": "text: new\n"})
    assert (cells["c1", "web"].value, cells["c1", "web"].yaml) == ("changed", "changed")
    assert [change.id.kind for change in cells["c1", "web"].resources] == ["ConfigMap"]


ROOT = """version: 1
addresses: [https://git.example.com/fleet.git]
discover:
  - root:
      each: "env/values-{cluster}.yaml"
      name: root
      path: env
      helm: {valueFiles: ["values-{cluster}.yaml"]}
"""
CHILD = """{{- range .Values.apps }}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: {{ . }}, namespace: argocd}
spec:
  project: default
  destination: {server: "https://kubernetes.default.svc", namespace: apps}
  source: {repoURL: "https://git.example.com/fleet.git", targetRevision: main, path: charts/{{ . }}}
{{- end }}
"""


def rooted():
    nested = {"templates": CHILD.replace(".Values.apps", '(list "web")')}
    return (
        {"astrolabe.yaml": ROOT, "env/values-c1.yaml": "apps: [web, more]\n", "env/values-c2.yaml": "apps: [more]\n"}
        | chart("env", {"apps.yaml": CHILD}, values="apps: []\n")
        | chart("charts/web", {"config.yaml": CONFIGMAP})
        | chart("charts/more", {"apps.yaml": nested["templates"]}, values="")
    )


def test_an_app_of_apps_is_followed_to_any_depth_in_its_cluster(preview):
    cells = preview(rooted(), {"charts/web/templates/config.yaml": CONFIGMAP + "  x: y\n"})
    assert set(cells) == {("c1", "web"), ("c2", "web")}


def test_the_root_is_an_instance_itself(preview):
    cells = preview(
        rooted(), {"env/values-c2.yaml": "apps: [more, extra]\n", **chart("charts/extra", {"c.yaml": CONFIGMAP})}
    )
    assert {place: (cell.value, cell.yaml) for place, cell in cells.items()} == {
        ("c2", "root"): ("changed", "changed"),
        ("c2", "extra"): ("added", "added"),
    }


def test_children_of_a_parent_that_fails_are_unknown_and_not_removed(preview):
    cells = preview(
        rooted(), {"env/templates/bad.yaml": '{{ if eq (len .Values.apps) 1 }}{{ fail "c2 broke" }}{{ end }}'}
    )
    assert {place: cell.yaml for place, cell in cells.items() if place[0] == "c2"} == {
        ("c2", "root"): "failed",
        ("c2", "more"): "failed",
        ("c2", "web"): "failed",
    }
    assert "root, which makes this application, failed" in cells["c2", "more"].error.message
    assert ("c1", "web") not in cells


def test_without_a_configuration_applications_are_found_anywhere(preview):
    files = {
        "apps/web.yaml": application("web", "charts/web").replace(
            "https://kubernetes.default.svc", "https://10.0.0.1:6443"
        ),
        **chart("charts/web", {"config.yaml": CONFIGMAP}),
        "charts/web/templates/app.yaml": application("not-a-seed", "charts/{{ .Values.x }}"),
        "charts/other/Chart.yaml": "name: other\n",
        "charts/other/ci/app.yaml": application("test-data", "charts/web"),
    }
    cells = preview({"README.md": "x"}, files, config=f"version: 1\naddresses: [{ADDRESS}]\n")
    assert ("10.0.0.1", "web") in cells
    assert not any("test-data" in place for place in cells)


def test_two_applications_that_share_a_cell_keep_their_full_names(preview):
    config = CONFIG + 'names: ["{application}-{cluster}", "{application}"]\n'
    head = {
        "clusters/c1/a.yaml": application("web-c1", "charts/web"),
        "clusters/c1/b.yaml": application("web", "charts/web"),
    }
    cells = preview({"astrolabe.yaml": config, **chart("charts/web", {"config.yaml": CONFIGMAP})}, head)
    assert set(cells) == {("c1", "web-c1"), ("c1", "web")}


def test_what_is_not_understood_yet_is_said_aloud(git, bench):
    git.commit(
        {
            "sets/a.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: a}\n",
            "broken.yaml": application("x", "y") + "  bad: [\n",
        }
    )
    git.commit({"x": "y"}, ref=HEAD, start="refs/heads/main")
    notes = "\n".join(run_preview(bench(), HEAD)[0].notes)
    assert "sets/a.yaml: ApplicationSet a: an ApplicationSet has no spec; its Applications are not known" in notes
    assert "broken.yaml: line" in notes
    assert "no Argo CD Application and no Flux object was found" in notes
