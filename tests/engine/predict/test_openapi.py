"""Kubernetes' own schemas: how they are packed, and what the packed file holds."""

import json
import zipfile

import pytest
import zstandard

from previews.engine.predict import openapi, pack_openapi


def definition(kind: str = "", **properties):
    made = {"type": "object", "properties": properties, "description": "What it is for.", "additionalProperties": False}
    return made | ({"x-kubernetes-group-version-kind": [{"group": "", "version": "v1", "kind": kind}]} if kind else {})


MINORS = {
    30: {"Lamp": definition("Lamp", spec={"$ref": "#/$defs/Spec"}), "Spec": definition(a={"type": ["string", "null"]})},
    31: {"Lamp": definition("Lamp", spec={"$ref": "#/$defs/Spec"}), "Spec": definition(a={"type": ["integer", "null"], "format": "int32"})},
    32: {"Torch": definition("Torch", size={"oneOf": [{"type": ["string", "null"]}, {"type": ["number", "null"]}]})},
}  # fmt: skip


@pytest.fixture
def packed(tmp_path, monkeypatch, capsys):
    """The packed file of three made-up minors, as the tool makes it from a wheel."""
    wheel = tmp_path / "wheel.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for minor, definitions in MINORS.items():
            name = f"kubernetes_validate/schemas/v1.{minor}.0-local-strict/_definitions.json"
            archive.writestr(name, json.dumps({"$defs": definitions}))
        archive.writestr("kubernetes_validate/schemas/v1.33.0/_definitions.json", "{}")
    file = tmp_path / "packed.zst"
    for module in (pack_openapi, openapi):
        monkeypatch.setattr(module, "PACKED", file)
    caches = (openapi._packed, openapi._needed, openapi._compiled)
    for one in caches:
        one.cache_clear()
    pack_openapi.main(wheel)
    yield file
    for one in caches:
        one.cache_clear()


def test_each_minor_has_its_own(packed, capsys):
    assert "1.30 to 1.32: 2 kinds, 4 schemas" in capsys.readouterr().out
    assert openapi.known_minors() == ((1, 30), (1, 32))
    valid = {
        minor: [
            bool(one := openapi.validator_of("v1", "Lamp", (1, minor))) and one.is_valid({"spec": {"a": value}})
            for value in ("text", 5, 2**31)
        ]
        for minor in (29, 30, 31, 32)
    }
    assert valid == {29: [False] * 3, 30: [True, False, False], 31: [False, True, False], 32: [False] * 3}


def test_a_kind_is_known_since_a_minor(packed):
    assert (openapi.served_since("v1", "Lamp"), openapi.served_since("v1", "Torch")) == (None, (1, 32))
    assert openapi.validator_of("v1", "Torch", (1, 31)) is None
    torch = openapi.validator_of("v1", "Torch", (1, 32))
    assert [torch.is_valid({"size": value}) for value in (1, "1", [])] == [True, True, False]


def test_what_stays_the_same_is_kept_once_and_descriptions_are_not(packed):
    texts = json.loads(zstandard.decompress(packed.read_bytes()))["texts"]
    assert len(texts) == 4
    assert not any("What it is for" in one for one in texts)
    assert openapi.validator_of("v1", "Lamp", (1, 30)) is openapi.validator_of("v1", "Lamp", (1, 30))


def test_the_file_that_is_shipped():
    assert openapi.known_minors() == ((1, 25), (1, 37))
    assert openapi.PACKED.stat().st_size < 2_000_000
    for minor in range(25, 38):
        for kind in (
            "v1/Service",
            "v1/Secret",
            "apps/v1/Deployment",
            "batch/v1/CronJob",
            "networking.k8s.io/v1/Ingress",
        ):
            api_version, _, name = kind.rpartition("/")
            assert openapi.validator_of(api_version, name, (1, minor)) is not None, (kind, minor)


def test_the_table_of_fields_that_may_be_absent_names_what_there_is():
    for name, fields in openapi._DONE_WITHOUT.items():
        required = set()
        for _, at in openapi._packed()["definitions"][name]:
            required |= set(json.loads(openapi._packed()["texts"][at]).get("required", ())) if at is not None else set()
        assert fields <= required, name
