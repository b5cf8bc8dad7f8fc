"""What is known of a cell's cluster and Application."""

import pytest

from previews.engine.predict.cell import minor_of, sync_of
from previews.engine.predict.context import Sync


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
