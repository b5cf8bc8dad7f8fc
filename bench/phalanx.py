"""A full preview of the phalanx fleet against the plain loop that calls the helm binary for each instance and side.

    python -m bench.phalanx [--helm PATH] [--case 6802]

Both render every instance that can be rendered, at base and at head, in one run on this machine. Ours starts with
empty caches and fetches the repository; the loop gets its charts and values ready on disk, and only calls helm.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from previews.engine.cache import FileCache
from previews.engine.discover.fleet import Fleet
from previews.engine.errors import NotRendered, RenderFailed
from previews.engine.git import Mirror
from previews.engine.preview import Prepared, Workbench, finish, prepare
from previews.engine.render.charts import ChartStore
from previews.engine.render.pool import RenderPool, RenderSettings
from previews.engine.render.requests import RenderRequest
from previews.engine.resolve import Resolver
from previews.engine.sides import choose_sides
from tests.corpora import phalanx
from tests.helm_binary import unpack_helm


def main() -> None:
    """Measures and prints a Markdown table; exits with 1 when ours is not ten times faster or not warm in 3 s."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--helm", type=Path, help="the helm binary (default: the one that the tests use)")
    parser.add_argument("--case", default="6802", help="number of the pull request")
    options = parser.parse_args()
    case = next(case for case in phalanx.load_cases() if phalanx.number(case) == options.case)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        cold, requests = measure_cold(Path(folder), case)
        warm = measure_warm(Path(folder), case)
        helm = options.helm.resolve() if options.helm else unpack_helm(Path(folder))
        loop = measure_loop(Path(folder), requests, helm)
    renders = len(requests)
    print(f"phalanx #{options.case}, {renders} renders (instances × sides), {os.cpu_count()} cores\n")
    print("| | seconds | ratio to the loop |\n|---|---|---|")
    for name, seconds in (("loop over the helm binary", loop), ("ours, cold", cold), ("ours, warm", warm)):
        print(f"| {name} | {seconds:.2f} | {loop / seconds:.1f}× |")
    sys.exit(0 if cold * 10 <= loop and warm < 3 else 1)


def bench_at(folder: Path, mirror: Mirror) -> Workbench:
    """A workbench with its cache below a folder."""
    settings = RenderSettings(folder / "scratch", mask_key=b"k" * 32, processes=os.cpu_count() or 1)
    return Workbench(mirror, settings, ChartStore(phalanx.CHART_STORE), FileCache(folder / "manifests.sqlite3"))


def prepared_preview(bench: Workbench, mirror: Mirror, case: dict[str, str]) -> Prepared:
    """Fetch, fleets and plan."""
    mirror.fetch()
    sides = choose_sides(mirror, case["base"], [case["head"]], exact=True)
    config = bench.config(sides.head_tree, sides.base_tree, phalanx.CONFIG.read_text())
    return prepare(bench, sides, config, [mirror.default_branch()])


def measure_cold(folder: Path, case: dict[str, str]) -> tuple[float, list[RenderRequest]]:
    """Seconds of a preview that renders every instance of both sides, and a request for each of those renders."""
    started = time.perf_counter()
    mirror = Mirror(folder / "mirror", str(phalanx.BUNDLE), allow_local=True)
    mirror.fetch()
    with bench_at(folder, mirror) as bench:
        found = prepared_preview(bench, mirror, case)
        tracks = [mirror.default_branch()]
        requests: list[RenderRequest] = []
        for tree, fleet in ((found.sides.base_tree, found.base), (found.sides.head_tree, found.head)):
            requests += all_requests(bench.resolver(tree, found.config, tracks), fleet)
        manifests = bench.manifests(requests)
        finish(found, manifests)
        seconds = time.perf_counter() - started
    failed = [key for key, result in manifests.items() if isinstance(result, RenderFailed)]
    print(f"cold: {len(requests)} requests, {len(manifests)} different, {len(failed)} failed", file=sys.stderr)
    return seconds, [request for request in requests if request.key not in failed]


def all_requests(resolver: Resolver, fleet: Fleet) -> list[RenderRequest]:
    """A request for each instance of a side that can be rendered."""
    requests = []
    for instance in fleet.instances:
        try:
            requests.append(resolver.resolve(instance).request)
        except (NotRendered, RenderFailed) as error:
            print(f"not rendered: {instance.cluster}/{instance.application}: {error}", file=sys.stderr)
    return requests


def measure_warm(folder: Path, case: dict[str, str]) -> float:
    """Seconds of a preview in a fresh process, with the base's manifests known and the head's not."""
    mirror = Mirror(folder / "mirror", str(phalanx.BUNDLE), allow_local=True)
    with bench_at(folder, mirror) as bench:
        found = prepared_preview(bench, mirror, case)
    cache = FileCache(folder / "manifests.sqlite3")
    cache.forget(cell.head_key for cell in found.plan.cells)
    cache.close()
    command = [sys.executable, "-m", "bench.phalanx_warm", str(folder), json.dumps(case)]
    started = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - started


def measure_loop(folder: Path, requests: list[RenderRequest], helm: Path) -> float:
    """Seconds of one `helm template` after the other; writing the charts and values is not counted."""
    mirror = Mirror(folder / "mirror", str(phalanx.BUNDLE), allow_local=True)
    calls = []
    with bench_at(folder, mirror) as bench, RenderPool(bench.store, bench.settings) as pool:
        for number, request in enumerate(requests):
            part = request.parts[0]
            pool.write(part.checkout)
            values = folder / f"values-{number}.json"
            values.write_text(json.dumps(part.options["values"]))
            command = [str(helm), "template", part.options["name"], str(pool.folder / part.checkout.id)]
            calls.append(
                [*command, "--namespace", part.options["namespace"], "--include-crds", "--values", str(values)]
            )
        started = time.perf_counter()
        failed = sum(bool(subprocess.run(call, capture_output=True, check=False).returncode) for call in calls)
        seconds = time.perf_counter() - started
    # Charts whose dependencies nobody has: the binary refuses them at once, which only makes the loop faster.
    print(f"loop: {len(calls)} calls, {failed} refused", file=sys.stderr)
    return seconds


if __name__ == "__main__":
    main()
