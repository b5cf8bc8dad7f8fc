"""Several change requests together, as the pages show them."""

import pytest
from django.utils import timezone

from previews.models import ChangeRequest, Part, Preview
from tests.factories import HOSTILE, make_cell, make_change_request, make_preview, make_repository
from tests.views.reading import text_of

pytestmark = pytest.mark.django_db

ERROR = {"side": "head", "stage": "render", "message": f"no maxReplicas {HOSTILE}"}


class Story:
    """#17 and #18 on search of tokyo, each previewed alone, and a preview of both."""

    def __init__(self, alone=("unchanged", "changed"), together="failed", interaction="breaks", **fields):
        self.repository = make_repository()
        self.changes = [make_change_request(self.repository, number, title=f"change {number}") for number in (17, 18)]
        self.alone = [make_preview(self.repository, change) for change in self.changes]
        for preview, state in zip(self.alone, alone, strict=True):
            failed = {"error": ERROR, "deploys": False} if state == "failed" else {"deploys": state == "changed"}
            make_cell(preview, "tokyo", "search", values=("a: 1", "a: 2"), yaml_state=state, **failed)
        self.both = make_preview(self.repository, head_revision="#17 + #18", added_up_at=timezone.now(), head_commit="")
        for position, (change, preview) in enumerate(zip(self.changes, self.alone, strict=True)):
            commits = {"base_commit": preview.base_commit, "head_commit": change.head_commit}
            Part.objects.create(preview=self.both, change_request=change, position=position, alone=preview, **commits)
        given = {"error": ERROR} if together == "failed" else {}
        self.cell = make_cell(
            self.both,
            "tokyo",
            "search",
            yaml_state=together,
            interaction=interaction,
            moved_by=[1],
            **{"deploys": False, **given, **fields},
        )


@pytest.fixture
def read(client):
    return lambda thing: text_of(client.get(thing.get_absolute_url()).content.decode())


def test_both_pages_say_what_breaks_only_together(read):
    story = Story()
    for mine, other in ((0, 1), (1, 0)):
        number = story.changes[other].number
        for page in (read(story.changes[mine]), read(story.alone[mine])):
            assert f"Together with #{number} change {number}" in page
            assert "1 cell fails that each of them alone renders: what is merged last breaks it" in page
            assert "search on tokyo" in page
            assert "no maxReplicas" in page


def test_the_page_of_both_names_the_parts_and_what_only_both_do(client, read):
    story = Story()
    page = read(story.both)
    assert "#17 + #18 together" in page
    assert "Together they do what none of them does alone" in page
    html = client.get(story.both.get_absolute_url()).content.decode()
    assert f'href="{story.cell.get_absolute_url()}' in html
    assert f'href="{story.alone[0].get_absolute_url()}"' in html
    assert "<img src=x" not in html
    assert '<span class="tg">together</span><span class="by">#18</span>' in html


def test_the_cell_of_both_leads_to_what_each_does_alone(client):
    story = Story()
    page = client.get(story.cell.get_absolute_url()).content.decode()
    assert "Each alone renders; together they fail." in page
    for preview in story.alone:
        assert f'href="{preview.cells.get().get_absolute_url()}"' in page


def test_which_order_is_safe(read):
    story = Story(alone=("changed", "failed"), together="changed", interaction="needs")
    for thing in (story.changes[0], story.changes[1], story.both):
        page = read(thing)
        assert "1 cell fails with #18 alone, and renders with all" in page
        assert "Merge #17 before #18: alone, #18 fails to render." in page


def test_no_order_may_be_safe(read):
    story = Story(alone=("failed", "failed"), together="changed", interaction="needs")
    assert "No order is safe: #17 and #18 each fail to render without the others. Merge them as one." in read(
        story.both
    )


@pytest.mark.parametrize(
    ("interaction", "state", "said"),
    [
        ("blocks", "changed", "1 cell is rejected by the API server, and with each of them alone not"),
        ("undone", "unchanged", "1 cell that would change stays as before"),
        ("enables", "changed", "1 cell deploys only with all of them merged"),
        ("differs", "changed", "1 cell comes out otherwise than the changes of each add up to"),
    ],
)
def test_other_interactions(read, interaction, state, said):
    story = Story(together=state, interaction=interaction)
    assert said in read(story.both)
    assert said in read(story.changes[0])


def test_a_cell_that_stays_as_before_still_leads_to_its_page(client):
    story = Story(together="unchanged", interaction="undone")
    page = client.get(story.both.get_absolute_url()).content.decode()
    assert f'href="{story.cell.get_absolute_url()}?view=yaml"' in page


def test_what_adds_up_is_said_on_the_page_of_both_alone(read):
    story = Story(together="changed", interaction="")
    assert "Each cell is the sum of what the change requests do alone." in read(story.both)
    assert "Together with" not in read(story.changes[0]).replace("Together with…", "")


def test_what_is_not_compared_yet_says_so(read):
    story = Story()
    Preview.objects.filter(pk=story.both.pk).update(added_up_at=None)
    story.both.refresh_from_db()
    assert "is known once each is previewed alone" in read(story.both)
    assert "Together with #" not in read(story.changes[0])


@pytest.mark.parametrize("fields", [{"head_commit": "f" * 40}, {"state": "merged"}])
def test_what_was_is_not_told_as_what_is(read, fields):
    story = Story()
    ChangeRequest.objects.filter(pk=story.changes[1].pk).update(**fields)
    assert "Together with #" not in read(story.changes[0])
    assert ("has a newer head" if "head_commit" in fields else "merged since") in read(story.both)


def test_a_newer_preview_of_one_alone_makes_the_comparison_old(read):
    story = Story()
    make_preview(story.repository, story.changes[1])
    assert "Together with #" not in read(story.changes[0])


def test_a_part_that_conflicts_is_named_with_its_paths(read):
    story = Story(together="changed", interaction="")
    story.both.parts.filter(position=1).update(left_out=["values/tokyo/search.yaml"])
    assert "left out: conflicts values/tokyo/search.yaml" in read(story.both)


def test_choosing_offers_what_is_open_here_and_in_linked_repositories(client):
    story = Story()
    charts = make_repository("charts")
    charts.users.add(story.repository)
    theirs = make_change_request(charts, 3, title="a chart")
    make_change_request(make_repository("stranger"), 4, title="not linked")
    make_change_request(charts, 5, title="merged long ago", state="merged")
    page = client.get(f"/repositories/fleet/together/?with={story.changes[0].pk}").content.decode()
    assert f'value="{theirs.pk}"' in page
    assert f'value="{story.changes[0].pk}" checked' in page
    assert "not linked" not in page
    assert "merged long ago" not in page


@pytest.mark.parametrize("chosen", [[], ["x"], ["1" * 40]])
def test_too_few_are_refused_on_the_page(client, chosen):
    Story()
    answer = client.post("/repositories/fleet/together/", {"change": chosen})
    assert (answer.status_code, "choose at least two" in answer.content.decode()) == (422, True)


def test_change_requests_of_strangers_cannot_be_chosen(client):
    story = Story()
    stranger = make_change_request(make_repository("stranger"), 4)
    answer = client.post("/repositories/fleet/together/", {"change": [story.changes[0].pk, stranger.pk]})
    assert answer.status_code == 404


def test_the_filter_finds_what_only_all_do(client):
    story = Story()
    make_cell(story.both, "tokyo", "web", values=("a: 1", "a: 2"), moved_by=[0])
    page = text_of(client.get(f"{story.both.get_absolute_url()}?state=together").content.decode())
    assert "1 application ×" in page


def test_it_costs_the_same_however_many_there_are(client, django_assert_max_num_queries):
    story = Story()
    for number in range(30, 40):
        change = make_change_request(story.repository, number)
        alone = make_preview(story.repository, change)
        both = make_preview(story.repository, added_up_at=timezone.now(), head_commit="")
        for position, (request, preview) in enumerate(((story.changes[0], story.alone[0]), (change, alone))):
            commits = {"base_commit": preview.base_commit, "head_commit": request.head_commit}
            Part.objects.create(preview=both, change_request=request, position=position, alone=preview, **commits)
        make_cell(both, "tokyo", "search", yaml_state="failed", error=ERROR, interaction="breaks", moved_by=[0])
    with django_assert_max_num_queries(20):
        page = text_of(client.get(story.changes[0].get_absolute_url()).content.decode())
    assert page.count("Together with #") == 11
