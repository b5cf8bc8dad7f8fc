"""Questions besides the change itself: other versions of Kubernetes and Helm, pins that move."""

from __future__ import annotations

import pytest

from previews.engine.errors import BadInput
from previews.engine.whatif import WhatIf, make_what_if
from tests.conftest import run_preview
from tests.engine.fleets import CONFIG, fleet

HEAD = "refs/pull/1/head"
TEMPLATE = """apiVersion: v1
kind: ConfigMap
metadata:
  name: web
data:
  kubernetes: {{ .Capabilities.KubeVersion.Version }}
  helm: {{ .Capabilities.HelmVersion.Version }}
"""
PROFILES = """clusters:
  - {name: c1, kubernetesVersion: "1.30.0", group: korea}
  - {name: c2, kubernetesVersion: "1.30.0"}
"""


def cells_of(git, bench, head, config=CONFIG + PROFILES, settings=None, **asked):
    files = {**fleet(), "charts/web/templates/config.yaml": TEMPLATE, "astrolabe.yaml": config}
    git.commit(files)
    git.commit(head or {"README.md": "nothing that counts"}, ref=HEAD, start="refs/heads/main")
    prepared, cells = run_preview(bench(**(settings or {})), HEAD, **asked)
    return prepared, {place[0]: cell for place, cell in cells.items()}


def test_a_new_kubernetes_version_in_the_configuration_is_a_change_of_profile(git, bench):
    raised = CONFIG + PROFILES.replace("1.30.0", "1.31.0", 1)
    _, cells = cells_of(git, bench, {"astrolabe.yaml": raised})
    assert {name: (cell.yaml, cell.value, cell.cause) for name, cell in cells.items()} == {
        "c1": ("changed", "unchanged", ("profile",))
    }


def test_what_if_the_clusters_had_another_kubernetes(git, bench):
    prepared, cells = cells_of(git, bench, None, kubernetes_version="1.33", clusters=("korea",))
    assert {name: (cell.yaml, cell.cause) for name, cell in cells.items()} == {"c1": ("changed", ("profile",))}
    assert prepared.notes[0] == "what if: Kubernetes 1.33 on korea"


def test_without_clusters_all_are_meant_the_undeclared_too(git, bench):
    _, cells = cells_of(git, bench, None, config=CONFIG, kubernetes_version="1.33")
    assert {name: cell.yaml for name, cell in cells.items()} == {"c1": "changed", "c2": "changed"}


def test_another_helm_can_be_compared_with_the_built_in_one(git, bench, helm_binary, tmp_path):
    other = tmp_path / "helm-other"
    other.write_bytes(helm_binary.read_bytes())
    other.chmod(0o755)
    _, cells = cells_of(git, bench, None, settings={"helm_binaries": {"other": other}}, helm_version="other")
    # The binary calls itself by its own version, and that is the only difference.
    assert {name: (cell.yaml, cell.yaml_lines) for name, cell in cells.items()} == {
        "c1": ("changed", (1, 1)),
        "c2": ("changed", (1, 1)),
    }


def test_a_helm_that_is_not_here_is_skipped_aloud(git, bench):
    _, cells = cells_of(git, bench, None, helm_version="2.17")
    assert cells["c1"].yaml == "skipped"
    assert "Helm 2.17 is not installed here" in cells["c1"].skipped.message


def test_nonsense_is_refused_in_words(git, bench):
    with pytest.raises(BadInput, match="'latest' is no Kubernetes version"):
        make_what_if(False, "latest", "", ())
    with pytest.raises(BadInput, match="no Kubernetes or Helm version"):
        make_what_if(False, "", "", ("c1",))
    with pytest.raises(BadInput, match=r"no cluster of astrolabe.yaml is named mars"):
        cells_of(git, bench, None, kubernetes_version="1.33", clusters=("mars",))


def test_the_question_is_told_in_words():
    asked = WhatIf(True, "1.33", "3.16", ("prod-*",))
    assert asked.describe() == "all pins moved to this head and Kubernetes 1.33 on prod-* and Helm 3.16 on prod-*"
    assert WhatIf().describe() == "" and not WhatIf().asks_something
