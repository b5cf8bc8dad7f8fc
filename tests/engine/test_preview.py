"""From two commits to cells: every state, every cause, and nothing rendered twice."""

import pytest

from tests.conftest import run_preview
from tests.engine.fleets import CONFIG, CONFIGMAP, application, fleet

HEAD = "refs/pull/1/head"


def states(cells):
    return {place: (cell.value, cell.yaml, cell.cause) for place, cell in cells.items()}


@pytest.fixture
def preview(git, bench):
    """Commits a base and a head and previews them."""

    def run(base, head, **options):
        git.commit(base)
        git.commit(head, ref=HEAD, start="refs/heads/main")
        return run_preview(bench(), HEAD, **options)

    return run


def test_a_template_change_reaches_every_cluster_as_one_group(preview):
    _, cells = preview(fleet(3), {"charts/web/templates/config.yaml": CONFIGMAP + "  more: x\n"})
    assert states(cells) == {(f"c{n}", "web"): ("unchanged", "changed", ("template",)) for n in (1, 2, 3)}
    assert {cell.group for cell in cells.values()} == {"g1"}
    assert cells["c1", "web"].yaml_lines == (1, 0)
    assert cells["c1", "web"].resources[0].id.name == "web"


def test_a_value_with_an_effect_changes_both_halves_of_one_cell(preview):
    options = "    helm:\n      values: |\n        text: new\n"
    _, cells = preview(fleet(), {"clusters/c1/web.yaml": application("web", "charts/web", options)})
    assert states(cells) == {("c1", "web"): ("changed", "changed", ("value",))}


def test_a_value_without_an_effect_changes_only_the_value(preview):
    options = "    helm:\n      values: |\n        text: from c1\n        unread: 1\n"
    prepared, cells = preview(fleet(), {"clusters/c1/web.yaml": application("web", "charts/web", options)})
    assert states(cells) == {("c1", "web"): ("changed", "unchanged", ("value",))}
    assert not cells["c1", "web"].deploys
    assert len(prepared.plan.requests) == 2


def test_documentation_renders_nothing(git, bench):
    git.commit(fleet())
    git.commit({"docs/x.md": "x", "charts/web/README.md": "y"}, ref=HEAD, start="refs/heads/main")
    one = bench()
    prepared, cells = run_preview(one, HEAD)
    assert (cells, one.rendered, len(prepared.plan.requests)) == ({}, 0, 0)


def test_a_file_that_a_template_reads_is_part_of_the_template(preview):
    base = fleet() | {
        "charts/web/templates/file.yaml": CONFIGMAP.replace("text:", "t:") + '  f: {{ .Files.Get "a.txt" | quote }}\n',
        "charts/web/a.txt": "one",
    }
    _, cells = preview(base, {"charts/web/a.txt": "two"})
    assert states(cells)["c2", "web"] == ("unchanged", "changed", ("template",))


def test_a_comment_in_a_template_changes_nothing(preview):
    _, cells = preview(fleet(), {"charts/web/templates/config.yaml": "# hello\n" + CONFIGMAP})
    assert cells == {}


def test_an_application_comes_and_goes(preview):
    gone_and_new = {"clusters/c2/web.yaml": None, "clusters/c3/web.yaml": application("web", "charts/web")}
    _, cells = preview(fleet(), gone_and_new)
    assert states(cells) == {
        ("c2", "web"): ("removed", "removed", ("target",)),
        ("c3", "web"): ("added", "added", ("target",)),
    }


def test_another_target_is_a_cause_of_its_own(preview):
    moved = fleet()["clusters/c1/web.yaml"].replace("project: default", "project: other")
    _, cells = preview(fleet(), {"clusters/c1/web.yaml": moved})
    assert states(cells) == {("c1", "web"): ("unchanged", "unchanged", ("target",))}


def test_a_profile_is_a_cause(preview):
    base = fleet(1) | {"charts/web/templates/config.yaml": CONFIGMAP + "  v: {{ .Capabilities.KubeVersion.Minor }}\n"}
    clusters = 'clusters: [{name: c1, kubernetesVersion: "1.31.4"}]\n'
    _, cells = preview(base | {"astrolabe.yaml": CONFIG + clusters}, {"x": "y"})
    # One configuration, the head's, serves both sides: its change is not a change of the fleet.
    assert cells == {}


def test_a_failing_cluster_says_why_and_its_neighbours_are_fine(preview):
    template = CONFIGMAP + '  must: {{ required "c2 forgot it" .Values.must }}\n'
    options = "    helm:\n      values: |\n        text: from c1\n        must: x\n"
    base = fleet() | {"clusters/c1/web.yaml": application("web", "charts/web", options)}
    _, cells = preview(base, {"charts/web/templates/config.yaml": template})
    assert cells["c1", "web"].yaml == "changed"
    assert cells["c2", "web"].yaml == "failed"
    assert cells["c2", "web"].error.side == "head"
    assert "c2 forgot it" in cells["c2", "web"].error.message
    assert not cells["c2", "web"].deploys


def test_what_fails_on_both_sides_alike_is_listed_as_failed(preview):
    base = fleet(1) | {"charts/web/templates/bad.yaml": '{{ fail "always" }}'}
    _, cells = preview(base, {"charts/web/templates/config.yaml": CONFIGMAP + "  x: y\n"})
    assert (cells["c1", "web"].yaml, cells["c1", "web"].error.side) == ("failed", "both")


def test_output_that_is_no_yaml_is_a_failure_of_its_side(preview):
    _, cells = preview(fleet(1), {"charts/web/templates/config.yaml": CONFIGMAP + '  x: "unclosed\n'})
    assert (cells["c1", "web"].yaml, cells["c1", "web"].error.stage) == ("failed", "parse")


def test_a_value_file_that_is_missing_fails_aloud(preview):
    options = "    helm:\n      valueFiles: [nowhere.yaml]\n"
    _, cells = preview(fleet(), {"clusters/c1/web.yaml": application("web", "charts/web", options)})
    assert cells["c1", "web"].yaml == "failed"
    assert "nowhere.yaml does not exist" in cells["c1", "web"].error.message


def test_another_repository_and_an_unknown_revision_are_skipped_with_the_reason(preview):
    other = application("web", "charts/web").replace("fleet.git", "elsewhere.git")
    gone = application("web", "charts/web", revision="feature-x")
    _, cells = preview(fleet(), {"clusters/c1/web.yaml": other, "clusters/c2/web.yaml": gone})
    assert (cells["c1", "web"].yaml, cells["c1", "web"].skipped.reason) == ("skipped", "revision")
    assert "elsewhere.git" in cells["c1", "web"].skipped.message
    assert "feature-x" in cells["c2", "web"].skipped.message
    assert cells["c2", "web"].pinned


def test_a_pinned_application_does_not_move_unless_asked_what_if(git, bench):
    pin = git.commit(fleet(1))
    git.commit({"clusters/c1/web.yaml": application("web", "charts/web", revision=pin)})
    git.commit({"charts/web/templates/config.yaml": CONFIGMAP + "  x: y\n"}, ref=HEAD, start="refs/heads/main")
    assert run_preview(bench(), HEAD)[1] == {}
    _, cells = run_preview(bench(), HEAD, unpinned=True)
    assert states(cells) == {("c1", "web"): ("unchanged", "changed", ("template",))}
    assert cells["c1", "web"].pinned


def test_a_branch_that_is_behind_does_not_show_others_work(git, bench):
    start = git.commit(fleet())
    git.commit({"charts/web/templates/config.yaml": CONFIGMAP + "  theirs: x\n"})
    options = "    helm:\n      values: |\n        text: mine\n"
    git.commit({"clusters/c1/web.yaml": application("web", "charts/web", options)}, ref=HEAD, start=start)
    prepared, cells = run_preview(bench(), HEAD)
    assert set(cells) == {("c1", "web")}
    assert cells["c1", "web"].cause == ("value",)
    assert prepared.sides.merged
    assert len(run_preview(bench(), HEAD, exact=True)[1]) == 2


def test_a_conflict_falls_back_to_the_fork_and_says_so(git, bench):
    start = git.commit(fleet())
    git.commit({"charts/web/values.yaml": "text: main\n"})
    git.commit({"charts/web/values.yaml": "text: mine\n", "charts/web/templates/config.yaml": CONFIGMAP + "  x: y\n"},
               ref=HEAD, start=start)  # fmt: skip
    prepared, cells = run_preview(bench(), HEAD)
    assert prepared.sides.conflicts == ("charts/web/values.yaml",)
    assert "conflicts" in prepared.notes[0]
    assert len(cells) == 2


def test_two_change_requests_are_previewed_as_one(git, bench):
    git.commit(fleet(1))
    git.commit({"charts/web/templates/config.yaml": CONFIGMAP + "  more: {{ .Values.more | default 1 }}\n"},
               ref=HEAD, start="refs/heads/main")  # fmt: skip
    options = "    helm:\n      values: |\n        text: from c1\n        more: 2\n"
    git.commit({"clusters/c1/web.yaml": application("web", "charts/web", options)},
               ref="refs/pull/2/head", start="refs/heads/main")  # fmt: skip
    alone = run_preview(bench(), "refs/pull/2/head")[1]
    together = run_preview(bench(), HEAD, "refs/pull/2/head")[1]
    assert states(alone)["c1", "web"] == ("changed", "unchanged", ("value",))
    assert states(together)["c1", "web"] == ("changed", "changed", ("value", "template"))


def test_nothing_is_rendered_twice(git, bench):
    git.commit(fleet(2))
    git.commit({"charts/web/templates/config.yaml": CONFIGMAP + "  x: y\n"}, ref=HEAD, start="refs/heads/main")
    first, second = bench(), bench()
    run_preview(first, HEAD)
    run_preview(second, HEAD)
    assert (first.rendered, second.rendered) == (4, 0)


def test_ignored_differences_are_hidden_and_counted(preview):
    ignore = "ignore:\n  - kind: ConfigMap\n    paths: [/data/x]\n"
    base = fleet(1) | {"astrolabe.yaml": CONFIG + ignore}
    one = "    helm:\n      values: |\n        text: from c1\n        unread: 1\n"
    changed = {
        "charts/web/templates/config.yaml": CONFIGMAP + "  x: y\n",
        "clusters/c1/web.yaml": application("web", "charts/web", one),
    }
    _, cells = preview(base, changed)
    assert (cells["c1", "web"].yaml, cells["c1", "web"].ignored) == ("unchanged", 1)


def test_secrets_are_masked_in_manifests_and_values_yet_their_change_shows(git, bench):
    secret = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\nstringData:\n  key: {{ .Values.token }}\n"
    base = fleet(1) | {
        "charts/web/templates/secret.yaml": secret,
        "charts/web/values.yaml": "text: a\ntoken: canary-1\n",
    }
    git.commit(base)
    options = "    helm:\n      values: |\n        text: from c1\n        token: canary-2\n"
    git.commit({"clusters/c1/web.yaml": application("web", "charts/web", options)}, ref=HEAD, start="refs/heads/main")
    one = bench()
    prepared, cells = run_preview(one, HEAD)
    everything = repr(prepared.plan.cells) + repr(one.manifests(list(prepared.plan.requests.values())))
    assert cells["c1", "web"].yaml == "changed"
    assert "canary" not in everything
    assert "••• hmac:" in everything


@pytest.mark.parametrize(
    ("rule", "yaml", "ignored"),
    [
        ("{group: '', kind: ConfigMap, jsonPointers: [/data/x]}", "unchanged", 1),
        ("{kind: Config*, name: web, jsonPointers: [/data/x, /no/such/place, /data/9/y]}", "unchanged", 1),
        ("{group: apps, kind: ConfigMap, jsonPointers: [/data/x]}", "changed", 0),
        ("{kind: ConfigMap, name: other, jsonPointers: [/data/x]}", "changed", 0),
        ("{kind: ConfigMap, jqPathExpressions: [.data.x]}", "unchanged", 1),
        ("{kind: ConfigMap, jqPathExpressions: ['.data | to_entries']}", "changed", 0),
        ("{kind: ConfigMap, managedFieldsManagers: [someone]}", "changed", 0),
    ],
)
def test_the_applications_own_ignored_differences_are_hidden_and_counted(preview, rule, yaml, ignored):
    web = fleet(1)["clusters/c1/web.yaml"].replace("  source:", f"  ignoreDifferences: [{rule}]\n  source:")
    options = "        unread: 1\n"
    head = {
        "clusters/c1/web.yaml": web + options,
        "charts/web/templates/config.yaml": CONFIGMAP + "  x: y\n",
    }
    _, cells = preview(fleet(1) | {"clusters/c1/web.yaml": web}, head)
    assert (cells["c1", "web"].yaml, cells["c1", "web"].ignored) == (yaml, ignored)


def test_true_and_one_are_not_the_same(preview):
    base = fleet(1) | {"charts/web/templates/config.yaml": CONFIGMAP + "  x: true\n"}
    _, cells = preview(base, {"charts/web/templates/config.yaml": CONFIGMAP + "  x: 1\n"})
    assert cells["c1", "web"].yaml == "changed"
