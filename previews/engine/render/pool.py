"""Child processes that render, kept on a short leash: they answer in time or are killed, and die alone.

The parent never imports the Go library, writes the files that children read, and takes what they say as untrusted.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from previews.engine.errors import GitError, RenderFailed
from previews.engine.ignoring import BadExpression
from previews.engine.manifests import Manifest, Resource, ResourceId
from previews.engine.render.charts import DECLARATIONS, file_digest, without_dependencies
from previews.engine.render.inflation import write_inflated
from previews.engine.render.integers import TEMPLATE_PATH
from previews.engine.render.plugins import Plugin
from previews.engine.render.requests import Checkout, Part, RenderRequest, digest
from previews.engine.render.unstable import SECONDS_APART
from previews.engine.trees import ObjectStore
from previews.engine.yamls import dump

Result = Manifest | RenderFailed
#: Gives a result for each request's key, from a cache where it can.
Render = Callable[[Sequence[RenderRequest]], Mapping[str, Result]]

MAX_ANSWER = 48 * 1024 * 1024
RENDERS_PER_CHILD = 400
#: For one jq expression. Argo CD grants 1 s (jq.timeout), on a machine that is not busy rendering.
JQ_SECONDS = 3
_BATCH = 25
_ROOT = Path(__file__).resolve().parents[3]
# Nothing of ours. There is a child for each core, so Go needs no more than one; collecting garbage less often saves a
# quarter of the time, and stays under the box's 512 MiB.
_CHILD_ENVIRONMENT = {
    "PATH": "/nonexistent",
    "HOME": "/nonexistent",
    "LC_ALL": "C.UTF-8",
    "GOMAXPROCS": "1",
    "GOGC": "400",
    "GOMEMLIMIT": "400MiB",
}
_START = "import sys; sys.path.insert(0, sys.argv[1]); from previews.engine.render.child import main; main()"


@dataclass(frozen=True)
class RenderSettings:
    """How to render. `mask_key` None shows secrets; `strict` refuses to render where the kernel lacks protections.

    `helm_binary` renders in place of the built-in library, `helm_binaries` where a cluster's profile names a version.
    """

    scratch: Path
    mask_key: bytes | None
    processes: int = 2
    seconds: int = 30
    cpu_seconds: int = 20
    helm_binary: Path | None = None
    helm_binaries: Mapping[str, Path] = field(default_factory=dict)
    kustomize_binary: Path | None = None
    plugins: Mapping[str, Plugin] = field(default_factory=dict)
    strict: bool = False
    warn: Callable[[str], None] = field(default=lambda text: None)

    def engines(self) -> dict[str, str]:
        """What identifies the Helm of each version, "" being the default one and "" the built-in library."""
        return {version: file_digest(path) for version, path in self._binaries().items()} | (
            {} if self.helm_binary else {"": ""}
        )

    def programs(self) -> dict[str, str]:
        """The paths of the helm binaries, by what identifies them."""
        return {file_digest(path): str(path) for path in self._binaries().values()}

    def _binaries(self) -> dict[str, Path]:
        return {**self.helm_binaries, **({"": self.helm_binary} if self.helm_binary else {})}


class _Died(Exception):
    """The child ended or was killed; the text says why, for people."""


class RenderPool:
    """Renders requests in child processes. Use as a context manager; not to be shared between threads."""

    def __init__(self, store: ObjectStore, settings: RenderSettings) -> None:
        """`store` holds the files of the requests' checkouts."""
        self.store = store
        self.settings = settings
        settings.scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder = Path(tempfile.mkdtemp(prefix="render-", dir=settings.scratch))
        self.engines = {"", *settings.programs()}
        self.plugins = {"", *(plugin.id for plugin in settings.plugins.values())}
        self._written: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._waiting: queue.SimpleQueue[list[RenderRequest] | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[tuple[RenderRequest, Result] | BaseException] = queue.SimpleQueue()
        self._children: list[_Child] = []
        self._jq: _Child | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kills the children and removes the folder."""
        for child in self._children:
            self._waiting.put(None)
            child.kill()
        if self._jq is not None:
            self._jq.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def render(self, requests: Sequence[RenderRequest]) -> Iterator[tuple[RenderRequest, Result]]:
        """Renders all requests, each key once, and gives each result as it comes, in no order.

        A request that crashes or outlasts its child fails alone; the others go to a new child.
        """
        wanted = {request.key: request for request in requests}
        batches = _batches(list(wanted.values()))
        while len(self._children) < min(self.settings.processes, len(batches)):
            # A child dies with the thread that started it (PDEATHSIG), so each has one that lives as long as the pool.
            self._children.append(_Child(self.folder, self.settings))
            threading.Thread(target=self._serve, args=(self._children[-1],), daemon=True).start()
        for batch in batches:
            self._waiting.put(batch)
        for _ in range(len(wanted)):
            result = self._results.get()
            if isinstance(result, BaseException):
                raise result
            yield result

    def find_paths(self, expression: str, value: Any) -> list[Any]:
        """The paths that a jq expression chooses in a JSON value. Raises BadExpression, also when it takes too long."""
        if self._jq is None:
            self._jq = _Child(self.folder, self.settings)
        try:
            answer = self._jq.ask({"jq": expression, "value": value}, JQ_SECONDS)
        except (_Died, RenderFailed) as error:
            raise BadExpression(str(error)) from None
        if not isinstance(answer.get("paths"), list):
            raise BadExpression(str(answer.get("problem", "no answer")))
        return list(answer["paths"])

    def _serve(self, child: _Child) -> None:
        while (batch := self._waiting.get()) is not None:
            for request in batch:
                try:
                    self._results.put((request, self._render_one(child, request)))
                except BaseException as error:  # the caller raises it: a thread has nobody to tell
                    self._results.put(error)

    def _render_one(self, child: _Child, request: RenderRequest) -> Result:
        try:
            for part in request.parts:
                if part.options.get("engine", "") not in self.engines:
                    text = "the Helm that this was planned with is not on this machine"
                    return RenderFailed("render", text, is_final=False)
                if part.options.get("plugin", "") not in self.plugins:
                    text = "the plugin that this was planned with is not on this machine, or has changed since"
                    return RenderFailed("render", text, is_final=False)
                self.write(part.checkout)
            parts = [self._message(child, part) for part in request.parts]
            return _read_answer(child.ask({"parts": parts}), request)
        except _Died as death:
            return RenderFailed("render", str(death), is_final=False)
        except RenderFailed as error:
            return error
        except GitError as error:
            return RenderFailed("render", str(error), is_final=False)

    def _message(self, child: _Child, part: Part) -> dict[str, Any]:
        texts = dict(part.options.get("files", {}))
        texts |= {path: dump(content) for path, content in part.options.get("edits", {}).items()}
        folder = self._edited_copy(part.checkout, texts) if texts else self._adapted_chart(part)
        if "charts" not in part.options:
            return {"tool": part.tool, "checkout": folder, "options": part.options}
        copies = [self._inflated_copy(child, part, folder, 0)]
        if part.options["volatility"]:
            time.sleep(SECONDS_APART if part.options["volatility"] == "time" else 0)
            copies.append(self._inflated_copy(child, part, folder, 1))
        return {"tool": part.tool, "checkout": copies[0], "again": copies[-1], "options": part.options}

    def _inflated_copy(self, child: _Child, part: Part, folder: str, turn: int) -> str:
        """A copy of a checkout in which the output of its Helm charts stands for them."""

        def inflate(chart: dict[str, Any]) -> str:
            answer = child.ask({"chart": {**chart, "checkout": part.checkout.id}})
            if "error" in answer:
                raise RenderFailed("render", f"chart of {chart['kustomization']}: {answer['error']['message']}")
            return str(answer["text"])

        def fill(draft: Path) -> None:
            shutil.copytree(self.folder / folder, draft, dirs_exist_ok=True)
            write_inflated(draft, part.options["charts"], inflate)

        return self._made_once(f"{folder}-{digest([part.options['charts'], turn])[:16]}", fill)

    def _edited_copy(self, checkout: Checkout, texts: Mapping[str, str]) -> str:
        """A copy of the checkout with other texts in some files; the checkout may serve others."""

        def fill(draft: Path) -> None:
            shutil.copytree(self.folder / checkout.id, draft, dirs_exist_ok=True)
            for name, text in texts.items():
                _place(draft, name).write_text(text)

        return self._made_once(f"{checkout.id}-{digest(texts)[:16]}", fill)

    def _adapted_chart(self, part: Part) -> str:
        """The checkout, or a copy with what a chart needs besides its own files; most of a copy is only linked."""
        integers, undeclared = part.options.get("integers"), part.options.get("undeclared", ())
        if not integers and not undeclared:
            return part.checkout.id

        def fill(draft: Path) -> None:
            shutil.copytree(self.folder / part.checkout.id, draft, copy_function=os.link, dirs_exist_ok=True)
            if integers:
                _place(draft, TEMPLATE_PATH).write_text(integers, "utf-8")
            for path in (draft / name for name in DECLARATIONS if undeclared):
                if path.exists():
                    text = path.read_text("utf-8")
                    path.unlink()  # a link: what it names serves others
                    path.write_text(without_dependencies(text, undeclared))

        return self._made_once(f"{part.checkout.id}-{digest([integers, undeclared])[:16]}", fill)

    def write(self, checkout: Checkout) -> None:
        """Puts a checkout on the disk, once: regular files only, whatever they were in Git."""

        def fill(draft: Path) -> None:
            for name, blob in checkout.files:
                _place(draft, name).write_bytes(self.store.blob(blob))
            for name, archive in checkout.archives:
                shutil.copyfile(archive.path, _place(draft, name))

        self._made_once(checkout.id, fill)

    def _made_once(self, name: str, fill: Callable[[Path], None]) -> str:
        """The name of a folder that is filled when it is first asked for: whole, or not there at all."""
        with self._written[name]:
            if not (self.folder / name).exists():
                draft = Path(tempfile.mkdtemp(dir=self.folder))
                try:
                    fill(draft)
                    draft.rename(self.folder / name)
                finally:
                    shutil.rmtree(draft, ignore_errors=True)
        return name


def _place(folder: Path, name: str) -> Path:
    """Where a file goes, its folder made."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _batches(requests: list[RenderRequest]) -> list[list[RenderRequest]]:
    """Requests of the same checkout together, so that a chart is loaded once; the big groups first."""
    groups: dict[str, list[RenderRequest]] = defaultdict(list)
    for request in requests:
        groups[request.parts[0].checkout.id if request.parts else ""].append(request)
    batches = [group[at : at + _BATCH] for group in groups.values() for at in range(0, len(group), _BATCH)]
    return sorted(batches, key=len, reverse=True)


def _read_answer(answer: dict[str, Any], request: RenderRequest) -> Result:
    error = answer.get("error")
    if error:
        return RenderFailed("parse" if error["stage"] == "parse" else "render", str(error["message"]))
    resources = tuple(
        Resource(ResourceId(str(group), str(kind), str(namespace), str(name)), str(version), str(text), str(hashed))
        for group, version, kind, namespace, name, hashed, text in answer["resources"]
    )
    return Manifest(resources, tuple(map(str, answer["warnings"])), request.missing)


class _Child:
    """One child process, started when first asked and again after each death."""

    def __init__(self, folder: Path, settings: RenderSettings) -> None:
        self.folder = folder
        self.settings = settings
        self.process: subprocess.Popen[bytes] | None = None
        self.rendered = 0
        self.buffer = bytearray()
        self.last_words = b""

    def ask(self, request: dict[str, Any], seconds: int = 0) -> dict[str, Any]:
        """Sends a request and waits for the answer. Raises _Died when there is none in time (else the settings')."""
        if self.process is None or self.rendered >= RENDERS_PER_CHILD:
            self.kill()
            self.start()
        self.rendered += 1
        return self._exchange(request, seconds or self.settings.seconds)

    def start(self) -> None:
        """Starts the process and waits until it is in its box. Raises RenderFailed when it must not lack a wall."""
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-c", _START, str(_ROOT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env=_CHILD_ENVIRONMENT,
            start_new_session=True,
        )
        self.rendered, self.buffer, self.last_words = 0, bytearray(), b""
        threading.Thread(target=self._listen, args=(self.process.stderr,), daemon=True).start()
        lacking = self._exchange(self._setup(), self.settings.seconds)["lacking"]
        if not lacking:
            return
        names = " and ".join(lacking)
        if self.settings.strict:
            self.kill()
            text = f"not rendered: this machine's kernel lacks {names} (ASTROLABE_SANDBOX=strict)"
            raise RenderFailed("render", text, is_final=False)
        self.settings.warn(f"rendering without {names}: do not render what strangers wrote on this machine")

    def _setup(self) -> dict[str, Any]:
        helms, kustomize = self.settings.programs(), self.settings.kustomize_binary
        kubectl = Path(sys.prefix) / "bin" / "kubectl"
        plugins = list(self.settings.plugins.values())
        return {
            "folder": str(self.folder),
            "mask_key": None if self.settings.mask_key is None else self.settings.mask_key.hex(),
            "cpu_seconds": self.settings.cpu_seconds,
            "helms": helms,
            "kustomize": [str(kustomize), "build"] if kustomize else [str(kubectl), "kustomize"],
            "plugins": {plugin.id: [plugin.command, plugin.path] for plugin in plugins},
            "programs": [
                *helms.values(),
                *([str(kustomize)] if kustomize else []),
                *(str(path) for plugin in plugins for path in plugin.programs),
            ],
        }

    def _exchange(self, message: dict[str, Any], seconds: float) -> dict[str, Any]:
        process = self.process
        assert process is not None and process.stdin is not None and process.stdout is not None
        deadline = time.monotonic() + seconds
        try:
            process.stdin.write(json.dumps(message).encode() + b"\n")
            process.stdin.flush()
            line = self._read_line(process.stdout.fileno(), deadline, seconds)
            answer = json.loads(line)
        except (OSError, ValueError) as error:
            raise self._died(f"the renderer gave no usable answer: {type(error).__name__}") from None
        if not isinstance(answer, dict):
            raise self._died("the renderer gave no usable answer")
        return answer

    def _read_line(self, source: int, deadline: float, seconds: float) -> bytes:
        while b"\n" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([source], [], [], left)[0]:
                raise self._died(f"rendering took longer than {seconds} s and was stopped")
            data = os.read(source, 1 << 20)
            if not data:
                raise self._died("")
            self.buffer += data
            if len(self.buffer) > MAX_ANSWER:
                raise self._died("the output is too large")
        line, _, rest = bytes(self.buffer).partition(b"\n")
        self.buffer = bytearray(rest)
        return line

    def _died(self, reason: str) -> _Died:
        process = self.process
        if not reason and process is not None:
            reason = _cause_of_death(process.wait(), self.last_words)
        self.kill()
        return _Died(reason)

    def _listen(self, source: Any) -> None:
        """Keeps the first words of standard error, where Go says why it gives up; never lets the pipe fill."""
        while data := source.read1(1 << 16):
            self.last_words = (self.last_words + data)[:4096]

    def kill(self) -> None:
        """Ends the process and whatever it started."""
        process, self.process = self.process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream:
                with contextlib.suppress(OSError):
                    stream.close()


def _cause_of_death(code: int, last_words: bytes) -> str:
    if b"out of memory" in last_words or b"MemoryError" in last_words or b"cannot allocate" in last_words:
        return "rendering needed too much memory and was stopped"
    if b"stack exceeds" in last_words or b"stack overflow" in last_words:
        return "the renderer crashed: a template recurses without end"
    if code == -signal.SIGXCPU:
        return "rendering used too much processor time and was stopped"
    return f"the renderer crashed ({f'signal {-code}' if code < 0 else f'exit code {code}'})"
