import pytest

from previews.engine.manifests import ResourceId
from previews.engine.predict.context import Context
from previews.engine.predict.disruptions import RULES
from tests.engine.predict.spec_rules import codes, findings


def budget(limit: str, selector: str = "{matchLabels: {app: web}}") -> str:
    return (
        "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web, namespace: shop}\n"
        f"spec: {{{limit}, selector: {selector}}}\n"
    )


def workload(replicas: str = "3", kind: str = "Deployment", name: str = "web") -> str:
    return (
        f"---\napiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: {name}, namespace: shop}}\n"
        f"spec: {{replicas: {replicas}, template: {{metadata: {{labels: {{app: web}}}}}}}}\n"
    )


@pytest.mark.parametrize(
    ("rejected", "code", "accepted"),
    [
        ("minAvailable: 1, maxUnavailable: 1", "PDB-BOTH", "minAvailable: 1, maxUnavailable: null"),
        ("minAvailable: 101%", "PDB-AMOUNT", "maxUnavailable: 100%"),
        ("maxUnavailable: -1", "PDB-AMOUNT", "maxUnavailable: 1"),
        ("maxUnavailable: '1'", "PDB-AMOUNT", "maxUnavailable: '1%'"),
        ("minAvailable: 1.5%", "PDB-AMOUNT", "minAvailable: 50%"),
    ],
)
def test_a_budget_has_one_limit(rejected, code, accepted):
    found = [one for one in findings(RULES, budget(rejected) + workload()) if one.severity == "blocked"]
    assert codes(found) == [code]
    assert findings(RULES, budget(accepted) + workload()) == []


@pytest.mark.parametrize(
    ("limit", "replicas", "is_blocked"),
    [
        ("minAvailable: 1", "1", True),
        ("minAvailable: 1", "2", False),
        ("minAvailable: 1", "null", True),
        ("minAvailable: 3", "3", True),
        ("minAvailable: 2", "3", False),
        # 67 % of 3 is 2.01, which rounds up to all.
        ("minAvailable: 67%", "3", True),
        ("minAvailable: 66%", "3", False),
        ("minAvailable: 100%", "9", True),
        ("maxUnavailable: 0", "9", True),
        ("maxUnavailable: 0%", "9", True),
        # 1 % of 3 rounds up to one that may go.
        ("maxUnavailable: 1%", "3", False),
        ("maxUnavailable: 1", "1", False),
        ("minAvailable: 1", "0", False),
    ],
)
def test_a_budget_that_lets_no_pod_go_blocks_drains(limit, replicas, is_blocked):
    found = findings(RULES, budget(limit) + workload(replicas))
    assert codes(found) == (["PDB-BLOCKS-DRAIN"] if is_blocked else [])
    assert all(one.severity == "warning" for one in found)


def test_the_drain_is_told_with_its_arithmetic():
    (found,) = findings(RULES, budget("minAvailable: 67%") + workload())
    assert found.message == (
        "minAvailable 67% keeps 3 of the 3 pods of Deployment web, so none may be evicted and no node that runs one can "
        "be drained"
    )
    assert found.steps == ("spec", "minAvailable")


def test_workloads_under_one_budget_count_together():
    assert findings(RULES, budget("minAvailable: 1") + workload("1") + workload("1", "StatefulSet", "db")) == []
    both = workload("1") + workload("1", "StatefulSet", "db")
    assert codes(findings(RULES, budget("minAvailable: 2") + both)) == ["PDB-BLOCKS-DRAIN"]


def test_an_autoscaler_keeps_its_least_number_of_pods():
    scaler = (
        "---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web, namespace: shop}\n"
        "spec: {minReplicas: %s, maxReplicas: 9, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}\n"
    )
    assert findings(RULES, budget("minAvailable: 1") + workload("1") + scaler % 2) == []
    (found,) = findings(RULES, budget("minAvailable: 2") + workload("5") + scaler % 2)
    assert "keeps 2 of the 2 pods of Deployment web, at the autoscaler's minimum, so none" in found.message


def test_pods_of_daemon_sets_are_not_counted():
    assert findings(RULES, budget("minAvailable: 1") + workload("1", "DaemonSet")) == []


def test_a_budget_that_selects_nothing_is_told():
    (found,) = findings(RULES, budget("minAvailable: 1", "{matchLabels: {app: wbe}}") + workload())
    assert (found.code, found.severity, found.confidence) == ("PDB-MATCHES-NOTHING", "warning", "likely")
    assert "none of the 1 workloads" in found.message
    in_another_namespace = workload().replace("namespace: shop", "namespace: other")
    assert codes(findings(RULES, budget("minAvailable: 1") + in_another_namespace)) == ["PDB-MATCHES-NOTHING"]
    assert codes(findings(RULES, budget("maxUnavailable: 1", "{}") + workload())) == []


def test_it_is_less_sure_where_others_make_pods():
    operated = "---\napiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: db, namespace: shop}\n"
    (found,) = findings(RULES, budget("minAvailable: 1") + operated)
    assert found.confidence == "possible"
    elsewhere = Context(elsewhere={ResourceId("apps", "Deployment", "shop", "x"): "other"})
    (found,) = findings(RULES, budget("minAvailable: 1"), elsewhere)
    assert found.confidence == "possible"
