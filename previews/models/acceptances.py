"""Findings that people have accepted in the page."""

from __future__ import annotations

from datetime import date

from django.db import models
from django.utils import timezone

from previews.engine.predict import acceptance
from previews.models.repositories import Repository
from previews.models.text import NAME_LENGTH


class AcceptanceManager(models.Manager["Acceptance"]):
    """Finds what counts."""

    def standing(self, repository: Repository) -> list[acceptance.Acceptance]:
        """What is accepted in a repository and was not withdrawn, as the engine knows it."""
        return [one.to_engine() for one in self.filter(repository=repository, withdrawn_at=None)]


class Acceptance(models.Model):
    """Somebody accepts findings of a rule, with a reason; empty texts mean any. Kept for ever, also when withdrawn.

    It counts up to and with the day `until`. `who` is what the person calls herself: there are no accounts.
    """

    repository = models.ForeignKey(Repository, models.CASCADE, related_name="acceptances")
    rule = models.CharField(max_length=60)
    kind = models.CharField(max_length=NAME_LENGTH, blank=True)
    namespace = models.CharField(max_length=NAME_LENGTH, blank=True)
    name = models.CharField(max_length=NAME_LENGTH, blank=True)
    cluster = models.CharField(max_length=NAME_LENGTH, blank=True)
    application = models.CharField(max_length=NAME_LENGTH, blank=True)
    reason = models.TextField()
    who = models.CharField(max_length=200, blank=True)
    until = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    withdrawn_at = models.DateTimeField(null=True)
    is_over = models.BooleanField(default=False)

    objects = AcceptanceManager()

    class Meta:
        """Django's options."""

        ordering = ("-created_at", "-pk")

    def __str__(self) -> str:
        """For people."""
        where = " ".join(filter(None, (self.kind, self.namespace, self.name, self.application)))
        parts = (self.rule, f"of {where}" if where else "", f"on {self.cluster}" if self.cluster else "")
        return " ".join(filter(None, parts))

    @property
    def counts(self) -> bool:
        """Whether it counts today."""
        return self.withdrawn_at is None and (self.until is None or today() <= self.until)

    def to_engine(self) -> acceptance.Acceptance:
        """The engine's form of it: names are themselves, and no patterns."""
        names = {
            field: _literally(value)
            for field in ("kind", "namespace", "name", "cluster", "application")
            if (value := getattr(self, field))
        }
        return acceptance.Acceptance(_literally(self.rule), self.reason, **names, until=self.until)


def _literally(text: str) -> str:
    """A pattern that only this text matches."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in text)


def today() -> date:
    """The day that counts, in UTC."""
    return timezone.now().date()
