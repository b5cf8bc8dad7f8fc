"""Argo CD's own settings: the ConfigMap `argocd-cm`, as far as it changes what is rendered.

They decide what a renderer may do, so they come from the operator or from the base tree, never from a pull request:
nobody may switch an option on for the preview of their own change. Mirrors util/settings/settings.go of Argo CD.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from previews.engine.config import FleetConfig
from previews.engine.errors import YamlError
from previews.engine.trees import Tree
from previews.engine.yamls import load_all

_NAME = "argocd-cm"
_MENTIONS_IT = re.compile(rb"^\s*name:\s*[\"']?argocd-cm[\"']?\s*$", re.MULTILINE)


def trusted_settings(base: Tree, own: FleetConfig | None) -> dict[str, str]:
    """The `data` of argocd-cm as it holds for both sides of a preview.

    That of a plain argocd-cm manifest in the base tree, and over it `argocd` in the base's own astrolabe.yaml.
    """
    return {**_config_map(base), **(own.argocd if own else {})}


def _config_map(tree: Tree) -> dict[str, str]:
    for path, entry in tree.walk():
        if not entry.is_file or not path.endswith((".yaml", ".yml")):
            continue
        data = tree.store.blob(entry.id)
        # The plain text first: the expression would walk through every line of every file.
        if _NAME.encode() not in data or not _MENTIONS_IT.search(data):
            continue
        try:
            documents = load_all(data.decode("utf-8", "replace"))
        except YamlError:
            continue
        for document in documents:
            if isinstance(document, dict) and _is_argocd_cm(document) and isinstance(document.get("data"), dict):
                return {str(key): str(value) for key, value in document["data"].items()}
    return {}


def _is_argocd_cm(document: Mapping[str, object]) -> bool:
    metadata = document.get("metadata")
    return document.get("kind") == "ConfigMap" and isinstance(metadata, dict) and metadata.get("name") == _NAME
