"""Mirrors, merges and revisions; and nothing that is asked of git can be an option, a program or another protocol."""

import pytest

from previews.engine.errors import BadInput, GitError, RenderFailed
from previews.engine.git import Mirror, check_address, normalise_address
from previews.engine.trees import ObjectStore, Tree, clean_path


@pytest.fixture
def mirror(git, tmp_path):
    git.commit({"a.txt": "one\n", "b.txt": "two\n"})
    mirror = Mirror(tmp_path / "mirror", str(git.folder), allow_local=True)
    mirror.fetch()
    return mirror


def tree_of(mirror, revision="main"):
    return Tree(ObjectStore(mirror.folder), mirror.tree(mirror.commit(revision)))


def test_a_fetch_brings_branches_tags_and_change_requests_and_forgets_what_is_gone(git, mirror):
    git.commit({"c.txt": "x"}, ref="refs/pull/7/head", start="refs/heads/main")
    git.commit({"c.txt": "x"}, ref="refs/merge-requests/3/head", start="refs/heads/main")
    mirror.fetch()
    assert {ref.name for ref in mirror.refs()} == {
        "refs/heads/main", "refs/pull/7/head", "refs/merge-requests/3/head"
    }  # fmt: skip
    git._git("update-ref", "-d", "refs/pull/7/head")
    mirror.fetch()
    assert "refs/pull/7/head" not in {ref.name for ref in mirror.refs()}


def test_the_default_branch_is_the_one_that_head_names(git, mirror):
    git.commit({"x": "y"}, ref="refs/heads/zzz", start="refs/heads/main")
    git._git("symbolic-ref", "HEAD", "refs/heads/zzz")
    mirror.fetch()
    assert mirror.default_branch() == "zzz"


def test_the_merge_result_holds_both_sides_and_leaves_branches_alone(git, mirror):
    head = git.commit({"a.txt": "ONE\n"}, ref="refs/pull/1/head", start="refs/heads/main")
    base = git.commit({"b.txt": "TWO\n"})
    mirror.fetch()
    merge = mirror.merge(base, head)
    tree = Tree(ObjectStore(mirror.folder), merge.tree)
    assert (tree.read("a.txt"), tree.read("b.txt"), merge.conflicts) == (b"ONE\n", b"TWO\n", ())
    assert mirror.commit("main") == base


def test_conflicts_are_named(git, mirror):
    head = git.commit({"a.txt": "left\n"}, ref="refs/pull/1/head", start="refs/heads/main")
    base = git.commit({"a.txt": "right\n"})
    mirror.fetch()
    assert mirror.merge(base, head).conflicts == ("a.txt",)


def test_unrelated_histories_have_no_common_ancestor(git, mirror):
    other = git.commit({"z": "z"}, ref="refs/heads/other")
    mirror.fetch()
    assert mirror.merge_base(mirror.commit("main"), other) is None
    assert mirror.merge(mirror.commit("main"), other).conflicts == ()


@pytest.mark.parametrize(
    "revision",
    ["--upload-pack=touch /tmp/pwned;git-upload-pack", "-x", "HEAD;id", "a..b", "main~1", "nope", "", "a b", "@{-1}"],
)
def test_a_revision_is_a_name_and_nothing_else(mirror, revision):
    with pytest.raises(BadInput):
        mirror.commit(revision)


@pytest.mark.parametrize(
    "address",
    [
        "ext::sh -c touch% /tmp/pwned",
        "--upload-pack=touch /tmp/pwned",
        "git://example.com/x.git",
        "https://host/$SECRET_KEY",
        "ssh://-oProxyCommand=x/",
        "https://host/a\nb",
        "",
        "fd::3",
    ],
)
@pytest.mark.parametrize("allow_local", [True, False])
def test_an_address_is_a_repository_and_nothing_else(address, allow_local):
    with pytest.raises(BadInput):
        check_address(address, allow_local)


@pytest.mark.parametrize("address", ["/srv/repository.git", "file:///srv/repository.git", "http://example.com/x"])
def test_local_and_plain_addresses_are_for_ones_own_machine(address):
    with pytest.raises(BadInput):
        check_address(address, allow_local=False)


def test_a_failed_fetch_says_what_git_said(git, tmp_path):
    (tmp_path / "not-a-repository").mkdir()
    with pytest.raises(GitError, match="git fetch failed"):
        Mirror(tmp_path / "m", str(tmp_path / "not-a-repository"), allow_local=True).fetch()


def test_addresses_of_the_same_repository_are_equal():
    forms = [
        "git@github.com:group/Fleet.git",
        "https://user:secret@GitHub.com:443/group/fleet",
        "ssh://git@github.com/group/fleet.git/",
        "https://github.com/group/fleet.git",
    ]
    assert {normalise_address(form) for form in forms} == {"github.com/group/fleet"}


def test_links_are_followed_inside_the_tree_only(git, mirror):
    git.commit(
        {"dir/file": "content", "in": "dir/file", "up": "../../etc/passwd", "abs": "/etc/passwd", "loop": "loop"},
        modes={"in": "120000", "up": "120000", "abs": "120000", "loop": "120000"},
    )
    mirror.fetch()
    tree = tree_of(mirror)
    assert tree.read("in") == b"content"
    for path in ("up", "abs", "loop"):
        with pytest.raises(RenderFailed):
            tree.read(path)


def test_a_preloaded_tree_reads_the_same(mirror):
    plain, ahead = tree_of(mirror), tree_of(mirror)
    ahead.store.preload(ahead.id)
    assert list(plain.walk()) == list(ahead.walk())
    assert [plain.read(path) for path, _ in plain.walk()] == [ahead.read(path) for path, _ in ahead.walk()]


def test_a_tree_that_stands_for_too_many_files_is_refused_quickly(git, mirror, monkeypatch):
    monkeypatch.setattr("previews.engine.trees.MAX_ENTRIES", 50)
    git.commit({f"d{i}/e{j}": "x" for i in range(10) for j in range(10)})
    mirror.fetch()
    with pytest.raises(RenderFailed, match="entries"):
        list(tree_of(mirror).walk())


@pytest.mark.parametrize("path", ["../x", "/etc", "a/../../b", "a\0b"])
def test_paths_that_lead_out_are_refused(path):
    with pytest.raises(RenderFailed):
        clean_path(path)


def test_clean_paths():
    assert [clean_path(path) for path in ("", ".", "a//b/", "a/../b")] == ["", "", "a/b", "b"]


def test_the_commits_that_a_head_brings_are_listed_newest_first(git, tmp_path):
    base = git.commit({"a": "1"})
    for number in range(5):
        head = git.commit({"b": str(number)}, "refs/heads/feature", base if number == 0 else "")
    git.commit({"a": "2"})
    mirror = Mirror(tmp_path / "mirror", str(git.folder), allow_local=True)
    mirror.fetch()
    total, newest = mirror.commits(mirror.commit("main"), head, limit=2)
    assert total == 5
    assert [one.subject for one in newest] == ["commit 6", "commit 5"]
    assert newest[0].commit == head
    assert newest[0].when > newest[1].when
    assert mirror.commits(head, base) == (0, [])
