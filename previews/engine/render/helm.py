"""Helm, two ways behind one function: the Go library in this process, or the `helm` binary.

Runs in the renderer's child process only: the library must never be loaded where processes are forked.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from previews.engine.errors import RenderFailed, YamlError
from previews.engine.manifests import split_documents
from previews.engine.versions import parse_version, satisfies
from previews.engine.yamls import load

#: `options` are those of a Part: name, namespace, kube_version, api_versions, include_crds, skip_tests, values, and
#: skip_hooks where a kustomization asks for it, is_upgrade where it is no install.
#: Gives the documents in the order in which `helm template` prints them.
Helm = Callable[[Path, Mapping[str, Any]], list[str]]

_LOADED_CHARTS = 4
_ACTIONS = ("install", "delete", "upgrade", "rollback")
#: What the library takes a cluster to be when nobody says its version.
DEFAULT_KUBERNETES = "v1.36.0"
_HOOK = "helm.sh/hook"
_TEST_EVENTS = frozenset({"test", "test-success"})
# Helm: pkg/release/v1/util/manifest_sorter.go events.
_EVENTS = _TEST_EVENTS | {f"{when}-{what}" for when in ("pre", "post") for what in _ACTIONS}
_KIND = re.compile(r"^kind:[ \t]*[\"']?(\w+)", re.MULTILINE)
_SOURCE = re.compile(r"\A(?:[ \t]*\n)*# Source: .*\n")
# Helm: pkg/release/util/kind_sorter.go InstallOrder.
_INSTALL_ORDER = {
    kind: place
    for place, kind in enumerate(
        """PriorityClass Namespace NetworkPolicy ResourceQuota LimitRange PodSecurityPolicy PodDisruptionBudget
        ServiceAccount Secret SecretList ConfigMap StorageClass PersistentVolume PersistentVolumeClaim
        CustomResourceDefinition ClusterRole ClusterRoleList ClusterRoleBinding ClusterRoleBindingList Role RoleList
        RoleBinding RoleBindingList Service DaemonSet Pod ReplicationController ReplicaSet Deployment
        HorizontalPodAutoscaler StatefulSet Job CronJob IngressClass Ingress APIService
        MutatingWebhookConfiguration ValidatingWebhookConfiguration""".split()
    )
}


def by_library() -> Helm:
    """Helm as a Go library (helm-python-sdk): a chart is loaded once and rendered many times."""
    # Here and not above: whoever imports this module must not thereby load the library.
    from helm_python import Chart, _native
    from helm_python.errors import HelmError

    loaded: OrderedDict[Path, Any] = OrderedDict()

    def load_chart(folder: Path) -> Any:
        chart = loaded.pop(folder, None) or Chart.load(folder)
        # A render takes disabled dependencies out of the loaded chart, and they stay out: such a chart serves once.
        if not chart.metadata.get("dependencies") and not chart.dependencies:
            loaded[folder] = chart
        if len(loaded) > _LOADED_CHARTS:
            loaded.popitem(last=False)[1].close()
        return chart

    def render(folder: Path, options: Mapping[str, Any]) -> list[str]:
        try:
            # `helm template` checks the release's name first; the library leaves that to its caller.
            _native.call_status("helm_release_name_validate", options["name"])
            chart = load_chart(folder)
            _check(chart.metadata, options["kube_version"])
            # Chart.render() does not pass the versions on, the native call does.
            files = json.loads(
                _native.call_string(
                    "helm_render", chart._raw(), json.dumps(options["values"]), json.dumps(_library_options(options))
                )
            )
            crds = [item["data"] for item in chart.crds] if options["include_crds"] else []
        except HelmError as error:
            raise RenderFailed("render", str(error).replace(f"{folder}/", "")) from None
        return ordered(files, crds, options["skip_tests"], options.get("skip_hooks", False))

    return render


def _check(metadata: Mapping[str, Any], kube_version: str) -> None:
    """What `helm template` refuses before it renders (cmd/install.go checkIfInstallable, action.go renderResources)."""
    if metadata.get("type") not in (None, "", "application"):
        raise RenderFailed("render", f"{metadata['type']} charts are not installable")
    wanted, version = metadata.get("kubeVersion"), bare_version(kube_version or DEFAULT_KUBERNETES)
    parsed = parse_version(version)
    if wanted and parsed and not satisfies(wanted)(parsed):
        text = f"chart requires kubeVersion: {wanted} which is incompatible with Kubernetes {version}"
        raise RenderFailed("render", text)


def _library_options(options: Mapping[str, Any]) -> dict[str, Any]:
    upgrade = bool(options.get("is_upgrade"))
    asked = {"name": options["name"], "namespace": options["namespace"] or "default", "revision": 1}
    asked |= {"is_install": not upgrade, "is_upgrade": upgrade}
    if options["kube_version"]:
        asked["kube_version"] = bare_version(options["kube_version"])
    if options["api_versions"]:
        asked["api_versions"] = options["api_versions"]
    return asked


def bare_version(text: str) -> str:
    """`v1.31.4-gke.1` as Helm takes it from Argo CD: `v1.31.4`. Raises RenderFailed when it is no version."""
    found = re.match(r"v?(\d+)\.(\d+)(?:\.(\d+))?", text)
    if not found:
        raise RenderFailed("resolve", f"could not parse Kubernetes version {text!r}")
    return f"v{found[1]}.{found[2]}.{found[3] or 0}"


def ordered(files: Mapping[str, str], crds: list[str], skip_tests: bool, skip_hooks: bool = False) -> list[str]:
    """What `helm template` would print: CRDs, then manifests in the order of installing, then hooks in theirs.

    Mirrors pkg/release/v1/util/manifest_sorter.go: a document with a hook that Helm does not know is left out.
    """
    first = [document for text in crds for document in split_documents(text)]
    manifests: list[str] = []
    hooks: list[str] = []
    for name in sorted(files):
        base = name.rpartition("/")[2]
        if base.startswith("_") or base.endswith("NOTES.txt"):
            continue
        for document in split_documents(files[name]):
            hook = _hook_of(document)
            if hook is None:
                manifests.append(document)
                continue
            events = {event.strip().lower() for event in hook.split(",")}
            if events <= _EVENTS and not skip_hooks and not (skip_tests and events & _TEST_EVENTS):
                hooks.append(document)
    return [*first, *sorted(manifests, key=_place), *sorted(hooks, key=_place)]


def _hook_of(document: str) -> str | None:
    """The document's hook annotation, None when it has none."""
    # Looking for the plain text first, since parsing is slow.
    if _HOOK not in document:
        return None
    metadata = _parsed(document).get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    return str(annotations[_HOOK]) if isinstance(annotations, dict) and _HOOK in annotations else None


def _place(document: str) -> tuple[int, str]:
    found = _KIND.search(document)
    name = found[1] if found else str(_parsed(document).get("kind", ""))
    place = _INSTALL_ORDER.get(name, len(_INSTALL_ORDER))
    return place, name if place == len(_INSTALL_ORDER) else ""


def _parsed(document: str) -> Mapping[str, Any]:
    """The document as a mapping; an empty one when it is none, which whoever reads it later will say."""
    try:
        value = load(document)
    except YamlError:
        return {}
    return value if isinstance(value, dict) else {}


def by_binary(binary: Path) -> Helm:
    """Helm as the binary of the user's choice, a process for each render."""

    def render(folder: Path, options: Mapping[str, Any]) -> list[str]:
        command = [str(binary), "template", ".", "--name-template", options["name"], "--values", "-"]
        command += ["--namespace", options["namespace"]] if options["namespace"] else []
        command += ["--kube-version", bare_version(options["kube_version"])] if options["kube_version"] else []
        for version in options["api_versions"]:
            command += ["--api-versions", version]
        flags = {"include_crds": "include-crds", "skip_tests": "skip-tests", "is_upgrade": "is-upgrade"}
        flags["skip_hooks"] = "no-hooks"
        command += [f"--{flag}" for option, flag in flags.items() if options.get(option)]
        done = subprocess.run(
            command, cwd=folder, input=json.dumps(options["values"]), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RenderFailed("render", done.stderr.strip().removeprefix("Error: ").replace(f"{folder}/", ""))
        return [_SOURCE.sub("", document) for document in split_documents(done.stdout)]

    return render
