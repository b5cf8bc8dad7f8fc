"""Writes the sample fleet as a Git repository, the same one each time."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

from previews.engine.errors import BadInput
from previews.engine.git import run_git
from previews.sample.layout import Files, fleet_files
from previews.sample.requests import REQUESTS, later_on_main

_AUTHORS = ("Mina Park", "Jonas Weber", "Aiko Tanaka", "Sam Rivera")
_FIRST = 1_790_000_000
_DAY = 86_400


def make_sample(folder: Path) -> None:
    """Makes a repository with `main` and a `refs/pull/N/head` for each request. Raises BadInput if it is there."""
    if folder.exists() and any(folder.iterdir()):
        raise BadInput(f"{folder} is not empty: name a new folder")
    run_git(["init", "--quiet", "--bare", "--initial-branch=main", str(folder)])
    # One stream instead of hundreds of git calls.
    stream = b"".join(_stream())
    subprocess.run(["git", f"--git-dir={folder}", "fast-import", "--quiet"], input=stream, check=True)


def _stream() -> Iterator[bytes]:
    final = fleet_files()
    before = dict(final)
    after = dict(final)
    later_on_main(after)
    history = [
        ("Charts for our services", {path: text for path, text in final.items() if path.startswith("charts/")}),
        ("Clusters and their values", {p: t for p, t in final.items() if not p.startswith(("kustomize/", "plain/"))}),
        ("Monitoring, logs and access", before),
        ("search: 300 GiB in Seoul; notifier: every ten minutes", after),
    ]
    mark = 0
    for number, (message, files) in enumerate(history):
        mark += 1
        yield from _commit("refs/heads/main", mark, mark - 1, message, files, number)
    # Before the last commit on main, for those who pin a chart.
    yield b"reset refs/tags/v1.0\nfrom :3\n\n"
    for number, request in enumerate(REQUESTS, 1):
        files = dict(before if request.behind else after)
        request.edit(files)
        mark += 1
        start = len(history) - 1 if request.behind else len(history)
        message = f"{request.title}\n\n{request.description}".strip()
        yield from _commit(f"refs/pull/{number}/head", mark, start, message, files, len(history) + number)
    yield b"done\n"


def _commit(ref: str, mark: int, parent: int, message: str, files: Files, day: int) -> Iterator[bytes]:
    author = _AUTHORS[mark % len(_AUTHORS)]
    address = f"{author.split()[0].lower()}@example.com"
    who = f"{author} <{address}> {_FIRST + day * _DAY} +0000"
    yield f"commit {ref}\nmark :{mark}\nauthor {who}\ncommitter {who}\n".encode()
    yield _data(message)
    if parent:
        yield f"from :{parent}\n".encode()
    yield b"deleteall\n"
    for path, text in sorted(files.items()):
        yield f"M 100644 inline {path}\n".encode() + _data(text)
    yield b"\n"


def _data(text: str) -> bytes:
    content = text.encode()
    return b"data %d\n%s\n" % (len(content), content)
