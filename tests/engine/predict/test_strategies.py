import pytest

from previews.engine.predict.cell import sync_of
from previews.engine.predict.context import Context, Sync
from previews.engine.predict.strategies import CHANGE_RULES, RULES
from tests.engine.predict.spec_rules import codes, findings, on_the_way


def workload(kind: str, spec: str) -> str:
    return f"apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: web}}\nspec: {spec}\n"


def asked(kind: str, spec: str, minor: int = 31) -> list[str]:
    return codes(findings(RULES, workload(kind, spec), Context(kubernetes=(1, minor))))


@pytest.mark.parametrize(
    ("kind", "rejected", "code", "accepted"),
    [
        ("Deployment", "{strategy: {type: Recreate, rollingUpdate: {}}}", "DEPLOY-STRATEGY", "{strategy: {type: Recreate, rollingUpdate: null}}"),
        ("Deployment", "{strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0%}}}", "DEPLOY-NO-PROGRESS", "{strategy: {rollingUpdate: {maxSurge: 0}}}"),
        ("Deployment", "{strategy: {rollingUpdate: {maxUnavailable: 101%}}}", "DEPLOY-AMOUNT", "{strategy: {rollingUpdate: {maxUnavailable: 100%}}}"),
        ("Deployment", "{strategy: {rollingUpdate: {maxSurge: '1'}}}", "DEPLOY-AMOUNT", "{strategy: {rollingUpdate: {maxSurge: 200%}}}"),
        ("Deployment", "{strategy: {rollingUpdate: {maxSurge: -1}}}", "DEPLOY-AMOUNT", "{strategy: {rollingUpdate: {maxSurge: 0}}}"),
        ("Deployment", "{replicas: -1}", "DEPLOY-NEGATIVE", "{replicas: 0}"),
        ("Deployment", "{minReadySeconds: 600}", "DEPLOY-DEADLINE", "{minReadySeconds: 599}"),
        ("Deployment", "{minReadySeconds: 5, progressDeadlineSeconds: 5}", "DEPLOY-DEADLINE", "{minReadySeconds: 5, progressDeadlineSeconds: 6}"),
        ("DaemonSet", "{updateStrategy: {rollingUpdate: {maxSurge: 1}}}", "DS-STRATEGY", "{updateStrategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}}"),
        ("DaemonSet", "{updateStrategy: {rollingUpdate: {maxUnavailable: 0}}}", "DS-STRATEGY", "{updateStrategy: {type: OnDelete, rollingUpdate: {maxUnavailable: 0}}}"),
        ("DaemonSet", "{updateStrategy: {rollingUpdate: {maxUnavailable: 101%}}}", "DS-AMOUNT", "{updateStrategy: {rollingUpdate: {maxUnavailable: 100%}}}"),
        ("DaemonSet", "{minReadySeconds: -1}", "DS-NEGATIVE", "{minReadySeconds: 0}"),
        ("StatefulSet", "{updateStrategy: {type: OnDelete, rollingUpdate: {partition: 0}}}", "STS-STRATEGY", "{updateStrategy: {type: OnDelete}}"),
        ("StatefulSet", "{updateStrategy: {rollingUpdate: {partition: -1}}}", "STS-NEGATIVE", "{updateStrategy: {rollingUpdate: {partition: 0}}}"),
        ("StatefulSet", "{ordinals: {start: -1}}", "STS-NEGATIVE", "{ordinals: {start: 0}}"),
    ],
)  # fmt: skip
def test_the_settings_of_a_strategy_have_limits(kind, rejected, code, accepted):
    assert asked(kind, rejected) == [code]
    assert asked(kind, accepted) == []


@pytest.mark.parametrize(("value", "code"), [("0", "STS-NO-PROGRESS"), ("101%", "STS-AMOUNT")])
def test_max_unavailable_of_a_stateful_set_is_read_since_1_35(value, code):
    spec = f"{{updateStrategy: {{rollingUpdate: {{maxUnavailable: {value}}}}}}}"
    assert asked("StatefulSet", spec, minor=35) == [code]
    assert asked("StatefulSet", spec, minor=34) == []
    assert asked("StatefulSet", "{updateStrategy: {rollingUpdate: {maxUnavailable: 100%}}}", minor=35) == []


def test_the_arithmetic_is_told_with_the_default_that_nobody_wrote():
    (found,) = findings(RULES, workload("DaemonSet", "{updateStrategy: {rollingUpdate: {maxSurge: 10%}}}"))
    assert found.message == (
        "maxSurge is 10% and maxUnavailable is 1 (the default): both are more than 0, and only one may be"
    )
    assert found.severity == "blocked"
    assert found.steps == ("spec", "updateStrategy", "rollingUpdate", "maxSurge")


def test_leaving_rolling_updates_leaves_what_the_server_filled_in():
    rolling, on_delete = workload("StatefulSet", "{}"), workload("StatefulSet", "{updateStrategy: {type: OnDelete}}")
    (found,) = on_the_way(CHANGE_RULES, rolling, on_delete)
    assert (found.code, found.severity, found.confidence) == ("STRATEGY-SWITCH", "warning", "likely")
    nulled = workload("StatefulSet", "{updateStrategy: {type: OnDelete, rollingUpdate: null}}")
    assert on_the_way(CHANGE_RULES, rolling, nulled) == []
    assert on_the_way(CHANGE_RULES, "", on_delete) == []


def test_a_deployment_may_leave_rolling_updates_unless_the_server_applies_it():
    sides = workload("Deployment", "{}"), workload("Deployment", "{strategy: {type: Recreate}}")
    assert on_the_way(CHANGE_RULES, *sides) == []
    on_server = Context(sync=Sync(frozenset({"ServerSideApply=true"})))
    assert codes(on_the_way(CHANGE_RULES, *sides, on_server)) == ["STRATEGY-SWITCH"]
    assert codes(
        on_the_way(
            CHANGE_RULES, *sides, Context(sync=sync_of("kind: Kustomization", by_argo_cd=False), by_argo_cd=False)
        )
    ) == ["STRATEGY-SWITCH"]
