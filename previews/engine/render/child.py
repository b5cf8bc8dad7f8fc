"""The renderer's child process: one box, one folder, JSON lines in and out.

Started by `previews.engine.render.pool`. The first line is the set-up, each further one a render. Everything that
reads hostile text happens here: templates, parsing, splitting, masking, truncating.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from previews.engine.errors import RenderFailed, YamlError
from previews.engine.manifests import Resource, read_resources, split_documents, without_duplicates
from previews.engine.masking import Mask, make_mask
from previews.engine.render import flux, jq, sandbox
from previews.engine.render.helm import Helm, by_binary, by_library
from previews.engine.render.texts import evaluate
from previews.engine.render.unstable import SECONDS_APART, shows_the_time, stabilise
from previews.engine.yamls import dump, load

MAX_ERROR = 8 * 1024
MAX_OUTPUT = 16 * 1024 * 1024
MAX_RESOURCES = 5_000
# konfig.HelmGeneratedAnnotation of Kustomize.
_MARK = "internal.config.kubernetes.io/helm-generated"
_KIND = re.compile(r"^kind:[ \t]*[\"']?\w", re.MULTILINE)
# Flux lets kustomize read anywhere in the artifact; the box lets it read nothing else.
_ANYWHERE = ("--load-restrictor", "LoadRestrictionsNone")


class Renderer:
    """Renders the parts of requests below one folder."""

    def __init__(self, setup: Mapping[str, Any]) -> None:
        """`setup` is the pool's first line."""
        self.folder = Path(setup["folder"])
        self.kustomize = setup["kustomize"]
        self.helms = setup["helms"]
        self.plugins = setup["plugins"]
        key = setup["mask_key"]
        self.mask: Mask = make_mask(bytes.fromhex(key) if key is not None else None)
        self._helm: dict[str, Helm] = {}

    def render(self, parts: list[dict[str, Any]]) -> dict[str, Any]:
        """The answer to one request: resources and warnings. Raises RenderFailed."""
        if [part["tool"] for part in parts] == ["gotemplate"]:
            return _texts(parts[0]["options"])
        found = self._resources(parts)
        reasons = {part["options"].get("volatility") for part in parts} & {"random", "time"}
        if reasons:
            if "time" in reasons and shows_the_time(found, datetime.now(UTC)):
                time.sleep(SECONDS_APART)
            found = stabilise(found, self._resources(parts, again=True))
        resources, duplicates = without_duplicates(found)
        if len(resources) > MAX_RESOURCES:
            raise RenderFailed("render", f"the output holds more than {MAX_RESOURCES:,} objects")
        rows = [[r.id.group, r.version, r.id.kind, r.id.namespace, r.id.name, r.hash, r.text] for r in resources]
        known = [text for part in parts for text in part["options"].get("warnings", ())]
        known += [note for part in parts for note in part["options"].get("flux", {}).get("notes", ())]
        return {"resources": rows, "warnings": [*known, *duplicates]}

    def inflate(self, chart: Mapping[str, Any]) -> dict[str, Any]:
        """A Helm chart inside of a kustomization, as text: the pool writes it where Kustomize reads it."""
        documents = self.helm(chart["engine"])(self.folder / chart["checkout"] / chart["chart"], chart)
        text = "".join(f"---\n{_generated(document)}\n" for document in documents)
        if len(text) > MAX_OUTPUT:
            raise RenderFailed("render", f"the output is larger than {MAX_OUTPUT // 1024 // 1024} MiB")
        return {"text": text}

    def _resources(self, parts: list[dict[str, Any]], again: bool = False) -> list[Resource]:
        documents = [document for part in parts for document in self._documents(part, again)]
        if sum(map(len, documents)) > MAX_OUTPUT:
            raise RenderFailed("render", f"the output is larger than {MAX_OUTPUT // 1024 // 1024} MiB")
        return self._read(documents)

    def _documents(self, part: Mapping[str, Any], again: bool) -> list[str]:
        folder = self.folder / (part["again"] if again and "again" in part else part["checkout"])
        options = part["options"]
        if part["tool"] == "helm":
            documents = self.helm(options["engine"])(folder, options)
            return self._after_helm(documents, folder, options) if "flux" in options else documents
        if part["tool"] == "kustomize":
            documents = self._kustomize(folder, options)
            return flux.after_kustomize(documents, options["flux"]) if "flux" in options else documents
        if part["tool"] == "plugin":
            return self._plugin(folder, options)
        return _directory(folder)

    def _after_helm(self, documents: list[str], folder: Path, options: Mapping[str, Any]) -> list[str]:
        crds = 0
        if options["include_crds"] and (folder / "crds").exists():
            bare = self.helm(options["engine"])(folder, {**options, "include_crds": False})
            crds = len(documents) - len(bare)

        def build(where: Path, text: str) -> list[str]:
            return self._build(where, folder, _ANYWHERE, text)

        return flux.after_helm(documents, crds, folder, options["flux"], build)

    def _read(self, documents: list[str]) -> list[Resource]:
        try:
            return [resource for document in documents for resource in read_resources(document, self.mask)]
        except YamlError as error:
            raise RenderFailed("parse", f"the rendered text cannot be read: {error}") from None

    def helm(self, engine: str) -> Helm:
        """A Helm, the library ("") loaded when first needed: after the box was entered."""
        if engine not in self._helm:
            self._helm[engine] = by_binary(Path(self.helms[engine])) if engine else by_library()
        return self._helm[engine]

    def _kustomize(self, folder: Path, options: Mapping[str, Any]) -> list[str]:
        return self._build(folder / options["path"], folder, options.get("arguments", ()))

    def _build(self, where: Path, folder: Path, arguments: Sequence[str], text: str = "") -> list[str]:
        done = subprocess.run(
            [*self.kustomize, *arguments, str(where)],
            cwd=folder,
            input=text,
            capture_output=True,
            text=True,
            check=False,
            errors="replace",
        )
        if done.returncode:
            message = done.stderr.strip().removeprefix("error: ").replace(f"{folder}/", "")
            raise RenderFailed("render", message or f"kustomize ended with code {done.returncode}")
        return [_unmarked(document) for document in split_documents(done.stdout)]

    def _plugin(self, folder: Path, options: Mapping[str, Any]) -> list[str]:
        """What the operator's command prints: YAML documents, or JSON for each run of it."""
        command, path = self.plugins[options["plugin"]]
        environment = {**os.environ, "PATH": path, **options["environment"]}
        documents: list[str] = []
        for arguments in options["runs"]:
            try:
                # No input: that of this process are the requests.
                done = subprocess.run(
                    [*command, *arguments],
                    cwd=folder / options["path"],
                    env=environment,
                    input=b"",
                    capture_output=True,
                    check=False,
                )
            except ValueError as error:
                raise RenderFailed("render", f"the plugin's command cannot be given its parameters: {error}") from None
            if done.returncode == -signal.SIGXCPU:
                os.kill(os.getpid(), signal.SIGXCPU)  # the limit is on the render, whichever process reached it
            output, said = (text.decode("utf-8", "replace") for text in (done.stdout, done.stderr))
            if done.returncode:
                message = said.strip().replace(f"{folder}/", "")
                raise RenderFailed("render", message or f"{Path(command[0]).name} ended with code {done.returncode}")
            documents += _json_documents(arguments[-1], output) if options["json"] else split_documents(output)
        return documents


def _generated(document: str) -> str:
    """A document of a chart, marked as Kustomize marks it: transformers leave the namespace of such objects alone."""
    try:
        value = load(document)
    except YamlError as error:
        raise RenderFailed("parse", f"the rendered text cannot be read: {error}") from None
    items = value.get("items") if isinstance(value, dict) else None
    for item in items if isinstance(items, list) else [value]:
        metadata = item.setdefault("metadata", {}) if isinstance(item, dict) else None
        if isinstance(metadata, dict):
            annotations = metadata.get("annotations")
            metadata["annotations"] = {**(annotations if isinstance(annotations, dict) else {}), _MARK: "true"}
    return dump(value, sort_keys=False)


def _unmarked(document: str) -> str:
    """A document without the mark, which a Kustomize older than 5.8 does not take away."""
    value = load(document) if _MARK in document else None
    metadata = value.get("metadata") if isinstance(value, dict) else None
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if not isinstance(annotations, dict) or _MARK not in annotations:
        return document
    del annotations[_MARK]
    return dump(value, sort_keys=False)


def _texts(options: Mapping[str, Any]) -> dict[str, Any]:
    """What templates of no chart gave, as the text of one resource."""
    text = json.dumps(evaluate(options))
    if len(text) > MAX_OUTPUT:
        raise RenderFailed("render", f"the output is larger than {MAX_OUTPUT // 1024 // 1024} MiB")
    return {"resources": [["", "", "Texts", "", "", "", text]], "warnings": []}


def _directory(folder: Path) -> list[str]:
    """The documents of plain files, in lexical order (repository.go findManifests, getObjsFromYAMLOrJSON)."""
    documents: list[str] = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        text = path.read_text("utf-8", errors="replace")
        if path.suffix == ".json":
            documents.append(_json_document(path.name, text))
        else:
            documents.extend(_manifests_in(path.relative_to(folder).as_posix(), text))
    return documents


def _manifests_in(name: str, text: str) -> list[str]:
    """The objects of a file; none when it does not look like a manifest at all, such as a `values.yaml`."""
    documents: list[str] = []
    for document in split_documents(text):
        problem = _no_object(document)
        if not problem:
            documents.append(document)
        elif documents or all(mark in text for mark in ("apiVersion:", "kind:", "metadata:")):
            raise RenderFailed("parse", f"{name}: {problem}")
        else:
            return []
    return documents


def _no_object(document: str) -> str:
    """Why a document is no Kubernetes object, "" when it is one."""
    if _KIND.search(document):
        return ""
    try:
        value = load(document)
    except YamlError as error:
        return str(error)
    return "" if isinstance(value, dict) and value.get("kind") else "a document has no kind"


def _json_document(name: str, text: str) -> str:
    try:
        return dump(json.loads(text), sort_keys=False)
    except (ValueError, RecursionError) as error:
        raise RenderFailed("parse", f"{name}: {error}") from None


def _json_documents(name: str, text: str) -> list[str]:
    """What a Jsonnet file gave: one object, or a list of them."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RenderFailed("parse", f"{name}: {error}") from None
    return [dump(item, sort_keys=False) for item in (value if isinstance(value, list) else [value])]


def _answer(renderer: Renderer, request: Mapping[str, Any]) -> dict[str, Any]:
    if "jq" in request:
        return jq.paths_of(request["jq"], request["value"])
    try:
        return renderer.inflate(request["chart"]) if "chart" in request else renderer.render(request["parts"])
    except RenderFailed as error:
        return {"error": {"stage": error.stage, "message": _shortened(str(error))}}
    except (OSError, UnicodeError, MemoryError) as error:
        return {"error": {"stage": "render", "message": f"{type(error).__name__}: {error}"[:MAX_ERROR]}}


def _shortened(message: str) -> str:
    """A long message without its middle: Helm says where at the start and why at the end."""
    if len(message) <= MAX_ERROR:
        return message
    half = MAX_ERROR // 2
    return f"{message[:half]}\n[… {len(message) - 2 * half:,} characters left out …]\n{message[-half:]}"


def _private_output() -> TextIO:
    """Our end of the pipe; whatever libraries print goes to standard error instead."""
    ours = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(ours, "w", encoding="utf-8")


def main() -> None:
    """Reads the set-up, enters the box, and answers requests until the input ends."""
    output = _private_output()
    setup = json.loads(sys.stdin.readline())
    programs = [Path(path) for path in setup["programs"]]
    lacking = sandbox.enter(Path(setup["folder"]), programs)
    renderer = Renderer(setup)
    print(json.dumps({"lacking": lacking}), file=output, flush=True)
    for line in sys.stdin:
        sandbox.allow_cpu_seconds(setup["cpu_seconds"])
        print(json.dumps(_answer(renderer, json.loads(line))), file=output, flush=True)


if __name__ == "__main__":
    main()
