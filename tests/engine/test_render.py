"""Rendering in boxed child processes: like the real Helm, and hostile charts fail alone."""

import os
import re
import subprocess
import sys

import pytest

from previews.engine.discover.fleet import discover
from previews.engine.errors import RenderFailed
from previews.engine.manifests import Manifest
from tests.conftest import run_preview
from tests.engine.fleets import CONFIGMAP, application, chart, fleet

HEAD = "refs/pull/1/head"


def rendered(git, open_bench, files, **options):
    """Commits a fleet with one instance, opens a workbench, and gives both it and what the instance renders to."""
    git.commit(files)
    bench = open_bench(**options)
    tree = bench.mirror.tree(bench.mirror.commit("main"))
    resolver = bench.resolver(tree, bench.config(tree, tree), ["main"])
    instance = discover(resolver, bench.manifests).instances[0]
    request = resolver.resolve(instance).request
    return bench, bench.manifests([request])[request.key]


def test_order_hooks_notes_and_crds_are_as_helm_prints_them(git, bench, helm_binary):
    kind = "apiVersion: v1\nkind: {}\nmetadata:\n  name: {}\n"
    templates = {
        "b.yaml": kind.format("Service", "b") + "---\n" + kind.format("ConfigMap", "b"),
        "a.yaml": kind.format("Secret", "a") + "---\n\n---\n# nothing\n",
        "hook.yaml": kind.format("Pod", "hook") + "  annotations:\n    helm.sh/hook: pre-install\n",
        "tests/t.yaml": kind.format("Pod", "t") + "  annotations:\n    helm.sh/hook: test\n",
        "z.yaml": kind.format("Widget", "z"),
        "NOTES.txt": "hello",
        "_helpers.tpl": '{{ define "x" }}y{{ end }}',
    }
    files = fleet(1) | chart("charts/web", templates)
    files["charts/web/crds/crd.yaml"] = kind.format("CustomResourceDefinition", "crd")
    _, ours = rendered(git, bench, files)
    _, real = rendered(git, bench, {"again": "y"}, helm_binary=helm_binary, cache="binary")
    assert isinstance(ours, Manifest)
    names = [resource.id.name for resource in ours.resources]
    assert names == ["crd", "a", "b", "web", "b", "z", "hook", "t"]
    assert [resource.text for resource in ours.resources] == [resource.text for resource in real.resources]


def test_a_chart_with_conditions_renders_the_same_in_any_order(git, bench):
    """The library takes disabled dependencies out of the chart that it holds; the next render must not miss them."""
    sub = chart("charts/web/charts/sub", {"s.yaml": CONFIGMAP.replace("{{ .Release.Name }}", "from-sub")})
    more = "dependencies:\n- name: sub\n  version: 1.0.0\n  condition: sub.enabled\n"
    files = fleet(3) | chart("charts/web", {"config.yaml": CONFIGMAP}, more=more) | sub
    for number, enabled in ((1, "false"), (2, "true"), (3, "true")):
        options = f"    helm:\n      values: |\n        text: c{number}\n        sub: {{enabled: {enabled}}}\n"
        files[f"clusters/c{number}/web.yaml"] = application("web", "charts/web", options)
    git.commit(files)
    git.commit({"charts/web/values.yaml": "text: x\nnew: y\n"}, ref=HEAD, start="refs/heads/main")
    one = bench(processes=1)
    prepared, _ = run_preview(one, HEAD)
    counts = [len(one.manifests([request])[key].resources) for key, request in prepared.plan.requests.items()]
    assert sorted(counts) == [1, 1, 2, 2, 2, 2]


HOSTILE = {
    "recursion": ('{{ define "r" }}{{ include "r" . }}{{ end }}{{ include "r" . }}', "left out"),
    "go stack": ('{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ print $d }}', "recurses without end|memory|crashed"),
    "memory": ('{{ repeat 10000000000 "x" }}', "memory|crashed"),
    "time": ("{{ range 100000000000 }}{{ end }}", "took longer|processor time"),
    "error": ('{{ fail (repeat 3000000 "E") }}', "left out"),
    "environment": ('{{ env "HOME" }}', "env"),
    "output": ('apiVersion: v1\nkind: A\nmetadata: {name: a}\nd: {{ repeat 20000000 "x" }}', "larger than"),
    "deep": ('apiVersion: v1\nkind: A\nmetadata: {name: &n [{{ repeat 50000 "[" }}', "nested deeper"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_template_fails_alone_and_its_neighbour_renders(name, git, bench):
    template, message = HOSTILE[name]
    bad = chart("charts/bad", {"bad.yaml": template})
    git.commit(
        fleet(1) | bad | {"clusters/c1/bad.yaml": application("bad", "charts/bad", "    helm: {releaseName: x}\n")}
    )
    git.commit({"charts/web/values.yaml": "text: x\nn: 1\n", "charts/bad/values.yaml": "a: 2\n",
                "charts/web/templates/config.yaml": CONFIGMAP + "  x: y\n"}, ref=HEAD, start="refs/heads/main")  # fmt: skip
    one = bench(processes=1, seconds=5, cpu_seconds=3)
    _, cells = run_preview(one, HEAD)
    assert cells["c1", "bad"].yaml == "failed"
    assert len(cells["c1", "bad"].error.message) < 9000
    assert re.search(message, cells["c1", "bad"].error.message), cells["c1", "bad"].error.message
    assert cells["c1", "web"].yaml == "changed"


@pytest.mark.parametrize("name", ["x" * 54, "Upper", "under_score"])
@pytest.mark.parametrize("real", [False, True], ids=["library", "binary"])
def test_a_release_name_that_helm_refuses_is_refused(name, real, git, bench, helm_binary):
    files = fleet(1) | {
        "clusters/c1/web.yaml": application("web", "charts/web", f"    helm: {{releaseName: {name}}}\n")
    }
    _, result = rendered(git, bench, files, helm_binary=helm_binary if real else None)
    assert isinstance(result, RenderFailed)
    assert "must not be longer than 53" in str(result)


def test_a_chart_reads_nothing_outside_its_folder(git, bench, tmp_path):
    (tmp_path / "secret.txt").write_text("canary")
    template = CONFIGMAP + '  f: {{ .Files.Get "leak.txt" | quote }}\n'
    files = fleet(1) | chart("charts/web", {"config.yaml": template})
    git.commit(files)
    git.commit({"charts/web/leak.txt": str(tmp_path / "secret.txt")}, modes={"charts/web/leak.txt": "120000"},
               ref=HEAD, start="refs/heads/main")  # fmt: skip
    _, cells = run_preview(bench(), HEAD)
    assert cells["c1", "web"].yaml == "failed"
    assert "absolute path" in cells["c1", "web"].error.message


def test_a_schema_cannot_reach_files_or_network(git, bench, tmp_path):
    (tmp_path / "schema.json").write_text('{"required": ["canary_leaked"]}')
    files = fleet(1) | {"charts/web/values.schema.json": f'{{"$ref": "file://{tmp_path}/schema.json"}}'}
    _, result = rendered(git, bench, files)
    assert isinstance(result, RenderFailed)
    assert "canary_leaked" not in str(result)


def test_the_child_sees_no_environment_and_no_folder_of_ours(git, bench, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "canary")
    one, _ = rendered(git, bench, fleet(1), processes=1)
    pid = one._pool._children[0].process.pid
    with open(f"/proc/{pid}/environ", "rb") as file:
        assert b"canary" not in file.read()
    with open(f"/proc/{pid}/status") as file:
        status = file.read()
    assert "NoNewPrivs:\t1" in status
    assert "Seccomp:\t2" in status


def test_no_process_and_no_folder_is_left_behind(git, bench, tmp_path):
    one, _ = rendered(git, bench, fleet(1))
    pids = [child.process.pid for child in one._pool._children]
    one.__exit__()
    assert list((tmp_path / "scratch").iterdir()) == []
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)


def test_strict_rendering_refuses_a_kernel_that_lacks_a_wall(git, bench, monkeypatch):
    """No kernel here lacks them, so the child is made to say that it does."""
    from previews.engine.render import pool

    start = pool._START.replace(
        "from previews", "import previews.engine.render.sandbox as s; s.enter = lambda *_: ['landlock']; from previews"
    )
    monkeypatch.setattr(pool, "_START", start)
    _, result = rendered(git, bench, fleet(1), strict=True)
    assert isinstance(result, RenderFailed)
    assert "lacks landlock" in str(result)
    warned = []
    assert isinstance(rendered(git, bench, {"y": "z"}, warn=warned.append)[1], Manifest)
    assert "landlock" in warned[0]


def test_the_parent_never_loads_the_go_library():
    modules = "previews.engine.preview, previews.engine.render.child, previews.engine.render.pool"
    code = f"import sys, {modules}; sys.exit('helm_python' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
