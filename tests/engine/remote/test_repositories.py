"""Other Git repositories: as source, for values, for a generator; registered, allowed, or neither."""

import pytest

from previews.engine.errors import BadInput
from previews.engine.git import Mirror, normalise_address
from previews.engine.remote.reach import Reach
from previews.engine.remote.revisions import find_commit
from tests.conftest import GitRepository, open_bench
from tests.engine.fleets import ADDRESS, CONFIG, CONFIGMAP, application, chart, fleet
from tests.engine.one_application import sources
from tests.engine.remote.conftest import allow
from tests.engine.remote.servers import GitServer

OTHER = "https://git.example.com/other.git"
TEMPLATE = chart("web", {"config.yaml": CONFIGMAP})


@pytest.fixture
def other(tmp_path):
    return GitRepository(tmp_path / "other.git")


@pytest.fixture
def registered(other, tmp_path):
    """A reach in which `other` is registered."""
    mirror = Mirror(tmp_path / "others" / "1", str(other.folder), allow_local=True)
    return Reach(registered={normalise_address(OTHER): mirror}.get)


def of_other(revision="main", path="web", **more):
    text = application("web", path, revision=revision, **more).replace(ADDRESS, OTHER)
    return {"astrolabe.yaml": CONFIG, "clusters/c1/web.yaml": text}


def test_a_template_of_a_registered_repository_is_rendered(preview, other, registered):
    other.commit(TEMPLATE)
    other.commit({"web/values.yaml": "text: v2\n"}, ref="refs/tags/v2", start="refs/heads/main")
    _, cells = preview(of_other("main"), of_other("v2"), registered)
    assert (cells["c1", "web"].yaml, cells["c1", "web"].yaml_lines) == ("changed", (1, 1))
    assert not cells["c1", "web"].pinned


def test_values_of_another_repository_are_read_at_one_commit_for_both_sides(preview, other, registered):
    other.commit({"values/c1.yaml": "text: from afar\n"})
    several = sources(
        {"repoURL": OTHER, "targetRevision": "HEAD", "ref": "values"},
        {"path": "charts/web", "helm": {"valueFiles": ["$values/values/c1.yaml"]}},
    )
    base = fleet(1) | several
    prepared, cells = preview(base, {"charts/web/templates/config.yaml": CONFIGMAP + "  more: x\n"}, registered)
    assert (cells["c1", "web"].value, cells["c1", "web"].yaml) == ("unchanged", "changed")
    (planned,) = prepared.plan.cells
    assert "text: from afar" in planned.values[0] and planned.values[0] == planned.values[1]
    assert [external.kind for external in prepared.externals] == ["commit"]
    assert [(file.name, file.is_changed) for file in planned.files] == [
        ("charts/web/values.yaml", False),
        ("$values/values/c1.yaml", False),
    ]


def test_a_generator_reads_another_repository(preview, other, registered):
    other.commit({"teams/a/x": "", "teams/b/x": ""})
    wanted = f"""apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {{name: teams, namespace: argocd}}
spec:
  generators:
  - git: {{repoURL: "{OTHER}", revision: HEAD, directories: [{{path: teams/*}}]}}
  template:
    metadata: {{name: "team-{{{{path.basename}}}}"}}
    spec:
      destination: {{server: "https://kubernetes.default.svc", namespace: apps}}
      source: {{repoURL: "{ADDRESS}", targetRevision: main, path: charts/web}}
"""
    _, cells = preview(fleet(1), {"clusters/c1/set.yaml": wanted}, registered)
    assert {place for place, cell in cells.items() if cell.yaml == "added"} == {("c1", "team-a"), ("c1", "team-b")}


@pytest.fixture
def git_server(serve, other):
    return serve(GitServer, {"other.git": other.folder})


def test_a_repository_on_an_allowed_host_is_fetched_one_commit_deep(preview, other, git_server, tmp_path):
    other.commit(TEMPLATE)
    other.commit({"web/values.yaml": "text: v2\n"})
    head = {"astrolabe.yaml": CONFIG, **of_other()}
    head["clusters/c1/web.yaml"] = head["clusters/c1/web.yaml"].replace(OTHER, f"{git_server.url}/other.git")
    _, cells = preview({"x": "y"}, head, allow(git_server))
    assert [change.id.name for change in cells["c1", "web"].resources] == ["web"]
    (cache,) = (tmp_path / "elsewhere").iterdir()
    assert Mirror(cache, str(cache), allow_local=True).git("rev-list", "--count", "--all").strip() == "2"


def test_a_repository_on_an_allowed_host_is_fetched_by_tag_range_and_commit(git, bench, other, git_server):
    git.commit({"x": "y"})
    first = other.commit({"v": "1"}, ref="refs/tags/v1.0.0")
    second = other.commit({"v": "2"}, ref="refs/tags/v1.1.0", start="refs/tags/v1.0.0")
    outside = bench(reach=allow(git_server)).outside
    address = f"{git_server.url}/other"
    git_server.pages |= {path.replace("other.git", "other"): page for path, page in git_server.pages.items()}
    found = {revision: outside.commit(address, revision).commit for revision in ("v1.0.0", "1.x", second, second[:8])}
    assert found == {"v1.0.0": first, "1.x": second, second: second, second[:8]: second}


def test_a_repository_that_nobody_knows_is_named_with_what_to_do(preview):
    _, cells = preview(of_other("v1"), of_other("v2"))
    cell = cells["c1", "web"]
    assert (cell.yaml, cell.skipped.reason) == ("skipped", "revision")
    assert f"{OTHER} is another repository, and its revision v2 is not here" in cell.skipped.message
    assert "the host git.example.com is not allowed (add it to ASTROLABE_GIT_HOSTS" in cell.skipped.message
    assert "Register it with Astrolabe" in cell.skipped.message


@pytest.mark.parametrize(
    "address",
    [
        "ext::sh -c touch% /nowhere",
        "/etc",
        "file:///etc",
        "--upload-pack=touch x",
        "ssh://-oProxyCommand=x/y",
        "git@-o:x/y",
    ],
)
def test_an_address_that_would_make_git_do_something_else_is_refused(preview, address):
    head = of_other()
    head["clusters/c1/web.yaml"] = head["clusters/c1/web.yaml"].replace(OTHER, address)
    _, cells = preview({"x": "y"}, head, Reach())
    assert (cells["c1", "web"].yaml, cells["c1", "web"].skipped.reason) == ("skipped", "revision")


def test_a_revision_that_is_not_there_is_said(preview, other, registered):
    other.commit(TEMPLATE)
    _, cells = preview(of_other(), of_other("nowhere"), registered)
    assert "'nowhere' is not in the repository" in cells["c1", "web"].skipped.message


def test_a_git_host_may_not_redirect(preview, other, git_server):
    other.commit(TEMPLATE)
    where = f"{git_server.url}/other.git/info/refs?service=git-upload-pack"
    git_server.pages["/moved.git/*"] = lambda request: request.answer(301, Location=where)
    head = of_other()
    head["clusters/c1/web.yaml"] = head["clusters/c1/web.yaml"].replace(OTHER, f"{git_server.url}/moved.git")
    _, cells = preview({"x": "y"}, head, allow(git_server))
    assert (
        "unable to update url base from redirection" in cells["c1", "web"].skipped.message
        or "301" in cells["c1", "web"].skipped.message
    )


def test_another_machine_takes_the_same_commit_although_the_branch_moved_on(preview, git, other, registered, tmp_path):
    other.commit(TEMPLATE)
    prepared, _ = preview({"x": "y"}, of_other(), registered)
    other.commit({"web/values.yaml": "text: later\n"})
    with open_bench(git.folder, tmp_path / "second", reach=registered) as second:
        second.ensure(prepared.externals)
        (result,) = second.manifests(list(prepared.plan.requests.values())).values()
        assert "hello" in result.resources[0].text
    with open_bench(git.folder, tmp_path / "third") as third:
        third.ensure(prepared.externals)
        (failure,) = third.manifests(list(prepared.plan.requests.values())).values()
    assert not failure.is_final and f"of {OTHER} is not on this machine" in str(failure)


@pytest.mark.parametrize(
    ("revision", "means"),
    [("1.x", "v1.10.0"), ("v1.2.0", "v1.2.0"), (">=1.0.0-0", "v2.0.0-rc.1"), ("release-1.x", "release-1.x"),
     ("prod/1.x", "prod/1.5.0"), ("refs/heads/release-1.x", "release-1.x"), ("3.x", None)],
)  # fmt: skip
def test_a_range_of_versions_means_the_highest_tag(git, tmp_path, revision, means):
    names = {"refs/heads/release-1.x": "release-1.x"}
    names |= {f"refs/tags/{tag}": tag for tag in ("v1.2.0", "v1.10.0", "v2.0.0-rc.1", "prod/1.5.0", "nightly")}
    commits = {short: git.commit({"name": short}, ref=ref) for ref, short in names.items()}
    mirror = Mirror(tmp_path / "mirror", str(git.folder), allow_local=True)
    mirror.fetch()
    if means is None:
        with pytest.raises(BadInput, match=r"no tag of the repository satisfies '3\.x'"):
            find_commit(mirror, revision)
    else:
        assert find_commit(mirror, revision) == commits[means]


def test_a_pin_by_range_moves_only_with_a_tag(preview, git):
    git.commit({**fleet(1)}, ref="refs/tags/1.0.0")
    ranged = {"clusters/c1/web.yaml": application("web", "charts/web", revision='"1.x"')}
    prepared, cells = preview(fleet(1) | ranged, {"charts/web/values.yaml": "text: new\n"})
    assert cells == {}
    assert prepared.head.pinned == {("c1", "web")}


def test_a_registered_repository_that_is_down_is_taken_as_it_was_and_no_token_is_told(preview, other, tmp_path):
    other.commit(TEMPLATE)
    mirror = Mirror(tmp_path / "others" / "1", str(other.folder), allow_local=True)
    mirror.fetch()
    mirror.address = "https://robot:canary@127.0.0.1:1/other.git"
    reach = Reach(registered={normalise_address(OTHER): mirror}.get)
    head = of_other() | {"clusters/c1/late.yaml": of_other("nowhere")["clusters/c1/web.yaml"].replace("web", "late", 1)}
    prepared, cells = preview({"x": "y"}, head, reach)
    assert (cells["c1", "web"].yaml, cells["c1", "late"].yaml) == ("added", "skipped")
    assert [note for note in prepared.notes if "so it is taken as it was last seen" in note]
    assert "canary" not in repr((prepared.notes, cells))


def test_a_remote_base_of_kustomize_comes_from_another_repository(preview, other, registered):
    plain = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: plain\ndata:\n  a: {}\n"
    other.commit({"base/kustomization.yaml": "resources: [cm.yaml]\n", "base/cm.yaml": plain.format("one")})
    other.commit({"base/cm.yaml": plain.format("two")}, ref="refs/tags/v2", start="refs/heads/main")
    overlay = "resources: ['{}//base?ref={}']\n"
    base = {"astrolabe.yaml": CONFIG, "clusters/c1/k.yaml": application("k", "overlay")}
    base["overlay/kustomization.yaml"] = overlay.format(OTHER, "main")
    _, cells = preview(base, {"overlay/kustomization.yaml": overlay.format(OTHER, "v2")}, registered)
    assert [(change.id.name, change.state) for change in cells["c1", "k"].resources] == [("plain", "changed")]
