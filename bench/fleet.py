"""Memory and time of finding and planning a large fleet, against its size and against just reading its YAML.

Run: python -m bench.fleet [instances …]
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from previews.engine.cache import FileCache
from previews.engine.git import Mirror
from previews.engine.preview import Workbench, choose_sides, prepare
from previews.engine.render.charts import ChartStore
from previews.engine.render.pool import RenderSettings
from previews.engine.trees import Tree
from tests.conftest import GitRepository
from tests.engine.fleets import ADDRESS, CONFIGMAP, application, chart

SIZES = (1250, 2500, 5000)
APPLICATIONS = 50
LIMIT_MIB = 500


def make_fleet(folder: Path, instances: int) -> None:
    """A repository of 50 charts, each installed on as many clusters as it takes; one chart's template changes."""
    repository = GitRepository(folder)
    config = f'version: 1\naddresses: [{ADDRESS}]\ndiscover: [{{files: "clusters/{{cluster}}/*.yaml"}}]\n'
    files = {"astrolabe.yaml": config}
    for number in range(APPLICATIONS):
        files |= chart(f"charts/app-{number}", {f"part-{part}.yaml": CONFIGMAP for part in range(5)})
    for cluster in range(instances // APPLICATIONS):
        for number in range(APPLICATIONS):
            value_file = f"values/c{cluster}/app-{number}.yaml"
            files[value_file] = f"text: from {cluster}\nreplicas: 3\nhosts: [a{cluster}.example.com, b.example.com]\n"
            options = f"    helm:\n      valueFiles: [/{value_file}]\n"
            files[f"clusters/c{cluster}/app-{number}.yaml"] = application(
                f"app-{number}", f"charts/app-{number}", options
            )
    repository.commit(files)
    changed = {"charts/app-0/templates/part-0.yaml": CONFIGMAP.replace("text:", "words:")}
    repository.commit(changed, ref="refs/pull/1/head", start="refs/heads/main")


def measure(repository: Path, folder: Path) -> dict[str, float]:
    """Seconds and peak memory of this process for the plan of a preview, and seconds of only parsing the YAML."""
    mirror = Mirror(folder / "mirror", str(repository), allow_local=True)
    mirror.fetch()
    settings = RenderSettings(folder / "scratch", mask_key=b"k" * 32)
    with Workbench(mirror, settings, ChartStore(None), FileCache(folder / "cache.sqlite3")) as bench:
        started = time.perf_counter()
        sides = choose_sides(mirror, "main", ["refs/pull/1/head"])
        prepared = prepare(bench, sides, bench.config(sides.head_tree, sides.base_tree), ["main"])
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        tree = Tree(bench.store, sides.base_tree)
        texts = [bench.store.blob(entry.id) for path, entry in tree.walk("clusters") if path.endswith(".yaml")]
        started = time.perf_counter()
        for text in texts:
            yaml.load(text, yaml.CSafeLoader)
        baseline = time.perf_counter() - started
    plan = prepared.plan
    assert plan.instances == len(texts) and len(plan.cells) == len(texts) // APPLICATIONS
    return {"instances": plan.instances, "seconds": seconds, "peak": peak, "baseline": baseline}


def main() -> None:
    """Prints a row for each size; each is measured in a process of its own."""
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(Path(sys.argv[2]), Path(sys.argv[3]))))
        return
    print(f"{'instances':>9}  {'plan':>7}  {'parse':>7}  {'ratio':>6}  {'ms each':>8}  {'peak MiB':>8}")
    for size in [int(text) for text in sys.argv[1:]] or SIZES:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            make_fleet(folder / "fleet.git", size)
            command = [sys.executable, "-m", "bench.fleet", "--one", str(folder / "fleet.git"), str(folder)]
            row = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        ratio, each = row["seconds"] / row["baseline"], 1000 * row["seconds"] / row["instances"]
        print(
            f"{row['instances']:>9,}  {row['seconds']:>6.2f}s  {row['baseline']:>6.2f}s  {ratio:>6.2f}  {each:>8.2f}"
            f"  {row['peak']:>8.0f}{'  over the limit' if row['peak'] > LIMIT_MIB else ''}"
        )


if __name__ == "__main__":
    main()
