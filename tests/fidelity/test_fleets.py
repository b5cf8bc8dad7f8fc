"""Whole fleets, our sample and phalanx, through the library and through the binary: the same manifests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import open_bench
from tests.corpora import phalanx
from tests.fidelity.pairs import compare, outcomes_of

NO_CORPUS = pytest.mark.skipif(not phalanx.BUNDLE.exists(), reason=f"the corpus is not at {phalanx.CORPORA}")
#: One of medium size, in the default run; `make phalanx` takes all.
ENVIRONMENT = "usdfdev"
# Its chart prints all that templates see, and so the built-in API versions of the Helm at work.
PRINTS_ITS_HELM = {"love"}


def differences(
    repository: Path, folder: Path, helm: Path, config: str = "", charts: Path | None = None
) -> tuple[int, dict[Any, str]]:
    """How many instances there are, and where the library and the binary do not agree."""
    with open_bench(repository, folder / "library", charts, mask_key=None) as bench:
        ours = outcomes_of(bench, config)
    with open_bench(repository, folder / "binary", charts, mask_key=None, helm_binary=helm) as bench:
        theirs = outcomes_of(bench, config)
    wrong = compare(ours, theirs)
    return len(ours), {place: text for place, text in wrong.items() if place[1] not in PRINTS_ITS_HELM}


def test_the_sample_fleet(sample, tmp_path, helm_binary):
    count, wrong = differences(sample, tmp_path, helm_binary)
    assert wrong == {}
    assert count > 50


def phalanx_config() -> str:
    # The library and the binary were built for different versions of Kubernetes.
    return f'{phalanx.CONFIG.read_text()}kubernetesVersion: "1.35.2"\n'


@NO_CORPUS
def test_one_environment_of_phalanx(tmp_path, helm_binary):
    config = phalanx_config().replace("{cluster}", ENVIRONMENT)
    count, wrong = differences(phalanx.BUNDLE, tmp_path, helm_binary, config, phalanx.CHART_STORE)
    assert wrong == {}
    assert count > 20


@NO_CORPUS
@pytest.mark.phalanx
def test_all_environments_of_phalanx(tmp_path, helm_binary):
    count, wrong = differences(phalanx.BUNDLE, tmp_path, helm_binary, phalanx_config(), phalanx.CHART_STORE)
    assert wrong == {}
    assert count > 350
