"""Values of a HelmRelease: what wins, what `targetPath` does, and Secrets that nobody here can read."""

import pytest

from previews.engine.errors import NotRendered, RenderFailed
from previews.engine.flux.definitions import release_name
from previews.engine.flux.references import release_values
from previews.engine.yamls import dump, load

OBJECTS = {
    "one": {"values.yaml": "a: one\nb: one\nmap: {x: 1, z: 1}\n", "other.yaml": "other: 1\n"},
    "two": {"values.yaml": "b: two\nmap: {z: 2}\n"},
    "flag": {"values.yaml": "true", "quoted": "'true'", "list": "{a,b}", "raw": '{"x": "y, z"}', "null": "null"},
}


def gather(spec, missing=None, secrets=None):
    def find(kind, name):
        data = (secrets or {}).get(name) if kind == "Secret" else OBJECTS.get(name)
        return None if data is None else {"kind": kind, "data": data}

    return release_values(load(spec), find, missing)


CASES = {
    "valuesFrom: [{kind: ConfigMap, name: one}]": {"a": "one", "b": "one", "map": {"x": 1, "z": 1}},
    "valuesFrom: [{kind: ConfigMap, name: one}, {kind: ConfigMap, name: two}]": {
        "a": "one", "b": "two", "map": {"x": 1, "z": 2},
    },
    "{values: {b: inline}, valuesFrom: [{kind: ConfigMap, name: two}]}": {"b": "inline", "map": {"z": 2}},
    "valuesFrom: [{kind: ConfigMap, name: one, valuesKey: other.yaml}]": {"other": 1},
    "{values: {b: 1}, valuesFrom: [{kind: ConfigMap, name: none, optional: true}]}": {"b": 1},
    "valuesFrom: [{kind: ConfigMap, name: one, valuesKey: none, optional: true}]": {},
    # targetPath: --set syntax
    "valuesFrom: [{kind: ConfigMap, name: flag, targetPath: a.b}]": {"a": {"b": True}},
    "valuesFrom: [{kind: ConfigMap, name: flag, valuesKey: quoted, targetPath: a.b}]": {"a": {"b": "true"}},
    "valuesFrom: [{kind: ConfigMap, name: flag, valuesKey: list, targetPath: 'a[0].b'}]": {"a": [{"b": ["a", "b"]}]},
    "valuesFrom: [{kind: ConfigMap, name: flag, valuesKey: raw, targetPath: a, literal: true}]": {
        "a": '{"x": "y, z"}',
    },
    # It wins over an inline value below the top, and is taken back by one at the top.
    "{values: {a: {b: 1, c: 2}}, valuesFrom: [{kind: ConfigMap, name: flag, targetPath: a.b}]}": {
        "a": {"b": True, "c": 2},
    },
    "{values: {a: 1}, valuesFrom: [{kind: ConfigMap, name: flag, targetPath: a}]}": {"a": 1},
}  # fmt: skip


@pytest.mark.parametrize("spec", CASES)
def test_values_are_merged_as_helm_controller_does(spec):
    assert load(dump(gather(spec).values)) == CASES[spec]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("valuesFrom: [{kind: ConfigMap, name: none}]", "ConfigMap 'none' not found"),
        ("valuesFrom: [{kind: ConfigMap, name: one, valuesKey: x}]", "with key 'x': key not found"),
        ("valuesFrom: [{kind: ConfigMap, name: flag}]", "no YAML mapping"),
        ("valuesFrom: [{kind: Deployment, name: one}]", "neither ConfigMap nor Secret"),
    ],
)
def test_what_cannot_be_resolved_fails(spec, words):
    with pytest.raises(RenderFailed, match=words):
        gather(spec)


def test_a_config_map_that_may_be_somewhere_unknown_is_no_failure():
    with pytest.raises(NotRendered, match="who knows"):
        gather("valuesFrom: [{kind: ConfigMap, name: none}]", NotRendered("dependency", "who knows"))


def test_a_masked_secret_is_put_at_its_path_as_its_mark():
    found = gather("valuesFrom: [{kind: Secret, name: s, valuesKey: k, targetPath: db.pass}]",
                   secrets={"s": {"k": "••• hmac:0123456789ab"}})  # fmt: skip
    assert found.values == {"db": {"pass": "••• hmac:0123456789ab"}}
    assert found.notes == ["Secret s k is secret: a mark stands for it"]


@pytest.mark.parametrize("secrets", [{}, {"s": {"k": "••• sops:0123456789ab"}}, {"s": {}}])
def test_a_placeholder_stands_at_the_path_of_a_secret_that_nobody_can_read(secrets):
    found = gather("valuesFrom: [{kind: Secret, name: s, valuesKey: k, targetPath: db.pass}]", secrets=secrets)
    assert found.values == {"db": {"pass": "..PLACEHOLDER_k.."}}
    assert found.notes == ["Secret s k cannot be read here: a placeholder stands for it"]


def test_a_whole_set_of_values_in_a_secret_is_left_out_aloud_and_its_change_is_seen():
    found = gather("{values: {a: 1}, valuesFrom: [{kind: Secret, name: s}]}",
                   secrets={"s": {"values.yaml": "••• hmac:0123456789ab"}})  # fmt: skip
    assert (found.values, found.hidden) == ({"a": 1}, {"Secret s values.yaml": "••• hmac:0123456789ab"})
    assert found.notes == ["the values in Secret s values.yaml cannot be read here and are not merged"]


def test_a_release_is_named_as_flux_does():
    assert release_name("web", {}) == "web"
    assert release_name("web", {"targetNamespace": "apps"}) == "apps-web"
    assert release_name("web", {"targetNamespace": "apps", "releaseName": "own"}) == "own"
    assert release_name("x" * 53, {}) == "x" * 53
    # The cases of helm-controller's own test.
    long = "release-name-with-very-long-name-which-is-longer-than-53-characters"
    assert release_name(long, {}) == "release-name-with-very-long-name-which-i-788ca0d0d7b0"
    assert release_name(f"another-{long}", {}) == "another-release-name-with-very-long-name-7e72150d5a36"
