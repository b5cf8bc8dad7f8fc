"""Servers for the tests, closed at their end, and previews that may reach them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from previews.engine.remote.hosts import Hosts
from previews.engine.remote.reach import Reach
from tests.conftest import run_preview
from tests.engine.remote.servers import HelmRepository, OciRegistry, WebServer

HEAD = "refs/pull/1/head"


@pytest.fixture
def serve() -> Iterator[Callable[..., WebServer]]:
    """Starts servers."""
    started: list[WebServer] = []

    def start(kind: type[WebServer] = WebServer, *arguments) -> WebServer:
        started.append(kind(*arguments))
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.fixture
def helm(serve) -> HelmRepository:
    return serve(HelmRepository)


@pytest.fixture
def registry(serve) -> OciRegistry:
    return serve(OciRegistry)


def allow(*servers: WebServer, **more) -> Reach:
    """A reach to these servers and nothing else."""
    hosts = Hosts([server.url for server in servers])
    return Reach(chart_hosts=hosts, git_hosts=hosts, **{"seconds": 5, **more})


@pytest.fixture
def preview(git, bench):
    """Commits base and head, and gives what was prepared and the cells."""

    def run(base, head, reach=None, **options):
        git.commit(base)
        git.commit(head, ref=HEAD, start="refs/heads/main")
        return run_preview(bench(reach=reach, **options), HEAD)

    return run
