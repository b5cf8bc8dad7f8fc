"""HorizontalPodAutoscalers: what the API server says of their bounds and metrics, and whether their target exists.

Mirrors pkg/apis/autoscaling/validation/validation.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from previews.engine.manifests import ResourceId
from previews.engine.predict.context import Context
from previews.engine.predict.fields import changed, is_unstable, number, sequence, text
from previews.engine.predict.findings import Finding, StateRule, Steps, told
from previews.engine.predict.objects import Object, Side
from previews.engine.predict.pods import mapping

_SOURCE = "pkg/apis/autoscaling/validation/validation.go"
_HPA = ("autoscaling", "HorizontalPodAutoscaler")
#: The versions whose metrics look alike.
_WITH_METRICS = ("v2", "v2beta2")
_METRIC_FIELDS = {
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
    "External": "external",
    "ContainerResource": "containerResource",
}
_LONGEST_WINDOW = 3600
_LONGEST_PERIOD = 1800


def check_bounds(side: Side, context: Context) -> Iterator[Finding]:
    """1 ≤ minReplicas ≤ maxReplicas; none at all only with a feature gate and a metric that exists without pods."""
    for one in changed(side, _HPA):
        spec = mapping(one.get("spec"))
        given = spec.get("minReplicas")
        least, most = 1 if given is None else number(given), number(spec.get("maxReplicas"))
        if least is not None and least < 1:
            yield _too_few(one, spec, least)
        if most is not None and most < 1:
            yield _bound(one, "HPA-MAX", "maxReplicas", most, f"maxReplicas is {most}, and must be at least 1")
        elif most is not None and least is not None and most < least:
            yield _bound(
                one,
                "HPA-RANGE",
                "maxReplicas",
                f"{least}/{most}",
                f"maxReplicas is {most}, less than minReplicas {least}",
            )


def _too_few(one: Object, spec: Mapping[str, Any], least: int) -> Finding:
    types = {mapping(metric).get("type") for metric in sequence(spec.get("metrics"))}
    if least < 0:
        return _bound(one, "HPA-MIN", "minReplicas", least, f"minReplicas is {least}, and must be at least 1")
    if not types & {"Object", "External"}:
        return _bound(
            one,
            "HPA-MIN",
            "minReplicas",
            least,
            "minReplicas is 0, which needs an Object or External metric; there is none",
        )
    return Finding(
        "HPA-MIN",
        "warning",
        "minReplicas is 0, which the API server rejects unless the feature gate HPAScaleToZero is on",
        one.id,
        ("spec", "minReplicas"),
        "0",
        f"{_SOURCE} ValidateHorizontalPodAutoscaler",
        "set minReplicas to 1, or scale to zero with KEDA",
        "likely",
    )


def _bound(one: Object, code: str, field: str, value: object, message: str) -> Finding:
    source = f"{_SOURCE} validateHorizontalPodAutoscalerSpec"
    return Finding(code, "blocked", message, one.id, ("spec", field), str(value), source, "let 1 ≤ min ≤ max hold")


def check_metrics(side: Side, context: Context) -> Iterator[Finding]:
    """Each metric has the one source that its type names, and a target that is met by more than nothing."""
    for one in changed(side, _HPA):
        if one.version not in _WITH_METRICS:
            continue
        for index, metric in enumerate(sequence(one.get("spec", "metrics"))):
            yield from _metric(one, mapping(metric), ("spec", "metrics", index))


def _metric(one: Object, metric: Mapping[str, Any], steps: Steps) -> Iterator[Finding]:
    wanted = _METRIC_FIELDS.get(text(metric.get("type")))
    if wanted is None:
        return
    present = [field for field in _METRIC_FIELDS.values() if metric.get(field) is not None]
    if present != [wanted]:
        yield Finding(
            "HPA-METRIC",
            "blocked",
            f"a metric of the type {metric['type']} has exactly the field {wanted}; this has {_list(present)}",
            one.id,
            steps,
            _list(present),
            f"{_SOURCE} validateMetricSpec",
            f"write the metric under {wanted}",
        )
    target = mapping(mapping(metric.get(wanted)).get("target"))
    utilization = number(target.get("averageUtilization"))
    if utilization is not None and utilization < 1:
        yield Finding(
            "HPA-TARGET-VALUE",
            "blocked",
            f"averageUtilization is {utilization}, and must be at least 1",
            one.id,
            (*steps, wanted, "target", "averageUtilization"),
            str(utilization),
            f"{_SOURCE} validateMetricTarget",
            "set a percentage of at least 1",
        )


def check_behavior(side: Side, context: Context) -> Iterator[Finding]:
    """A stabilization window lasts up to an hour, and a policy's period up to half an hour."""
    for one in changed(side, _HPA):
        for way in ("scaleUp", "scaleDown"):
            rules = mapping(one.get("spec", "behavior", way))
            steps = ("spec", "behavior", way)
            yield from _seconds(one, rules, steps, "stabilizationWindowSeconds", 0, _LONGEST_WINDOW)
            for index, policy in enumerate(sequence(rules.get("policies"))):
                place = (*steps, "policies", index)
                yield from _seconds(one, mapping(policy), place, "periodSeconds", 1, _LONGEST_PERIOD)
                yield from _seconds(one, mapping(policy), place, "value", 1, None)


def _seconds(
    one: Object, values: Mapping[str, Any], steps: Steps, field: str, least: int, most: int | None
) -> Iterator[Finding]:
    value = number(values.get(field))
    if value is None or (value >= least and (most is None or value <= most)):
        return
    limit = f"at least {least}" if value < least else f"at most {most}"
    yield Finding(
        "HPA-BEHAVIOR",
        "blocked",
        f"{field} is {value}, and must be {limit}",
        one.id,
        (*steps, field),
        str(value),
        f"{_SOURCE} validateScalingRules",
        f"set {field} to {limit}",
    )


def check_targets(side: Side, context: Context) -> Iterator[Finding]:
    """What an autoscaler scales is rendered by this application, or by another of the cluster."""
    for one in side.objects.of(_HPA):
        reference = mapping(one.get("spec", "scaleTargetRef"))
        kind, name = text(reference.get("kind")), text(reference.get("name"))
        if not kind or not name or is_unstable(kind, name):
            continue
        group = text(reference.get("apiVersion")).rpartition("/")[0]
        target = ResourceId(group, kind, one.id.namespace, name)
        if target not in side.objects and target not in context.elsewhere:
            yield Finding(
                "HPA-TARGET",
                "warning",
                f"the {told(kind)} {told(name)} it scales is none of the application's {len(side.objects)} objects",
                one.id,
                ("spec", "scaleTargetRef", "name"),
                told(f"{group}/{kind}/{name}"),
                "pkg/controller/podautoscaler/horizontal.go",
                "correct scaleTargetRef, apiVersion included, or delete the autoscaler",
                "likely",
            )


def _list(words: list[str]) -> str:
    return ", ".join(words) or "none"


RULES: tuple[StateRule, ...] = (check_bounds, check_metrics, check_behavior, check_targets)
