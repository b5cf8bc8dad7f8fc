"""From a push to the comment, with everything that lies between: Git, the queue, Helm, the provider."""

from __future__ import annotations

from previews import arrivals, jobs
from previews.models import Answer, ChangeRequest, Preview
from tests.engine.fleets import fleet
from tests.scm.servers import TOKEN


def test_a_push_is_previewed_and_answered(git, provider, work, settings):
    settings.ASTROLABE_URL = "https://astrolabe.example.com"
    git.commit(fleet())
    values = {"charts/web/values.yaml": "text: one\nmore: 1\n"}
    first = git.commit(values, ref="refs/pull/1/head", start="refs/heads/main")
    repository = arrivals.add_repository("Fleet", str(git.folder))
    repository.web_url = "https://github.com/acme/fleet"
    repository.provider, repository.api_url, repository.api_token = "github", provider.url, TOKEN
    repository.comments = "always"
    repository.save()
    jobs.enqueue(jobs.refresh, repository.pk)
    work()
    preview = Preview.objects.get()
    assert preview.state == Preview.DONE, preview.error
    assert {row[:3] for row in provider.statuses} >= {(first, "astrolabe", "success")}
    [(number, text)] = provider.comments.items()
    assert first[:10] in text
    assert f"https://astrolabe.example.com{preview.get_absolute_url()}" in text

    Answer.objects.update(next_try_at="2020-01-01T00:00:00Z")
    second = git.commit({"charts/web/templates/all.yaml": '{{ fail "no" }}\n'}, ref="refs/pull/1/head")
    jobs.enqueue(jobs.refresh, repository.pk)
    work()
    assert provider.statuses[-1][:3] == (second, "astrolabe", "success")
    assert list(provider.comments) == [number]
    assert "✕ fails" in provider.comments[number]

    before = len(provider.calls)
    ChangeRequest.objects.update(state=ChangeRequest.CLOSED)
    jobs.request_preview(ChangeRequest.objects.get())
    jobs.sweep()
    work()
    assert len(provider.calls) == before


def test_a_preview_that_cannot_be_made_is_an_error_at_the_provider(git, provider, work):
    git.commit(fleet())
    git.commit({"astrolabe.yaml": "what: is this\n"}, ref="refs/pull/1/head", start="refs/heads/main")
    repository = arrivals.add_repository("Fleet", str(git.folder))
    repository.web_url = "https://github.com/acme/fleet"
    repository.provider, repository.api_url, repository.api_token = "github", provider.url, TOKEN
    repository.save()
    jobs.enqueue(jobs.refresh, repository.pk)
    work()
    assert Preview.objects.get().state == Preview.FAILED
    assert provider.statuses[-1][2] == "error"
    assert "astrolabe.yaml" in provider.statuses[-1][3]
