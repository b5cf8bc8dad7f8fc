"""`make_sample FOLDER`: writes the sample fleet as a Git repository."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from previews.engine.errors import AstrolabeError
from previews.sample.make import make_sample


class Command(BaseCommand):
    """Makes the repository that `make run` shows."""

    help = "Writes a sample fleet with pull requests into a new folder."
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own declaration; nothing here needs a database

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to."""
        parser.add_argument("folder", type=Path)

    def handle(self, **options: Any) -> None:
        """Writes it. A folder that holds something already is left alone, with code 2."""
        try:
            make_sample(options["folder"])
        except AstrolabeError as error:
            raise CommandError(str(error), returncode=2) from None
