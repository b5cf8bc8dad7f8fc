"""A change request's pushes: their previews one after the other, and push compared with push."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.factories import HOSTILE, make_cell, make_change_request, make_preview, make_repository, manifest_text

pytestmark = pytest.mark.django_db

VALUES = "image:\n  tag: 1.4.2\nreplicas: 2\n"
CHANGE = "/repositories/fleet/changes/12/"


@pytest.fixture
def change():
    return make_change_request(make_repository(), head_commit="2" * 40)


def preview_of(change, head, minutes_ago=0, **fields):
    asked = timezone.now() - timedelta(minutes=minutes_ago)
    return make_preview(
        change.repository, change, head_commit=head * 40, created_at=asked, asked_at=asked,
        **{"totals": {"instances": 9, "unchanged": 9 - minutes_ago}, **fields},
    )  # fmt: skip


def text_of(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.content.decode()))


def test_each_push_is_one_entry_and_its_renewals_are_folded(client, change):
    first = preview_of(change, "1", 5)
    old = preview_of(change, "2", 4, moved_to="b" * 40)
    renewed = preview_of(change, "2", 3, renewal=True)
    preview_of(change, "2", 2, renewal=True, state="superseded")
    page = client.get(CHANGE)
    text = text_of(page)
    assert "2 more previews of this head" in text
    assert text.index("3 of 9 instances change") < text.index("4 of 9 instances change") < text.index("5 of 9")
    html = page.content.decode()
    assert f"compare/?a={first.pk}&amp;b={renewed.pk}" in html
    assert f"/previews/{old.pk}/" in html
    assert "being renewed" not in text


def test_a_stale_preview_says_so_everywhere(client, change):
    stale = preview_of(change, "2", 4, moved_to="b" * 40)
    assert "main has moved on since the last preview; it is being renewed" in text_of(client.get(CHANGE))
    assert "main has moved on since; being renewed" in text_of(client.get(f"/previews/{stale.pk}/"))
    assert "main has moved on since; being renewed" in text_of(client.get("/repositories/fleet/"))
    renewal = preview_of(change, "2", 1, renewal=True, state="rendering")
    page = client.get(f"/previews/{stale.pk}/")
    assert f"/previews/{renewal.pk}/" in page.content.decode()
    # Until the renewal is done, the list shows what is known.
    assert f"/previews/{renewal.pk}/" not in client.get("/repositories/fleet/").content.decode()


def test_an_ended_request_shows_its_record_whatever_was_asked_later(client, change):
    record = preview_of(change, "2", 4, is_record=True)
    later = preview_of(change, "2", 0)
    type(change).objects.filter(pk=change.pk).update(
        state="merged", merged_commit="c0ffee" * 6 + "c0ff", merged_at=timezone.now()
    )
    text = text_of(client.get(CHANGE))
    assert "merged as c0ffeec0f just now" in text and "record" in text
    assert "The record of #12, merged as c0ffeec0f" in text_of(client.get(f"/previews/{record.pk}/"))
    assert "There is the record of #12" in text_of(client.get(f"/previews/{later.pk}/"))
    assert f"/previews/{record.pk}/" in client.get("/repositories/fleet/?state=merged").content.decode()


def test_push_with_push_lists_what_is_new_gone_and_other(client, change):
    a, b = preview_of(change, "1", 5), preview_of(change, "2", 1)
    plain = manifest_text("web")
    more, most = (plain.replace("replicas: 2", f"replicas: {number}") for number in (3, 4))
    for preview, same in ((a, plain), (b, plain.replace("level=info", "level=debug"))):
        # Its surroundings moved with the target branch, its change did not.
        make_cell(preview, "c1", "same", (same, same.replace("replicas: 2", "replicas: 3")))
    make_cell(a, "c1", "gone", (plain, more))
    make_cell(b, "c1", "new", (plain, more))
    make_cell(a, "c1", "other", (plain, more))
    make_cell(b, "c1", "other", (plain, most))
    for preview, tag, spare in ((a, "1.5.0", ""), (b, "1.6.0", "spare: 1\n")):
        old = VALUES + spare
        make_cell(preview, "c1", "values", values=(old, old.replace("1.4.2", tag)))
        make_cell(preview, "c1", "values-same", values=(old, old.replace("1.4.2", "2")))
    text = text_of(client.get(f"{CHANGE}compare/?a={a.pk}&b={b.pk}"))
    assert "4 cells differ: 1 new, 1 gone, 2 other; 2 are the same." in text
    assert re.findall(r"(\S+) on c1 . (changes (?:now|no more|otherwise))", text) == [
        ("gone", "changes no more"),
        ("new", "changes now"),
        ("other", "changes otherwise"),
        ("values", "changes otherwise"),
    ]
    backwards = text_of(client.get(f"{CHANGE}compare/?a={b.pk}&b={a.pk}"))
    assert re.findall(r"(\S+) on c1 . (changes (?:now|no more|otherwise))", backwards)[0] == ("gone", "changes now")


def test_equal_pushes_say_the_same(client, change):
    a, b = preview_of(change, "1", 5), preview_of(change, "2", 1)
    for preview in (a, b):
        make_cell(preview, "c1", HOSTILE, (manifest_text("web"), manifest_text("web", level="debug")))
    page = client.get(f"{CHANGE}compare/?a={a.pk}&b={b.pk}")
    assert "Both say the same." in text_of(page)
    assert HOSTILE not in page.content.decode()


def test_only_finished_previews_of_this_request_are_compared(client, change):
    mine = preview_of(change, "1", 5)
    running = preview_of(change, "2", 1, state="rendering")
    other = make_preview(change.repository, make_change_request(change.repository, 13))
    for wrong in (running.pk, other.pk, "x", "", "9" * 30):
        assert client.get(f"{CHANGE}compare/?a={mine.pk}&b={wrong}").status_code == 404
    assert client.get(f"{CHANGE}compare/?a={mine.pk}&b={mine.pk}").status_code == 200


def test_a_branch_may_be_called_compare(client, change):
    make_change_request(change.repository, None, ref="refs/heads/x/compare", title="Compares")
    assert "Compares" in client.get("/repositories/fleet/changes/refs/heads/x/compare/").content.decode()
    assert client.get("/repositories/fleet/changes/refs/heads/y/compare/").status_code == 404
