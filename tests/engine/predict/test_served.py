"""API versions that a cluster does not serve."""

import pytest

from previews.engine.predict import served
from tests.engine.predict.asking import found, text_of


@pytest.mark.parametrize(
    ("kind", "minor", "expected"),
    [
        ("policy/v1beta1 PodDisruptionBudget", 25, "blocked"),
        ("policy/v1beta1 PodDisruptionBudget", 24, "warning"),
        ("policy/v1beta1 PodDisruptionBudget", 23, "info"),
        ("policy/v1 PodDisruptionBudget", 36, ""),
        ("extensions/v1beta1 Ingress", 31, "blocked"),
        ("networking.k8s.io/v1 Ingress", 31, ""),
        ("batch/v1beta1 CronJob", 29, "blocked"),
        ("autoscaling/v2beta2 HorizontalPodAutoscaler", 26, "blocked"),
        ("autoscaling/v2beta2 HorizontalPodAutoscaler", 25, "warning"),
        ("flowcontrol.apiserver.k8s.io/v1beta3 FlowSchema", 31, "warning"),
        ("admissionregistration.k8s.io/v1beta1 ValidatingAdmissionPolicy", 34, "blocked"),
        ("example.com/v1beta1 Ingress", 31, ""),
    ],
)
def test_what_is_served(kind, minor, expected):
    said = [one[0] for one in found(served.RULES, text_of(kind), kubernetes=(1, minor), knows_apis=True)]
    assert said == ([expected] if expected else [])


def test_the_message_says_since_when_and_what_instead():
    ((_, code, place, message),) = found(served.RULES, text_of("batch/v1beta1 CronJob"), kubernetes=(1, 29))
    assert (code, place) == ("API-GONE", "apiVersion")
    assert message == "batch/v1beta1 CronJob is not served since Kubernetes 1.25, and the cluster has 1.29"


def test_a_chart_that_chose_without_knowing_the_cluster_is_not_called_rejected():
    ((severity, code, _, _),) = found(served.RULES, text_of("batch/v1beta1 CronJob"), kubernetes=(1, 29))
    assert (severity, code) == ("warning", "API-GONE")


def test_what_only_a_later_minor_has():
    text = text_of("networking.k8s.io/v1 ServiceCIDR")
    ((severity, code, _, message),) = found(served.RULES, text, kubernetes=(1, 31), knows_apis=True)
    assert (severity, code) == ("blocked", "API-UNSERVED")
    assert message == ("networking.k8s.io/v1 ServiceCIDR is served since Kubernetes 1.33, and the cluster has 1.31")
    assert found(served.RULES, text, kubernetes=(1, 33)) == []
    assert [one[0] for one in found(served.RULES, text, kubernetes=(1, 31))] == ["warning"]


def test_what_was_there_before_is_nothing_new():
    text = text_of("batch/v1beta1 CronJob", "spec: {schedule: a}")
    assert found(served.RULES, text.replace("a}", "b}"), text, kubernetes=(1, 29)) == []
