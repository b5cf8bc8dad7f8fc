"""One application, `web` on `c1`: what a change request makes of it."""

from __future__ import annotations

import json

import pytest

from previews.engine.discover.fleet import discover
from previews.engine.manifests import Manifest
from previews.engine.yamls import load
from tests.conftest import run_preview
from tests.engine.fleets import CONFIG
from tests.engine.one_application import HEAD


@pytest.fixture
def added(git, bench):
    """The cell of the one application `web` on `c1` that a change request adds, with all its files."""

    def run(files, **options):
        git.commit({"astrolabe.yaml": CONFIG})
        git.commit(files, ref=HEAD, start="refs/heads/main")
        return run_preview(bench(), HEAD, **options)[1]["c1", "web"]

    return run


@pytest.fixture
def changed(git, bench):
    """The cell of `web` on `c1` after a change of an existing fleet; None when it does not change."""

    def run(base, head, **options):
        git.commit({"astrolabe.yaml": CONFIG, **base})
        git.commit(head, ref=HEAD, start="refs/heads/main")
        return run_preview(bench(), HEAD, **options)[1].get(("c1", "web"))

    return run


@pytest.fixture
def objects_of(git, bench):
    """The objects that the one application of a fleet renders to."""

    def run(files):
        git.commit({"astrolabe.yaml": CONFIG, **files})
        one = bench()
        tree = one.mirror.tree(one.mirror.commit("main"))
        resolver = one.resolver(tree, one.config(tree, tree), ["main"])
        (instance,) = discover(resolver, one.manifests).instances
        request = resolver.resolve(instance).request
        result = one.manifests([request])[request.key]
        assert isinstance(result, Manifest), result
        return [load(resource.text) for resource in result.resources]

    return run


@pytest.fixture
def values_of(objects_of):
    """All values that the chart `show` sees."""
    return lambda files: json.loads(objects_of(files)[0]["data"]["values"])
