"""What the tests of ApplicationSets share: the Applications that a spec makes."""

from __future__ import annotations

import pytest

from previews.engine.discover.applicationsets.expand import expand
from previews.engine.yamls import load
from tests.engine.fleets import SET_CONFIG


@pytest.fixture
def made(git, bench):
    """The Applications that a set's spec makes, with these further files in the repository, by name."""

    def run(spec: str, files=None, config: str = SET_CONFIG):
        git.commit({"README.md": "x", **(files or {})})
        opened = bench()
        tree = opened.mirror.tree(opened.mirror.commit("main"))
        resolver = opened.resolver(tree, opened.config(tree, tree, config), ["main"])
        document = {"metadata": {"name": "set", "namespace": "argocd"}, "spec": load(spec)}
        return {item["metadata"]["name"]: item for item in expand(document, resolver, opened.manifests).applications}

    return run
