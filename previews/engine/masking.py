"""Secret data never leaves the renderer: it becomes a mark that tells equal from different and nothing else."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Mask = Callable[[str], str]

#: The start of what stands for a SOPS ciphertext. It is masked already: ciphertexts are public, in the repository.
SOPS_MARK = "••• sops:"

_SOPS = re.compile(re.escape(SOPS_MARK) + r"[0-9a-f]{12}")
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def kept_key(path: Path) -> bytes:
    """A random key of this installation, made when it is first needed and readable by us alone."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.suppress(FileExistsError):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(48))
    return path.read_bytes()


def shown(text: str) -> str:
    """The mask that hides nothing."""
    return text


def make_mask(key: bytes | None) -> Mask:
    """A function from a secret text to its mark. The key is this installation's; None shows secrets as they are.

    An HMAC, since a bare hash of a short password can be guessed.
    """
    if key is None:
        return shown

    def mark(text: str) -> str:
        return "••• hmac:" + hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:12]

    return mark


def mask_secret(secret: Mapping[str, Any], mask: Mask) -> dict[str, Any]:
    """A Secret object with marks for the values of `data`, and for what kubectl last applied.

    Marks are made of what is encoded, so that it does not matter in which form it was written; see `encoded`.
    """
    if mask is shown:
        return dict(secret)
    masked = encoded(secret)
    if isinstance(masked.get("data"), dict):
        masked["data"] = {key: _mask_data(value, mask) for key, value in sorted(masked["data"].items())}
    for field in ("data", "stringData"):
        if masked.get(field) is not None and not isinstance(masked[field], dict):
            masked[field] = _mask_any(masked[field], mask)
    metadata = masked.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if isinstance(annotations, dict) and _LAST_APPLIED in annotations:
        hidden = {**annotations, _LAST_APPLIED: _mask_any(annotations[_LAST_APPLIED], mask)}
        masked["metadata"] = {**dict(metadata or {}), "annotations": hidden}
    return masked


def encoded(secret: Mapping[str, Any]) -> dict[str, Any]:
    """A Secret with its `stringData` as base64 in `data`, and "" for null, as Argo CD compares it.

    Mirrors gitops-engine pkg/diff/diff.go NormalizeSecret.
    """
    plain, data = secret.get("stringData"), secret.get("data")
    if not isinstance(plain, dict) and not isinstance(data, dict):
        return dict(secret)
    values = {key: "" if value is None else value for key, value in data.items()} if isinstance(data, dict) else {}
    if isinstance(plain, dict):
        values |= {key: _encode(value) for key, value in plain.items()}
        secret = {key: value for key, value in secret.items() if key != "stringData"}
    return {**secret, "data": values}


def _encode(value: Any) -> Any:
    if not isinstance(value, str) or _SOPS.fullmatch(value):
        return value
    return base64.b64encode(value.encode("utf-8", "surrogatepass")).decode()


def _mask_data(value: Any, mask: Mask) -> Any:
    if not isinstance(value, str) or _SOPS.fullmatch(value):
        return _mask_any(value, mask)
    try:
        plain = base64.b64decode(re.sub(r"[\r\n]", "", value), validate=True).decode("utf-8", "surrogateescape")
    except ValueError:
        # Nobody can apply it; it must not look like the same text encoded.
        plain = f"not base64: {value}"
    return mask(plain) if value else ""


def _mask_any(value: Any, mask: Mask) -> Any:
    if value is None or (isinstance(value, str) and _SOPS.fullmatch(value)):
        return value
    return mask(value if isinstance(value, str) else repr(value))


def mask_values(value: Any, patterns: tuple[str, ...], mask: Mask) -> Any:
    """Helm values with marks for every text and number whose key one of the patterns finds."""
    return _mask_below(value, secret_keys(patterns), mask)


def secret_keys(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    """Whether one of the patterns finds a key."""
    compiled = [re.compile(pattern) for pattern in patterns]
    return lambda key: any(pattern.search(key) for pattern in compiled)


def _mask_below(value: Any, is_secret: Callable[[str], bool], mask: Mask) -> Any:
    if isinstance(value, list):
        return [_mask_below(item, is_secret, mask) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _mask_leaves(item, is_secret, mask) if is_secret(key) else _mask_below(item, is_secret, mask)
        for key, item in value.items()
    }


def _mask_leaves(value: Any, is_secret: Callable[[str], bool], mask: Mask) -> Any:
    """What stands under a secret key: the keys of a mapping speak for themselves."""
    if isinstance(value, list):
        return [_mask_leaves(item, is_secret, mask) for item in value]
    return _mask_below(value, is_secret, mask) if isinstance(value, dict) else mask_leaf(value, mask)


def mask_leaf(value: Any, mask: Mask) -> Any:
    """The mark of a text or number under a secret key; a switch (true, false) or an empty value is no secret."""
    return value if value in (None, "", True, False) else _mask_any(value, mask)
