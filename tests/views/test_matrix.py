"""The matrix: what it shows, what it leaves out, and what it costs."""

import html
import re

import pytest

from previews.models import Cell, Cluster, Fleet
from tests.factories import (
    CLUSTERS,
    HOSTILE,
    LONG,
    make_cell,
    make_change_request,
    make_fleet_preview,
    make_preview,
    make_repository,
    manifest_text,
)
from tests.views.reading import text_of

pytestmark = pytest.mark.django_db


def applications(page):
    """The rows' names, in order."""
    return re.findall(r'scope="rowgroup"[^>]*title="([^"]*)"', page)


def clusters(page):
    """The columns' names, in order."""
    return re.findall(r'<th scope="col" class="[^"]*" title="([^"]*)"', page)


def test_it_shows_only_what_changes(client):
    page = client.get(make_fleet_preview().get_absolute_url()).content.decode()

    assert "ingress" in applications(page)
    assert "prometheus" not in applications(page)
    assert len(applications(page)) == 8
    assert (
        "17 of 107 instances change; 1 only in values; 14 deploy; 2 are new; 1 is removed; 1 fails; 1 is skipped."
        in text_of(page)
    )


def test_the_switch_shows_all_and_tells_unchanged_from_not_here(client):
    preview = make_fleet_preview()
    page = client.get(f"{preview.get_absolute_url()}?show=all").content.decode()

    assert len(applications(page)) == 12
    assert clusters(page) == ["seoul-1", "seoul-2", "busan-1", *CLUSTERS[3:]]
    redis = page[page.index(">redis<") : page.index(">search<")]
    assert redis.count('class="none"') == 2
    assert redis.count(">·</td>") == 15


@pytest.mark.parametrize("state", ["DIFF", "NEW", "GONE", "FAILS", "SKIPPED"])
def test_each_state_is_told_by_word(client, state):
    page = client.get(make_fleet_preview().get_absolute_url()).content.decode()
    table = page[page.index("<table") : page.index("</table>")]

    assert f'<span class="w">{state}</span>' in table


def test_a_value_change_without_effect_is_a_diff_above_and_unchanged_below(client):
    preview = make_preview(make_repository(), totals={"instances": 1, "unchanged": 0, "value_only": 1})
    cell = make_cell(preview, "seoul-1", "ledger", values=("a: 1\n", "a: 2\n"), causes=["value"])
    page = client.get(preview.get_absolute_url()).content.decode()

    assert f'<td id="c{cell.pk}v" class="changed"' in page
    assert f'<td id="c{cell.pk}y" class="same"' in page
    assert "1 of 1 instance changes; 1 only in values." in text_of(page)


def test_each_diff_leads_to_its_cell(client):
    preview = make_preview(make_repository())
    make_cell(preview, "seoul/1", "a b", (manifest_text("x"), manifest_text("y")), ("a: 1", "a: 2"))
    page = client.get(preview.get_absolute_url()).content.decode()
    links = re.findall(r'class="half \w+ changed" href="([^"]*)"', page)

    assert len(links) == 2
    assert [client.get(link).status_code for link in links] == [200, 200]
    assert [link.partition("?")[2] for link in links] == ["view=values", "view=yaml"]


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("app=INGRESS", ["ingress"]),
        ("cluster=korea&state=failed", ["ingress"]),
        ("state=value-only", ["ledger"]),
        ("state=skipped", ["grafana"]),
        ("state=removed", ["search"]),
        ("cluster=frankfurt", ["grafana", "ingress"]),
        ("state=added", [LONG]),
        ("group=g1", ["ingress"]),
        ("state=nonsense&app=red", ["redis"]),
    ],
)
def test_filters_leave_what_was_asked_for(client, query, rows):
    page = client.get(f"{make_fleet_preview().get_absolute_url()}?{query}").content.decode()

    assert applications(page) == rows


def test_filters_that_match_nothing_say_so_and_go_along_to_the_cells(client):
    address = make_fleet_preview().get_absolute_url()

    assert "No cell matches these filters" in client.get(f"{address}?app=nothing").content.decode()
    assert "&amp;m=app%3Dredis" in client.get(f"{address}?app=redis&junk=1").content.decode()


def test_a_cell_that_was_not_asked_for_still_says_what_it_is(client):
    preview = make_preview(make_repository())
    for cluster, application in (("x", "a"), ("y", "b")):
        make_cell(preview, cluster, application, (manifest_text("x"), manifest_text("y")))
    make_cell(preview, "y", "a", yaml_state="failed", error={"side": "head", "stage": "render", "message": "no"})
    page = client.get(f"{preview.get_absolute_url()}?state=deploys").content.decode()
    table = page[page.index("<table") : page.index("</table>")]

    assert (applications(page), clusters(page)) == (["a", "b"], ["x", "y"])
    assert "FAILS" in table


def test_columns_of_a_group_stand_together(client):
    repository = make_repository()
    preview = make_preview(repository)
    for at, (name, group) in enumerate([("a", "one"), ("b", "two"), ("c", "one")]):
        Cluster.objects.create(repository=repository, name=name, group=group, position=at)
        make_cell(preview, name, "app", (manifest_text("x"), manifest_text("y")))
    page = client.get(preview.get_absolute_url()).content.decode()

    assert clusters(page) == ["a", "c", "b"]
    assert '<th scope="colgroup" colspan="2" class="">one</th>' in page


def test_nothing_hostile_gets_out_of_its_place(client):
    preview = make_fleet_preview()
    preview.notes, preview.conflicts = [HOSTILE], [HOSTILE]
    preview.save()
    page = client.get(f"{preview.get_absolute_url()}?show=all&app={HOSTILE}").content.decode()

    assert "&lt;/script&gt;&lt;img src=x" in page
    assert "<img src=x" not in page
    assert page.count("<script") == page.count("</script>") == 2
    assert not re.search(r"\sstyle=|\son[a-z]+=\"", page)


def test_the_number_of_queries_does_not_grow_with_the_cells(client, django_assert_num_queries):
    preview = make_fleet_preview()

    with django_assert_num_queries(9):
        client.get(f"{preview.get_absolute_url()}?show=all")


def test_a_large_matrix_is_shown_with_every_changed_cell(client, django_assert_num_queries):
    repository = make_repository()
    places = {f"a{a}": {f"c{c}": False for c in range(40)} for a in range(60)}
    fleet = Fleet.objects.create(repository=repository, tree="t", config="c", places=places)
    preview = make_preview(repository, base_fleet=fleet, head_fleet=fleet)
    Cell.objects.bulk_create(
        Cell(
            preview=preview, cluster=c, application=a, name="n", value_state="changed", yaml_state="changed",
            deploys=True, pinned=False,
        )
        for a, row in places.items() for c in [*row][::2]
    )  # fmt: skip

    with django_assert_num_queries(7):
        page = client.get(f"{preview.get_absolute_url()}?show=all").content.decode()
    assert page.count('class="half ') - page.count('<dt><span class="half ') == 2400
    assert page.count('<td class="same">·</td>') == 2400


def test_the_same_lines_are_told_once_with_their_fields_and_lead_to_their_cells(client):
    preview = make_fleet_preview()
    page = client.get(preview.get_absolute_url()).content.decode()
    listed = page[page.index('class="patterns"') : page.index('class="filters"')]
    cells = preview.cells.filter(pattern="p1").count()

    assert f"<strong>{cells} cells</strong>" in listed
    assert re.search(r'href="\?pattern=p1"', listed)
    assert 'class="path"' in listed
    chosen = client.get(f"{preview.get_absolute_url()}?pattern=p2").content.decode()
    assert (applications(chosen), clusters(chosen)) == (["ingress"], ["dev"])


def test_the_worst_comes_first_on_request(client):
    preview = make_preview(make_repository())
    for application, state in (
        ("a", "changed"),
        ("b", "skipped"),
        ("c", "failed"),
        ("d", "removed"),
        ("e", "unchanged"),
    ):
        make_cell(preview, "x", application, values=("1", "2"), yaml_state=state, deploys=state != "unchanged")
    for query, order in (("", "abcde"), ("?sort=worst", "cdabe")):
        assert "".join(applications(client.get(preview.get_absolute_url() + query).content.decode())) == order


def test_a_cells_address_in_the_table_is_its_own(client):
    preview = make_preview(make_repository())
    for name in ("a b", "x/y", "~", ".", "ü?#%", '"><'):
        cell = make_cell(preview, name, name, values=("1", "2"))
        page = client.get(preview.get_absolute_url()).content.decode()
        assert f'href="{html.escape(cell.get_absolute_url())}?view=values"' in page


def test_while_it_runs_the_page_says_how_far_it_is(client):
    preview = make_preview(make_repository(), state="rendering", message="rendering 9", renders_total=8, renders_done=4)
    page = client.get(preview.get_absolute_url()).content.decode()

    assert 'value="50"' in page
    assert "4 of 8 manifests" in page


def test_the_progress_ends_in_the_whole_page(client):
    preview = make_preview(make_repository(), state="finishing", message="comparing")
    running = client.get(f"{preview.get_absolute_url()}progress/?attempt=0")
    preview.state = "done"
    preview.save()
    done = client.get(f"{preview.get_absolute_url()}progress/?attempt=0")

    assert "comparing" in running.content.decode()
    assert "HX-Refresh" not in running
    assert done["HX-Refresh"] == "true"


def test_a_failed_preview_says_why_and_can_be_tried_again(client):
    repository = make_repository()
    preview = make_preview(repository, make_change_request(repository), state="failed", error=f"bad object {HOSTILE}")
    page = client.get(preview.get_absolute_url()).content.decode()

    assert "bad object &lt;/script&gt;" in page
    assert "Try again" in page


def test_a_preview_that_changes_nothing_says_so(client):
    preview = make_preview(make_repository(), totals={"instances": 525, "unchanged": 525})
    page = client.get(preview.get_absolute_url()).content.decode()

    assert "Nothing changes: all 525 instances stay as they are." in page
    assert "<table" not in page
    assert client.get("/previews/999/").status_code == 404
    assert client.get("/previews/999/progress/").status_code == 404


def test_pinned_instances_say_so_and_offer_what_if(client):
    repository = make_repository()
    change_request = make_change_request(repository)
    preview = make_preview(repository, change_request)
    places = {"ingress": {CLUSTERS[0]: True, CLUSTERS[1]: False}}
    preview.head_fleet = Fleet.objects.create(repository=repository, tree="t", config="c", places=places)
    preview.save()
    page = client.get(f"{preview.get_absolute_url()}?show=all").content.decode()
    assert page.count(">pin</td>") == 2
    assert "1 instance of this fleet is pinned" in page
    assert 'name="unpinned" value="1"' in page

    preview.what_if, preview.question = {"unpinned": True}, "all pins moved to this head"
    preview.save()
    page = client.get(preview.get_absolute_url()).content.decode()
    assert "What if all pins moved to this head?" in page
    assert 'name="unpinned"' not in page
