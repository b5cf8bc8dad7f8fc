"""`ticker`: each minute, looks for new commits in all repositories and for previews whose worker is gone."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from previews import jobs
from previews.models import Repository


class Command(BaseCommand):
    """A clock: it only puts jobs on the queue."""

    help = "Polls repositories and revives lost previews, each minute, until it is stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        """How often."""
        parser.add_argument("--seconds", type=int, default=60)

    def handle(self, **options: Any) -> None:
        """Runs until SIGTERM."""
        stopped = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stopped.set())
        while not stopped.wait(options["seconds"]):
            jobs.sweep()
            for key in Repository.objects.values_list("pk", flat=True):
                jobs.enqueue(jobs.refresh, key)
