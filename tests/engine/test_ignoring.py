"""Differences that rules hide: they are taken out of both sides, counted, and shown on request."""

from __future__ import annotations

import time

import pytest

from previews.engine.compare import Viewpoint, compare_manifests
from previews.engine.config import Ignore, parse_config
from previews.engine.errors import ConfigError
from previews.engine.ignoring import without
from previews.engine.manifests import Manifest, read_resources
from previews.engine.masking import make_mask
from previews.engine.rules import make_rules
from tests.conftest import run_preview
from tests.engine.fleets import CONFIG, application

HEAD = "refs/pull/1/head"
WORKLOAD = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  template:
    spec:
      containers:
      - {name: app, image: "app:1"}
      - {name: proxy, image: "proxy:1"}
"""


def manifest(text):
    return Manifest(tuple(read_resources(text, make_mask(b"k"))))


def compared(base, head, *rules, head_rules=None):
    sides = (Viewpoint(rules), Viewpoint(rules if head_rules is None else head_rules))
    return compare_manifests(manifest(base), manifest(head), viewpoints=sides)


@pytest.fixture
def preview(git, bench):
    """The cell of one application made of plain files."""

    def run(base, head, rule="", config=CONFIG, **options):
        app = application("web", "plain").replace("  source:", f"{rule}  source:")
        git.commit({"astrolabe.yaml": config, "clusters/c1/web.yaml": app, "plain/a.yaml": base})
        git.commit({"plain/a.yaml": head, "plain/more.txt": ""}, ref=HEAD, start="refs/heads/main")
        return run_preview(bench(**options), HEAD)[1].get(("c1", "web"))

    return run


def test_an_ignored_field_beside_another_change_does_not_show():
    head = WORKLOAD.replace("replicas: 2", "replicas: 5").replace("app:1", "app:2")
    found = compared(WORKLOAD, head, Ignore("Deployment", "", ("/spec/replicas",), "apps"))
    assert [change.lines for change in found.changes] == [(1, 1)]
    (hidden,) = found.hidden
    assert (hidden.id.name, hidden.count) == ("web", 1)
    texts = [without(text, steps) for text, steps in ((WORKLOAD, hidden.base), (head, hidden.head))]
    assert not any("replicas" in text for text in texts)
    assert texts[0].replace("app:1", "app:2") == texts[1]


def test_ignored_fields_that_are_the_same_leave_the_text_as_it_was():
    head = WORKLOAD.replace("app:1", "app:2") + "# a comment that stays\n"
    found = compared(WORKLOAD, head, Ignore("Deployment", "", ("/spec/replicas",)))
    assert (found.hidden, len(found.changes)) == ((), 1)


def test_fields_are_counted_and_not_resources():
    head = WORKLOAD.replace("replicas: 2", "replicas: 5").replace("proxy:1", "proxy:2")
    rule = Ignore("Deployment", "", ("/spec/replicas", "/spec/template/spec/containers/1/image"))
    found = compared(WORKLOAD, head, rule)
    assert (found.changes, [one.count for one in found.hidden]) == ((), [2])


def test_an_annotation_that_only_one_side_has_leaves_no_empty_parent():
    head = WORKLOAD.replace("{name: web}", "{name: web, annotations: {stamp: now}}")
    found = compared(WORKLOAD, head, Ignore("", "", ("/metadata/annotations/stamp",)))
    assert (found.changes, [one.count for one in found.hidden]) == ((), [1])


def test_pointers_apply_one_after_the_other():
    """As in Argo CD, removing place 0 twice removes what stood at 0 and 1."""
    head = WORKLOAD.replace("app:1", "app:2").replace("proxy:1", "proxy:2")
    place = "/spec/template/spec/containers/0"
    found = compared(WORKLOAD, head, Ignore("", "", (place, place)))
    assert (found.changes, len(found.hidden)) == ((), 1)


def test_each_sides_own_rules_hold_for_it():
    """A pull request that both changes a field and ignores it does not hide the change from its reviewers."""
    rule = Ignore("Deployment", "", ("/spec/replicas",))
    head = WORKLOAD.replace("replicas: 2", "replicas: 5")
    assert len(compared(WORKLOAD, head, head_rules=(rule,)).changes) == 1
    other = WORKLOAD.replace("app:1", "app:2")
    assert compared(WORKLOAD, other, head_rules=(rule,)).changes[0].lines == (1, 1)


def test_status_and_creation_time_are_always_ignored(preview):
    head = WORKLOAD.replace("{name: web}", "{name: web, creationTimestamp: null}") + "status: {replicas: 1}\n"
    assert preview(WORKLOAD, head) is None


def test_status_counts_where_argo_cd_is_told_so(preview):
    options = f"{CONFIG}argocd:\n  resource.compareoptions: |\n    ignoreResourceStatusField: none\n"
    assert preview(WORKLOAD, WORKLOAD + "status: {replicas: 1}\n", config=options).yaml == "changed"


def test_rules_of_argocd_cm_hold_for_all_applications(preview):
    settings = """argocd:
  resource.customizations.ignoreDifferences.apps_Deployment: |
    jsonPointers: [/spec/replicas]
  resource.customizations.ignoreDifferences.all: |
    jqPathExpressions: ['.spec.template.spec.containers[] | select(.name == "proxy")']
  resource.customizations: |
    apps/Deployment:
      ignoreDifferences: |
        jsonPointers: [/metadata/labels]
"""
    head = WORKLOAD.replace("replicas: 2", "replicas: 5").replace("proxy:1", "proxy:2")
    head = head.replace("{name: web}", "{name: web, labels: {a: b}}").replace("app:1", "app:2")
    cell = preview(WORKLOAD, head, config=CONFIG + settings)
    assert (cell.ignored, [change.lines for change in cell.resources]) == (3, [(1, 1)])


def test_settings_of_argo_cd_that_nobody_can_read_are_an_error():
    with pytest.raises(ConfigError, match=r"argocd.resource.compareoptions: must be a mapping"):
        make_rules(parse_config("version: 1\nargocd: {resource.compareoptions: '[]'}\n"))


def test_ignored_differences_are_shown_when_asked(git, bench):
    from dataclasses import replace

    from previews.engine.preview import finish, prepare
    from previews.engine.sides import choose_sides

    rule = "  ignoreDifferences: [{group: apps, kind: Deployment, jsonPointers: [/spec/replicas]}]\n"
    app = application("web", "plain").replace("  source:", f"{rule}  source:")
    git.commit({"astrolabe.yaml": CONFIG, "clusters/c1/web.yaml": app, "plain/a.yaml": WORKLOAD})
    head = WORKLOAD.replace("replicas: 2", "replicas: 5").replace("app:1", "app:2")
    git.commit({"plain/a.yaml": head}, ref=HEAD, start="refs/heads/main")
    one = bench()
    sides = choose_sides(one.mirror, "main", [HEAD])
    prepared = prepare(one, sides, one.config(sides.head_tree, sides.base_tree), ["main"])
    manifests = one.manifests(list(prepared.plan.requests.values()))
    (hiding,) = finish(prepared, manifests)
    (showing,) = finish(replace(prepared, rules=replace(prepared.rules, show_ignored=True)), manifests)
    assert (hiding.yaml_lines, hiding.ignored) == ((1, 1), 1)
    assert (showing.yaml_lines, showing.ignored) == ((2, 2), 0)


JQ = "  ignoreDifferences:\n  - group: apps\n    kind: Deployment\n    jqPathExpressions: ['{}']\n"


def test_jq_chooses_by_what_stands_beside(preview):
    head = WORKLOAD.replace("app:1", "app:2").replace("proxy:1", "proxy:2")
    cell = preview(WORKLOAD, head, JQ.format('.spec.template.spec.containers[] | select(.name == "proxy") | .image'))
    assert (cell.ignored, [change.lines for change in cell.resources]) == (1, [(1, 1)])


@pytest.mark.parametrize(
    "expression",
    [
        "[",  # no jq
        ".a) | (.spec = 1",  # closes our bracket
        'import "x" as x; .spec',
        "$ENV",  # no path
        "input",
        "halt",
        ".spec.replicas[]",  # fails on this object
    ],
)
def test_an_expression_that_cannot_be_used_hides_nothing_and_is_named(preview, expression):
    cell = preview(WORKLOAD, WORKLOAD.replace("replicas: 2", "replicas: 5"), JQ.format(expression))
    assert (cell.yaml, cell.ignored) == ("changed", 0)
    assert any(note.startswith(f"ignoreDifferences: {expression} hides nothing: ") for note in cell.notes)


@pytest.mark.parametrize("expression", ["last(repeat(.spec))", "[range(1e9)] | .[0]"])
def test_an_expression_without_end_is_stopped(preview, expression):
    started = time.monotonic()
    cell = preview(WORKLOAD, WORKLOAD.replace("replicas: 2", "replicas: 5"), JQ.format(expression))
    assert time.monotonic() - started < 30
    assert cell.yaml == "changed"
    assert any("hides nothing" in note for note in cell.notes)


def test_field_managers_need_a_cluster_and_that_is_said(preview):
    rule = "  ignoreDifferences: [{group: apps, kind: Deployment, managedFieldsManagers: [hpa]}]\n"
    cell = preview(WORKLOAD, WORKLOAD.replace("replicas: 2", "replicas: 5"), rule)
    assert cell.yaml == "changed"
    assert any("field managers (hpa) hides nothing here" in note for note in cell.notes)


ROLE = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r}\n"


def test_rules_of_an_aggregated_role_are_the_clusters_where_argo_cd_is_told_so(preview):
    aggregated = ROLE + "aggregationRule: {clusterRoleSelectors: []}\n"
    options = f"{CONFIG}argocd:\n  resource.compareoptions: |\n    ignoreAggregatedRoles: true\n"
    full = aggregated + "rules: [{verbs: [get]}]\n"
    assert preview(aggregated + "rules: []\n", full, config=options) is None


def test_empty_rules_of_a_role_are_none():
    assert compared(ROLE + "rules: []\n", ROLE + "rules: null\n").changes == ()
