"""`work`: an RQ worker as Astrolabe wants it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django_rq.management.commands.rqworker import Command as RqWorker


class Command(RqWorker):
    """django-rq's worker: jobs are JSON, never pickles, and a worker that is gone is noticed within two minutes."""

    help = "Runs jobs until SIGTERM; start as many as the machine has cores."

    def add_arguments(self, parser: CommandParser) -> None:
        """django-rq's options with our defaults."""
        super().add_arguments(parser)  # type: ignore[no-untyped-call]
        parser.set_defaults(serializer="rq.serializers.JSONSerializer", worker_ttl=30)

    def handle(self, *queues: str, **options: Any) -> None:
        """Serves the named queues, or all: a later one only while the earlier ones are empty."""
        super().handle(*(queues or settings.RQ_QUEUES), **options)  # type: ignore[no-untyped-call]
