"""What the commands share: options, folders, the way from a repository's address to a workbench."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandParser

from previews.engine.cache import FileCache
from previews.engine.config import FleetConfig
from previews.engine.errors import AstrolabeError, BadInput
from previews.engine.git import Mirror, normalise_address, run_git
from previews.engine.masking import kept_key
from previews.engine.preview import Workbench
from previews.engine.remote.reach import Reach, make_reach
from previews.engine.render.charts import ChartStore
from previews.engine.render.plugins import load_plugins
from previews.engine.render.pool import RenderSettings
from previews.engine.render.programs import program, programs

DONE, CONDITION, BAD_INPUT, CONFLICT = 0, 1, 2, 3


class RepositoryCommand(BaseCommand):
    """A command on a repository: bad input and refusals end it with code 2 and a sentence."""

    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own declaration; a pipeline has no database

    def add_arguments(self, parser: CommandParser) -> None:
        """The options that all commands know."""
        parser.add_argument("repository", metavar="REPO", help="path or URL of the Git repository")
        parser.add_argument("--config", type=Path, help="an astrolabe.yaml that wins over the repository's own")
        parser.add_argument(
            "--address", action="append", default=[], help="this repository is also known as (repeatable)"
        )
        parser.add_argument(
            "--cache", type=Path, default=default_cache(), help="folder of mirrors and rendered manifests"
        )
        parser.add_argument(
            "--with-repository",
            action="append",
            default=[],
            metavar="ADDRESS=PATH_OR_URL",
            help="another repository that Applications name, and where it is to be had (repeatable)",
        )
        parser.add_argument(
            "--allow-host",
            action="append",
            default=[],
            metavar="HOST",
            help="charts and repositories may be fetched from there (repeatable)",
        )
        parser.add_argument("--jobs", type=positive, default=os.cpu_count() or 1, help="renderers that run at once")
        parser.add_argument("--timeout", type=positive, default=30, help="seconds that one render may take")
        parser.add_argument(
            "--plugins",
            metavar="FILE",
            default=os.environ.get("ASTROLABE_PLUGINS", ""),
            help="a file of commands for plugins and Jsonnet (docs/rendering.md)",
        )
        parser.add_argument("--show-secrets", action="store_true", help="do not mask Secret data and secret values")

    def execute(self, *args: Any, **options: Any) -> Any:
        """Runs the command; what a person did wrong is told in a sentence, without a traceback."""
        try:
            return super().execute(*args, **options)
        except AstrolabeError as error:
            leave(str(error), BAD_INPUT)


def leave(message: str, code: int) -> NoReturn:
    """Ends the command with a sentence on standard error and an exit code."""
    print(f"astrolabe: {message}", file=sys.stderr)
    sys.exit(code)


def positive(text: str) -> int:
    """A whole number above 0, for argparse."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def default_cache() -> Path:
    """The user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "astrolabe"


@dataclass(frozen=True)
class Session:
    """An open repository and what the options say about it."""

    bench: Workbench
    mirror: Mirror
    default_branch: str
    options: dict[str, Any]

    def config(self, head_tree: str, base_tree: str) -> FleetConfig:
        """The fleet configuration for both sides. Raises ConfigError."""
        path: Path | None = self.options["config"]
        override = ""
        if path is not None:
            if not path.is_file():
                raise BadInput(f"--config: there is no file {path}")
            override = path.read_text("utf-8", errors="replace")
        found = self.bench.config(head_tree, base_tree, override)
        return with_addresses(found, [*self.options["address"], *origins(self.mirror.address)])


def with_addresses(config: FleetConfig, addresses: list[str]) -> FleetConfig:
    """The configuration with more addresses that mean this repository."""
    from dataclasses import replace

    return replace(config, addresses=(*config.addresses, *addresses))


def origins(address: str) -> list[str]:
    """For a clone on this disk, the address that it was cloned from: its Applications name that one."""
    folder = Path(address)
    if not folder.is_dir():
        return []
    git = folder / ".git" if (folder / ".git").exists() else folder
    try:
        return run_git(["config", "--get", "remote.origin.url"], at=git, good=(0, 1)).split()
    except AstrolabeError:
        return []


@contextlib.contextmanager
def open_repository(options: dict[str, Any]) -> Iterator[Session]:
    """Fetches the repository into the cache and opens it. Raises BadInput, GitError."""
    cache: Path = options["cache"]
    cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    address = options["repository"]
    mirror = _mirror(cache, address)
    mirror.fetch()
    shown: Path | None = None
    if options["show_secrets"]:
        # What is not masked must not stay behind: it gets a cache of its own, which goes with us.
        shown = Path(tempfile.mkdtemp(prefix="shown-", dir=cache))
    manifests = FileCache((shown or cache) / "manifests.sqlite3")
    try:
        with Workbench(mirror, render_settings(options), ChartStore(chart_store()), manifests, reach(options)) as bench:
            yield Session(bench, mirror, mirror.default_branch(), options)
            manifests.prune()
    finally:
        if shown:
            shutil.rmtree(shown, ignore_errors=True)


def _mirror(cache: Path, address: str) -> Mirror:
    return Mirror(cache / "mirrors" / hashlib.sha256(address.encode()).hexdigest()[:24], address, allow_local=True)


def reach(options: dict[str, Any]) -> Reach:
    """What may be fetched from outside the repository, by the options and the environment. Raises BadInput."""
    places = [placed(item) for item in (*options["with_repository"], *options.get("fleet", ()))]
    mirrors = {normalise_address(address): _mirror(options["cache"], where) for address, where in places}
    charts, repositories = (
        [*filter(None, map(str.strip, os.environ.get(name, "").split(","))), *options["allow_host"]]
        for name in ("ASTROLABE_CHART_HOSTS", "ASTROLABE_GIT_HOSTS")
    )
    return make_reach(charts, repositories, os.environ.get("ASTROLABE_REMOTES", ""), mirrors.get)


def placed(text: str) -> tuple[str, str]:
    """The two parts of ADDRESS=PATH_OR_URL. Raises BadInput."""
    address, equals, where = text.partition("=")
    if not equals or not address.strip() or not where.strip():
        raise BadInput(f"{text!r} must be ADDRESS=PATH_OR_URL: what Applications call it, and where it is to be had")
    return address.strip(), where.strip()


def render_settings(options: dict[str, Any]) -> RenderSettings:
    """How the commands render: in the box as far as the kernel has one, with a warning where it lacks a wall."""
    cache: Path = options["cache"]
    warned: set[str] = set()

    def warn(text: str) -> None:
        if text not in warned:
            warned.add(text)
            print(f"astrolabe: {text}", file=sys.stderr)

    return RenderSettings(
        scratch=cache / "scratch",
        mask_key=None if options["show_secrets"] else kept_key(cache / "mask.key"),
        processes=options["jobs"],
        seconds=options["timeout"],
        helm_binary=_program("ASTROLABE_HELM_BINARY"),
        helm_binaries=programs("ASTROLABE_HELM_BINARIES", os.environ.get("ASTROLABE_HELM_BINARIES", "")),
        kustomize_binary=_program("ASTROLABE_KUSTOMIZE_BINARY"),
        plugins=load_plugins("--plugins", options["plugins"]),
        strict=os.environ.get("ASTROLABE_SANDBOX") == "strict",
        warn=warn,
    )


def chart_store() -> Path | None:
    """The folder that ASTROLABE_CHART_STORE names. Raises BadInput when it is not there."""
    named = os.environ.get("ASTROLABE_CHART_STORE")
    if not named:
        return None
    if not Path(named).is_dir():
        raise BadInput(f"ASTROLABE_CHART_STORE: there is no folder {named}")
    return Path(named)


def _program(variable: str) -> Path | None:
    return program(variable, os.environ.get(variable, ""))
