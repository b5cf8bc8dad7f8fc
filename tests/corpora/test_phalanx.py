"""Real pull requests of a real fleet give exactly the cells that the Helm binary found."""

from __future__ import annotations

from pathlib import Path

import pytest

from previews.engine.cache import FileCache
from previews.engine.cells import Cell
from previews.engine.git import Mirror
from previews.engine.preview import Workbench, finish, prepare
from previews.engine.render.charts import ChartStore
from previews.engine.render.pool import RenderSettings
from previews.engine.sides import choose_sides
from tests.corpora import phalanx

pytestmark = pytest.mark.skipif(not phalanx.BUNDLE.exists(), reason=f"the corpus is not at {phalanx.CORPORA}")

CASES = {phalanx.number(case): case for case in phalanx.load_cases()}
# Two resources of one name: Argo CD and Helm's own order say that the last one counts, and it did not change.
DUPLICATED = {"5710"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("phalanx")


@pytest.fixture(scope="module")
def mirror(folder) -> Mirror:
    mirror = Mirror(folder / "mirror", str(phalanx.BUNDLE), allow_local=True)
    mirror.fetch()
    return mirror


def preview(mirror: Mirror, folder: Path, base: str, head: str) -> list[Cell]:
    settings = RenderSettings(folder / "scratch", mask_key=b"k" * 32)
    with Workbench(mirror, settings, ChartStore(phalanx.CHART_STORE), FileCache(folder / "manifests.sqlite3")) as bench:
        sides = choose_sides(mirror, base, [head], exact=True)
        config = bench.config(sides.head_tree, sides.base_tree, phalanx.CONFIG.read_text())
        prepared = prepare(bench, sides, config, [mirror.default_branch(), base])
        return finish(prepared, bench.manifests(list(prepared.plan.requests.values())))


def check(number: str, mirror: Mirror, folder: Path) -> None:
    case = CASES[number]
    cells = preview(mirror, folder, case["base"], case["head"])
    assert phalanx.disagreements(case, cells) == []
    if number not in DUPLICATED:
        assert phalanx.resource_disagreements(case, cells) == []


@pytest.mark.parametrize("number", phalanx.SUITE)
def test_case(number, mirror, folder):
    check(number, mirror, folder)


@pytest.mark.phalanx
@pytest.mark.parametrize("number", [number for number in CASES if number not in phalanx.SUITE])
def test_other_case(number, mirror, folder):
    check(number, mirror, folder)


def test_the_check_itself_can_fail(mirror, folder):
    case = CASES["6802"]
    cells = preview(mirror, folder, case["base"], case["head"])
    assert phalanx.disagreements(case, cells[1:])
    assert phalanx.disagreements(CASES["6676"], cells)
