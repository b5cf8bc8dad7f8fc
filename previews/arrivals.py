"""How change requests arrive when nobody tells us: from the refs of the mirror."""

from __future__ import annotations

import datetime
import re
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from previews import endings
from previews.engine.config import parse_config
from previews.engine.errors import BadInput
from previews.engine.git import Mirror, Ref, check_address
from previews.models import Answer, ChangeRequest, Delivery, Preview, Repository
from previews.models.text import clean, fit
from previews.scm.events import ChangeEvent, Event
from previews.workshop import mirror_of

_REMEMBERED = datetime.timedelta(days=7)
_REQUEST = re.compile(r"refs/(?:pull|merge-requests)/(\d+)/head")


def add_repository(name: str, url: str, config_text: str = "") -> Repository:
    """Registers a repository, or gives the one with this address. Raises BadInput or ConfigError."""
    name = name.strip() or url.rstrip("/").rpartition("/")[2].rpartition("@")[2].removesuffix(".git")
    address = check_address(url.strip(), settings.ASTROLABE_ALLOW_LOCAL_REPOSITORIES)
    if config_text.strip():
        parse_config(config_text)
    found = Repository.objects.filter(url=address).first()
    if found:
        return found
    slug = slugify(name) or "repository"
    taken = set(Repository.objects.filter(slug__startswith=slug).values_list("slug", flat=True))
    free = next(choice for choice in (slug, *(f"{slug}-{n}" for n in range(2, len(taken) + 3))) if choice not in taken)
    return Repository.objects.create(name=name, slug=free, url=address, config_text=config_text)


def deliver(repository: Repository, name: str, event: Event) -> bool:
    """Writes down what a provider tells; False when this delivery was taken before.

    Deliveries come in any order, so an older word never replaces a newer one. Heads are left to `refresh`.
    """
    with transaction.atomic():
        if name and not Delivery.objects.get_or_create(repository=repository, name=fit(name))[1]:
            return False
        if isinstance(event, ChangeEvent):
            _tell(repository, event)
    return True


def _tell(repository: Repository, event: ChangeEvent) -> None:
    found = ChangeRequest.objects.select_for_update().filter(repository=repository, ref=event.ref).first()
    if found and _is_outdated(found, event):
        return
    is_another = found is not None and found.number != event.number
    if is_another:
        # Comments are remembered by number, which at another request may be somebody else's.
        Answer.objects.filter(change_request=found).delete()
    is_begun = event.state == ChangeRequest.OPEN and found is not None and (is_another or found.state != event.state)
    change_request, _ = ChangeRequest.objects.update_or_create(
        repository=repository,
        ref=event.ref,
        defaults={
            "number": event.number,
            "title": fit(event.title) or event.ref,
            "description": clean(event.description),
            "author": fit(event.author),
            "target_branch": fit(event.target_branch),
            "state": event.state,
            "told_at": event.at,
            **_ending(found, event),
            # What begins (again) has a head that nobody has seen: it is asked for, and told, whatever was before.
            **({"head_commit": ""} if is_begun else {}),
        },
    )
    # What was merged may still get its record: see endings.
    if event.state == ChangeRequest.CLOSED:
        running = change_request.previews.filter(state__in=Preview.RUNNING)
        running.update(state=Preview.SUPERSEDED, message="", finished_at=timezone.now())


def _is_outdated(found: ChangeRequest, event: ChangeEvent) -> bool:
    """Whether a newer word is known, or a newer request from the same branch stands (Bitbucket has no other refs)."""
    is_older = found.told_at is not None and found.told_at > event.at
    if found.number is None or found.number < event.number:
        return False
    has_ended = event.state != ChangeRequest.OPEN
    return is_older or (found.number > event.number and (has_ended or found.state == ChangeRequest.OPEN))


def _ending(found: ChangeRequest | None, event: ChangeEvent) -> dict[str, Any]:
    """What changes when a request ends, or ends otherwise than it was told before."""
    if event.state == ChangeRequest.OPEN or (found and found.state == event.state):
        return {}
    is_merged = event.state == ChangeRequest.MERGED
    when = (event.merged_at or event.at) if is_merged else None
    return {"is_settled": False, "merged_commit": event.merged_commit if is_merged else "", "merged_at": when}


def forget_deliveries() -> None:
    """Drops what nobody will deliver again."""
    Delivery.objects.filter(taken_at__lt=timezone.now() - _REMEMBERED).delete()


def refresh(repository: Repository) -> list[ChangeRequest]:
    """Fetches, and records what the refs say. Gives the open change requests that want a preview. Raises GitError."""
    mirror = mirror_of(repository)
    mirror.fetch()
    repository.default_branch = mirror.default_branch()
    repository.default_commit = mirror.commit(repository.default_branch)
    repository.fetched_at, repository.fetch_error = timezone.now(), ""
    repository.save(update_fields=["default_branch", "default_commit", "fetched_at", "fetch_error"])
    refs = mirror.refs("refs/pull", "refs/merge-requests")
    told = ChangeRequest.objects.filter(repository=repository, told_at__isnull=False)
    if not refs:
        default = f"refs/heads/{repository.default_branch}"
        refs = [ref for ref in mirror.refs("refs/heads") if ref.name != default]
    merged = mirror.merged_refs(repository.default_branch)
    with transaction.atomic():
        fresh = [found for ref in refs if (found := _record(repository, ref, ref.name in merged))]
        gone = ChangeRequest.objects.filter(repository=repository).exclude(ref__in=[ref.name for ref in refs])
        gone.filter(told_at=None).update(state=ChangeRequest.CLOSED)
    endings.settle(repository, mirror)
    wanting = [found for found in told.filter(state=ChangeRequest.OPEN) if found not in fresh and _wants_preview(found)]
    return fresh + wanting


def _wants_preview(change_request: ChangeRequest) -> bool:
    """Whether it was reopened, or pointed at another branch, since it was previewed last."""
    made = change_request.previews.filter(
        head_commit=change_request.head_commit, base_revision=change_request.target, question=""
    )
    return bool(change_request.head_commit) and not made.exclude(state=Preview.SUPERSEDED).exists()


def _record(repository: Repository, ref: Ref, is_merged: bool) -> ChangeRequest | None:
    """Writes one ref down; gives the change request when it is open with a head not seen before, or open again."""
    number = _REQUEST.fullmatch(ref.name)
    head = {
        "head_commit": ref.commit,
        "head_at": datetime.datetime.fromtimestamp(ref.when, datetime.UTC),
    }
    before = ChangeRequest.objects.filter(repository=repository, ref=ref.name).first()
    seen = before.head_commit if before else ""
    if before and before.told_at:
        ChangeRequest.objects.filter(pk=before.pk).update(**head)
        before.refresh_from_db()
        return before if seen != ref.commit and before.state == ChangeRequest.OPEN else None
    state = ChangeRequest.MERGED if is_merged else ChangeRequest.OPEN
    is_reopened = before is not None and before.state != state == ChangeRequest.OPEN
    has_ended = before is not None and before.state != state == ChangeRequest.MERGED
    change_request, _ = ChangeRequest.objects.update_or_create(
        repository=repository,
        ref=ref.name,
        defaults={
            "number": int(number[1]) if number else None,
            "title": fit(ref.subject) or ref.name,
            "description": clean(ref.body),
            "author": fit(ref.author),
            "state": state,
            **head,
            **({"is_settled": False} if has_ended else {}),
        },
    )
    return None if is_merged or (seen == ref.commit and not is_reopened) else change_request


def mirror_with(repository: Repository, *commits: str) -> Mirror:
    """The mirror on this machine, fetched if it lacks one of the commits: a worker fills its own disk."""
    mirror = mirror_of(repository)
    try:
        for commit in commits:
            mirror.commit(commit)
    except BadInput:
        mirror.fetch()
    return mirror
