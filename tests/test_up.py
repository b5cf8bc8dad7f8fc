"""`up`, the command behind `make run`: from nothing to a page, and back to nothing."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.ports import free_port

ROOT = Path(__file__).resolve().parent.parent


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


def parts_of(up: Up) -> dict[str, str]:
    """All that `up` has started and what that has started in turn: command lines by process and its start time.

    By descent and not by environment: Valkey writes its title over its own environment.
    """
    status = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            command = (folder / "cmdline").read_text().replace("\0", " ")
            status[folder.name] = (fields[0], fields[1], f"{folder.name} {fields[19]}", command)
    family = {str(up.process.pid)}
    while more := {pid for pid, (_, parent, *_) in status.items() if parent in family} - family:
        family |= more
    family.discard(str(up.process.pid))
    return {key: command for pid, (state, _, key, command) in status.items() if pid in family and state != "Z"}


def is_alive(part: str) -> bool:
    """Whether a process of `parts_of` still runs."""
    pid, started = part.split()
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return fields[0] != "Z" and fields[19] == started


def left_over(parts: dict[str, str]) -> list[str]:
    return [command for part, command in parts.items() if is_alive(part)]


def previews_by_state(data: Path) -> dict[str, int]:
    with contextlib.closing(sqlite3.connect(data / "astrolabe.sqlite3")) as database:
        return dict(
            database.execute(
                "SELECT state, count(*) FROM previews_preview WHERE change_request_id IS NOT NULL GROUP BY state"
            ).fetchall()
        )


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


def test_from_nothing_to_a_matrix_and_back_and_again(up):
    first, address = up()
    said = first.wait_for("Astrolabe is ready")
    for step in ("starting the queue", "preparing the database", "making the sample fleet", "18 of 18 previews done"):
        assert step in said
    assert "Sample fleet" in read(address)
    assert "instances change" in read(f"{address}previews/1/")
    parts = parts_of(first)
    for part in ("valkey-server", "manage.py work", "manage.py ticker", "gunicorn"):
        assert part in " ".join(parts.values())
    assert first.stop() == 0
    assert "stopping" in first.log.read_text()
    assert left_over(parts) == []

    second, address = up()
    said = second.wait_for("Astrolabe is ready")
    assert "making the sample fleet" not in said
    assert "beginning again" not in said
    assert "instances change" in read(f"{address}previews/1/")
    assert second.stop() == 0


def test_a_start_that_was_interrupted_is_completed_by_the_next(up, tmp_path):
    first, _ = up()
    said = first.wait_for("0 of 18 previews done")
    parts = parts_of(first)
    # Ctrl-C in a terminal reaches every process of the group, and none of them may answer with a traceback.
    os.killpg(first.process.pid, signal.SIGINT)
    assert first.process.wait(timeout=40) == 0
    said = first.log.read_text()
    assert "Traceback" not in said
    assert left_over(parts) == []
    states = previews_by_state(tmp_path / "data")
    interrupted = sum(states.values()) - states.get("done", 0)
    assert interrupted > 0

    second, _ = up()
    said = second.wait_for("Astrolabe is ready")
    assert f"beginning again {interrupted} previews" in said
    assert previews_by_state(tmp_path / "data") == {"done": 18}


def test_a_worker_that_dies_while_the_first_previews_are_made_is_started_again(up):
    running, _ = up()
    running.wait_for("0 of 18 previews done")
    for part, command in parts_of(running).items():
        if "manage.py work" in command:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(part.split()[0]), signal.SIGKILL)
    running.wait_for("starting it again")
    assert running.stop() == 0


def test_the_queue_is_no_ones_but_ours(up):
    running, _ = up()
    running.wait_for("starting 2 workers")
    pids = {part.split()[0] for part, command in parts_of(running).items() if "valkey-server" in command}
    assert len(pids) == 1
    sockets = {os.readlink(link) for link in Path(f"/proc/{pids.pop()}/fd").iterdir()}
    listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    assert not [line for line in listening if line[3] == "0A" and f"socket:[{line[9]}]" in sockets]


def test_a_proxy_in_the_environment_does_not_matter(up, sample, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    running, _ = up("--repo", str(sample))
    running.wait_for("adding ")


def test_listening_everywhere(up, sample):
    running, address = up("--repo", str(sample), "--host", "0.0.0.0")
    running.wait_for(f"Astrolabe is ready: {address}")


def test_a_repository_of_the_users(up, sample):
    running, address = up("--repo", str(sample))
    running.wait_for("Astrolabe is ready")
    assert "fleet" in read(address)
    assert "Sample fleet" not in read(address)


def test_a_worker_that_dies_is_started_again(up):
    running, _ = up()
    running.wait_for("Astrolabe is ready")
    worker = next(int(part.split()[0]) for part, command in parts_of(running).items() if "manage.py work" in command)
    os.kill(worker, signal.SIGKILL)
    running.wait_for("starting it again")
    parts = parts_of(running)
    assert running.stop() == 0
    assert left_over(parts) == []


def test_a_taken_port_is_told_with_the_remedy(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        running = Up(tmp_path / "data", port)
        assert running.process.wait(timeout=30) == 1
    assert f"port {port} is taken" in running.log.read_text()
    assert f"make run PORT={port + 1}" in running.log.read_text()


def test_a_killed_supervisor_takes_its_parts_along(up):
    running, _ = up()
    running.wait_for("Astrolabe is ready")
    parts = parts_of(running)
    assert parts
    running.process.kill()
    running.process.wait()
    until = time.monotonic() + 30
    while left_over(parts) and time.monotonic() < until:
        time.sleep(0.2)
    assert left_over(parts) == []
