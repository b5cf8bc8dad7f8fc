"""The two trees that a preview compares: where the target stands, and what merging into it would give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from previews.engine.git import Mirror


@dataclass(frozen=True)
class Sides:
    """The two trees of a preview. `heads` are the commits asked for; `merged` tells whether the head is a merge.

    `conflicts` are the paths that could not be merged; of several heads, `left_out` are those in which that happened,
    with their paths. `head_commit` is a commit of the head's tree where one was asked for or made, else "".
    """

    base_commit: str
    base_tree: str
    heads: tuple[str, ...]
    head_tree: str
    merged: bool
    conflicts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    head_commit: str = ""


def choose_sides(mirror: Mirror, base: str, heads: Sequence[str], exact: bool = False) -> Sides:
    """The base's tree, and the tree that merging the head into it gives; with several heads see `merge_all`.

    With `exact` the (one) head's own tree. On a conflict the head falls back to itself against the merge base, and
    `conflicts` names the paths. Raises BadInput for an unknown revision.
    """
    base_commit = mirror.commit(base)
    commits = tuple(mirror.commit(head) for head in heads)
    base_tree = mirror.tree(base_commit)
    if len(commits) > 1:
        return merge_all(mirror, base_commit, commits)
    (commit,) = commits
    if exact:
        return Sides(base_commit, base_tree, commits, mirror.tree(commit), merged=False, head_commit=commit)
    merge = mirror.merge(base_commit, commit)
    if not merge.conflicts:
        return Sides(base_commit, base_tree, commits, merge.tree, merged=True)
    fork = mirror.merge_base(base_commit, commit) or base_commit
    note = "the merge has conflicts, so the head is compared with the commit where it left the target branch"
    tree = mirror.tree(commit)
    return Sides(fork, mirror.tree(fork), commits, tree, False, merge.conflicts, (note,), head_commit=commit)


def merge_all(mirror: Mirror, base_commit: str, commits: Sequence[str]) -> Sides:
    """The tree that merging commits into a base one after the other gives.

    One that conflicts with what stands there when its turn comes is left out, and the others go on without it. The
    commits that are written on the way are the same on every machine.
    """
    current, tree = base_commit, mirror.tree(base_commit)
    left_out: dict[str, tuple[str, ...]] = {}
    for commit in commits:
        merge = mirror.merge(current, commit)
        if merge.conflicts:
            left_out[commit] = merge.conflicts
            continue
        tree = merge.tree
        current = mirror.write_commit(tree, current, commit)
    paths = tuple(dict.fromkeys(path for conflicts in left_out.values() for path in conflicts))
    notes = tuple(f"{commit[:10]} conflicts with what is merged before it, and is left out" for commit in left_out)
    base_tree = mirror.tree(base_commit)
    return Sides(base_commit, base_tree, tuple(commits), tree, True, paths, notes, left_out, current)
