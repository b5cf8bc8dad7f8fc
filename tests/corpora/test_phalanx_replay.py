"""The corpus in time: its last merges opened, pushed and merged one after the other, and what stands open follows."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from previews import arrivals, jobs
from previews.engine.cache import FileCache
from previews.engine.git import Mirror
from previews.engine.preview import Workbench, finish, prepare
from previews.engine.render.charts import ChartStore
from previews.engine.render.pool import RenderSettings
from previews.engine.sides import choose_sides
from previews.models import ChangeRequest, Preview, Repository
from tests.corpora import phalanx

pytestmark = [
    pytest.mark.skipif(not phalanx.BUNDLE.exists(), reason=f"the corpus is not at {phalanx.CORPORA}"),
    pytest.mark.django_db(transaction=True),
]

#: How many merges, and how many requests are open at a time.
LENGTHS = [pytest.param(3, 2, id="short"), pytest.param(30, 4, id="whole", marks=pytest.mark.phalanx)]


@dataclass(frozen=True)
class Merged:
    """A merge of the corpus: where main stood, what was pushed (the last one was merged), and the merge itself."""

    number: int
    before: str
    pushes: tuple[str, ...]
    commit: str


class Remote:
    """The repository as its provider has it, of which only the refs move."""

    def __init__(self, folder: Path, count: int) -> None:
        """Main stands before the last `count` merges, and nothing is open."""
        self.folder = folder
        subprocess.run(["git", "init", "-q", "--bare", "--initial-branch=main", str(folder)], check=True)
        self.git("fetch", "-q", str(phalanx.BUNDLE), "refs/heads/main:refs/heads/main")
        rows = self.git("rev-list", "--first-parent", "--parents", "--reverse", f"-n{count}", "main").splitlines()
        self.merges = [self._merged(number, *row.split()) for number, row in enumerate(rows, 1)]
        self.move("refs/heads/main", self.merges[0].before)

    def _merged(self, number: int, commit: str, before: str, head: str) -> Merged:
        parents = self.git("rev-list", "--parents", "-n1", head).split()[1:]
        is_own = len(parents) == 1 and self.git("rev-list", parents[0], f"^{before}")
        return Merged(number, before, (parents[0], head) if is_own else (head,), commit)

    def git(self, *arguments: str) -> str:
        command = ["git", f"--git-dir={self.folder}", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def move(self, ref: str, commit: str) -> None:
        self.git("update-ref", ref, commit)

    def push(self, merged: Merged, which: int) -> None:
        self.move(f"refs/pull/{merged.number}/head", merged.pushes[which])


@pytest.fixture
def add(work, settings, tmp_path):
    """Adds a repository as a person would, with its configuration."""
    settings.ASTROLABE_CHART_STORE = str(phalanx.CHART_STORE)

    def add_it(remote: Remote) -> Repository:
        return arrivals.add_repository("Replay", str(remote.folder), phalanx.CONFIG.read_text())

    return add_it


class FromScratch:
    """Previews by the engine alone, which knows nothing of what was before."""

    def __init__(self, remote: Remote, folder: Path) -> None:
        """`folder` holds its own mirror and manifests."""
        self.mirror = Mirror(folder / "mirror", str(remote.folder), allow_local=True)
        self.settings = RenderSettings(folder / "scratch", mask_key=b"k" * 32)
        self.cache = FileCache(folder / "manifests.sqlite3")

    def cells(self, base: str, head: str) -> dict:
        """What each cell says, by place."""
        self.mirror.fetch()
        with Workbench(self.mirror, self.settings, ChartStore(phalanx.CHART_STORE), self.cache) as bench:
            sides = choose_sides(self.mirror, base, [head])
            config = bench.config(sides.head_tree, sides.base_tree, phalanx.CONFIG.read_text())
            prepared = prepare(bench, sides, config, ["main"])
            cells = finish(prepared, bench.manifests(list(prepared.plan.requests.values())))
        return {
            (cell.cluster, cell.application): (
                cell.value, cell.yaml, cell.deploys, cell.group or "", cell.value_lines, cell.yaml_lines,
                len(cell.resources),
            )
            for cell in cells
        }  # fmt: skip


def cells_of(preview: Preview) -> dict:
    return {
        (cell.cluster, cell.application): (
            cell.value_state, cell.yaml_state, cell.deploys, cell.group, (cell.value_added, cell.value_removed),
            (cell.yaml_added, cell.yaml_removed), len(cell.resources),
        )
        for cell in preview.cells.all()
    }  # fmt: skip


def check_open(fresh: FromScratch, main: str) -> int:
    """Each open request shows what a preview made now would show. Gives how many cells were looked at."""
    looked_at = 0
    for request in ChangeRequest.objects.filter(state=ChangeRequest.OPEN):
        preview = request.previews.plain().first()
        assert (preview.state, preview.is_stale) == (Preview.DONE, False), preview.error
        assert (preview.base_commit, preview.head_commit) == (main, request.head_commit)
        cells = cells_of(preview)
        assert cells == fresh.cells(main, request.head_commit), str(request)
        looked_at += len(cells)
    return looked_at


@pytest.mark.parametrize(("count", "open_at_once"), LENGTHS)
def test_open_previews_follow_the_merges(count, open_at_once, add, work, tmp_path):
    remote = Remote(tmp_path / "remote.git", count)
    waiting = list(remote.merges)
    opened = [waiting.pop(0) for _ in range(open_at_once)]
    for merged in opened:
        remote.push(merged, 0)
    repository, fresh = add(remote), FromScratch(remote, tmp_path)
    jobs.refresh(repository.pk)
    work()
    looked_at = 0
    for merged in remote.merges:
        # Those that are open get their last push, then one is merged and another opened.
        for one in opened:
            remote.push(one, -1)
        jobs.refresh(repository.pk)
        work()
        before = ChangeRequest.objects.get(number=merged.number).previews.plain().first()
        remote.move("refs/heads/main", merged.commit)
        opened.remove(merged)
        if waiting:
            opened.append(waiting.pop(0))
            remote.push(opened[-1], 0)
        jobs.refresh(repository.pk)
        work()
        ended = ChangeRequest.objects.get(number=merged.number)
        assert (ended.state, ended.merged_commit) == (ChangeRequest.MERGED, merged.commit)
        assert Preview.objects.get(change_request=ended, is_record=True).pk == before.pk
        looked_at += check_open(fresh, merged.commit)
    assert looked_at > count
    assert not Preview.objects.filter(state__in=(*Preview.RUNNING, Preview.FAILED)).exists()
