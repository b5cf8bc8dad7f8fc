"""The outbox: what providers are to be told of previews is written down first, and sent until it was taken.

Only the preview that a change request was last asked for answers: `asked` makes it the one, `ended` of any other writes
nothing. `send` claims a row, so two workers never send the same, and a claim outlasts all that sending may take.
"""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from previews.digest import digest_of
from previews.engine.report import summary
from previews.models import Answer, ChangeRequest, Preview, Repository
from previews.models.repositories import make_secret
from previews.scm import bitbucket, gitea, github, gitlab
from previews.scm.answer import Comment, Place, Status
from previews.scm.client import CLIENT_SECONDS, Client, Gone, Later, Refused
from previews.scm.comment import render_comment, status_text
from previews.scm.places import project_of

log = logging.getLogger(__name__)

PROVIDERS = {"github": github, "gitlab": gitlab, "gitea": gitea, "bitbucket": bitbucket}
#: Seconds that a row is claimed for: longer than a client may work, so nobody sends what somebody still sends.
CLAIM = 2 * CLIENT_SECONDS
#: Seconds between two edits of one comment.
PAUSE = 10
_FIRST_WAIT, _LONGEST_WAIT = 30, 3600


def asked(preview: Preview) -> list[int]:
    """Makes a preview the one that answers its change request; gives the answers that are to be sent."""
    if preview.question or preview.change_request_id is None:
        return []
    with transaction.atomic():
        change_request = ChangeRequest.objects.select_for_update().get(pk=preview.change_request_id)
        if not _is_told(change_request) or change_request.head_commit != preview.head_commit:
            return []
        # Locked by whoever ends it as well, so either we see that it has ended, or it sees that it answers.
        preview = Preview.objects.select_related("change_request__repository").get(pk=preview.pk)
        if preview.state == Preview.SUPERSEDED:
            return []
        for kind in (Answer.STATUS, Answer.COMMENT):
            Answer.objects.get_or_create(change_request=change_request, kind=kind)
        # What was to be said so far and nobody has heard yet is not said any more.
        Answer.objects.filter(change_request=change_request).update(preview=preview, wanted=F("sent"))
        return _want(preview)


def ended(preview_id: int) -> list[int]:
    """Writes down what a preview that is done or failed has to say, if it is the one that answers."""
    preview = Preview.objects.select_related("change_request__repository").get(pk=preview_id)
    if preview.change_request_id is None:
        return []
    with transaction.atomic():
        ChangeRequest.objects.select_for_update().get(pk=preview.change_request_id)
        return _want(preview)


def _want(preview: Preview) -> list[int]:
    wanted = []
    for answer in Answer.objects.select_for_update().filter(preview=preview):
        content = _status(preview) if answer.kind == Answer.STATUS else _comment(preview, answer)
        if content is None:
            continue
        answer.content = content
        answer.wanted = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        answer.is_refused = False
        answer.save(update_fields=["content", "wanted", "is_refused"])
        wanted.append(answer.pk)
    return wanted


def _is_told(change_request: ChangeRequest) -> bool:
    """Whether somebody is told of a change request at all."""
    return change_request.state == ChangeRequest.OPEN and _has_listener(change_request)


def _is_left_pending(answer: Answer) -> bool:
    """Whether it was merged while its status was pending: that would stay so, on a commit that may be in the target."""
    is_merged = answer.change_request.state == ChangeRequest.MERGED
    return is_merged and answer.kind == Answer.STATUS and bool(answer.sent) and _has_listener(answer.change_request)


def _has_listener(change_request: ChangeRequest) -> bool:
    repository = change_request.repository
    return change_request.number is not None and repository.provider in PROVIDERS and bool(repository.api_token)


def _status(preview: Preview) -> dict[str, Any] | None:
    """What the status shall say, None for what it says: a head is not pending anew each time its target moves."""
    if preview.renewal and preview.is_running:
        return None
    repository, target = preview.repository, preview.base_revision
    state, text = "pending", "the preview is being made"
    if preview.state == Preview.DONE:
        fails = any(preview.totals.get(key) for key in Repository.FAILING[repository.fails_on])
        state, text = "failure" if fails else "success", summary(preview.totals)
    elif preview.state == Preview.FAILED:
        state, text = "error", f"no preview: {preview.error}"
    # One commit may be the head of change requests to several branches, each with a result of its own.
    name = "astrolabe" if target == repository.default_branch else f"astrolabe ({target})"
    return asdict(Status(preview.head_commit, name, state, status_text(text), _page(preview)))  # type: ignore[arg-type]


def _comment(preview: Preview, answer: Answer) -> dict[str, Any] | None:
    """What the comment shall say, None for what it says already."""
    rule = preview.repository.comments
    if preview.is_running or rule == Repository.NEVER:
        return None
    digest = digest_of(preview, _page(preview))
    says_much = preview.state == Preview.FAILED or digest.entries or digest.together
    if rule == Repository.CHANGES and not says_much and not answer.may_exist:
        return None
    limit = PROVIDERS[preview.repository.provider].COMMENT_BYTES if preview.repository.provider in PROVIDERS else 0
    return {"text": render_comment(digest, limit)} if limit else None


def _page(preview: Preview) -> str:
    return f"{settings.ASTROLABE_URL}{preview.get_absolute_url()}" if settings.ASTROLABE_URL else ""


def due() -> list[int]:
    """The answers that may be sent now."""
    return list(Answer.objects.due(timezone.now()).order_by("next_try_at").values_list("pk", flat=True)[:100])


def resume(repository: Repository) -> list[int]:
    """Tries anew what was refused or waits; for when the settings have changed. Gives what is to be sent."""
    waiting = Answer.objects.filter(change_request__repository=repository).exclude(wanted=F("sent"))
    waiting.update(is_refused=False, next_try_at=timezone.now(), attempts=0)
    return [pk for pk in due() if waiting.filter(pk=pk).exists()]


def send(answer_id: int) -> bool:
    """Sends one answer if it is due and nobody else sends it; tells whether it is due again already."""
    until = timezone.now() + timedelta(seconds=CLAIM)
    if not Answer.objects.due(timezone.now()).filter(pk=answer_id).update(claimed_until=until):
        return False
    mine = Answer.objects.filter(pk=answer_id, claimed_until=until)
    answer = mine.select_related("change_request__repository").get()
    if not _is_told(answer.change_request) and not _is_left_pending(answer):
        mine.update(wanted=F("sent"), claimed_until=None)
        return False
    try:
        _send(answer)
        pause = timedelta(seconds=PAUSE if answer.kind == Answer.COMMENT else 0)
        now = timezone.now()
        told = {"sent": answer.wanted, "sent_at": now, "next_try_at": now + pause, "attempts": 0, "error": ""}
        mine.update(claimed_until=None, remote_id=answer.remote_id, **told)
    except Refused as error:
        mine.filter(wanted=answer.wanted).update(is_refused=True)
        mine.update(claimed_until=None, error=str(error), may_exist=bool(answer.remote_id))
    except Later as error:
        _put_off(answer, str(error), error.seconds)
    except Exception as error:
        log.exception("answer %s failed", answer_id)
        _put_off(answer, f"Astrolabe itself failed ({type(error).__name__}); the log of the worker says where.", 0)
    return Answer.objects.due(timezone.now()).filter(pk=answer_id).exists()


def _put_off(answer: Answer, error: str, seconds: float) -> None:
    wait = max(seconds, min(_FIRST_WAIT * 2.0 ** min(answer.attempts, 10), _LONGEST_WAIT))
    until = timezone.now() + timedelta(seconds=wait)
    mine = Answer.objects.filter(pk=answer.pk, claimed_until=answer.claimed_until)
    mine.update(claimed_until=None, attempts=F("attempts") + 1, next_try_at=until, error=error)
    if seconds:
        # A limit is the token's, so whatever else it is used for waits as well.
        others = Answer.objects.filter(change_request__repository=answer.change_request.repository)
        others.filter(next_try_at__lt=until).update(next_try_at=until)


def _send(answer: Answer) -> None:
    """Tells the provider. Raises Refused, Later."""
    change_request, repository = answer.change_request, answer.change_request.repository
    provider = PROVIDERS[repository.provider]
    token, local = repository.api_token, settings.ASTROLABE_ALLOW_LOCAL_REPOSITORIES
    address = repository.api_url or provider.API
    client = Client(address, provider.headers(token), token, local)
    assert change_request.number is not None
    place = Place(project_of((repository.url, repository.web_url), address), change_request.number)
    if answer.kind == Answer.STATUS:
        provider.post_status(client, place, Status(**answer.content))
        return
    Answer.objects.filter(pk=answer.pk).update(may_exist=True)
    try:
        answer.remote_id = provider.put_comment(client, place, _body(answer))
    except Gone:
        if not answer.remote_id:
            raise
        # Somebody deleted it. A new marker: a copy of the old one by whomever is not taken for ours.
        answer.remote_id, answer.marker = "", make_secret()
        answer.save(update_fields=["remote_id", "marker"])
        answer.remote_id = provider.put_comment(client, place, _body(answer))


def _body(answer: Answer) -> Comment:
    return Comment(answer.content["text"], answer.marker, answer.remote_id)
