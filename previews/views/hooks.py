"""Where providers tell that something happened. The answer is quick; what follows is a job."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.datastructures import MultiValueDictKeyError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from previews import arrivals, jobs
from previews.models import Repository
from previews.models.repositories import make_secret
from previews.scm import bitbucket, gitea, github, gitlab
from previews.scm.events import Malformed

MAX_BYTES = 5 * 1024 * 1024
#: Gitea and Forgejo send GitHub's headers as well, so they are looked for first.
PROVIDERS = (gitea, github, gitlab, bitbucket)


@csrf_exempt
@require_POST
def receive(request: HttpRequest, slug: str) -> HttpResponse:
    """Takes a delivery for a repository: 202 once it is written down (or known already, or of no interest).

    401 without a right signature, and for a repository that is not there just the same; 413 for more than 5 MiB; 400
    for what cannot be read.
    """
    length = request.headers.get("Content-Length", "")
    if not length.isdecimal() or int(length) > MAX_BYTES:
        return _say(413, "a delivery may have 5 MiB")
    repository = Repository.objects.filter(slug=slug).first()
    secret = repository.hook_secret if repository else make_secret()
    provider = next((item for item in PROVIDERS if item.EVENT in request.headers), github)
    if not provider.is_signed(request.headers, request.body, secret):
        return _say(401, "the signature is missing or wrong")
    assert repository is not None
    try:
        event = provider.read(request.headers.get(provider.EVENT, ""), _payload(request))
    except Malformed as error:
        return _say(400, f"this delivery cannot be read: {error}")
    if event is None:
        return _say(202, "nothing to do for this event")
    if not arrivals.deliver(repository, request.headers.get(provider.DELIVERY, ""), event):
        return _say(202, "taken before")
    jobs.enqueue(jobs.refresh, repository.pk)
    return _say(202, "taken")


def _payload(request: HttpRequest) -> dict[str, Any]:
    try:
        is_form = request.content_type == "application/x-www-form-urlencoded"
        payload = json.loads(request.POST["payload"] if is_form else request.body)
    except (ValueError, RecursionError, MultiValueDictKeyError):
        raise Malformed("the body is no JSON") from None
    if not isinstance(payload, dict):
        raise Malformed("the body is no JSON object")
    return payload


def _say(status: int, text: str) -> HttpResponse:
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8")
