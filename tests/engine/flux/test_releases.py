"""What only a HelmRelease does to a chart: other default values, post-renderers, policies of CRDs, hooks and tests."""

import pytest

from previews.engine.discover.fleet import discover
from previews.engine.errors import RenderFailed
from previews.engine.yamls import load
from tests.engine.fleets import CONFIGMAP, chart
from tests.engine.flux.fleets import fleet, release

KIND = "apiVersion: v1\nkind: {}\nmetadata:\n  name: {}\n"


@pytest.fixture
def applied(git, bench):
    """Renders the release `podinfo` on prod as an upgrade; gives its objects by name."""

    def run(more="", chart_more="", files=None, **options):
        base = {"apps/base/podinfo/release.yaml": release(more=more, chart_more=chart_more)}
        git.commit(fleet() | base | (files or {}))
        one = bench(**options)
        tree_id = one.mirror.tree(one.mirror.commit("main"))
        resolver = one.resolver(tree_id, one.config(tree_id, tree_id), ["main"])
        instances = discover(resolver, one.manifests).instances
        instance = next(item for item in instances if (item.cluster, item.application) == ("prod", "podinfo"))
        request = resolver.resolve(instance).request
        result = one.manifests([request])[request.key]
        if isinstance(result, RenderFailed):
            raise result
        return {resource.id.name: load(resource.text) for resource in result.resources}

    return run


def test_name_and_namespace_are_those_of_the_target(applied):
    objects = applied("  targetNamespace: team\n")
    assert list(objects) == ["team-podinfo"]
    assert objects["team-podinfo"]["data"]["namespace"] == "team"


VALUES = {
    "values/one.yaml": "text: one\nextra: one\n",
    "values/two.yaml": "extra: two\n",
    "charts/podinfo/values.yaml": "text: chart\nonly: chart\n",
    "charts/podinfo/templates/config.yaml": CONFIGMAP + "  rest: {{ omit .Values `text` | toJson | quote }}\n",
}


def test_value_files_replace_the_charts_own_defaults(applied):
    files = "      valuesFiles: [./values/one.yaml, ./values/two.yaml, ./values/none.yaml]\n"
    objects = applied(chart_more=files + "      ignoreMissingValuesFiles: true\n", files=VALUES)
    assert objects["podinfo"]["data"] == {"text": "prod", "rest": '{"extra":"two"}'}


def test_a_value_file_that_is_not_there_fails(applied):
    with pytest.raises(RenderFailed, match=r"no values file found at path 'values/none\.yaml'"):
        applied(chart_more="      valuesFiles: [./values/none.yaml]\n", files=VALUES)


HOOKED = {
    "charts/podinfo/templates/hook.yaml": KIND.format("Pod", "hook") + "  annotations:\n    helm.sh/hook: pre-upgrade\n",
    "charts/podinfo/templates/test.yaml": KIND.format("Pod", "test") + "  annotations:\n    helm.sh/hook: test\n",
    "charts/podinfo/crds/crd.yaml": KIND.format("CustomResourceDefinition", "crd"),
}  # fmt: skip

RENDERERS = """  postRenderers:
  - kustomize:
      patches:
      - target: {kind: ConfigMap}
        patch: '[{"op": "add", "path": "/data/first", "value": "1"}]'
  - kustomize:
      images: [{name: none, newTag: x}]
      patches:
      - patch: |
          apiVersion: v1
          kind: ConfigMap
          metadata: {name: podinfo}
          data: {first: again}
  commonMetadata: {labels: {team: x}}
"""


@pytest.mark.parametrize("real", [False, True], ids=["library", "binary"])
def test_post_renderers_work_in_order_and_then_common_metadata(real, applied, helm_binary):
    objects = applied(RENDERERS, files=HOOKED, helm_binary=helm_binary if real else None)
    assert objects["podinfo"]["data"]["first"] == "again"
    assert objects["podinfo"]["data"]["upgrade"] == "true"
    assert {name: item["metadata"].get("labels") for name, item in objects.items()} == {
        "crd": None,
        "podinfo": {"team": "x"},
        "hook": {"team": "x"},
    }


def test_hooks_can_be_kept_from_post_renderers(applied):
    objects = applied(RENDERERS + "  postRenderStrategy: nohooks\n", files=HOOKED)
    assert "labels" not in objects["hook"]["metadata"]


def test_a_patch_that_finds_nothing_fails(applied):
    with pytest.raises(RenderFailed, match="no matches for Id"):
        applied(RENDERERS.replace("metadata: {name: podinfo}", "metadata: {name: other}"))


@pytest.mark.parametrize(
    ("more", "names"),
    [
        ("", {"podinfo", "hook", "crd"}),
        ("  upgrade: {crds: Skip}\n", {"podinfo", "hook"}),
        ("  install: {crds: Skip}\n", {"podinfo", "hook", "crd"}),
        ("  upgrade: {disableHooks: true}\n", {"podinfo", "crd"}),
        ("  test: {enable: true}\n", {"podinfo", "hook", "crd", "test"}),
    ],
)
def test_the_upgrade_decides_on_crds_hooks_and_tests(more, names, applied):
    assert set(applied(more, files=HOOKED)) == names


def test_schema_validation_can_be_switched_off(applied):
    schema = {"charts/podinfo/values.schema.json": '{"required": ["must"]}'}
    with pytest.raises(RenderFailed, match="must"):
        applied(files=schema)
    assert set(applied("  upgrade: {disableSchemaValidation: true}\n")) == {"podinfo"}


def test_a_chart_may_make_flux_objects_itself(applied, git, bench):
    made = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata:\n  name: made\nspec:\n  interval: 1h\n"
    made += "  chart: {spec: {chart: ./charts/inner, sourceRef: {kind: GitRepository, name: flux-system,"
    made += " namespace: flux-system}}}\n"
    files = {"charts/podinfo/templates/made.yaml": made, **chart("charts/inner", {"c.yaml": CONFIGMAP})}
    git.commit(fleet() | files)
    one = bench()
    tree_id = one.mirror.tree(one.mirror.commit("main"))
    found = discover(one.resolver(tree_id, one.config(tree_id, tree_id), ["main"]), one.manifests).instances
    assert ("prod", "made") in {(item.cluster, item.application) for item in found}
