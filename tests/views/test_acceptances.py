"""Accepting findings."""

from datetime import timedelta

import pytest

from previews import jobs
from previews.models import Acceptance
from previews.models.acceptances import today
from tests.factories import HOSTILE, make_change_request, make_preview, make_repository
from tests.views.reading import text_of
from tests.views.test_findings import LONG, TAG, cell_with

pytestmark = pytest.mark.django_db


@pytest.fixture
def cell():
    repository = make_repository()
    return cell_with(LONG, TAG, preview=make_preview(repository, make_change_request(repository)))


def accept(client, cell, **fields):
    given = {"rule": "META-LABEL", "kind": "Deployment", "namespace": "web", "name": "web", "scope": "here"}
    return client.post(f"{cell.get_absolute_url()}accept/", {**given, "reason": "it is known", **fields})


def findings_of(cell):
    cell.refresh_from_db()
    return {code: list(said)[:2] for code, said in cell.findings.items()}


def test_what_is_accepted_counts_no_more_and_is_still_told(client, cell):
    assert accept(client, cell, who="Mina").status_code == 302
    assert findings_of(cell) == {"RB-TAG": ["warning", 1]}
    page = text_of(client.get(cell.get_absolute_url()).content.decode())
    assert "1 finding is accepted" in page
    assert "accepted: it is known" in page
    listed = text_of(client.get("/repositories/fleet/accepted/").content.decode())
    assert "META-LABEL of Deployment web web web on seoul-1" in listed
    assert "Mina" in listed


@pytest.mark.parametrize("scope", ["here", "object", "application", "repository"])
def test_scopes(client, cell, scope):
    elsewhere = cell_with(LONG, preview=cell.preview, cluster="tokyo-1")
    other = cell_with(LONG, preview=cell.preview, cluster="tokyo-1", application="other")
    accept(client, cell, scope=scope)
    counts = ["META-LABEL" in findings_of(one) for one in (cell, elsewhere, other)]
    assert (
        counts
        == {
            "here": [False, True, True],
            "object": [False, False, True],
            "application": [False, False, True],
            "repository": [False, False, False],
        }[scope]
    )


def test_what_is_withdrawn_counts_again_and_stays_in_the_list(client, cell):
    accept(client, cell)
    answer = client.post(f"/repositories/fleet/accepted/{Acceptance.objects.get().pk}/withdraw/", follow=True)
    assert findings_of(cell) == {"META-LABEL": ["blocked", 1], "RB-TAG": ["warning", 1]}
    page = text_of(answer.content.decode())
    assert "No longer" in page
    assert "withdrawn just now" in page


def test_what_was_accepted_for_a_time_counts_again(client, cell, valkey):
    accept(client, cell, until=today().isoformat())
    assert "META-LABEL" not in findings_of(cell)
    Acceptance.objects.update(until=today() - timedelta(days=1))
    jobs.sweep()
    assert "META-LABEL" in findings_of(cell)
    assert Acceptance.objects.get().is_over


@pytest.mark.parametrize(
    ("fields", "said"),
    [({"reason": " "}, "say why"), ({"until": "2020-01-01"}, "this day is over"), ({"scope": "all"}, "Select a valid")],
)
def test_what_makes_no_sense_is_refused(client, cell, fields, said):
    answer = accept(client, cell, **fields)
    assert (answer.status_code, said in answer.content.decode()) == (422, True)
    assert not Acceptance.objects.exists()


def test_names_are_no_patterns(client, cell):
    accept(client, cell, name="*", scope="object")
    assert "META-LABEL" in findings_of(cell)


def test_a_hostile_reason_is_text(client, cell):
    accept(client, cell, reason=HOSTILE, who=HOSTILE)
    for address in (cell.get_absolute_url(), "/repositories/fleet/accepted/"):
        assert "<img src=x" not in client.get(address).content.decode()


def test_a_record_keeps_what_was_accepted_then(client, cell):
    other = cell_with(
        LONG,
        preview=make_preview(cell.preview.repository, make_change_request(cell.preview.repository, 13, state="merged")),
    )
    accept(client, cell, scope="repository")
    assert "META-LABEL" in findings_of(other)
