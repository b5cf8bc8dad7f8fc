"""Repositories as they stand on one side of a preview: which of their revisions mean the tree that is looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from previews.engine.applications import Source
from previews.engine.git import normalise_address
from previews.engine.trees import Tree


@dataclass(frozen=True)
class Standing:
    """A repository whose tree is known on one side of a preview: what tracks its branch means that tree.

    `addresses` are normalised, `tracks` the revisions that mean `tree` (the empty one and HEAD always do). `pinned`
    gives the tree id of any other revision and raises NotRendered. `moves` tells that the preview is about this
    repository, `unpinned` asks what would be if every pin of it were moved to `tree`.
    """

    tree: Tree
    addresses: frozenset[str]
    tracks: frozenset[str]
    pinned: Callable[[str], str]
    moves: bool = True
    unpinned: bool = False

    def holds(self, source: Source) -> bool:
        """Whether a source lies in this repository."""
        return normalise_address(source.repository) in self.addresses

    def is_tracked(self, revision: str) -> bool:
        """Whether a revision means `tree`."""
        return revision in self.tracks or revision.removeprefix("refs/heads/") in self.tracks or revision == "HEAD"

    def find(self, revision: str) -> Tree:
        """The tree that a revision means. Raises NotRendered."""
        return self.tree if self.unpinned or self.is_tracked(revision) else Tree(self.tree.store, self.pinned(revision))
