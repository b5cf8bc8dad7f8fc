"""The outbox: what providers are to be told of previews, until they have taken it."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from previews.models.previews import Preview
from previews.models.repositories import ChangeRequest, make_secret


class AnswerManager(models.Manager["Answer"]):
    """Finds what is to be sent."""

    def due(self, now: datetime) -> models.QuerySet[Answer]:
        """Answers that are not sent yet as they are wanted, may be tried now, and nobody sends just now."""
        waiting = self.exclude(wanted="").exclude(wanted=F("sent")).filter(is_refused=False, next_try_at__lte=now)
        return waiting.filter(Q(claimed_until=None) | Q(claimed_until__lt=now))


class Answer(models.Model):
    """What the provider is to be told of a change request: the status of its head, or the comment.

    `preview` is the one that answers; others of the change request write nothing here. `content` is what is to be
    said and `wanted` its hash, `sent` the hash of what the provider took last. `remote_id` and `marker` are how we
    find our comment again; `may_exist` says that the provider was asked to make it, whether we heard back or not.
    """

    STATUS, COMMENT = "status", "comment"

    change_request = models.ForeignKey(ChangeRequest, models.CASCADE, related_name="answers")
    kind = models.CharField(max_length=10)
    preview = models.ForeignKey(Preview, models.SET_NULL, null=True, related_name="+")
    content = models.JSONField(default=dict)
    wanted = models.CharField(max_length=64, blank=True)
    sent = models.CharField(max_length=64, blank=True)
    sent_at = models.DateTimeField(null=True)
    remote_id = models.CharField(max_length=40, blank=True)
    marker = models.CharField(max_length=100, default=make_secret)
    may_exist = models.BooleanField(default=False)
    attempts = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(default=timezone.now, db_index=True)
    claimed_until = models.DateTimeField(null=True)
    is_refused = models.BooleanField(default=False)
    error = models.TextField(blank=True)

    objects = AnswerManager()

    class Meta:
        """Django's options."""

        constraints = (models.UniqueConstraint(fields=["change_request", "kind"], name="one_answer_of_each_kind"),)

    def __str__(self) -> str:
        """For people."""
        return f"{self.kind} of {self.change_request_id}"

    @property
    def state(self) -> str:
        """`sent`, `waiting` or `refused`; `none` where there is nothing to say."""
        if not self.wanted:
            return "none"
        if self.wanted == self.sent:
            return "sent"
        return "refused" if self.is_refused else "waiting"
