"""Where the server's jobs work: mirrors on this machine's disk, the render settings, a workbench on a repository."""

from __future__ import annotations

import logging
from pathlib import Path

from django.conf import settings

from previews.engine.errors import BadInput
from previews.engine.git import Mirror, normalise_address
from previews.engine.preview import Workbench
from previews.engine.remote.reach import Reach, make_reach
from previews.engine.render.charts import ChartStore
from previews.engine.render.plugins import load_plugins
from previews.engine.render.pool import RenderSettings
from previews.engine.render.programs import program, programs
from previews.models import DatabaseCache, Repository

log = logging.getLogger(__name__)


def mirror_of(repository: Repository) -> Mirror:
    """The repository's mirror on this machine, which may not have been fetched yet. Raises BadInput."""
    folder = settings.DATA / "mirrors" / str(repository.pk)
    return Mirror(folder, repository.url, settings.ASTROLABE_ALLOW_LOCAL_REPOSITORIES)


def workbench(repository: Repository, processes: int = 1) -> Workbench:
    """A workbench whose manifests are kept in the database. Raises BadInput for a wrong setting."""
    return Workbench(mirror_of(repository), render_settings(processes), chart_store(), DatabaseCache(), reach())


def reach() -> Reach:
    """What previews may fetch from outside their repository. Raises BadInput for a wrong setting."""
    hosts = settings.ASTROLABE_CHART_HOSTS, settings.ASTROLABE_GIT_HOSTS
    return make_reach(*hosts, settings.ASTROLABE_REMOTES, registered_mirror)


def registered_mirror(address: str) -> Mirror | None:
    """The mirror of the repository that has a (normalised) address here, None when there is none."""
    rows = Repository.objects.order_by("pk")
    return next((mirror_of(row) for row in rows if normalise_address(row.url) == address), None)


def chart_store() -> ChartStore:
    """The folder of charts that the settings name. Raises BadInput when it is not there."""
    named = settings.ASTROLABE_CHART_STORE
    if named and not Path(named).is_dir():
        raise BadInput(f"ASTROLABE_CHART_STORE: there is no folder {named}")
    return ChartStore(Path(named) if named else None)


def render_settings(processes: int) -> RenderSettings:
    """How the server renders: boxed, and not at all where a wall is missing, unless the settings say otherwise."""
    return RenderSettings(
        scratch=settings.DATA / "scratch",
        mask_key=settings.ASTROLABE_MASK_KEY,
        processes=processes,
        seconds=settings.ASTROLABE_RENDER_SECONDS,
        helm_binary=program("ASTROLABE_HELM_BINARY", settings.ASTROLABE_HELM_BINARY),
        helm_binaries=programs("ASTROLABE_HELM_BINARIES", settings.ASTROLABE_HELM_BINARIES),
        kustomize_binary=program("ASTROLABE_KUSTOMIZE_BINARY", settings.ASTROLABE_KUSTOMIZE_BINARY),
        plugins=load_plugins("ASTROLABE_PLUGINS", settings.ASTROLABE_PLUGINS),
        strict=settings.ASTROLABE_SANDBOX == "strict",
        warn=log.warning,
    )
