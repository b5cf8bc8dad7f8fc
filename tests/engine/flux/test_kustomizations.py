"""What a Kustomization does to its files: overlay, substitution, encrypted objects, common metadata."""

import pytest

from previews.engine.discover.fleet import discover
from previews.engine.errors import NotRendered, RenderFailed
from previews.engine.yamls import load
from tests.engine.flux.fleets import CONFIG, configmap, kustomization, sync


@pytest.fixture
def applied(git, bench):
    """Renders the Kustomization `k` of the folder ./k on cluster prod; gives its objects by name and its notes.

    `files` are below k/, `more` further lines of its spec, `beside` other files of the cluster.
    """

    def run(files, more="", beside=None, **options):
        tree = {
            "astrolabe.yaml": CONFIG,
            "clusters/prod/flux-system/gotk-sync.yaml": sync("prod"),
            "clusters/prod/k.yaml": kustomization("k", "./k", more),
            **{f"k/{name}": text for name, text in files.items()},
            **{f"clusters/prod/{name}": text for name, text in (beside or {}).items()},
        }
        git.commit(tree)
        one = bench(**options)
        tree_id = one.mirror.tree(one.mirror.commit("main"))
        resolver = one.resolver(tree_id, one.config(tree_id, tree_id), ["main"])
        instance = next(item for item in discover(resolver, one.manifests).instances if item.definition.name == "k")
        request = resolver.resolve(instance).request
        result = one.manifests([request])[request.key]
        if isinstance(result, RenderFailed):
            raise result
        return {resource.id.name: load(resource.text) for resource in result.resources}, result.warnings

    return run


def substitute(pairs):
    return f"  postBuild: {{substitute: {pairs}}}\n"


def test_quotes_that_yaml_does_not_need_are_lost_before_substitution(applied):
    text = configmap("c", '{n: "${N}", s: "${Q}${N}${Q}", kept: "$${HOME}", x: "a ${N}"}')
    objects, _ = applied({"c.yaml": text}, substitute('{N: "3", Q: "\\""}'))
    assert objects["c"]["data"] == {"n": 3, "s": "3", "kept": "${HOME}", "x": "a 3"}


def test_a_text_that_must_stay_quoted_stays_so(applied):
    text = configmap("c", '{a: "${X}: b", b: "# ${X}"}')
    objects, _ = applied({"c.yaml": text}, substitute("{X: y}"))
    assert objects["c"]["data"] == {"a": "y: b", "b": "# y"}


def test_an_undefined_variable_fails_and_names_its_object(applied):
    with pytest.raises(RenderFailed, match=r'ConfigMap c: .*strict mode.*"UNKNOWN"'):
        applied({"c.yaml": configmap("c", '{a: "${UNKNOWN}"}')}, substitute("{X: y}"))


def test_without_variables_nothing_is_substituted_unless_asked_for(applied):
    text = configmap("c", '{a: "${UNKNOWN:=b}"}')
    assert applied({"c.yaml": text})[0]["c"]["data"] == {"a": "${UNKNOWN:=b}"}
    always = "  postBuild: {substituteStrategy: Always}\n"
    assert applied({"c.yaml": text}, always)[0]["c"]["data"] == {"a": "b"}


@pytest.mark.parametrize("where", ["labels", "annotations"])
def test_an_object_can_refuse_substitution(where, applied):
    off = f"metadata:\n  {where}: {{kustomize.toolkit.fluxcd.io/substitute: disabled}}"
    text = configmap("c", '{a: "${X}"}').replace("metadata:", off)
    assert applied({"c.yaml": text}, substitute("{X: y}"))[0]["c"]["data"] == {"a": "${X}"}


def test_variables_come_from_config_maps_in_order_and_inline_ones_win(applied):
    more = "  postBuild:\n    substituteFrom: [{kind: ConfigMap, name: one}, {kind: ConfigMap, name: two},"
    more += " {kind: ConfigMap, name: none, optional: true}]\n    substitute: {C: inline}\n"
    beside = {"vars.yaml": configmap("one", "{A: a1, B: b1, C: c1}") + "---\n" + configmap("two", '{B: "b\\n2"}')}
    objects, _ = applied({"c.yaml": configmap("c", '{a: "${A} ${B} ${C}"}')}, more, beside)
    assert objects["c"]["data"] == {"a": "a1 b2 inline"}


def test_a_config_map_that_nobody_declares_is_a_failure(applied):
    more = "  postBuild: {substituteFrom: [{kind: ConfigMap, name: none}]}\n"
    with pytest.raises(RenderFailed, match="substitute from 'ConfigMap/none': ConfigMap 'none' not found"):
        applied({"c.yaml": configmap("c", "{}")}, more)


def test_a_config_map_may_be_in_what_was_not_rendered(applied):
    beside = {"other.yaml": kustomization("other", "./x").replace("name: flux-system\n", "name: elsewhere\n", 2)
              .replace("namespace: elsewhere", "namespace: flux-system")}  # fmt: skip
    more = "  postBuild: {substituteFrom: [{kind: ConfigMap, name: none}]}\n"
    with pytest.raises(NotRendered, match="may be in other, which was not rendered"):
        applied({"c.yaml": configmap("c", "{}")}, more, beside)


SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: vars, namespace: flux-system}\n"
FROM_SECRET = "  postBuild: {substituteFrom: [{kind: Secret, name: vars}]}\n"


def test_a_secret_variable_is_its_mark_and_never_itself(applied):
    beside = {"secret.yaml": SECRET + "stringData: {TOKEN: hunter2}\n"}
    objects, notes = applied({"c.yaml": configmap("c", '{a: "${TOKEN}"}')}, FROM_SECRET, beside)
    assert objects["c"]["data"]["a"].startswith("••• hmac:")
    assert notes == ("Secret vars TOKEN is secret: a mark stands for it",)


def test_a_secret_variable_is_itself_where_nothing_is_masked(applied):
    beside = {"secret.yaml": SECRET + "data: {TOKEN: aHVudGVyMg==}\n"}
    objects, _ = applied({"c.yaml": configmap("c", '{a: "${TOKEN}"}')}, FROM_SECRET, beside, mask_key=None)
    assert objects["c"]["data"] == {"a": "hunter2"}


def test_placeholders_stand_for_a_secret_that_is_not_here(applied):
    objects, notes = applied({"c.yaml": configmap("c", '{a: "${TOKEN}", b: "${X:=z}"}')}, FROM_SECRET)
    assert objects["c"]["data"] == {"a": "..PLACEHOLDER_TOKEN..", "b": "z"}
    assert notes == ("Secret vars is not here: placeholders stand for variables that nobody else sets",)


SOPS = """stringData: {TOKEN: "ENC[AES256_GCM,data:abc,iv:x,tag:y,type:str]"}
sops: {mac: "ENC[AES256_GCM,data:m]", lastmodified: "2026-01-01T00:00:00Z"}
"""


def test_an_encrypted_secret_is_compared_by_its_ciphertext_alone(applied):
    decryption = "  decryption: {provider: sops}\n"
    first = applied({"s.yaml": SECRET + SOPS}, decryption)[0]["vars"]
    again = applied({"s.yaml": SECRET + SOPS.replace("2026", "2027").replace("data:m", "data:n")}, decryption)[0][
        "vars"
    ]
    other = applied({"s.yaml": SECRET + SOPS.replace("data:abc", "data:def")}, decryption)[0]["vars"]
    assert "sops" not in first
    assert first["data"]["TOKEN"].startswith("••• sops:")
    assert first == again != other


def test_an_encrypted_secret_needs_decryption(applied):
    with pytest.raises(RenderFailed, match="Secret vars is SOPS encrypted, configuring decryption is required"):
        applied({"s.yaml": SECRET + SOPS})


def test_placeholders_stand_for_an_encrypted_secrets_variables(applied):
    sync_with_keys = sync("prod").replace("  prune: true\n", "  prune: true\n  decryption: {provider: sops}\n")
    beside = {"flux-system/gotk-sync.yaml": sync_with_keys, "secret.yaml": SECRET + SOPS}
    objects, notes = applied({"c.yaml": configmap("c", '{a: "${TOKEN}"}')}, FROM_SECRET, beside)
    assert objects["c"]["data"] == {"a": "..PLACEHOLDER_TOKEN.."}
    assert notes == ("Secret vars TOKEN cannot be read here: a placeholder stands for it",)


POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: {team: old}}\nspec: {containers: [{name: c, image: nginx:1}]}\n"


def test_the_overlay_is_put_on_the_folders_own_kustomization(applied):
    files = {
        "kustomization.yaml": "resources: [pod.yaml]\nimages: [{name: nginx, newName: mine}]\nnamespace: theirs\n",
        "pod.yaml": POD,
        "parts/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnameSuffix: -part\n",
    }
    more = """  targetNamespace: ours
  namePrefix: a-
  images: [{name: nginx, newTag: "2"}]
  components: [parts, nowhere]
  ignoreMissingComponents: true
  patches:
  - target: {kind: Pod}
    patch: '[{"op": "add", "path": "/spec/hostNetwork", "value": true}]'
  commonMetadata: {labels: {team: new}, annotations: {a: b}}
"""
    objects, _ = applied(files, more)
    (pod,) = objects.values()
    assert pod["metadata"] == {
        "name": "a-p-part", "namespace": "ours", "labels": {"team": "new"}, "annotations": {"a": "b"},
    }  # fmt: skip
    assert pod["spec"] == {"hostNetwork": True, "containers": [{"name": "c", "image": "nginx:2"}]}


def test_the_older_kinds_of_patches_and_build_metadata_are_put_on_as_well(applied):
    files = {"kustomization.yaml": "resources: [pod.yaml]\n", "pod.yaml": POD}
    more = """  patchesStrategicMerge:
  - {apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {hostNetwork: true}}
  patchesJson6902:
  - target: {version: v1, kind: Pod, name: p}
    patch: [{op: add, path: /spec/nodeName, value: one}]
  buildMetadata: [originAnnotations]
"""
    (pod,) = applied(files, more)[0].values()
    assert (pod["spec"]["hostNetwork"], pod["spec"]["nodeName"]) == (True, "one")
    assert pod["metadata"]["annotations"] == {"config.kubernetes.io/origin": "path: pod.yaml\n"}


def test_a_component_elsewhere_is_refused(applied):
    with pytest.raises(RenderFailed, match="must be local and relative"):
        applied({"kustomization.yaml": "resources: []\n"}, "  components: ['https://example.com/x']\n")


def test_a_file_outside_the_folder_but_in_the_artifact_is_read(applied):
    files = {
        "kustomization.yaml": "configMapGenerator: [{name: g, files: [../clusters/prod/shared.txt]}]\n"
        "generatorOptions: {disableNameSuffixHash: true}\n"
    }
    assert applied(files, beside={"shared.txt": "hello"})[0]["g"]["data"] == {"shared.txt": "hello"}


def test_a_file_that_is_no_object_fails_and_an_empty_folder_gives_nothing(applied):
    assert applied({"note.txt": "x"})[0] == {}
    with pytest.raises(RenderFailed):
        applied({"values.yaml": "a: b\n"})


def test_a_folder_that_is_not_there_fails(applied):
    with pytest.raises(RenderFailed, match="kustomization path not found: k"):
        applied({})


@pytest.mark.parametrize("way", ["generator", "inline generator", "patch", "transformer"])
def test_a_kustomization_reads_nothing_outside_the_artifact(way, applied, tmp_path):
    canary = tmp_path / "canary.txt"
    canary.write_text("canary")
    inline = f"""generators:
- |
  apiVersion: builtin
  kind: ConfigMapGenerator
  metadata: {{name: g}}
  files: [{canary}]
"""
    ways = {
        "generator": f"configMapGenerator: [{{name: g, files: [{canary}]}}]\n",
        "inline generator": inline,
        "patch": f"resources: [p.yaml]\npatchesJson6902: [{{target: {{kind: Pod, version: v1, name: p}}, path: {canary}}}]\n",
        "transformer": f"resources: [p.yaml]\ntransformers: [{canary}]\n",
    }
    with pytest.raises(RenderFailed) as refused:
        applied({"kustomization.yaml": ways[way], "p.yaml": POD})
    assert "permission denied" in str(refused.value) or "is not a path inside" in str(refused.value)


def test_a_link_in_the_repository_does_not_reach_the_artifact(git, bench, applied):
    git.commit({"k/link.yaml": "../clusters/prod/k.yaml"}, modes={"k/link.yaml": "120000"})
    assert set(applied({"c.yaml": configmap("c", "{a: b}")})[0]) == {"c"}


def test_ignore_of_the_repository_object_and_of_the_kustomization_count(applied):
    files = {"a.yaml": configmap("a", "{}"), "b.yaml": configmap("b", "{}"), "deep/c.yaml": configmap("c", "{}")}
    ignoring = sync("prod").replace(
        "  interval: 1m0s\n", "  interval: 1m0s\n  ignore: |\n    /*\n    !/clusters/\n    !/k/\n    /k/deep/\n"
    )
    beside = {"flux-system/gotk-sync.yaml": ignoring}
    assert set(applied(files, "  ignore: |\n    # no b\n    b.yaml\n", beside)[0]) == {"a"}
