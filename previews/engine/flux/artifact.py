"""Which files of a Git tree source-controller packs into its artifact: no links, nothing that is ignored.

Mirrors sourceignore/sourceignore.go of Flux's pkg and internal/controller/gitrepository_controller.go.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from previews.engine.globs import compile_glob
from previews.engine.trees import Tree

_FILE = ".sourceignore"
_DEFAULTS = (
    ".git/ .gitignore .gitmodules .gitattributes *.jpg *.jpeg *.gif *.png *.wmv *.flv *.tar.gz *.zip .github/"
    " .circleci/ .travis.yml .gitlab-ci.yml appveyor.yml .drone.yml cloudbuild.yaml codeship-services.yml"
    " codeship-steps.yml **/.goreleaser.yml **/.sops.yaml **/.flux.yaml"
).split()


@dataclass(frozen=True)
class _Rule:
    pattern: re.Pattern[str]
    keeps: bool
    folders_only: bool


class Artifact:
    """What of a tree reaches Flux."""

    def __init__(self, tree: Tree, ignore: str = "") -> None:
        """`ignore` is the `spec.ignore` of the GitRepository: patterns of gitignore, after those in files."""
        self.links: set[str] = set()
        rules = [_rule(line, "") for line in _DEFAULTS]
        for path, entry in sorted(tree.walk()):
            if entry.is_link:
                self.links.add(path)
            elif entry.name == _FILE:
                text = tree.store.blob(entry.id).decode("utf-8", "replace")
                rules += _rules(text, path.rpartition("/")[0])
        self.rules = [*rules, *_rules(ignore, "")]
        self._known: dict[str, bool] = {}

    def holds(self, path: str) -> bool:
        """Whether a file reaches the artifact. The last rule that finds it or a folder above it decides."""
        if path not in self._known:
            self._known[path] = self._decide(path)
        return self._known[path]

    def _decide(self, path: str) -> bool:
        parts = path.split("/")
        ways = ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
        if self.links.intersection(ways):
            return False
        for rule in reversed(self.rules):
            if any(rule.pattern.match(way) for way in (ways[:-1] if rule.folders_only else ways)):
                return rule.keeps
        return True


def _rules(text: str, folder: str) -> list[_Rule]:
    return [_rule(line, folder) for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _rule(line: str, folder: str) -> _Rule:
    keeps = line.startswith("!")
    pattern = line[1:] if keeps else line
    bare = pattern.rstrip("/")
    anywhere = "" if "/" in bare else "**/"
    # Braces choose in our globs, and nothing in those of gitignore.
    glob = re.sub(r"([{}])", r"[\1]", anywhere + bare.lstrip("/"))
    inside = re.sub(r"([*?\[{}])", r"[\1]", folder)
    return _Rule(compile_glob(f"{inside}/{glob}" if folder else glob), keeps, pattern.endswith("/"))
