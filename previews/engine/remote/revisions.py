"""Which commit a `targetRevision` means among the refs of a repository.

Mirrors lsRemote of util/git/client.go and MaxVersion of util/versions/tags.go of Argo CD: a constraint means the
highest tag that satisfies it; all else, and a constraint that no tag satisfies, means what it literally says.
"""

from __future__ import annotations

from collections.abc import Iterable

from previews.engine.errors import BadInput
from previews.engine.git import Mirror
from previews.engine.versions import best, is_constraint

_TAGS = "refs/tags/"


def best_tag(revision: str, tags: Iterable[str]) -> str | None:
    """The highest tag that a constraint allows, None when it is none or none fits.

    `prod/v1.x` looks at the tags below `prod/` only.
    """
    prefix, slash, constraint = revision.rpartition("/")
    if not is_constraint(constraint):
        return None
    start = prefix + slash
    found = best(constraint, [tag.removeprefix(start) for tag in tags if tag.startswith(start)])
    return None if found is None else start + found


def find_commit(mirror: Mirror, revision: str) -> str:
    """The commit of a branch, tag, range of versions, full ref name or (abbreviated) commit id. Raises BadInput."""
    if is_constraint(revision.rpartition("/")[2]):
        tag = best_tag(revision, [ref.name.removeprefix(_TAGS) for ref in mirror.refs("refs/tags")])
        if tag is not None:
            return mirror.commit(_TAGS + tag)
        try:
            return mirror.commit(revision)
        except BadInput:
            raise BadInput(f"no tag of the repository satisfies {revision!r}, and nothing has that name") from None
    return mirror.commit(revision)
