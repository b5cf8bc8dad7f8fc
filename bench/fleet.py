"""Memory and time of finding and planning a large fleet, against its size and against just reading its YAML.

Run: python -m bench.fleet [instances …]. Three fleets of the same size: each Application in a file of its own; all made
by an app of apps for each cluster; all made by one ApplicationSet from Git files.
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
from previews.engine.preview import Workbench, prepare
from previews.engine.render.charts import ChartStore
from previews.engine.render.pool import RenderSettings
from previews.engine.sides import choose_sides
from previews.engine.trees import Tree
from tests.conftest import GitRepository
from tests.engine.fleets import ADDRESS, CONFIGMAP, application, chart

SIZES = (1250, 2500, 5000)
APPLICATIONS = 50
LIMIT_MIB = 500


def make_fleet(folder: Path, shape: str, instances: int) -> None:
    """A repository of 50 charts, each installed on as many clusters as it takes; one chart's template changes."""
    repository = GitRepository(folder)
    files = {}
    for number in range(APPLICATIONS):
        files |= chart(f"charts/app-{number}", {f"part-{part}.yaml": CONFIGMAP for part in range(5)})
    clusters = instances // APPLICATIONS
    for cluster in range(clusters):
        for number in range(APPLICATIONS):
            text = f"text: from {cluster}\nreplicas: 3\nhosts: [a{cluster}.example.com, b.example.com]\n"
            files[f"values/c{cluster}/app-{number}.yaml"] = text
    repository.commit(files | SHAPES[shape](clusters))
    changed = {"charts/app-0/templates/part-0.yaml": CONFIGMAP.replace("text:", "words:")}
    repository.commit(changed, ref="refs/pull/1/head", start="refs/heads/main")


def _in_files(clusters: int) -> dict[str, str]:
    files = {"astrolabe.yaml": f'{CONFIG}discover: [{{files: "clusters/{{cluster}}/*.yaml"}}]\n'}
    for cluster in range(clusters):
        for number in range(APPLICATIONS):
            options = f"    helm:\n      valueFiles: [/values/c{cluster}/app-{number}.yaml]\n"
            files[f"clusters/c{cluster}/app-{number}.yaml"] = application(
                f"app-{number}", f"charts/app-{number}", options
            )
    return files


def _made_by_apps(clusters: int) -> dict[str, str]:
    root = "{each: 'root/values-{cluster}.yaml', path: root, helm: {valueFiles: ['values-{cluster}.yaml']}}"
    options = "    helm:\n      valueFiles: [/values/{{ $.Values.cluster }}/app-{{ . }}.yaml]\n"
    template = application("app-{{ . }}", "charts/app-{{ . }}", options)
    numbers = f"{{{{- range until {APPLICATIONS} }}}}\n---\n"
    files = {"astrolabe.yaml": f"{CONFIG}discover: [{{root: {root}}}]\n"}
    files |= chart("root", {"apps.yaml": f"{numbers}{template}\n{{{{- end }}}}\n"}, values="")
    files |= {f"root/values-c{cluster}.yaml": f"cluster: c{cluster}\n" for cluster in range(clusters)}
    return files


def _made_by_a_set(clusters: int) -> dict[str, str]:
    options = "    helm:\n      valueFiles: ['/{{path}}/{{path.filename}}']\n"
    template = application("'{{path.basename}}-{{path.filenameNormalized}}'", "'charts/app-{{number}}'", options)
    body = "\n".join(f"    {line}" for line in template.split("\n")[2:])
    body = body.replace("server: https://kubernetes.default.svc", "name: '{{path.basename}}'")
    made = f"""apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {{name: all, namespace: argocd}}
spec:
  generators:
    - git: {{repoURL: {ADDRESS}, revision: main, files: [{{path: "values/*/*.yaml"}}]}}
  template:
{body}
"""
    files = {"astrolabe.yaml": CONFIG, "set.yaml": made}
    for cluster in range(clusters):
        for number in range(APPLICATIONS):
            files[f"values/c{cluster}/app-{number}.yaml"] = f"text: from {cluster}\nnumber: '{number}'\n"
    return files


CONFIG = f"version: 1\naddresses: [{ADDRESS}]\n"
SHAPES = {"files": _in_files, "apps of apps": _made_by_apps, "one set": _made_by_a_set}


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
        texts = [bench.store.blob(entry.id) for path, entry in tree.walk("values")]
        started = time.perf_counter()
        for text in texts:
            yaml.load(text, yaml.CSafeLoader)
        baseline = time.perf_counter() - started
    plan = prepared.plan
    roots = sum(instance.is_root for instance in prepared.base.instances)
    assert plan.instances - roots == len(texts) and len(plan.cells) == len(texts) // APPLICATIONS, prepared.notes
    return {"instances": plan.instances, "seconds": seconds, "peak": peak, "baseline": baseline}


def main() -> None:
    """Prints a row for each size; each is measured in a process of its own."""
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(Path(sys.argv[2]), Path(sys.argv[3]))))
        return
    print(f"{'':12}  {'instances':>9}  {'plan':>7}  {'parse':>7}  {'ratio':>6}  {'ms each':>8}  {'peak MiB':>8}")
    for shape in SHAPES:
        for size in [int(text) for text in sys.argv[1:]] or SIZES:
            _print_row(shape, size)


def _print_row(shape: str, size: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_fleet(folder / "fleet.git", shape, size)
        command = [sys.executable, "-m", "bench.fleet", "--one", str(folder / "fleet.git"), str(folder)]
        row = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    ratio, each = row["seconds"] / row["baseline"], 1000 * row["seconds"] / row["instances"]
    print(
        f"{shape:12}  {row['instances']:>9,}  {row['seconds']:>6.2f}s  {row['baseline']:>6.2f}s  {ratio:>6.2f}"
        f"  {each:>8.2f}  {row['peak']:>8.0f}{'  over the limit' if row['peak'] > LIMIT_MIB else ''}",
        flush=True,
    )


if __name__ == "__main__":
    main()
