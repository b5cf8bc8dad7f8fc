"""Plugins and Jsonnet by a command of the operator's: real little programs, kind and hostile ones."""

import json
import stat
import sys
import textwrap

import pytest

from previews.engine.render.plugins import load_plugins
from previews.engine.yamls import load
from tests.conftest import run_preview
from tests.engine.fleets import CONFIG, application

HEAD = "refs/pull/1/head"
MAPS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept}\ndata: {a: b}\n"
BASE = {
    "astrolabe.yaml": CONFIG + 'clusters:\n  - {name: c1, kubernetesVersion: "1.31", apiVersions: [a/v1, b/v1]}\n',
    "apps/web/name.txt": "one",
    "clusters/c1/web.yaml": application("web", "apps/web", "    plugin: {name: cmp}\n"),
}
RENDER = """
import json, os, sys
name = open("name.txt").read().strip()
print("# the plugin's work")
print(json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": {"name": name}}))
"""


@pytest.fixture
def script(tmp_path):
    """Writes a program and the operator's file that names it, and gives the plugins of that file."""

    def write(text, name="cmp", interpreter=sys.executable, **more):
        program = tmp_path / "operator" / f"{name}.py"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!{interpreter}\n{textwrap.dedent(text)}")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        listed = tmp_path / "operator" / "plugins.yaml"
        listed.write_text(json.dumps({name: {"command": [str(program), "generate"], **more}}))
        return load_plugins("ASTROLABE_PLUGINS", str(listed))

    return write


@pytest.fixture
def preview(git, bench):
    """Cells of a change, rendered with some plugins."""

    def run(base, head, plugins, **options):
        git.commit(base)
        git.commit(head, ref=HEAD, start="refs/heads/main")
        return run_preview(bench(plugins=plugins, **options), HEAD)[1]

    return run


def shown(cell, column="after"):
    return "\n".join(resource.text or "" for resource in getattr(cell, column).resources)


def test_a_plugin_that_the_operator_named_renders(preview, script):
    cells = preview(BASE, {"apps/web/name.txt": "two"}, script(RENDER))
    assert (cells["c1", "web"].yaml, cells["c1", "web"].error) == ("changed", None)
    assert [change.id.name for change in cells["c1", "web"].resources] == ["m"]


ASKS = """
import json, os, sys
keep = {k: v for k, v in os.environ.items() if k.startswith(("ARGOCD_", "KUBE_", "PARAM_")) or "SECRET" in k}
print(json.dumps({"apiVersion": "v1", "kind": "Asked", "metadata": {"name": "m"},
    "data": {"env": keep, "argv": sys.argv[1:], "cwd": os.getcwd().split("/")[-2:], "stdin": sys.stdin.read(),
             "beside": sorted(os.listdir("../../")), "common": os.path.exists("../../common/x.txt")}}))
"""


def asked(git, bench, plugins, files):
    """What the program says it was given, for the plugin of BASE with other options."""
    git.commit(files)
    one = bench(plugins=plugins)
    tree = one.mirror.tree(one.mirror.commit("main"))
    resolver = one.resolver(tree, one.config(tree, tree), ["main"])
    instance = discover(resolver, one.manifests).instances[0]
    request = resolver.resolve(instance).request
    result = one.manifests([request])[request.key]
    assert isinstance(result, Manifest), result
    return load(result.resources[0].text)["data"]


def test_a_plugin_gets_what_argo_cd_gives_it_and_nothing_of_ours(git, bench, script, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "canary")
    options = """    plugin:
      name: cmp
      env:
      - {name: COLOUR, value: "$ARGOCD_APP_NAME is red"}
      parameters:
      - {name: image-tag, string: v1}
      - {name: files, array: [a, b]}
      - {name: set, map: {some.key: c}}
"""
    files = BASE | {"common/x.txt": "x", "other/x.txt": "x"}
    files["clusters/c1/web.yaml"] = application("web", "apps/web", options)
    data = asked(git, bench, script(ASKS, files=["common/**"]), files)
    environment = data.pop("env")
    assert data == {
        "argv": ["generate"],
        "cwd": ["apps", "web"],
        "stdin": "",
        "beside": ["apps", "common"],
        "common": True,
    }
    assert json.loads(environment.pop("ARGOCD_APP_PARAMETERS")) == [
        {"name": "image-tag", "string": "v1"},
        {"name": "files", "array": ["a", "b"]},
        {"name": "set", "map": {"some.key": "c"}},
    ]
    assert "canary" not in str(environment)
    wanted = {
        "ARGOCD_APP_NAME": "web",
        "ARGOCD_APP_NAMESPACE": "apps",
        "ARGOCD_APP_SOURCE_PATH": "apps/web",
        "ARGOCD_ENV_COLOUR": "web is red",
        "KUBE_VERSION": "1.31.0",
        "KUBE_API_VERSIONS": "a/v1,b/v1",
        "PARAM_IMAGE_TAG": "v1",
        "PARAM_FILES_0": "a",
        "PARAM_FILES_1": "b",
        "PARAM_SET_SOME_KEY": "c",
    }
    assert {key: environment[key] for key in wanted} == wanted


@pytest.mark.parametrize("files, changes", [(["common/**"], True), ([], False)], ids=["named", "not named"])
def test_files_outside_of_the_folder_count_when_the_operator_names_them(files, changes, preview, script):
    program = RENDER.replace('open("name.txt").read().strip()', 'open("../../common/x.txt").read() if {} else "x"')
    base = BASE | {"common/x.txt": "one"}
    cells = preview(base, {"common/x.txt": "two"}, script(program.format(bool(files)).replace("{}", ""), files=files))
    assert bool(cells) == changes
