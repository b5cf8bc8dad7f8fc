"""Whatever stands in a field, no rule about the specs of objects raises."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from previews.engine.manifests import Resource, ResourceId, make_resource
from previews.engine.predict import (
    autoscaling,
    configs,
    definitions,
    disruptions,
    duplicates,
    ingresses,
    roles,
    schedules,
    service_specs,
    strategies,
)
from previews.engine.predict.context import Context, Sync
from previews.engine.predict.crons import cron_error
from previews.engine.predict.findings import Finding
from previews.engine.predict.objects import make_pair
from previews.engine.yamls import dump, load_all

MODULES = (
    autoscaling, configs, definitions, disruptions, duplicates, ingresses, roles, schedules, service_specs, strategies,
)  # fmt: skip
CONTEXT = Context(
    kubernetes=(1, 35),
    sync=Sync(frozenset({"ServerSideApply=true"})),
    elsewhere={ResourceId("", "Service", "", "a"): "other"},
)
HOSTILE: tuple[Any, ...] = (
    None, True, 7, -1, 1.5, 10**300, "", "x", "⟨unstable:1⟩", "0%", "\n\x00é", "*" * 300,
    [], [None], [[]], {}, {"a": None}, [{"a": []}],
)  # fmt: skip

WHOLE = load_all("""
{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a: b}, binaryData: {c: eA==}}
---
{apiVersion: v1, kind: Secret, metadata: {name: a, annotations: {a: b}}, type: kubernetes.io/ssh-auth, data: {ssh-privatekey: eA==}, stringData: {a: b}}
---
{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {type: NodePort, clusterIP: a, clusterIPs: [a], externalName: a, selector: {a: b}, externalIPs: [1.2.3.4], sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 5}}, externalTrafficPolicy: Local, healthCheckNodePort: 30001, loadBalancerClass: a, loadBalancerSourceRanges: [10.0.0.0/8], ports: [{name: a, port: 1, targetPort: a, nodePort: 30000, protocol: TCP}, {name: b, port: 2}]}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, labels: {a: b}}, spec: {replicas: 3, minReadySeconds: 1, progressDeadlineSeconds: 5, strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: 25%}}, template: {metadata: {labels: {a: b}}}}}
---
{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: a}, spec: {replicas: 3, ordinals: {start: 1}, updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 1, maxUnavailable: 1}}, template: {metadata: {labels: {a: b}}}}}
---
{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: a}, spec: {updateStrategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}, template: {metadata: {labels: {a: b}}}}}
---
{apiVersion: batch/v1, kind: CronJob, metadata: {name: a}, spec: {schedule: '* * * * *', timeZone: UTC, startingDeadlineSeconds: 3, jobTemplate: {spec: {template: {metadata: {labels: {a: b}}}}}}}
---
{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: a}, spec: {minReplicas: 1, maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: a}, metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}], behavior: {scaleUp: {stabilizationWindowSeconds: 5, policies: [{type: Pods, value: 1, periodSeconds: 5}]}}}}
---
{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: a}, spec: {minAvailable: 1, maxUnavailable: 10%, selector: {matchLabels: {a: b}, matchExpressions: [{key: a, operator: In, values: [b]}]}}}
---
{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: a, annotations: {kubernetes.io/ingress.class: a}}, spec: {ingressClassName: a, defaultBackend: {service: {name: a, port: {number: 80}}}, tls: [{hosts: [a.b], secretName: a}], rules: [{host: a.b, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: a, port: {name: http}}}}]}}]}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: a}, rules: [{apiGroups: [''], resources: [pods], resourceNames: [a], verbs: [get], nonResourceURLs: [/a]}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: a}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: a}, subjects: [{kind: ServiceAccount, apiGroup: '', name: a, namespace: b}, {kind: User, name: a}]}
---
{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: as.b.c}, spec: {group: b.c, scope: Namespaced, preserveUnknownFields: false, names: {plural: as, singular: a, kind: A, listKind: AList, shortNames: [x], categories: [all]}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {a: {type: array, items: {type: string}}, b: {x-kubernetes-int-or-string: true, anyOf: [{type: integer}, {type: string}]}}, not: {required: [c]}}}}]}}
""")


def variants(value: Any) -> Iterator[Any]:
    """The value with each of its parts replaced by each of what is hostile."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in list(parts):
        for other in (*HOSTILE, *variants(part)):
            copy = dict(value) if isinstance(value, dict) else list(value)
            copy[key] = other
            yield copy


def resource(place: int, value: Any) -> Resource:
    """One of the whole objects, with another content under its identity."""
    group, _, version = WHOLE[place]["apiVersion"].rpartition("/")
    identity = ResourceId(group, WHOLE[place]["kind"], "", "a")
    return make_resource(identity, version, dump(value, sort_keys=False))


RESOURCES = [resource(place, value) for place, value in enumerate(WHOLE)]


def told_of(base: Sequence[Resource], head: Sequence[Resource]) -> list[Finding]:
    pair = make_pair(base, head)
    found: list[Finding] = []
    for module in MODULES:
        for side in (pair.base, pair.head):
            found += [one for rule in module.RULES for one in rule(side, CONTEXT)]
        found += [one for rule in getattr(module, "CHANGE_RULES", ()) for one in rule(pair, CONTEXT)]
    return found


@pytest.mark.parametrize("place", range(len(WHOLE)), ids=[one["kind"] for one in WHOLE])
def test_no_rule_raises_whatever_stands_in_a_field(place):
    found = [
        one
        for variant in variants(
            {key: value for key, value in WHOLE[place].items() if key not in ("apiVersion", "kind")}
        )
        for one in told_of(RESOURCES, [*RESOURCES[:place], resource(place, variant), *RESOURCES[place + 1 :]])
    ]
    # What is told is one line that people can read.
    unreadable = [
        one for one in found if not re.fullmatch(r"(?!.*  )[^\n]*[^\n.]", one.message) or len(one.value) > 200
    ]
    assert unreadable == []


def test_huge_values_cost_little():
    started = time.monotonic()
    cron_error("*," * 500_000)
    cron_error("0" * 999 + "x * * * *")
    ports = [{"name": f"p{number}", "port": number + 1} for number in range(5000)]
    huge = {"data": {"a" * 1_000_000: "b", "c": "d" * 5_000_000}, "binaryData": {"e": "f" * 5_000_000}}
    told_of([], [resource(0, huge), resource(2, {"spec": {"ports": ports}})])
    assert time.monotonic() - started < 5
