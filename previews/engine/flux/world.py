"""The objects of one side that Flux reads, as its API servers would hold them: by cluster, kind, namespace and name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from previews.engine.errors import NotRendered
from previews.engine.yamls import canonical

#: Cluster, kind, namespace, name.
Place = tuple[str, str, str, str]

FLUX_KINDS = ("Kustomization", "HelmRelease")
_SOURCES = ("GitRepository", "OCIRepository", "HelmRepository", "Bucket", "HelmChart", "ExternalArtifact")
_GROUPS = {
    **dict.fromkeys(_SOURCES, "source.toolkit.fluxcd.io"),
    "Kustomization": "kustomize.toolkit.fluxcd.io",
    "HelmRelease": "helm.toolkit.fluxcd.io",
    "ConfigMap": "",
    "Secret": "",
}


def is_read(group: str, kind: str) -> bool:
    """Whether Flux, or a reference of its objects, reads objects of this kind."""
    return _GROUPS.get(kind) == group


@dataclass(frozen=True)
class Declared:
    """An object, the cluster that holds it, and the file or the chain of Kustomizations that led to it.

    `suspended` names the last of them when it does not reconcile.
    """

    cluster: str
    document: Mapping[str, Any]
    origin: tuple[str, ...]
    suspended: str = ""

    @property
    def place(self) -> Place:
        """Where it stands; without a namespace, in `default`."""
        metadata = self.document.get("metadata")
        fields = metadata if isinstance(metadata, dict) else {}
        namespace = str(fields.get("namespace") or "default")
        return self.cluster, str(self.document.get("kind")), namespace, str(fields.get("name") or "")


@dataclass
class World:
    """What is declared, the first declaration of a place first; `found` are objects in files that nobody rendered.

    `silent` are the Kustomizations, by cluster, whose objects are not known.
    """

    declared: dict[Place, Declared] = field(default_factory=dict)
    found: Mapping[Place, Declared] = field(default_factory=dict)
    silent: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def declare(self, item: Declared) -> None:
        """Adds an object. A second declaration by another parent does not count, and is said."""
        place = item.place
        first = self.declared.setdefault(place, item)
        if first is not item and first.origin[-1] != item.origin[-1]:
            cluster, kind, _, name = place
            parents = f"{first.origin[-1]} and {item.origin[-1]}"
            self.notes.append(f"{kind} {name} on {cluster} is made by {parents}; the first one counts")

    def get(self, cluster: str, kind: str, namespace: str, name: str) -> Mapping[str, Any] | None:
        """An object: rendered, or else in a file of the cluster."""
        place = (cluster, kind, namespace, name)
        item = self.declared.get(place) or self.found.get(place)
        return item.document if item else None

    def missing(self, place: Place) -> NotRendered | None:
        """Why what the object at a place refers to may be there although nobody declares it; None when all is known."""
        silent = [name for name in self.silent.get(place[0], ()) if name != place[3]]
        if not silent:
            return None
        return NotRendered("dependency", f"what it refers to may be in {', '.join(silent)}, which was not rendered")

    def applications(self) -> list[Declared]:
        """The Kustomizations and HelmReleases, in order."""
        return [item for place, item in sorted(self.declared.items()) if place[1] in FLUX_KINDS]

    def digest(self) -> str:
        """Equal for worlds of equal content."""
        return canonical([[*place, item.document] for place, item in sorted(self.declared.items())])
