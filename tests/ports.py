"""Ports for servers that tests start later."""

from __future__ import annotations

import random
import socket

_EPHEMERAL = 32_768


def free_port() -> int:
    """A port that nobody listens on. Not one that the kernel gives away itself: it would be gone minutes later."""
    while True:
        port = random.SystemRandom().randrange(20_000, _EPHEMERAL)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
