"""Cells for the tests of rollouts: texts of both sides, and what the rules say of them."""

from previews.engine.manifests import read_resources, split_documents
from previews.engine.masking import make_mask
from previews.engine.predict import deletions, impact, renames, replicas, restarts, routes, settings
from previews.engine.predict.context import Context
from previews.engine.predict.impact import impacts
from previews.engine.predict.objects import make_pair
from previews.engine.scope import place_all
from previews.engine.yamls import dump

CHANGE_RULES = [
    rule
    for module in (restarts, replicas, settings, deletions, renames, routes, impact)
    for rule in module.CHANGE_RULES
]
KUBERNETES = Context(namespace="shop")
READY = {"httpGet": {"port": 8080}, "initialDelaySeconds": 20}


def resources(text, mask=None):
    found = [one for part in split_documents(text) for one in read_resources(part, mask or make_mask(b"key"))]
    return place_all(found, "shop", frozenset())


def pair_of(base, head):
    return make_pair(resources(base), resources(head))


def findings(base, head, context=KUBERNETES, rules=None):
    """What the rules about the way say, by code."""
    pair = pair_of(base, head)
    found = {}
    for rule in rules or CHANGE_RULES:
        for one in rule(pair, context):
            found.setdefault(one.code, []).append(one)
    return found


def impact_of(base, head, context=KUBERNETES, kind="", **options):
    """The one impact on a workload (or on an object of a kind)."""
    (one,) = [
        one
        for one in impacts(pair_of(base, head), context, **options)
        if (one.object.kind == kind if kind else one.object.kind != "Service")
    ]
    return one


def workload(
    kind="Deployment", replicas=None, image="app:1", ready=True, labels=None, name="web", spec=None, pod=None, **more
):
    """A workload's text; `more` are fields of its container."""
    container = {"name": "web", "image": image, "ports": [{"containerPort": 8080, "name": "http"}], **more}
    if ready:
        container["readinessProbe"] = READY
    content = {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            **({} if replicas is None else {"replicas": replicas}),
            **(spec or {}),
            "template": {
                "metadata": {"labels": {"app": name, **(labels or {})}},
                "spec": {"containers": [container], **(pod or {})},
            },
        },
    }
    return "---\n" + dump(content)


def rolling(surge, unavailable):
    return {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}}


def updating(**fields):
    return {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": fields}}


def thing(kind, name="web", version="v1", spec=None, annotations=None, **fields):
    """Any other object."""
    metadata = {"name": name, "namespace": "shop", **({"annotations": annotations} if annotations else {})}
    content = {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}
    return "---\n" + dump({**content, "spec": spec} if spec is not None else content)


def service(name="web", selector=None, port=80, target=8080, annotations=None, **spec):
    ports = [{"port": port, "targetPort": target}]
    return thing(
        "Service", name, spec={"selector": selector or {"app": "web"}, "ports": ports, **spec}, annotations=annotations
    )


def autoscaler(low=4, high=10, name="web"):
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    return thing(
        "HorizontalPodAutoscaler",
        name,
        "autoscaling/v2",
        {"scaleTargetRef": target, "minReplicas": low, "maxReplicas": high},
    )


def budget(**spec):
    return thing("PodDisruptionBudget", "web", "policy/v1", {"selector": {"matchLabels": {"app": "web"}}, **spec})
