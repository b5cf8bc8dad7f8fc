"""Objects compare as the API server stores them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from previews.engine.manifests import ResourceId
from previews.engine.predict.defaults import with_defaults
from previews.engine.predict.given import one_form
from previews.engine.predict.objects import Object
from previews.engine.yamls import dump, load

NOW = (1, 31)


def made(text, kubernetes=NOW):
    content = load(text)
    group, _, version = content["apiVersion"].rpartition("/")
    return with_defaults(Object(ResourceId(group, content["kind"], "", "x"), version, text), kubernetes)


def workload(kind="Deployment", spec="", pod="containers: [{name: a, image: nginx:1}]", metadata="{labels: {a: b}}"):
    return f"""apiVersion: apps/v1
kind: {kind}
metadata: {{name: x}}
spec:
  selector: {{matchLabels: {{a: b}}}}
  {spec}
  template:
    metadata: {metadata}
    spec:
      {pod}
"""


SAME = {
    "one replica": (workload(), workload(spec="replicas: 1")),
    "the default strategy": (
        workload(),
        workload(spec="strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 25%, maxUnavailable: 25%}}"),
    ),
    "an empty strategy": (workload(), workload(spec="strategy: {}")),
    "no null": (workload(), workload(spec="replicas: null")),
    "a daemon set's strategy": (
        workload("DaemonSet"),
        workload("DaemonSet", "updateStrategy: {rollingUpdate: {maxUnavailable: 1}}"),
    ),
    "a stateful set's strategy": (
        workload("StatefulSet"),
        workload("StatefulSet", "updateStrategy: {rollingUpdate: {partition: 0}}"),
    ),
    "a claim template's kind": (
        workload(
            "StatefulSet",
            "volumeClaimTemplates: [{metadata: {name: a}, spec: {resources: {requests: {storage: 1Gi}}}}]",
        ),
        workload(
            "StatefulSet",
            "volumeClaimTemplates: [{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: a},"
            " spec: {volumeMode: Filesystem, resources: {requests: {storage: 1024Mi}}}}]",
        ),
    ),
    "a policy for images": (
        workload(pod="containers: [{name: a, image: nginx}]"),
        workload(pod="containers: [{name: a, image: nginx, imagePullPolicy: Always}]"),
    ),
    "a registry with a port": (
        workload(pod="containers: [{name: a, image: 'localhost:5000/nginx'}]"),
        workload(pod="containers: [{name: a, image: 'localhost:5000/nginx', imagePullPolicy: Always}]"),
    ),
    "a digest": (
        workload(pod="containers: [{name: a, image: 'nginx@sha256:abc'}]"),
        workload(pod="containers: [{name: a, image: 'nginx@sha256:abc', imagePullPolicy: IfNotPresent}]"),
    ),
    "a port's protocol": (
        workload(pod="containers: [{name: a, image: b, ports: [{containerPort: 80}]}]"),
        workload(pod="containers: [{name: a, image: b, ports: [{containerPort: 80, protocol: TCP, hostPort: 0}]}]"),
    ),
    "a probe": (
        workload(pod="containers: [{name: a, image: b, readinessProbe: {httpGet: {port: 80}}}]"),
        workload(
            pod="containers: [{name: a, image: b, readinessProbe: {initialDelaySeconds: 0, timeoutSeconds: 1,"
            " periodSeconds: 10, successThreshold: 1, failureThreshold: 3, httpGet: {port: 80, path: /, scheme: HTTP}}}]"
        ),
    ),
    "quantities": (
        workload(pod="containers: [{name: a, image: b, resources: {requests: {cpu: 1, memory: 1Gi}}}]"),
        workload(
            pod="containers: [{name: a, image: b, resources: {requests: {cpu: 1000m, memory: '1073741824'}, limits: {}}}]"
        ),
    ),
    "volumes": (
        workload(pod="volumes: [{name: a, configMap: {name: c}}, {name: b}]"),
        workload(pod="volumes: [{name: a, configMap: {name: c, defaultMode: 420}}, {name: b, emptyDir: {}}]"),
    ),
    "an account's two names": (workload(pod="serviceAccount: me"), workload(pod="serviceAccountName: me")),
    "zeros": (
        workload(),
        workload(pod="{containers: [{name: a, image: nginx:1, args: [], tty: false}], hostNetwork: false}"),
    ),
    "an empty value": (
        workload(pod="containers: [{name: a, image: b, env: [{name: A, value: ''}]}]"),
        workload(pod="containers: [{name: a, image: b, env: [{name: A}]}]"),
    ),
    "a field's version": (
        workload(pod="containers: [{name: a, image: b, env: [{name: A, valueFrom: {fieldRef: {fieldPath: x}}}]}]"),
        workload(
            pod="containers: [{name: a, image: b, env: [{name: A, valueFrom: {fieldRef: {apiVersion: v1, fieldPath: x}}}]}]"
        ),
    ),
    "no annotations": (workload(), workload(metadata="{labels: {a: b}, annotations: {}, creationTimestamp: null}")),
    "a job's policy": (
        "{apiVersion: batch/v1, kind: Job, spec: {template: {spec: {restartPolicy: Never}}}}",
        "{apiVersion: batch/v1, kind: Job, spec: {completions: 1, parallelism: 1, backoffLimit: 6, suspend: false,"
        " completionMode: NonIndexed, podReplacementPolicy: TerminatingOrFailed, template: {spec: {restartPolicy: Never}}}}",
    ),
    "a cron job": (
        "{apiVersion: batch/v1, kind: CronJob, spec: {schedule: '@daily', jobTemplate: {}}}",
        "{apiVersion: batch/v1, kind: CronJob, spec: {schedule: '@daily', suspend: false, concurrencyPolicy: Allow,"
        " jobTemplate: {spec: {template: {spec: {dnsPolicy: ClusterFirst}}}}}}",
    ),
    "a service": (
        "{apiVersion: v1, kind: Service, spec: {ports: [{port: 80}]}}",
        "{apiVersion: v1, kind: Service, spec: {type: ClusterIP, sessionAffinity: None, selector: {}, ports: [{port: 80,"
        " protocol: TCP, targetPort: 80}], internalTrafficPolicy: Cluster}}",
    ),
    "a network policy": (
        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, spec: {podSelector: {}}}",
        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, spec: {podSelector: {}, policyTypes: [Ingress], ingress: []}}",
    ),
}


@pytest.mark.parametrize("case", SAME)
def test_what_the_api_server_fills_in_is_no_difference(case):
    one, other = SAME[case]

    assert made(one) == made(other)


DIFFERENT = {
    "no replicas": (workload(), workload(spec="replicas: 0")),
    "a label": (workload(), workload(metadata="{labels: {a: b, c: ''}}")),
    "a pointer to an empty struct": (
        workload(pod="containers: [{name: a}]"),
        workload(pod="containers: [{name: a, lifecycle: {}}]"),
    ),
    "a flag that is a pointer": (
        workload(),
        workload(pod="{containers: [{name: a, image: nginx:1}], automountServiceAccountToken: false}"),
    ),
    "an empty key of a config map": (
        "{apiVersion: v1, kind: ConfigMap, data: {value: ''}}",
        "{apiVersion: v1, kind: ConfigMap, data: {}}",
    ),
    "everything and nothing": (
        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, spec: {ingress: [{}]}}",
        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, spec: {ingress: []}}",
    ),
}


@pytest.mark.parametrize("case", DIFFERENT)
def test_what_kubernetes_tells_apart_stays_a_difference(case):
    one, other = DIFFERENT[case]

    assert made(one) != made(other)


def test_a_host_network_gave_its_templates_host_ports_until_1_27():
    text = workload(pod="{hostNetwork: true, containers: [{name: a, image: b, ports: [{containerPort: 80}]}]}")

    def ports(kubernetes):
        return made(text, kubernetes)["spec"]["template"]["spec"]["containers"][0]["ports"][0].get("hostPort")

    assert ports((1, 27)) == 80
    assert ports((1, 28)) is None


def test_a_custom_resource_stays_as_it_is_written():
    assert made("{apiVersion: a.b/v1, kind: Thing, spec: {empty: {}, none: null, limits: {cpu: 1}}}")["spec"] == {
        "empty": {},
        "none": None,
        "limits": {"cpu": 1},
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1", "1"),
        (1, "1"),
        (0.5, "500m"),
        ("1000m", "1"),
        ("1500m", "1500m"),
        ("1Ki", "1024"),
        ("1.5Gi", "1610612736"),
        ("1e3", "1000"),
        ("1E", "1" + 18 * "0"),
        ("1n", "1m"),
        ("x", "x"),
        ("1 ", "1 "),
        (True, True),
        (None, None),
        ("1e99", "1" + 99 * "0"),
    ],
)
def test_a_quantity_has_one_form(value, expected):
    assert one_form(value) == expected


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "x", "1Gi", "RollingUpdate"]),
    lambda below: (
        st.lists(below, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                "spec template metadata labels containers strategy updateStrategy rollingUpdate volumes ports env jobTemplate "
                "readinessProbe httpGet resources limits selector volumeClaimTemplates lifecycle valueFrom subjects".split()
            ),
            below,
            max_size=5,
        )
    ),
    max_leaves=25,
)
KINDS = [("", "Pod"), ("", "Service"), ("apps", "Deployment"), ("apps", "StatefulSet"), ("apps", "DaemonSet")]
KINDS += [("batch", "Job"), ("batch", "CronJob"), ("networking.k8s.io", "NetworkPolicy"), ("", "PersistentVolumeClaim")]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(KINDS), ANYTHING, ANYTHING)
def test_no_content_is_too_strange(kind, spec, metadata):
    text = dump({"spec": spec, "metadata": metadata})
    object = Object(ResourceId(*kind, "", "x"), "v1", text)
    before = load(text)

    assert isinstance(with_defaults(object, NOW), dict)
    assert object.content == before
