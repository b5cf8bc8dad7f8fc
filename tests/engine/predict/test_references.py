"""What pods name and nobody has."""

import pytest

from previews.engine.manifests import ResourceId
from previews.engine.predict import references
from tests.engine.predict.asking import NONSENSE, found, text_of, workload

CONFIG, SECRET = text_of("v1 ConfigMap", "data: {a: b}", "conf"), text_of("v1 Secret", "", "keys")


def said(head, base="", **context):
    return [
        (place, message.split(",")[0])
        for _, _, place, message in found((), head, base, references.CHANGE_RULES, **context)
    ]


@pytest.mark.parametrize(
    ("spec", "container", "kind"),
    [
        ("volumes: [{name: a, configMap: {name: conf}}],", "", "ConfigMap"),
        ("volumes: [{name: a, secret: {secretName: keys}}],", "", "Secret"),
        ("volumes: [{name: a, persistentVolumeClaim: {claimName: data}}],", "", "PersistentVolumeClaim"),
        ("volumes: [{name: a, projected: {sources: [{configMap: {name: conf}}]}}],", "", "ConfigMap"),
        ("serviceAccountName: robot,", "", "ServiceAccount"),
        ("priorityClassName: high,", "", "PriorityClass"),
        ("", "env: [{name: A, valueFrom: {configMapKeyRef: {name: conf, key: a}}}]", "ConfigMap"),
        ("", "envFrom: [{secretRef: {name: keys}}]", "Secret"),
    ],
)
def test_what_is_missing(spec, container, kind):
    ((_, message),) = said(workload(spec, container))
    assert message.startswith(f"its pods name the {kind} ")


@pytest.mark.parametrize(
    ("spec", "more"),
    [
        ("volumes: [{name: a, configMap: {name: conf}}],", CONFIG),
        ("volumes: [{name: a, secret: {secretName: keys}}],", SECRET),
        ("volumes: [{name: a, configMap: {name: conf, optional: true}}],", ""),
        (
            "volumes: [{name: a, secret: {secretName: tls}}],",
            text_of("cert-manager.io/v1 Certificate", "spec: {secretName: tls}"),
        ),
        (
            "volumes: [{name: a, secret: {secretName: keys}}],",
            text_of("external-secrets.io/v1 ExternalSecret", "", "keys"),
        ),
        ("serviceAccountName: default,", ""),
        ("priorityClassName: system-node-critical,", ""),
        ("volumes: [{name: a, configMap: {name: kube-root-ca.crt}}],", ""),
    ],
)
def test_what_is_there(spec, more):
    assert said("---\n".join(filter(None, (workload(spec), more)))) == []


def test_what_others_on_the_cluster_have():
    spec = "volumes: [{name: a, configMap: {name: conf}}],"
    assert said(workload(spec), elsewhere={ResourceId("", "ConfigMap", "shop", "conf"): "other"}) == []


def test_what_was_missing_before_is_nothing_new():
    spec = "volumes: [{name: a, secret: {secretName: keys}}],"
    assert said(workload(spec, "tty: true"), workload(spec)) == []


def test_what_goes_while_it_is_still_named():
    pod = workload("volumes: [{name: a, configMap: {name: conf}}],")
    ((severity, code, _, _),) = found((), pod, f"{pod}---\n{CONFIG}", references.CHANGE_RULES)
    assert (severity, code) == ("warning", "REF-MISSING")


@pytest.mark.parametrize("nonsense", NONSENSE)
@pytest.mark.parametrize("field", ["volumes", "initContainers", "serviceAccountName", "containers"])
def test_hostile_pods_do_no_harm(field, nonsense):
    said(text_of("v1 Pod", f"spec: {{{field}: {nonsense}}}"))
    said(workload("", f"env: {nonsense}, envFrom: {nonsense}"))
    said(workload(f"volumes: [{{configMap: {nonsense}, secret: {nonsense}, projected: {nonsense}}}],"))
