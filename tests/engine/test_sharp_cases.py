"""The sharp cases: inputs on which a guess would be wrong, each with what Argo CD makes of it.

Numbers are those of the rendering specification's list of edge cases. All go the product's way: Git, cells, messages.
"""

from __future__ import annotations

import json

import pytest

from tests.engine.fleets import CONFIG, application, chart
from tests.engine.one_application import ALL, PLAIN, helm, names, show, sources

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
