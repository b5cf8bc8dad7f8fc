"""Names, labels, selectors, containers and quantities: what the API server takes, and what it does not."""

import pytest

from previews.engine.predict import containers, metadata, quantities, templates
from previews.engine.predict.context import Sync
from tests.engine.predict.asking import NONSENSE, codes, found, text_of, workload

RULES = (*metadata.RULES, *templates.RULES, *containers.RULES, *quantities.RULES)
LONG_LABEL = "this-is-super-long-length-label-upper-than-63characters-"
CRD = "spec: {group: example.com, names: {plural: webs}}"


def label(value):
    return workload().replace(
        "{name: web, namespace: shop}", f"{{name: web, namespace: shop, labels: {{release: {value}}}}}", 1
    )


def test_the_talks_case():
    """64 characters on site-c11, 62 on site-a: blocked on the one alone, and named with the value that made it so."""
    for site, expected in (("site-a", []), ("site-b", []), ("site-c11", ["META-LABEL", "META-LABEL"])):
        value = f"{LONG_LABEL}{site}"
        head = label(value).replace("labels: {app: web}", f"labels: {{app: web, release: {value}}}")
        assert codes(RULES, head, label("short")) == expected
    said = found(RULES, label(f"{LONG_LABEL}site-c11"), label("short"))
    text = f"the label release is 64 characters long; at most 63 are allowed: {LONG_LABEL}site-c11"
    assert said == [("blocked", "META-LABEL", "metadata.labels.release", text)]


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("apps/v1 Deployment", "a" * 253, "a" * 254),
        ("apps/v1 Deployment", "web.v1", "web_v1"),
        ("v1 ConfigMap", "a-b.c", "A"),
        ("v1 Namespace", "a" * 63, "a" * 64),
        ("v1 Namespace", "shop-1", "shop.1"),
        ("apps/v1 StatefulSet", "db-1", "db.1"),
        ("v1 Service", "a1", "1a"),
        ("rbac.authorization.k8s.io/v1 ClusterRole", "system:Node_a", "a/b"),
        ("rbac.authorization.k8s.io/v1 RoleBinding", "a:b", '".."'),
        ("batch/v1 CronJob", "a" * 52, "a" * 53),
        ("batch/v1 Job", "a" * 63, "a" * 64),
    ],
)
def test_names(kind, good, bad):
    body = "spec: {jobTemplate: {}}" if "Job" in kind else ""
    assert codes(metadata.RULES, text_of(kind, body, good)) == []
    assert [code[:9] for code in codes(metadata.RULES, text_of(kind, body, bad))] == ["META-NAME"]


def test_names_that_follow_from_others():
    assert (
        codes(metadata.RULES, text_of("apiextensions.k8s.io/v1 CustomResourceDefinition", CRD, "webs.example.com"))
        == []
    )
    assert codes(
        metadata.RULES, text_of("apiextensions.k8s.io/v1 CustomResourceDefinition", CRD, "web.example.com")
    ) == ["META-NAME"]
    said = found(metadata.RULES, text_of("apps/v1 StatefulSet", "", "a" * 53))
    assert [one[:2] for one in said] == [("warning", "META-NAME-DERIVED")]
    # Services may be called otherwise behind a gate, and older servers took more names for StatefulSets.
    assert codes(metadata.RULES, text_of("v1 Service", "", "1a"), kubernetes=(1, 34)) == []
    assert codes(metadata.RULES, text_of("apps/v1 StatefulSet", "", "db.1"), kubernetes=(1, 26)) == []


@pytest.mark.parametrize("key", ["a", "A_b.c-d", f"example.com/{'a' * 63}", "a.b/c", '""', "x" * 63])
def test_keys_of_labels(key):
    expected = [] if key != '""' else ["META-LABEL"]
    assert codes(metadata.RULES, text_of("v1 ConfigMap").replace("shop}", f"shop, labels: {{{key}: b}}}}")) == expected


@pytest.mark.parametrize("key", ["-a", "a b", f"example.com/{'a' * 64}", "a/b/c", "/a", "Example.com/a", "a/"])
def test_keys_that_are_none(key):
    text = text_of("v1 ConfigMap").replace("shop}", f'shop, labels: {{"{key}": b}}}}')
    assert codes(metadata.RULES, text) == ["META-LABEL"]


@pytest.mark.parametrize(
    ("value", "is_good"), [('""', True), ("1.2-a_B", True), ("a b", False), ("-a", False), ("a.", False)]
)
def test_values_of_labels(value, is_good):
    assert codes(metadata.RULES, label(value)) == ([] if is_good else ["META-LABEL"])


def test_labels_wherever_they_stand():
    claim = "volumeClaimTemplates: [{metadata: {name: data, labels: {a: -b}}}],"
    assert codes(metadata.RULES, workload(labels="app: -web")) == ["META-LABEL"]
    assert codes(metadata.RULES, workload(kind="StatefulSet", more=claim)) == ["META-LABEL"]
    assert codes(metadata.RULES, text_of("v1 Service", "spec: {selector: {app: a b}}")) == ["META-LABEL"]
    job = "spec: {jobTemplate: {metadata: {labels: {a: a b}}, spec: {template: {metadata: {labels: {b: a b}}}}}}"
    assert codes(metadata.RULES, text_of("batch/v1 CronJob", job)) == ["META-LABEL"] * 2


def test_annotations():
    def annotated(key, value):
        return text_of("v1 ConfigMap").replace("shop}", f"shop, annotations: {{{key}: {value}}}}}")

    assert codes(metadata.RULES, annotated("Example.com/Some_Key", '"any text at all / * "')) == []
    assert codes(metadata.RULES, annotated("a/b/c", "x")) == ["META-ANN"]
    assert codes(metadata.RULES, annotated("a", "x" * 262_143), by_argo_cd=False) == []
    assert codes(metadata.RULES, annotated("a", "x" * 262_144), by_argo_cd=False) == ["META-ANN"]


def test_what_client_side_apply_stores():
    large = text_of("v1 ConfigMap", f"data: {{a: {'x' * 262_144}}}")
    assert codes(metadata.RULES, large) == ["META-LASTAPPLIED"]
    assert codes(metadata.RULES, text_of("v1 ConfigMap", f"data: {{a: {'x' * 261_000}}}")) == []
    assert codes(metadata.RULES, large, sync=Sync(frozenset({"ServerSideApply=true"}))) == []
    assert codes(metadata.RULES, large, by_argo_cd=False) == []


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"])
def test_selectors_find_their_own_pods(kind):
    assert codes(templates.RULES, workload(kind=kind)) == []
    assert codes(templates.RULES, workload(kind=kind, labels="app: other")) == ["SEL-TMPL"]
    assert codes(templates.RULES, workload(kind=kind).replace("matchLabels: {app: web}", "")) == ["SEL-TMPL"]
    assert codes(templates.RULES, workload(kind=kind).replace("selector: {matchLabels: {app: web}},", "")) == [
        "SEL-TMPL"
    ]


@pytest.mark.parametrize(
    ("rule", "is_good"),
    [
        ("{key: app, operator: In, values: [web, api]}", True),
        ("{key: app, operator: In, values: [api]}", False),
        ("{key: app, operator: NotIn, values: [api]}", True),
        ("{key: app, operator: NotIn, values: [web]}", False),
        ("{key: app, operator: Exists}", True),
        ("{key: other, operator: Exists}", False),
        ("{key: other, operator: DoesNotExist}", True),
    ],
)
def test_expressions_of_selectors(rule, is_good):
    text = workload().replace("matchLabels: {app: web}", f"matchExpressions: [{rule}]")
    assert codes(templates.RULES, text) == ([] if is_good else ["SEL-TMPL"])


def test_a_job_chooses_its_own_selector():
    pod = "template: {spec: {restartPolicy: Never}}"
    assert codes(templates.RULES, text_of("batch/v1 Job", f"spec: {{{pod}}}")) == []
    assert codes(templates.RULES, text_of("batch/v1 Job", f"spec: {{selector: {{}}, {pod}}}")) == ["SEL-TMPL"]
    assert (
        codes(templates.RULES, text_of("batch/v1 Job", f"spec: {{selector: {{}}, manualSelector: true, {pod}}}")) == []
    )


def test_restart_policies():
    assert codes(templates.RULES, workload("restartPolicy: Always,")) == []
    assert codes(templates.RULES, workload("restartPolicy: Never,")) == ["POD-RESTART"]
    assert codes(templates.RULES, workload("activeDeadlineSeconds: 5,")) == ["POD-RESTART"]
    for policy, expected in (("Never", []), ("OnFailure", []), ("Always", ["POD-RESTART"])):
        spec = f"spec: {{template: {{spec: {{restartPolicy: {policy}}}}}}}"
        assert codes(templates.RULES, text_of("batch/v1 Job", spec)) == expected
    assert codes(templates.RULES, text_of("batch/v1 Job", "spec: {template: {spec: {}}}")) == ["POD-RESTART"]


@pytest.mark.parametrize(
    ("spec", "container", "expected"),
    [
        ("volumes: [{name: a}, {name: b}],", "volumeMounts: [{name: a, mountPath: /a}, {name: b, mountPath: /b}]", []),
        ("volumes: [{name: a}, {name: a}],", "", ["CTR-NAME"]),
        ("volumes: [{name: A}],", "", ["CTR-NAME"]),
        ("initContainers: [{name: init}],", "", []),
        ("initContainers: [{name: web}],", "", ["CTR-NAME"]),
        (f"initContainers: [{{name: {'a' * 64}}}],", "", ["CTR-NAME"]),
        ("", "volumeMounts: [{name: a, mountPath: /a}]", ["VOL"]),
        ("volumes: [{name: a}],", "volumeMounts: [{name: a, mountPath: /a}, {name: a, mountPath: /a}]", ["VOL"]),
        ("volumes: [{name: a}],", "volumeMounts: [{name: a, mountPath: '/a:b'}]", ["VOL"]),
        ("", "ports: [{containerPort: 1, name: http}, {containerPort: 65535, name: a1}]", []),
        ("", "ports: [{containerPort: 0}]", ["PORT"]),
        ("", "ports: [{containerPort: 65536}]", ["PORT"]),
        ("", "ports: [{containerPort: 1, name: a23456789012345}]", []),
        ("", "ports: [{containerPort: 1, name: a234567890123456}]", ["PORT"]),
        ("", "ports: [{containerPort: 1, name: '80'}]", ["PORT"]),
        ("", "ports: [{containerPort: 1, name: a--b}]", ["PORT"]),
        ("", "ports: [{containerPort: 1, name: -a}]", ["PORT"]),
        ("", "ports: [{containerPort: 1, name: a}, {containerPort: 2, name: a}]", ["PORT"]),
        ("", "ports: [{containerPort: 1, hostPort: 1}, {containerPort: 2, hostPort: 1, protocol: UDP}]", []),
        ("", "ports: [{containerPort: 1, hostPort: 1}, {containerPort: 2, hostPort: 1}]", ["PORT"]),
        ("hostNetwork: true,", "ports: [{containerPort: 80, hostPort: 80}]", []),
        ("hostNetwork: true,", "ports: [{containerPort: 80, hostPort: 81}]", ["PORT"]),
        ("", "env: [{name: A_b-c.d, value: x}]", []),
        ("", "env: [{name: 1a}]", ["ENV"]),
        ("", "env: [{name: a b}]", ["ENV"]),
        ("", "env: [{name: ..a}]", ["ENV"]),
        ("", "env: [{name: A, value: x, valueFrom: {fieldRef: {fieldPath: a}}}]", ["ENV"]),
        ("", "env: [{name: A, value: '', valueFrom: {fieldRef: {fieldPath: a}}}]", []),
        ("", "readinessProbe: {httpGet: {port: 80}, successThreshold: 2}", []),
        ("", "livenessProbe: {httpGet: {port: 80}, successThreshold: 2}", ["PROBE"]),
        ("", "startupProbe: {tcpSocket: {port: 80}, exec: {command: [a]}}", ["PROBE"]),
        ("", "livenessProbe: {periodSeconds: 5}", ["PROBE"]),
        ("", "livenessProbe: {exec: {command: [a]}, periodSeconds: -1}", ["PROBE"]),
        ("", "resources: {requests: {cpu: 100m, memory: 1Gi}, limits: {cpu: '0.1', memory: 1024Mi}}", []),
        ("", "resources: {requests: {cpu: 101m}, limits: {cpu: 0.1}}", ["QTY"]),
        ("", "resources: {requests: {memory: 1GB}}", ["QTY"]),
        ("", "resources: {requests: {memory: 1 Gi}}", ["QTY"]),
        ("", "resources: {limits: {memory: -1Gi}}", ["QTY"]),
        ("", "resources: {limits: {memory: 1e3, cpu: 5E2}}", []),
        ("", "resources: {requests: {nvidia.com/gpu: 1}, limits: {nvidia.com/gpu: 1}}", []),
        ("", "resources: {requests: {nvidia.com/gpu: 1}}", ["QTY"]),
        ("", "resources: {requests: {hugepages-2Mi: 2Mi}, limits: {hugepages-2Mi: 4Mi}}", ["QTY"]),
        ("", "resources: {requests: {ephemeral-storage: 1Gi}}", []),
    ],
)
def test_containers(spec, container, expected):
    assert codes(RULES, workload(spec, container)) == expected


def test_a_claim_template_is_a_volume():
    mount = "volumeMounts: [{name: data, mountPath: /data}]"
    claims = "volumeClaimTemplates: [{metadata: {name: data}}],"
    assert codes(RULES, workload("", mount, kind="StatefulSet", more=claims)) == []
    assert codes(RULES, workload("", mount, kind="StatefulSet")) == ["VOL"]


def test_names_of_variables_are_freer_in_newer_kubernetes():
    text = workload("", "env: [{name: a b}]")
    assert codes(RULES, text, kubernetes=(1, 32)) == []
    assert codes(RULES, workload("", "env: [{name: a=b}]"), kubernetes=(1, 32)) == ["ENV"]


def test_a_variable_that_is_there_twice():
    text = workload("", "env: [{name: A, value: x}, {name: A, value: y}]")
    assert [one[:2] for one in found(RULES, text)] == [("warning", "ENV")]
    assert codes(RULES, text, sync=Sync(frozenset({"ServerSideApply=true"}))) == ["ENV"]


def test_what_is_masked_is_not_judged():
    text = workload(
        "", "env: [{name: ⟨unstable:1⟩}], volumeMounts: [{name: ⟨unstable:2⟩, mountPath: /a}]", "app: ⟨unstable:3⟩"
    )
    assert codes(RULES, text) == []


@pytest.mark.parametrize("nonsense", NONSENSE)
@pytest.mark.parametrize(
    "kind", ["apps/v1 Deployment", "apps/v1 StatefulSet", "batch/v1 CronJob", "v1 Pod", "v1 Service"]
)
def test_hostile_objects_do_no_harm(kind, nonsense):
    for field in ("spec", "template"):
        found(RULES, text_of(kind, f"{field}: {nonsense}"))
    for field in ("containers", "volumes", "initContainers"):
        found(RULES, text_of(kind, f"spec: {{{field}: {nonsense}, template: {{spec: {{{field}: {nonsense}}}}}}}"))
    for field in ("env", "ports", "volumeMounts", "resources", "livenessProbe", "name"):
        found(
            RULES,
            text_of(
                kind, f"spec: {{template: {{metadata: {nonsense}, spec: {{containers: [{{{field}: {nonsense}}}]}}}}}}"
            ),
        )
    found(RULES, text_of(kind).replace("shop}", f"shop, labels: {nonsense}, annotations: {nonsense}}}"))
