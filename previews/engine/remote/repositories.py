"""Trees of other Git repositories, copied into the mirror of the one that is previewed: one object store for all.

Those that this installation has registered are read from their own mirrors; others only from allowed hosts, by https,
at the address that was checked, one commit deep.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from previews.engine.errors import BadInput, GitError, NotRendered
from previews.engine.git import Mirror, normalise_address, run_git
from previews.engine.remote.hosts import Unreachable
from previews.engine.remote.reach import Reach
from previews.engine.remote.revisions import best_tag, find_commit

_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_GIVEN, _TAKEN, _FETCHED = "refs/astrolabe/given", "refs/astrolabe/elsewhere", "refs/astrolabe/fetched"


@dataclass(frozen=True)
class FoundTree:
    """A commit of another repository, and its tree, which is in our mirror now."""

    commit: str
    tree: str


class Repositories:
    """Other repositories, each asked at most once for each revision."""

    def __init__(self, home: Mirror, reach: Reach, note: Callable[[str], None]) -> None:
        """Trees go into `home`; `note` takes what a person should know."""
        self._home = home
        self._reach = reach
        self._note = note
        self._fetched: dict[str, Mirror] = {}

    def find(self, address: str, revision: str) -> FoundTree:
        """The tree that a revision means now. Raises NotRendered with the reason and what to do."""
        try:
            mirror = self._registered(address)
            if mirror is not None:
                commit = find_commit(mirror, revision if revision not in ("", "HEAD") else mirror.default_branch())
                return FoundTree(commit, self._take(mirror, address, commit))
            taken = self._taken(address, revision) if _COMMIT.fullmatch(revision) else None
            if taken is not None:
                return FoundTree(revision, taken)
            foreign = _Foreign(self._home.folder.parent / "elsewhere", address, self._reach)
            commit = foreign.resolve(revision)
            return FoundTree(commit, self._taken(address, commit) or self._take(foreign.fetch(commit), address, commit))
        except (BadInput, GitError, Unreachable) as error:
            raise NotRendered("revision", _refusal(address, revision, error)) from None

    def ensure(self, address: str, commit: str) -> str:
        """The tree of a commit that another machine found. Raises NotRendered."""
        return self._taken(address, commit) or self.find(address, commit).tree

    def _registered(self, address: str) -> Mirror | None:
        key = normalise_address(address)
        if key not in self._fetched:
            mirror = self._reach.registered(key)
            if mirror is None:
                return None
            try:
                mirror.fetch()
            except GitError as error:
                if not mirror.refs("refs/heads"):
                    raise
                text = f"{address} could not be fetched, so it is taken as it was last seen: {error}"
                self._note(_without_credentials(text))
            self._fetched[key] = mirror
        return self._fetched[key]

    def _taken(self, address: str, commit: str) -> str | None:
        ref = f"{_TAKEN}/{_key(address, commit)}^{{tree}}"
        return self._home.git("rev-parse", "--verify", "--quiet", ref, good=(0, 1, 128)).strip() or None

    def _take(self, mirror: Mirror, address: str, commit: str) -> str:
        """Copies one tree, without its history: as a commit of its own, which is the same on every machine."""
        taken = self._taken(address, commit)
        if taken is not None:
            return taken
        key = _key(address, commit)
        bare = mirror.git("commit-tree", mirror.tree(commit), "-m", commit).strip()
        mirror.git("update-ref", f"{_GIVEN}/{key}", bare)
        run_git(
            ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--end-of-options",
             str(mirror.folder), f"+{_GIVEN}/{key}:{_TAKEN}/{key}"],
            at=self._home.folder, protocols="file",
        )  # fmt: skip
        return mirror.tree(commit)


def _key(address: str, commit: str) -> str:
    return hashlib.sha256(f"{normalise_address(address)}\0{commit}".encode()).hexdigest()[:40]


def _refusal(address: str, revision: str, error: Exception) -> str:
    return _without_credentials(
        f"{address} is another repository, and its revision {revision or 'HEAD'} is not here: {error}. "
        "Register it with Astrolabe (--with-repository), or allow its host (ASTROLABE_GIT_HOSTS, --allow-host); "
        "if it is this repository, list it under `addresses`"
    )


def _without_credentials(text: str) -> str:
    """A text for people: what git says repeats the address that it was given, and that may hold a token."""
    return re.sub(r"//[^/@\s]*@", "//", text)


class _Foreign:
    """A repository that nobody registered, on an allowed host. Its folder is a cache of single commits."""

    def __init__(self, folder: Path, address: str, reach: Reach) -> None:
        """Raises Unreachable when its host is not allowed."""
        self._url = _web_address(address, reach)
        self._place = reach.git_hosts.check(self._url)
        self._folder = folder / hashlib.sha256(normalise_address(address).encode()).hexdigest()[:24]
        place = self._place
        self._private = {
            "http.followRedirects": "false",
            "http.curloptResolve": f"{place.host}:{place.port}:{_bracketed(place.address)}",
        }
        credential = reach.credentials.get(place.name)
        if credential is not None:
            self._private["http.extraHeader"] = f"Authorization: {credential.header()}"

    def resolve(self, revision: str) -> str:
        """The commit id that a revision means there. Raises BadInput, GitError."""
        if _COMMIT.fullmatch(revision):
            return revision
        said = self._git("ls-remote", "--end-of-options", self._url, "HEAD", "refs/heads/*", "refs/tags/*")
        refs = {name: commit for commit, _, name in (line.partition("\t") for line in said.splitlines())}
        tags = [name.removeprefix("refs/tags/") for name in refs if name.startswith("refs/tags/")]
        wanted = best_tag(revision, [tag for tag in tags if not tag.endswith("^{}")])
        names = [f"refs/tags/{wanted}"] if wanted else [revision or "HEAD"]
        names += [f"{prefix}{revision}" for prefix in ("refs/heads/", "refs/tags/", "refs/")]
        for name in names:
            # `^{}` is what an annotated tag stands for.
            if name in refs:
                return refs.get(f"{name}^{{}}", refs[name])
        whole = [commit for commit in refs.values() if len(revision) >= 7 and commit.startswith(revision)]
        if whole:
            return whole[0]
        raise BadInput(f"the revision {revision!r} is not there")

    def fetch(self, commit: str) -> Mirror:
        """The cache, with this commit in it. Raises GitError."""
        if not (self._folder / "HEAD").exists():
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            run_git(["init", "--quiet", "--bare", "--initial-branch=none", str(self._folder)])
        self._git(
            "fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head",
            "--end-of-options", self._url, f"+{commit}:{_FETCHED}/{commit}", at=self._folder,
        )  # fmt: skip
        return Mirror(self._folder, str(self._folder), allow_local=True)

    def _git(self, *arguments: str, at: Path | None = None) -> str:
        return run_git(arguments, at=at, protocols=self._place.scheme, private=self._private)


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _web_address(address: str, reach: Reach) -> str:
    """Where an address, of whatever form, is to be had by https. Raises Unreachable."""
    scp_style = re.fullmatch(r"(?:[\w.-]+@)?([\w.-]+):(?!//)([\w./~-]+)", address.strip())
    if scp_style:
        host, path = scp_style[1], scp_style[2]
    else:
        parts = urlsplit(address.strip())
        if parts.scheme not in ("https", "http", "ssh") or not parts.hostname:
            raise Unreachable("it is no address of a repository on the web")
        # The port of ssh means nothing to https.
        host = parts.hostname if parts.scheme == "ssh" else parts.netloc.rpartition("@")[2]
        path = parts.path
    if not re.fullmatch(r"[\w./~@+-]+", path):
        raise Unreachable("it is no address of a repository on the web")
    return f"{reach.git_hosts.scheme_of(host)}://{host}/{path.lstrip('/')}"
