"""What Argo CD refuses, where it looks, and what its settings and environment change; the product's way."""

from __future__ import annotations

import pytest

from tests.conftest import run_preview
from tests.engine.fleets import ADDRESS, CONFIG, CONFIGMAP, application, chart, fleet
from tests.engine.one_application import HEAD, PLAIN, helm, names, show, sources

# What Argo CD refuses before it looks into Git


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([{"repoURL": "", "path": "charts/web"}], "a source has no repoURL"),
        ([{}], "neither path nor chart nor ref"),
        ([{"ref": "a b"}, {"path": "charts/web"}], "ref 'a b' may hold"),
        ([{"ref": "a"}, {"ref": "a"}, {"path": "charts/web"}], "several sources have the ref 'a'"),
        ([{"chart": "redis", "targetRevision": ""}], "chart redis has no targetRevision"),
        (
            [{"ref": "c", "chart": "redis"}, {"path": "charts/web", "helm": {"valueFiles": ["$c/v.yaml"]}}],
            "source $c is a chart",
        ),
        (
            [{"ref": "c"}, {"path": "charts/web", "helm": {"valueFiles": ["$other/v.yaml"]}}],
            "names the source $other, but the refs are c",
        ),
        (
            [{"ref": "c"}, {"path": "charts/web", "helm": {"fileParameters": [{"name": "a", "path": "$d/v.yaml"}]}}],
            "names the source $d, but the refs are c",
        ),
    ],
)  # fmt: skip
def test_sources_that_argo_cd_refuses_fail_with_the_reason(entries, message, added):
    cell = added({**show(), **sources(*entries)})
    assert (cell.yaml, message in cell.error.message) == ("failed", True), cell.error.message


def test_a_ref_with_a_path_is_rendered_too_and_its_ref_is_still_the_root(added):
    template = PLAIN.format("web") + "data: {v: {{ .Values.v }}}\n"
    app = sources(
        {"ref": "values", "path": "plain"}, {"path": "charts/web", "helm": {"valueFiles": ["$values/plain/v.yaml"]}}
    )
    files = chart("charts/web", {"a.yaml": template}) | {
        "plain/p.yaml": PLAIN.format("plain"),
        "plain/v.yaml": "v: z\n",
    }
    cell = added({**files, **app})
    assert names(cell) == ["plain", "web"]


def destination(text):
    return helm()["clusters/c1/web.yaml"].replace("    server: https://kubernetes.default.svc\n", text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("    server: https://kubernetes.default.svc\n    name: in-cluster\n", "has both name (in-cluster) and server"),
        ("", "destination has neither name nor server"),
    ],
)
def test_a_destination_has_either_a_server_or_a_name(text, message, added):
    cell = added({**show(), "clusters/c1/web.yaml": destination(text)})
    assert (cell.yaml, message in cell.error.message) == ("failed", True)


def test_the_hydrators_dry_source_is_what_is_rendered(added):
    hydrated = destination("    server: https://kubernetes.default.svc\n").replace(
        "  source:\n",
        "  sourceHydrator:\n    syncSource: {targetBranch: env/x, path: .}\n    drySource:\n"
        f"      repoURL: {ADDRESS}\n      targetRevision: main\n      path: plain\n  source:\n",
    )
    cell = added({**show(), "plain/a.yaml": PLAIN.format("dry"), "clusters/c1/web.yaml": hydrated})
    assert names(cell) == ["dry"]


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("{values: 'a: ['}", "helm.values: line"),
        ("{values: '- a'}", "helm.values is no YAML mapping"),
        ("{valuesObject: [a]}", "valuesObject is no mapping"),
        ("{parameters: [a=b]}", "parameters is no list of mappings"),
        ("{valueFiles: values.yaml}", "valueFiles is no list of texts"),
        ("text", "helm is no mapping"),
    ],
)
def test_an_application_with_a_broken_source_fails_and_is_not_removed(broken, message, changed):
    edited = application("web", "charts/web", f"    helm: {broken}\n")
    cell = changed({**show(), **helm()}, {"clusters/c1/web.yaml": edited})
    assert (cell.yaml, message in cell.error.message) == ("failed", True), cell.error.message


# Paths


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("../other", "leads out of the repository"),
        ("/etc", "not a path inside the repository"),
        ("charts/../../repository.gitx", "leads out of the repository"),
        ("nowhere", "app path does not exist"),
        ("charts/web/Chart.yaml", "app path does not exist"),
    ],
)
def test_the_path_is_relative_there_and_a_folder_of_the_repository(path, message, added):
    cell = added({**show(), "clusters/c1/web.yaml": application("web", path)})
    assert (cell.yaml, message in cell.error.message) == ("failed", True), cell.error.message


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("/proc/self/environ", "leak.json: symbolic link to an absolute path"),
        ("../../outside", "leak.json: symbolic link leads out of the repository"),
        ("../../../repository.git/x", "leak.json: symbolic link leads out of the repository"),
    ],
)
def test_a_link_out_of_bounds_anywhere_stops_every_application(target, message, git, bench):
    git.commit({"astrolabe.yaml": CONFIG, **show(), **helm()})
    git.commit({"docs/leak.json": target}, ref=HEAD, start="refs/heads/main", modes={"docs/leak.json": "120000"})
    cell = run_preview(bench(), HEAD)[1]["c1", "web"]
    assert (cell.yaml, message in cell.error.message) == ("failed", True), cell.error.message


def test_links_inside_the_repository_are_fine_and_the_check_can_be_switched_off_by_the_base(git, bench):
    settings = CONFIG + 'argocd: {reposerver.allow.oob.symlinks: "true"}\n'
    modes = {"docs/inside": "120000", "docs/outside": "120000"}
    git.commit({"astrolabe.yaml": settings, **show("a: 1\n"), **helm()})
    files = {"docs/inside": "../charts/web", "docs/outside": "/etc/passwd", "charts/web/values.yaml": "a: 2\n"}
    git.commit(files, ref=HEAD, start="refs/heads/main", modes=modes)
    assert run_preview(bench(), HEAD)[1]["c1", "web"].yaml == "changed"


# Argo CD's settings, its environment, and versions


def test_a_tool_that_is_switched_off_leaves_a_folder_of_plain_files(changed):
    off = CONFIG + 'argocd: {helm.enable: "false", kustomize.enable: "no"}\n'
    files = {
        "both/kustomization.yaml": "resources: [nothing.yaml]\n",
        "both/Chart.yaml": "name: both\n",
        "both/p.yaml": PLAIN.format("plain"),
        "clusters/c1/web.yaml": application("web", "both", "    helm: {releaseName: x}\n"),
    }
    assert names(changed({"astrolabe.yaml": off}, files)) == ["plain"]


def test_a_change_request_cannot_switch_a_tool_off_for_its_own_preview(added):
    off = CONFIG + 'argocd: {helm.enable: "false"}\n'
    cell = added({"astrolabe.yaml": off, **show(), **helm()})
    assert names(cell) == ["web"]


def test_all_variables_of_the_environment_have_the_values_of_argo_cd(values_of):
    variables = {
        "ARGOCD_APP_NAME": "web",
        "ARGOCD_APP_NAMESPACE": "apps",
        "ARGOCD_APP_PROJECT_NAME": "default",
        "ARGOCD_APP_SOURCE_REPO_URL": ADDRESS,
        "ARGOCD_APP_SOURCE_PATH": "charts/web",
        "ARGOCD_APP_SOURCE_TARGET_REVISION": "main",
        "ARGOCD_APP_REVISION": "0" * 40,
        "ARGOCD_APP_REVISION_SHORT": "0" * 7,
        "ARGOCD_APP_REVISION_SHORT_8": "0" * 8,
    }
    parameters = [{"name": name, "value": f"${{{name}}}", "forceString": True} for name in variables]
    assert values_of({**show(), **helm(parameters=parameters)}) == variables


def test_inline_values_names_and_files_are_not_substituted(values_of):
    files = {"charts/web/v.yaml": "file: $ARGOCD_APP_NAME\n"}
    given = helm(valueFiles=["v.yaml"], values="inline: $ARGOCD_APP_NAME", parameters=[{"name": "$X", "value": "y"}])
    seen = {"file": "$ARGOCD_APP_NAME", "inline": "$ARGOCD_APP_NAME", "$X": "y"}
    assert values_of({**show(), **files, **given}) == seen


@pytest.mark.parametrize("version", ["newest", "1", "x1.30"])
def test_a_kubernetes_version_that_is_none_fails_with_the_text(version, added):
    cell = added({**show(), **helm(kubeVersion=version)})
    assert f"could not parse Kubernetes version '{version}'" in cell.error.message


def test_a_chart_for_another_kubernetes_is_refused_as_helm_does(added):
    needy = chart("charts/web", {"a.yaml": PLAIN.format("a")}, more="kubeVersion: '>= 1.30.0-0'\n")
    cell = added({**needy, **helm(kubeVersion="1.29.4")})
    assert "requires kubeVersion: >= 1.30.0-0 which is incompatible with Kubernetes v1.29.4" in cell.error.message


def test_a_release_name_with_a_template_is_not_evaluated(added):
    cell = added({**show(), **helm(releaseName='{{ env "HOME" }}')})
    assert "releaseName holds a template" in cell.error.message


def test_the_template_of_a_config_map_still_gets_its_text(added):
    """The fleet that most tests use, so that a fault of this file's own helpers would show."""
    cell = added(fleet(1) | chart("charts/web", {"config.yaml": CONFIGMAP}))
    assert names(cell) == ["web"]
