"""What cannot be changed in place, and beside it what can."""

import pytest

from previews.engine.manifests import read_resources
from previews.engine.predict.context import Context, Sync
from previews.engine.predict.immutable import immutable
from previews.engine.predict.objects import make_pair


def found(base, head, **context):
    pair = make_pair(*(read_resources(text, str) for text in (base, head)))
    return [(one.severity, ".".join(map(str, one.steps))) for one in immutable(pair, Context(**context))]


def text(api, kind, body):
    return f"apiVersion: {api}\nkind: {kind}\nmetadata: {{name: x, namespace: shop}}\n{body}\n"


POD = "containers: [{name: a, image: a}]"
TEMPLATE = f"template: {{spec: {{{POD}}}}}"
STATEFUL = "spec: {serviceName: db, volumeClaimTemplates: [{metadata: {name: data}, spec: {storageClassName: a}}]%s}"
PVC = "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}%s}"
PV = "spec: {capacity: {storage: 1Gi}, hostPath: {path: /a}%s}"
CRD = "spec: {group: example.com, scope: Namespaced, names: {plural: xs, kind: X}, versions: [{name: v1, storage: true}%s]}"


@pytest.mark.parametrize(
    ("api", "kind", "base", "head", "path"),
    [
        *(("apps/v1", kind, "spec: {selector: {a: b}}", "spec: {selector: {a: c}}", "spec.selector") for kind in (
            "Deployment", "DaemonSet", "ReplicaSet",
        )),
        ("apps/v1", "StatefulSet", STATEFUL % "", (STATEFUL % "").replace("db", "db2"), "spec.serviceName"),
        ("apps/v1", "StatefulSet", STATEFUL % "", (STATEFUL % "").replace(": a}", ": b}"), "spec.volumeClaimTemplates"),
        ("apps/v1", "StatefulSet", STATEFUL % "", STATEFUL % ", podManagementPolicy: Parallel", "spec.podManagementPolicy"),
        ("apps/v1", "StatefulSet", STATEFUL % "", STATEFUL % ", revisionHistoryLimit: 3", "spec.revisionHistoryLimit"),
        ("apps/v1", "StatefulSet", STATEFUL % "", STATEFUL % ", selector: {a: b}", "spec.selector"),
        ("batch/v1", "Job", f"spec: {{{TEMPLATE}}}", f"spec: {{{TEMPLATE}}}".replace("image: a", "image: b"), "spec.template"),
        ("batch/v1", "Job", "spec: {completions: 1}", "spec: {completions: 2}", "spec.completions"),
        ("batch/v1", "Job", "spec: {}", "spec: {completionMode: Indexed}", "spec.completionMode"),
        ("batch/v1", "Job", "spec: {}", "spec: {backoffLimitPerIndex: 1}", "spec.backoffLimitPerIndex"),
        ("batch/v1", "Job", "spec: {}", "spec: {podFailurePolicy: {rules: [{action: Ignore}]}}", "spec.podFailurePolicy"),
        ("batch/v1", "Job", "spec: {}", "spec: {selector: {a: b}}", "spec.selector"),
        ("v1", "Pod", f"spec: {{{POD}}}", f"spec: {{{POD}, hostNetwork: true}}", "spec"),
        ("v1", "Service", "spec: {ports: []}", "spec: {clusterIP: None}", "spec.clusterIP"),
        ("v1", "Service", "spec: {clusterIP: 10.0.0.1}", "spec: {clusterIP: 10.0.0.2}", "spec.clusterIP"),
        ("v1", "Service", "spec: {type: LoadBalancer}", "spec: {type: LoadBalancer, loadBalancerClass: a}",
         "spec.loadBalancerClass"),
        ("v1", "Service", "spec: {ipFamilies: [IPv4]}", "spec: {ipFamilies: [IPv6]}", "spec.ipFamilies"),
        ("v1", "PersistentVolumeClaim", PVC % "", PVC % ", volumeMode: Block", "spec.volumeMode"),
        ("v1", "PersistentVolumeClaim", PVC % "", (PVC % "").replace("Once", "Many"), "spec.accessModes"),
        ("v1", "PersistentVolumeClaim", PVC % ", storageClassName: a", PVC % ", storageClassName: b",
         "spec.storageClassName"),
        ("v1", "PersistentVolume", PV % "", (PV % "").replace("/a", "/b"), "spec.hostPath"),
        ("v1", "PersistentVolume", PV % ", nodeAffinity: {required: {a: b}}", PV % ", nodeAffinity: {required: {a: c}}",
         "spec.nodeAffinity"),
        ("storage.k8s.io/v1", "StorageClass", "provisioner: a", "provisioner: b", "provisioner"),
        ("storage.k8s.io/v1", "StorageClass", "parameters: {a: b}", "parameters: {a: c}", "parameters"),
        ("storage.k8s.io/v1", "StorageClass", "provisioner: a", "provisioner: a\nreclaimPolicy: Retain", "reclaimPolicy"),
        ("v1", "ConfigMap", "immutable: true\ndata: {a: b}", "immutable: true\ndata: {a: c}", "data"),
        ("v1", "ConfigMap", "immutable: true\ndata: {a: b}", "data: {a: b}", "immutable"),
        ("v1", "Secret", "type: Opaque", "type: kubernetes.io/tls", "type"),
        ("v1", "Secret", "immutable: true\ndata: {a: b}", "immutable: true\ndata: {a: c}", "data"),
        ("rbac.authorization.k8s.io/v1", "RoleBinding", "roleRef: {name: a}", "roleRef: {name: b}", "roleRef"),
        ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "roleRef: {name: a}", "roleRef: {name: b}", "roleRef"),
        ("scheduling.k8s.io/v1", "PriorityClass", "value: 1", "value: 2", "value"),
        ("scheduling.k8s.io/v1", "PriorityClass", "value: 1", "value: 1\npreemptionPolicy: Never", "preemptionPolicy"),
        ("node.k8s.io/v1", "RuntimeClass", "handler: a", "handler: b", "handler"),
        ("networking.k8s.io/v1", "IngressClass", "spec: {controller: a}", "spec: {controller: b}", "spec.controller"),
        ("storage.k8s.io/v1", "CSIDriver", "spec: {}", "spec: {attachRequired: false}", "spec.attachRequired"),
        ("discovery.k8s.io/v1", "EndpointSlice", "addressType: IPv4", "addressType: IPv6", "addressType"),
        ("v1", "ResourceQuota", "spec: {scopes: [BestEffort]}", "spec: {scopes: [Terminating]}", "spec.scopes"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", CRD % "", (CRD % "").replace("Namespaced", "Cluster"),
         "spec.scope"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", CRD % "", (CRD % "").replace("v1", "v2"), "spec.versions"),
    ],
)  # fmt: skip
def test_what_cannot_be_changed(api, kind, base, head, path):
    assert found(text(api, kind, base), text(api, kind, head), kubernetes=(1, 32)) == [("blocked", path)]


@pytest.mark.parametrize(
    ("api", "kind", "base", "head"),
    [
        ("apps/v1", "Deployment", "spec: {selector: {a: b}, replicas: 1}", "spec: {replicas: 2, selector: {a: b}}"),
        ("apps/v1", "Deployment", "spec: {strategy: {type: Recreate}}", "spec: {}"),
        ("apps/v1", "StatefulSet", STATEFUL % "", STATEFUL % ", replicas: 3, minReadySeconds: 1, ordinals: {start: 1}"),
        ("apps/v1", "StatefulSet", STATEFUL % "", STATEFUL % ", updateStrategy: {type: OnDelete}, template: {a: b}"),
        ("apps/v1", "StatefulSet", STATEFUL % "", STATEFUL % ", persistentVolumeClaimRetentionPolicy: {whenScaled: Delete}"),
        # What the server fills in by itself.
        ("apps/v1", "StatefulSet", STATEFUL % "", STATEFUL % ", podManagementPolicy: OrderedReady, revisionHistoryLimit: 10"),
        ("apps/v1", "StatefulSet", STATEFUL % "", (STATEFUL % "").replace(": a}", ": a, volumeMode: Filesystem}")),
        ("batch/v1", "Job", "spec: {}", "spec: {parallelism: 2, backoffLimit: 1, activeDeadlineSeconds: 3, suspend: true}"),
        ("batch/v1", "Job", "spec: {completionMode: Indexed, completions: 1, parallelism: 1}",
         "spec: {completionMode: Indexed, completions: 2, parallelism: 2}"),
        ("batch/v1", "Job", f"spec: {{suspend: true, {TEMPLATE}}}",
         f"spec: {{suspend: true, {TEMPLATE}}}".replace("{containers", "{nodeSelector: {a: b}, containers")),
        ("batch/v1", "CronJob", f"spec: {{jobTemplate: {{spec: {{{TEMPLATE}}}}}}}", "spec: {schedule: a}"),
        ("v1", "Pod", f"spec: {{{POD}}}", f"spec: {{{POD}, activeDeadlineSeconds: 3, tolerations: [{{key: a}}]}}".replace("image: a", "image: b")),
        ("v1", "Service", "spec: {clusterIP: 10.0.0.1}", "spec: {type: NodePort}"),
        ("v1", "Service", "spec: {type: ExternalName}", "spec: {clusterIP: None}"),
        ("v1", "Service", "spec: {type: LoadBalancer, loadBalancerClass: a}", "spec: {type: ClusterIP}"),
        ("v1", "PersistentVolumeClaim", PVC % "", (PVC % "").replace("1Gi", "2Gi")),
        ("v1", "PersistentVolumeClaim", PVC % "", PVC % ", storageClassName: a, volumeName: b"),
        ("v1", "PersistentVolume", PV % "", PV % ", persistentVolumeReclaimPolicy: Retain, nodeAffinity: {required: {a: b}}"),
        ("storage.k8s.io/v1", "StorageClass", "provisioner: a", "provisioner: a\nallowVolumeExpansion: true\nreclaimPolicy: Delete"),
        ("v1", "ConfigMap", "data: {a: b}", "immutable: true\ndata: {a: c}"),
        ("v1", "Secret", "data: {a: b}", "type: Opaque\ndata: {a: c}"),
        ("rbac.authorization.k8s.io/v1", "RoleBinding", "subjects: [{name: a}]", "subjects: [{name: b}]"),
        ("scheduling.k8s.io/v1", "PriorityClass", "value: 1", "value: 1\ndescription: x\npreemptionPolicy: PreemptLowerPriority"),
        ("networking.k8s.io/v1", "Ingress", "spec: {ingressClassName: a}", "spec: {ingressClassName: b}"),
        ("policy/v1", "PodDisruptionBudget", "spec: {minAvailable: 1}", "spec: {minAvailable: 2}"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", CRD % "", CRD % ", {name: v2, served: true}"),
    ],
)  # fmt: skip
def test_what_can_be_changed(api, kind, base, head):
    assert found(text(api, kind, base), text(api, kind, head)) == []


def test_newer_kubernetes_changes_the_history_of_statefulsets():
    base, head = (text("apps/v1", "StatefulSet", STATEFUL % more) for more in ("", ", revisionHistoryLimit: 3"))
    assert found(base, head, kubernetes=(1, 34)) == []


def test_what_is_left_out_the_server_keeps():
    assert found(
        text("v1", "Service", "spec: {clusterIP: None}"), text("v1", "Service", "spec: {ports: [{port: 80}]}")
    ) == [("warning", "spec")]


def test_an_address_that_may_be_the_one_it_has():
    assert found(text("v1", "Service", "spec: {}"), text("v1", "Service", "spec: {clusterIP: 10.0.0.1}")) == [
        ("warning", "spec.clusterIP")
    ]


def test_what_is_deleted_and_made_anew_may_change():
    base, head = (text("apps/v1", "Deployment", f"spec: {{selector: {{a: {value}}}}}") for value in "bc")
    assert found(base, head, sync=Sync(frozenset({"Replace=true"}))) != []
    assert found(base, head, sync=Sync(frozenset({"Replace=true", "Force=true"}))) == []
    own = head.replace("shop}", 'shop, annotations: {"argocd.argoproj.io/sync-options": "Force=true,Replace=true"}}')
    assert found(base, own) == []


@pytest.mark.parametrize("hook", ["argocd.argoproj.io/hook: PreSync", "helm.sh/hook: pre-upgrade"])
def test_hooks_are_deleted_before_they_run_again(hook):
    base = text("batch/v1", "Job", f"spec: {{{TEMPLATE}}}")
    assert found(base, base.replace("image: a", "image: b")) == [("blocked", "spec.template")]
    base = base.replace("shop}", f"shop, annotations: {{{hook}}}}}")
    assert found(base, base.replace("image: a", "image: b")) == []


@pytest.mark.parametrize(
    "body", ["spec: []", "spec: null", "spec: {selector: 3, template: [], volumeClaimTemplates: {}}", "data: 4"]
)
@pytest.mark.parametrize(
    "kind", ["StatefulSet", "Job", "Service", "PersistentVolumeClaim", "Pod", "ConfigMap", "Deployment"]
)
def test_hostile_objects_do_no_harm(kind, body):
    group = {"StatefulSet": "apps/v1", "Deployment": "apps/v1", "Job": "batch/v1"}.get(kind, "v1")
    other = "spec: {serviceName: a, clusterIP: [1], ipFamilies: [{}], completions: x}"
    for one, two in ((body, other), (other, body)):
        found(text(group, kind, one), text(group, kind, two))
