"""`astrolabe.yaml`: read whole, or refused with key and line."""

import pytest

from previews.engine.config import DiscoverFiles, DiscoverRoot, json_schema, parse_config
from previews.engine.errors import ConfigError

WHOLE = """
version: 1
addresses: [https://github.com/example/fleet]
tracks: [main]
clusters:
  - name: seoul-1
    servers: ["https://10.0.0.1:6443/"]
    names: [seoul-1-admin]
    labels: {region: kr}
    annotations: {team/owner: sre}
    project: korea
    kubernetesVersion: "1.31.4"
    apiVersions: [monitoring.coreos.com/v1/ServiceMonitor]
    group: korea
discover:
  - files: "clusters/{cluster}/**/*.yaml"
  - root:
      each: "environments/values-{cluster}.yaml"
      name: root
      path: environments
      helm: {valueFiles: ["values-{cluster}.yaml"]}
exclude: ["**/testdata/**"]
names: ["{application}-{cluster}"]
generators: {set: [{branch: feature}]}
kubernetesVersion: "1.31.0"
helm: {skipTests: true}
ignore:
  - kind: Deployment
    paths: ["/metadata/labels/helm.sh~1chart"]
    jq: [.spec.replicas]
tracking: annotation
secretValues: ["(?i)password"]
argocd: {kustomize.buildOptions: --enable-helm}
prediction: {capacityFloor: 80, startupSeconds: {shop/web: 12}}
accept: [{rule: META-LABEL, reason: known}]
"""


def test_every_key_is_read():
    config = parse_config(WHOLE)
    assert config.clusters[0].servers == ("https://10.0.0.1:6443",)
    assert config.clusters[0].group == "korea"
    assert (config.clusters[0].annotations, config.clusters[0].project) == ({"team/owner": "sre"}, "korea")
    assert config.discover[0] == DiscoverFiles("clusters/{cluster}/**/*.yaml")
    assert isinstance(config.discover[1], DiscoverRoot)
    assert config.discover[1].source["helm"] == {"valueFiles": ["values-{cluster}.yaml"]}
    assert config.skip_tests
    assert config.ignore[0].paths == ("/metadata/labels/helm.sh~1chart",)
    assert config.ignore[0].jq == (".spec.replicas",)
    assert config.tracking == "annotation"


def test_an_empty_file_configures_nothing():
    assert parse_config("").discover == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version: 1\nfoo: 2", "line 2: foo: is not a key"),
        ("version: 1\nclusters:\n- name: a\n  kubernetesVersion: 1.31\n", r"line 4: clusters\[0\].kubernetesVersion"),
        ("version: 1\nclusters:\n- nam: a\n", r"line 3: clusters\[0\].nam"),
        ("version: 1\nclusters:\n- group: a\n", r"clusters\[0\]: 'name' is missing"),
        ("clusters: []", "'version' is missing"),
        ("version: 2", "version 2 is not known"),
        ("version: true", "must be a whole number"),
        ("version: 1\naddresses: x", "line 2: addresses: must be a list"),
        ("version: 1\ndiscover:\n - {}\n", "must be either `files` or `root`"),
        ("version: 1\nsecretValues: ['(']", "is no regular expression"),
        ("version: 1\nignore: [{kind: Pod}]", r"ignore\[0\]: must have `paths` or `jq`"),
        ("version: 1\ntracking: none", "tracking: must be one of annotation, label"),
        ("version: 1\nversion: 1", "line 2: key 'version' stands twice"),
        ("a: [", "is no YAML"),
        ("- 1", "must be a mapping"),
    ],
)
def test_what_is_wrong_is_named(text, message):
    with pytest.raises(ConfigError, match=message):
        parse_config(text)


def test_equal_configurations_have_equal_digests():
    assert parse_config("version: 1\ntracks: [a]").digest == parse_config("tracks: [a] # x\nversion: 1").digest
    assert parse_config("version: 1\ntracks: [a]").digest != parse_config("version: 1\ntracks: [b]").digest


def test_the_schema_has_every_key_of_the_example():
    import yaml

    schema = json_schema()
    assert set(yaml.safe_load(WHOLE)) == set(schema["properties"])
    assert schema["required"] == ["version"]
    assert schema["additionalProperties"] is False


def test_the_published_schema_is_the_one_that_checks():
    import json
    from pathlib import Path

    published = json.loads((Path(__file__).parents[2] / "docs" / "astrolabe.schema.json").read_text())
    assert {key: published[key] for key in json_schema()} == json_schema()
