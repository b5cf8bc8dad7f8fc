"""Secret data never leaves the renderer: it becomes a mark that tells equal from different and nothing else."""

from __future__ import annotations

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


def make_mask(key: bytes | None) -> Mask:
    """A function from a secret text to its mark. The key is this installation's; None shows secrets as they are.

    An HMAC, since a bare hash of a short password can be guessed.
    """
    if key is None:
        return lambda text: text
    return lambda text: "••• hmac:" + hmac.new(key, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:12]


def mask_secret(secret: Mapping[str, Any], mask: Mask) -> dict[str, Any]:
    """A Secret object with marks for the values of `data` and `stringData` and for what kubectl last applied."""
    masked = dict(secret)
    for field in ("data", "stringData"):
        content = masked.get(field)
        if isinstance(content, dict):
            masked[field] = {key: _mask_any(value, mask) for key, value in content.items()}
        elif content is not None:
            masked[field] = _mask_any(content, mask)
    metadata = masked.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if isinstance(annotations, dict) and _LAST_APPLIED in annotations:
        hidden = {**annotations, _LAST_APPLIED: _mask_any(annotations[_LAST_APPLIED], mask)}
        masked["metadata"] = {**dict(metadata or {}), "annotations": hidden}
    return masked


def _mask_any(value: Any, mask: Mask) -> Any:
    if value is None or (isinstance(value, str) and _SOPS.fullmatch(value)):
        return value
    return mask(value if isinstance(value, str) else repr(value))


def mask_values(value: Any, patterns: tuple[str, ...], mask: Mask) -> Any:
    """Helm values with marks for every text and number whose key one of the patterns finds."""
    compiled = [re.compile(pattern) for pattern in patterns]
    return _mask_below(value, lambda key: any(pattern.search(key) for pattern in compiled), mask)


def _mask_below(value: Any, is_secret: Callable[[str], bool], mask: Mask) -> Any:
    if isinstance(value, list):
        return [_mask_below(item, is_secret, mask) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _mask_leaves(item, mask) if is_secret(key) else _mask_below(item, is_secret, mask)
        for key, item in value.items()
    }


def _mask_leaves(value: Any, mask: Mask) -> Any:
    """What stands under a secret key; a switch (true, false) or an empty value is no secret."""
    if isinstance(value, (dict, list)):
        return value if isinstance(value, dict) else [_mask_leaves(item, mask) for item in value]
    return value if value in (None, "", True, False) else _mask_any(value, mask)
