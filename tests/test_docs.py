"""What the docs promise is there: every field of Argo CD and Flux has a row, and every test that a row names exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TABLES = (ROOT / "docs" / "rendering.md").read_text()

_SOURCE = """repoURL targetRevision path chart ref name
    helm.valueFiles helm.ignoreMissingValueFiles helm.values helm.valuesObject helm.parameters helm.fileParameters
    helm.releaseName helm.namespace helm.kubeVersion helm.apiVersions helm.skipCrds helm.skipTests
    helm.skipSchemaValidation helm.version helm.passCredentials
    kustomize.namePrefix kustomize.nameSuffix kustomize.namespace kustomize.images kustomize.replicas
    kustomize.commonLabels kustomize.forceCommonLabels kustomize.labelWithoutSelector kustomize.labelIncludeTemplates
    kustomize.commonAnnotations kustomize.forceCommonAnnotations kustomize.commonAnnotationsEnvsubst kustomize.patches
    kustomize.components kustomize.ignoreMissingComponents kustomize.version kustomize.kubeVersion
    kustomize.apiVersions
    directory.recurse directory.include directory.exclude directory.jsonnet plugin.name plugin.env plugin.parameters"""
_IGNORE = "group kind name namespace jsonPointers jqPathExpressions managedFieldsManagers".split()

#: The fields of each type that can change what is rendered or what becomes of it, by the heading of their table.
FIELDS = {
    "Argo CD Application": [
        "source", "sources", "sourceHydrator.drySource", "destination.server", "destination.name",
        "destination.namespace", "project", "syncPolicy", "metadata.finalizers", "metadata.annotations",
        *(f"ignoreDifferences.{name}" for name in _IGNORE), *_SOURCE.split(),
    ],
    "Argo CD's own settings": """kustomize.buildOptions kustomize.path.* kustomize.enable helm.enable jsonnet.enable
        helm.valuesFileSchemes resource.exclusions resource.inclusions resource.customizations.ignoreDifferences.*
        resource.compareoptions application.instanceLabelKey application.resourceTrackingMethod
        installationID""".split(),
    "ApplicationSet": """goTemplate goTemplateOptions template templatePatch generators.selector generators.*.template
        generators.*.values
        list.elements list.elementsYaml clusters.selector clusters.flatList git.repoURL git.revision git.directories
        git.files git.pathParamPrefix matrix.generators merge.generators merge.mergeKeys scmProvider pullRequest
        clusterDecisionResource plugin syncPolicy.applicationsSync syncPolicy.preserveResourcesOnDeletion
        strategy preservedFields ignoreApplicationDifferences""".split(),
    "Flux Kustomization": """sourceRef path targetNamespace namePrefix nameSuffix patches components
        ignoreMissingComponents images commonMetadata postBuild.substitute postBuild.substituteFrom
        postBuild.substituteStrategy
        decryption dependsOn suspend kubeConfig buildMetadata patchesStrategicMerge patchesJson6902 prune""".split(),
    "Flux HelmRelease": """chart.spec.chart chart.spec.version chart.spec.sourceRef chart.spec.valuesFiles
        chart.spec.ignoreMissingValuesFiles chart.spec.reconcileStrategy chartRef releaseName targetNamespace
        storageNamespace valuesFrom values postRenderers commonMetadata install.crds upgrade.crds install.skipCRDs
        test dependsOn suspend kubeConfig driftDetection persistentClient upgrade.preserveValues""".split(),
    "Flux sources": """GitRepository.url GitRepository.ref GitRepository.ignore GitRepository.include
        HelmRepository.url HelmRepository.type OCIRepository.url OCIRepository.ref OCIRepository.layerSelector
        Bucket ExternalArtifact HelmChart""".split(),
}  # fmt: skip


def rows(heading):
    """The rows of the table below a heading, as lists of cells."""
    section = TABLES.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ") and not line.startswith("| field ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


@pytest.mark.parametrize("heading", FIELDS)
def test_every_field_has_a_row(heading):
    named = {name for row in rows(heading) for name in re.findall(r"`([^`]+)`", row[0])}
    assert sorted(set(FIELDS[heading]) - named) == []


@pytest.mark.parametrize("heading", FIELDS)
def test_every_row_says_its_state_and_names_a_test_or_why_there_is_none(heading):
    for row in rows(heading):
        assert len(row) == 3, row
        _, state, proof = row
        assert state, row
        assert "::" in proof or state.startswith(("no effect", "not known", "not applied")), row


def test_every_test_that_the_docs_name_is_there():
    named = set(re.findall(r"`([\w/]+\.py)::(\w+)`", TABLES))
    assert named
    missing = []
    for file, test in sorted(named):
        places = sorted((ROOT / "tests").rglob(file))
        found = {
            node.name
            for place in places
            for node in ast.walk(ast.parse(place.read_text()))
            if isinstance(node, ast.FunctionDef)
        }
        if test not in found:
            missing.append(f"{file}::{test}")
    assert missing == []
