"""Variables, newer options and rarer forms of `source.kustomize`, as in test_kustomize.py."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fidelity.test_kustomize import PATCH, differences_of

#: What environment variables, newer options and rarer forms come to.
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any] | None]] = {
    "components": ({"components": ["../component"]}, {}, {"components": ["../component"]}),
    "image-from-the-environment": ({"images": ["nginx:$ARGOCD_APP_NAME"]}, {}, {"images": [{"name": "nginx", "newTag": "image-from-the-environment"}]}),
    "image-keeps-the-name": ({"images": ["nginx=*:2"]}, {"images": [{"name": "nginx", "newName": "other", "newTag": "1"}]}, {"images": [{"name": "nginx", "newName": "other", "newTag": "2"}]}),
    "image-keeps-the-tag": ({"images": ["nginx=other:*"]}, {"images": [{"name": "nginx", "newTag": "1"}]}, {"images": [{"name": "nginx", "newName": "other", "newTag": "1"}]}),
    "labels-from-the-environment": ({"commonLabels": {"app-name": "${ARGOCD_APP_NAME}"}}, {}, {"commonLabels": {"app-name": "labels-from-the-environment"}}),
    "labels-in-templates": ({"commonLabels": {"team": "x"}, "labelWithoutSelector": True, "labelIncludeTemplates": True}, {}, {"labels": [{"pairs": {"team": "x"}, "includeTemplates": True}]}),
    "labels-in-templates-with-selectors": ({"commonLabels": {"team": "x"}, "labelIncludeTemplates": True}, {}, None),
    "labels-join-the-first-item-of-their-kind": ({"commonLabels": {"team": "x"}, "labelWithoutSelector": True}, {"labels": [{"pairs": {"a": "b"}, "includeSelectors": True}, {"pairs": {"c": "d"}}]}, {"labels": [{"pairs": {"a": "b"}, "includeSelectors": True}, {"pairs": {"c": "d", "team": "x"}}]}),
    "annotations-are-not-substituted": ({"commonAnnotations": {"app": "$ARGOCD_APP_NAME"}}, {}, {"commonAnnotations": {"app": "$ARGOCD_APP_NAME"}}),
    "annotations-from-the-environment": ({"commonAnnotations": {"app": "$ARGOCD_APP_NAME"}, "commonAnnotationsEnvsubst": True}, {}, {"commonAnnotations": {"app": "annotations-from-the-environment"}}),
    # Argo CD looks for them inside the path alone, so one beside it counts as missing as well.
    "missing-components-ignored": ({"components": ["../nothing", "../component"], "ignoreMissingComponents": True, "namePrefix": "a-"}, {}, {"namePrefix": "a-"}),
    "components-by-pattern": ({"components": ["../compo*"]}, {}, {"components": ["../component"]}),
    "versions-without-helm": ({"kubeVersion": "1.30.0", "apiVersions": ["example.com/v1"], "namePrefix": "a-"}, {}, {"namePrefix": "a-"}),
    "a-namespace-that-is-none": ({"namespace": "Not_Valid"}, {}, None),
    "patches-that-are-no-list": ({"patches": [PATCH]}, {"patches": {"path": "patch.yaml"}}, None),
    "replicas-that-are-no-number": ({"replicas": [{"name": "web", "count": "many"}]}, {}, None),
}  # fmt: skip


@pytest.fixture(scope="module")
def differences(tmp_path_factory):
    return differences_of(CASES, tmp_path_factory.mktemp("edits"))


@pytest.mark.parametrize("name", CASES)
def test_option(name, differences):
    assert differences.get(name, "") == ""
