"""The sharp cases: inputs on which a guess would be wrong, each with what Argo CD makes of it.

Numbers are those of the rendering specification's list of edge cases. All go the product's way: Git, cells, messages.
"""

from __future__ import annotations

import json

import pytest

from previews.engine.discover.fleet import discover
from previews.engine.manifests import Manifest
from previews.engine.yamls import load
from tests.conftest import run_preview
from tests.engine.fleets import ADDRESS, CONFIG, CONFIGMAP, application, chart, fleet

HEAD = "refs/pull/1/head"
PLAIN = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {}\n"
ALL = PLAIN.format("{{ .Release.Name }}") + "data:\n  values: {{ .Values | toJson | quote }}\n"


@pytest.fixture
def added(git, bench):
    """The cell of the one application `web` on `c1` that a change request adds, with all its files."""

    def run(files, **options):
        git.commit({"astrolabe.yaml": CONFIG})
        git.commit(files, ref=HEAD, start="refs/heads/main")
        return run_preview(bench(), HEAD, **options)[1]["c1", "web"]

    return run


@pytest.fixture
def changed(git, bench):
    """The cell of `web` on `c1` after a change of an existing fleet; None when it does not change."""

    def run(base, head, **options):
        git.commit({"astrolabe.yaml": CONFIG, **base})
        git.commit(head, ref=HEAD, start="refs/heads/main")
        return run_preview(bench(), HEAD, **options)[1].get(("c1", "web"))

    return run


def names(cell):
    return [change.id.name for change in cell.resources]


def helm(path="charts/web", **options):
    """The Application `web` with `source.helm`, which JSON spells as well as YAML."""
    return {"clusters/c1/web.yaml": application("web", path, f"    helm: {json.dumps(options)}\n")}


def show(values="{}\n"):
    """A chart that shows all its values."""
    return chart("charts/web", {"all.yaml": ALL}, values=values)


@pytest.fixture
def objects_of(git, bench):
    """The objects that the one application of a fleet renders to."""

    def run(files):
        git.commit({"astrolabe.yaml": CONFIG, **files})
        one = bench()
        tree = one.mirror.tree(one.mirror.commit("main"))
        resolver = one.resolver(tree, one.config(tree, tree), ["main"])
        (instance,) = discover(resolver, one.manifests).instances
        request = resolver.resolve(instance).request
        result = one.manifests([request])[request.key]
        assert isinstance(result, Manifest), result
        return [load(resource.text) for resource in result.resources]

    return run


@pytest.fixture
def values_of(objects_of):
    """All values that the chart `show` sees."""
    return lambda files: json.loads(objects_of(files)[0]["data"]["values"])


def sources(*entries):
    """The Application `web` with several sources, each of this repository unless it says otherwise."""
    full = [{"repoURL": ADDRESS, "targetRevision": "main", **entry} for entry in entries]
    spec = {
        "project": "default",
        "destination": {"server": "https://kubernetes.default.svc", "namespace": "apps"},
        "sources": full,
    }
    head = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: web, namespace: argocd}\n"
    return {"clusters/c1/web.yaml": f"{head}spec: {json.dumps(spec)}\n"}


# 1 to 5: which tool


def test_01_an_empty_helm_block_does_not_make_a_plain_folder_a_chart(added):
    cell = added({**helm("plain"), "plain/a.yaml": PLAIN.format("a")})
    assert (cell.yaml, names(cell)) == ("added", ["a"])


def test_02_with_chart_and_kustomization_side_by_side_kustomize_wins(added):
    files = chart("both", {"c.yaml": PLAIN.format("from-helm")}) | {
        "both/kustomization.yaml": "resources: [k.yaml]\n",
        "both/k.yaml": PLAIN.format("from-kustomize"),
    }
    cell = added({**files, "clusters/c1/web.yaml": application("web", "both")})
    assert names(cell) == ["from-kustomize"]


def test_03_a_file_that_ends_in_chart_yaml_is_taken_for_a_chart_and_fails(added):
    cell = added({"odd/myChart.yaml": "name: x\n", "clusters/c1/web.yaml": application("web", "odd")})
    assert cell.yaml == "failed"
    assert "odd: Chart.yaml file is missing" in cell.error.message


def test_04_helm_in_the_application_and_kustomize_in_its_file_are_two_sources(added):
    patch = {"charts/web/.argocd-source.yaml": "kustomize: {namePrefix: x-}\n"}
    cell = added({**show(), **helm(releaseName="x"), **patch})
    assert "multiple application sources defined: helm, kustomize" in cell.error.message


def test_05_a_file_beside_the_app_cannot_move_it_and_its_lists_replace(values_of):
    patch = "path: charts/other\nhelm: {valueFiles: [b.yaml]}\n"
    files = {"charts/web/a.yaml": "a: 1\n", "charts/web/b.yaml": "b: 1\n", "charts/web/.argocd-source.yaml": patch}
    assert values_of({**show(), **helm(valueFiles=["a.yaml"]), **files}) == {"b": 1}


# 6 to 11: values


def test_06_an_empty_values_object_discards_the_values_text(values_of):
    assert values_of({**show(), **helm(valuesObject={}, values="a: 1")}) == {}


@pytest.mark.parametrize(
    ("value", "forced", "seen"),
    [
        ("1.10", False, "1.10"),
        ("8", False, 8),
        ("8", True, "8"),
        ("a,b", False, "a,b"),
        ("{a,b}", False, ["a", "b"]),
        ("20240115", False, 20240115),
        ("null", True, "null"),
    ],
)
def test_07_parameters_are_typed_as_set_does(value, forced, seen, values_of):
    parameter = {"name": "v", "value": value, "forceString": forced}
    assert values_of({**show(), **helm(parameters=[parameter])}) == {"v": seen}


def test_07_whole_numbers_of_parameters_are_printed_whole(objects_of):
    """As floats, which is what numbers of YAML are to Helm, they would be 2.0240115e+07."""
    template = PLAIN.format("image") + "data: {image: 'web:{{ .Values.tag }}'}\n"
    files = chart("charts/web", {"a.yaml": template}, values="tag: latest\n")
    (image,) = objects_of({**files, **helm(parameters=[{"name": "tag", "value": "20240115"}])})
    assert image["data"] == {"image": "web:20240115"}


def test_08_a_value_file_that_is_listed_twice_counts_where_it_stands_first(values_of):
    files = {"charts/web/a.yaml": "v: a\n", "charts/web/b.yaml": "v: b\n"}
    assert values_of({**show(), **files, **helm(valueFiles=["a.yaml", "b.yaml", "a.yaml"])}) == {"v": "b"}


def test_09_a_file_that_a_pattern_finds_too_counts_where_it_is_listed(values_of):
    files = {"charts/web/env/a.yaml": "v: a\n", "charts/web/env/b.yaml": "v: b\n"}
    assert values_of({**show(), **files, **helm(valueFiles=["env/*.yaml", "env/a.yaml"])}) == {"v": "a"}


def test_09_a_pattern_takes_the_files_of_a_folder_before_those_of_its_subfolders(values_of):
    files = {"charts/web/env/z.yaml": "v: z\n", "charts/web/env/deep/a.yaml": "v: deep\n"}
    assert values_of({**show(), **files, **helm(valueFiles=["env/**/*.yaml"])}) == {"v": "deep"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("foo:bar.yaml", "the URL scheme 'foo' is not allowed"),
        ("file:///etc/passwd", "the URL scheme 'file' is not allowed"),
        ("../../../../etc/passwd", "leads out of the repository"),
        ("/../x.yaml", "leads out of the repository"),
        ("/", "is the root of the repository"),
        ("none.yaml", "value file charts/web/none.yaml does not exist"),
        ("none-*.yaml", "no value file matches none-*.yaml"),
    ],
)
def test_10_value_files_stay_in_the_repository(name, message, added):
    cell = added({**show(), **helm(valueFiles=[name])})
    assert (cell.yaml, message in cell.error.message) == ("failed", True), cell.error.message


def test_10_a_ref_without_a_path_is_the_root_and_refused(added):
    app = sources({"ref": "values"}, {"path": "charts/web", "helm": {"valueFiles": ["$values"]}})
    assert "value file $values is the root of the repository" in added({**show(), **app}).error.message


def test_10_schemes_are_those_that_argo_cd_is_configured_to_allow(changed):
    files = {**show(), **helm(valueFiles=["s3://bucket/values.yaml"])}
    refused = changed({"a": "b"}, files)
    assert "the URL scheme 's3' is not allowed" in refused.error.message


@pytest.mark.parametrize("allowed", ["s3,https", "https , S3"])
def test_10_an_allowed_scheme_is_said_to_be_out_of_reach(allowed, changed):
    settings = CONFIG + f'argocd: {{helm.valuesFileSchemes: "{allowed.lower()}"}}\n'
    files = {**show(), **helm(valueFiles=["s3://bucket/values.yaml"])}
    cell = changed({"astrolabe.yaml": settings}, files)
    assert (cell.yaml, cell.skipped.reason) == ("skipped", "dependency")
    assert "s3://bucket/values.yaml" in cell.skipped.message


def test_10_a_value_file_of_the_web_is_not_fetched_and_said_so(added):
    cell = added({**show(), **helm(valueFiles=["https://values.example.com/v.yaml"])})
    assert (cell.yaml, cell.skipped.reason) == ("skipped", "dependency")
    assert "https://values.example.com/v.yaml" in cell.skipped.message


def test_11_the_applications_name_starts_a_path_in_a_single_source_only(values_of, added):
    files = {**show(), "charts/web/web/v.yaml": "v: found\n"}
    names_it = {"valueFiles": ["$ARGOCD_APP_NAME/v.yaml"]}
    assert values_of({**files, **helm(**names_it)}) == {"v": "found"}


def test_11_with_several_sources_the_same_path_names_a_ref_that_is_not_there(added):
    app = sources({"path": "charts/web", "helm": {"valueFiles": ["$ARGOCD_APP_NAME/v.yaml"]}})
    message = added({**show(), **app}).error.message
    assert "names the source $ARGOCD_APP_NAME, but no source has a ref" in message


# 12 to 16: labels, refs, names, dependencies


def labelled(**options):
    return {
        "clusters/c1/web.yaml": application("web", "k", f"    kustomize: {json.dumps(options)}\n"),
        "k/kustomization.yaml": "resources: [a.yaml]\ncommonLabels: {team: old}\n",
        "k/a.yaml": PLAIN.format("a"),
    }


def test_12_a_label_that_the_kustomization_has_already_is_an_error(added):
    cell = added(labelled(commonLabels={"team": "new"}))
    assert (cell.yaml, "team already in kustomization" in cell.error.message) == ("failed", True), cell.error.message


def test_12_unless_it_is_forced(objects_of):
    (only,) = objects_of(labelled(commonLabels={"team": "new"}, forceCommonLabels=True))
    assert only["metadata"]["labels"] == {"team": "new"}


def test_13_a_ref_to_the_apps_own_repository_at_another_revision_is_an_error(changed, git):
    files = {**show(), "values/v.yaml": "v: old\n"}
    git.commit(files)
    git.commit({"values/v.yaml": "v: tagged\n"}, ref="refs/heads/other")
    app = sources(
        {"ref": "values", "targetRevision": "other"},
        {"path": "charts/web", "helm": {"valueFiles": ["$values/values/v.yaml"]}},
    )
    message = changed(files, app).error.message
    assert "source $values is at another revision (other) of this source's own repository (main)" in message


def test_13_value_files_of_one_repository_at_two_revisions_are_an_error(changed):
    other = {"repoURL": "https://git.example.com/values.git"}
    app = sources(
        {"ref": "a", "targetRevision": "v1", **other},
        {"ref": "b", "targetRevision": "v2", **other},
        {"path": "charts/web", "helm": {"valueFiles": ["$a/v.yaml", "$b/v.yaml"]}},
    )
    assert "at several revisions: $a is at v1, $b at v2" in changed(show(), app).error.message


def test_14_a_name_of_54_signs_is_too_long_for_helm(added):
    cell = added({**show(), **helm(releaseName="x" * 54)})
    assert (cell.yaml, "must not be longer than 53" in cell.error.message) == ("failed", True)


def test_15_in_a_namespace_of_its_own_the_release_keeps_its_bare_name(values_of):
    web = helm(parameters=[{"name": "app", "value": "$ARGOCD_APP_NAME"}])["clusters/c1/web.yaml"]
    patch = (
        '{"helm": {"parameters": [{"name": "app", "value": "$ARGOCD_APP_NAME"}, {"name": "p", "value": "patched"}]}}'
    )
    template = ALL.replace(".Values |", 'merge .Values (dict "release" .Release.Name) |')
    files = {
        **chart("charts/web", {"all.yaml": template}, values="{}\n"),
        "clusters/c1/web.yaml": web.replace("namespace: argocd", "namespace: team"),
        "charts/web/.argocd-source-team_web.yaml": patch,
    }
    assert values_of(files) == {"app": "team_web", "p": "patched", "release": "web"}


def vendored(wanted):
    sub = chart("charts/web/charts/sub", {"s.yaml": PLAIN.format("from-sub-{{ .Chart.Version }}")}, values="{}\n")
    more = f"dependencies:\n- name: sub\n  version: {wanted}\n  repository: https://charts.example.com\n"
    files = chart("charts/web", {"c.yaml": PLAIN.format("{{ .Chart.AppVersion }}")}, values="{}\n", more=more)
    files["charts/web/Chart.yaml"] += f"appVersion: app-{wanted}\n"
    return {**files, **sub}


def test_16_a_vendored_chart_that_is_out_of_date_is_rendered_with_a_warning(changed):
    cell = changed({**vendored("1.0.0"), **helm()}, vendored("2.0.0"))
    assert [(change.id.name, change.state) for change in cell.resources] == [
        ("app-1.0.0", "removed"),
        ("app-2.0.0", "added"),
    ]
    assert "Chart.yaml asks for sub 2.0.0, but charts/ holds 1.0.0, which is what Helm renders" in cell.notes


def test_16_a_vendored_chart_that_fits_gives_no_warning(added):
    cell = added({**vendored("~1.0.0"), **helm()})
    assert (sorted(names(cell)), cell.notes) == (["app-~1.0.0", "from-sub-1.0.0"], ())


# 17: folders of plain files


def test_17_an_exclusion_reaches_into_subfolders(added):
    options = "    directory: {recurse: true, exclude: '*.yaml'}\n"
    files = {
        "plain/a.yaml": PLAIN.format("a"),
        "plain/deep/b.yaml": PLAIN.format("b"),
        "plain/c.yml": PLAIN.format("c"),
    }
    assert names(added({**files, "clusters/c1/web.yaml": application("web", "plain", options)})) == ["c"]


# 18 to 20: objects


def test_18_a_file_without_a_kind_is_no_manifest_and_left_alone(added):
    files = {"plain/a.yaml": PLAIN.format("a"), "plain/values.yaml": "replicas: 3\n"}
    assert names(added({**files, "clusters/c1/web.yaml": application("web", "plain")})) == ["a"]


def test_18_the_same_after_a_manifest_in_one_file_is_an_error(added):
    files = {"plain/a.yaml": PLAIN.format("a") + "---\nreplicas: 3\n"}
    cell = added({**files, "clusters/c1/web.yaml": application("web", "plain")})
    assert cell.yaml == "failed"
    assert "kind" in cell.error.message


def test_19_a_custom_resource_with_empty_items_expands_to_nothing(added):
    widget = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\nitems: []\n"
    files = {"plain/a.yaml": PLAIN.format("a"), "plain/w.yaml": widget}
    assert names(added({**files, "clusters/c1/web.yaml": application("web", "plain")})) == ["a"]


def test_20_of_one_object_out_of_two_sources_the_later_remains_whatever_its_version(added):
    deployment = "apiVersion: {}\nkind: Deployment\nmetadata:\n  name: d\n  labels:\n    from: {}\n"
    files = {
        "one/d.yaml": deployment.format("apps/v1", "one"),
        "two/d.yaml": deployment.format("apps/v1beta1", "two"),
        **sources({"path": "one"}, {"path": "two"}),
    }
    cell = added(files)
    assert names(cell) == ["d"]
    assert any("Deployment d is rendered more than once" in note for note in cell.notes), cell.notes


def test_20_it_is_the_later_sources_object(objects_of):
    deployment = "apiVersion: {}\nkind: Deployment\nmetadata:\n  name: d\n  labels:\n    from: {}\n"
    files = {
        "one/d.yaml": deployment.format("apps/v1", "one"),
        "two/d.yaml": deployment.format("apps/v1beta1", "two"),
        **sources({"path": "one"}, {"path": "two"}),
    }
    assert [item["metadata"]["labels"] for item in objects_of(files)] == [{"from": "two"}]


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
