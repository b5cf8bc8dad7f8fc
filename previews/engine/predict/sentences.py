"""The arithmetic of a rollout as one sentence, for people."""

from __future__ import annotations

from previews.engine.predict.context import Context
from previews.engine.predict.formulas import Share, counts_unavailable
from previews.engine.predict.rollouts import Movement
from previews.engine.predict.workloads import Start, Workload, child, counted, mapped, whole


def sentence(one: Movement, times: Start, context: Context) -> str:
    """What happens to a workload's pods, with the numbers that lead to it."""
    was, will = one.replicas.before, one.replicas.after
    if one.change == "created":
        return (
            f"new: {counted(will, 'pod')} {'starts' if will == 1 else 'start'}"
            if one.knows_pods
            else "new: one pod for each node"
        )
    if one.change == "deleted":
        return (
            f"deleted: {counted(was, 'pod')} {'goes' if was == 1 else 'go'}"
            if one.knows_pods
            else "deleted on all nodes"
        )
    if one.change == "renamed":
        return _renamed(one, times)
    if one.change == "refused":
        return f"the API server takes no such change ({one.restart.reason}), so the pods stay as they are"
    if one.change == "later":
        return f"the pods stay as they are: {one.restart.reason}{_scaled(one)}"
    if one.change == "recreated":
        return f"{_count(one)} deleted and made anew, so none {_serves(0)} in between{_time(one, times)}"
    if one.change == "no":
        return _handed_over(one) if one.replicas.is_handed_over else _scaled(one).removeprefix("; ") or "no change"
    return f"{_ROLLED[one.one.id.kind](one, context)}{_time(one, times)}"


def _renamed(one: Movement, times: Start) -> str:
    old = one.renamed.base.id.name if one.renamed else ""
    if one.keeps_old:
        return f"{_count(one)} under another name; those of {old} go last, so at least {_serves(one.rollout.minimum)}"
    return f"{_count(one)}; those of {old} go before the new ones start, so none serves in between{_time(one, times)}"


def _scaled(one: Movement) -> str:
    was, will = one.replicas.before, one.replicas.after
    if was == will or not one.knows_pods:
        return ""
    return f"; {was} → {counted(will, 'replica')}, so at least {_serves(one.rollout.minimum)}"


def _handed_over(one: Movement) -> str:
    return (
        f"the text no longer sets {counted(one.replicas.before, 'replica')}, which makes it {one.replicas.after} until"
        f" an autoscaler raises it to {one.replicas.wanted} or more; at least {_serves(one.rollout.minimum)}"
    )


def _count(one: Movement) -> str:
    was, will = one.replicas.before, one.replicas.after
    return counted(will, "replica") if was == will else f"{was} → {counted(will, 'replica')}"


def _serves(number: int) -> str:
    return f"{number} {'serves' if number == 1 else 'serve'}"


def _part(share: Share | None, number: int) -> str:
    return f"{share.removesuffix('%')} % → {number}" if isinstance(share, str) and share.endswith("%") else str(number)


def _deployment(one: Movement, context: Context) -> str:
    assert one.plan
    found = one.rollout
    if one.plan.strategy == "Recreate":
        return f"{_count(one)}, Recreate: all old pods go before a new one starts, so none serves in between"
    down = f"{_part(one.plan.unavailable, found.unavailable)} may be down"
    if not found.surge and found.unavailable == 1 and _is_forced(one):
        down = f"{_part(one.plan.unavailable, 0)}, and none more may start: Kubernetes then lets 1 be down"
    more = f"{_part(one.plan.surge, found.surge)} more may start, " if found.surge else ""
    return f"{_count(one)}, {more}{down}, so at least {_serves(found.minimum)}"


def _is_forced(one: Movement) -> bool:
    assert one.plan
    share = one.plan.unavailable
    return isinstance(share, str) and share.endswith("%") and one.plan.after * int(share[:-1] or 0) < 100


def _stateful_set(one: Movement, context: Context) -> str:
    assert one.plan
    found, partition = one.rollout, one.plan.partition
    if not found.restarted:
        return f"{_count(one)}, partition {partition}: no pod restarts"
    if not found.minimum:
        old = "the old pod goes" if found.restarted == 1 else "all old pods go"
        return f"{_count(one)}: {old} before a new one starts, so none serves in between"
    some = f" (partition {partition}: {found.restarted} of them restart)" if partition else ""
    how = (
        f"{_part(one.plan.unavailable, found.unavailable)} may be down"
        if found.unavailable > 1
        else "one after the other"
    )
    ignored = ""
    if one.plan.unavailable not in (None, 1) and not counts_unavailable(context.kubernetes):
        ignored = f" (maxUnavailable does not count in Kubernetes {'.'.join(map(str, context.kubernetes))})"
    return f"{_count(one)}{some}, {how}{ignored}, so at least {_serves(found.minimum)}"


def _daemon_set(one: Movement, context: Context) -> str:
    assert one.plan
    rolling = mapped(one.one.strategy, "rollingUpdate")
    if not one.knows_pods:
        if _surges(one.one):
            return f"on each node the new pod starts first, on {rolling.get('maxSurge')} of the nodes at a time"
        return f"{rolling.get('maxUnavailable')} of the nodes at a time may be without it"
    nodes = counted(one.replicas.after, "node")
    if one.rollout.surge:
        new = _part(one.plan.surge, one.rollout.surge)
        return f"{nodes}, {new} at a time, the new pod first, so all {_serves(one.rollout.minimum)}"
    down = _part(one.plan.unavailable, one.rollout.unavailable)
    return f"{nodes}, {down} may be without it, so at least {_serves(one.rollout.minimum)}"


def _surges(one: Workload) -> bool:
    surge = child(one.strategy, "rollingUpdate", "maxSurge")
    return bool(whole(surge)) or (isinstance(surge, str) and surge not in ("0", "0%"))


_ROLLED = {"Deployment": _deployment, "StatefulSet": _stateful_set, "DaemonSet": _daemon_set}


def _time(one: Movement, times: Start) -> str:
    waves = one.rollout.waves
    if not waves or not one.knows_pods:
        return ""
    text = f"; {counted(waves, 'wave')}"
    if times.least:
        text += f" of {'about' if times.is_measured else 'at least'} {times.least:g} s = {waves * times.least:g} s"
    stops = one.one.id.kind == "StatefulSet" or one.rollout.minimum == 0
    return text + (
        f", and up to {one.one.grace} s for the old pods to stop{' each time' if waves > 1 else ''}" if stops else ""
    )


def if_stuck(one: Movement) -> str:
    """What happens if the new pods never become ready; "" where that harms nobody."""
    found, kind = one.rollout, one.one.id.kind
    if one.change != "now" or not one.knows_pods or one.plan is None or not found.waves:
        return ""
    if found.minimum == 0:
        return "if the new pods never become ready, nobody serves"
    if kind == "StatefulSet":
        stays = f"the rollout stops with {found.minimum} of {one.replicas.after} serving"
        note = "" if one.plan.is_parallel else ", and the stuck pod has to be deleted by hand even after a revert"
        return f"if a new pod never becomes ready, {stays}{note}"
    if kind == "DaemonSet":
        return f"if the new pods never become ready, {counted(found.unavailable, 'node')} stay without it"
    started = min(found.surge + found.unavailable, one.replicas.after)
    return f"if the new pods never become ready, {found.minimum} go on serving and {started} new ones do not"
