"""Pod templates and the selectors that find them: SEL-TMPL and POD-RESTART."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from previews.engine.predict.context import Context
from previews.engine.predict.findings import Finding, StateRule, told
from previews.engine.predict.objects import Object, Side
from previews.engine.predict.pods import mapping, pods
from previews.engine.render.unstable import MARK

_SELECTING = ("Deployment", "ReplicaSet", "DaemonSet", "StatefulSet")
_APPS, _BATCH = "pkg/apis/apps/validation", "pkg/apis/batch/validation"


def selectors(side: Side, _: Context) -> Iterator[Finding]:
    """SEL-TMPL: a workload's selector is there, says something, and finds its own pods."""
    for pod in pods(side.changed):
        one = pod.object
        if one.id.group == "apps" and one.id.kind in _SELECTING:
            yield from _selector(one, pod.labels)
        elif (one.id.group, one.id.kind) == ("batch", "Job") and _has_own_selector(one):
            text = "a Job chooses its own selector; it may be set only with manualSelector: true"
            yield Finding("SEL-TMPL", "blocked", text, one.id, ("spec", "selector"), "", _BATCH, "leave it out")


def _has_own_selector(job: Object) -> bool:
    return job.get("spec", "selector") is not None and job.get("spec", "manualSelector") is not True


def _selector(one: Object, labels: Mapping[str, Any]) -> Iterator[Finding]:
    selector = one.get("spec", "selector")
    steps = ("spec", "selector")
    if not isinstance(selector, dict):
        if selector is None:
            yield Finding("SEL-TMPL", "blocked", "spec.selector is missing", one.id, ("spec",), "", _APPS)
        return
    wanted, rules = mapping(selector.get("matchLabels")), selector.get("matchExpressions")
    if not wanted and not rules:
        yield Finding("SEL-TMPL", "blocked", "spec.selector selects nothing: it is empty", one.id, steps, "", _APPS)
        return
    stable = {key: value for key, value in wanted.items() if MARK not in f"{key}{value}{labels.get(key)}"}
    missing = [key for key, value in stable.items() if str(labels.get(key)) != str(value)]
    if missing:
        key = missing[0]
        has = f"it is {told(labels[key])}" if key in labels else "there is none"
        text = f"the selector wants the label {told(key)}={told(wanted[key])}, and in the pod template {has}"
        yield Finding("SEL-TMPL", "blocked", text, one.id, (*steps, "matchLabels", key), told(wanted[key]), _APPS)
    elif isinstance(rules, list) and not all(_matches(rule, labels) for rule in rules if isinstance(rule, dict)):
        text = "the selector's matchExpressions do not match the labels of the pod template"
        yield Finding("SEL-TMPL", "blocked", text, one.id, (*steps, "matchExpressions"), "", _APPS)


def _matches(rule: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    key, values = str(rule.get("key")), rule.get("values")
    known = [str(one) for one in values] if isinstance(values, list) else []
    match rule.get("operator"):
        case "In":
            return key in labels and str(labels[key]) in known
        case "NotIn":
            return key not in labels or str(labels[key]) not in known
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    return True  # no operator that there is: the schema's finding


def restart_policies(side: Side, _: Context) -> Iterator[Finding]:
    """POD-RESTART: what runs for ever restarts always, and a Job's pods never or on failure."""
    for pod in pods(side.changed):
        one, policy = pod.object, pod.spec.get("restartPolicy")
        steps = (*pod.steps, "spec", "restartPolicy")
        if one.id.group == "apps" and policy not in (None, "Always"):
            text = f"the pods of a {one.id.kind} restart always; restartPolicy is {told(policy)}"
            yield Finding("POD-RESTART", "blocked", text, one.id, steps, told(policy), _APPS)
        elif one.id.group == "batch" and policy not in ("OnFailure", "Never"):
            text = f"restartPolicy of a Job's pods must be OnFailure or Never, and is {told(policy or 'Always')}"
            yield Finding("POD-RESTART", "blocked", text, one.id, steps, told(policy or ""), _BATCH)
        if one.id.group == "apps" and pod.spec.get("activeDeadlineSeconds") is not None:
            text = f"the pods of a {one.id.kind} may have no activeDeadlineSeconds"
            yield Finding("POD-RESTART", "blocked", text, one.id, (*steps[:-1], "activeDeadlineSeconds"), "", _APPS)


RULES: tuple[StateRule, ...] = (selectors, restart_policies)
