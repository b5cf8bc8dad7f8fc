"""Each option of `source.kustomize` against the real Kustomize on a kustomization that was edited by hand.

By hand as `kustomize edit` would leave it, since Argo CD calls that (util/kustomize/kustomize.go Build) and `kubectl
kustomize` cannot edit.
"""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from previews.engine.yamls import dump
from tests.conftest import GitRepository, open_bench
from tests.fidelity.pairs import CONFIG, application_of, compare, expected_objects, rendered, write_files

DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web}
spec:
  replicas: 1
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: web
        image: registry.example.com:5000/team/web:1.0
        envFrom: [{configMapRef: {name: settings}}]
      - name: side
        image: nginx
"""
SERVICE = (
    "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  selector: {app: web}\n  ports: [{port: 80}]\n"
)
BASE = {
    "base/kustomization.yaml": "resources: [deployment.yaml, service.yaml]\nconfigMapGenerator:\n- name: settings\n  files: [settings.conf]\n",
    "base/deployment.yaml": DEPLOYMENT,
    "base/service.yaml": SERVICE,
    "base/settings.conf": "a = b\n",
    "component/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ncommonAnnotations: {from: component}\n",
    "app/patch.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  minReadySeconds: 5\n",
}  # fmt: skip
IMAGE = "registry.example.com:5000/team/web"
PATCH = {"target": {"kind": "Deployment"}, "patch": "- op: replace\n  path: /spec/replicas\n  value: 7\n"}
START: dict[str, Any] = {"resources": ["../base"]}

#: Options of the Application, the kustomization before, and what the edits make of it (None: they are refused).
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any] | None]] = {
    "nothing": ({}, {}, {}),
    "name-prefix": ({"namePrefix": "pre-"}, {}, {"namePrefix": "pre-"}),
    "name-prefix-replaces": ({"namePrefix": "pre-"}, {"namePrefix": "old-"}, {"namePrefix": "pre-"}),
    "name-suffix": ({"nameSuffix": "-post"}, {}, {"nameSuffix": "-post"}),
    "namespace": ({"namespace": "elsewhere"}, {"namespace": "old"}, {"namespace": "elsewhere"}),
    "image-tag": ({"images": [f"{IMAGE}:2.0"]}, {}, {"images": [{"name": IMAGE, "newTag": "2.0"}]}),
    "image-digest": ({"images": [f"nginx@sha256:{'a' * 64}"]}, {}, {"images": [{"name": "nginx", "digest": f"sha256:{'a' * 64}"}]}),
    "image-other-name": ({"images": ["nginx=mirror.example.com/nginx:1.27"]}, {}, {"images": [{"name": "nginx", "newName": "mirror.example.com/nginx", "newTag": "1.27"}]}),
    "image-other-name-alone": ({"images": ["nginx=mirror.example.com/nginx"]}, {}, {"images": [{"name": "nginx", "newName": "mirror.example.com/nginx"}]}),
    "image-replaces-the-whole-entry": ({"images": ["nginx:2"]}, {"images": [{"name": "nginx", "newName": "other", "newTag": "1"}]}, {"images": [{"name": "nginx", "newTag": "2"}]}),
    "image-tag-and-digest": ({"images": [f"nginx:2@sha256:{'b' * 64}"]}, {}, {"images": [{"name": "nginx", "newTag": "2", "digest": f"sha256:{'b' * 64}"}]}),
    "several-images": ({"images": ["nginx:2", f"{IMAGE}:3"]}, {"images": [{"name": "redis", "newTag": "7"}]}, {"images": [{"name": "nginx", "newTag": "2"}, {"name": "redis", "newTag": "7"}, {"name": IMAGE, "newTag": "3"}]}),
    "a-bare-image": ({"images": ["nginx"]}, {}, None),
    "replicas": ({"replicas": [{"name": "web", "count": 3}]}, {}, {"replicas": [{"name": "web", "count": 3}]}),
    "replicas-as-text": ({"replicas": [{"name": "web", "count": "4"}]}, {"replicas": [{"name": "web", "count": 2}]}, {"replicas": [{"name": "web", "count": 4}]}),
    "labels": ({"commonLabels": {"team": "x"}}, {}, {"commonLabels": {"team": "x"}}),
    "labels-twice": ({"commonLabels": {"team": "x"}}, {"commonLabels": {"team": "y"}}, None),
    "labels-forced": ({"commonLabels": {"team": "x"}, "forceCommonLabels": True}, {"commonLabels": {"team": "y", "a": "b"}}, {"commonLabels": {"team": "x", "a": "b"}}),
    "labels-without-selector": ({"commonLabels": {"team": "x"}, "labelWithoutSelector": True}, {}, {"labels": [{"pairs": {"team": "x"}}]}),
    "annotations": ({"commonAnnotations": {"team": "x"}}, {}, {"commonAnnotations": {"team": "x"}}),
    "annotations-twice": ({"commonAnnotations": {"team": "x"}}, {"commonAnnotations": {"team": "y"}}, None),
    "annotations-forced": ({"commonAnnotations": {"team": "x"}, "forceCommonAnnotations": True}, {"commonAnnotations": {"team": "y"}}, {"commonAnnotations": {"team": "x"}}),
    "patches": ({"patches": [PATCH]}, {}, {"patches": [PATCH]}),
    "patches-come-last": ({"patches": [PATCH]}, {"patches": [{"path": "patch.yaml"}]}, {"patches": [{"path": "patch.yaml"}, PATCH]}),
    "a-patch-by-path": ({"patches": [{"path": "patch.yaml"}]}, {}, {"patches": [{"path": "patch.yaml"}]}),
    "a-component-twice": ({"components": ["../component"]}, {"components": ["../component"]}, {"components": ["../component"]}),
    "a-missing-component": ({"components": ["../nothing"]}, {}, None),
    "all-together": (
        {"namePrefix": "p-", "nameSuffix": "-s", "namespace": "ns", "images": ["nginx:2"], "replicas": [{"name": "web", "count": 2}], "commonLabels": {"l": "1"}, "commonAnnotations": {"a": "1"}, "patches": [PATCH]},
        {},
        {"namePrefix": "p-", "nameSuffix": "-s", "namespace": "ns", "images": [{"name": "nginx", "newTag": "2"}], "replicas": [{"name": "web", "count": 2}], "commonLabels": {"l": "1"}, "commonAnnotations": {"a": "1"}, "patches": [PATCH]},
    ),
}  # fmt: skip


def build(folder: Path) -> list[Any] | str:
    command = [str(Path(sys.prefix) / "bin" / "kubectl"), "kustomize", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else expected_objects(done.stdout)


def differences_of(cases, folder: Path) -> dict[str, str]:
    files = {"astrolabe.yaml": CONFIG}
    for name, (options, before, after) in cases.items():
        files |= {f"{name}/{path}": text for path, text in BASE.items()}
        files[f"{name}/app/kustomization.yaml"] = dump({**START, **before})
        files[f"clusters/c1/{name}.yaml"] = application_of(name, f"{name}/app", {"kustomize": options})
        edited = {f"{name}/{path}": text for path, text in BASE.items()}
        write_files(folder / "files", {**edited, f"{name}/app/kustomization.yaml": dump({**START, **(after or {})})})
    repository = GitRepository(folder / "repository.git")
    repository.commit(files)
    with ThreadPoolExecutor(2) as threads:
        built = list(threads.map(lambda name: build(folder / "files" / name / "app"), cases))
    theirs = {
        name: "refused" if after is None else text
        for (name, (_, _, after)), text in zip(cases.items(), built, strict=True)
    }
    with open_bench(repository.folder, folder / "ours", mask_key=None) as bench:
        return compare(rendered(bench), theirs)


@pytest.fixture(scope="module")
def differences(tmp_path_factory):
    return differences_of(CASES, tmp_path_factory.mktemp("kustomize"))


@pytest.mark.parametrize("name", CASES)
def test_option(name, differences):
    assert differences.get(name, "") == ""


def test_the_cases_are_what_they_say():
    """Each option is plain JSON, as it stands in an Application."""
    assert all(json.loads(json.dumps(options)) == options for options, _, _ in CASES.values())
