"""The variables that Argo CD lets an Application use."""

from __future__ import annotations

from previews.engine.applications import Application, Source

#: Revisions differ between base and head by construction, so charts see one that never does.
PLACEHOLDER_REVISION = "0" * 40


def environment_of(definition: Application, source: Source) -> dict[str, str]:
    """The variables that Argo CD lets a source use (repository.go newEnv): a chart's revision is its version."""
    revision = source.resolved or PLACEHOLDER_REVISION
    return {
        "ARGOCD_APP_NAME": definition.instance_name,
        "ARGOCD_APP_NAMESPACE": definition.destination_namespace,
        "ARGOCD_APP_PROJECT_NAME": definition.project,
        "ARGOCD_APP_REVISION": revision,
        "ARGOCD_APP_REVISION_SHORT": revision[:7],
        "ARGOCD_APP_REVISION_SHORT_8": revision[:8],
        "ARGOCD_APP_SOURCE_REPO_URL": source.repository,
        "ARGOCD_APP_SOURCE_PATH": "" if source.chart else source.path,
        "ARGOCD_APP_SOURCE_TARGET_REVISION": source.revision,
    }
