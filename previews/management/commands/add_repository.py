"""`add_repository REPO`: registers a repository with the server, and previews its change requests."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from previews import arrivals, jobs
from previews.engine.errors import AstrolabeError
from previews.models import Preview, Repository


class Command(BaseCommand):
    """Does what the page's form does."""

    help = "Adds a repository to the server's database; a second time it only fetches it."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which repository."""
        parser.add_argument("repository", metavar="REPO", help="path or URL")
        parser.add_argument("--name", default="")
        parser.add_argument("--config", type=Path, help="an astrolabe.yaml to use instead of the repository's own")
        parser.add_argument("--wait", action="store_true", help="fetch at once, and wait until its previews are done")

    def handle(self, **options: Any) -> None:
        """Adds it. Bad input ends with code 2."""
        config: Path | None = options["config"]
        try:
            text = config.read_text() if config else ""
            repository = arrivals.add_repository(options["name"], options["repository"], text)
        except (AstrolabeError, OSError) as error:
            raise CommandError(str(error), returncode=2) from None
        if not options["wait"]:
            jobs.enqueue(jobs.refresh, repository.pk)
            return
        jobs.refresh(repository.pk)
        repository.refresh_from_db()
        if repository.fetch_error:
            raise CommandError(repository.fetch_error)
        self.wait(repository)

    def wait(self, repository: Repository) -> None:
        """Tells how far the previews are until none is left."""
        told = -1
        while True:
            previews = Preview.objects.filter(repository=repository, change_request__isnull=False)
            left = previews.filter(state__in=Preview.RUNNING).count()
            if left != told:
                done = previews.count() - left
                self.stdout.write(f"          {done} of {done + left} previews done")
                self.stdout.flush()
                told = left
            if not left:
                return
            time.sleep(0.3)
