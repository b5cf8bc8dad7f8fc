"""Which workloads replace their pods, and why.

A controller replaces pods when the template that it made them of is another one: labels and annotations included
(pkg/controller/deployment/util EqualIgnoreHash, and the ControllerRevisions of StatefulSets and DaemonSets).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from previews.engine.normalise import normalise
from previews.engine.predict.context import Context
from previews.engine.predict.defaults import with_defaults
from previews.engine.predict.differences import Difference, differences
from previews.engine.predict.findings import ChangeRule, Finding, told
from previews.engine.predict.objects import Change, Object, Pair
from previews.engine.predict.workloads import Workload, child, title, workload

CRON_JOB, REPLICA_SET = ("batch", "CronJob"), ("apps", "ReplicaSet")
_SOURCE = "pkg/controller/deployment/util/deployment_util.go EqualIgnoreHash"
#: Labels and annotations that a release carries about with it, which no program reads.
_EMPTY_KEYS = frozenset({"helm.sh/chart", "chart", "app.kubernetes.io/version", "heritage", "helm.sh/revision"})
_SHOWN = 4

#: now: the pods are replaced. later: the template is another one, but nothing is replaced until somebody acts.
#: recreated: the object is deleted and made anew. refused: the API server takes no such change.
How = Literal["no", "now", "later", "recreated", "refused"]


@dataclass(frozen=True, slots=True)
class Restart:
    """What a change of a workload does to its pods. `reason` is why it is not done now, `fields` what differs."""

    how: How
    fields: tuple[Difference, ...] = ()
    reason: str = ""
    is_empty: bool = False


def template_changes(one: Workload, other: Workload) -> tuple[Difference, ...]:
    """Where the templates of a workload at base and head differ."""
    if one.template == other.template:
        return ()
    return tuple(sorted(differences(one.template, other.template, ("spec", "template")), key=_weight))


def _weight(one: Difference) -> int:
    """What is told first: images, then the rest of the spec, then labels and annotations."""
    return 0 if one.steps[-1] == "image" else 1 if "metadata" not in one.steps[:3] else 2


def restart(before: Workload, after: Workload, pair: Pair, context: Context) -> Restart:
    """What a change does to the pods of a workload that both sides have."""
    fields = template_changes(before, after)
    if is_recreated(before, after, context):
        return Restart("recreated", fields)
    if _selector(before) != _selector(after):
        return Restart("refused", fields, "its selector cannot change")
    if not fields:
        return Restart("no")
    is_empty = _is_empty(fields, after, pair)
    if child(after.content, "spec", "paused") is True:
        return Restart("later", fields, "it is paused", is_empty)
    if after.strategy.get("type") == "OnDelete":
        return Restart(
            "later", fields, "its strategy is OnDelete, so pods are replaced when somebody deletes them", is_empty
        )
    return Restart("now", fields, is_empty=is_empty)


def _selector(one: Workload) -> Any:
    return child(one.content, "spec", "selector")


def is_recreated(before: Workload, after: Workload, context: Context) -> bool:
    """Whether a sync deletes the object and makes it anew.

    `kubectl replace --force` always does, `kubectl apply --force` where the API server refuses the change.
    """
    options = context.sync.options | sync_options(after.object)
    if "Force=true" not in options:
        return False
    return "Replace=true" in options or _selector(before) != _selector(after)


def sync_options(object: Object) -> frozenset[str]:
    """The sync options in an object's annotation."""
    annotations = object.get("metadata", "annotations") if "sync-options" in object.text else None
    text = annotations.get("argocd.argoproj.io/sync-options") if isinstance(annotations, dict) else None
    return frozenset(word.strip() for word in text.split(",")) if isinstance(text, str) else frozenset()


def _is_empty(fields: Iterable[Difference], after: Workload, pair: Pair) -> bool:
    """Whether the pods come back as they were: only a label of the release is another one."""
    keys = set()
    for one in fields:
        if len(one.steps) != 5 or one.steps[2] != "metadata" or one.steps[3] not in ("labels", "annotations"):
            return False
        keys.add(str(one.steps[4]))
    checksums = {key for key in keys if key.startswith("checksum/")}
    return keys - checksums <= _EMPTY_KEYS and not (checksums and _changes_settings(pair, after.id.namespace))


def _changes_settings(pair: Pair, namespace: str) -> bool:
    """Whether what a checksum can be of changes: not only its labels, as a new version of a chart does."""
    return any(
        changes_data(one)
        for one in pair.changes
        if one.id.namespace == namespace and one.id.group == "" and one.id.kind in ("ConfigMap", "Secret")
    )


def data(object: Object | None) -> dict[str, Any]:
    """The entries of a ConfigMap or a Secret, whichever field they stand in."""
    if object is None:
        return {}
    content = normalise(dict(object.content), object.id)
    fields = [content.get(key) for key in ("binaryData", "data", "stringData")]
    return {key: value for one in fields if isinstance(one, dict) for key, value in one.items()}


def changes_data(change: Change) -> bool:
    """Whether an entry of a ConfigMap or a Secret changes."""
    return next(differences(data(change.base), data(change.head)), None) is not None


# Several rules ask for those of one cell, one after the other.
@lru_cache(maxsize=1)
def restarts(pair: Pair, context: Context) -> tuple[tuple[Workload, Workload, Restart], ...]:
    """The workloads of both sides that change, and what that does to their pods."""
    sides = ((workload(one.base, context.kubernetes), workload(one.head, context.kubernetes)) for one in pair.changes)
    return tuple((before, after, restart(before, after, pair, context)) for before, after in sides if before and after)


def find_restarts(pair: Pair, context: Context) -> Iterator[Finding]:
    """RESTART, RESTART-NO-CHANGE, RESTART-PENDING, RECREATED."""
    for _, after, found in restarts(pair, context):
        what = changed_fields(found.fields, after.content)
        steps = found.fields[0].steps if found.fields else ()
        if found.how == "recreated":
            message = f"{after.title} is deleted and made anew by a sync that forces it: all of its pods go at once"
            yield Finding("RECREATED", "warning", message, after.id, steps, source="kubectl replace --force")
        elif found.how == "later":
            message = f"{after.title} gets a new template ({what}), but its pods stay as they are: {found.reason}"
            yield Finding("RESTART-PENDING", "info", message, after.id, steps, source=_SOURCE)
        elif found.how == "now" and found.is_empty:
            yield Finding(
                "RESTART-NO-CHANGE",
                "warning",
                f"{after.title} replaces its pods without any functional change: only {what}",
                after.id,
                steps,
                told(found.fields[0].head),
                _SOURCE,
                "leave labels that name the version of the chart out of the pod template",
            )
        elif found.how == "now":
            yield Finding(
                "RESTART", "info", f"{after.title} replaces its pods: {what}", after.id, steps, source=_SOURCE
            )


def changed_fields(fields: tuple[Difference, ...], content: Mapping[str, Any]) -> str:
    """What differs below `spec.template`, in words; items of lists go by their names."""
    texts = [_told(one, content) for one in fields[:_SHOWN]]
    more = f", and {len(fields) - _SHOWN} more" if len(fields) > _SHOWN else ""
    return ", ".join(texts) + more


def _told(one: Difference, content: Mapping[str, Any]) -> str:
    path: list[str] = []
    at: Any = content
    for step in one.steps:
        at = _below(at, step)
        path.append(str(at["name"] if isinstance(step, int) and isinstance(at, dict) and "name" in at else step))
    return f"{'.'.join(path[2:]) or 'template'} {_short(one.base)} → {_short(one.head)}"


def _below(value: Any, step: str | int) -> Any:
    if isinstance(value, list) and isinstance(step, int):
        return value[step] if step < len(value) else None
    return value.get(step) if isinstance(value, dict) else None


def _short(value: Any) -> str:
    if value is None:
        return "(none)"
    if isinstance(value, dict | list):
        return "{…}" if isinstance(value, dict) else "[…]"
    text = told(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def find_runs(pair: Pair, context: Context) -> Iterator[Finding]:
    """NEXT-RUN: a CronJob's or ReplicaSet's template, which counts for the pods to come alone."""
    for change in pair.changes:
        kind = (change.id.group, change.id.kind)
        if not (change.base and change.head) or kind not in (CRON_JOB, REPLICA_SET):
            continue
        way = ("spec", "jobTemplate") if kind == CRON_JOB else ("spec", "template")
        sides = [child(with_defaults(one, context.kubernetes), *way) for one in (change.base, change.head)]
        first = next(differences(sides[0], sides[1], way), None)
        if first is None:
            continue
        when = "its next run" if kind == CRON_JOB else "pods that it makes from now on; those that run stay as they are"
        message = f"the new template of {title(change.id)} counts for {when}"
        yield Finding("NEXT-RUN", "info", message, change.id, first.steps, source=_source(kind))


def _source(kind: tuple[str, str]) -> str:
    return "pkg/controller/cronjob" if kind == CRON_JOB else "pkg/controller/replicaset"


CHANGE_RULES: tuple[ChangeRule, ...] = (find_restarts, find_runs)
