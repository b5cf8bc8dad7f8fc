"""Clusters that are known by more than their name."""

from __future__ import annotations

from django.db import models

from previews.models.repositories import Repository
from previews.models.text import NAME_LENGTH


class Cluster(models.Model):
    """A column of a repository's matrices. Columns of the same `group` stand together, in order of `position`."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="clusters")
    name = models.CharField(max_length=NAME_LENGTH)
    kubernetes_version = models.CharField(max_length=50, blank=True)
    labels = models.JSONField(default=dict, blank=True)
    group = models.CharField(max_length=NAME_LENGTH, blank=True)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        """Django's options."""

        constraints = (models.UniqueConstraint(fields=["repository", "name"], name="cluster_name"),)
        ordering = ("position", "name")

    def __str__(self) -> str:
        """For people."""
        return self.name
