"""What people have ticked as viewed."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import models


class ViewedManager(models.Manager["Viewed"]):
    """Ticks changes and takes ticks back."""

    def by(self, reviewer: str, changes: Iterable[str]) -> set[str]:
        """Those of the changes that a reviewer has ticked."""
        if not reviewer:
            return set()
        found = self.filter(reviewer=reviewer, change__in=[change for change in changes if change])
        return set(found.values_list("change", flat=True))

    def tick(self, reviewer: str, change: str, viewed: bool) -> None:
        """Ticks a change, or takes the tick back; both may be said twice."""
        if viewed:
            self.get_or_create(reviewer=reviewer, change=change)
        else:
            self.filter(reviewer=reviewer, change=change).delete()


class Viewed(models.Model):
    """A reviewer has seen a change. It counts wherever the very same change is: on 60 clusters, and after a push.

    `reviewer` is a random name that stands in a cookie; `change` is `Section.change` (previews.views.cell_sections).
    """

    reviewer = models.CharField(max_length=64)
    change = models.CharField(max_length=64)
    at = models.DateTimeField(auto_now_add=True)

    objects = ViewedManager()

    class Meta:
        """Django's options."""

        constraints = (models.UniqueConstraint(fields=["reviewer", "change"], name="one_tick_for_each_change"),)

    def __str__(self) -> str:
        """For people."""
        return self.change[:12]
