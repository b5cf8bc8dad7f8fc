"""Git: bare mirrors, fetch, the tree that a merge would give. Trees and files are in `previews.engine.trees`.

Whatever talks to a remote or takes a name from outside goes through `run_git`: an argument vector, validated names,
`--end-of-options`, few protocols, no configuration of the host. GitPython only reads objects.
"""

from __future__ import annotations

import os
import re
import subprocess
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from previews.engine.errors import BadInput, GitError

FETCH_SECONDS = 120
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_REFSPECS = (
    "+refs/heads/*:refs/heads/*",
    "+refs/tags/*:refs/tags/*",
    "+refs/pull/*/head:refs/pull/*/head",
    "+refs/merge-requests/*/head:refs/merge-requests/*/head",
)
_FIELDS = "%(refname)%00%(objectname)%00%(authorname)%00%(committerdate:unix)%00%(subject)%00%(body)%01"


@dataclass(frozen=True, slots=True)
class Ref:
    """A ref of the mirror and what its commit says; `when` is the commit date in seconds since 1970."""

    name: str
    commit: str
    author: str
    when: int
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Merge:
    """What merging gives: a tree, and the paths in conflict (then the tree holds conflict markers)."""

    tree: str
    conflicts: tuple[str, ...]


def _environment(allow_local: bool) -> dict[str, str]:
    """Nothing of ours, and nothing of the host's Git configuration."""
    protocols = "https:http:ssh:file" if allow_local else "https:ssh"
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": protocols,
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_AUTHOR_NAME": "Astrolabe",
        "GIT_AUTHOR_EMAIL": "astrolabe@localhost",
        "GIT_COMMITTER_NAME": "Astrolabe",
        "GIT_COMMITTER_EMAIL": "astrolabe@localhost",
        "GIT_AUTHOR_DATE": "@0 +0000",
        "GIT_COMMITTER_DATE": "@0 +0000",
    }


def run_git(
    arguments: Sequence[str],
    *,
    at: Path | None = None,
    allow_local: bool = False,
    good: tuple[int, ...] = (0,),
    send: str | bytes = "",
    protocols: str = "",
    private: Mapping[str, str] | None = None,
) -> str:
    """Runs git with a clean environment and gives its standard output.

    `send` is its standard input, `at` the Git directory, `good` the exit codes that are no failure. `protocols` are
    the only ones allowed, `private` is configuration that no list of processes may show. Raises GitError with the end
    of what git said, and on taking longer than FETCH_SECONDS.
    """
    environment = _environment(allow_local)
    environment |= {"GIT_ALLOW_PROTOCOL": protocols} if protocols else {}
    for number, (key, value) in enumerate((private or {}).items()):
        environment |= {"GIT_CONFIG_COUNT": str(number + 1), f"GIT_CONFIG_KEY_{number}": key}
        environment[f"GIT_CONFIG_VALUE_{number}"] = value
    command = ["git", "-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", *arguments]
    if at is not None:
        command[1:1] = [f"--git-dir={at}"]
    try:
        done = subprocess.run(
            command,
            env=environment,
            input=send.encode() if isinstance(send, str) else send,
            capture_output=True,
            timeout=FETCH_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise GitError(f"git {arguments[0]} took longer than {FETCH_SECONDS} s and was stopped") from None
    except FileNotFoundError:
        raise GitError("git is not installed; Astrolabe needs git 2.38 or newer") from None
    if done.returncode not in good:
        said = done.stderr.decode("utf-8", "replace").strip()[-2000:]
        raise GitError(f"git {arguments[0]} failed: {said or f'exit code {done.returncode}'}")
    return done.stdout.decode("utf-8", "surrogateescape")


def check_address(address: str, allow_local: bool) -> str:
    """Gives the address of a repository back when git may be called with it, else raises BadInput.

    Local paths and file:// are for one's own machine only (`allow_local`).
    """
    if not address or address.startswith("-") or "$" in address or any(ord(c) < 32 or ord(c) == 127 for c in address):
        raise BadInput(f"{address!r} is no address of a Git repository")
    scp_style = re.fullmatch(r"[\w.-]+@[\w.-]+:(?!/)[\w./~-]+", address)
    scheme = "ssh" if scp_style else urlsplit(address).scheme
    if scheme in ("https", "ssh") or (allow_local and scheme in ("http", "file")):
        host = "" if scp_style else urlsplit(address).hostname or ""
        if host.startswith("-"):
            raise BadInput(f"{address!r} has no usable host")
        return address
    if allow_local and "::" not in address and Path(address).expanduser().exists():
        return str(Path(address).expanduser().resolve())
    if allow_local:
        raise BadInput(f"there is no repository at {address!r}: give a folder, an https:// or an ssh address")
    raise BadInput(f"the address {address!r} is not allowed: use https:// or ssh")


def normalise_address(address: str) -> str:
    """An address without what does not matter: scheme, user, port, `.git`, case of the host.

    `git@host:group/x.git` and `https://host/group/x` give the same (Argo CD: util/git/git.go NormalizeGitURL).
    """
    text = address.strip()
    scp_style = re.fullmatch(r"(?:[\w.-]+@)?([\w.-]+):(?!//)(.+)", text)
    if scp_style:
        host, path = scp_style.groups()
    else:
        parts = urlsplit(text)
        host, path = parts.hostname or "", parts.path
    return f"{host.lower()}/{path.strip('/').removesuffix('.git').lower()}"


class Mirror:
    """A bare mirror of one repository on our disk. Safe to use from several processes."""

    def __init__(self, folder: Path, address: str, allow_local: bool = False) -> None:
        """`folder` need not exist yet. Raises BadInput when the address may not be used."""
        self.folder = folder
        self.allow_local = allow_local
        self.address = check_address(address, allow_local)

    def git(self, *arguments: str, good: tuple[int, ...] = (0,)) -> str:
        """Runs git on the mirror."""
        return run_git(arguments, at=self.folder, allow_local=self.allow_local, good=good)

    def fetch(self) -> None:
        """Brings branches, tags and heads of change requests; removes those that are gone. Raises GitError."""
        if not (self.folder / "HEAD").exists():
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            run_git(["init", "--quiet", "--bare", "--initial-branch=none", str(self.folder)])
        self.git(
            "fetch", "--quiet", "--prune", "--no-tags", "--force", "--no-recurse-submodules", "--no-write-fetch-head",
            "--end-of-options", self.address, *_REFSPECS,
        )  # fmt: skip

    def default_branch(self) -> str:
        """The branch that the remote's HEAD names; else main, master, or the only branch. Raises GitError."""
        said = self.git("ls-remote", "--symref", "--end-of-options", self.address, "HEAD")
        named = re.match(r"ref: refs/heads/(\S+)\tHEAD", said)
        branches = [ref.name.removeprefix("refs/heads/") for ref in self.refs("refs/heads")]
        for candidate in ((named[1],) if named else ()) + ("main", "master"):
            if candidate in branches:
                return candidate
        if len(branches) == 1:
            return branches[0]
        # Without the address, which may hold a password.
        if not branches:
            raise GitError("the repository has no branch yet: push one")
        raise GitError(f"the default branch is not known, HEAD names none of: {', '.join(branches[:20])}")

    def refs(self, *prefixes: str) -> list[Ref]:
        """The refs below the prefixes (`refs/pull`), with what their commits say."""
        said = self.git("for-each-ref", f"--format={_FIELDS}", *prefixes)
        rows = [row.lstrip("\n").split("\0") for row in said.split("\x01") if row.strip("\n")]
        return [Ref(name, commit, who, int(when or 0), text, body) for name, commit, who, when, text, body in rows]

    def merged_refs(self, branch: str) -> set[str]:
        """The names of all refs whose commits are in a branch already."""
        return set(self.git("for-each-ref", "--format=%(refname)", f"--merged=refs/heads/{branch}").split())

    def commit(self, revision: str) -> str:
        """The full commit id of a branch, tag, `refs/…` or commit. Raises BadInput when there is none."""
        if not revision or revision.startswith("-") or any(c in revision for c in " ~^:?*[\\\0\n") or ".." in revision:
            raise BadInput(f"{revision!r} is no revision: give a branch, a tag or a commit")
        for candidate in (revision, f"refs/heads/{revision}", f"refs/tags/{revision}", f"refs/{revision}"):
            said = self.git(
                "rev-parse", "--verify", "--quiet", "--end-of-options", f"{candidate}^{{commit}}", good=(0, 1, 128)
            )
            lines = [line for line in said.split() if _COMMIT.fullmatch(line)]
            if lines:
                return lines[-1]
        raise BadInput(f"the revision {revision!r} is not in the repository")

    def tree(self, commit: str) -> str:
        """The tree id of a commit id."""
        return self.git("rev-parse", "--verify", f"{commit}^{{tree}}").strip()

    def commits(self, base: str, head: str, limit: int = 100) -> tuple[int, list[Ref]]:
        """How many commits `head` has that `base` has not, and the newest of them; each Ref's name is its commit."""
        span = f"{base}..{head}"
        said = self.git("log", "-z", f"--max-count={limit}", "--format=%H%n%an%n%ct%n%s", "--end-of-options", span)
        rows = [row.split("\n", 3) for row in said.split("\0") if row]
        total = int(self.git("rev-list", "--count", "--end-of-options", span))
        return total, [Ref(commit, commit, who, int(when), subject, "") for commit, who, when, subject in rows]

    def merge_base(self, one: str, other: str) -> str | None:
        """The best common ancestor of two commit ids, None for unrelated histories."""
        return self.git("merge-base", one, other, good=(0, 1)).strip() or None

    def contains(self, commit: str, other: str) -> bool:
        """Whether commit id `other` is `commit` or one of its ancestors."""
        said = self.git("rev-list", "--max-count=1", "--end-of-options", other, f"^{commit}")
        return not said.strip()

    def first_with(self, branch: str, commit: str) -> str:
        """The first commit on a branch's own line (a commit id) that contains commit id `commit`, "" when none does."""
        if not self.contains(branch, commit):
            return ""
        said = self.git("rev-list", "--first-parent", "--parents", "--reverse", branch, f"^{commit}")
        rows = [row.split() for row in said.splitlines()]
        if not rows or commit in rows[0][1:2]:
            return commit
        # From where it came in, every commit of the line contains it.
        return rows[bisect_left(rows, True, key=lambda row: self.contains(row[0], commit))][0]

    def committed_at(self, commit: str) -> int:
        """When a commit was made, in seconds since 1970."""
        return int(self.git("show", "--no-patch", "--format=%ct", "--end-of-options", commit).strip())

    def merge(self, base: str, head: str) -> Merge:
        """The tree that merging commit `head` into commit `base` gives, without touching any branch."""
        said = self.git(
            "merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", "--allow-unrelated-histories",
            base, head, good=(0, 1),
        )  # fmt: skip
        tree, *conflicts = said.rstrip("\0").split("\0")
        return Merge(tree, tuple(dict.fromkeys(conflicts)))

    def write_commit(self, tree: str, *parents: str) -> str:
        """A commit of a merged tree, kept by no ref: the base for merging the next change request."""
        links = [part for parent in parents for part in ("-p", parent)]
        return self.git("commit-tree", tree, *links, "-m", "Merged for a preview").strip()
