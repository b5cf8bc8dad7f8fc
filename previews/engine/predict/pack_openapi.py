"""Makes `openapi.json.zst`, the schemas of Kubernetes' own kinds, from the wheel of the package kubernetes-validate.

    python -m previews.engine.predict.pack_openapi kubernetes_validate-1.37.0-py3-none-any.whl

The wheel holds Kubernetes' published OpenAPI definitions for thirteen minors, 108 MB of them; they differ little from
one minor to the next, so that each different one is kept once. To be run when there is a new minor.
"""

from __future__ import annotations

import json
import re
import sys
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import zstandard

from previews.engine.predict.openapi import PACKED

_FILE = re.compile(r".*/v1\.(\d+)\.0-local-strict/_definitions\.json\Z")
_NUMBERS = {"int32": 1 << 31, "int64": 1 << 63}
_KEPT = ("type", "properties", "required", "additionalProperties", "items", "$ref", "oneOf")


def pack(minors: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    """What `openapi` reads, from the definitions of each minor (30 for 1.30) by their name.

    `texts` are the different definitions; `definitions` says for a name from which minor on it has which text, None
    for none; `kinds` which definition an apiVersion and kind have.
    """
    texts: dict[str, int] = {}
    found: dict[str, list[list[int | None]]] = {}
    kinds: dict[str, str] = {}
    for minor in sorted(minors):
        definitions = minors[minor]
        for name in sorted(found.keys() | definitions.keys()):
            at = texts.setdefault(_text(definitions[name]), len(texts)) if name in definitions else None
            changes = found.setdefault(name, [])
            if not changes or changes[-1][1] != at:
                changes.append([minor, at])
        kinds |= {kind: name for name, definition in definitions.items() for kind in _kinds(definition)}
    return {"first": min(minors), "last": max(minors), "kinds": kinds, "definitions": found, "texts": list(texts)}


def _kinds(definition: Mapping[str, Any]) -> Iterable[str]:
    known = definition.get("x-kubernetes-group-version-kind", ())
    # Options of requests are listed under every group, and are no objects.
    if len(known) == 1:
        (one,) = known
        yield "/".join(filter(None, (one["group"], one["version"], one["kind"])))


def _text(definition: Mapping[str, Any]) -> str:
    return json.dumps(_reduced(definition), sort_keys=True, separators=(",", ":"))


def _reduced(schema: Mapping[str, Any]) -> dict[str, Any]:
    """What is needed to validate an object in which nothing is null."""
    kept = {name: schema[name] for name in _KEPT if name in schema}
    if "oneOf" in kept:  # an IntOrString or a Quantity: with null in both, it would never be one of them
        return {"type": [one["type"][0] for one in kept["oneOf"]]}
    if isinstance(kept.get("type"), list):
        (kept["type"],) = (one for one in kept["type"] if one != "null")
    if limit := _NUMBERS.get(schema.get("format", "")):
        kept |= {"minimum": -limit, "maximum": limit - 1}
    if "properties" in kept:
        kept["properties"] = {name: _reduced(one) for name, one in kept["properties"].items()}
    for name in ("items", "additionalProperties"):
        if isinstance(kept.get(name), dict):
            kept[name] = _reduced(kept[name])
    return kept


def main(wheel: Path) -> None:
    """Packs what a wheel holds."""
    with zipfile.ZipFile(wheel) as archive:
        files = {int(found[1]): name for name in archive.namelist() if (found := _FILE.fullmatch(name))}
        packed = pack({minor: json.loads(archive.read(name))["$defs"] for minor, name in files.items()})
    text = json.dumps(packed, sort_keys=True, separators=(",", ":")).encode()
    PACKED.write_bytes(zstandard.compress(text, 22))
    print(f"1.{packed['first']} to 1.{packed['last']}: {len(packed['kinds'])} kinds, {len(packed['texts'])} schemas")
    print(f"{len(text):,} bytes, {PACKED.stat().st_size:,} packed")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
