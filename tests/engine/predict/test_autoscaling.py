import pytest

from previews.engine.manifests import ResourceId
from previews.engine.predict.autoscaling import RULES
from previews.engine.predict.context import Context
from tests.engine.predict.spec_rules import codes, findings

DEPLOYMENT = "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {}\n"
CPU = "{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}"


def autoscaler(fields: str, version: str = "v2") -> str:
    target = "scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}"
    return (
        f"apiVersion: autoscaling/{version}\nkind: HorizontalPodAutoscaler\nmetadata: {{name: web}}\n"
        f"spec: {{{target}, {fields}}}\n{DEPLOYMENT}"
    )


@pytest.mark.parametrize(
    ("rejected", "code", "accepted"),
    [
        ("maxReplicas: 0", "HPA-MAX", "maxReplicas: 1"),
        ("minReplicas: 4, maxReplicas: 3", "HPA-RANGE", "minReplicas: 3, maxReplicas: 3"),
        ("minReplicas: -1, maxReplicas: 3", "HPA-MIN", "minReplicas: 1, maxReplicas: 3"),
        (f"minReplicas: 0, maxReplicas: 3, metrics: [{CPU}]", "HPA-MIN", f"minReplicas: 1, maxReplicas: 3, metrics: [{CPU}]"),
        ("maxReplicas: 3, metrics: [{type: Resource}]", "HPA-METRIC", "maxReplicas: 3, metrics: [{type: Pods, pods: {}}]"),
        ("maxReplicas: 3, metrics: [{type: Pods, pods: {}, resource: {}}]", "HPA-METRIC", "maxReplicas: 3, metrics: []"),
        (f"maxReplicas: 3, metrics: [{CPU.replace('80', '0')}]", "HPA-TARGET-VALUE", f"maxReplicas: 3, metrics: [{CPU.replace('80', '1')}]"),
        ("maxReplicas: 3, behavior: {scaleDown: {stabilizationWindowSeconds: 3601}}", "HPA-BEHAVIOR", "maxReplicas: 3, behavior: {scaleDown: {stabilizationWindowSeconds: 3600}}"),
        ("maxReplicas: 3, behavior: {scaleUp: {policies: [{value: 1, periodSeconds: 1801}]}}", "HPA-BEHAVIOR", "maxReplicas: 3, behavior: {scaleUp: {policies: [{value: 1, periodSeconds: 1800}]}}"),
        ("maxReplicas: 3, behavior: {scaleUp: {policies: [{value: 0, periodSeconds: 1}]}}", "HPA-BEHAVIOR", "maxReplicas: 3, behavior: {scaleUp: {policies: [{value: 1, periodSeconds: 1}]}}"),
    ],
)  # fmt: skip
def test_autoscalers_have_limits(rejected, code, accepted):
    found = findings(RULES, autoscaler(rejected))
    assert [(one.code, one.severity) for one in found] == [(code, "blocked")]
    assert findings(RULES, autoscaler(accepted)) == []


def test_bounds_are_told_with_their_arithmetic():
    (found,) = findings(RULES, autoscaler("minReplicas: 4, maxReplicas: 3", "v1"))
    assert found.message == "maxReplicas is 3, less than minReplicas 4"
    assert found.steps == ("spec", "maxReplicas")


def test_scaling_to_zero_is_up_to_a_feature_gate():
    (found,) = findings(RULES, autoscaler("minReplicas: 0, maxReplicas: 3, metrics: [{type: External, external: {}}]"))
    assert (found.code, found.severity, found.confidence) == ("HPA-MIN", "warning", "likely")


def test_the_target_is_rendered_by_somebody():
    alone = autoscaler("maxReplicas: 3").partition("---")[0]
    (found,) = findings(RULES, alone)
    assert (found.code, found.severity) == ("HPA-TARGET", "warning")
    assert found.message == "the Deployment web it scales is none of the application's 1 objects"
    elsewhere = Context(elsewhere={ResourceId("apps", "Deployment", "", "web"): "other"})
    assert findings(RULES, alone, elsewhere) == []
    assert codes(findings(RULES, autoscaler("maxReplicas: 3").replace("apps/v1, kind", "v1, kind"))) == ["HPA-TARGET"]
