"""`up`, the command behind `make run`: from nothing to a page, and back to nothing."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Up:
    """A running `up` and what it has said so far."""

    def __init__(self, data: Path, port: int, *arguments: str) -> None:
        clean = {
            key: value for key, value in os.environ.items() if not key.startswith(("ASTROLABE_", "REDIS_", "DJANGO_"))
        }
        self.log = data.with_suffix(".log")
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--port", str(port), "--workers", "2", *arguments],
            cwd=ROOT,
            env={**clean, "ASTROLABE_DATA": str(data)},
            stdout=self.log.open("w"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def wait_for(self, text: str, seconds: int = 90) -> str:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            said = self.log.read_text()
            if text in said:
                return said
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise AssertionError(f"{text!r} was not said:\n{self.log.read_text()}")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=40)


def processes_with(text: str) -> list[str]:
    """Command lines of living processes whose environment or command names `text`."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if text.encode() in (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes():
                found.append((folder / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def read(address: str) -> str:
    with urllib.request.urlopen(address, timeout=20) as answer:
        return answer.read().decode()


@pytest.fixture
def up(tmp_path):
    started = []

    def start(*arguments: str) -> tuple[Up, str]:
        port = free_port()
        started.append(Up(tmp_path / "data", port, *arguments))
        return started[-1], f"http://127.0.0.1:{port}/"

    yield start
    for one in started:
        if one.process.poll() is None:
            one.stop()


def test_from_nothing_to_a_matrix_and_back_and_again(up, tmp_path):
    first, address = up()
    said = first.wait_for("Astrolabe is ready")
    for step in ("starting the queue", "preparing the database", "making the sample fleet", "15 of 15 previews done"):
        assert step in said
    assert "Sample fleet" in read(address)
    assert "instances change" in read(f"{address}previews/1/")
    assert first.stop() == 0
    assert "stopping" in first.log.read_text()
    assert processes_with(str(tmp_path / "data")) == []

    second, address = up()
    said = second.wait_for("Astrolabe is ready")
    assert "making the sample fleet" not in said
    assert "instances change" in read(f"{address}previews/1/")
    assert second.stop() == 0


def test_a_repository_of_the_users(up, sample):
    running, address = up("--repo", str(sample))
    running.wait_for("Astrolabe is ready")
    assert "fleet" in read(address)
    assert "Sample fleet" not in read(address)


def test_a_worker_that_dies_is_started_again(up, tmp_path):
    running, _ = up()
    running.wait_for("Astrolabe is ready")
    worker = next(
        int(folder.name)
        for folder in Path("/proc").glob("[0-9]*")
        if (folder / "cmdline").exists() and "manage.py\0work" in (folder / "cmdline").read_text()
        and str(tmp_path).encode() in (folder / "environ").read_bytes()
    )  # fmt: skip
    os.kill(worker, signal.SIGKILL)
    running.wait_for("starting it again")
    assert running.stop() == 0
    assert processes_with(str(tmp_path / "data")) == []


def test_a_taken_port_is_told_with_the_remedy(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        running = Up(tmp_path / "data", port)
        assert running.process.wait(timeout=30) == 1
    assert f"port {port} is taken" in running.log.read_text()
    assert f"make run PORT={port + 1}" in running.log.read_text()
