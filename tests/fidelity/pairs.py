"""One pair: what the product makes of an Application in Git, and what the real `helm` prints with the same options."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from previews.engine.discover.fleet import discover
from previews.engine.errors import AstrolabeError
from previews.engine.manifests import Manifest
from previews.engine.preview import Workbench
from previews.engine.render.unstable import MARK
from previews.engine.yamls import dump, load_all

ADDRESS = "https://git.example.com/fleet.git"
NAMESPACE = "apps"
#: Said aloud, since the library and the binary were built for different ones.
KUBERNETES = "1.35.2"
CONFIG = f"""version: 1
addresses: [{ADDRESS}]
kubernetesVersion: "{KUBERNETES}"
discover:
  - files: "clusters/{{cluster}}/*.yaml"
"""


@dataclass(frozen=True)
class Pair:
    """A chart of the repository, `source.helm` of its Application, and the flags that should mean the same.

    `release` is the Application's name, which is the release's too unless a flag gives another.
    """

    release: str
    path: str
    helm: Mapping[str, Any]
    flags: tuple[str, ...] = ()
    include_crds: bool = True


def application_of(name: str, path: str, options: Mapping[str, Any]) -> str:
    """An Application. Its destination has no namespace, so that nothing is filled in behind the tools' backs."""
    return dump(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": name, "namespace": "argocd"},
            "spec": {
                "project": "default",
                "destination": {"server": "https://kubernetes.default.svc"},
                "source": {"repoURL": ADDRESS, "targetRevision": "main", "path": path, **options},
            },
        }
    )


def application(pair: Pair) -> str:
    """The Application of a pair."""
    return application_of(pair.release, pair.path, {"helm": {"namespace": NAMESPACE, **pair.helm}})


def repository_files(charts: Mapping[str, str], pairs: Sequence[Pair]) -> dict[str, str]:
    """All that is to be committed: the charts' files, and an Application for each pair."""
    made = {f"clusters/c1/{pair.release}.yaml": application(pair) for pair in pairs}
    return {"astrolabe.yaml": CONFIG, **charts, **made}


Outcome = list[Any] | AstrolabeError


def rendered(bench: Workbench) -> dict[str, Outcome]:
    """The objects of each pair's Application by name."""
    # An Application that one of the charts makes has a longer origin.
    return {name: outcome for (_, name, depth), outcome in outcomes_of(bench).items() if depth == 1}


def outcomes_of(bench: Workbench, config: str = "") -> dict[tuple[str, str, int], Outcome]:
    """The objects of every instance of the main branch in order, by cluster, name and depth.

    The product's whole way: Git tree, resolver, pool, manifest. Not those that lack a chart: Helm has no answer then.
    """
    tree = bench.mirror.tree(bench.mirror.commit("main"))
    resolver = bench.resolver(tree, bench.config(tree, tree, config), ["main"])
    outcomes: dict[tuple[str, str, int], Outcome] = {}
    requests = {}
    for instance in discover(resolver, bench.manifests).instances:
        place = (instance.cluster, instance.definition.name, len(instance.origin))
        try:
            request = resolver.resolve(instance).request
        except AstrolabeError as error:
            outcomes[place] = error
            continue
        if not request.missing:
            requests[place] = request
    results = bench.manifests(list(requests.values()))
    for place, request in requests.items():
        result = results[request.key]
        outcomes[place] = (
            [item for resource in result.resources for item in load_all(resource.text)]
            if isinstance(result, Manifest)
            else result
        )
    return outcomes


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Puts files on the disk, where the binary reads them."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogateescape"))


def by_helm(binary: Path, folder: Path, pairs: Sequence[Pair]) -> dict[str, list[Any] | str]:
    """What the binary prints for each pair: objects in order, or its error; a process for each, as many as cores."""

    def run(pair: Pair) -> list[Any] | str:
        command = [str(binary), "template", ".", "--name-template", pair.release, "--namespace", NAMESPACE]
        command += ["--kube-version", KUBERNETES, *pair.flags, *(["--include-crds"] if pair.include_crds else [])]
        clean = {"PATH": os.environ["PATH"], "HOME": str(folder / ".home")}
        done = subprocess.run(command, cwd=folder / pair.path, capture_output=True, text=True, check=False, env=clean)
        return done.stderr if done.returncode else expected_objects(done.stdout)

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return dict(zip((pair.release for pair in pairs), threads.map(run, pairs), strict=True))


def expected_objects(text: str) -> list[Any]:
    """The objects of a manifest as Argo CD takes them: lists expanded, of equal names the last one."""
    objects: list[Any] = []
    for document in load_all(text):
        if document:
            objects.extend(document["items"] if isinstance(document.get("items"), list) else [document])
    last = {_identity(item): at for at, item in enumerate(objects)}
    return [objects[at] for at in sorted(last.values())]


def _identity(item: Mapping[str, Any]) -> tuple[str, ...]:
    metadata = item.get("metadata") or {}
    group = str(item.get("apiVersion")).rpartition("/")[0]
    return group, str(item.get("kind")), str(metadata.get("namespace")), str(metadata.get("name"))


def difference(ours: Any, theirs: Any, where: str = "") -> str:
    """Where two values first differ, in a sentence; "" when they are equal. What we masked equals anything."""
    if any(isinstance(side, str) and MARK in side for side in (ours, theirs)):
        return ""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        masked = any(str(key).startswith(MARK) for key in (*ours, *theirs))
        if ours.keys() != theirs.keys() and not masked:
            return f"{where}: keys {sorted(ours.keys() ^ theirs.keys())} are on one side only"
        return _first(difference(ours[key], theirs[key], f"{where}.{key}") for key in ours if key in theirs)
    if isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            return f"{where}: {_names(ours)} against {_names(theirs)}"
        return _first(difference(*pair, f"{where}[{at}]") for at, pair in enumerate(zip(ours, theirs, strict=True)))
    if type(ours) is type(theirs) and ours == theirs:
        return ""
    return f"{where}: ours {ours!r:.200}, theirs {theirs!r:.200}"


def _first(texts: Any) -> str:
    return next((text for text in texts if text), "")


def _names(items: list[Any]) -> list[str]:
    return [
        f"{item.get('kind')} {(item.get('metadata') or {}).get('name')}" if isinstance(item, dict) else repr(item)
        for item in items
    ]


def compare(ours: Mapping[Any, Outcome], theirs: Mapping[Any, Outcome | str]) -> dict[Any, str]:
    """A sentence for each pair on which the two do not agree. Where Helm fails we must fail."""
    wrong = {}
    for name in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(name), theirs.get(name)
        failures = (AstrolabeError, str)
        if isinstance(one, failures) or isinstance(other, failures):
            agree = isinstance(one, failures) and isinstance(other, failures)
            text = "" if agree else f"ours {one!s:.2000}, theirs {other!s:.2000}"
        else:
            text = difference(one, other)
        if text:
            wrong[name] = text
    return wrong
