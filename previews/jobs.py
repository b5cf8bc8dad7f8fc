"""What RQ runs: refresh, prepare, render, finish, answer, sweep. Jobs carry ids; the queue is a hint.

The database is the truth. A job may run twice, be killed anywhere, or arrive late. Each write of a preview's jobs names
the attempt that it belongs to, and touches nothing when there is a newer one.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

import django_rq
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from redis.exceptions import RedisError

from previews import acceptances, answers, arrivals, completing, record, renewals, together
from previews.engine.errors import AstrolabeError
from previews.engine.manifests import Manifest
from previews.engine.preview import Clock, Prepared, Workbench
from previews.engine.preview import prepare as prepare_preview
from previews.engine.render.requests import RenderRequest
from previews.engine.scope import defined_by
from previews.engine.sides import Sides
from previews.engine.users import User
from previews.engine.whatif import NOTHING_MORE, WhatIf, from_json
from previews.models import ChangeRequest, Part, Preview, RenderBatch, Repository
from previews.models.text import fit
from previews.workshop import mirror_of, workbench

log = logging.getLogger(__name__)

#: Renders in one job: enough to be worth a job, few enough for progress to be seen and a lost one to cost little.
BATCH = 40
#: The queue that workers serve when the other one is empty.
RENEWALS = "renewals"
#: Seconds after which a preview that waits while nothing is queued counts as lost. A batch takes less than half of it.
PATIENCE = 300
#: Jobs on a queue that is so full that it holds whatever is due already.
CROWDED = 200


def enqueue(job: Callable[..., None], *ids: int, queue: str = "default") -> None:
    """Puts a job on a queue once the current transaction is in the database."""
    transaction.on_commit(lambda: _enqueue_now(queue, job, *ids))


def _enqueue_now(queue: str, job: Callable[..., None], *ids: int) -> None:
    try:
        django_rq.get_queue(queue).enqueue(job, *ids, result_ttl=60, failure_ttl=3600)
    except RedisError as error:
        # What was asked for stands in the database; `sweep` finds it when the queue is back.
        log.error("the queue does not take jobs: %s", error)


def _attempt(job: Callable[[Preview, int], None] | Callable[..., None]) -> Callable[..., None]:
    """Runs a job for a preview's attempt; what goes wrong becomes the preview's state, and nothing is lost."""

    @functools.wraps(job)
    def run(preview_id: int, attempt: int, *more: int) -> None:
        found = Preview.objects.attempt(preview_id, attempt)
        preview = found.select_related("repository", "change_request").first()
        if preview is None:
            return
        try:
            job(preview, attempt, *more)
        except AstrolabeError as error:
            _fail(preview_id, attempt, str(error))
            renew_soon()
        except Exception as error:
            log.exception("preview %s failed", preview_id)
            text = f"Astrolabe itself failed ({type(error).__name__}); the log of the worker says where."
            _fail(preview_id, attempt, text)
            raise

    return run


def update(preview_id: int, attempt: int, **fields: Any) -> bool:
    """Writes to a preview unless it has ended or a newer attempt has begun; tells whether it did."""
    return bool(Preview.objects.attempt(preview_id, attempt).update(**fields, beat_at=timezone.now()))


def _fail(preview_id: int, attempt: int, error: str) -> None:
    """Ends a preview that could not be made, and has that told."""
    fields = {"state": Preview.FAILED, "error": error, "finished_at": timezone.now(), "message": ""}
    with transaction.atomic():
        if update(preview_id, attempt, **fields):
            _send(answers.ended(preview_id))


def _send(answer_ids: Iterable[int]) -> None:
    for answer_id in answer_ids:
        enqueue(answer, answer_id)


def answer(answer_id: int) -> None:
    """Tells the provider what is written down for it; what it does not take now stays for `sweep`."""
    if answers.send(answer_id):
        enqueue(answer, answer_id)


def answer_again(repository: Repository) -> None:
    """Has what was refused or waits tried anew, as the settings have changed."""
    _send(answers.resume(repository))


def judge_again(repository: Repository, rule: str) -> None:
    """Has what is accepted told apart anew, and told to those who hear of it."""
    for preview_id in acceptances.renew(repository, [rule]):
        _send(answers.ended(preview_id))


def refresh(repository_id: int) -> None:
    """Fetches a repository, brings its change requests up to date, and previews those that are new."""
    repository = Repository.objects.get(pk=repository_id)
    try:
        fresh = arrivals.refresh(repository)
    except AstrolabeError as error:
        Repository.objects.filter(pk=repository_id).update(fetch_error=str(error), fetched_at=timezone.now())
        return
    for change_request in fresh:
        request_preview(change_request)
    renewals.mark(repository)
    renew_soon()


def renew_soon() -> None:
    """Sees to it that stale previews are renewed."""
    if renewals.waiting():
        enqueue(renew, queue=RENEWALS)


def renew() -> None:
    """Renews stale previews, the smallest first, as many as may be on their way; each that ends makes room for more."""
    room = renewals.AT_ONCE - renewals.on_their_way().count()
    for stale in renewals.waiting():
        if room <= 0:
            return
        try:
            if stale.change_request and not renewals.is_still_right(stale):
                room -= request_preview(stale.change_request, renews=stale.moved_to).is_running
        except AstrolabeError as error:
            log.warning("preview %s is not renewed: %s", stale.pk, error)


def request_preview(change_request: ChangeRequest, what_if: WhatIf = NOTHING_MORE, renews: str = "") -> Preview:
    """The preview of a change request as it stands now: the one there is, or a new one on its way.

    A failed one is tried again. `renews` is the commit to which the base of a stale one has moved: such a renewal
    waits until nothing else is to do. Raises BadInput when a revision is not there.
    """
    base_commit = renews or mirror_of(change_request.repository).commit(change_request.target)
    preview, created = Preview.objects.get_or_create(
        key=record.preview_key(change_request, base_commit, what_if),
        defaults={
            "repository": change_request.repository,
            "change_request": change_request,
            "base_revision": change_request.target,
            "base_commit": base_commit,
            "head_revision": change_request.ref,
            "head_commit": change_request.head_commit,
            "exact": change_request.exact,
            "renewal": bool(renews),
            "what_if": asdict(what_if) if what_if.asks_something else {},
            "question": fit(what_if.describe(), 300),
        },
    )
    is_hurried = preview.renewal and not renews
    Preview.objects.filter(pk=preview.pk).update(
        asked_at=timezone.now(), moved_to="", renewal=preview.renewal and not is_hurried
    )
    if created or preview.state in (Preview.FAILED, Preview.SUPERSEDED) or (is_hurried and preview.is_running):
        start(preview)
    same = Preview.objects.filter(change_request=change_request, question=preview.question)
    older = same.filter(state__in=Preview.RUNNING).exclude(pk=preview.pk)
    older.update(state=Preview.SUPERSEDED, message="", finished_at=timezone.now())
    _send(answers.asked(preview))
    return preview


def request_together(requests: Sequence[ChangeRequest], asked: bool = True) -> Preview:
    """The preview of several change requests, merged in this order: the one there is, or a new one on its way.

    Each is previewed alone as well, so that it can be told what only all together do. One that nobody asked for waits
    until nothing else is to do. Raises BadInput when they cannot be previewed together.
    """
    together.check(requests)
    home, shows = requests[0].repository, together.shown_besides(requests)
    is_one_fleet = all(request.repository_id == home.pk for request in requests)
    parts = [_part(request, position) for position, request in enumerate(requests)]
    for part in parts:
        alone = (
            _alone_as_usual(part) if is_one_fleet else _keep_together(home, [_part(part.change_request)], shows, asked)
        )
        part.alone = alone
    return _keep_together(home, parts, shows, asked)


def _part(request: ChangeRequest, position: int = 0) -> Part:
    base_commit = mirror_of(request.repository).commit(request.target)
    return Part(change_request=request, position=position, base_commit=base_commit, head_commit=request.head_commit)


def _alone_as_usual(part: Part) -> Preview:
    """The plain preview of a part; one that is there is not asked for anew."""
    key = record.preview_key(part.change_request, part.base_commit, NOTHING_MORE)
    usable = (Preview.DONE, *Preview.RUNNING)
    return Preview.objects.filter(key=key, state__in=usable).first() or request_preview(part.change_request)


def _keep_together(home: Repository, parts: Sequence[Part], shows: Sequence[Repository], asked: bool) -> Preview:
    own = [part for part in parts if part.change_request.repository_id == home.pk]
    target = own[0].change_request.target if own else home.default_branch
    base_commit = own[0].base_commit if own else mirror_of(home).commit(target)
    with transaction.atomic():
        preview, created = Preview.objects.get_or_create(
            key=together.key_of(home, base_commit, parts, shows),
            defaults={
                "repository": home,
                "base_revision": target,
                "base_commit": base_commit,
                "head_revision": fit(" + ".join(part.change_request.label for part in parts)),
                "renewal": not asked,
            },
        )
        if created:
            preview.shows.set(shows)
            for part in parts:
                part.preview = preview
            Part.objects.bulk_create(parts)
            _supersede(preview, parts)
    is_hurried = preview.renewal and asked
    Preview.objects.filter(pk=preview.pk).update(asked_at=timezone.now(), renewal=preview.renewal and not asked)
    if created or preview.state in (Preview.FAILED, Preview.SUPERSEDED) or (is_hurried and preview.is_running):
        preview.refresh_from_db()
        start(preview)
    elif preview.state == Preview.DONE and preview.added_up_at is None:
        enqueue(add_up, preview.pk)
    return preview


def _supersede(preview: Preview, parts: Sequence[Part]) -> None:
    """Stops what nobody asked for about older heads or bases of the very same change requests."""
    running = Preview.objects.filter(renewal=True, state__in=Preview.RUNNING, change_request=None).exclude(
        pk=preview.pk
    )
    for part in parts:
        running = running.filter(parts__change_request=part.change_request)
    older = list(running.values_list("pk", flat=True))
    Preview.objects.filter(pk__in=older, state__in=Preview.RUNNING).update(
        state=Preview.SUPERSEDED, message="", finished_at=timezone.now()
    )


def start(preview: Preview) -> None:
    """Begins a new attempt; whatever still runs for an older one writes nothing any more."""
    Preview.objects.filter(pk=preview.pk).update(
        attempt=F("attempt") + 1,
        state=Preview.QUEUED,
        message="waiting for a worker",
        error="",
        started_at=timezone.now(),
        beat_at=timezone.now(),
        renders_total=0,
        renders_done=0,
    )
    preview.refresh_from_db()
    enqueue(prepare, preview.pk, preview.attempt, queue=_queue_of(preview))


def _queue_of(preview: Preview) -> str:
    return RENEWALS if preview.renewal else "default"


@_attempt
def prepare(preview: Preview, attempt: int) -> None:
    """Finds both fleets, plans the renders, hands them out in batches, and completes the cells that wait for none."""
    unplanned = Preview.objects.attempt(preview.pk, attempt).filter(state__in=(Preview.QUEUED, Preview.PREPARING))
    if not unplanned.update(state=Preview.PREPARING, message="reading the repository", beat_at=timezone.now()):
        return
    clock = Clock()
    repository = preview.repository
    sides, others = together.sides_of(preview)
    if preview.change_request_id:
        record.keep_commits(preview, *mirror_of(repository).commits(preview.base_commit, preview.head_commit))
    else:
        together.keep_left_out(preview, (sides, *others.values()))
    with workbench(repository, processes=2) as bench:
        config = bench.config(sides.head_tree, sides.base_tree, repository.config_text)
        update(preview.pk, attempt, message="finding applications")
        tracks = [repository.default_branch, preview.base_revision]
        users, missing = _users(bench, preview, others)
        prepared = prepare_preview(bench, sides, config, tracks, from_json(preview.what_if), users)
        prepared = replace(prepared, outside_notes=(*missing, *prepared.outside_notes))
        clock.lap("discover")
        known = bench.cache.get_many(prepared.plan.requests)
    requests = [request for key, request in prepared.plan.requests.items() if key not in known]
    defined = defined_by(result for result in known.values() if isinstance(result, Manifest))
    rules = replace(prepared.rules, cluster_scoped=prepared.rules.cluster_scoped | defined)
    rest = _hand_out(preview, attempt, replace(prepared, rules=rules), requests, clock.seconds)
    if rest is None:
        return
    if rest:
        preview.refresh_from_db()
        with workbench(preview.repository) as bench:
            completing.complete(preview, attempt, rest, bench)
    _count_down(preview, attempt)


def _hand_out(
    preview: Preview, attempt: int, prepared: Prepared, requests: Sequence[RenderRequest], seconds: dict[str, float]
) -> list[int] | None:
    """Writes the plan down, once for each attempt, and gives the cells that wait for no render; None if it was before.

    Nobody sees a part of it.
    """
    with transaction.atomic():
        planning = Preview.objects.attempt(preview.pk, attempt).filter(state=Preview.PREPARING)
        if not planning.update(state=Preview.RENDERING):
            return None
        record.keep_plan(preview, prepared)
        batches, rest = record.keep_batches(preview, attempt, requests, BATCH)
        update(
            preview.pk,
            attempt,
            message=f"rendering {len(requests)} manifests" if requests else "comparing",
            renders_total=len(requests),
            batches_left=len(batches) + 1,
            seconds=seconds,
        )
        for batch in batches:
            enqueue(render, preview.pk, attempt, batch.number, queue=_queue_of(preview))
    return rest


def _count_down(preview: Preview, attempt: int) -> None:
    """Counts a part of the work as done; whoever does the last one calls `finish`."""
    update(preview.pk, attempt, batches_left=F("batches_left") - 1)
    last = Preview.objects.filter(pk=preview.pk, attempt=attempt, batches_left=0, state=Preview.RENDERING)
    if last.update(state=Preview.FINISHING, message="comparing"):
        finish(preview.pk, attempt)


def _users(bench: Workbench, preview: Preview, moved: Mapping[int, Sides]) -> tuple[list[User], list[str]]:
    """The other fleets that a preview shows, and a sentence for each that cannot be read.

    `moved` are the sides of those that change requests in this preview are about, by repository.
    """
    users, missing = [], []
    for fleet in (preview.repository.users if preview.change_request_id else preview.shows).all():
        sides = moved.get(fleet.pk)
        between = (sides.base_commit, sides.head_commit) if sides else None
        targets = preview.parts.filter(change_request__repository=fleet).select_related("change_request__repository")
        tracks = [fleet.default_branch, *(part.change_request.target for part in targets[:1])]
        try:
            users.append(bench.user(fleet.url, fleet.config_text, between, tracks if sides else ()))
        except AstrolabeError as error:
            missing.append(f"the applications of {fleet.name} are not shown: {error}")
    return users, missing


@_attempt
def render(preview: Preview, attempt: int, number: int) -> None:
    """Renders one batch into the database, and completes the cells that need nothing else."""
    batch = RenderBatch.objects.filter(preview=preview, attempt=attempt, number=number, done=False).first()
    if batch is None:
        return
    # What merging gives may be on no other machine.
    together.sides_of(preview)
    with workbench(preview.repository) as bench:
        bench.ensure(record.externals(preview))
        results = bench.manifests(record.read_batch(batch))
        if not record.close_batch(batch, results):
            return
        update(preview.pk, attempt, renders_done=F("renders_done") + batch.count)
        completing.complete(preview, attempt, batch.cells, bench)
    _count_down(preview, attempt)


@_attempt
def finish(preview: Preview, attempt: int) -> None:
    """Compares what nobody compared yet, and adds what only all cells together tell."""
    clock = Clock()
    update(preview.pk, attempt, state=Preview.FINISHING, message="comparing")
    failures = completing.failures(preview, attempt)
    with workbench(preview.repository) as bench:
        if not completing.complete(preview, attempt, completing.pending(preview), bench, failures):
            return
        clock.lap("compare")
        update(preview.pk, attempt, message="predicting")
        finished = completing.finish(preview, bench, failures)
    clock.lap("predict")
    fields = {
        "state": Preview.DONE,
        "message": "",
        "totals": finished.totals,
        "cluster_scoped": finished.cluster_scoped,
        "seconds": {**preview.seconds, **clock.seconds, "total": (timezone.now() - preview.started_at).total_seconds()},
        "finished_at": timezone.now(),
    }
    with transaction.atomic():
        if update(preview.pk, attempt, **fields):
            completing.keep_finished(preview, finished)
            _send(answers.ended(preview.pk))
            RenderBatch.objects.filter(preview=preview).delete()
            enqueue(add_up, preview.pk, queue=_queue_of(preview))
            if preview.change_request_id and not preview.question:
                enqueue(pair_up, preview.pk, queue=RENEWALS)
    renew_soon()


def add_up(preview_id: int) -> None:
    """Compares with their parts the previews of several that waited for this one, or that it is."""
    for preview in together.ready(preview_id):
        together.add_up(preview)
        for part in preview.parts.exclude(alone=None):
            _send(answers.ended(part.alone_id or 0))


def pair_up(preview_id: int) -> None:
    """Has an open change request previewed together with those that touch the same, when nothing else is to do."""
    preview = Preview.objects.select_related("change_request__repository").get(pk=preview_id)
    change = preview.change_request
    if change is None or change.state != ChangeRequest.OPEN or preview != change.previews.plain().first():
        return
    for partner in together.partners(preview, settings.ASTROLABE_PAIRS):
        try:
            request_together(sorted((change, partner), key=lambda one: (one.number or 0, one.pk)), asked=False)
        except AstrolabeError as error:
            log.warning("%s and %s are not previewed together: %s", change, partner, error)


def sweep() -> None:
    """Starts again what was lost: silent for longer than a job may take, or waiting while the queue is empty."""
    arrivals.forget_deliveries()
    now = timezone.now()
    lost = Q(state__in=Preview.RUNNING, beat_at__lt=now - timedelta(seconds=settings.JOB_SECONDS))
    waiting = Q(state__in=(Preview.QUEUED, Preview.RENDERING))
    if django_rq.get_queue(RENEWALS).is_empty():
        lost |= waiting & Q(renewal=True, beat_at__lt=now - timedelta(seconds=PATIENCE))
    else:
        lost &= ~(waiting & Q(renewal=True))
    if django_rq.get_queue("default").is_empty():
        lost |= waiting & Q(renewal=False, beat_at__lt=now - timedelta(seconds=PATIENCE))
    for preview in Preview.objects.filter(lost):
        if preview.attempt >= 3:
            text = "No worker could finish this preview in three attempts. Are workers running?"
            _fail(preview.pk, preview.attempt, text)
        else:
            start(preview)
    renew_soon()
    for preview in together.waiting():
        enqueue(add_up, preview.pk)
    for preview_id in acceptances.expire():
        _send(answers.ended(preview_id))
    if django_rq.get_queue("default").count < CROWDED:
        _send(answers.due())
