"""What Astrolabe remembers. The queue holds ids only: these tables are the truth."""

from previews.models.acceptances import Acceptance
from previews.models.answers import Answer
from previews.models.clusters import Cluster
from previews.models.manifests import Blob, DatabaseCache, Manifest
from previews.models.previews import Cell, Fleet, Part, Preview, RenderBatch
from previews.models.repositories import ChangeRequest, Delivery, Repository
from previews.models.viewed import Viewed

__all__ = [
    "Acceptance",
    "Answer",
    "Blob",
    "Cell",
    "ChangeRequest",
    "Cluster",
    "DatabaseCache",
    "Delivery",
    "Fleet",
    "Manifest",
    "Part",
    "Preview",
    "RenderBatch",
    "Repository",
    "Viewed",
]
