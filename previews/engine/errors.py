"""The engine's errors. Each message says what, where and what to do, and never holds a secret or a temporary path."""

from __future__ import annotations

from typing import Literal

Stage = Literal["discover", "resolve", "render", "parse"]
SkipReason = Literal["dependency", "revision", "plugin", "generator", "limit"]


class AstrolabeError(Exception):
    """Anything that a person can be told about. Its text is fit for the page and the terminal."""


class BadInput(AstrolabeError):
    """What the user gave cannot be used: an address, a revision, an option."""


class GitError(AstrolabeError):
    """Git refused or failed; the text holds the end of what it said."""


class ConfigError(AstrolabeError):
    """`astrolabe.yaml` is not what it should be.

    `line` is the line of the file, counted from 1, and `key` the dotted path of the key.
    """

    def __init__(self, message: str, key: str = "", line: int | None = None) -> None:
        """Builds the sentence from its parts; `line` None when the file did not parse at all."""
        where = f"line {line}: " if line else ""
        what = f"{key}: " if key else ""
        super().__init__(f"astrolabe.yaml: {where}{what}{message}")
        self.key = key
        self.line = line


class YamlError(AstrolabeError):
    """A text is no YAML, or goes past the limits that we set on hostile YAML."""

    def __init__(self, message: str, line: int | None = None) -> None:
        """`line` counts from 1."""
        super().__init__(f"line {line}: {message}" if line else message)
        self.line = line


class RenderFailed(AstrolabeError):
    """One side of an instance cannot be rendered because something in it is wrong."""

    def __init__(self, stage: Stage, message: str, is_final: bool = True) -> None:
        """`stage` tells where on the way it failed; `is_final` that trying again would give the same."""
        super().__init__(message)
        self.stage: Stage = stage
        self.is_final = is_final


class NotRendered(AstrolabeError):
    """One side of an instance is not rendered although nothing in it is wrong; `reason` says why."""

    def __init__(self, reason: SkipReason, message: str) -> None:
        """`reason` is one of the few that the commands publish."""
        super().__init__(message)
        self.reason: SkipReason = reason
