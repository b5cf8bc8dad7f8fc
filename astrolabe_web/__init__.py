"""The Django project of Astrolabe: settings, addresses, the server's entry. No product code."""

import os
import sys


def main() -> None:
    """Runs a management command: `python manage.py …`, or `astrolabe …` when installed."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "astrolabe_web.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
