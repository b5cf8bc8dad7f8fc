"""Change requests that are previewed together: what they do, who does it, and what only all of them do."""

import pytest
from django.utils import timezone

from previews import arrivals, companions, jobs, together
from previews.engine.errors import BadInput
from previews.models import ChangeRequest, Preview
from tests.engine.fleets import ADDRESS, CONFIG, CONFIGMAP, application, chart

pytestmark = pytest.mark.django_db


@pytest.fixture
def sample_repository(sample, work, settings):
    """The sample fleet, with nothing previewed yet."""
    settings.ASTROLABE_PAIRS = 5
    found = arrivals.add_repository("Sample", str(sample))
    arrivals.refresh(found)
    return found


def change(number, repository=None):
    found = ChangeRequest.objects.select_related("repository")
    return found.get(number=number, **({"repository": repository} if repository else {}))


def together_of(work, *requests):
    preview = jobs.request_together(requests)
    work()
    preview.refresh_from_db()
    assert preview.state == Preview.DONE, preview.error
    assert preview.added_up_at is not None
    return preview


def told(preview):
    return {
        (cell.cluster, cell.application): (cell.yaml_state, cell.moved_by, cell.interaction)
        for cell in preview.cells.all()
    }


def test_two_that_are_harmless_each_break_a_cluster_together(sample_repository, work):
    preview = together_of(work, change(17), change(18))
    assert told(preview) == {("tokyo-prod-1", "search"): ("failed", [1], "breaks")}
    alone = [part.alone for part in preview.parts.all()]
    assert [(one.change_request.number, one.totals["failed"], one.totals["deploys"]) for one in alone] == [
        (17, 0, 0),
        (18, 0, 0),
    ]


def test_what_deploys_only_together_is_told(sample_repository, work):
    preview = together_of(work, change(8), change(9))
    assert told(preview) == {
        ("seoul-prod-1", "catalog"): ("changed", [1], "enables"),
        ("seoul-prod-2", "catalog"): ("changed", [1], "enables"),
    }


def test_what_adds_up_is_no_interaction(sample_repository, work):
    preview = together_of(work, change(3), change(4))
    found = told(preview)
    assert {who for _, _, who in found.values()} == {""}
    assert found["seoul-prod-1", "checkout"] == ("changed", [0, 1], "")
    assert found["seoul-prod-1", "catalog"] == ("changed", [0], "")


def test_an_application_that_is_added_while_its_chart_changes_is_not_the_sum(sample_repository, work):
    preview = together_of(work, change(3), change(5))
    assert told(preview)["tokyo-prod-1", "notifier"] == ("added", [1], "differs")


def test_one_that_conflicts_is_left_out_and_named(sample_repository, git, work):
    requests = change(13), change(2)
    preview = together_of(work, *requests)
    first, second = preview.parts.all()
    assert (first.left_out, second.left_out) == (["values/seoul-prod-1/search.yaml"], [])
    assert preview.conflicts == ["values/seoul-prod-1/search.yaml"]
    assert told(preview) == {("seoul-prod-1", "notifier"): ("unchanged", [1], "")}


def test_the_same_question_has_one_answer(sample_repository, work):
    first = together_of(work, change(8), change(9))
    assert together_of(work, change(8), change(9)) == first
    assert together_of(work, change(9), change(8)) != first
    assert Preview.objects.filter(change_request__number=8).count() == 1


def test_a_finished_preview_is_paired_with_those_that_touch_the_same(sample_repository, work):
    for number in (17, 18, 11, 9):
        jobs.request_preview(change(number))
    work()
    pairs = Preview.objects.filter(change_request=None)
    assert [[part.change_request.number for part in pair.parts.all()] for pair in pairs] == [[17, 18]]
    (pair,) = pairs
    assert (pair.state, pair.renewal) == (Preview.DONE, True)
    assert told(pair) == {("tokyo-prod-1", "search"): ("failed", [1], "breaks")}


def test_nothing_is_paired_where_nobody_wants_it(sample_repository, work, settings):
    settings.ASTROLABE_PAIRS = 0
    for number in (17, 18):
        jobs.request_preview(change(number))
    work()
    assert not Preview.objects.filter(change_request=None).exists()


def test_what_was_asked_for_does_not_wait_as_a_pair_does(sample_repository, work):
    requests = change(8), change(9)
    pair = jobs.request_together(requests, asked=False)
    assert pair.renewal
    asked = jobs.request_together(requests)
    assert (asked.pk, asked.attempt, Preview.objects.get(pk=pair.pk).renewal) == (pair.pk, 2, False)


def test_a_pair_of_older_heads_stops(sample_repository, work):
    requests = [change(8), change(9)]
    older = jobs.request_together(requests, asked=False)
    requests[0].head_commit = requests[1].head_commit
    newer = jobs.request_together(requests, asked=False)
    states = {pk: Preview.objects.get(pk=pk).state for pk in (older.pk, newer.pk)}
    assert states == {older.pk: Preview.SUPERSEDED, newer.pk: Preview.QUEUED}


def test_a_comparison_that_was_lost_is_made_by_the_sweep(sample_repository, work):
    preview = together_of(work, change(17), change(18))
    preview.cells.update(interaction="", moved_by=[])
    Preview.objects.filter(pk=preview.pk).update(added_up_at=None)
    jobs.sweep()
    work()
    assert told(preview) == {("tokyo-prod-1", "search"): ("failed", [1], "breaks")}


def test_a_part_that_could_not_be_previewed_is_not_judged(sample_repository, work):
    preview = jobs.request_together([change(17), change(18)])
    alone = preview.parts.get(position=0).alone
    Preview.objects.filter(pk=alone.pk).update(state=Preview.FAILED, finished_at=timezone.now())
    work()
    assert told(preview) == {("tokyo-prod-1", "search"): ("failed", [1], "")}


@pytest.mark.parametrize(
    ("choose", "said"),
    [
        (lambda: [change(8)], "choose at least two"),
        (lambda: [change(8)] * 11, "at most 10"),
        (lambda: [change(8), ChangeRequest(repository=change(8).repository, number=9)], "the head of #9 has not been"),
        (lambda: [change(8), _to("release")], "#8 goes to main and #9 to release"),
    ],
)
def test_what_cannot_be_previewed_together_is_refused(sample_repository, choose, said):
    with pytest.raises(BadInput, match=said):
        together.check(choose())


def _to(branch):
    found = change(9)
    found.base_branch = branch
    return found


@pytest.fixture
def linked(git, other_git, tmp_path, work, settings):
    """A repository of charts and a fleet that uses them, each with change requests."""
    settings.DATA = tmp_path / "data"
    git.commit(chart("web", {"config.yaml": CONFIGMAP}))
    text = CONFIGMAP.replace("{{ .Values.text | quote }}", '{{ required "web needs a colour" .Values.colour }}')
    git.commit({"web/templates/config.yaml": text}, ref="refs/pull/1/head", start="refs/heads/main")
    follows = application("follows", "web").replace(ADDRESS, str(git.folder))
    other_git.commit({"astrolabe.yaml": CONFIG, "clusters/c1/a.yaml": follows})
    coloured = f"{follows}    helm:\n      parameters:\n        - name: colour\n          value: red\n"
    other_git.commit({"clusters/c1/a.yaml": coloured}, ref="refs/pull/1/head", start="refs/heads/main")
    second = follows.replace("name: follows", "name: second")
    other_git.commit({"clusters/c1/b.yaml": second}, ref="refs/pull/2/head", start="refs/heads/main")
    charts = arrivals.add_repository("Charts", str(git.folder))
    fleet = arrivals.add_repository("Fleet", str(other_git.folder))
    for repository in (charts, fleet):
        arrivals.refresh(repository)
    charts.users.add(fleet)
    return charts, fleet


@pytest.fixture
def labelled(git, tmp_path, work, settings):
    """#1 makes a label longer by its template, #2 by its value; #4 reads another value, which #5 gives."""
    settings.DATA = tmp_path / "data"
    template = CONFIGMAP.replace("\ndata:", f"\n  labels:\n    tier: {'t' * 31}-{{{{ .Values.tier }}}}\ndata:")
    app = application("web", "web")
    git.commit({"astrolabe.yaml": CONFIG, "clusters/c1/a.yaml": app} | chart("web", {"config.yaml": template}))
    git.commit({"clusters/c1/a.yaml": _with_parameters(app, tier="x")})
    heads = {
        1: {"web/templates/config.yaml": template.replace("t-{{", f"t-{'u' * 20}-{{{{")},
        2: {"clusters/c1/a.yaml": _with_parameters(app, tier="v" * 20)},
        4: {"web/templates/config.yaml": template.replace(".Values.tier", ".Values.level")},
        5: {"clusters/c1/a.yaml": _with_parameters(app, tier="x", level="gold")},
    }
    for number, files in heads.items():
        git.commit(files, ref=f"refs/pull/{number}/head", start="refs/heads/main")
    found = arrivals.add_repository("Labelled", str(git.folder))
    arrivals.refresh(found)
    return found


def _with_parameters(app, **values):
    given = "".join(f"        - name: {name}\n          value: {value}\n" for name, value in values.items())
    return f"{app}    helm:\n      parameters:\n{given}"


def test_what_the_api_server_takes_of_each_and_not_of_all_is_told(labelled, work):
    preview = together_of(work, change(1), change(2))
    assert told(preview) == {("c1", "web"): ("changed", [0, 1], "blocks")}
    assert [part.alone.totals["blocked"] for part in preview.parts.all()] == [0, 0]
    (said,) = companions.companions(change(1))[0].said
    assert said.text == "1 cell is rejected by the API server, and with each of them alone not"
    assert said.why.startswith("the label tier is 73 characters long; at most 63 are allowed")
    assert said.is_bad


@pytest.mark.parametrize("order", [(4, 5), (5, 4)])
def test_what_the_api_server_takes_only_of_all_has_an_order(labelled, work, order):
    preview = together_of(work, *map(change, order))
    assert told(preview) == {("c1", "web"): ("changed", [0, 1], "awaits")}
    (companion,) = companions.companions(change(5))
    (said,) = companion.said
    assert said.text == "1 cell is rejected by the API server with #4 alone, and not with all"
    assert companion.order == "Merge #5 before #4: alone, #4 is rejected by the API server."


@pytest.fixture
def other_git(tmp_path):
    from tests.conftest import GitRepository

    return GitRepository(tmp_path / "fleet.git")


@pytest.mark.parametrize("first", [0, 1])
def test_repositories_that_are_linked_are_previewed_together(linked, work, first):
    requests = [change(1, linked[first]), change(1, linked[1 - first])]
    preview = together_of(work, *requests)
    charts_at = 0 if first == 0 else 1
    # The chart alone fails on the fleet; with the fleet's new value it does not.
    assert told(preview) == {("c1", "follows"): ("changed", [0, 1], "needs")}
    alone = [part.alone for part in preview.parts.all()]
    assert [one.totals["failed"] for one in alone] == ([1, 0] if charts_at == 0 else [0, 1])


def test_a_new_application_and_the_chart_of_another_repository(linked, work):
    preview = together_of(work, change(1, linked[0]), change(2, linked[1]))
    found = told(preview)
    assert found["c1", "second"] == ("failed", [1], "breaks")
    assert found["c1", "follows"] == ("failed", [0], "")


def test_repositories_that_are_not_linked_are_refused(linked):
    charts, fleet = linked
    charts.users.clear()
    with pytest.raises(BadInput, match="Fleet and Charts are not linked"):
        jobs.request_together([change(1, charts), change(1, fleet)])


def test_rendering_works_on_a_machine_that_has_nothing(linked, work, settings, tmp_path):
    """Each job runs on a disk of its own: what merging gives is made anew there."""
    import django_rq

    jobs.request_together([change(1, linked[0]), change(1, linked[1])])
    queue = django_rq.get_queue("default")
    at = 0
    while queue.count:
        at += 1
        settings.DATA = tmp_path / f"data{at}"
        job = queue.dequeue_any([queue], timeout=None, connection=queue.connection, serializer=queue.serializer)[0]
        job.perform()
    preview = Preview.objects.filter(change_request=None, parts__position=1).get()
    assert (at > 4, preview.state) == (True, Preview.DONE)
    assert told(preview) == {("c1", "follows"): ("changed", [0, 1], "needs")}
