"""What an ApplicationSet does to Applications that exist: its `syncPolicy`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from previews.engine.applications import Instance
from previews.engine.fields import mapping


@dataclass(frozen=True)
class SetPolicy:
    """`applicationsSync` of a set ("sync" when it has none), and whether resources outlive their Application."""

    name: str
    applications_sync: str = "sync"
    preserves: bool = False


#: By the origin of the instances that a set makes.
Policies = Mapping[tuple[str, ...], SetPolicy]


def read_policy(name: str, spec: Mapping[str, Any]) -> SetPolicy:
    """The policy that a set's spec states."""
    stated = mapping(spec, "syncPolicy")
    sync = str(stated.get("applicationsSync") or "sync")
    return SetPolicy(name, sync, bool(stated.get("preserveResourcesOnDeletion")))


def policy_notes(before: Instance | None, after: Instance | None, base: Policies, head: Policies) -> Iterator[str]:
    """What its set would not do of a change, as notes on the cell. A set that is gone takes its Applications along."""
    if before is None:
        return
    policy = head.get((after or before).origin)
    sync = policy.applications_sync if policy else ""
    who = f"ApplicationSet {policy.name} (applicationsSync: {sync})" if policy else ""
    if after is not None and after.definition != before.definition and sync in ("create-only", "create-delete"):
        yield f"{who} updates no Application: what moves in the Application itself is not applied"
    if after is None and sync in ("create-only", "create-update"):
        yield f"{who} deletes no Application: this one stays"
        return
    made_by = base.get(before.origin)
    if after is None and made_by and made_by.preserves:
        yield f"ApplicationSet {made_by.name} (preserveResourcesOnDeletion): the resources stay in the cluster"
