import pytest

from previews.engine.predict.context import Context
from previews.engine.predict.service_specs import CHANGE_RULES, RULES
from tests.engine.predict.spec_rules import codes, findings, on_the_way


def service(spec: str) -> str:
    return f"apiVersion: v1\nkind: Service\nmetadata: {{name: web}}\nspec: {spec}\n"


def asked(spec: str) -> list[str]:
    return codes(findings(RULES, service(spec)))


@pytest.mark.parametrize(
    ("rejected", "code", "accepted"),
    [
        ("{selector: {a: b}}", "SVC-NO-PORTS", "{clusterIP: None}"),
        ("{ports: []}", "SVC-NO-PORTS", "{type: ExternalName, externalName: example.com}"),
        ("{type: NodePort, clusterIP: None, ports: [{port: 1}]}", "SVC-HEADLESS", "{clusterIP: None, ports: [{port: 1}]}"),
        ("{type: LoadBalancer, clusterIPs: [None], ports: [{port: 1}]}", "SVC-HEADLESS", "{type: LoadBalancer, ports: [{port: 1}]}"),
        ("{type: ExternalName}", "SVC-EXTERNAL-NAME", "{type: ExternalName, externalName: example.com.}"),
        ("{type: ExternalName, externalName: Example.com}", "SVC-EXTERNAL-NAME", "{type: ExternalName, externalName: 10.0.0.1}"),
        ("{ports: [{port: 1}], loadBalancerSourceRanges: [10.0.0.0/8]}", "SVC-SOURCE-RANGES", "{type: LoadBalancer, ports: [{port: 1}], loadBalancerSourceRanges: [10.0.0.0/8]}"),
        ("{ports: [{port: 1}], sessionAffinityConfig: {}}", "SVC-AFFINITY", "{ports: [{port: 1}], sessionAffinity: ClientIP, sessionAffinityConfig: {}}"),
        ("{ports: [{port: 1}], sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 86401}}}", "SVC-AFFINITY", "{ports: [{port: 1}], sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 86400}}}"),
        ("{type: LoadBalancer, ports: [{port: 10250}]}", "SVC-KUBELET-PORT", "{type: NodePort, ports: [{port: 10250}]}"),
        ("{ports: [{port: 65536}]}", "SVC-PORT", "{ports: [{port: 65535}]}"),
        ("{ports: [{port: 0}]}", "SVC-PORT", "{ports: [{port: 1}]}"),
        ("{ports: [{port: 1, targetPort: 65536}]}", "SVC-TARGET-PORT", "{ports: [{port: 1, targetPort: 65535}]}"),
        ("{ports: [{port: 1, targetPort: '8080'}]}", "SVC-TARGET-PORT", "{ports: [{port: 1, targetPort: 0}]}"),
        ("{ports: [{port: 1, targetPort: abcdefghijklmnop}]}", "SVC-TARGET-PORT", "{ports: [{port: 1, targetPort: abcdefghijklmno}]}"),
        ("{ports: [{port: 1, targetPort: a--b}]}", "SVC-TARGET-PORT", "{ports: [{port: 1, targetPort: 1-a-2}]}"),
        ("{ports: [{port: 1, name: a}, {port: 2}]}", "SVC-PORT-NAME", "{ports: [{port: 1, name: a}, {port: 2, name: b}]}"),
        ("{ports: [{port: 1, name: a}, {port: 2, name: a}]}", "SVC-PORT-NAME", "{ports: [{port: 1}]}"),
        (f"{{ports: [{{port: 1, name: {'a' * 64}}}]}}", "SVC-PORT-NAME", f"{{ports: [{{port: 1, name: {'a' * 63}}}]}}"),
        ("{ports: [{port: 1, name: a}, {port: 1, name: b, protocol: TCP}]}", "SVC-PORT-TWICE", "{ports: [{port: 1, name: a}, {port: 1, name: b, protocol: UDP}]}"),
        ("{type: NodePort, ports: [{port: 1, name: a, nodePort: 30000}, {port: 2, name: b, nodePort: 30000}]}", "SVC-NODE-PORT-TWICE", "{type: NodePort, ports: [{port: 1, name: a, nodePort: 30000}, {port: 2, name: b, nodePort: 30000, protocol: UDP}]}"),
    ],
)  # fmt: skip
def test_services_have_limits(rejected, code, accepted):
    found = findings(RULES, service(rejected))
    assert [(one.code, one.severity) for one in found] == [(code, "blocked")]
    assert asked(accepted) == []


@pytest.mark.parametrize(("port", "found"), [(29999, ["SVC-NODE-PORT-RANGE"]), (30000, []), (32767, []), (32768, ["SVC-NODE-PORT-RANGE"])])  # fmt: skip
def test_node_ports_lie_in_the_range_of_the_cluster(port, found):
    assert asked(f"{{type: NodePort, ports: [{{port: 1, nodePort: {port}}}]}}") == found


def test_the_range_may_be_another_one():
    spec = service("{type: NodePort, ports: [{port: 1, nodePort: 30000}]}")
    (found,) = findings(RULES, spec, Context(node_ports=(20000, 22767)))
    assert found.severity == "warning"
    assert found.message == "the nodePort 30000 lies outside of the cluster's node ports, 20000 to 22767"


@pytest.mark.parametrize(
    ("rejected", "accepted"),
    [
        ("{ports: [{port: 1, nodePort: 30000}]}", "{type: NodePort, ports: [{port: 1, nodePort: 30000}]}"),
        ("{externalTrafficPolicy: Cluster}", "{externalIPs: [1.2.3.4], externalTrafficPolicy: Cluster}"),
        ("{allocateLoadBalancerNodePorts: false}", "{type: LoadBalancer, allocateLoadBalancerNodePorts: false}"),
        ("{type: NodePort, loadBalancerClass: a}", "{type: LoadBalancer, loadBalancerClass: a}"),
        ("{type: LoadBalancer, healthCheckNodePort: 30000}", "{type: LoadBalancer, externalTrafficPolicy: Local, healthCheckNodePort: 30000}"),
        ("{type: ExternalName, clusterIP: 10.0.0.1}", "{type: ExternalName, clusterIP: ''}"),
        ("{type: ExternalName, ipFamilyPolicy: SingleStack}", "{type: ClusterIP, ipFamilyPolicy: SingleStack}"),
    ],
)  # fmt: skip
def test_fields_of_other_types_are_rejected(rejected, accepted):
    assert codes(on_the_way(CHANGE_RULES, "", service(rejected))) == ["SVC-TYPE"]
    assert on_the_way(CHANGE_RULES, "", service(accepted)) == []


@pytest.mark.parametrize(
    ("base", "head"),
    [
        ("{type: NodePort, ports: [{port: 1, nodePort: 30000}]}", "{ports: [{port: 1, nodePort: 30000}]}"),
        ("{type: LoadBalancer, externalTrafficPolicy: Local}", "{externalTrafficPolicy: Local}"),
        # What the API server filled in counts as well.
        ("{type: LoadBalancer}", "{externalTrafficPolicy: Cluster, allocateLoadBalancerNodePorts: true}"),
        ("{type: LoadBalancer, loadBalancerClass: a}", "{type: NodePort, loadBalancerClass: a}"),
        ("{clusterIP: 10.0.0.1}", "{type: ExternalName, clusterIP: 10.0.0.1}"),
    ],
)
def test_what_is_left_over_from_another_type_is_dropped(base, head):
    assert on_the_way(CHANGE_RULES, service(base), service(head)) == []


@pytest.mark.parametrize(
    ("base", "head"),
    [
        ("{type: NodePort, ports: [{port: 1, nodePort: 30000}]}", "{ports: [{port: 1, nodePort: 30001}]}"),
        ("{type: LoadBalancer, externalTrafficPolicy: Local}", "{externalTrafficPolicy: Cluster}"),
        ("{type: ClusterIP}", "{externalTrafficPolicy: Cluster}"),
    ],
)
def test_what_changes_with_the_type_is_not_dropped(base, head):
    assert codes(on_the_way(CHANGE_RULES, service(base), service(head))) == ["SVC-TYPE"]
