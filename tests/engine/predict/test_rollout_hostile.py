"""No content is too strange for the rules about rollouts, and none takes long."""

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from previews.engine.manifests import ResourceId, make_resource
from previews.engine.predict import disruptions, replicas, routes
from previews.engine.predict.context import Context, Sync
from previews.engine.predict.impact import impacts
from previews.engine.predict.objects import make_pair
from previews.engine.yamls import dump, load
from tests.engine.predict.rollout_cells import (
    CHANGE_RULES,
    autoscaler,
    budget,
    findings,
    impact_of,
    service,
    thing,
    workload,
)

STATE_RULES = [*disruptions.RULES, *replicas.RULES, *routes.RULES]
TEXTS = [
    workload(pod={"volumes": [{"name": "a", "configMap": {"name": "web"}}]}, envFrom=[{"secretRef": {"name": "web"}}]),
    workload("StatefulSet", 3, spec={"volumeClaimTemplates": [{"metadata": {"name": "a"}, "spec": {}}]}),
    workload("DaemonSet"),
    service(),
    autoscaler(),
    budget(minAvailable=1),
    thing("ConfigMap", data={"a": "b"}),
    thing("Secret", stringData={"a": "b"}),
    thing("PersistentVolumeClaim", spec={"accessModes": ["ReadWriteOnce"]}),
    thing("NetworkPolicy", version="networking.k8s.io/v1", spec={"podSelector": {}, "ingress": [{"from": [{}]}]}),
    thing("ResourceQuota", spec={"hard": {"cpu": 1}}),
    thing("CronJob", version="batch/v1", spec={"jobTemplate": {"spec": {"template": {"spec": {}}}}}),
    thing("CustomResourceDefinition", version="apiextensions.k8s.io/v1", spec={"group": "a", "names": {"kind": "b"}}),
    thing(
        "Ingress",
        version="networking.k8s.io/v1",
        spec={
            "rules": [
                {"host": "a", "http": {"paths": [{"backend": {"service": {"name": "web", "port": {"number": 1}}}}]}}
            ]
        },
    ),
    thing(
        "HTTPRoute",
        version="gateway.networking.k8s.io/v1",
        spec={"hostnames": ["a"], "rules": [{"matches": [{"path": {"value": "/"}}], "backendRefs": [{"name": "web"}]}]},
    ),
]
ODD = [
    None,
    [],
    {},
    0,
    -1,
    1e308,
    10**30,
    True,
    "",
    "x",
    "25%",
    [None],
    [[]],
    [{}],
    {"name": None},
    {"a": {}},
    ["a", 1],
    "⟨unstable:1⟩",
]


def places(value, steps=()):
    """The steps to all that stands in a value."""
    yield steps
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in pairs:
        yield from places(below, (*steps, key))


def broken(value, steps, odd):
    if not steps:
        return odd
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[steps[0]] = broken(value[steps[0]], steps[1:], odd)
    return copy


def resource(content, kind):
    return make_resource(ResourceId(*kind), "v1", dump(content))


CONTENTS = [load(text.removeprefix("---\n")) for text in TEXTS]
KINDS = [(one["apiVersion"].rpartition("/")[0], one["kind"], "shop", "web") for one in CONTENTS]
CONTEXT = Context(namespace="shop", nodes=3, sync=Sync(frozenset({"Force=true"})))


def judged(base, head):
    pair = make_pair(base, head)
    for rule in CHANGE_RULES:
        for one in rule(pair, CONTEXT):
            assert one.message
    for side in (pair.base, pair.head):
        for rule in STATE_RULES:
            list(rule(side, CONTEXT))
    return impacts(pair, CONTEXT)


BROKEN = [(place, steps) for place, one in enumerate(CONTENTS) for steps in places(one) if steps]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from(BROKEN), st.sampled_from(ODD)), max_size=12))
def test_no_field_of_another_type_is_too_strange(changes):
    sides = [list(CONTENTS), list(CONTENTS)]
    for is_head, (place, steps), odd in changes:
        with contextlib.suppress(KeyError, IndexError, TypeError):
            sides[is_head][place] = broken(sides[is_head][place], steps, odd)

    judged(*([resource(*one) for one in zip(side, KINDS, strict=True)] for side in sides))


@pytest.mark.parametrize("place", range(len(CONTENTS)))
def test_every_field_of_every_kind_may_be_anything(place):
    content, kind = CONTENTS[place], KINDS[place]
    others = [resource(one, two) for one, two in zip(CONTENTS, KINDS, strict=True) if two != kind]
    for steps in [one for one in places(content) if one]:
        for odd in (None, [], {}, "x", 7, [None], [{"name": {}}]):
            strange = resource(broken(content, steps, odd), kind)
            judged([*others, resource(content, kind)], [*others, strange])
            judged([*others, strange], [*others, resource(content, kind)])


def test_a_large_cell_is_judged_in_little_time():
    base, head = (
        "".join(
            workload(name=f"w{number}", image=image, replicas=3) + service(f"w{number}", {"app": f"w{number}"})
            for number in range(25)
        )
        for image in ("app:1", "app:2")
    )
    findings(base, head)
    began = time.perf_counter()
    found = findings(base, head)

    assert len(found["RESTART"]) == 25
    assert time.perf_counter() - began < 0.5


def test_huge_numbers_are_not_counted_one_by_one():
    assert impact_of(workload(replicas=2**31 - 1), workload(replicas=2**31 - 1, image="app:2")).waves == 3
    assert impact_of(workload(replicas=10**40, image="a"), workload(replicas=10**40)).before == 1
