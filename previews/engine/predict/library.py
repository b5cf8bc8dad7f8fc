"""CustomResourceDefinitions that stand in a repository's files as they are, whoever applies them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from previews.engine.errors import RenderFailed, YamlError
from previews.engine.manifests import read_resources, split_documents
from previews.engine.masking import shown
from previews.engine.predict.around import defined_kind
from previews.engine.predict.objects import Object
from previews.engine.scope import GroupKind, is_definition
from previews.engine.trees import Tree

_FILES = ("*.yaml", "*.yml")
_SIGN = "kind: CustomResourceDefinition"


class FileLibrary:
    """The definitions in the files of a tree, read when one is first asked for."""

    def __init__(self, tree: Tree) -> None:
        """Reads nothing yet."""
        self._tree = tree
        self._found: Mapping[GroupKind, Sequence[Object]] | None = None

    def __call__(self, kind: GroupKind) -> Sequence[Object]:
        """The definitions of a kind: several where files differ, as those of several versions of a chart."""
        if self._found is None:
            self._found = {}  # Where reading fails, it fails once.
            self._found = self._read()
        return self._found.get(kind, ())

    def _read(self) -> Mapping[GroupKind, Sequence[Object]]:
        found: dict[GroupKind, dict[str, Object]] = defaultdict(dict)
        for blob in self._tree.store.holding(self._tree.id, _SIGN, *_FILES):
            for one in _definitions(self._text(blob)):
                if kind := defined_kind(one.text):
                    found[kind][one.text] = one
        return {kind: tuple(ones.values()) for kind, ones in found.items()}

    def _text(self, blob: str) -> str:
        try:
            text = self._tree.store.blob(blob).decode("utf-8", "replace")
        except RenderFailed:  # larger than any file may be
            return ""
        # What is a template says nothing before it is rendered.
        return "" if "{{" in text else text


def _definitions(text: str) -> list[Object]:
    try:
        resources = [one for document in split_documents(text) for one in read_resources(document, shown)]
    except YamlError:
        return []
    return [Object(one.id, one.version, one.text) for one in resources if is_definition(one.id)]
