"""What the prediction rejects in real life: every public chart, every instance of a real fleet, every real pull request.

    python -m tests.corpora.alarms

prints each `blocked` finding, for somebody to look at. docs/prediction.md lists them with the reason why each is right.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from previews.engine.applications import Instance
from previews.engine.cache import FileCache
from previews.engine.discover.fleet import discover
from previews.engine.errors import AstrolabeError
from previews.engine.git import Mirror
from previews.engine.manifests import Manifest
from previews.engine.predict.cell import minor_of, sync_of
from previews.engine.predict.context import Context
from previews.engine.predict.findings import Severity
from previews.engine.predict.judge import judge
from previews.engine.predict.objects import make_pair
from previews.engine.predict.rules import CHANGE_RULES, STATE_RULES
from previews.engine.preview import Workbench, finish, prepare
from previews.engine.render.charts import ChartStore
from previews.engine.render.pool import RenderSettings
from previews.engine.scope import placed
from previews.engine.sides import choose_sides
from tests.conftest import GitRepository
from tests.corpora import phalanx
from tests.fidelity.pairs import repository_files
from tests.fidelity.test_charts import make_pairs, read_charts


class Alarm(NamedTuple):
    """One finding: where, which rule, on what, and what it says."""

    where: str
    code: str
    object: str
    message: str


def of_manifests(found: Iterable[tuple[Instance, Manifest]], severity: Severity) -> Iterator[Alarm]:
    """What is said of instances that are deployed for the first time."""
    for instance, manifest in found:
        name, definition = f"{instance.cluster}/{instance.application}", instance.definition
        namespace = definition.destination_namespace or "apps"
        minor, sync = minor_of(instance.profile.kubernetes_version), sync_of(definition.target, by_argo_cd=True)
        resources = placed(manifest, namespace, frozenset()).resources
        context = Context(minor, namespace=namespace, sync=sync)
        said = judge(make_pair((), resources), context, STATE_RULES, CHANGE_RULES)
        if said.failed:
            yield Alarm(name, "RULE-FAILED", "", ", ".join(said.failed))
        for one in said.introduced:
            if one.severity == severity:
                yield Alarm(name, one.code, f"{one.object.kind}/{one.object.name}" if one.object else "", one.message)


def manifests_of(bench: Workbench, config: str = "") -> Iterator[tuple[Instance, Manifest]]:
    """Every instance of the main branch that renders."""
    tree = bench.mirror.tree(bench.mirror.commit(bench.mirror.default_branch()))
    resolver = bench.resolver(tree, bench.config(tree, tree, config), [bench.mirror.default_branch()])
    requests = []
    for instance in discover(resolver, bench.manifests).instances:
        try:
            requests.append((instance, resolver.resolve(instance).request))
        except AstrolabeError:
            continue
    results = bench.manifests([request for _, request in requests])
    for instance, request in requests:
        result = results[request.key]
        # What lacks a chart is doubted anyway.
        if isinstance(result, Manifest) and not result.missing:
            yield instance, result


def open_at(repository: Path, folder: Path, charts: Path | None = None) -> Workbench:
    """A workbench on a repository of this disk."""
    mirror = Mirror(folder / "mirror", str(repository), allow_local=True)
    mirror.fetch()
    settings = RenderSettings(folder / "scratch", mask_key=b"k" * 32, processes=2)
    return Workbench(mirror, settings, ChartStore(charts), FileCache(folder / "manifests.sqlite3"))


def of_charts(folder: Path, severity: Severity) -> list[Alarm]:
    """What is said of every public chart, with its default values and with those of its tests."""
    files = read_charts()
    repository = GitRepository(folder / "charts.git")
    repository.commit(repository_files(files, make_pairs(files)))
    with open_at(repository.folder, folder / "charts") as bench:
        return list(of_manifests(manifests_of(bench), severity))


def of_fleet(folder: Path, severity: Severity) -> list[Alarm]:
    """What is said of every instance of phalanx."""
    with open_at(phalanx.BUNDLE, folder / "phalanx", phalanx.CHART_STORE) as bench:
        return list(of_manifests(manifests_of(bench, phalanx.CONFIG.read_text()), severity))


def of_cases(folder: Path, severity: Severity) -> list[Alarm]:
    """What is said of every pull request of phalanx: only what it brings."""
    alarms = []
    for case in phalanx.load_cases():
        with open_at(phalanx.BUNDLE, folder / "phalanx", phalanx.CHART_STORE) as bench:
            sides = choose_sides(bench.mirror, case["base"], [case["head"]], exact=True)
            config = bench.config(sides.head_tree, sides.base_tree, phalanx.CONFIG.read_text())
            prepared = prepare(bench, sides, config, [bench.mirror.default_branch(), case["base"]])
            cells = finish(prepared, bench.manifests(list(prepared.plan.requests.values())))
        for cell in cells:
            for one in cell.prediction.introduced if cell.prediction else ():
                if one.severity == severity:
                    name = f"{one.object.kind}/{one.object.name}" if one.object else ""
                    place = f"#{phalanx.number(case)} {cell.cluster}/{cell.application}"
                    alarms.append(Alarm(place, one.code, name, one.message))
    return alarms


def main() -> None:
    """Prints what is found of each kind, or of the severity that is named."""
    severity: Severity = sys.argv[1] if len(sys.argv) > 1 else "blocked"  # type: ignore[assignment]
    with tempfile.TemporaryDirectory(prefix="alarms-") as name:
        for title, find in (("charts", of_charts), ("fleet", of_fleet), ("pull requests", of_cases)):
            found = find(Path(name), severity)
            print(f"{title}: {len(found)} {severity}, by rule {dict(Counter(one.code for one in found))}")
            for alarm in found:
                print("  " + " | ".join(alarm))


if __name__ == "__main__":
    main()
