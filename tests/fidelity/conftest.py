"""The bench that all pairs go over: commit, render by the product's path, run the binary beside it, compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from tests.conftest import GitRepository, open_bench
from tests.fidelity.pairs import Pair, by_helm, compare, rendered, repository_files, write_files


class Results:
    """What three ways made of the same pairs: our library, our second implementation, and the binary itself."""

    def __init__(self, folder: Path, helm: Path, charts: Mapping[str, str], pairs: Sequence[Pair]) -> None:
        repository = GitRepository(folder / "repository.git")
        files = repository_files(charts, pairs)
        repository.commit(files)
        write_files(folder / "files", files)
        self.theirs = by_helm(helm, folder / "files", pairs)
        with open_bench(repository.folder, folder / "ours", mask_key=None) as bench:
            self.ours = rendered(bench)
        self.differences = compare(self.ours, self.theirs)
        self._repository, self._folder, self._helm = repository, folder, helm

    def differences_of_second(self) -> dict[str, str]:
        """The same for `ASTROLABE_HELM_BINARY`."""
        folder = self._folder / "second"
        with open_bench(self._repository.folder, folder, mask_key=None, helm_binary=self._helm) as bench:
            return compare(rendered(bench), self.theirs)


@pytest.fixture(scope="session")
def run_pairs(tmp_path_factory, helm_binary) -> Callable[[Mapping[str, str], Sequence[Pair]], Results]:
    """Commits charts with an Application for each pair, and renders all of them."""

    def run(charts: Mapping[str, str], pairs: Sequence[Pair]) -> Results:
        return Results(tmp_path_factory.mktemp("pairs"), helm_binary, charts, pairs)

    return run
