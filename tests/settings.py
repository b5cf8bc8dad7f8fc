"""The settings of the tests: those of the product, in a place of their own, with a queue on a free port."""

import atexit
import os
import shutil
import tempfile

from tests.ports import free_port

os.environ["ASTROLABE_DATA"] = tempfile.mkdtemp(prefix="astrolabe-tests-")
atexit.register(shutil.rmtree, os.environ["ASTROLABE_DATA"], ignore_errors=True)
os.environ["ASTROLABE_ALLOW_LOCAL_REPOSITORIES"] = "1"
os.environ["ASTROLABE_SANDBOX"] = "best-effort"
# Tests of pairs switch them on: anywhere else they would be work that nobody looks at.
os.environ["ASTROLABE_PAIRS"] = "0"
VALKEY_PORT = free_port()
os.environ["REDIS_URL"] = f"redis://127.0.0.1:{VALKEY_PORT}/0"

from astrolabe_web.settings import *  # noqa: E402, F403
