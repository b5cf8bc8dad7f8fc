"""Where objects land: the destination's namespace for those that have one, and what Argo CD leaves alone."""

from __future__ import annotations

import inspect
import re

import pytest

from previews.engine.errors import ConfigError
from previews.engine.exclusions import exclusions
from previews.engine.manifests import ResourceId
from previews.engine.scope import CLUSTER_SCOPED
from tests.conftest import run_preview
from tests.engine.fleets import CONFIG, application

HEAD = "refs/pull/1/head"
OBJECTS = """apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data: {x: "1"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: b, namespace: own}
data: {x: "1"}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: c, namespace: wrong}
rules: []
---
apiVersion: example.com/v1
kind: Whole
metadata: {name: d}
spec: {x: 1}
---
apiVersion: example.com/v1
kind: Unknown
metadata: {name: e}
spec: {x: 1}
"""
DEFINITION = """apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: wholes.example.com
spec:
  group: example.com
  names:
    kind: Whole
    plural: wholes
  scope: Cluster
"""


@pytest.fixture
def preview(git, bench):
    def run(base, head, config=CONFIG):
        git.commit({"astrolabe.yaml": config, "clusters/c1/web.yaml": application("web", "plain"), **base})
        git.commit(head, ref=HEAD, start="refs/heads/main")
        return run_preview(bench(), HEAD)[1]["c1", "web"]

    return run


def places(cell):
    return {(item.state, item.id.kind, item.id.name): item.id.namespace for item in cell.resources}


def test_namespaced_and_unknown_kinds_get_the_destinations_namespace(preview):
    cell = preview(
        {"plain/all.yaml": OBJECTS, "crds/whole.yaml": DEFINITION}, {"plain/all.yaml": None, "plain/a.txt": ""}
    )
    assert places(cell) == {
        ("removed", "ConfigMap", "a"): "apps",
        ("removed", "ConfigMap", "b"): "own",
        ("removed", "ClusterRole", "c"): "",
        ("removed", "Whole", "d"): "",
        ("removed", "Unknown", "e"): "apps",
    }


def test_another_destination_namespace_moves_what_names_none(preview):
    moved = application("web", "plain").replace("namespace: apps", "namespace: elsewhere")
    cell = preview({"plain/all.yaml": OBJECTS, "crds/whole.yaml": DEFINITION}, {"clusters/c1/web.yaml": moved})
    assert (cell.value, cell.yaml, cell.cause) == ("unchanged", "changed", ("target",))
    assert places(cell) == {
        ("removed", "ConfigMap", "a"): "apps",
        ("added", "ConfigMap", "a"): "elsewhere",
        ("removed", "Unknown", "e"): "apps",
        ("added", "Unknown", "e"): "elsewhere",
    }


def test_the_same_object_with_and_without_the_namespace_is_one_and_the_last_counts(preview):
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a{0}}}\ndata: {{x: '{1}'}}\n"
    both = text.format("", 1) + "---\n" + text.format(", namespace: apps", 2)
    changed = preview({"plain/a.yaml": both}, {"plain/a.yaml": both.replace("'1'", "'3'").replace("'2'", "'4'")})
    assert {(item.state, item.id.namespace, item.lines) for item in changed.resources} == {("changed", "apps", (1, 1))}
    assert any("more than once" in note for note in changed.notes)


def test_kinds_that_argo_cd_leaves_alone_are_left_out_and_counted(preview):
    lease = "---\napiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {name: l}\nspec: {a: 1}\n"
    excluded = f"{CONFIG}argocd:\n  resource.exclusions: |\n    - {{apiGroups: [example.com], kinds: ['Unk*']}}\n"
    head = OBJECTS.replace("x: 1", "x: 2").replace('x: "1"', 'x: "2"') + lease
    cell = preview({"plain/all.yaml": OBJECTS}, {"plain/all.yaml": head}, config=excluded)
    assert {name for _, _, name in places(cell)} == {"a", "b", "d"}
    assert "left out, since Argo CD is told to leave such kinds alone: 1 Lease, 1 Unknown" in cell.notes


def test_inclusions_let_only_these_through():
    rules = exclusions({"resource.inclusions": "- {apiGroups: ['*'], kinds: [Deployment], clusters: ['prod-*']}"})
    deployment = ResourceId("apps", "Deployment", "a", "b")
    assert not rules.excludes(deployment, "prod-1")
    assert rules.excludes(deployment, "stage-1")
    assert rules.excludes(ResourceId("", "Secret", "a", "b"), "prod-1")
    with pytest.raises(ConfigError, match=r"argocd.resource.exclusions.* must be a list"):
        exclusions({"resource.exclusions": "a: b"})


def test_the_table_of_cluster_scoped_kinds_is_that_of_kubernetes():
    """The client has create_namespaced_x for namespaced kinds and create_x (or replace_x) for the others."""
    from kubernetes import client

    group_of = {
        "": "", "Admissionregistration": "admissionregistration.k8s.io", "Apiextensions": "apiextensions.k8s.io",
        "Apiregistration": "apiregistration.k8s.io", "Apps": "apps", "Autoscaling": "autoscaling", "Batch": "batch",
        "Authentication": "authentication.k8s.io", "Authorization": "authorization.k8s.io",
        "Certificates": "certificates.k8s.io", "Coordination": "coordination.k8s.io", "Discovery": "discovery.k8s.io",
        "Events": "events.k8s.io", "FlowcontrolApiserver": "flowcontrol.apiserver.k8s.io",
        "InternalApiserver": "internal.apiserver.k8s.io", "Networking": "networking.k8s.io", "Node": "node.k8s.io",
        "Policy": "policy", "RbacAuthorization": "rbac.authorization.k8s.io", "Resource": "resource.k8s.io",
        "Scheduling": "scheduling.k8s.io", "Storage": "storage.k8s.io", "Core": "",
        "Storagemigration": "storagemigration.k8s.io",
    }  # fmt: skip
    cluster, namespaced = set(), set()
    for name, api in inspect.getmembers(client, inspect.isclass):
        found = re.fullmatch(r"(\w+?)V\d+(?:alpha\d+|beta\d+)?Api", name)
        if not found:
            continue
        for method in dir(api):
            made = re.fullmatch(r"create_(namespaced_)?(\w+)", method)
            if made and not method.endswith(("_with_http_info", "_binding_eviction", "_token")):
                kind = made[2].replace("_", "").lower()
                (namespaced if made[1] else cluster).add((group_of.get(found[1], found[1]), kind))
    ours = {(group, kind.lower()) for group, kind in CLUSTER_SCOPED}
    assert len(cluster) > 25
    assert cluster - ours - namespaced == set()
    assert ours & namespaced == set()
