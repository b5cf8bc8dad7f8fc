"""Public charts with the value sets of their own tests: what we render is what Helm renders."""

from __future__ import annotations

import tarfile

import pytest

from tests.corpora.phalanx import CORPORA
from tests.fidelity.pairs import Pair

ARCHIVE = CORPORA / "charts.tar.gz"
pytestmark = pytest.mark.skipif(not ARCHIVE.exists(), reason=f"the charts are not at {ARCHIVE}")


def read_charts() -> dict[str, str]:
    with tarfile.open(ARCHIVE) as archive:
        return {
            item.name: archive.extractfile(item).read().decode("utf-8", "surrogateescape")
            for item in archive
            if item.isfile()
        }


def make_pairs(files) -> list[Pair]:
    """Each chart as it is, and with each of its value sets."""
    pairs = []
    for chart in sorted({name.split("/")[1] for name in files}):
        path = f"charts/{chart}"
        sets = sorted(name for name in files if name.startswith(f"{path}/ci/") and name.endswith(".yaml"))
        pairs.append(Pair(f"p{len(pairs)}-{chart}"[:53].rstrip("-"), path, {}))
        for name in sets:
            value_file = name.removeprefix(f"{path}/")
            release = f"p{len(pairs)}-{chart}"[:53].rstrip("-")
            pairs.append(Pair(release, path, {"valueFiles": [value_file]}, ("--values", value_file)))
    return pairs


@pytest.fixture(scope="module")
def results(run_pairs):
    files = read_charts()
    return run_pairs(files, make_pairs(files))


def test_every_chart_and_value_set_gives_helms_objects_in_helms_order(results):
    assert len(results.theirs) > 100
    assert results.differences == {}


def test_our_second_implementation_gives_the_same(results):
    assert results.differences_of_second() == {}
