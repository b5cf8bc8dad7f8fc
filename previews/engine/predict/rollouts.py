"""What happens to the pods of every workload of a cell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from previews.engine.predict.context import Context
from previews.engine.predict.deletions import deleted, staying
from previews.engine.predict.formulas import Rollout, RolloutPlan, rollout
from previews.engine.predict.objects import Pair
from previews.engine.predict.renames import Rename, keeps_both, renames
from previews.engine.predict.replicas import Replicas, Scalers, autoscalers, replicas
from previews.engine.predict.restarts import How, Restart, restarts, sync_options
from previews.engine.predict.settings import readers
from previews.engine.predict.workloads import DAEMON_SET, Workload, plan, workload, workloads

#: What a sync does to a workload's pods, besides what `How` says.
Change = How | Literal["created", "deleted", "renamed"]


@dataclass(frozen=True, slots=True)
class Movement:
    """A workload on its way from base to head.

    `base` is None for a new one, `head` for one that goes. `keeps_old`: the old pods stay until the new ones serve.
    `reloaded` names the operator that replaces its pods.
    """

    change: Change
    base: Workload | None
    head: Workload | None
    replicas: Replicas
    plan: RolloutPlan | None
    rollout: Rollout
    restart: Restart
    reloaded: str = ""
    keeps_old: bool = False
    renamed: Rename | None = None

    @property
    def one(self) -> Workload:
        """The workload at head, at base where it goes."""
        found = self.head or self.base
        assert found
        return found

    @property
    def moves(self) -> bool:
        """Whether its pods or their number change."""
        counts = self.replicas
        return self.change not in ("no", "later", "refused") or counts.before != counts.after

    @property
    def knows_pods(self) -> bool:
        """Whether the number of its pods is known: that of a DaemonSet without known nodes is not."""
        return (self.one.id.group, self.one.id.kind) != DAEMON_SET or self.replicas.wanted > 0


def movements(pair: Pair, context: Context) -> list[Movement]:
    """All workloads of both sides, those whose pods stay as they are too."""
    base, head = autoscalers(pair.base.objects), autoscalers(pair.head.objects)
    renamed = {one.head.id: one for one in renames(pair, context)}
    restarted = {after.id: one for _, after, one in restarts(pair, context)}
    reloaded = {one.after.id: one.reloaded for one in readers(pair, context) if one.reloaded}
    found = []
    for after in workloads(pair.head.objects, context.kubernetes):
        before = workload(pair.base.objects.get(after.id), context.kubernetes)
        if before is not None:
            found.append(
                _changed(
                    before,
                    after,
                    restarted.get(after.id, Restart("no")),
                    context,
                    base,
                    head,
                    reloaded.get(after.id, ""),
                )
            )
        elif after.id in renamed:
            found.append(_renamed(renamed[after.id], after, context, base, head))
        else:
            found.append(_created(after, context, base, head))
    taken = {one.base.id for one in renamed.values()}
    return [*found, *(one for one in _gone(pair, context, base) if one.one.id not in taken)]


def _changed(
    before: Workload, after: Workload, found: Restart, context: Context, base: Scalers, head: Scalers, reloaded: str
) -> Movement:
    counts = replicas(before, after, base, head, context)
    change: Change = "now" if reloaded and found.how == "no" else found.how
    if change == "refused":
        counts = replace(counts, after=counts.before, wanted=counts.before)
    asked = plan(
        after, counts.before, counts.after, change in ("now", "later"), change == "recreated", context.kubernetes
    )
    return Movement(change, before, after, counts, asked, rollout(asked), found, reloaded)


def _renamed(one: Rename, after: Workload, context: Context, base: Scalers, head: Scalers) -> Movement:
    before = workload(one.base, context.kubernetes)
    assert before
    was = replicas(None, before, base, base, context).after
    will = replicas(None, after, base, head, context)
    counts = replace(will, before=was)
    asked = plan(after, was, will.after, True, True, context.kubernetes)
    both = keeps_both(one, context)
    found = rollout(asked)
    if both:
        found = replace(found, minimum=min(was, will.after), peak=was + will.after)
    return Movement("renamed", before, after, counts, asked, found, Restart("no"), keeps_old=both, renamed=one)


def _created(after: Workload, context: Context, base: Scalers, head: Scalers) -> Movement:
    counts = replace(replicas(None, after, base, head, context), before=0)
    asked = plan(after, 0, counts.after, False, False, context.kubernetes)
    return Movement("created", None, after, counts, asked, rollout(asked), Restart("no"))


def _gone(pair: Pair, context: Context, base: Scalers) -> Iterator[Movement]:
    gone, stays = deleted(pair, context), {one.id for one in staying(pair, context)}
    for before in workloads(pair.base.objects, context.kubernetes):
        was = replicas(None, before, base, base, context).after
        if before.id in gone:
            keeps = "PruneLast=true" in context.sync.options | sync_options(before.object)
            found = Rollout(0, was, 0, restarted=was)
            yield Movement("deleted", before, None, Replicas(was, 0, 0), None, found, Restart("no"), keeps_old=keeps)
        elif before.id in stays:
            yield Movement("no", before, before, Replicas(was, was, was), None, Rollout(was, was, 0), Restart("no"))
