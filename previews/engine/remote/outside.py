"""What a preview needs from outside its repository, brought into the repository's mirror: one object store for all.

Everything is found once for a preview, so that both sides see the same; what was used is remembered, so that another
machine can get the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from previews.engine.errors import NotRendered
from previews.engine.render.charts import ChartStore
from previews.engine.render.requests import Archive


@dataclass(frozen=True)
class FoundChart:
    """A chart in the mirror: the id of the tree that is the chart's folder, and the version that was asked for."""

    tree: str
    version: str


class Outside:
    """Charts and other repositories, as the operator allows them."""

    def __init__(self, store: ChartStore) -> None:
        """`store` is looked at before any network."""
        self._store = store

    def find(self, name: str, version: str, repository: str = "") -> Archive | None:
        """The archive of a chart that is a dependency, at a version or the highest of a range; None with a note."""
        return self._store.find(name, version, repository)

    def chart(self, name: str, version: str, repository: str) -> FoundChart:
        """A chart of a Helm repository, or of an OCI registry (`oci://…`, or no scheme). Raises NotRendered."""
        raise NotRendered("dependency", f"chart {name} {version} of {repository} is not here")

    def artifact(self, repository: str, revision: str) -> FoundChart:
        """What an OCI artifact (`oci://…`) holds, at a tag, digest or range. Raises NotRendered."""
        raise NotRendered("dependency", f"{repository} {revision} is not here")

    def tree(self, address: str, revision: str) -> str:
        """The id of another Git repository's tree at a revision. Raises NotRendered."""
        text = f"{address} is another repository (if it is this one, list it under `addresses`)"
        raise NotRendered("revision", text)
