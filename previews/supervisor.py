"""Starts the parts of Astrolabe on one machine, watches them, and stops them in order."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType

Say = Callable[[str], None]

_PR_SET_PDEATHSIG = 1

#: Seconds that a part may take to end by itself: a worker finishes its job. Then it is asked again, then killed.
PATIENCE = (8.0, 4.0)
#: A part that dies this often within a minute is not started again.
MAX_DEATHS = 5


class Broken(Exception):
    """A part dies again and again; the text says which."""


def _end_with_parent() -> None:
    """Has the kernel end this process when the supervisor is killed and can no longer do it (prctl(2); Linux only)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Part:
    """One process: its name for people, and the command that starts it.

    One that `ends_last` is needed by the others until they end; a `quiet` one speaks only through errors.
    """

    name: str
    command: Sequence[str]
    ends_last: bool = False
    quiet: bool = False
    process: subprocess.Popen[bytes] | None = None
    deaths: list[float] = field(default_factory=list)

    def start(self, environment: Mapping[str, str]) -> None:
        """Starts the process in a session of its own, so that Ctrl-C reaches only the supervisor."""
        output = subprocess.DEVNULL if self.quiet else None
        self.process = subprocess.Popen(
            self.command, env=dict(environment), stdout=output, start_new_session=True, preexec_fn=_end_with_parent
        )

    @property
    def is_running(self) -> bool:
        """Whether it lives."""
        return self.process is not None and self.process.poll() is None

    def signal(self, number: int) -> None:
        """Sends a signal if it lives."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)


class Supervisor:
    """The parts of one installation."""

    def __init__(self, environment: Mapping[str, str], say: Say) -> None:
        """`environment` is what every part gets."""
        self.environment = environment
        self.say = say
        self.parts: list[Part] = []
        self.interrupted = False

    def add(self, name: str, *command: str, ends_last: bool = False, quiet: bool = False) -> None:
        """Starts a part; see Part."""
        part = Part(name, command, ends_last, quiet)
        part.start(self.environment)
        self.parts.append(part)

    def watch(self, seconds: float) -> None:
        """Waits, starting again what dies meanwhile. Raises Broken when that does not help, KeyboardInterrupt."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.interrupted:
                raise KeyboardInterrupt
            for part in self.parts:
                if not part.is_running:
                    self._revive(part)
            time.sleep(0.2)

    def interrupt(self, number: int, frame: FrameType | None) -> None:
        """Ends the waiting on a signal; a second one does not disturb the stopping.

        Raises KeyboardInterrupt, and so does `watch` from then on: Python drops one that is raised while it collects
        garbage.
        """
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.interrupted = True
        raise KeyboardInterrupt

    def _revive(self, part: Part) -> None:
        now = time.monotonic()
        part.deaths = [*(death for death in part.deaths if now - death < 60), now]
        code = part.process.returncode if part.process else None
        if len(part.deaths) >= MAX_DEATHS:
            raise Broken(f"{part.name} ended {len(part.deaths)} times within a minute (exit code {code})")
        self.say(f"{part.name} ended (exit code {code}); starting it again")
        time.sleep(min(2 ** len(part.deaths) / 4, 8))
        part.start(self.environment)

    def stop(self) -> None:
        """Ends all parts: politely, then again (an RQ worker then gives up its job), then by force."""
        for ends_last in (False, True):
            self._stop([part for part in self.parts if part.ends_last == ends_last])

    def _stop(self, parts: list[Part]) -> None:
        for patience in PATIENCE:
            for part in parts:
                part.signal(signal.SIGTERM)
            if _all_ended(parts, patience):
                return
        for part in parts:
            if part.is_running and part.process:
                self.say(f"killing {part.name}")
                os.killpg(part.process.pid, signal.SIGKILL)
                part.process.wait()


def _all_ended(parts: list[Part], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not any(part.is_running for part in parts):
            return True
        time.sleep(0.05)
    return False


def manage(*arguments: str) -> tuple[str, ...]:
    """The command line of one of our management commands."""
    return (sys.executable, "manage.py", *arguments)
