"""How Deployments, DaemonSets and StatefulSets replace their pods: what the API server says of the settings.

Mirrors pkg/apis/apps/validation/validation.go, with the defaults of pkg/apis/apps/v1/defaults.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from previews.engine.predict.amounts import Amount, amount, objection
from previews.engine.predict.context import Context
from previews.engine.predict.fields import changed, number, text
from previews.engine.predict.findings import ChangeRule, Finding, StateRule, Steps, told
from previews.engine.predict.objects import Object, Pair, Side
from previews.engine.predict.pods import mapping

_SOURCE = "pkg/apis/apps/validation/validation.go"
#: Since then a StatefulSet's maxUnavailable counts; before, the API server drops it unread.
_STATEFUL_MAX_UNAVAILABLE = (1, 35)
_PROGRESS_DEADLINE = 600


def check_deployments(side: Side, context: Context) -> Iterator[Finding]:
    """Recreate has no settings; surge and unavailable are amounts, not both 0; a deadline leaves time to be ready."""
    for one in changed(side, ("apps", "Deployment")):
        spec = mapping(one.get("spec"))
        yield from _not_negative(one, "DEPLOY", spec, ("replicas", "minReadySeconds", "revisionHistoryLimit"))
        yield from _progress_deadline(one, spec)
        strategy = mapping(spec.get("strategy"))
        kind, rolling = text(strategy.get("type")) or "RollingUpdate", strategy.get("rollingUpdate")
        if kind == "Recreate" and rolling is not None:
            yield _settings_without_use(one, "DEPLOY-STRATEGY", "strategy", kind)
        if kind == "RollingUpdate":
            yield from _deployment_amounts(one, mapping(rolling))


def _deployment_amounts(one: Object, rolling: Mapping[str, Any]) -> Iterator[Finding]:
    steps = ("spec", "strategy", "rollingUpdate")
    source = f"{_SOURCE} ValidateRollingUpdateDeployment"
    yield from _amounts(one, "DEPLOY-AMOUNT", rolling, steps, source, at_most_all=("maxUnavailable",))
    quarter = Amount(25, is_percent=True)
    surge, unavailable = (amount(rolling.get(field), quarter) for field in ("maxSurge", "maxUnavailable"))
    if surge and unavailable and not surge.value and not unavailable.value:
        yield Finding(
            "DEPLOY-NO-PROGRESS",
            "blocked",
            f"maxSurge is {surge} and maxUnavailable is {unavailable}: with both at 0 no pod can be replaced",
            one.id,
            (*steps, "maxUnavailable"),
            f"{surge}/{unavailable}",
            source,
            "let maxSurge or maxUnavailable be at least 1",
        )


def _progress_deadline(one: Object, spec: Mapping[str, Any]) -> Iterator[Finding]:
    given = spec.get("progressDeadlineSeconds")
    deadline = _PROGRESS_DEADLINE if given is None else number(given)
    ready = number(spec.get("minReadySeconds")) or 0
    if deadline is None or deadline > ready:
        return
    default = " (the default)" if given is None else ""
    yield Finding(
        "DEPLOY-DEADLINE",
        "blocked",
        f"progressDeadlineSeconds is {deadline}{default} and minReadySeconds is {ready}; the deadline must be greater",
        one.id,
        ("spec", "minReadySeconds" if given is None else "progressDeadlineSeconds"),
        f"{deadline}/{ready}",
        f"{_SOURCE} ValidateDeploymentSpec",
        f"set progressDeadlineSeconds to more than {ready}",
    )


def check_daemon_sets(side: Side, context: Context) -> Iterator[Finding]:
    """Exactly one of maxSurge and maxUnavailable is not 0, and neither is more than all."""
    for one in changed(side, ("apps", "DaemonSet")):
        spec = mapping(one.get("spec"))
        yield from _not_negative(one, "DS", spec, ("minReadySeconds", "revisionHistoryLimit"))
        strategy = mapping(spec.get("updateStrategy"))
        if (text(strategy.get("type")) or "RollingUpdate") == "RollingUpdate":
            yield from _daemon_set_amounts(one, mapping(strategy.get("rollingUpdate")))


def _daemon_set_amounts(one: Object, rolling: Mapping[str, Any]) -> Iterator[Finding]:
    steps = ("spec", "updateStrategy", "rollingUpdate")
    source = f"{_SOURCE} ValidateRollingUpdateDaemonSet"
    yield from _amounts(one, "DS-AMOUNT", rolling, steps, source, at_most_all=("maxSurge", "maxUnavailable"))
    surge, unavailable = amount(rolling.get("maxSurge"), Amount(0)), amount(rolling.get("maxUnavailable"), Amount(1))
    if surge is None or unavailable is None or bool(surge.value) != bool(unavailable.value):
        return
    default = " (the default)" if rolling.get("maxUnavailable") is None else ""
    both = "both are more than 0, and only one may be" if surge.value else "both are 0, and one must be more"
    yield Finding(
        "DS-STRATEGY",
        "blocked",
        f"maxSurge is {surge} and maxUnavailable is {unavailable}{default}: {both}",
        one.id,
        (*steps, "maxSurge"),
        f"{surge}/{unavailable}",
        source,
        "set maxUnavailable: 0 beside maxSurge, or leave maxSurge out",
    )


def check_stateful_sets(side: Side, context: Context) -> Iterator[Finding]:
    """OnDelete has no settings; the partition is not negative; maxUnavailable, where it counts, is not 0."""
    for one in changed(side, ("apps", "StatefulSet")):
        spec = mapping(one.get("spec"))
        yield from _not_negative(one, "STS", spec, ("replicas", "minReadySeconds", "revisionHistoryLimit"))
        yield from _not_negative(one, "STS", mapping(spec.get("ordinals")), ("start",), ("spec", "ordinals"))
        strategy = mapping(spec.get("updateStrategy"))
        kind, rolling = text(strategy.get("type")) or "RollingUpdate", strategy.get("rollingUpdate")
        if kind == "OnDelete" and rolling is not None:
            yield _settings_without_use(one, "STS-STRATEGY", "updateStrategy", kind)
        if kind == "RollingUpdate":
            yield from _stateful_set_amounts(one, mapping(rolling), context)


def _stateful_set_amounts(one: Object, rolling: Mapping[str, Any], context: Context) -> Iterator[Finding]:
    steps = ("spec", "updateStrategy", "rollingUpdate")
    source = f"{_SOURCE} validateRollingUpdateStatefulSet"
    yield from _not_negative(one, "STS", rolling, ("partition",), steps)
    if context.kubernetes < _STATEFUL_MAX_UNAVAILABLE:
        return
    given = {"maxUnavailable": rolling.get("maxUnavailable")}
    yield from _amounts(one, "STS-AMOUNT", given, steps, source, at_most_all=("maxUnavailable",))
    unavailable = amount(rolling.get("maxUnavailable"))
    if unavailable and not unavailable.value:
        yield Finding(
            "STS-NO-PROGRESS",
            "blocked",
            f"maxUnavailable is {unavailable}: at 0 no pod can be replaced",
            one.id,
            (*steps, "maxUnavailable"),
            str(unavailable),
            source,
            "set maxUnavailable to at least 1, or leave it out",
        )


def _amounts(
    one: Object, code: str, rolling: Mapping[str, Any], steps: Steps, source: str, at_most_all: tuple[str, ...]
) -> Iterator[Finding]:
    for field in ("maxSurge", "maxUnavailable"):
        value = rolling.get(field)
        why = objection(value, at_most_all=field in at_most_all)
        if why:
            yield Finding(
                code,
                "blocked",
                f"{field} {why}",
                one.id,
                (*steps, field),
                told(value),
                source,
                "write a whole number, or a percentage",
            )


def _not_negative(
    one: Object, family: str, values: Mapping[str, Any], fields: tuple[str, ...], steps: Steps = ("spec",)
) -> Iterator[Finding]:
    for field in fields:
        value = number(values.get(field))
        if value is not None and value < 0:
            yield Finding(
                f"{family}-NEGATIVE",
                "blocked",
                f"{field} is {value}, and must be at least 0",
                one.id,
                (*steps, field),
                str(value),
                _SOURCE,
                f"set {field} to 0 or more",
            )


def _settings_without_use(one: Object, code: str, field: str, kind: str) -> Finding:
    return Finding(
        code,
        "blocked",
        f"the strategy is {kind}, and rollingUpdate, which it has no use for, is set as well",
        one.id,
        ("spec", field, "rollingUpdate"),
        kind,
        _SOURCE,
        f"leave rollingUpdate out, or change the type from {kind} to RollingUpdate",
    )


def check_switches(pair: Pair, context: Context) -> Iterator[Finding]:
    """Away from RollingUpdate: what the API server filled in for it stays unless it is set to null, and is rejected.

    Not for a Deployment that is applied by the client: its patch drops the rest of the strategy (retainKeys in
    k8s.io/api apps/v1 types.go). See kubernetes/kubernetes issues 24198 and 100151.
    """
    on_server = context.sync.has("ServerSideApply=true")
    for change in pair.changes:
        field, kind = _SWITCHES.get((change.id.group, change.id.kind), ("", ""))
        if not field or change.base is None or change.head is None or (kind == "Recreate" and not on_server):
            continue
        before, after = (mapping(side.get("spec", field)) for side in (change.base, change.head))
        switches = (text(before.get("type")) or "RollingUpdate") == "RollingUpdate" and after.get("type") == kind
        # What Git set itself is dropped with it; what it left to the server is not.
        if switches and before.get("rollingUpdate") is None and "rollingUpdate" not in after:
            yield Finding(
                "STRATEGY-SWITCH",
                "warning",
                f"the strategy changes from RollingUpdate to {kind}; the API server filled in rollingUpdate for the "
                f"former, keeps it, and rejects it beside {kind}",
                change.id,
                ("spec", field, "type"),
                kind,
                f"{_SOURCE}; kubernetes/kubernetes issues 24198, 100151",
                "write `rollingUpdate: null` beside the type",
                "likely",
            )


_SWITCHES = {("apps", "Deployment"): ("strategy", "Recreate"), ("apps", "StatefulSet"): ("updateStrategy", "OnDelete")}

RULES: tuple[StateRule, ...] = (check_deployments, check_daemon_sets, check_stateful_sets)
CHANGE_RULES: tuple[ChangeRule, ...] = (check_switches,)
