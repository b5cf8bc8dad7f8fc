"""Kustomize as Argo CD runs it: an Application's options, build options, what a build reads, and remote bases."""

from __future__ import annotations

import pytest

from previews.engine.render.kustomize.remote import RemoteBase, parse_remote
from previews.engine.yamls import dump, load
from tests.conftest import run_preview
from tests.engine.fleets import ADDRESS, CONFIG, application

HEAD = "refs/pull/1/head"
DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "registry.example.com:5000/web:1.0"}
"""
COMPONENT = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"


def configmap(name):
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n"


def with_options(options, files=None, kustomization="resources: [web.yaml]\n"):
    """A fleet of one Deployment below k/, and its Application with these `source.kustomize`."""
    block = dump({"kustomize": options}).replace("\n", "\n    ")
    return {
        "clusters/c1/k.yaml": application("k", "k/app", f"    {block}\n" if options else ""),
        "k/app/kustomization.yaml": kustomization,
        "k/app/web.yaml": DEPLOYMENT,
        **(files or {}),
    }


@pytest.fixture
def render(git, bench):
    """What an application that is new at the head renders: its objects by name; else the text that says why not."""

    def run(files, argocd=None):
        git.commit({"astrolabe.yaml": CONFIG + (dump({"argocd": argocd}) if argocd else "")})
        git.commit(files, ref=HEAD, start="refs/heads/main")
        opened = bench()
        prepared, cells = run_preview(opened, HEAD)
        cell = cells["c1", "k"]
        if cell.error or cell.skipped:
            return f"{cell.yaml}: {(cell.error or cell.skipped).message}"
        (manifest,) = opened.manifests(list(prepared.plan.requests.values())).values()
        return {resource.id.name: load(resource.text) for resource in manifest.resources}

    return run


def container(objects):
    (found,) = objects.values()
    return found["spec"]["template"]["spec"]["containers"][0]["image"]


# The options, in Argo CD's order


def test_names_and_namespace_are_set(render):
    objects = render(with_options({"namePrefix": "a-", "nameSuffix": "-z", "namespace": "team"}))
    assert objects["a-web-z"]["metadata"] == {"name": "a-web-z", "namespace": "team"}


def test_a_namespace_that_kubernetes_refuses_fails(render):
    assert "failed: 'Team_1' is not a valid namespace name" in render(with_options({"namespace": "Team_1"}))


@pytest.mark.parametrize(
    ("here", "argument", "image"),
    [
        ({}, "registry.example.com:5000/web:2.0", "registry.example.com:5000/web:2.0"),
        ({}, "registry.example.com:5000/web=other:3@sha256:abc", "other:3@sha256:abc"),
        ({"newTag": "9"}, "registry.example.com:5000/web=other", "other:1.0"),
        ({"newTag": "9"}, "registry.example.com:5000/web=other:*", "other:9"),
        ({"newName": "mine"}, "registry.example.com:5000/web=*:7", "mine:7"),
        ({}, "registry.example.com:5000/web:$ARGOCD_APP_NAME", "registry.example.com:5000/web:k"),
    ],
)
def test_an_image_replaces_the_whole_entry_of_its_name(render, here, argument, image):
    text = dump({"resources": ["web.yaml"], "images": [{"name": "registry.example.com:5000/web", **here}]})
    assert container(render(with_options({"images": [argument]}, kustomization=text))) == image


def test_a_bare_image_is_refused(render):
    assert "kustomize image 'web' must be" in render(with_options({"images": ["web"]}))


def test_replicas_are_a_number_or_its_text(render):
    objects = render(with_options({"replicas": [{"name": "web", "count": "4"}]}))
    assert objects["web"]["spec"]["replicas"] == 4


def test_replicas_that_are_no_number_fail(render):
    message = render(with_options({"replicas": [{"name": "web", "count": "many"}]}))
    assert "kustomize replicas of web: count 'many' is no whole number" in message


LABELLED = "resources: [web.yaml]\ncommonLabels: {team: one}\ncommonAnnotations: {note: one}\n"


@pytest.mark.parametrize(("key", "word"), [("commonLabels", "label team"), ("commonAnnotations", "annotation note")])
def test_a_label_or_annotation_that_is_there_already_fails(render, key, word):
    name = word.partition(" ")[2]
    message = render(with_options({key: {name: "two"}}, kustomization=LABELLED))
    assert message == f"failed: {word} already in kustomization file"


def test_force_replaces_labels_and_annotations(render):
    options = {"commonLabels": {"team": "two"}, "commonAnnotations": {"note": "two"}}
    forced = {**options, "forceCommonLabels": True, "forceCommonAnnotations": True}
    found = render(with_options(forced, kustomization=LABELLED))["web"]
    assert found["metadata"] == {"name": "web", "labels": {"team": "two"}, "annotations": {"note": "two"}}
    assert found["spec"]["selector"]["matchLabels"] == {"app": "web", "team": "two"}


def test_values_of_labels_are_substituted_and_those_of_annotations_only_when_asked(render):
    options = {"commonLabels": {"app-is": "${ARGOCD_APP_NAME}"}, "commonAnnotations": {"ns": "$ARGOCD_APP_NAMESPACE"}}
    plain = render(with_options(options))["web"]["metadata"]
    assert (plain["labels"], plain["annotations"]) == ({"app-is": "k"}, {"ns": "$ARGOCD_APP_NAMESPACE"})


def test_annotations_are_substituted_when_asked(render):
    options = {"commonAnnotations": {"ns": "$ARGOCD_APP_NAMESPACE"}, "commonAnnotationsEnvsubst": True}
    assert render(with_options(options))["web"]["metadata"]["annotations"] == {"ns": "apps"}


@pytest.mark.parametrize("templates", [False, True])
def test_labels_without_selector_leave_selectors_alone(render, templates):
    options = {"commonLabels": {"team": "x"}, "labelWithoutSelector": True, "labelIncludeTemplates": templates}
    found = render(with_options(options))["web"]
    assert found["metadata"]["labels"] == {"team": "x"}
    assert found["spec"]["selector"]["matchLabels"] == {"app": "web"}
    assert ("team" in found["spec"]["template"]["metadata"]["labels"]) == templates


def test_labels_without_selector_go_to_the_first_item_of_their_kind(render):
    text = "resources: [web.yaml]\nlabels:\n- {pairs: {team: a}, includeTemplates: true}\n- {pairs: {team: a}}\n"
    options = {"commonLabels": {"team": "b"}, "labelWithoutSelector": True}
    assert "label team already in kustomization file" in render(with_options(options, kustomization=text))


def test_labels_in_templates_need_those_without_selector(render):
    options = {"commonLabels": {"team": "x"}, "labelIncludeTemplates": True}
    assert "labelIncludeTemplates needs labelWithoutSelector" in render(with_options(options))


def test_patches_come_after_those_of_the_file(render):
    def patch(count):
        return {
            "target": {"kind": "Deployment"},
            "patch": dump([{"op": "replace", "path": "/spec/replicas", "value": count}]),
        }

    text = dump({"resources": ["web.yaml"], "patches": [patch(5)]})
    assert render(with_options({"patches": [patch(6)]}, kustomization=text))["web"]["spec"]["replicas"] == 6


COMPONENTS = {
    f"k/parts/{name}/{file}": text
    for name in ("one", "two")
    for file, text in (("kustomization.yaml", COMPONENT + "resources: [c.yaml]\n"), ("c.yaml", configmap(name)))
}


def test_components_are_found_by_pattern_and_used_once(render):
    objects = render(with_options({"components": ["../parts/*", "../parts/one"]}, COMPONENTS))
    assert set(objects) == {"web", "one", "two"}


def test_a_component_that_is_missing_fails(render):
    assert "component ../parts/three has no match" in render(with_options({"components": ["../parts/three"]}))


def test_missing_components_can_be_ignored(render):
    inside = {path.replace("k/", "k/app/"): text for path, text in COMPONENTS.items()}
    options = {"components": ["parts/one", "parts/three"], "ignoreMissingComponents": True}
    assert set(render(with_options(options, inside))) == {"web", "one"}


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"replicas": ["web"]}, ""),
        ({"images": "web:1"}, ""),
        ({"commonLabels": ["a"]}, ""),
        ({"namePrefix": "a"}, "commonLabels: [a]"),
        ({"namePrefix": "a"}, "labels: [a]"),
    ],
)
def test_what_has_another_shape_fails_alone(render, options, text):
    message = render(with_options(options, kustomization=f"resources: [web.yaml]\n{text}\n"))
    assert message.startswith("failed: kustomize: ") and " is no " in message


def test_a_kustomization_of_another_shape_is_for_kustomize_to_refuse(render):
    message = render(with_options({}, kustomization="resources: [web.yaml]\ngenerators: 5\npatches: {a: b}\n"))
    assert message.startswith("failed: ")


def test_edits_without_a_kustomization_file_fail(render):
    files = with_options({"namePrefix": "a-"}) | {"k/app/kustomization.yaml": None}
    assert render({path: text for path, text in files.items() if text}) == "failed: k/app: no kustomization file"


def test_another_kustomize_is_named_with_where_argo_cd_has_it(render):
    message = render(with_options({"version": "v4.5.7"}), {"kustomize.path.v4.5.7": "/tools/kustomize_4"})
    assert "skipped: kustomize.version asks for Kustomize v4.5.7 (Argo CD's /tools/kustomize_4)" in message


def test_versions_for_charts_inside_change_nothing_else(render):
    assert set(render(with_options({"kubeVersion": "1.30", "apiVersions": ["a/v1"]}))) == {"web"}


def test_an_option_that_nobody_knows_is_skipped_aloud(render):
    assert "skipped: kustomize option colour is not known" in render(with_options({"colour": "red"}))


# Build options


OUTSIDE = {"k/shared/text.txt": "hello"}
READS_OUTSIDE = "resources: [web.yaml]\nconfigMapGenerator:\n- {name: m, files: [key=../shared/text.txt]}\n"
FREE = {"kustomize.buildOptions": "--load-restrictor LoadRestrictionsNone --reorder=none --enable-helm"}


def test_a_file_outside_the_folder_is_refused_as_kustomize_does(render):
    message = render(with_options({}, OUTSIDE, READS_OUTSIDE))
    assert message.startswith("failed: ") and "k/shared/text.txt' is not in or below" in message


def test_argo_cds_settings_can_lift_the_restriction(render):
    objects = render(with_options({}, OUTSIDE, READS_OUTSIDE), FREE)
    assert [found["data"] for found in objects.values() if found["kind"] == "ConfigMap"] == [{"key": "hello"}]


def test_a_pull_request_cannot_lift_the_restriction_for_itself(render):
    head = {"astrolabe.yaml": CONFIG + dump({"argocd": FREE})}
    assert "is not in or below" in render({**with_options({}, OUTSIDE, READS_OUTSIDE), **head})


@pytest.mark.parametrize("line", ["files: [../../../x]", "envs: [../../../x]", "env: ../../../x"])
def test_nothing_leads_out_of_the_checkout_even_so(render, line):
    text = f"resources: [web.yaml]\nsecretGenerator:\n- {{name: m, {line}}}\n"
    assert "leads out of the repository" in render(with_options({}, kustomization=text), FREE)


@pytest.mark.parametrize("flag", ["--enable-alpha-plugins", "--enable-exec", "--network", "--mount=x"])
def test_a_build_option_that_runs_programs_is_skipped_aloud(render, flag):
    message = render(with_options({}), {"kustomize.buildOptions": f"--enable-helm {flag}"})
    assert message.startswith("skipped: ") and flag.partition("=")[0] in message
    assert "argocd-cm kustomize.buildOptions" in message


def test_a_build_option_that_is_switched_off_is_none(render):
    assert set(render(with_options({}), {"kustomize.buildOptions": "--enable-exec=false"})) == {"web"}


# What a build reads


JSON_PATCH = '[{"op": "replace", "path": "/spec/replicas", "value": 7}]'
STRATEGIC = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 7}\n"
REPLACEMENT = """source: {kind: ConfigMap, name: count, fieldPath: data.count}
targets: [{select: {kind: Deployment}, fieldPaths: [spec.replicas]}]
"""
TRANSFORMER = """apiVersion: builtin
kind: PatchTransformer
metadata: {name: t}
path: ../shared/patch
target: {kind: Deployment}
"""


@pytest.mark.parametrize(
    ("kustomization", "files"),
    [
        ("patches: [{path: ../shared/patch, target: {kind: Deployment}}]", {"k/shared/patch": JSON_PATCH}),
        ("patchesStrategicMerge: [../shared/patch.yaml]", {"k/shared/patch.yaml": STRATEGIC}),
        (
            "patchesJson6902: [{path: ../shared/patch, target: {group: apps, version: v1, kind: Deployment, name: web}}]",
            {"k/shared/patch": JSON_PATCH},
        ),
        (
            "configMapGenerator: [{name: count, literals: [count=7]}]\nreplacements: [{path: ../shared/r.yaml}]",
            {"k/shared/r.yaml": REPLACEMENT},
        ),
        ("transformers: [../shared/t.yaml]", {"k/shared/t.yaml": TRANSFORMER, "k/shared/patch": JSON_PATCH}),
    ],
)
def test_files_beside_the_folder_are_there_for_the_build(render, kustomization, files):
    objects = render(with_options({}, files, f"resources: [web.yaml]\n{kustomization}\n"), FREE)
    assert str(objects["web"]["spec"]["replicas"]) == "7"


def test_a_change_of_a_file_beside_the_folder_is_seen(git, bench):
    free = {"astrolabe.yaml": CONFIG + dump({"argocd": FREE})}
    git.commit({**free, **with_options({}, OUTSIDE, READS_OUTSIDE)})
    git.commit({"k/shared/text.txt": "good day"}, ref=HEAD, start="refs/heads/main")
    _, cells = run_preview(bench(), HEAD)
    assert {place: cell.yaml for place, cell in cells.items()} == {("c1", "k"): "changed"}


# Remote bases


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://github.com/o/r//a/b?ref=v1", ("https://github.com/o/r", "v1", "a/b")),
        ("github.com/o/r/a/b?version=v2&timeout=90s&submodules=false", ("https://github.com/o/r", "v2", "a/b")),
        ("github.com/o/r?version=v2&ref=v3", ("https://github.com/o/r", "v3", "")),
        ("git::https://git.example.com/o/r.git/a?ref=x", ("https://git.example.com/o/r.git", "x", "a")),
        ("git@github.com:o/r.git//a", ("git@github.com:o/r.git", "", "a")),
        ("git@git.example.com:deep/group/r.git", ("git@git.example.com:deep/group/r.git", "", "")),
        ("ssh://git@git.example.com:22/g/s/r//a", ("ssh://git@git.example.com:22/g/s/r", "", "a")),
        ("ssh://git@github.com/o/r/a", ("git@github.com:o/r", "", "a")),
        ("https://me@dev.azure.com/o/p/_git/r/a/b?ref=1", ("https://me@dev.azure.com/o/p/_git/r", "1", "a/b")),
        ("https://git.example.com/only-one", None),
        ("../base", None),
        ("git.example.com/o/r?ref=v1", None),
    ],
)
def test_addresses_are_read_as_kustomize_reads_them(text, expected):
    assert parse_remote(text) == (RemoteBase(*expected) if expected else None)


def base_of(number):
    return {
        "base/kustomization.yaml": "resources: [one.yaml, ../more]\n",
        "base/one.yaml": configmap(f"one-{number}"),
        "more/kustomization.yaml": "resources: [two.yaml]\n",
        "more/two.yaml": configmap(f"two-{number}"),
    }


def test_a_base_at_a_revision_is_put_in_place_with_all_that_it_reaches(git, render):
    git.commit(base_of(1), ref="refs/tags/v1")
    text = f"resources: [web.yaml, '{ADDRESS}//base?ref=v1']\nnamePrefix: a-\n"
    objects = render(with_options({"nameSuffix": "-z"}, base_of(2), text))
    assert set(objects) == {"a-web-z", "a-one-1-z", "a-two-1-z"}


def test_a_remote_base_of_a_remote_base_is_found(git, render):
    git.commit(
        {"deep/kustomization.yaml": "resources: [d.yaml]\n", "deep/d.yaml": configmap("deep")}, ref="refs/tags/v0"
    )
    git.commit({"base/kustomization.yaml": f"resources: ['{ADDRESS}//deep?ref=v0']\n"}, ref="refs/tags/v1")
    text = f"components: []\nresources: [web.yaml, '{ADDRESS}//base?ref=v1']\n"
    assert set(render(with_options({}, kustomization=text))) == {"web", "deep"}


def test_a_remote_component_of_an_application_is_found(git, render):
    git.commit({"c/kustomization.yaml": COMPONENT + "namePrefix: far-\n"}, ref="refs/tags/v1")
    assert set(render(with_options({"components": [f"{ADDRESS}//c?ref=v1"]}))) == {"far-web"}


def test_a_remote_base_that_names_itself_is_a_cycle(render):
    text = f"resources: ['{ADDRESS}//k/app?ref=main']\n"
    assert "cycle" in render(with_options({}, kustomization=text))


def test_a_chain_of_remote_bases_has_an_end(git, render):
    for number in range(1, 23):
        text = f"resources: ['{ADDRESS}//base?ref=v{number - 1}']\n"
        git.commit({"base/kustomization.yaml": text}, ref=f"refs/tags/v{number}")
    text = f"resources: ['{ADDRESS}//base?ref=v22']\n"
    assert "skipped: more than 20 remote bases" in render(with_options({}, kustomization=text))


def test_a_remote_base_cannot_leave_its_repository(git, render):
    git.commit({"base/kustomization.yaml": "resources: [../../k/app]\n"}, ref="refs/tags/v1")
    text = f"resources: ['{ADDRESS}//base?ref=v1']\n"
    assert "leads out of the repository" in render(with_options({}, kustomization=text))


@pytest.mark.parametrize(
    ("item", "why"),
    [
        ("https://git.example.com/other/repo//base?ref=v1", "is another repository"),
        ("https://raw.example.com/o/r/main/x.yaml", "Astrolabe fetches no single files"),
        ("https://example.com/x.yaml", "Astrolabe fetches no single files"),
        ("file:///srv/repo//base", "lies on a disk"),
        (f"{ADDRESS}//base?ref=no-such-tag", "revision 'no-such-tag' is not in the repository"),
    ],
)
def test_a_base_that_cannot_be_had_is_named(render, item, why):
    message = render(with_options({}, kustomization=f"resources: ['{item}']\n"))
    assert message.startswith("skipped: ") and item in message and why in message


def test_a_patch_elsewhere_is_named(render):
    text = "resources: [web.yaml]\npatches: [{path: 'https://example.com/patch'}]\n"
    assert "https://example.com/patch lies outside the repository" in render(with_options({}, kustomization=text))


def test_a_remote_base_that_moved_is_seen_on_the_instances_that_name_it(git, bench):
    text = f"resources: ['{ADDRESS}//base?ref=main']\n"
    git.commit({"astrolabe.yaml": CONFIG, **with_options({}, base_of(1), text)})
    git.commit(base_of(2), ref=HEAD, start="refs/heads/main")
    _, cells = run_preview(bench(), HEAD)
    assert sorted(change.id.name for change in cells["c1", "k"].resources) == ["one-1", "one-2", "two-1", "two-2"]
