"""What a sync does, step by step."""

import pytest

from previews.engine.manifests import read_resources
from previews.engine.predict.context import Context, Sync
from previews.engine.predict.objects import make_pair
from previews.engine.predict.sync_plan import outcome, sync_plan


def one(kind, name, wave=None, hook=None, helm=None, weight=None, options=None, text="", namespace="shop"):
    annotations = {
        "argocd.argoproj.io/sync-wave": wave,
        "argocd.argoproj.io/hook": hook,
        "helm.sh/hook": helm,
        "helm.sh/hook-weight": weight,
        "argocd.argoproj.io/sync-options": options,
    }
    lines = "".join(f'    {key}: "{value}"\n' for key, value in annotations.items() if value is not None)
    return (
        f"apiVersion: v1\nkind: {kind}\nmetadata:\n  name: {name}\n"
        + (f"  namespace: {namespace}\n" if namespace else "")
        + (f"  annotations:\n{lines}" if lines else "")
        + f"text: x{text}\n"
    )


def plan_of(base, head, **context):
    pair = make_pair(*([found for text in side for found in read_resources(text, str)] for side in (base, head)))
    steps = sync_plan(pair, Context(**context))
    return [f"{step.phase} {step.wave} {step.action} {step.object.kind} {step.object.name}" for step in steps], steps


def test_objects_come_by_kind_and_then_by_name():
    head = [
        one(kind, name) for kind, name in (("Deployment", "b"), ("Widget", "w"), ("Deployment", "a"), ("Secret", "s"))
    ]
    found, _ = plan_of([], head)
    assert found == [
        "Sync 0 create Secret s",
        "Sync 0 create Deployment a",
        "Sync 0 create Deployment b",
        "Sync 0 create Widget w",
    ]


def test_waves_come_in_their_order_and_what_does_not_change_has_no_turn():
    base = [one("ConfigMap", "same"), one("Deployment", "web", wave=-1)]
    head = [one("ConfigMap", "same"), one("Deployment", "web", wave=-1, text="2"), one("Secret", "s", wave="x")]
    found, _ = plan_of(base, head)
    assert found == ["Sync -1 change Deployment web", "Sync 0 create Secret s"]


def test_hooks_run_in_each_sync():
    job = one("Job", "migrate", helm="pre-install,pre-upgrade,test", weight="-5")
    both = one("Job", "both", hook="PreSync, PostSync")
    found, _ = plan_of([job, both], [job, both, one("ConfigMap", "c")])
    assert found == [
        "PreSync -5 run Job migrate",
        "PreSync 0 run Job both",
        "Sync 0 create ConfigMap c",
        "PostSync 0 run Job both",
    ]


def test_hooks_that_are_none_of_a_sync_have_no_turn():
    found, _ = plan_of(
        [], [one("Job", "a", helm="test"), one("Job", "b", hook="Skip"), one("Job", "c", hook="PreDelete")]
    )
    assert found == []


def test_what_goes_goes_in_reverse():
    base = [one("ConfigMap", "a", wave=1), one("ConfigMap", "b", wave=2), one("ConfigMap", "c", wave=3)]
    found, _ = plan_of(base, [])
    assert found == ["Sync 1 delete ConfigMap c", "Sync 2 delete ConfigMap b", "Sync 3 delete ConfigMap a"]


def test_what_is_pruned_last_goes_last():
    base = [one("ConfigMap", "a"), one("ConfigMap", "b", options="PruneLast=true")]
    found, _ = plan_of(base, [one("Secret", "s", wave=4)])
    assert found == ["Sync 0 delete ConfigMap a", "Sync 4 create Secret s", "Sync 5 delete ConfigMap b"]
    everything, _ = plan_of(base, [], sync=Sync(frozenset({"PruneLast=true"})))
    assert everything == ["Sync 1 delete ConfigMap a", "Sync 1 delete ConfigMap b"]


@pytest.mark.parametrize("options", ["Prune=false", "Prune=confirm,Replace=true"])
def test_what_is_kept_has_no_turn(options):
    assert plan_of([one("ConfigMap", "a", options=options)], [])[0] == []


def test_an_application_that_does_not_prune_deletes_nothing():
    base = [one("ConfigMap", "a")]
    assert plan_of(base, [], sync=Sync(prunes=False))[0] == []
    assert plan_of(base, [], sync=Sync(prunes=False), deletes_application=True)[0] != []


def test_a_namespace_comes_before_what_is_in_it():
    found, _ = plan_of([], [one("Secret", "s", wave=-2), one("Namespace", "shop", namespace=""), one("ConfigMap", "c")])
    assert found == ["Sync -2 create Namespace shop", "Sync -2 create Secret s", "Sync 0 create ConfigMap c"]


def test_flux_knows_no_waves():
    assert plan_of([], [one("Secret", "s")], by_argo_cd=False)[0] == []


def test_how_far_a_sync_comes():
    head = [one("Secret", "s", wave=-1), one("Deployment", "web"), one("Service", "web")]
    _, steps = plan_of([], head)
    secret, service, web = (step.object for step in steps)
    assert outcome(steps, []) == "ok"
    assert outcome(steps, [secret, web]) == "blocked"
    assert outcome(steps, [web]) == "partial"
    assert outcome(steps[1:], [service]) == "blocked"
