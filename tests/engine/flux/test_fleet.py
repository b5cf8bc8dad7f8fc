"""Flux repositories from end to end: what is found, on which cluster, and what a change does to it."""

import pytest

from previews.engine.manifests import to_text
from tests.conftest import run_preview
from tests.engine.flux.fleets import SHOWN, configmap, fleet, kustomization, release, sync

HEAD = "refs/pull/1/head"


@pytest.fixture
def preview(git, bench):
    """Commits a base and a head, previews them, and gives what was prepared and the cells."""

    def run(base, head, **options):
        git.commit(base)
        git.commit(head, ref=HEAD, start="refs/heads/main")
        return run_preview(bench(), HEAD, **options)

    return run


def states(cells):
    return {place: (cell.value, cell.yaml) for place, cell in cells.items()}


def places(prepared):
    return {(item.cluster, item.application) for item in prepared.head.instances}


def test_the_usual_layout_is_found_on_each_cluster_from_its_bootstrap_on(preview):
    prepared, cells = preview(fleet(), {"README.md": "x"})
    rows = ("flux-system", "infrastructure", "apps", "podinfo")
    assert places(prepared) == {(cluster, row) for cluster in ("prod", "staging") for row in rows}
    assert (cells, prepared.notes) == ({}, ())


def test_a_value_in_an_overlay_changes_the_release_and_the_kustomization_that_holds_it(preview):
    changed = fleet()["apps/prod/podinfo.yaml"].replace("text: prod", "text: new")
    _, cells = preview(fleet(), {"apps/prod/podinfo.yaml": changed})
    assert states(cells) == {("prod", "podinfo"): ("changed", "changed"), ("prod", "apps"): ("unchanged", "changed")}
    assert cells["prod", "podinfo"].cause == ("value",)


def test_values_that_only_the_cluster_knows_are_told(preview):
    changed = fleet()["apps/prod/podinfo.yaml"].replace("text: prod}", "text: new}, upgrade: {preserveValues: true}")
    cell = preview(fleet(), {"apps/prod/podinfo.yaml": changed})[1]["prod", "podinfo"]
    assert any("upgrade.preserveValues merges values of the release in the cluster" in note for note in cell.notes)


def test_a_base_reaches_the_clusters_whose_overlays_do_not_override_it(preview):
    base = fleet() | {"apps/base/podinfo/release.yaml": release(more="  values: {text: base, only: base}\n")}
    head = {"apps/base/podinfo/release.yaml": release(more="  values: {text: other, only: base}\n")}
    assert preview(base, head)[1] == {}


def test_plain_files_without_a_kustomization_are_all_applied(preview):
    head = {"infrastructure/configs/deep/more.yml": configmap("more", "{a: b}")}
    _, cells = preview(fleet(), head)
    assert states(cells) == {(name, "infrastructure"): ("unchanged", "changed") for name in ("prod", "staging")}
    assert [change.id.name for change in cells["prod", "infrastructure"].resources] == ["more"]


def test_what_sourceignore_names_never_reaches_the_cluster(preview):
    head = {
        ".sourceignore": "*.secret.yaml\n/infrastructure/**/drafts/\n",
        "infrastructure/configs/a.secret.yaml": configmap("secret", "{a: b}"),
        "infrastructure/configs/drafts/b.yaml": configmap("draft", "{a: b}"),
        "infrastructure/configs/.sops.yaml": "creation_rules: []\n",
    }
    assert preview(fleet(), head)[1] == {}


def test_an_object_that_comes_takes_its_own_along(preview):
    head = {
        "clusters/staging/extra.yaml": kustomization("extra", "./extra"),
        "extra/release.yaml": release("extra"),
    }
    _, cells = preview(fleet(), head)
    assert states(cells) == {
        ("staging", "flux-system"): ("unchanged", "changed"),
        ("staging", "extra"): ("added", "added"),
        ("staging", "helmrelease/extra"): ("added", "added"),
    }
    assert not any(cell.notes for cell in cells.values())


def test_a_new_release_is_an_install_and_one_that_is_there_an_upgrade(git, bench):
    git.commit(fleet())
    head = {
        "apps/base/podinfo/kustomization.yaml": "namespace: podinfo\nresources: [release.yaml, more.yaml]\n",
        "apps/base/podinfo/more.yaml": release("more"),
        "charts/podinfo/templates/config.yaml": SHOWN + "  x: y\n",
        "charts/podinfo/Chart.yaml": fleet()["charts/podinfo/Chart.yaml"].replace("1.0.0", "1.1.0"),
    }
    git.commit(head, ref=HEAD, start="refs/heads/main")
    one = bench()
    prepared, _ = run_preview(one, HEAD)
    plan = {(cell.cluster, cell.application): cell.head_key for cell in prepared.plan.cells}
    results = one.manifests(list(prepared.plan.requests.values()))
    assert 'upgrade: "false"' in to_text(results[plan["prod", "more"]])
    assert 'upgrade: "true"' in to_text(results[plan["prod", "podinfo"]])
    assert "namespace: podinfo" in to_text(results[plan["prod", "podinfo"]])


def test_children_of_a_kustomization_that_fails_are_unknown_and_not_removed(preview):
    _, cells = preview(fleet(), {"apps/prod/kustomization.yaml": "resources: [../base/podinfo, nowhere.yaml]\n"})
    assert states(cells) == {("prod", "apps"): ("changed", "failed"), ("prod", "podinfo"): ("unchanged", "failed")}
    assert "nowhere.yaml" in cells["prod", "apps"].error.message
    assert "apps, which makes this application, failed" in cells["prod", "podinfo"].error.message


def test_a_kustomization_for_another_cluster_stands_in_its_column(preview):
    remote = "  kubeConfig: {secretRef: {name: edge-kubeconfig}}\n"
    head = {"clusters/prod/edge.yaml": kustomization("edge", "./infrastructure/configs", remote)}
    assert states(preview(fleet(), head)[1])["edge", "edge"] == ("added", "added")


def test_what_is_suspended_is_shown_and_deploys_nothing(preview):
    base = fleet() | {"clusters/prod/infrastructure.yaml": kustomization("infrastructure", "./infrastructure/configs",
                                                                         "  suspend: true\n")}  # fmt: skip
    _, cells = preview(base, {"infrastructure/configs/cm.yaml": configmap("issuer", "{mail: new@example.com}")})
    suspended, active = cells["prod", "infrastructure"], cells["staging", "infrastructure"]
    assert (suspended.yaml, suspended.deploys, active.deploys) == ("changed", False, True)
    assert suspended.notes == ("Kustomization infrastructure is suspended: Flux does not reconcile it",)


def test_what_a_suspended_kustomization_holds_is_not_brought_to_the_cluster(preview):
    base = fleet() | {"clusters/prod/apps.yaml": kustomization("apps", "./apps/prod", "  suspend: true\n")}
    head = {
        "apps/prod/podinfo.yaml": base["apps/prod/podinfo.yaml"].replace("text: prod", "text: new"),
        "apps/staging/podinfo.yaml": base["apps/staging/podinfo.yaml"].replace("text: staging", "text: new"),
    }
    _, cells = preview(base, head)
    held, free = cells["prod", "podinfo"], cells["staging", "podinfo"]
    assert (held.yaml, held.deploys, free.deploys) == ("changed", False, True)
    assert held.notes == ("Kustomization apps is suspended: Flux does not bring this object to the cluster",)


def test_without_prune_a_removed_kustomization_leaves_its_objects(preview):
    base = fleet() | {
        "clusters/prod/x.yaml": kustomization("x", "./infrastructure/configs").replace("prune: true", "prune: false")
    }
    _, cells = preview(base, {"clusters/prod/x.yaml": None})
    assert (cells["prod", "x"].yaml, cells["prod", "x"].deploys) == ("removed", False)


def test_a_chart_in_git_without_a_version_bump_is_not_released(preview):
    template = {"charts/podinfo/templates/config.yaml": SHOWN + "  more: x\n"}
    _, cells = preview(fleet(), template)
    cell = cells["prod", "podinfo"]
    assert (cell.yaml, cell.cause, cell.deploys) == ("changed", ("template",), False)
    assert cell.notes == ("the chart changed without a version bump: Flux will not release it",)


@pytest.mark.parametrize("way", ["bump", "revision", "values"])
def test_a_chart_in_git_is_released_with_a_new_version_each_revision_or_beside_new_values(way, preview):
    head = {"charts/podinfo/templates/config.yaml": SHOWN + "  more: x\n"}
    base = fleet()
    if way == "bump":
        head["charts/podinfo/Chart.yaml"] = base["charts/podinfo/Chart.yaml"].replace("1.0.0", "1.0.1")
    elif way == "revision":
        base["apps/base/podinfo/release.yaml"] = release(chart_more="      reconcileStrategy: Revision\n")
    else:
        head["apps/prod/podinfo.yaml"] = base["apps/prod/podinfo.yaml"].replace("text: prod", "text: new")
    _, cells = preview(base, head)
    assert cells["prod", "podinfo"].deploys
    puts = "puts the other changes on the chart as it was"
    assert [puts in note for note in cells["prod", "podinfo"].notes] == ([True] if way == "values" else [])


FOREIGN = """apiVersion: source.toolkit.fluxcd.io/v1
kind: {kind}
metadata: {{name: other, namespace: flux-system}}
spec: {{url: {url}, interval: 1h}}
"""


@pytest.mark.parametrize(
    ("kind", "url", "reason", "words"),
    [
        ("GitRepository", "https://example.com/x.git", "revision", "another repository"),
        ("OCIRepository", "oci://example.com/x", "dependency", "the host example.com is not allowed"),
        ("Bucket", "x", "dependency", "what Bucket other holds is not in a repository"),
        ("ExternalArtifact", "x", "dependency", "what ExternalArtifact other holds"),
    ],
)
def test_a_source_elsewhere_is_skipped_with_its_reason(kind, url, reason, words, preview):
    head = {
        "clusters/prod/source.yaml": FOREIGN.format(kind=kind, url=url),
        "clusters/prod/k.yaml": kustomization("k", "./x").replace(
            "    kind: GitRepository\n    name: flux-system", f"    kind: {kind}\n    name: other"
        ),
    }
    cell = preview(fleet(), head)[1]["prod", "k"]
    assert (cell.yaml, cell.skipped.reason) == ("skipped", reason)
    assert words in cell.skipped.message


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("GitRepository", "include: [{repository: {name: x}}]"),
        ("GitRepository", "recurseSubmodules: true"),
        ("GitRepository", "sparseCheckout: [a]"),
        ("OCIRepository", "layerSelector: {mediaType: x}"),
        ("OCIRepository", "ref: {semver: 1.x, semverFilter: rc}"),
    ],
)
def test_what_changes_a_source_and_is_not_understood_is_skipped_by_name(kind, field, preview):
    head = {
        "clusters/prod/source.yaml": FOREIGN.format(kind=kind, url="x").replace(
            "interval: 1h", f"interval: 1h, {field}"
        ),
        "clusters/prod/k.yaml": kustomization("k", "./x").replace(
            "    kind: GitRepository\n    name: flux-system", f"    kind: {kind}\n    name: other"
        ),
    }
    cell = preview(fleet(), head)[1]["prod", "k"]
    assert (cell.yaml, cell.skipped.reason) == ("skipped", "revision")
    assert "is not understood" in cell.skipped.message


@pytest.mark.parametrize("kind", ["HelmRepository", "OCIRepository"])
def test_a_chart_of_a_repository_is_asked_for_by_name_and_version(kind, preview):
    url = "https://charts.example.com" if kind == "HelmRepository" else "oci://ghcr.io/org/charts/redis"
    reference = f"{{kind: {kind}, name: other, namespace: flux-system}}"
    spec = f"  chart: {{spec: {{chart: redis, version: 1.2.3, sourceRef: {reference}}}}}\n"
    if kind == "OCIRepository":
        spec = f"  chartRef: {reference}\n"
    head = {
        "infrastructure/configs/source.yaml": FOREIGN.format(kind=kind, url=url).replace(
            "interval: 1h", "interval: 1h, ref: {tag: 1.2.3}"
        ),
        "infrastructure/configs/release.yaml": "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n"
        "metadata: {name: redis, namespace: redis}\nspec:\n  interval: 1h\n" + spec,
    }
    cell = preview(fleet(), head)[1]["prod", "redis"]
    where = "https://charts.example.com" if kind == "HelmRepository" else "ghcr.io/org/charts"
    assert (cell.yaml, cell.skipped.reason) == ("skipped", "dependency")
    assert f"redis 1.2.3 of {where}" in cell.skipped.message


def test_a_git_source_at_a_tag_is_a_pin(git, preview):
    git.commit(fleet(), ref="refs/tags/v1.0.0")
    pinned = sync("prod").replace("branch: main", "semver: 1.x").split("---\n")[1].replace(
        "name: flux-system\n  n", "name: pin\n  n")  # fmt: skip
    base = fleet() | {
        "clusters/prod/pin.yaml": pinned + "---\n" + kustomization("k", "./infrastructure/configs").replace(
            "    name: flux-system", "    name: pin")}  # fmt: skip
    _, cells = preview(base, {"infrastructure/configs/cm.yaml": configmap("issuer", "{mail: new@example.com}")})
    assert set(cells) == {("prod", "infrastructure"), ("staging", "infrastructure")}


def test_a_repository_of_one_cluster_needs_no_clusters_folder(preview):
    base = {
        "astrolabe.yaml": fleet()["astrolabe.yaml"],
        "kubernetes/flux/sync.yaml": sync("x").replace("./clusters/x", "./kubernetes/flux"),
        "kubernetes/flux/apps.yaml": kustomization("apps", "./kubernetes/apps"),
        "kubernetes/apps/cm.yaml": configmap("a", "{a: b}"),
    }
    _, cells = preview(base, {"kubernetes/apps/cm.yaml": configmap("a", "{a: c}")})
    assert states(cells) == {("in-cluster", "apps"): ("unchanged", "changed")}


def test_the_bootstrap_kustomization_may_patch_itself(preview):
    patch = "  - target: {kind: Kustomization, name: flux-system}\n    patch: |\n"
    patch += "      - {op: add, path: /spec/postBuild, value: {substitute: {WHERE: prod}}}\n"
    base = fleet() | {
        "clusters/prod/flux-system/kustomization.yaml": "resources: [gotk-sync.yaml]\npatches:\n" + patch,
        "clusters/prod/cm.yaml": configmap("where", '{where: "${WHERE}"}'),
    }
    _, cells = preview(base, {"clusters/prod/flux-system/kustomization.yaml": base[
        "clusters/prod/flux-system/kustomization.yaml"].replace("WHERE: prod", "WHERE: here")})  # fmt: skip
    changed = {change.id.name for change in cells["prod", "flux-system"].resources}
    assert changed == {"flux-system", "where"}


def test_a_folder_that_clusters_share_is_no_cluster(preview):
    shared = {
        "clusters/base/kustomization.yaml": "resources: [infrastructure.yaml]\n",
        "clusters/base/infrastructure.yaml": kustomization("infrastructure", "./infrastructure/configs"),
        "clusters/prod/infrastructure.yaml": None,
        "clusters/prod/kustomization.yaml": "resources: [flux-system, ../base, apps.yaml]\n",
    }
    prepared, _ = preview(fleet() | shared, {"x": "y"})
    assert {cluster for cluster, _ in places(prepared)} == {"prod", "staging"}
    assert ("prod", "infrastructure") in places(prepared)
    assert prepared.notes == ()


def test_a_kustomization_that_nothing_leads_to_is_named(preview):
    prepared, _ = preview(fleet() | {"old/x.yaml": kustomization("forgotten", "./x")}, {"x": "y"})
    assert prepared.notes == ("old/x.yaml: Flux Kustomizations that no cluster's own leads to are not shown",)
    assert "forgotten" not in {name for _, name in places(prepared)}


def test_clusters_of_another_layout_are_named_by_the_configuration(preview):
    config = fleet()["astrolabe.yaml"] + 'discover: [{files: "env/{cluster}/**/*.yaml"}]\n'
    base = {name.replace("clusters/", "env/"): text.replace("./clusters/", "./env/") for name, text in fleet().items()}
    changed = {"infrastructure/configs/cm.yaml": configmap("issuer", "{mail: new@example.com}")}
    _, cells = preview(base | {"astrolabe.yaml": config}, changed)
    assert set(cells) == {("prod", "infrastructure"), ("staging", "infrastructure")}


def test_templates_and_patches_of_flux_objects_are_no_instances(preview):
    head = {
        "clusters/prod/flux-system/patch.yaml": kustomization("apps", "x").partition("  sourceRef")[0],
        "clusters/prod/flux-system/t.yaml": kustomization("{{ .name }}", "x"),
        "clusters/prod/flux-system/u.yaml": "{{ if x }}\n" + kustomization("u", "x"),
    }
    assert preview(fleet(), head)[1] == {}


def test_flux_and_argo_cd_stand_side_by_side(preview):
    from tests.engine.fleets import application

    argo = application("web", "charts/podinfo").replace("https://kubernetes.default.svc", "https://argo.example.com")
    prepared, _ = preview(fleet() | {"argocd/web.yaml": argo}, {"x": "y"})
    assert places(prepared) >= {("argo.example.com", "web"), ("prod", "podinfo")}


def test_what_depends_on_something_unknown_says_so(preview):
    head = {"clusters/prod/x.yaml": kustomization("x", "./infrastructure/configs", "  dependsOn: [{name: nobody}]\n")}
    _, cells = preview(fleet(), head)
    assert cells["prod", "x"].notes == (
        "dependsOn nobody, a Kustomization that is declared nowhere in this repository",
    )
