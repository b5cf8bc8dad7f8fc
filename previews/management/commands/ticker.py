"""`ticker`: each minute, looks for new commits in all repositories and for previews whose worker is gone."""

from __future__ import annotations

import logging
import signal
import threading
from typing import Any

import django_rq
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError
from redis.exceptions import RedisError

from previews import jobs
from previews.models import Repository

log = logging.getLogger(__name__)


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
            self.tick()

    def tick(self) -> None:
        """One round. While workers are busy nobody looks for more work: looking would only pile up."""
        try:
            jobs.sweep()
            if django_rq.get_queue("default").is_empty():
                for key in Repository.objects.values_list("pk", flat=True):
                    jobs.enqueue(jobs.refresh, key)
        except (RedisError, DatabaseError) as error:
            log.error("this round was left out: %s", error)
