"""The clock that looks for new commits."""

from previews import arrivals
from previews.management.commands.ticker import Command
from previews.models import ChangeRequest, Preview
from tests.engine.fleets import CONFIGMAP, fleet


def test_a_push_is_found_and_previewed_without_anybody_asking(git, work):
    git.commit(fleet(1))
    found = arrivals.add_repository("Fleet", str(git.folder))
    Command().tick()
    work()
    assert not ChangeRequest.objects.exists()
    git.commit(
        {"charts/web/templates/config.yaml": CONFIGMAP + "  x: y\n"}, ref="refs/pull/1/head", start="refs/heads/main"
    )
    Command().tick()
    work()
    preview = Preview.objects.get(change_request__repository=found, change_request__number=1)
    assert preview.totals["deploys"] == 1
    git.commit({"charts/web/templates/config.yaml": CONFIGMAP + "  x: z\n"}, ref="refs/pull/1/head")
    Command().tick()
    work()
    assert Preview.objects.filter(change_request__number=1, state=Preview.DONE).count() == 2


def test_merged_and_deleted_requests_keep_their_record(git, work):
    git.commit(fleet(1))
    head = git.commit({"charts/web/values.yaml": "text: x\n"}, ref="refs/pull/1/head", start="refs/heads/main")
    git.commit({"charts/web/values.yaml": "text: y\n"}, ref="refs/pull/2/head", start="refs/heads/main")
    arrivals.add_repository("Fleet", str(git.folder))
    Command().tick()
    work()
    git._git("update-ref", "refs/heads/main", head)
    git._git("update-ref", "-d", "refs/pull/2/head")
    Command().tick()
    work()
    states = dict(ChangeRequest.objects.values_list("number", "state"))
    assert states == {1: "merged", 2: "closed"}
    assert Preview.objects.count() == 2
