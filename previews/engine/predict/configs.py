"""ConfigMaps and Secrets: what the API server says of their keys, sizes and types.

Mirrors ValidateConfigMap and ValidateSecret of pkg/apis/core/validation/validation.go. What a Secret holds is masked
before it gets here, so that only its keys can be judged.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any

from previews.engine.predict.context import Context
from previews.engine.predict.fields import changed, is_unstable, text
from previews.engine.predict.findings import Finding, StateRule, Steps, told
from previews.engine.predict.objects import Object, Side
from previews.engine.predict.pods import mapping

_SOURCE = "pkg/apis/core/validation/validation.go"
_CONFIG_MAP = ("", "ConfigMap")
_SECRET = ("", "Secret")
_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_LONGEST_KEY = 253
_LARGEST = 1024 * 1024
_LINE_ENDS = re.compile(r"[\r\n]")

#: What a Secret of a type has to have: one key of each of these groups.
_REQUIRED: dict[str, tuple[tuple[str, ...], ...]] = {
    "kubernetes.io/tls": (("tls.crt",), ("tls.key",)),
    "kubernetes.io/dockerconfigjson": ((".dockerconfigjson",),),
    "kubernetes.io/dockercfg": ((".dockercfg",),),
    "kubernetes.io/basic-auth": (("username", "password"),),
    "kubernetes.io/ssh-auth": (("ssh-privatekey",),),
}
_ACCOUNT = "kubernetes.io/service-account.name"


def check_keys(side: Side, context: Context) -> Iterator[Finding]:
    """Keys are file names of up to 253 characters."""
    for one in changed(side, _CONFIG_MAP, _SECRET):
        for field in ("data", "binaryData" if one.id.kind == "ConfigMap" else "stringData"):
            for key in mapping(one.get(field)):
                why = _key_error(key)
                if why and not is_unstable(key):
                    yield Finding(
                        "CM-SEC-KEY",
                        "blocked",
                        f'the key "{told(key)}" {why}',
                        one.id,
                        (field, key),
                        told(key),
                        f"{_SOURCE} Validate{one.id.kind}",
                        "use letters, digits, hyphens, underscores and dots",
                    )


def _key_error(key: str) -> str:
    if len(key) > _LONGEST_KEY:
        return f"is {len(key)} characters long; at most {_LONGEST_KEY} are allowed"
    if not _KEY.fullmatch(key):
        return "has other characters than letters, digits, hyphens, underscores and dots"
    return "is no name of a file" if key == "." or key.startswith("..") else ""


def check_config_maps(side: Side, context: Context) -> Iterator[Finding]:
    """A key stands in data or in binaryData, the latter is base64, and all values are at most 1 MiB together."""
    for one in changed(side, _CONFIG_MAP):
        plain, binary = mapping(one.get("data")), mapping(one.get("binaryData"))
        for key in plain:
            if key in binary:
                yield _finding(
                    one, "CM-KEY-TWICE", f'the key "{told(key)}" is in data and in binaryData', ("data", key)
                )
        sizes = [len(value.encode("utf-8", "replace")) for value in plain.values() if isinstance(value, str)]
        for key, value in binary.items():
            size = _decoded_size(value)
            if size is None:
                yield _finding(one, "CM-BASE64", f'the value of "{told(key)}" is not base64', ("binaryData", key))
            sizes.append(size or 0)
        if sum(sizes) > _LARGEST and not is_unstable(*plain.values(), *binary.values()):
            message = f"its values are {sum(sizes):,} bytes together; at most {_LARGEST:,} (1 MiB) are allowed"
            yield _finding(one, "CM-SIZE", message, ("data",))


def _decoded_size(value: Any) -> int | None:
    """How many bytes a base64 text stands for, None where it is none; 0 for what is no text."""
    if not isinstance(value, str) or is_unstable(value):
        return 0
    try:
        return len(base64.b64decode(_LINE_ENDS.sub("", value), validate=True))
    except ValueError:
        return None


def _finding(one: Object, code: str, message: str, steps: Steps) -> Finding:
    value = told(steps[-1]) if len(steps) > 1 else ""
    remedies = {
        "CM-KEY-TWICE": "leave it out of one of them",
        "CM-BASE64": "encode it as base64, or move it to data",
        "CM-SIZE": "split the ConfigMap, or keep large files elsewhere",
    }
    return Finding(code, "blocked", message, one.id, steps, value, f"{_SOURCE} ValidateConfigMap", remedies[code])


def check_secret_types(side: Side, context: Context) -> Iterator[Finding]:
    """A Secret of a known type has that type's keys."""
    for one in changed(side, _SECRET):
        kind = text(one.get("type"))
        plain, data = one.get("stringData"), one.get("data")
        held = {**mapping(data), **mapping(plain)}
        if is_unstable(*held) or any(part is not None and not isinstance(part, dict) for part in (plain, data)):
            continue
        for keys in _REQUIRED.get(kind, ()):
            if not any(key in held for key in keys) or (kind.endswith("/ssh-auth") and held[keys[0]] in (None, "")):
                names = " or ".join(keys)
                yield Finding(
                    "SECRET-TYPE",
                    "blocked",
                    f"a Secret of the type {kind} must have the key {names}; it has {_list(list(held))}",
                    one.id,
                    ("data",),
                    f"{kind} {names}",
                    f"{_SOURCE} ValidateSecret",
                    f"add {names}, or use the type Opaque",
                )
        if kind == "kubernetes.io/service-account-token" and not mapping(one.get("metadata", "annotations")).get(
            _ACCOUNT
        ):
            yield Finding(
                "SECRET-TYPE",
                "blocked",
                f"a Secret of the type {kind} must name its account in the annotation {_ACCOUNT}; it has none",
                one.id,
                ("metadata", "annotations"),
                f"{kind} {_ACCOUNT}",
                f"{_SOURCE} ValidateSecret",
                f"add the annotation {_ACCOUNT}",
            )


def _list(keys: list[str]) -> str:
    shown = ", ".join(told(key) for key in keys[:5])
    return f"{shown} and {len(keys) - 5} more" if len(keys) > 5 else shown or "none"


RULES: tuple[StateRule, ...] = (check_keys, check_config_maps, check_secret_types)
