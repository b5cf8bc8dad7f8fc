"""Charts of Helm repositories and registries, as the template of an Application and as a dependency."""

import pytest

from tests.engine.fleets import CONFIG, CONFIGMAP, chart, fleet
from tests.engine.one_application import sources
from tests.engine.remote.conftest import allow
from tests.engine.remote.servers import chart_archive

VERSIONED = CONFIGMAP + "  version: {{ .Chart.Version | quote }}\n"


def packed(version, name="web", **files):
    return chart_archive(name, version, {"c.yaml": VERSIONED}, **{"values_yaml": "text: hello\n", **files})


def application(repository, version, name="web", options=""):
    return f"""apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: web, namespace: argocd}}
spec:
  project: default
  destination: {{server: "https://kubernetes.default.svc", namespace: apps}}
  source:
    repoURL: {repository}
    chart: {name}
    targetRevision: "{version}"
{options}"""


def on_c1(*arguments, **options):
    return {"astrolabe.yaml": CONFIG, "clusters/c1/web.yaml": application(*arguments, **options)}


def lines_of(cell):
    return cell.value, cell.yaml, cell.yaml_lines, set(cell.cause)


def test_a_bumped_chart_of_a_helm_repository_is_a_change_of_the_template(preview, helm):
    helm.add("web", "1.0.0", packed("1.0.0"))
    helm.add("web", "1.1.0", packed("1.1.0"))
    _, cells = preview(on_c1(helm.url, "1.0.0"), on_c1(helm.url, "1.1.0"), allow(helm))
    assert lines_of(cells["c1", "web"]) == ("unchanged", "changed", (1, 1), {"target", "template"})


def test_a_chart_of_a_registry_is_fetched_with_a_token(preview, registry):
    registry.add("charts/web", "1.0.0", packed("1.0.0"))
    registry.add("charts/web", "1.1.0", packed("1.1.0"))
    where = f"{registry.host}/charts"
    _, cells = preview(on_c1(where, "1.0.0"), on_c1(where, "1.1.0"), allow(registry))
    assert lines_of(cells["c1", "web"]) == ("unchanged", "changed", (1, 1), {"target", "template"})
    assert [path for path in registry.asked if path.startswith("/token")]


def rendered(prepared, bench, side="head"):
    keys = {getattr(cell, f"{side}_key") for cell in prepared.plan.cells} - {""}
    found = bench.manifests([prepared.plan.requests[key] for key in keys])
    return "".join(resource.text for key in keys for resource in found[key].resources)


@pytest.fixture
def text_of(preview, bench):
    """The manifest of `web` on c1, were it new."""

    def run(head, reach, **options):
        prepared, cells = preview({"README.md": "x"}, head, reach, **options)
        assert cells["c1", "web"].skipped is None, cells["c1", "web"].skipped
        assert cells["c1", "web"].error is None, cells["c1", "web"].error
        return rendered(prepared, bench(reach=reach, **options))

    return run


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ("1.x", "1.10.0"),
        ("^1.2.0", "1.10.0"),
        ("~1.9", "1.9.1"),
        ("1", "1.10.0"),
        (">=1.0.0-0", "2.0.0-rc.1"),
        ("*", "1.10.0"),
    ],
)
def test_a_range_means_the_highest_version_and_prereleases_only_when_it_names_one(text_of, helm, wanted, chosen):
    for version in ("1.9.1", "1.10.0", "2.0.0-rc.1"):
        helm.add("web", version, packed(version))
    assert f'version: "{chosen}"' in text_of(on_c1(helm.url, wanted), allow(helm))


def test_the_tags_of_a_registry_are_read_page_by_page(text_of, registry):
    for version in ("1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0_build", "2.0.0"):
        registry.add("charts/web", version, packed(version.replace("_", "+")))
    assert 'version: "1.4.0+build"' in text_of(on_c1(f"oci://{registry.host}/charts", "1.x"), allow(registry))


def test_both_sides_see_the_same_index_and_one_archive_is_fetched_once(preview, bench, helm):
    helm.add("web", "1.0.0", packed("1.0.0"))
    values = "    helm: {values: 'text: new'}\n"
    base, head = on_c1(helm.url, "1.x"), on_c1(helm.url, "1.x", options=values)
    _, cells = preview(base, head, allow(helm))
    assert cells["c1", "web"].value == "changed"
    assert helm.asked == ["/index.yaml", "/archives/web-1.0.0.tgz"]


def test_an_exact_version_that_was_fetched_before_needs_no_network(preview, bench, helm, git):
    helm.add("web", "1.0.0", packed("1.0.0"))
    preview(on_c1(helm.url, "1.0.0"), on_c1(helm.url, "1.0.0", options="    helm: {values: 'text: a'}\n"), allow(helm))
    asked = len(helm.asked)
    _, cells = preview({"x": "y"}, on_c1(helm.url, "1.0.0", options="    helm: {values: 'text: b'}\n"))
    assert (cells["c1", "web"].yaml, len(helm.asked)) == ("changed", asked)


def test_values_of_a_chart_come_from_its_own_folder_and_the_revision_is_its_version(text_of, helm):
    helm.add("web", "1.2.3", packed("1.2.3", prod_yaml="text: prod\n"))
    options = (
        "    helm:\n      valueFiles: [prod.yaml]\n      parameters: [{name: text, value: $ARGOCD_APP_REVISION}]\n"
    )
    assert 'text: "1.2.3"' in text_of(on_c1(helm.url, "1.x", options=options), allow(helm))
    only_file = options.partition("      parameters")[0]
    assert 'text: "prod"' in text_of(on_c1(helm.url, "1.x", options=only_file), allow(helm))


def test_a_value_file_outside_the_chart_is_refused(preview, helm):
    helm.add("web", "1.0.0", packed("1.0.0"))
    options = "    helm: {valueFiles: [../../etc/passwd]}\n"
    _, cells = preview({"x": "y"}, on_c1(helm.url, "1.0.0", options=options), allow(helm))
    assert "leads out of the repository" in cells["c1", "web"].error.message


def test_the_values_of_a_chart_may_lie_in_the_previewed_repository(preview, helm):
    helm.add("web", "1.0.0", packed("1.0.0"))
    several = sources(
        {"repoURL": "https://git.example.com/fleet.git", "targetRevision": "main", "ref": "values"},
        {"repoURL": helm.url, "chart": "web", "targetRevision": "1.0.0", "helm": {"valueFiles": ["$values/web.yaml"]}},
    )
    base = {"astrolabe.yaml": CONFIG, "web.yaml": "text: old\n", **several}
    _, cells = preview(base, {"web.yaml": "text: new\n"}, allow(helm))
    assert lines_of(cells["c1", "web"]) == ("changed", "changed", (1, 1), {"value"})


def test_a_chart_that_makes_applications_is_followed(preview, helm):
    child = """apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: child, namespace: argocd}
spec:
  destination: {server: "https://kubernetes.default.svc", namespace: apps}
  source: {repoURL: "https://git.example.com/fleet.git", targetRevision: main, path: charts/web}
"""
    helm.add("apps", "1.0.0", chart_archive("apps", "1.0.0", {"child.yaml": child}))
    base = on_c1(helm.url, "1.0.0", name="apps") | chart("charts/web", {"c.yaml": CONFIGMAP})
    _, cells = preview(base, {"charts/web/values.yaml": "text: bye\n"}, allow(helm))
    assert set(cells) == {("c1", "child")}


def dependency(repository, version, name="redis"):
    return f"dependencies:\n- name: {name}\n  version: {version!r}\n  repository: {repository!r}\n"


def with_dependency(repository, version):
    return fleet(1) | chart("charts/web", {"config.yaml": CONFIGMAP}, more=dependency(repository, version))


def redis(version):
    templates = {"r.yaml": VERSIONED.replace("{{ .Release.Name }}", "redis")}
    return chart_archive("redis", version, templates, values_yaml="text: r\n")


def test_a_dependency_comes_from_a_helm_repository(preview, helm):
    for version in ("1.0.0", "1.1.0"):
        helm.add("redis", version, redis(version))
    _, cells = preview(with_dependency(helm.url, "1.0.0"), with_dependency(helm.url, "~1.1"), allow(helm))
    changed = [(change.id.name, change.state) for change in cells["c1", "web"].resources]
    assert changed == [("redis", "changed")]


@pytest.mark.parametrize("mark", ["@stable", "alias:stable"])
def test_a_dependency_names_its_repository_by_an_alias(preview, helm, mark):
    helm.add("redis", "1.0.0", redis("1.0.0"))
    base = fleet(1) | chart("charts/web", {"config.yaml": CONFIGMAP})
    reach = allow(helm, aliases={"stable": helm.url})
    _, cells = preview(base, with_dependency(mark, "1.0.0"), reach)
    assert [(change.id.name, change.state) for change in cells["c1", "web"].resources] == [("redis", "added")]


def test_a_dependency_comes_from_a_registry(preview, registry):
    registry.add("charts/redis", "1.0.0", redis("1.0.0"))
    base = fleet(1) | chart("charts/web", {"config.yaml": CONFIGMAP})
    _, cells = preview(base, with_dependency(f"oci://{registry.host}/charts", "1.0.0"), allow(registry))
    assert [(change.id.name, change.state) for change in cells["c1", "web"].resources] == [("redis", "added")]


def test_a_chart_that_is_in_the_store_folder_is_never_asked_for(preview, helm, tmp_path):
    store = tmp_path / "store"
    store.mkdir()
    for version in ("1.0.0", "1.1.0"):
        (store / f"web-{version}.tgz").write_bytes(packed(version))
    _, cells = preview(on_c1(helm.url, "1.0.0"), on_c1(helm.url, "1.1.0"), allow(helm), charts=store)
    assert (cells["c1", "web"].yaml, helm.asked) == ("changed", [])


def test_a_chart_whose_host_is_not_allowed_is_named_with_what_to_do(preview):
    _, cells = preview(on_c1("https://charts.example.com", "1.0.0"), on_c1("https://charts.example.com", "1.1.0"))
    cell = cells["c1", "web"]
    assert (cell.yaml, cell.skipped.reason) == ("skipped", "dependency")
    assert "chart web 1.1.0 of https://charts.example.com is not here" in cell.skipped.message
    assert "the host charts.example.com is not allowed (add it to ASTROLABE_CHART_HOSTS" in cell.skipped.message
    assert "put web-<version>.tgz into the chart store folder" in cell.skipped.message


def test_a_repository_that_does_not_answer_is_asked_once_and_said(preview, helm):
    reach = allow(helm)
    helm.close()
    base = on_c1(helm.url, "1.0.0") | {"clusters/c2/other.yaml": application(helm.url, "3.0.0", "other")}
    head = {
        "clusters/c1/web.yaml": application(helm.url, "1.1.0"),
        "clusters/c2/other.yaml": application(helm.url, "4.0.0", "other"),
    }
    _, cells = preview(base, head, reach)
    assert {cell.yaml for cell in cells.values()} == {"skipped"}
    assert "cannot be reached: Connection refused" in cells["c1", "web"].skipped.message


def test_a_version_that_is_not_there_is_said(preview, helm):
    helm.add("web", "1.0.0", packed("1.0.0"))
    _, cells = preview(on_c1(helm.url, "1.0.0"), on_c1(helm.url, "9.0.0"), allow(helm))
    assert "its repository has no such version" in cells["c1", "web"].skipped.message


def test_a_dependency_that_cannot_be_had_is_noted_with_the_reason(preview):
    base = fleet(1) | chart("charts/web", {"config.yaml": CONFIGMAP})
    prepared, cells = preview(base, with_dependency("https://charts.example.com", "1.0.0"))
    assert cells["c1", "web"].notes == ("without redis 1.0.0, which is not here",)
    notes = "\n".join(prepared.notes)
    assert "the host charts.example.com is not allowed" in notes and "(needed by redis 1.0.0)" in notes


def test_an_artifact_of_a_registry_is_a_source_as_well(text_of, registry):
    manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: plain}\n"
    from tests.engine.remote.servers import archive

    kind = "application/vnd.oci.image.layer.v1.tar+gzip"
    registry.add("config/app", "main", archive({"deploy/a.yaml": manifest}), kind)
    source = f'  source: {{repoURL: "oci://{registry.host}/config/app", targetRevision: main, path: deploy}}\n'
    head = on_c1("x", "y")
    head["clusters/c1/web.yaml"] = head["clusters/c1/web.yaml"].partition("  source:")[0] + source
    assert "name: plain" in text_of(head, allow(registry))


def test_another_machine_gets_the_same_chart_or_says_why_not(preview, helm, git, tmp_path):
    from tests.conftest import open_bench

    helm.add("web", "1.0.0", packed("1.0.0"))
    reach = allow(helm)
    prepared, _ = preview({"x": "y"}, on_c1(helm.url, "1.x"), reach)
    requests = list(prepared.plan.requests.values())
    assert [str(external) for external in prepared.externals] == [f"web 1.0.0 of {helm.url}"]
    with open_bench(git.folder, tmp_path / "second", reach=reach) as second:
        assert second.outside.ensure(prepared.externals) == ()
        assert all(result.resources for result in second.manifests(requests).values())
    helm.charts.clear()
    helm.add("web", "1.0.0", packed("1.0.0", values_yaml="text: other\n"))
    with open_bench(git.folder, tmp_path / "third", reach=reach) as third:
        (problem,) = third.outside.ensure(prepared.externals)
    assert "is not what it was when the preview began" in problem


@pytest.mark.parametrize("reference", ["latest", "digest"])
def test_a_tag_that_is_no_version_and_a_digest_are_taken_as_they_are(git, bench, registry, reference):
    git.commit({"x": "y"})
    digest = registry.add("charts/web", "latest", packed("1.0.0"))
    wanted = digest if reference == "digest" else reference
    first = bench(reach=allow(registry)).outside.chart("web", wanted, f"{registry.host}/charts")
    assert first.version == wanted
    registry.add("charts/web", "latest", packed("2.0.0"))
    second = bench(reach=allow(registry)).outside.chart("web", wanted, f"{registry.host}/charts")
    assert (second.tree == first.tree) == (reference == "digest")


def test_a_release_of_flux_takes_its_chart_from_a_helm_repository(preview, helm):
    for version in ("1.0.0", "1.1.0"):
        helm.add("web", version, packed(version))
    sync = (
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: {name: r, namespace: flux-system}\n"
    )
    sync += f"spec: {{url: '{helm.url}'}}\n---\napiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n"
    sync += "metadata: {name: web, namespace: flux-system}\n"
    sync += "spec: {interval: 1h, chart: {spec: {chart: web, version: VERSION, sourceRef: {kind: HelmRepository, name: r}}}}\n"
    root = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
    root += "metadata: {name: flux-system, namespace: flux-system}\n"
    root += "spec: {interval: 1h, path: ./clusters/prod, sourceRef: {kind: GitRepository, name: flux-system}}\n"
    base = {
        "clusters/prod/flux-system/gotk-sync.yaml": root,
        "clusters/prod/web.yaml": sync.replace("VERSION", "1.0.0"),
    }
    _, cells = preview(base, {"clusters/prod/web.yaml": sync.replace("VERSION", "1.1.x")}, allow(helm))
    assert (cells["prod", "web"].yaml, cells["prod", "web"].yaml_lines) == ("changed", (1, 1)), cells
