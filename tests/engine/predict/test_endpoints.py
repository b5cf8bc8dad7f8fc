"""What the users of Services and URLs feel."""

import pytest

from previews.engine.manifests import ResourceId
from previews.engine.predict import disruptions, routes
from previews.engine.predict.context import Context, Sync
from previews.engine.predict.impact import impacts
from tests.engine.predict.rollout_cells import (
    autoscaler,
    budget,
    findings,
    impact_of,
    pair_of,
    rolling,
    service,
    thing,
    workload,
)

SHOP = Context(namespace="shop")


def ports(number, name="http"):
    return {"ports": [{"containerPort": number, "name": name}]}


def test_a_named_port_that_the_pods_no_longer_have():
    base = workload(replicas=2) + service(target="http")
    (found,) = findings(base, workload(replicas=2, **ports(8080, "web")) + service(target="http"))["OUTAGE-ENDPOINTS"]

    assert "2 pods behind it now and none after the sync" in found.message


def test_a_named_port_moves_its_number_without_harm():
    base = workload(replicas=2) + service(target="http")

    assert "OUTAGE-ENDPOINTS" not in findings(base, workload(replicas=2, **ports(9090)) + service(target="http"))


def test_a_number_that_changes_on_both_sides_fails_until_new_pods_are_there():
    base = workload(replicas=2) + service(target=8080)
    (found,) = findings(base, workload(replicas=2, **ports(9090)) + service(target=9090))["OUTAGE-ENDPOINTS"]

    assert found.confidence == "likely"
    assert "requests to the 2 old pods fail for at least 20 s" in found.message


def test_a_number_that_only_the_pods_change():
    base = workload(replicas=2) + service(target=8080)
    (found,) = findings(base, workload(replicas=2, **ports(9090)) + service(target=8080))["OUTAGE-ENDPOINTS"]

    assert "leads to a port that its pods do not have after the sync" in found.message


def test_pods_that_name_no_ports_say_nothing():
    base = workload(replicas=2, ports=[]) + service(target=8080)

    assert "OUTAGE-ENDPOINTS" not in findings(
        base, workload(replicas=2, ports=[], image="app:2") + service(target=9090)
    )


def test_a_service_in_a_later_wave_follows_its_pods():
    waved = {"argocd.argoproj.io/sync-wave": "5"}
    base = workload(labels={"role": "a"}, replicas=3) + service(selector={"role": "a"}, annotations=waved)
    head = workload(labels={"role": "b"}, replicas=3) + service(selector={"role": "b"}, annotations=waved)

    # The old Service does not select the new pods either: nobody serves until it comes.
    assert "none in the middle" in findings(base, head)["OUTAGE-ENDPOINTS"][0].message


def test_a_selector_that_both_old_and_new_pods_have_harms_nobody():
    base = workload(labels={"role": "a", "tier": "x"}, replicas=3) + service(selector={"role": "a"})
    head = workload(labels={"role": "b", "tier": "x"}, replicas=3) + service(selector={"tier": "x"})

    assert "OUTAGE-ENDPOINTS" not in findings(base, head)
    assert impact_of(base, head, kind="Service").category == "none"


def test_a_service_follows_the_rollout_of_its_pods():
    base, head = (workload(replicas=4, image=image, spec=rolling(0, 3)) + service() for image in ("app:1", "app:2"))
    one = impact_of(base, head, kind="Service")

    assert (one.minimum, one.category) == (1, "degraded")
    assert (
        one.sentence == "4 pods behind it before the sync, 4 in the middle, 4 after, at least 1 while pods are replaced"
    )


def test_a_service_that_goes_takes_its_name_along():
    (found,) = findings(workload(replicas=3) + service(), workload(replicas=3))["OUTAGE-SERVICE"]

    assert "goes, and with it the name and address of 3 pods" in found.message
    kept = Context(namespace="shop", sync=Sync(prunes=False))
    assert "OUTAGE-SERVICE" not in findings(workload(replicas=3) + service(), workload(replicas=3), kept)


def test_a_service_without_known_pods_says_nothing():
    assert findings(service(), service(selector={"app": "x"})) == {}


@pytest.mark.parametrize(
    ("base", "head", "code"),
    [
        ({"type": "LoadBalancer"}, {"type": "ClusterIP"}, "OUTAGE-ADDRESS"),
        ({"type": "NodePort"}, {}, "OUTAGE-ADDRESS"),
        ({"type": "LoadBalancer", "loadBalancerIP": "1.1.1.1"}, {"type": "LoadBalancer"}, "OUTAGE-ADDRESS"),
        (
            {"type": "LoadBalancer"},
            {"type": "LoadBalancer", "annotations": {"a.b/aws-load-balancer-x": "1"}},
            "ADDRESS-CHANGE",
        ),
        ({"type": "NodePort"}, {"type": "NodePort", "externalTrafficPolicy": "Local"}, "TRAFFIC-POLICY"),
        ({}, {"port": 81}, "SERVICE-PORT"),
        ({}, {"type": "LoadBalancer"}, None),
        ({}, {"sessionAffinity": "None"}, None),
    ],
)
def test_another_address(base, head, code):
    assert list(findings(service(**base), service(**head))) == ([code] if code else [])


def ingress(host="a.b", path="/", name="web", port=80, backend="web", **spec):
    service = {"name": backend, "port": {"number": port} if isinstance(port, int) else {"name": port}}
    rules = [{"host": host, "http": {"paths": [{"path": path, "pathType": "Prefix", "backend": {"service": service}}]}}]
    return thing("Ingress", name, "networking.k8s.io/v1", {"rules": rules, **spec})


def route(host="a.b", path="/", backend="web"):
    rules = [{"matches": [{"path": {"value": path}}], "backendRefs": [{"name": backend, "port": 80}]}]
    return thing("HTTPRoute", "web", "gateway.networking.k8s.io/v1", {"hostnames": [host], "rules": rules})


@pytest.mark.parametrize(
    ("base", "head", "expected"),
    [
        (ingress(), ingress(path="/x"), "a.b/"),
        (ingress(host="c.d"), ingress(), "c.d/"),
        (ingress(), "", "a.b/"),
        (route(), route(path="/new"), "a.b/"),
        (ingress(), ingress(name="other"), None),
        (ingress(), route(), None),
        (ingress(), ingress(ingressClassName="x"), None),
    ],
)
def test_a_url_that_nothing_answers_for(base, head, expected):
    found = findings(base, head).get("OUTAGE-ROUTE")

    assert [one.message.endswith(f"no longer answers for {expected}") for one in found or []] == (
        [True] if expected else []
    )


def test_another_class_and_a_missing_certificate():
    base = ingress(ingressClassName="one", tls=[{"hosts": ["a.b"], "secretName": "x"}])
    found = findings(base, ingress(ingressClassName="two"))

    assert "from the class one to two" in found["INGRESS-CLASS"][0].message
    assert "no longer has a certificate for a.b" in found["CERTIFICATE"][0].message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ingress() + service(), None),
        (ingress(), "outage"),
        (ingress(port=81) + service(), "outage"),
        (ingress(port="http") + service(), "outage"),
        (route(backend="gone"), "outage"),
        (ingress() + thing("Gate", "g", "example.com/v1", {}), "warning"),
        (ingress() + thing("Service", spec={"type": "ExternalName", "externalName": "x.y"}), None),
    ],
)
def test_a_route_to_what_is_not_there(text, expected):
    found = list(routes.find_backends(pair_of("", text).head, SHOP))

    assert [one.severity for one in found] == ([expected] if expected else [])


def test_a_service_of_another_application_is_there():
    known = Context(namespace="shop", elsewhere={ResourceId("", "Service", "shop", "web"): "other"})

    assert not list(routes.find_backends(pair_of("", ingress()).head, known))


def policy(ingress=None, types=None):
    spec = {"podSelector": {"matchLabels": {"app": "web"}}, **({"ingress": ingress} if ingress is not None else {})}
    return thing("NetworkPolicy", "web", "networking.k8s.io/v1", {**spec, **({"policyTypes": types} if types else {})})


ONE, ALL = {"from": [{"podSelector": {}}]}, {}


@pytest.mark.parametrize(
    ("base", "head", "expected"),
    [
        ("", policy(), True),
        ("", policy([ONE]), True),
        ("", policy([ALL]), False),
        (policy([ALL]), policy([ONE]), True),
        (policy([ONE]), policy([ONE, ONE]), False),
        ("", policy(types=["Egress"]), False),
    ],
)
def test_a_policy_that_lets_fewer_in(base, head, expected):
    found = findings(workload() + base, workload() + head)

    assert ("NETWORK-POLICY" in found) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (workload(replicas=1) + budget(minAvailable=1), "PDB-BLOCKS-DRAIN"),
        (workload(replicas=3) + budget(maxUnavailable=0), "PDB-BLOCKS-DRAIN"),
        (workload(replicas=3) + budget(minAvailable="70%"), "PDB-BLOCKS-DRAIN"),
        (workload() + autoscaler(1) + budget(minAvailable=1), "PDB-BLOCKS-DRAIN"),
        (workload(replicas=3) + budget(minAvailable="60%"), None),
        (workload(replicas=2) + budget(minAvailable=1), None),
        (workload() + autoscaler(3) + budget(minAvailable=1), None),
        (workload(replicas=0) + budget(minAvailable=1), None),
        (workload(name="other") + budget(minAvailable=1), "PDB-MATCHES-NOTHING"),
        (workload(), None),
    ],
)
def test_case_22_a_budget_that_lets_no_pod_go(text, expected):
    found = list(disruptions.check_drains(pair_of("", text).head, SHOP))

    assert [one.code for one in found] == ([expected] if expected else [])


def claim(mode):
    return thing("PersistentVolumeClaim", "data", spec={"accessModes": [mode]})


VOLUME = {"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]}
ALONE = {
    "affinity": {
        "podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [
                {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "web"}}}
            ]
        }
    }
}


def hazards(context=SHOP, base_options=None, **options):
    base = workload(**{**options, **(base_options or {})}, image="app:1")
    extra = "".join(options.pop("others", []))
    head = workload(**{key: value for key, value in options.items() if key != "others"}, image="app:2")
    return findings(base + extra, head + extra, context)


@pytest.mark.parametrize(
    ("mode", "strategy", "expected"),
    [
        ("ReadWriteOnce", {}, "possible"),
        ("ReadWriteOncePod", {}, "likely"),
        ("ReadWriteMany", {}, None),
        ("ReadWriteOnce", {"strategy": {"type": "Recreate"}}, None),
        ("ReadWriteOnce", rolling(0, 1), None),
    ],
)
def test_two_pods_want_one_volume(mode, strategy, expected):
    base, head = (workload(image=image, spec=strategy, pod=VOLUME) + claim(mode) for image in ("app:1", "app:2"))
    found = findings(base, head).get("STUCK-VOLUME", [])

    assert [one.confidence for one in found] == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("pod", "nodes", "expected"),
    [
        (ALONE, 3, "degraded"),
        (ALONE, 4, None),
        (ALONE, None, None),
        ({"hostNetwork": True}, 3, "degraded"),
        ({}, 1, None),
    ],
)
def test_pods_that_want_a_node_for_themselves(pod, nodes, expected):
    found = hazards(Context(namespace="shop", nodes=nodes), replicas=3, pod=pod).get("STUCK-NODE", [])

    assert [one.severity for one in found] == ([expected] if expected else [])
    if expected:
        assert "3 + 1 = 4 nodes; the cluster has 3: the rollout is stuck" in found[0].message


def test_less_memory_and_less_patience():
    def limited(memory, tries):
        probe = {"tcpSocket": {"port": 1}, "failureThreshold": tries, "periodSeconds": 10}
        return {"resources": {"limits": {"memory": memory}}, "livenessProbe": probe}

    lower = findings(workload(**limited("2Gi", 6)), workload(**limited("1Gi", 3)))["CRASH-RISK"]

    assert "may use less memory: 2 GiB → 1 GiB" in lower[0].message
    assert "waited 60 s and now waits 30 s" in lower[1].message
    assert "CRASH-RISK" not in findings(workload(**limited("1Gi", 3)), workload(**limited("2Gi", 6)))


def test_a_start_that_takes_longer_than_the_deadline():
    probe = {"tcpSocket": {"port": 1}, "failureThreshold": 100, "periodSeconds": 10}
    (found,) = hazards(startupProbe=probe)["SLOW-START"]

    assert "may take 1000 s until a new pod serves, and after 600 s without progress counts as failed" in found.message
    assert "SLOW-START" not in hazards()


def test_other_nodes_and_a_quota():
    base, head = workload(), workload(pod={"nodeSelector": {"a": "b"}})
    assert "SCHEDULING" in findings(base, head)

    quota = thing("ResourceQuota", "q", spec={"hard": {"requests.memory": "4Gi"}})
    asks = {"resources": {"requests": {"memory": "1Gi"}}}
    base, head = (workload(image=image, replicas=4, **asks) + quota for image in ("app:1", "app:2"))
    (found,) = findings(base, head)["QUOTA"]
    assert "allows 4 GiB of memory, and the workloads of the namespace ask for 5 GiB" in found.message
    assert "needs 1 GiB of memory more at the peak" in impact_of(base, head).notes


def test_a_service_written_in_another_way_and_one_that_goes_with_its_pods_are_told_once():
    base = workload(replicas=2) + service()

    assert findings(base, base.replace("- port: 80", "- protocol: TCP\n    port: 80")) == {}
    assert not impacts(pair_of(base, base.replace("- port: 80", "- protocol: TCP\n    port: 80")), SHOP)
    assert set(findings(base, "")) == {"OUTAGE-DELETED", "DELETED"}


def test_a_policy_that_comes_with_its_pods_cuts_nobody_off():
    assert "NETWORK-POLICY" not in findings("", workload() + policy([ONE]))
