from previews.engine.manifests import ResourceId
from previews.engine.predict.context import Context, Sync
from previews.engine.predict.duplicates import RULES
from tests.engine.predict.spec_rules import findings

SETTINGS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: shop}\n"
ELSEWHERE = {ResourceId("", "ConfigMap", "shop", "settings"): "billing"}


def test_an_object_that_another_application_has_is_told_with_its_name():
    (found,) = findings(RULES, SETTINGS, Context(elsewhere=ELSEWHERE))
    assert (found.code, found.severity, found.value) == ("OBJ-DUP", "warning", "billing")
    assert found.message == "the application billing has this ConfigMap too: both write it, and the last sync wins"


def test_objects_with_another_name_or_namespace_are_others():
    for other in (SETTINGS.replace("settings", "more"), SETTINGS.replace("shop", "bank")):
        assert findings(RULES, other, Context(elsewhere=ELSEWHERE)) == []
    assert findings(RULES, SETTINGS) == []


def test_a_sync_may_be_told_to_fail():
    fails = Sync(frozenset({"FailOnSharedResource=true"}))
    (found,) = findings(RULES, SETTINGS, Context(elsewhere=ELSEWHERE, sync=fails))
    assert (found.severity, found.confidence) == ("blocked", "likely")
    (flux,) = findings(RULES, SETTINGS, Context(elsewhere=ELSEWHERE, sync=fails, by_argo_cd=False))
    assert flux.severity == "warning"


def test_names_that_kubernetes_completes_are_never_the_same():
    job = "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: migrate-, namespace: shop}\n"
    elsewhere = {ResourceId("batch", "Job", "shop", "migrate-*"): "billing"}
    assert findings(RULES, job, Context(elsewhere=elsewhere)) == []
