"""Whether a change can be undone."""

import pytest

from previews.engine.manifests import read_resources, split_documents
from previews.engine.predict.context import Context, Sync
from previews.engine.predict.findings import Finding
from previews.engine.predict.objects import make_pair
from previews.engine.predict.rollback import rollback
from previews.engine.predict.sync_plan import sync_plan

PVC = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data, namespace: shop}\n"
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {type: LoadBalancer}\n"
SEALED = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: db, namespace: shop}\n"
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\ndata: {password: ⟨unstable:1⟩}\n"
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: shop}\ndata: {a: b}\n"
BUDGET = "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web, namespace: shop}\n"
WEBHOOK = """apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: guard}
webhooks: [{name: guard.example.com, failurePolicy: Fail}]
"""
CRD = """apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  versions:
  - name: v1
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: string}}}}}}
"""
STATEFUL = """apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec:
  replicas: 3
  serviceName: db
  persistentVolumeClaimRetentionPolicy: {whenScaled: Delete}
  template: {spec: {containers: [{name: db, image: "db:1.2.3"}]}}
  volumeClaimTemplates: [{metadata: {name: data}}]
"""
DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {template: {spec: {containers: [{name: web, image: "web:latest"}]}}}
"""
JOB = """apiVersion: batch/v1
kind: Job
metadata: {name: db-migrate, namespace: shop}
spec: {template: {spec: {containers: [{name: m, image: "web:1", command: [bin/run]}]}}}
"""


def way(base, head, back=(), restarts=False, **context):
    sides = ([one for part in split_documents(text) for one in read_resources(part, str)] for text in (base, head))
    pair = make_pair(*sides)
    given = Context(**context)
    found = rollback(pair, given, [], back, restarts, sync_plan(pair, given))
    return found.kind, [one.code for one in found.reasons], found


@pytest.mark.parametrize(
    ("base", "head", "kind", "code"),
    [
        (PVC, "", "irreversible", "RB-PVC-DEL"),
        (NAMESPACE, "", "irreversible", "RB-NS-DEL"),
        (CRD, "", "irreversible", "RB-CRD-DEL"),
        (CRD, CRD.replace("name: v1\n", "name: v2\n"), "manual", "RB-CRD-VERSION"),
        (CRD, CRD.replace("{size: {type: string}}", "{}"), "irreversible", "RB-CRD-PRUNE"),
        (STATEFUL, STATEFUL.replace("name: data", "name: disk"), "manual", "RB-STS-VCT"),
        (STATEFUL, STATEFUL.replace("serviceName: db", "serviceName: db2"), "manual", "RB-STS-VCT"),
        (STATEFUL, STATEFUL.replace("replicas: 3", "replicas: 1"), "irreversible", "RB-STS-SCALE-DEL"),
        (CONFIG, f"{CONFIG}immutable: true\n", "manual", "RB-IMMUT"),
        ("", JOB, "irreversible", "RB-HOOK"),
        ("", JOB.replace("db-migrate", "warm-up"), "manual", "RB-HOOK"),
        (SECRET, "", "irreversible", "RB-RANDOM"),
        (SEALED, "", "manual", "RB-SECRET-OWNER"),
        (SERVICE, "", "manual", "RB-SVC-RECREATE"),
        (SERVICE, SERVICE.replace("LoadBalancer", "ClusterIP"), "manual", "RB-SVC-RECREATE"),
        (BUDGET.replace("v1", "v1beta1"), BUDGET, "manual", "RB-API"),
    ],
)
def test_what_needs_more_than_a_revert(base, head, kind, code):
    found, codes, _ = way(base, head)
    assert (found, codes) == (kind, [code])


@pytest.mark.parametrize(
    ("base", "head", "code"),
    [
        (STATEFUL, STATEFUL.replace("1.2.3", "1.2.4"), "RB-STS-STUCK"),
        (DEPLOYMENT, DEPLOYMENT.replace("web:latest", "web:1.2.3"), "RB-TAG"),
        ("", WEBHOOK, "RB-WEBHOOK"),
    ],
)
def test_what_is_merely_possible_is_told_and_does_not_decide(base, head, code):
    assert way(base, head)[:2] == ("reversible", [code])


@pytest.mark.parametrize(
    ("base", "head"),
    [
        (CONFIG, CONFIG.replace("a: b", "a: c")),
        (CONFIG, ""),
        (PVC, PVC.replace("name: data,", "name: data, labels: {a: b},")),
        (PVC.replace("shop}", 'shop, annotations: {"argocd.argoproj.io/sync-options": Prune=false}}'), ""),
        (SECRET.replace("⟨unstable:1⟩", "x"), ""),
        (CRD, CRD.replace("type: string", "type: string, nullable: true")),
        (STATEFUL, STATEFUL.replace("replicas: 3", "replicas: 5")),
        (
            STATEFUL.replace("Delete", "Retain"),
            STATEFUL.replace("Delete", "Retain").replace("replicas: 3", "replicas: 1"),
        ),
        (DEPLOYMENT.replace("latest", "1.2.3"), DEPLOYMENT.replace("latest", "1.2.4")),
        (DEPLOYMENT.replace("latest", "1.2.3@sha256:0"), DEPLOYMENT),
        ("", WEBHOOK.replace("Fail", "Ignore")),
        ("", JOB.replace("shop}", 'shop, annotations: {"astrolabe.io/rollback": safe}}')),
        ("", JOB.replace("shop}", 'shop, annotations: {"helm.sh/hook": test}}')),
    ],
)
def test_what_a_revert_undoes(base, head):
    assert way(base, head)[:2] == ("reversible", [])


def test_a_restart_more():
    assert way(CONFIG, CONFIG.replace("a: b", "a: c"), restarts=True)[0] == "reversible-restart"


def test_a_revert_that_is_rejected():
    back = [Finding("IMMUTABLE", "blocked", "spec.selector cannot change"), Finding("X", "warning", "y")]
    found, codes, more = way(DEPLOYMENT, DEPLOYMENT.replace("latest", "2.0.1@sha256:0"), back)
    assert (found, codes) == ("manual", ["RB-BLOCKED", "RB-TAG"])
    assert more.reasons[0].message == "the revert is rejected: spec.selector cannot change"


def test_an_application_that_does_not_prune_leaves_things_behind():
    assert way("", CONFIG, sync=Sync(prunes=False))[:2] == ("manual", ["RB-NOPRUNE"])
    assert way(PVC, "", sync=Sync(prunes=False))[:2] == ("reversible", [])


def test_a_whole_application_that_goes():
    assert way(f"{PVC}---\n{CRD}", "", deletes_application=True)[1] == ["RB-PVC-DEL"]
    assert way(PVC, "", deletes_application=True, cascades=False)[1] == []


def test_what_another_application_takes_over_is_not_deleted():
    (pvc,) = read_resources(PVC, str)
    assert way(PVC, "", elsewhere={pvc.id: "other"})[1] == []


def test_the_point_of_no_return():
    found = way(f"{CONFIG}---\n{PVC}", CONFIG.replace("a: b", "a: c"))[2]
    assert found.point_of_no_return is not None
    assert (found.point_of_no_return.action, found.point_of_no_return.object.kind) == (
        "delete",
        "PersistentVolumeClaim",
    )
    assert way(CONFIG, CONFIG.replace("a: b", "a: c"))[2].point_of_no_return is None


@pytest.mark.parametrize(
    "spec", ["[]", "null", "5", "{versions: 3}", "{versions: [null, {name: [1]}]}", "{template: []}"]
)
@pytest.mark.parametrize(
    "kind", ["apps/v1 StatefulSet", "apiextensions.k8s.io/v1 CustomResourceDefinition", "batch/v1 Job"]
)
def test_hostile_objects_do_no_harm(kind, spec):
    version, name = kind.split()
    text = f"apiVersion: {version}\nkind: {name}\nmetadata: {{name: x}}\nspec: {spec}\n"
    way(text, text.replace("{name: x}", "{name: x, labels: {a: b}}"))
    way("", text)
    way(text, "")
