"""A repository with a pull request, and a provider that hears of it."""

from __future__ import annotations

import pytest

from previews import jobs
from previews.models import Answer, ChangeRequest, Preview
from tests.factories import make_cell, make_change_request, make_preview, make_repository
from tests.scm.servers import SHAPES, TOKEN, Provider


@pytest.fixture(params=["github"])
def provider(request):
    """GitHub, unless the test asks for others."""
    made = Provider(request.param)
    yield made
    made.stop()


#: For tests that must hold with each provider.
every_provider = pytest.mark.parametrize("provider", list(SHAPES), indirect=True)


@pytest.fixture
def repository(provider, db):
    return make_repository(
        url="git@git.example.com:acme/fleet.git", provider=provider.kind, api_url=provider.url, api_token=TOKEN
    )


@pytest.fixture
def story(repository, work, monkeypatch, settings):
    """What happens to a pull request, step by step."""
    settings.ASTROLABE_URL = "https://astrolabe.example.com"
    monkeypatch.setattr("previews.answers.PAUSE", 0)
    return Story(repository, work)


class Story:
    """A pull request whose previews are made by hand, since only what is told of them counts here."""

    def __init__(self, repository, work) -> None:
        self.repository, self.work = repository, work
        self.change = make_change_request(repository, 12)

    def push(self, commit: str) -> Preview:
        """A new head is previewed; nothing is done yet."""
        ChangeRequest.objects.filter(pk=self.change.pk).update(head_commit=commit)
        self.change.refresh_from_db()
        preview = make_preview(self.repository, self.change, state=Preview.QUEUED, attempt=1, finished_at=None)
        jobs._send(jobs.answers.asked(preview))
        return preview

    def finish(self, preview: Preview, failed: int = 0, deploys: int = 0, **fields) -> None:
        """The preview is done: so many cells fail, so many deploy."""
        for number in range(failed):
            error = {"side": "head", "stage": "render", "message": "nil pointer"}
            make_cell(preview, f"c{number}", "web", yaml_state="failed", error=error)
        for number in range(deploys):
            make_cell(
                preview,
                f"d{number}",
                "web",
                yaml_state="changed",
                deploys=True,
                yaml_added=2,
                yaml_removed=1,
                group="g1",
            )
        totals = dict.fromkeys(("value_only", "added", "removed", "skipped"), 0)
        totals |= {"instances": 20, "unchanged": 20 - failed - deploys, "failed": failed, "deploys": deploys}
        given = {"state": Preview.DONE, "totals": totals, **fields}
        Preview.objects.filter(pk=preview.pk).update(**given)
        jobs._send(jobs.answers.ended(preview.pk))

    def answer(self, kind: str) -> Answer:
        return Answer.objects.get(change_request=self.change, kind=kind)

    def wait(self) -> None:
        """Time passes until whatever is put off is due."""
        Answer.objects.update(next_try_at="2020-01-01T00:00:00Z")
        jobs.sweep()
        self.work()
