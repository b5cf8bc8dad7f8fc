"""What is known of a cell's cluster and Application."""

from dataclasses import replace

import pytest

from previews.engine.cells import Cell
from previews.engine.compare import compare_manifests
from previews.engine.manifests import Manifest, MissingDependency, read_resources
from previews.engine.plan import PlannedCell
from previews.engine.predict.around import Around
from previews.engine.predict.cell import minor_of, predict_cell, sync_of
from previews.engine.predict.context import Sync
from previews.engine.predict.outlook import Outlook


@pytest.mark.parametrize(
    ("version", "minor"), [("1.31.4", (1, 31)), ("v1.29", (1, 29)), ("v1.30.4-eks-a18cd3a", (1, 30)), ("", (1, 36))]
)
def test_the_minor_of_a_cluster(version, minor):
    assert minor_of(version) == minor


AUTOMATED = "spec: {syncPolicy: {automated: {prune: true}, syncOptions: [ServerSideApply=true, 3]}}"


@pytest.mark.parametrize(
    ("target", "sync"),
    [
        (AUTOMATED, Sync(frozenset({"ServerSideApply=true"}), prunes=True, is_automated=True)),
        ("spec: {syncPolicy: {automated: {}}}", Sync(prunes=False, is_automated=True)),
        ("spec: {syncPolicy: {automated: {enabled: false}}}", Sync(prunes=True, is_automated=False)),
        ("spec: {}", Sync(prunes=True, is_automated=False)),
        ("spec: {syncPolicy: [1], x: }", Sync(prunes=True, is_automated=False)),
        ("", Sync(prunes=True, is_automated=False)),
        ("{", Sync(prunes=True, is_automated=False)),
    ],
)
def test_how_an_application_is_synced(target, sync):
    assert sync_of(target, by_argo_cd=True) == sync


@pytest.mark.parametrize(
    ("target", "prunes"), [("spec: {prune: true}", True), ("spec: {prune: false}", False), ("", True)]
)
def test_how_flux_prunes(target, prunes):
    assert sync_of(target, by_argo_cd=False).prunes is prunes


@pytest.mark.parametrize(
    ("missing", "severity"), [((), "blocked"), ((MissingDependency("db", "1", "x", "y"),), "warning")]
)
def test_what_lacks_a_chart_is_doubted(missing, severity):
    text = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {selector: {app: -a}, ports: [{port: 1}]}"
    head = Manifest(tuple(read_resources(text, str)), missing=missing)
    cell = Cell("c1", "web", "web", "", "unchanged", "added", (), deploys=True, pinned=False)
    cell = replace(cell, resources=compare_manifests(Manifest(), head).changes)
    said = predict_cell(PLANNED, cell, (Manifest(), head), Around(), Outlook()).introduced
    assert [(one.code, one.severity) for one in said] == [("META-LABEL", severity)]


PLANNED = PlannedCell(
    "c1", "web", "web", "", False, True, "added", ("", ""), ("", ""), "", "b", None, None, ("target",), False, False,
    namespaces=("shop", "shop"),
)  # fmt: skip
