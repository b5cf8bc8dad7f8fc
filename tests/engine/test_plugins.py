"""Plugins and Jsonnet by a command of the operator's: real little programs, kind and hostile ones."""

import json
import re
import stat
import sys
import textwrap

import pytest

from previews.engine.discover.fleet import discover
from previews.engine.errors import BadInput, RenderFailed
from previews.engine.manifests import Manifest
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


def request(one):
    tree = one.mirror.tree(one.mirror.commit("main"))
    resolver = one.resolver(tree, one.config(tree, tree), ["main"])
    return resolver.resolve(discover(resolver, one.manifests).instances[0]).request


def asked(git, bench, plugins, files):
    """What the program says it was given, for the plugin of BASE with other options."""
    git.commit(files)
    one = bench(plugins=plugins)
    wanted = request(one)
    result = one.manifests([wanted])[wanted.key]
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
    path = "../../common/x.txt" if changes else "name.txt"
    base = BASE | {"common/x.txt": "one"}
    cells = preview(base, {"common/x.txt": "two"}, script(RENDER.replace("name.txt", path), files=files))
    assert bool(cells) == changes


HOSTILE = {
    "network": ("import socket; socket.create_connection(('127.0.0.1', 9), 2)", "PermissionError|not permitted"),
    "secrets": ("print(open('/etc/passwd').read())", "Permission denied"),
    "writing": ("open('new', 'w').write('x')", "Permission denied"),
    "writing over": ("open('name.txt', 'w').write('x')", "Permission denied"),
    "junk": ("print('junk: [')", "cannot be read"),
    "no objects": ("print('just a text')", "no Kubernetes object"),
    "forever": ("while True: pass", "took longer|processor time"),
    "child forever": (
        "import subprocess, sys; subprocess.run([sys.executable, '-c', 'while True: pass'])",
        "took longer",
    ),
    "memory": ("bytearray(10**10)", "MemoryError|memory"),
    "output": ("print('a: ' + 'x' * 20_000_000)", "larger than"),
    "silent": ("raise SystemExit(3)", "cmp.py ended with code 3"),
    "loud": ("import sys; sys.exit('E' * 1_000_000)", "left out"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_plugin_fails_alone(name, preview, script):
    text, message = HOSTILE[name]
    head = {"clusters/c1/web.yaml": BASE["clusters/c1/web.yaml"], "clusters/c1/plain.yaml": application("plain", "plain"),
            "plain/a.yaml": MAPS}  # fmt: skip
    base = {key: value for key, value in BASE.items() if not key.startswith("clusters")}
    cells = preview(base, head, script(text), processes=1, seconds=5, cpu_seconds=3)
    error = cells["c1", "web"].error
    assert error is not None
    assert re.search(message, error.message), error.message
    assert len(error.message) < 9000
    assert cells["c1", "plain"].yaml == "added"


def test_what_a_plugin_makes_up_is_not_shown_as_a_change(preview, script):
    cells = preview(
        BASE, {"apps/web/name.txt": "one\n"}, script("import random\n" + RENDER.replace('"m"', "str(random.random())"))
    )
    assert cells == {}


def test_a_shell_script_finds_the_programs_that_are_named(preview, tmp_path):
    program = tmp_path / "render.sh"
    program.write_text("ls nowhere 2>/dev/null\ncat <<END\n" + MAPS.replace("{a: b}", "{a: $(cat name.txt)}") + "END\n")
    (tmp_path / "plugins.yaml").write_text(f"cmp: {{command: [sh, {program}], programs: [cat, ls]}}")
    plugins = load_plugins("--plugins", str(tmp_path / "plugins.yaml"))
    cells = preview(BASE, {"apps/web/name.txt": "two"}, plugins)
    assert (cells["c1", "web"].yaml, cells["c1", "web"].error) == ("changed", None)


@pytest.mark.parametrize("options, message", [("{name: other}", "'other', which ASTROLABE_PLUGINS does not list"),
                                              ("{name: jsonnet}", "does not list"), ("{}", "by `plugin.name` only")])  # fmt: skip
def test_a_plugin_that_is_not_configured_is_skipped_aloud(options, message, preview, script):
    files = {"clusters/c1/web.yaml": application("web", "apps/web", f"    plugin: {options}\n")}
    base = {key: value for key, value in BASE.items() if not key.startswith("clusters")}
    cell = preview(base, files, script(RENDER))["c1", "web"]
    assert (cell.yaml, cell.skipped.reason) == ("skipped", "plugin")
    assert message in cell.skipped.message


def test_another_program_is_another_key_and_a_plan_of_the_old_one_is_not_rendered(git, bench, script):
    git.commit(BASE)
    planned = request(bench(plugins=script(RENDER)))
    changed = bench(plugins=script(RENDER + "# changed"))
    assert request(changed).key != planned.key
    result = changed.manifests([planned])[planned.key]
    assert isinstance(result, RenderFailed)
    assert "has changed since" in str(result)
    assert not result.is_final


#: Stands for jsonnet: prints what it was asked as the objects that it makes.
FAKE_JSONNET = """
import json, sys
print(json.dumps([{"apiVersion": "v1", "kind": "Asked", "metadata": {"name": "j"},
    "data": {"argv": sys.argv[2:], "text": open(sys.argv[-1]).read(), "lib": open("lib/x.libsonnet").read()}}]))
"""
JSONNET = {
    "astrolabe.yaml": CONFIG,
    "apps/web/main.jsonnet": "local x = import 'x.libsonnet'; x + importstr '../note.txt'",
    "apps/web/plain.yaml": MAPS,
    "apps/note.txt": "note",
    "lib/x.libsonnet": "{}",
    "lib/unread.libsonnet": "{}",
    "clusters/c1/web.yaml": application(
        "web",
        "apps/web",
        """    directory:
      jsonnet:
        libs: [lib]
        tlas: [{name: size, value: "1 + 1", code: true}]
        extVars: [{name: app, value: $ARGOCD_APP_NAME}]
""",
    ),
}


def test_jsonnet_is_evaluated_by_the_command_with_variables_and_libraries(git, bench, script):
    git.commit(JSONNET)
    one = bench(plugins=script(FAKE_JSONNET, name="jsonnet"))
    wanted = request(one)
    result = one.manifests([wanted])[wanted.key]
    assert [resource.id.name for resource in result.resources] == ["kept", "j"]
    arguments = "--tla-code size=1 + 1 --ext-str app=web -J ./apps/web -J ./lib ./apps/web/main.jsonnet"
    data = load(result.resources[1].text)["data"]
    assert " ".join(data["argv"]) == arguments
    assert data["lib"] == "{}"


@pytest.mark.parametrize("path, changes", [("apps/web/main.jsonnet", True), ("lib/x.libsonnet", True),
                                           ("apps/note.txt", False), ("lib/unread.libsonnet", False)])  # fmt: skip
def test_only_what_jsonnet_imports_is_rendered_anew(path, changes, preview, script):
    cells = preview(JSONNET, {path: "{} + {}"}, script(FAKE_JSONNET, name="jsonnet"))
    assert bool(cells) == changes


def test_jsonnet_without_a_command_is_skipped_even_where_plugins_are_configured(preview, script):
    base = {key: value for key, value in JSONNET.items() if not key.startswith("clusters")}
    cells = preview(base, {"clusters/c1/web.yaml": JSONNET["clusters/c1/web.yaml"]}, script(RENDER))
    assert "main.jsonnet is Jsonnet" in cells["c1", "web"].skipped.message


def test_jsonnet_that_argo_cd_has_switched_off_is_passed_over(git, bench):
    off = CONFIG + 'argocd: {jsonnet.enable: "false"}\n'
    git.commit(JSONNET | {"astrolabe.yaml": off})
    one = bench()
    wanted = request(one)
    assert [resource.id.name for resource in one.manifests([wanted])[wanted.key].resources] == ["kept"]


@pytest.mark.parametrize("text, message", [
    ("[a]", "must map names"),
    ("cmp: {command: [sh], color: red}", "color is not understood"),
    ("cmp: {}", "command is missing"),
    ("cmp: {command: sh}", "command must be a list of texts"),
    ("cmp: {command: [no-such-program]}", "no program no-such-program"),
    ("cmp: [", "plugins.yaml: line"),
    (None, "cannot be read"),
])  # fmt: skip
def test_a_file_of_plugins_that_is_wrong_is_refused_with_the_reason(text, message, tmp_path):
    path = tmp_path / "plugins.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(BadInput, match=message) as error:
        load_plugins("ASTROLABE_PLUGINS", str(path))
    assert str(error.value).startswith("ASTROLABE_PLUGINS: ")
