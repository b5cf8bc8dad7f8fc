"""Which pods are replaced, which keep old settings, and whose replicas an autoscaler has."""

import pytest

from previews.engine.predict import replicas as replicas_rules
from previews.engine.predict.context import Context, Sync
from tests.engine.predict.rollout_cells import autoscaler, findings, impact_of, pair_of, thing, workload


def settings(value="info", kind="ConfigMap", name="settings", **more):
    key = "data" if kind == "ConfigMap" else "stringData"
    return thing(kind, name, **{key: {"LEVEL": value, "OTHER": "x"}}, **more)


def variable(key, kind="configMap"):
    return {"env": [{"name": "A", "valueFrom": {f"{kind}KeyRef": {"name": "settings", "key": key}}}]}


def mounted(sub_path="", items=None, **source):
    mount = {"name": "files", "mountPath": "/etc/x", **({"subPath": sub_path} if sub_path else {})}
    found = {"configMap": {"name": "settings", **({"items": items} if items else {})}, **source}
    return {"volumeMounts": [mount], "pod": {"volumes": [{"name": "files", **found}]}}


def test_a_restart_names_what_changes():
    base, head = (workload(image=image, replicas=2) for image in ("app:1", "app:2"))
    (found,) = findings(base, head)["RESTART"]

    assert found.message == "Deployment web replaces its pods: spec.containers.web.image app:1 → app:2"
    assert found.steps == ("spec", "template", "spec", "containers", 0, "image")


@pytest.mark.parametrize(
    ("base", "head"),
    [
        (workload(replicas=2), workload(replicas=2, spec={"minReadySeconds": 5})),
        (workload(replicas=2), workload(replicas=2, imagePullPolicy="IfNotPresent")),
        (workload(replicas=2), workload(replicas=2, spec={"strategy": {"type": "Recreate"}})),
        (
            workload(replicas=2),
            workload(replicas=2).replace("name: web", "labels: {helm.sh/chart: web-2}\n  name: web", 1),
        ),
        (
            workload(replicas=2, resources={"limits": {"cpu": 1}}),
            workload(replicas=2, resources={"limits": {"cpu": "1000m"}}),
        ),
    ],
)
def test_what_is_no_part_of_the_template_or_says_the_same_restarts_nothing(base, head):
    assert pair_of(base, head).changes
    assert findings(base, head) == {}


def test_values_that_differ_at_each_render_are_no_reason_to_restart():
    base, head = (workload(labels={"salt": f"⟨unstable:{number}⟩"}) for number in (1, 2))

    assert findings(base, head) == {}


def test_a_checksum_of_settings_that_only_get_another_label_is_no_functional_change():
    def side(version, value="info"):
        template = workload(labels={"helm.sh/chart": version}).replace(
            "template:\n    metadata:\n",
            f"template:\n    metadata:\n      annotations: {{checksum/config: '{version}'}}\n",
        )
        return template + settings(value, metadata={"name": "settings", "namespace": "shop", "labels": {"v": version}})

    assert "RESTART-NO-CHANGE" in findings(side("1"), side("2"))
    assert "RESTART" in findings(side("1"), side("2", "debug"))


def test_a_real_label_is_a_functional_change():
    assert "RESTART" in findings(workload(), workload(labels={"tier": "front"}))


def test_a_cron_job_changes_with_its_next_run():
    def job(image):
        pod = {"restartPolicy": "Never", "containers": [{"name": "a", "image": image}]}
        return thing(
            "CronJob",
            version="batch/v1",
            spec={"schedule": "@daily", "jobTemplate": {"spec": {"template": {"spec": pod}}}},
        )

    (found,) = findings(job("a:1"), job("a:2"))["NEXT-RUN"]

    assert "counts for its next run" in found.message


@pytest.mark.parametrize(
    ("reader", "confidence"),
    [
        (variable("LEVEL"), "certain"),
        (mounted("LEVEL"), "certain"),
        (mounted("level.txt", [{"key": "LEVEL", "path": "level.txt"}]), "certain"),
        (mounted(), "likely"),
        (mounted(configMap=None, projected={"sources": [{"configMap": {"name": "settings"}}]}), "likely"),
    ],
)
def test_pods_keep_what_they_read_before(reader, confidence):
    base, head = (workload(**reader) + settings(value) for value in ("info", "debug"))
    (found,) = findings(base, head)["STALE-CONFIG"]

    assert found.confidence == confidence
    assert found.severity == "warning"


@pytest.mark.parametrize(
    "reader",
    [
        variable("OTHER"),
        mounted("OTHER"),
        mounted("", [{"key": "OTHER", "path": "x"}]),
        {},
        variable("LEVEL", "secret"),
    ],
)
def test_who_does_not_read_what_changes_is_not_told_of(reader):
    base, head = (workload(**reader) + settings(value) for value in ("info", "debug"))

    assert findings(base, head) == {}


def test_a_secret_by_its_masked_values():
    base, head = (workload(**variable("LEVEL", "secret")) + settings(value, "Secret") for value in ("a", "b"))

    assert "STALE-CONFIG" in findings(base, head)
    assert "debug" not in findings(base, head)["STALE-CONFIG"][0].message


def test_the_same_secret_written_in_another_way_is_no_change():
    base = workload(**variable("LEVEL", "secret")) + thing("Secret", "settings", stringData={"LEVEL": "a"})
    head = workload(**variable("LEVEL", "secret")) + thing("Secret", "settings", data={"LEVEL": "YQ=="})

    assert findings(base, head) == {}


def test_a_workload_that_restarts_reads_the_new_value_and_another_keeps_the_old_one():
    def side(value, image):
        return workload(image=image, **variable("LEVEL")) + workload(name="old", **variable("LEVEL")) + settings(value)

    (found,) = findings(side("info", "app:1"), side("debug", "app:2"))["STALE-CONFIG"]

    assert found.severity == "degraded"
    assert "Deployment old reads it" in found.message
    assert "while Deployment web restarts with the new one" in found.message


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ({"reloader.stakater.com/auto": "true"}, True),
        ({"configmap.reloader.stakater.com/reload": "other, settings"}, True),
        ({"secret.reloader.stakater.com/reload": "settings"}, False),
        ({"wave.pusher.com/update-on-config-change": "true"}, True),
    ],
)
def test_an_operator_that_watches_settings_restarts_the_pods(annotations, expected):
    text = workload(replicas=2, **variable("LEVEL")).replace("name: web", f"annotations: {annotations}\n  name: web", 1)
    found = findings(text + settings(), text + settings("debug"))

    assert ("RESTART-BY-OPERATOR" in found) == expected
    assert ("STALE-CONFIG" in found) != expected
    if expected:
        one = impact_of(text + settings(), text + settings("debug"))
        assert (one.change, one.confidence, one.waves) == ("now", "likely", 2)


def test_a_server_side_apply_leaves_replicas_to_who_changed_them_last():
    context = Context(namespace="shop", sync=Sync(frozenset({"ServerSideApply=true"})))
    base, head = workload(replicas=10) + autoscaler(), workload() + autoscaler()
    (found,) = findings(base, head, context)["REPLICAS-HANDOVER"]

    assert (found.severity, found.confidence) == ("warning", "possible")


def test_replicas_that_nobody_else_sets_are_no_handover():
    assert "REPLICAS-HANDOVER" not in findings(workload(replicas=10), workload())
    (found,) = findings(workload(replicas=10), workload())["SCALE"]
    assert "10 → 1 replica" in found.message


def test_a_scaled_object_counts_as_an_autoscaler():
    scaled = thing(
        "ScaledObject", version="keda.sh/v1alpha1", spec={"scaleTargetRef": {"name": "web"}, "minReplicaCount": 3}
    )

    assert "REPLICAS-HANDOVER" in findings(workload(replicas=10) + scaled, workload() + scaled)


def test_an_autoscaler_that_may_do_less():
    (found,) = findings(workload() + autoscaler(4, 10), workload() + autoscaler(2, 5))["HPA-CAPACITY"]

    assert "its least replicas go from 4 to 2 and its most replicas go from 10 to 5" in found.message
    assert "HPA-CAPACITY" not in findings(workload() + autoscaler(4, 10), workload() + autoscaler(5, 12))


@pytest.mark.parametrize(
    ("replicas", "options", "expected"),
    [(3, (), 1), (None, (), 0), (3, ("RespectIgnoreDifferences=true",), 0)],
)
def test_a_number_of_replicas_against_an_autoscaler(replicas, options, expected):
    pair = pair_of("", workload(replicas=replicas) + autoscaler())
    context = Context(namespace="shop", sync=Sync(frozenset(options)))

    found = list(replicas_rules.find_fights(pair.head, context))

    assert len(found) == expected
    assert all("each sync sets Deployment web to 3 replicas, while" in one.message for one in found)


def test_with_an_autoscaler_its_least_number_counts():
    base, head = (workload(image=image) + autoscaler(4, 10) for image in ("app:1", "app:2"))

    one = impact_of(base, head)

    assert (one.before, one.after, one.minimum) == (4, 4, 3)
