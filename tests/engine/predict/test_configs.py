import base64

import pytest

from previews.engine.predict.configs import RULES
from tests.engine.predict.spec_rules import codes, findings


def config_map(fields: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings}}\n{fields}\n"


def secret(fields: str) -> str:
    return f"apiVersion: v1\nkind: Secret\nmetadata: {{name: login}}\n{fields}\n"


@pytest.mark.parametrize("make", [config_map, secret])
@pytest.mark.parametrize(
    ("key", "is_accepted"),
    [
        ("a" * 253, True), ("a" * 254, False), ("a b", False), ("a/b", False), ("ä", False), (".", False), ("..", False),
        ("..data", False), (".hidden", True), ("A_-.z", True), ("", False),
    ],
)  # fmt: skip
def test_keys_are_names_of_files(make, key, is_accepted):
    found = findings(RULES, make(f'data: {{"{key}": ""}}'))
    assert codes(found) == ([] if is_accepted else ["CM-SEC-KEY"])
    assert all(one.steps == ("data", key) and one.severity == "blocked" for one in found)


def test_a_long_key_is_told_with_its_length():
    (found,) = findings(RULES, secret(f"stringData: {{{'a' * 254}: x}}"))
    assert found.message.endswith("is 254 characters long; at most 253 are allowed")


def test_a_key_stands_in_one_place():
    assert codes(findings(RULES, config_map("data: {a: x}\nbinaryData: {a: eA==}"))) == ["CM-KEY-TWICE"]
    assert findings(RULES, config_map("data: {a: x}\nbinaryData: {b: eA==}")) == []


@pytest.mark.parametrize(("value", "found"), [("eA=", ["CM-BASE64"]), ("e A==", ["CM-BASE64"]), ("eA==", []), ("", [])])
def test_binary_data_is_base64(value, found):
    assert codes(findings(RULES, config_map(f"binaryData: {{a: '{value}'}}"))) == found


def test_all_values_are_at_most_a_mebibyte_together():
    half = 512 * 1024
    binary = base64.b64encode(b"x" * half).decode()
    assert findings(RULES, config_map(f"data: {{a: {'x' * half}}}\nbinaryData: {{b: {binary}}}")) == []
    (found,) = findings(RULES, config_map(f"data: {{a: {'x' * half}x}}\nbinaryData: {{b: {binary}}}"))
    assert found.code == "CM-SIZE"
    assert "1,048,577 bytes together; at most 1,048,576 (1 MiB)" in found.message
    # Counted in bytes, of which an umlaut has two.
    assert codes(findings(RULES, config_map(f"data: {{a: {'ä' * (half + 1)}}}"))) == ["CM-SIZE"]


@pytest.mark.parametrize(
    ("kind", "rejected", "accepted"),
    [
        ("kubernetes.io/tls", "data: {tls.crt: eA==}", "data: {tls.crt: '', tls.key: ''}"),
        ("kubernetes.io/tls", "stringData: {tls.key: x}", "stringData: {tls.crt: x}\ndata: {tls.key: eA==}"),
        ("kubernetes.io/dockerconfigjson", "data: {config.json: eA==}", "data: {.dockerconfigjson: eA==}"),
        ("kubernetes.io/dockercfg", "{}", "data: {.dockercfg: eA==}"),
        ("kubernetes.io/basic-auth", "data: {user: eA==}", "data: {username: eA==}"),
        ("kubernetes.io/ssh-auth", "data: {ssh-privatekey: ''}", "data: {ssh-privatekey: eA==}"),
    ],
)
def test_a_secret_has_the_keys_of_its_type(kind, rejected, accepted):
    rejected = "" if rejected == "{}" else rejected
    assert codes(findings(RULES, secret(f"type: {kind}\n{rejected}"))) == ["SECRET-TYPE"]
    assert findings(RULES, secret(f"type: {kind}\n{accepted}")) == []


def test_a_missing_key_is_told_without_what_the_secret_holds():
    (found,) = findings(RULES, secret("type: kubernetes.io/tls\nstringData: {tls.crt: hunter2}"))
    assert found.message == "a Secret of the type kubernetes.io/tls must have the key tls.key; it has tls.crt"


def test_a_token_names_its_account():
    token = "type: kubernetes.io/service-account-token"
    assert codes(findings(RULES, secret(token))) == ["SECRET-TYPE"]
    annotated = secret(token).replace(
        "{name: login}", "{name: x, annotations: {kubernetes.io/service-account.name: a}}"
    )
    assert findings(RULES, annotated) == []


def test_keys_that_are_not_the_same_at_every_render_are_not_judged():
    assert findings(RULES, secret("type: kubernetes.io/tls\ndata: {'⟨unstable:1⟩': ''}")) == []
