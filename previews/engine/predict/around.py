"""What the other applications of a cluster have at head, as far as the preview has rendered them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from previews.engine.manifests import Manifest, ResourceId
from previews.engine.predict.context import Library, no_definitions
from previews.engine.predict.expressions import Expressions
from previews.engine.predict.objects import Object
from previews.engine.scope import GroupKind, is_definition

#: Read off the text: CRDs are the largest objects there are, and most of them nobody asks for.
_GROUP = re.compile(r"^  group: [\"']?([\w.-]+)[\"']?[ \t]*$", re.MULTILINE)
_KIND = re.compile(r"^  names:\n(?:    .*\n)*?    kind: [\"']?(\w+)[\"']?[ \t]*$", re.MULTILINE)

Definitions = Mapping[GroupKind, Object]


@dataclass(frozen=True)
class Surroundings:
    """What surrounds one application: the objects of others, with the application that has each, and known CRDs.

    `expressions` are those of the whole preview.
    """

    elsewhere: Mapping[ResourceId, str]
    definitions: Definitions
    library: Library
    expressions: Expressions


class Around:
    """The objects that the changed applications of each cluster have at head."""

    def __init__(self, library: Library = no_definitions) -> None:
        """Knows nothing yet but the definitions in files."""
        self._library = library
        self._expressions = Expressions()
        self._owners: dict[str, dict[ResourceId, list[str]]] = defaultdict(dict)
        self._definitions: dict[str, dict[tuple[str, str], Object]] = defaultdict(dict)

    def add(self, cluster: str, application: str, objects: Iterable[ResourceId]) -> None:
        """An application has these objects."""
        owners = self._owners[cluster]
        for one in objects:
            owners.setdefault(one, []).append(application)

    def define(self, cluster: str, manifest: Manifest) -> None:
        """An application of the cluster renders this, which may define kinds."""
        for resource in manifest.resources:
            if is_definition(resource.id) and (kind := defined_kind(resource.text)):
                self._definitions[cluster][kind] = Object(resource.id, resource.version, resource.text)

    def of(self, cluster: str, application: str) -> Surroundings:
        """What surrounds an application."""
        others = _Others(self._owners[cluster], application)
        return Surroundings(others, self._definitions[cluster], self._library, self._expressions)


def defined_kind(text: str) -> GroupKind | None:
    """The group and kind that the text of a CRD defines."""
    group, kind = _GROUP.search(text), _KIND.search(text)
    return (group[1], kind[1]) if group and kind else None


class _Others(Mapping[ResourceId, str]):
    """The owner of each object that is not the application itself."""

    def __init__(self, owners: Mapping[ResourceId, list[str]], application: str) -> None:
        self._owners, self._own = owners, application

    def __getitem__(self, identity: ResourceId) -> str:
        found = next((one for one in self._owners[identity] if one != self._own), None)
        if found is None:
            raise KeyError(identity)
        return found

    def __iter__(self) -> Iterator[ResourceId]:
        return (identity for identity in self._owners if identity in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)
