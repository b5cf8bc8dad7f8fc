"""Commands of the operator's that render what Astrolabe does not: config management plugins, and Jsonnet.

Off until the operator names a file of them. They run in the renderer's box like everything else, and what they are is
part of the render key. Mirrors getPluginParamEnvs and makeJsonnetVm of reposerver/repository/repository.go, and
ApplicationSourcePluginParameters.Environ of pkg/apis/application/v1alpha1/types.go of Argo CD.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from previews.engine.applications import Profile, Source
from previews.engine.errors import BadInput, NotRendered, RenderFailed, YamlError
from previews.engine.globs import compile_glob
from previews.engine.render.charts import file_digest, tree_files
from previews.engine.render.helm import bare_version
from previews.engine.render.programs import program
from previews.engine.render.requests import Part, digest, make_checkout
from previews.engine.trees import Tree, clean_path
from previews.engine.values import expand_environment
from previews.engine.yamls import canonical, load

#: The entry that evaluates Jsonnet files of directory sources; no plugin can have this name.
JSONNET = "jsonnet"
_KEYS = ("command", "files", "programs")
_IMPORT = re.compile(r"""\bimport(?:str|bin)?\s*@?(?:"([^"\n]+)"|'([^'\n]+)')""")


@dataclass(frozen=True)
class Plugin:
    """A command of the operator's: its arguments, what it may read and run, and which further files it needs.

    `files` are patterns, from the root, of files of the repository besides the source's folder.
    """

    command: tuple[str, ...]
    programs: tuple[Path, ...]
    files: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """What identifies it: its arguments and the bytes of its programs. Raises RenderFailed when one is gone."""
        return digest([list(self.command), [[str(path), file_digest(path)] for path in self.programs]])

    @property
    def path(self) -> str:
        """The PATH on which it finds its programs."""
        return os.pathsep.join(dict.fromkeys(str(program.parent) for program in self.programs))


def load_plugins(setting: str, named: str) -> dict[str, Plugin]:
    """The plugins that the operator's file lists by name; none when no file is named. Raises BadInput.

    `setting` is what named the file, for messages.
    """
    if not named:
        return {}
    try:
        content = load(Path(named).read_text("utf-8", errors="replace"))
    except OSError as error:
        raise BadInput(f"{setting}: {named} cannot be read: {error.strerror}") from None
    except YamlError as error:
        raise BadInput(f"{setting}: {named}: {error}") from None
    if not isinstance(content, dict):
        raise BadInput(f"{setting}: {named} must map names of plugins to their commands")
    return {str(name): _plugin(f"{setting}: {name}", entry) for name, entry in content.items()}


def _plugin(where: str, entry: Any) -> Plugin:
    unknown = sorted(map(str, set(entry) - set(_KEYS))) if isinstance(entry, dict) else []
    if not isinstance(entry, dict) or unknown:
        raise BadInput(f"{where}: {', '.join(unknown) or 'it'} is not understood; known are {', '.join(_KEYS)}")
    lists = {key: entry.get(key, []) for key in _KEYS}
    for key, items in lists.items():
        if not isinstance(items, list) or not all(isinstance(item, str) and item for item in items):
            raise BadInput(f"{where}: {key} must be a list of texts")
    if not lists["command"]:
        raise BadInput(f"{where}: command is missing, for example `command: [/usr/local/bin/render]`")
    first, *rest = lists["command"]
    # A script among the arguments (`python3 /opt/render.py`) is as much of the command as its interpreter.
    named = [first, *lists["programs"], *(item for item in rest if item.startswith("/") and Path(item).is_file())]
    programs = [path for item in named if (path := _file(where, item))]
    interpreter = _interpreter(programs[0])
    found = [*programs, *([_file(where, interpreter)] if interpreter else [])]
    return Plugin((str(programs[0]), *rest), tuple(dict.fromkeys(found)), tuple(lists["files"]))


def _file(where: str, named: str) -> Path:
    path = Path(named).resolve() if Path(named).is_absolute() and Path(named).is_file() else program(where, named)
    assert path is not None  # only an empty name names none
    return path


def _interpreter(path: Path) -> str:
    with path.open("rb") as file:
        line = file.readline(256)
    return line[2:].decode("utf-8", "replace").split()[0] if line.startswith(b"#!") and line[2:].strip() else ""


def selected(source: Source, plugins: Mapping[str, Plugin]) -> Plugin:
    """The plugin that a source names. Raises NotRendered when it names none or the operator has none of that name."""
    name = str((source.plugin or {}).get("name") or "")
    if not plugins:
        raise NotRendered("plugin", "rendered by a config management plugin, which Astrolabe does not run")
    if not name:
        raise NotRendered("plugin", "the source names no plugin; Astrolabe finds plugins by `plugin.name` only")
    if name not in plugins or name == JSONNET:
        raise NotRendered("plugin", f"rendered by the plugin {name!r}, which ASTROLABE_PLUGINS does not list")
    return plugins[name]


def part(tree: Tree, source: Source, plugin: Plugin, environment: Mapping[str, str], profile: Profile) -> Part:
    """What to render for a plugin source, in its folder. Raises RenderFailed for parameters that are none."""
    version = profile.kubernetes_version
    cluster = {
        "KUBE_VERSION": bare_version(version).removeprefix("v") if version else "",
        "KUBE_API_VERSIONS": ",".join(profile.api_versions),
    }
    options = {
        "plugin": plugin.id,
        "path": clean_path(source.path),
        "runs": [[]],
        "environment": {**environment, **cluster, **_handed(source.plugin or {}, environment)},
        "json": False,
        # Nothing is known about the command, so it is asked twice.
        "volatility": "random",
    }
    return Part("plugin", make_checkout(closure(tree, source.path, plugin)), options)


def closure(tree: Tree, path: str, plugin: Plugin) -> dict[str, str]:
    """The files that a plugin sees, as path from the root -> blob id: the source's folder and its `files`."""
    base = clean_path(path)
    files = {posixpath.join(base, name): blob for name, blob in tree_files(tree, base)}
    patterns = [compile_glob(pattern) for pattern in plugin.files]
    if patterns:
        files |= {name: blob for name, blob in tree_files(tree, "") if any(glob.match(name) for glob in patterns)}
    return files


def _handed(plugin: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, str]:
    """`plugin.env` and `plugin.parameters` as Argo CD's plugin server hands them to a command."""
    handed = {
        f"ARGOCD_ENV_{_text(item, 'name')}": expand_environment(_text(item, "value"), environment)
        for item in _rows(plugin, "env")
    }
    parameters = _rows(plugin, "parameters")
    handed["ARGOCD_APP_PARAMETERS"] = canonical(parameters) if parameters else "null"
    for item in parameters:
        name = f"PARAM_{_escaped(item.get('name'))}"
        if item.get("string") is not None:
            handed[name] = _text(item, "string")
        for key, value in (item.get("map") or {}).items():
            handed[f"{name}_{_escaped(key)}"] = str(value)
        for index, value in enumerate(item.get("array") or ()):
            handed[f"{name}_{index}"] = str(value)
    return handed


def _rows(block: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    rows = block.get(key) or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise RenderFailed("resolve", f"{key} is no list of mappings")
    return rows


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    return "" if value is None else str(value)


def _escaped(name: Any) -> str:
    return re.sub(r"[^A-Z0-9_]", "_", str(name or "").upper())


# Jsonnet


def jsonnet_part(tree: Tree, source: Source, names: list[str], plugin: Plugin, environment: Mapping[str, str]) -> Part:
    """What to evaluate for the Jsonnet files (paths below the source's) of a directory source. Raises RenderFailed."""
    options = (source.directory or {}).get("jsonnet") or {}
    arguments = [
        *_variables(options, "tlas", "--tla", environment),
        *_variables(options, "extVars", "--ext", environment),
    ]
    for folder in _search_path(source):
        arguments += ["-J", f"./{folder}"]
    paths = [posixpath.join(clean_path(source.path), name) for name in names]
    asked = {
        "plugin": plugin.id,
        "path": "",
        "runs": [[*arguments, f"./{path}"] for path in paths],
        "environment": {},
        "json": True,
    }
    return Part("plugin", make_checkout(imported(tree, source, names)), asked)


def _variables(options: Mapping[str, Any], key: str, flag: str, environment: Mapping[str, str]) -> Iterator[str]:
    for item in _rows(options, key):
        name = _text(item, "name")
        if not name or "=" in name:
            raise RenderFailed("resolve", f"directory.jsonnet.{key}: {name!r} is no name")
        yield f"{flag}-{'code' if item.get('code') else 'str'}"
        yield f"{name}={expand_environment(_text(item, 'value'), environment)}"


def _search_path(source: Source) -> list[str]:
    """Folders in which imports are looked for, the last one first. Raises RenderFailed for one outside."""
    options = (source.directory or {}).get("jsonnet") or {}
    return [clean_path(source.path), *(clean_path(str(folder)) for folder in options.get("libs") or ())]


def imported(tree: Tree, source: Source, names: list[str]) -> dict[str, str]:
    """Jsonnet files and all that they import, as path from the root -> blob id.

    An import is a literal in Jsonnet, so reading for it finds all; what leads nowhere Jsonnet itself complains about.
    """
    search = _search_path(source)[::-1]
    waiting = [posixpath.join(clean_path(source.path), name) for name in names]
    files: dict[str, str] = {}
    while waiting:
        path = waiting.pop()
        entry = tree.entry(path)
        if path in files or entry is None or not entry.is_file:
            continue
        files[path] = entry.id
        text = tree.store.blob(entry.id).decode("utf-8", "replace")
        for found in _IMPORT.finditer(text):
            waiting += _candidates(tree, [posixpath.dirname(path), *search], found[1] or found[2])
    return files


def _candidates(tree: Tree, folders: list[str], name: str) -> Iterator[str]:
    for folder in folders:
        try:
            where = clean_path(posixpath.join(folder, name))
            if tree.entry(where) is not None:
                yield where
                return
        except RenderFailed:
            continue  # outside of the repository: the box refuses to read it
