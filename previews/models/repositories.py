"""Repositories that Astrolabe mirrors, and the change requests found in them."""

from __future__ import annotations

import re
import secrets
from typing import ClassVar

from django.db import models
from django.urls import reverse

from previews.models.text import NAME_LENGTH

_CREDENTIALS = re.compile(r"^(https?://)[^/]*@")
_BRANCH = re.compile(r"refs/(?:heads|remotes/origin)/(.+)")


def make_secret() -> str:
    """A secret that nobody guesses."""
    return secrets.token_urlsafe(32)


class Repository(models.Model):
    """A Git repository that is mirrored.

    `config_text` is an `astrolabe.yaml` entered in the page, which wins over the repository's own. With
    `exact_by_default` a preview compares a change request's head itself instead of what merging it would give.
    `hook_secret` is what the provider signs its webhooks with. `users` are repositories whose Applications use charts
    of this one: its previews show them too. `default_commit` is where the default branch stood when it was fetched.

    `provider` is who is told of previews, with `api_token` at `api_url`; `comments` and `fails_on` are when the change
    request gets a comment, and when its status fails.
    """

    PLAIN = "plain"
    PROVIDERS = (
        (PLAIN, "nobody"),
        ("github", "GitHub"),
        ("gitlab", "GitLab"),
        ("gitea", "Gitea or Forgejo"),
        ("bitbucket", "Bitbucket Cloud"),
    )
    NEVER, CHANGES, ALWAYS, CELLS, BLOCKED, HARM = "never", "changes", "always", "cells", "blocked", "harm"
    COMMENTS = ((NEVER, "never"), (CHANGES, "when something changes"), (ALWAYS, "always"))
    FAILS_ON = (
        (NEVER, "never"),
        (CELLS, "when something cannot be rendered"),
        (BLOCKED, "when something cannot be rendered or is rejected"),
        (HARM, "when something cannot be rendered, is rejected, has an outage or cannot be undone"),
    )
    #: The totals of a preview that fail its status, by the rule.
    FAILING: ClassVar[dict[str, tuple[str, ...]]] = {
        NEVER: (),
        CELLS: ("failed",),
        BLOCKED: ("failed", "blocked"),
        HARM: ("failed", "blocked", "outage", "irreversible"),
    }

    name = models.CharField(max_length=NAME_LENGTH)
    slug = models.SlugField(max_length=100, unique=True)
    url = models.CharField(max_length=2000)
    web_url = models.CharField(max_length=2000, blank=True)
    provider = models.CharField(max_length=20, default=PLAIN, choices=PROVIDERS)
    api_url = models.CharField(max_length=2000, blank=True)
    api_token = models.CharField(max_length=2000, blank=True)
    comments = models.CharField(max_length=10, default=CHANGES, choices=COMMENTS)
    fails_on = models.CharField(max_length=10, default=NEVER, choices=FAILS_ON)
    default_branch = models.CharField(max_length=NAME_LENGTH, blank=True)
    config_text = models.TextField(blank=True)
    exact_by_default = models.BooleanField(default=False)
    hook_secret = models.CharField(max_length=100, default=make_secret)
    default_commit = models.CharField(max_length=64, blank=True)
    users = models.ManyToManyField("self", symmetrical=False, blank=True, related_name="templates")
    fetched_at = models.DateTimeField(null=True, blank=True)
    fetch_error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Django's options."""

        verbose_name_plural = "repositories"
        ordering = ("name", "id")

    def __str__(self) -> str:
        """For people."""
        return self.name

    @property
    def shown_url(self) -> str:
        """The address as people may see it: a user or token in a web address is a credential."""
        return _CREDENTIALS.sub(r"\1•••@", self.url)

    def get_absolute_url(self) -> str:
        """The page of its change requests."""
        return reverse("repository", args=[self.slug])


class ChangeRequest(models.Model):
    """A pull or merge request, or a branch that stands for one.

    `ref` is the full name of the ref that holds its head; `number` is None for a branch. `head_at` is the time of the
    head commit. `base_branch` is compared with instead of `target_branch` where the two differ. `told_at` is the
    time of the newest that its provider told of it: from then on the provider's word counts for all but the head.
    `merged_commit` is the first commit of its target that holds it, "" while it is not merged or where nobody can
    tell; `is_settled` once that is found and its record is kept (previews.endings).
    """

    OPEN, CLOSED, MERGED = "open", "closed", "merged"

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="change_requests")
    ref = models.CharField(max_length=NAME_LENGTH)
    number = models.PositiveIntegerField(null=True, blank=True)
    title = models.TextField(blank=True)
    description = models.TextField(blank=True)
    author = models.CharField(max_length=NAME_LENGTH, blank=True)
    head_commit = models.CharField(max_length=64, blank=True)
    head_at = models.DateTimeField(null=True, blank=True)
    target_branch = models.CharField(max_length=NAME_LENGTH, blank=True)
    base_branch = models.CharField(max_length=NAME_LENGTH, blank=True)
    state = models.CharField(max_length=10, default=OPEN)
    told_at = models.DateTimeField(null=True, blank=True)
    merged_commit = models.CharField(max_length=64, blank=True)
    merged_at = models.DateTimeField(null=True, blank=True)
    is_settled = models.BooleanField(default=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        """Django's options."""

        constraints = (models.UniqueConstraint(fields=["repository", "ref"], name="change_request_ref"),)
        indexes = (models.Index(fields=["repository", "state", "number"], name="change_request_list"),)

    def __str__(self) -> str:
        """For people."""
        return f"{self.label} {self.title}"

    @property
    def label(self) -> str:
        """`#12`, or the branch's name."""
        return self.short_ref if self.number is None else f"#{self.number}"

    @property
    def short_ref(self) -> str:
        """The ref without what all branches have in front."""
        found = _BRANCH.fullmatch(self.ref)
        return found[1] if found else self.ref

    @property
    def target(self) -> str:
        """The branch that it is compared with."""
        return self.base_branch or self.target_branch or self.repository.default_branch

    @property
    def exact(self) -> bool:
        """Whether its head itself is previewed, and not what merging it would give."""
        return self.repository.exact_by_default

    @property
    def name(self) -> str:
        """What its addresses call it: its number, or its ref where it has none."""
        return self.ref if self.number is None else str(self.number)

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("change", args=[self.repository.slug, self.name])


class Delivery(models.Model):
    """A webhook's delivery that was taken, so that it counts once."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="deliveries")
    name = models.CharField(max_length=NAME_LENGTH)
    taken_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        """Django's options."""

        verbose_name_plural = "deliveries"
        constraints = (models.UniqueConstraint(fields=["repository", "name"], name="one_of_each_delivery"),)

    def __str__(self) -> str:
        """For people."""
        return self.name
