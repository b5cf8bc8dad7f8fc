"""What Flux does after the renderer: decryption (seen from outside), substitution, post-renderers, common metadata.

Runs in the renderer's child process. Mirrors internal/controller/kustomization_controller.go (build) of
kustomize-controller and internal/postrender of helm-controller. Owner labels are left out: they never differ.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from previews.engine.errors import RenderFailed, YamlError
from previews.engine.masking import SOPS_MARK
from previews.engine.render.substitution import check_names, substitute
from previews.engine.yamls import dump, load

#: A build by the real kustomize: the folder that holds the kustomization, and what stands on its standard input.
Build = Callable[[Path, str], list[str]]

PLACEHOLDER = "..PLACEHOLDER_{}.."
POST_RENDERER = ".flux-post-renderer-{}"
_SWITCH = "kustomize.toolkit.fluxcd.io/substitute"
_HOOK = re.compile(r"^[ \t]+[\"']?helm\.sh/hook[\"']?:", re.MULTILINE)


def after_kustomize(documents: Sequence[str], options: Mapping[str, Any]) -> list[str]:
    """The objects of a Kustomization as they are applied. `options` are made by `previews.engine.flux.parts`.

    Raises RenderFailed for a substitution that Flux refuses, and for an encrypted Secret that nobody decrypts.
    """
    check_names(options["variables"])
    changed = [_substituted(_decrypted(document, options), options) for document in documents]
    return [_with_metadata(document, options) for document in changed]


def after_helm(
    documents: Sequence[str], crds: int, folder: Path, options: Mapping[str, Any], build: Build
) -> list[str]:
    """The objects of a HelmRelease as they are applied; the first `crds` of them no post-renderer sees."""
    bare, rendered = list(documents[:crds]), list(documents[crds:])
    hooks = [document for document in rendered if _is_hook(document)]
    plain = [document for document in rendered if not _is_hook(document)]
    hooks = [] if options["disable_hooks"] else hooks
    strategy = options["post_render_strategy"]
    groups = [[*plain, *hooks]] if strategy == "combined" else [plain, hooks]
    seen = [_post_rendered(group, folder, options, build) for group in groups[: 1 if strategy == "nohooks" else 2]]
    rest = hooks if strategy == "nohooks" else []
    return [*bare, *(document for group in seen for document in group), *rest]


def _is_hook(document: str) -> bool:
    return "helm.sh/hook" in document and bool(_HOOK.search(document))


def _post_rendered(documents: list[str], folder: Path, options: Mapping[str, Any], build: Build) -> list[str]:
    for number in range(options["post_renderers"]):
        if documents:
            documents = build(folder / POST_RENDERER.format(number), "\n---\n".join(documents))
    return [_with_metadata(document, options) for document in documents]


def _parsed(document: str) -> Any:
    try:
        return load(document)
    except YamlError as error:
        raise RenderFailed("parse", f"the rendered text cannot be read: {error}") from None


def _decrypted(document: str, options: Mapping[str, Any]) -> str:
    """An encrypted object without its key data, each ciphertext a short mark that is equal for equal ciphertexts."""
    value = _parsed(document) if "sops:" in document else None
    if not isinstance(value, dict) or not isinstance(value.get("sops"), dict):
        return document
    if not options["decrypts"]:
        if value.get("kind") != "Secret":
            return document
        name = (value.get("metadata") or {}).get("name")
        text = f"Secret {name} is SOPS encrypted, configuring decryption is required for this secret to be reconciled"
        raise RenderFailed("render", text)
    return dump({key: _without_ciphertext(item) for key, item in value.items() if key != "sops"}, sort_keys=False)


def _without_ciphertext(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_ciphertext(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_ciphertext(item) for item in value]
    if isinstance(value, str) and value.startswith("ENC[") and value.endswith("]"):
        return SOPS_MARK + hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()[:12]
    return value


def _substituted(document: str, options: Mapping[str, Any]) -> str:
    """Substitution in the text of one object, as sigs.k8s.io/yaml writes it: quotes that it need not write are gone."""
    variables: Mapping[str, str] = options["variables"]
    if not (variables or options["always"] or options["placeholders"]) or "$" not in document:
        return document
    value = _parsed(document)
    if not isinstance(value, dict) or _is_switched_off(value):
        return document

    undefined = PLACEHOLDER.format if options["placeholders"] else None
    kind, name = value.get("kind"), (value.get("metadata") or {}).get("name")
    try:
        text = substitute(dump(value, sort_keys=False), variables.get, undefined)
        return dump(load(text), sort_keys=False).rstrip()
    except RenderFailed as error:
        raise RenderFailed("render", f"{kind} {name}: {error}") from None
    except YamlError as error:
        raise RenderFailed("parse", f"{kind} {name}: after substitution it is no YAML: {error}") from None


def _is_switched_off(value: Mapping[str, Any]) -> bool:
    metadata = value.get("metadata")
    fields = metadata if isinstance(metadata, dict) else {}
    marks = [fields.get("labels"), fields.get("annotations")]
    return any(isinstance(mark, dict) and mark.get(_SWITCH) == "disabled" for mark in marks)


def _with_metadata(document: str, options: Mapping[str, Any]) -> str:
    """`commonMetadata`: its labels and annotations override those of the object."""
    added = {key: options[key] for key in ("labels", "annotations") if options[key]}
    value = _parsed(document) if added else None
    if not isinstance(value, dict):
        return document
    metadata = dict(value.get("metadata") or {})
    for key, pairs in added.items():
        metadata[key] = {**(metadata.get(key) or {}), **pairs}
    return dump({**value, "metadata": metadata}, sort_keys=False).rstrip()
