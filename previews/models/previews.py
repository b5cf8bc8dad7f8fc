"""Previews: the comparison of two fleets, cell by cell."""

from __future__ import annotations

import json

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from previews.engine.cells import Hidden
from previews.engine.diff.fields import FieldLine, FieldList
from previews.engine.ignoring import steps_of
from previews.engine.manifests import ResourceId
from previews.engine.predict.prediction import Prediction, from_json
from previews.engine.tracking import Tracker, Tracking
from previews.models.manifests import Blob
from previews.models.repositories import ChangeRequest, Repository
from previews.models.text import NAME_LENGTH


class Fleet(models.Model):
    """Where the applications of one tree stand under one configuration: {application: {cluster: is it pinned}}."""

    repository = models.ForeignKey(Repository, models.CASCADE, related_name="fleets")
    tree = models.CharField(max_length=64)
    config = models.CharField(max_length=64)
    places = models.JSONField(default=dict)

    class Meta:
        """Django's options."""

        constraints = (
            models.UniqueConstraint(fields=["repository", "tree", "config"], name="one_fleet_for_each_tree"),
        )

    def __str__(self) -> str:
        """For people."""
        return self.tree[:12]


class PreviewQuerySet(models.QuerySet["Preview"]):
    """Previews, and which of them stands for its change request."""

    def plain(self) -> PreviewQuerySet:
        """Those that answer no further question, the one that stands for its change request first.

        That is the record of a request that has ended, else what was asked for last; a renewal counts from its end on.
        """
        unfinished = Q(renewal=True, state__in=(*Preview.RUNNING, Preview.SUPERSEDED))
        return self.filter(question="").exclude(unfinished).order_by("-is_record", "-asked_at", "-pk")

    def attempt(self, pk: int, attempt: int) -> PreviewQuerySet:
        """The preview, unless it has ended or a newer attempt has begun."""
        return self.filter(pk=pk, attempt=attempt, state__in=Preview.RUNNING)


class Preview(models.Model):
    """A base compared with a head. `key` is the hash of what it was asked for, so that it is made once.

    `what_if` is what it asks besides (previews.engine.whatif), `question` the same in words, "" for a plain preview.
    `cluster_scoped` are kinds without a namespace besides the built-in ones, as [group, kind]; `argocd` are Argo CD's
    own settings that it was made under, `outlook` what its predictions are (previews.engine.predict.outlook).
    `commits` are the newest of the `commits_total` that the head brings: [commit, author, seconds since 1970, subject].
    `asked_at` is when it was asked for last. `moved_to` is the commit where its base stands by now, "" while it is
    right: then it is stale. A `renewal` was asked for by nobody but that; `is_record` keeps what a change request that
    has ended last did.
    `touched` is a blob of all instances whose sources change, whatever comes of it: JSON of [cluster, application,
    path]. A preview with `parts` merges several change requests and belongs to none of them; `shows` are then the
    repositories, besides its own, whose fleets are in it, and `added_up_at` is when the parts were compared with it.

    `totals` tell what came of all instances (previews.engine.preview.totals). Until then they are the instances, the
    cells that may change, and how many of these are done and failed.

    Every write of a job carries `attempt`: a job that was thought dead and comes back writes nothing. `batches_left`
    are the parts of its work that are not done: the batches to render, and the cells that wait for none of them.
    """

    QUEUED, PREPARING, RENDERING, FINISHING = "queued", "preparing", "rendering", "finishing"
    DONE, FAILED, SUPERSEDED = "done", "failed", "superseded"
    RUNNING = (QUEUED, PREPARING, RENDERING, FINISHING)

    repository = models.ForeignKey(Repository, models.CASCADE, related_name="previews")
    change_request = models.ForeignKey(ChangeRequest, models.CASCADE, null=True, related_name="previews")
    key = models.CharField(max_length=64, unique=True)
    base_revision = models.CharField(max_length=NAME_LENGTH)
    base_commit = models.CharField(max_length=64, blank=True)
    base_tree = models.CharField(max_length=64, blank=True)
    head_revision = models.CharField(max_length=NAME_LENGTH)
    head_commit = models.CharField(max_length=64, blank=True)
    head_tree = models.CharField(max_length=64, blank=True)
    exact = models.BooleanField(default=False)
    what_if = models.JSONField(default=dict)
    question = models.CharField(max_length=300, blank=True)
    merged = models.BooleanField(default=False)
    conflicts = models.JSONField(default=list)
    commits = models.JSONField(default=list)
    commits_total = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=12, default=QUEUED, db_index=True)
    message = models.CharField(max_length=300, blank=True)
    error = models.TextField(blank=True)
    notes = models.JSONField(default=list)
    cluster_scoped = models.JSONField(default=list)
    argocd = models.JSONField(default=dict)
    outlook = models.JSONField(default=dict)
    externals = models.JSONField(default=list)
    totals = models.JSONField(default=dict)
    seconds = models.JSONField(default=dict)
    renders_total = models.PositiveIntegerField(default=0)
    renders_done = models.PositiveIntegerField(default=0)
    batches_left = models.IntegerField(default=0)
    attempt = models.PositiveIntegerField(default=0)
    beat_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)
    asked_at = models.DateTimeField(default=timezone.now)
    moved_to = models.CharField(max_length=64, blank=True)
    renewal = models.BooleanField(default=False)
    is_record = models.BooleanField(default=False)
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    base_fleet = models.ForeignKey(Fleet, models.SET_NULL, null=True, related_name="+")
    head_fleet = models.ForeignKey(Fleet, models.SET_NULL, null=True, related_name="+")
    touched = models.ForeignKey(Blob, models.PROTECT, null=True, related_name="+")
    shows = models.ManyToManyField(Repository, related_name="+")
    added_up_at = models.DateTimeField(null=True)

    objects = PreviewQuerySet.as_manager()

    class Meta:
        """Django's options."""

        ordering = ("-asked_at", "-pk")

    def __str__(self) -> str:
        """For people."""
        return f"{self.base_revision} -> {self.head_revision}"

    def get_absolute_url(self) -> str:
        """The matrix."""
        return reverse("matrix", args=[self.pk])

    @property
    def cluster_scoped_kinds(self) -> frozenset[tuple[str, str]]:
        """The kinds without a namespace that the preview's own files define."""
        return frozenset((group, kind) for group, kind in self.cluster_scoped)

    @property
    def is_running(self) -> bool:
        """Whether there is still something to wait for."""
        return self.state in self.RUNNING

    @property
    def is_planned(self) -> bool:
        """Whether it is known which cells may change, so that there is a table to show."""
        return self.state in (self.RENDERING, self.FINISHING, self.DONE)

    @property
    def is_stale(self) -> bool:
        """Whether its base has moved on since."""
        return bool(self.moved_to)

    @property
    def percent(self) -> int:
        """How far it is, for the progress bar; what comes before and after the renders counts a little."""
        if not self.is_running:
            return 100
        if self.state == self.FINISHING:
            return 95
        everything = self.renders_total + self.totals.get("cells", 0)
        return 10 + 80 * (self.renders_done + self.totals.get("done", 0)) // everything if everything else 5


class Part(models.Model):
    """A change request in a preview of several: they are merged in order of `position`, each into its own repository.

    `base_commit` is where its target stood. `alone` is the preview of it alone, in which its cells are called the same;
    None in a preview of one. `left_out` are the paths in which it conflicts with what was merged before it.
    """

    preview = models.ForeignKey(Preview, models.CASCADE, related_name="parts")
    change_request = models.ForeignKey(ChangeRequest, models.CASCADE, related_name="parts")
    position = models.PositiveIntegerField()
    base_commit = models.CharField(max_length=64)
    head_commit = models.CharField(max_length=64)
    alone = models.ForeignKey(Preview, models.SET_NULL, null=True, related_name="part_of")
    left_out = models.JSONField(default=list)

    class Meta:
        """Django's options."""

        constraints = (
            models.UniqueConstraint(fields=["preview", "change_request"], name="one_part_for_each_change_request"),
        )
        ordering = ("position",)

    def __str__(self) -> str:
        """For people."""
        return f"{self.change_request_id} of {self.preview_id}"


class Cell(models.Model):
    """What a preview does to one instance; see previews.engine.cells. Unchanged instances have none.

    `base_key` and `head_key` name the manifests, "" where a side has none or both were not rendered. Until these are
    compared the yaml state is `pending`; `turn` then tells when that was, counting the preview's cells from 1. Until
    the preview is finished `planned` holds what comparing needs and, as `change`, what came of it; there is no group,
    pattern and prediction yet, and unchanged instances still have a cell. `namespaces` are those of the
    destination on both sides, for objects that name none; `marks` Argo CD's for both, none where none are added.
    `hidden` are the resources of which rules hide a difference (previews.engine.cells.Hidden). `fields` are those
    that change, as JSON: [group, kind, namespace, name, total, [path, state, before, after]...] for each resource.
    `files` are its value files in order: {"name", "base", "head", "state", "added", "removed"}, where `base` and `head`
    are the keys of blobs, "" where there is no text; those that do not change have neither. No foreign key says that
    these blobs are in use: whoever prunes blobs has to look here.
    `prediction` is JSON of previews.engine.predict.prediction, and `findings` tells what the change brings that nobody
    has accepted: [severity, number of findings, what the first says] by the rule's code.
    In a preview of several change requests `moved_by` are those that change the instance alone, by position of their
    part, and `interaction` tells how the result is not the sum of them (previews.engine.together), "" where it is.
    """

    PENDING = "pending"

    preview = models.ForeignKey(Preview, models.CASCADE, related_name="cells")
    cluster = models.CharField(max_length=NAME_LENGTH)
    application = models.CharField(max_length=NAME_LENGTH)
    name = models.CharField(max_length=NAME_LENGTH)
    path = models.CharField(max_length=1000, blank=True)
    value_state = models.CharField(max_length=10)
    yaml_state = models.CharField(max_length=10)
    causes = models.JSONField(default=list)
    deploys = models.BooleanField()
    pinned = models.BooleanField()
    value_added = models.PositiveIntegerField(default=0)
    value_removed = models.PositiveIntegerField(default=0)
    yaml_added = models.PositiveIntegerField(default=0)
    yaml_removed = models.PositiveIntegerField(default=0)
    resources = models.JSONField(default=list)
    ignored = models.PositiveIntegerField(default=0)
    group = models.CharField(max_length=20, blank=True)
    pattern = models.CharField(max_length=20, blank=True)
    error = models.JSONField(null=True)
    skipped = models.JSONField(null=True)
    notes = models.JSONField(default=list)
    planned = models.JSONField(default=dict)
    namespaces = models.JSONField(default=list)
    hidden = models.JSONField(default=list)
    marks = models.JSONField(default=list)
    base_key = models.CharField(max_length=64, blank=True)
    head_key = models.CharField(max_length=64, blank=True)
    base_values = models.ForeignKey(Blob, models.PROTECT, null=True, related_name="+")
    head_values = models.ForeignKey(Blob, models.PROTECT, null=True, related_name="+")
    base_target = models.ForeignKey(Blob, models.PROTECT, null=True, related_name="+")
    head_target = models.ForeignKey(Blob, models.PROTECT, null=True, related_name="+")
    fields = models.ForeignKey(Blob, models.PROTECT, null=True, related_name="+")
    files = models.JSONField(default=list)
    turn = models.PositiveIntegerField(default=0)
    prediction = models.ForeignKey(Blob, models.PROTECT, null=True, related_name="+")
    findings = models.JSONField(default=dict)
    moved_by = models.JSONField(default=list)
    interaction = models.CharField(max_length=10, blank=True)

    class Meta:
        """Django's options."""

        constraints = (
            models.UniqueConstraint(fields=["preview", "cluster", "application"], name="one_cell_for_each_place"),
        )
        indexes = (models.Index(fields=["preview", "turn"], name="cells_in_turn"),)
        ordering = ("application", "cluster")

    def __str__(self) -> str:
        """For people."""
        return f"{self.cluster} / {self.application}"

    def get_absolute_url(self) -> str:
        """The side-by-side diff."""
        return reverse("cell", args=[self.preview_id, self.cluster, self.application])

    @property
    def predicted(self) -> Prediction | None:
        """What deploying it will do."""
        return from_json(self.prediction.text) if self.prediction else None

    @property
    def fails(self) -> bool:
        """Whether its head cannot be rendered, and its base can."""
        return self.yaml_state == "failed" and self.error is not None and self.error["side"] == "head"

    @property
    def rejected(self) -> dict[str, str]:
        """The rules by which the API server rejects what it deploys, each with what the worst finding says."""
        return {code: said for code, (severity, _, said) in self.findings.items() if severity == "blocked"}

    @property
    def placing(self) -> tuple[str, str]:
        """The destination's namespace on both sides."""
        base, head = self.namespaces or ("", "")
        return base, head

    @property
    def trackers(self) -> tuple[Tracker | None, Tracker | None]:
        """What marks the objects of both sides."""
        base, head = (Tracker(Tracking(*how), *place) for how, place in self.marks) if self.marks else (None, None)
        return base, head

    @property
    def changed_fields(self) -> dict[ResourceId, FieldList]:
        """The fields that change, by resource."""
        rows = json.loads(self.fields.text) if self.fields else []
        return {ResourceId(*row[:4]): FieldList(row[4], tuple(FieldLine(*line) for line in row[5:])) for row in rows}

    @property
    def hidden_fields(self) -> dict[ResourceId, Hidden]:
        """The resources of which rules hide a difference, by identity."""
        rows = (
            Hidden(ResourceId(*identity), steps_of(base), steps_of(head), count)
            for identity, base, head, count in self.hidden
        )
        return {row.id: row for row in rows}


class RenderBatch(models.Model):
    """Renders that one job does: requests as compressed JSON, and the failures that may not be kept for ever.

    `cells` are the keys of those that wait for one of them.
    """

    preview = models.ForeignKey(Preview, models.CASCADE, related_name="batches")
    attempt = models.PositiveIntegerField()
    number = models.PositiveIntegerField()
    requests = models.BinaryField()
    count = models.PositiveIntegerField()
    cells = models.JSONField(default=list)
    failures = models.JSONField(default=dict)
    done = models.BooleanField(default=False)

    class Meta:
        """Django's options."""

        constraints = (
            models.UniqueConstraint(fields=["preview", "attempt", "number"], name="one_batch_for_each_number"),
        )

    def __str__(self) -> str:
        """For people."""
        return f"{self.preview_id}.{self.attempt}.{self.number}"
