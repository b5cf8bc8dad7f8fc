"""Objects against the schemas of their kinds."""

import pytest

from previews.engine.predict.context import Context, Sync
from previews.engine.predict.rules import STATE_RULES
from tests.engine.predict.asking import NONSENSE, found, text_of, workload
from tests.engine.predict.spec_rules import findings

APPLIED_BY_SERVER = Sync(options=frozenset({"ServerSideApply=true"}))


def said(text: str, base: str = "", **context) -> list[tuple[str, str, str]]:
    """What all rules say of an object that is new, without notes."""
    return [one[:3] for one in found(STATE_RULES, text, base, **context) if one[0] != "info"]


POD = "spec.template.spec.containers[web]"


@pytest.mark.parametrize(
    ("rejected", "code", "place", "accepted"),
    [
        (workload(more='replicas: "3",'), "SCHEMA-TYPE", "spec.replicas", workload(more="replicas: 3,")),
        (workload(more="replicas: 2.5,"), "SCHEMA-TYPE", "spec.replicas", workload(more="replicas: 2.0,")),
        (workload(more="replicas: 4294967296,"), "SCHEMA-VALUE", "spec.replicas", workload(more="replicas: null,")),
        (workload(container="command: ls"), "SCHEMA-TYPE", f"{POD}.command", workload(container="command: [ls]")),
        (workload(container="command: [ls, 1]"), "SCHEMA-TYPE", f"{POD}.command[1]", workload(container="command: null")),
        (workload(container="env: [{name: A, value: 5}]"), "SCHEMA-TYPE", f"{POD}.env[A].value", workload(container='env: [{name: A, value: "5"}]')),
        (workload(container="env: [{value: a}]"), "SCHEMA-REQUIRED", f"{POD}.env[0]", workload(container="env: [{name: A}]")),
        (workload(container="tty: 'true'"), "SCHEMA-TYPE", f"{POD}.tty", workload(container="tty: true")),
        (workload(container="resources: {limits: {cpu: [1]}}"), "SCHEMA-TYPE", f"{POD}.resources.limits.cpu", workload(container="resources: {limits: {cpu: 1, memory: 1Gi}}")),
        (workload(container="readinessProbe: {httpGet: {port: [8080]}}"), "SCHEMA-TYPE", f"{POD}.readinessProbe.httpGet.port", workload(container="readinessProbe: {httpGet: {port: http}}, ports: [{name: http, containerPort: 80}]")),
        (text_of("v1 ConfigMap", "data: {a: 5}"), "SCHEMA-TYPE", "data.a", text_of("v1 ConfigMap", 'data: {a: "5", b: null}')),
        (text_of("v1 ConfigMap", "data: []"), "SCHEMA-TYPE", "data", text_of("v1 ConfigMap", "data: null")),
        (text_of("v1 ConfigMap").replace("{name", "{labels: {a: 5}, name"), "SCHEMA-TYPE", "metadata.labels.a", text_of("v1 ConfigMap").replace("{name", "{labels: {a: '5'}, name")),
        (text_of("autoscaling/v2 HorizontalPodAutoscaler", "spec: {scaleTargetRef: {kind: X, name: x}}"), "SCHEMA-REQUIRED", "spec", text_of("autoscaling/v2 HorizontalPodAutoscaler", "spec: {maxReplicas: 2, scaleTargetRef: {kind: X, name: x}}")),
    ],
)  # fmt: skip
def test_what_cannot_be_decoded_is_rejected(rejected, code, place, accepted):
    assert [one for one in said(rejected) if one[0] == "blocked"] == [("blocked", code, place)]
    assert [one for one in said(accepted) if one[0] == "blocked"] == []


@pytest.mark.parametrize(
    ("container", "value", "message", "remedy"),
    [
        ("tty: 'yes'", "yes", f'{POD}.tty is the text "yes", and must be true or false', "write it without quotes"),
        ("image: yes", "True", f"{POD}.image is true, and must be a text", "write it in quotes; in a template, with | quote"),
        ("args: {a: b}", "{'a': 'b'}", f"{POD}.args is a mapping, and must be a list", ""),
        ("ports: [{name: a}]", "containerPort", f"containerPort is missing, which Deployment must have in {POD}.ports[0]", "add containerPort"),
    ],
)  # fmt: skip
def test_the_message_says_what_is_there_and_what_has_to_be(container, value, message, remedy):
    (one,) = (one for one in findings(STATE_RULES, workload(container=container)) if one.severity == "blocked")
    assert (one.value, one.message, one.remedy) == (value, message.replace("[web]", "[0]"), remedy)
    assert one.confidence == "certain"


def test_a_field_that_is_not_there_is_dropped_or_rejected_by_how_it_is_applied():
    text = workload(container="imagePullPolcy: Always")
    place = f"{POD}.imagePullPolcy"
    (one,) = (one for one in findings(STATE_RULES, text) if one.code == "SCHEMA-UNKNOWN")

    assert one.remedy == "did you mean imagePullPolicy?"
    assert one.message.endswith(
        "has no field imagePullPolcy in spec.template.spec.containers[0]: the API server drops what it says"
    )
    assert said(text) == [("warning", "SCHEMA-UNKNOWN", place)]
    assert said(text, sync=APPLIED_BY_SERVER) == [("blocked", "SCHEMA-UNKNOWN", place)]
    option = "{annotations: {argocd.argoproj.io/sync-options: ServerSideApply=true}, name"
    assert said(text.replace("{name", option, 1)) == [("blocked", "SCHEMA-UNKNOWN", place)]


def test_a_field_that_a_minor_brings_is_none_before():
    text = workload(spec="hostnameOverride: a,")
    assert said(text, kubernetes=(1, 33)) == [("warning", "SCHEMA-UNKNOWN", "spec.template.spec.hostnameOverride")]
    assert said(text, kubernetes=(1, 34)) == []


def test_minors_that_nobody_knows_are_not_judged():
    text = workload(more='replicas: "3",')
    assert said(text, kubernetes=(1, 99)) == said(text, kubernetes=(1, 20)) == []


def test_what_a_rule_of_its_own_says_is_not_said_twice():
    text = text_of(
        "apps/v1 Deployment",
        "spec: {template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: b}]}}}",
    )
    assert said(text) == [("blocked", "SEL-TMPL", "spec")]


def test_what_was_so_before_is_nothing_new():
    before = workload(more='replicas: "3",')
    assert said(before.replace("image: web", "image: other"), before) == []
    assert said(before.replace('"3"', '"4"'), before) == [("blocked", "SCHEMA-TYPE", "spec.replicas")]


def test_secrets_are_not_told():
    text = text_of("v1 Secret", "stringData: {password: 5}\ndata: {key: 7}\nimmutable: 'true'")
    said_of = findings(STATE_RULES, text, Context())
    assert [one.steps for one in said_of] == [("immutable",)]
    assert not [one for one in said_of if "5" in one.message or "7" in one.message]


def test_values_that_differ_from_one_render_to_the_next_are_not_judged():
    from previews.engine.render.unstable import MARK

    assert said(workload(container=f"tty: '{MARK}'")) == []


def test_many_findings_of_one_object_are_counted_out():
    env = ", ".join(f"{{name: A{at}, value: {at}}}" for at in range(30))
    told = [one for one in findings(STATE_RULES, workload(container=f"env: [{env}]")) if one.code.startswith("SCHEMA")]
    assert [one.code for one in told] == ["SCHEMA-TYPE"] * 20 + ["SCHEMA-MORE"]
    assert told[-1].message == "10 more places are not as the schema of Deployment says"


@pytest.mark.parametrize("nonsense", NONSENSE)
@pytest.mark.parametrize(
    "kind", ["apps/v1 Deployment", "v1 Service", "v1 Secret", "batch/v1 CronJob", "networking.k8s.io/v1 Ingress"]
)
def test_nonsense_is_told_and_breaks_nothing(kind, nonsense):
    for more in (f"spec: {nonsense}", f"spec: {{template: {nonsense}}}", f"data: {nonsense}"):
        found(STATE_RULES, text_of(kind, more))


def test_depth_breaks_nothing():
    deep = "spec: " + "{a: " * 90 + "1" + "}" * 90
    assert ("blocked", "SCHEMA-REQUIRED", "spec") in said(text_of("apps/v1 Deployment", deep))
