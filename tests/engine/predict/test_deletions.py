"""What goes, what stays, what is lost, and what comes back under another name."""

import pytest

from previews.engine.manifests import ResourceId
from previews.engine.predict.context import Context, Sync
from tests.engine.predict.rollout_cells import findings, impact_of, service, thing, updating, workload

CLAIM_SPEC = {
    "accessModes": ["ReadWriteOnce"],
    "resources": {"requests": {"storage": "1Gi"}},
    "storageClassName": "fast",
}
CLAIM = thing("PersistentVolumeClaim", "data", spec=CLAIM_SPEC)
SETTINGS = thing("ConfigMap", "settings", data={"a": "b"})


def shop(**options):
    return Context(namespace="shop", **options)


def annotated(text, options):
    return text.replace("name: data", f"annotations: {{argocd.argoproj.io/sync-options: '{options}'}}\n  name: data", 1)


def test_a_claim_that_is_pruned_takes_its_data_along():
    (found,) = findings(CLAIM, "")["DATA-LOSS"]

    assert (found.severity, found.confidence) == ("irreversible", "likely")


@pytest.mark.parametrize(
    ("base", "context", "code"),
    [
        (CLAIM, shop(sync=Sync(prunes=False)), "LEFT-BEHIND"),
        (annotated(CLAIM, "Prune=false"), shop(), "LEFT-BEHIND"),
        (annotated(CLAIM, "Prune=confirm"), shop(), "PRUNE-CONFIRM"),
        (CLAIM, shop(elsewhere={ResourceId("", "PersistentVolumeClaim", "shop", "data"): "other"}), "ADOPTED"),
        (CLAIM, shop(deletes_application=True, cascades=False), "LEFT-BEHIND"),
        (annotated(CLAIM, "Delete=false"), shop(deletes_application=True), "LEFT-BEHIND"),
    ],
)
def test_what_stays_although_its_text_is_gone(base, context, code):
    assert list(findings(base, "", context)) == [code]


def test_an_annotation_that_comes_with_the_removal_is_too_late():
    """What counts is the live object, and that has the annotations of the base."""
    assert list(findings(annotated(CLAIM, "Delete=false"), "")) == ["DATA-LOSS"]


def test_a_volume_that_outlives_its_claim():
    retaining = thing("StorageClass", "fast", "storage.k8s.io/v1", provisioner="x", reclaimPolicy="Retain")

    assert "DATA-LOSS" not in findings(CLAIM + retaining, retaining)
    assert "DELETED" in findings(CLAIM + retaining, retaining)


def test_a_namespace_and_a_definition_take_all_in_them_along():
    names = {"kind": "Thing", "plural": "things"}
    definition = thing(
        "CustomResourceDefinition", "things.a.b", "apiextensions.k8s.io/v1", {"group": "a.b", "names": names}
    )
    others = {ResourceId("a.b", "Thing", "x", str(number)): "other" for number in range(3)}
    (found,) = findings(definition, "", shop(elsewhere=others))["DATA-LOSS"]

    assert "all objects of the kind Thing in the cluster go with it (3 objects in known applications)" in found.message
    assert "LEFT-BEHIND" in findings(definition, "", shop(deletes_application=True))
    assert "everything in the namespace" in findings(thing("Namespace", "x"), "")["DATA-LOSS"][0].message


def test_helms_policy_does_not_keep_argo_cd_from_pruning():
    kept = thing("ConfigMap", "settings", annotations={"helm.sh/resource-policy": "keep"})

    assert "does not stop Argo CD from pruning" in findings(kept, "")["DELETED"][0].message
    assert "LEFT-BEHIND" in findings(kept, "", shop(deletes_application=True))


def test_a_hook_that_goes_is_nothing():
    assert findings(thing("Job", "a", "batch/v1", annotations={"argocd.argoproj.io/hook": "PreSync"}), "") == {}


def test_another_group_of_the_same_object_is_no_deletion():
    base = thing("Ingress", version="extensions/v1beta1", spec={})

    assert findings(base, thing("Ingress", version="networking.k8s.io/v1", spec={})) == {}


@pytest.mark.parametrize(("policy", "expected"), [("Delete", True), ("Retain", False)])
def test_a_stateful_set_that_shrinks_may_delete_volumes(policy, expected):
    spec = {
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": CLAIM_SPEC}],
        "persistentVolumeClaimRetentionPolicy": {"whenScaled": policy, "whenDeleted": policy},
    }
    base, head = (workload("StatefulSet", number, spec=spec) for number in (5, 3))

    assert ("DATA-LOSS" in findings(base, head)) == expected
    assert ("DATA-LOSS" in findings(base, "")) == expected
    if expected:
        assert "2 × 1 = 2 volumes" in findings(base, head)["DATA-LOSS"][0].message


def test_a_rename_starts_from_none():
    base, head = workload(replicas=3), workload(replicas=3, name="front")
    (found,) = findings(base, head)["RENAMED"]
    one = impact_of(base, head)

    assert "Deployment web is deleted and front made in its place (100% equal)" in found.message
    assert (one.change, one.minimum, one.category) == ("renamed", 0, "outage")
    last = impact_of(base, head, shop(sync=Sync(frozenset({"PruneLast=true"}))))
    assert (last.minimum, last.peak, last.category) == (3, 6, "restart-safe")


def test_another_workload_is_no_rename():
    other = workload(
        "Deployment", 1, "other:1", False, name="other", spec=updating(), pod={"hostNetwork": True}, command=["x"]
    )

    assert "RENAMED" not in findings(workload(replicas=3), other)


def test_a_renamed_service_breaks_its_name():
    client = workload(name="client", env=[{"name": "URL", "value": "http://web.shop.svc:80/x"}])
    (found,) = findings(service() + client, service("front") + client)["RENAMED"]

    assert "the old DNS name no longer resolves" in found.message
    assert "still named by Deployment client" in found.message


def test_a_deleted_object_without_data_is_told_quietly():
    assert findings(SETTINGS, "")["DELETED"][0].severity == "info"


@pytest.mark.parametrize(
    ("finalizers", "expected"),
    [(["resources-finalizer.argocd.argoproj.io"], "all that it made goes with it"), ([], "what it made stays")],
)
def test_an_application_that_goes_takes_along_what_it_made_if_it_has_the_finalizer(finalizers, expected):
    metadata = {"name": "web", "namespace": "argocd", "finalizers": finalizers}
    (found,) = findings(thing("Application", version="argoproj.io/v1alpha1", metadata=metadata), "")["DELETED"]

    assert expected in found.message


def test_another_version_of_the_same_group_is_the_same_object():
    base = thing("HorizontalPodAutoscaler", version="autoscaling/v1", spec={})

    assert findings(base, base.replace("autoscaling/v1", "autoscaling/v2")) == {}
