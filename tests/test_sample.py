"""The sample fleet is the same each time, and each of its pull requests does what it says."""

import subprocess

import pytest

from previews.engine.errors import BadInput
from previews.sample.layout import CLUSTERS, PAYMENT_CLUSTERS, PINS, SERVICES, SHOPS, SITES
from previews.sample.make import make_sample
from previews.sample.requests import LONG_LABEL, REQUESTS
from tests.conftest import open_bench, run_preview

CHANGED, VALUE_ONLY, ADDED, REMOVED, FAILED = (
    ("unchanged", "changed"), ("changed", "unchanged"), ("added", "added"), ("removed", "removed"), ("unchanged", "failed"),
)  # fmt: skip


def everywhere(application, state=CHANGED):
    return {(cluster, application): state for cluster in SERVICES[application][0]}


EXPECTED = {
    1: everywhere("edge-gateway"),
    2: {("seoul-prod-1", "notifier"): VALUE_ONLY},
    3: {place: CHANGED for name in SERVICES if name not in ("edge-gateway", *PINS) for place in everywhere(name)}
    | everywhere("edge-gateway"),
    4: everywhere("checkout"),
    5: {("tokyo-prod-1", "notifier"): ADDED, ("tokyo-stage-1", "notifier"): ADDED},
    6: {("virginia-prod-1", "search"): REMOVED},
    7: everywhere("checkout") | {("virginia-prod-1", "checkout"): FAILED},
    8: {},
    9: {("seoul-prod-1", "catalog"): VALUE_ONLY, ("seoul-prod-2", "catalog"): VALUE_ONLY},
    10: {(cluster, "monitoring"): CHANGED for cluster in CLUSTERS},
    11: {},
    12: {(cluster, "access"): CHANGED for cluster in CLUSTERS},
    13: {("seoul-prod-1", "search"): ("changed", "changed")},
    14: {},
    15: {("tokyo-prod-1", "payments"): ("changed", "changed")},
    16: {},
    17: {},
    18: {("tokyo-prod-1", "search"): VALUE_ONLY},
}


@pytest.fixture(scope="module")
def bench(sample, tmp_path_factory):
    with open_bench(sample, tmp_path_factory.mktemp("bench")) as opened:
        yield opened


def test_it_is_a_fleet_worth_looking_at():
    assert len(CLUSTERS) >= 6
    assert len(SERVICES) + len({"monitoring", "log-agent", "platform", "namespaces", "access"}) >= 10
    assert len(REQUESTS) == len(EXPECTED) >= 8
    assert set(SHOPS) | set(SITES) == set(CLUSTERS) and set(PAYMENT_CLUSTERS) < set(SHOPS)


def test_it_is_the_same_each_time(sample, tmp_path):
    make_sample(tmp_path / "again.git")
    refs = [
        subprocess.run(["git", f"--git-dir={folder}", "for-each-ref"], capture_output=True, check=True).stdout
        for folder in (sample, tmp_path / "again.git")
    ]
    assert refs[0] == refs[1]
    assert refs[0].count(b"refs/pull/") == len(REQUESTS)


def test_it_overwrites_nothing(tmp_path):
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(BadInput, match="is not empty"):
        make_sample(tmp_path)


@pytest.mark.parametrize("number", EXPECTED)
def test_a_pull_request_changes_exactly_these_cells(number, bench):
    _, cells = run_preview(bench, f"refs/pull/{number}/head")
    assert {place: (cell.value, cell.yaml) for place, cell in cells.items()} == EXPECTED[number]


def test_the_talks_label_is_too_long_on_one_site_only(bench):
    prepared, _ = run_preview(bench, "refs/pull/1/head")
    lengths = {}
    for cell in prepared.plan.cells:
        (resource,) = (r for r in bench.manifests([prepared.plan.requests[cell.head_key]])[cell.head_key].resources
                       if r.id.kind == "Deployment")  # fmt: skip
        label = next(line for line in resource.text.splitlines() if LONG_LABEL in line).partition(": ")[2]
        lengths[cell.cluster] = len(label)
    assert {cluster: length > 63 for cluster, length in lengths.items()} == {
        "site-a": False,
        "site-b": False,
        "site-c11": True,
    }


def test_the_same_lines_are_one_pattern_whatever_the_applications_are_called(bench):
    _, cells = run_preview(bench, "refs/pull/3/head")
    found = {}
    for cell in cells.values():
        found.setdefault(cell.pattern, set()).add(cell.application)
    # A StatefulSet and a CronJob are not a Deployment.
    assert found == {"p1": {"catalog", "checkout", "edge-gateway", "payments"}, "p2": {"search"}, "p3": {"notifier"}}


def test_a_release_is_one_change_though_checksums_differ(bench):
    _, cells = run_preview(bench, "refs/pull/4/head")
    assert {cell.group for cell in cells.values()} == {"g1"}
    told = {
        line.path: (line.before, line.after)
        for change in next(iter(cells.values())).resources
        for line in change.fields.lines
    }
    assert told["spec.template.spec.containers[checkout].image"] == (
        "registry.example.com/checkout:4.2.0",
        "registry.example.com/checkout:4.3.0",
    )


def test_the_failing_cluster_says_what_helm_said(bench):
    _, cells = run_preview(bench, "refs/pull/7/head")
    assert "checkout needs a currency" in cells["virginia-prod-1", "checkout"].error.message


def test_a_pinned_service_moves_only_when_asked_what_if(bench):
    prepared, cells = run_preview(bench, "refs/pull/16/head", unpinned=True)
    assert prepared.head.pinned == {(cluster, "loyalty") for cluster in SERVICES["loyalty"][0]}
    assert {place: (cell.value, cell.yaml, cell.pinned) for place, cell in cells.items()} == dict.fromkeys(
        prepared.head.pinned, (*CHANGED, True)
    )


def test_the_linked_pull_requests_deploy_together(bench):
    _, cells = run_preview(bench, "refs/pull/8/head", "refs/pull/9/head")
    assert {(cell.value, cell.yaml) for cell in cells.values()} == {("changed", "changed")}
    assert set(cells) == {("seoul-prod-1", "catalog"), ("seoul-prod-2", "catalog")}


def test_two_that_are_harmless_each_break_a_cluster_together(bench):
    _, cells = run_preview(bench, "refs/pull/17/head", "refs/pull/18/head")
    assert {place: cell.yaml for place, cell in cells.items()} == {("tokyo-prod-1", "search"): "failed"}
    (cell,) = cells.values()
    assert "autoscaling.maxReplicas says how far search may grow" in cell.error.message


def test_the_conflicting_one_says_so(bench):
    prepared, _ = run_preview(bench, "refs/pull/13/head")
    assert prepared.sides.conflicts == ("values/seoul-prod-1/search.yaml",)


def test_the_rotated_token_shows_in_its_file_and_cannot_be_read(bench):
    prepared, _ = run_preview(bench, "refs/pull/15/head")
    (cell,) = prepared.plan.cells
    assert [(file.name, file.is_changed) for file in cell.files] == [
        ("charts/payments/values.yaml", False),
        ("values/tokyo-prod-1/payments.yaml", True),
    ]
    file = cell.files[1]
    assert file.lines == (2, 0)
    assert "provider:\n  token: " in file.head
    assert "not-real" not in f"{file.base}{file.head}"


def test_each_way_of_handing_values_to_a_chart_is_a_file(bench):
    names = {}
    for number in (3, 16):
        prepared, _ = run_preview(bench, f"refs/pull/{number}/head", unpinned=number == 16)
        names |= {cell.application: [file.name for file in cell.files] for cell in prepared.plan.cells}
    assert {name: found[2:] for name, found in names.items()} == {
        "checkout": [],
        "catalog": ["Application parameters"],
        "search": ["Application"],
        "notifier": ["Application"],
        "payments": [],
        "loyalty": [],
        "edge-gateway": [],
    }


def test_a_value_without_effect_is_a_line_of_one_file(bench):
    prepared, _ = run_preview(bench, "refs/pull/2/head")
    (cell,) = prepared.plan.cells
    assert {file.name: file.lines for file in cell.files if file.is_changed} == {
        "values/seoul-prod-1/notifier.yaml": (1, 0)
    }
