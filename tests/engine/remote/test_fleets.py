"""A repository of templates, whose Applications live in other repositories: the effect on all of them."""

import json

import pytest
from django.core.management import call_command

from previews.engine.config import Cluster
from previews.engine.git import Mirror, normalise_address
from previews.engine.preview import finish, prepare
from previews.engine.remote.reach import Reach
from previews.engine.sides import choose_sides
from previews.engine.whatif import WhatIf
from tests.conftest import GitRepository
from tests.engine.fleets import ADDRESS, CONFIG, CONFIGMAP, application, chart
from tests.engine.one_application import sources

HEAD = "refs/pull/1/head"
TEMPLATES = ADDRESS  # what Applications call the previewed repository
CHART = {"README.md": "templates only", **chart("charts/web", {"config.yaml": CONFIGMAP})}
NEXT = {"charts/web/templates/config.yaml": CONFIGMAP + "  more: x\n"}


def fleet_of(*clusters, revision="main", values="from {}", **more):
    files = {"astrolabe.yaml": CONFIG.replace(ADDRESS, "https://git.example.com/never.git"), **more}
    for cluster in clusters:
        options = f"    helm:\n      values: |\n        text: {values.format(cluster)}\n"
        files[f"clusters/{cluster}/web.yaml"] = application("web", "charts/web", options, revision)
    return files


@pytest.fixture
def users(tmp_path):
    """Makes repositories with fleets, and the reach that knows them by address."""
    mirrors = {}

    def make(**fleets):
        for name, files in fleets.items():
            repository = GitRepository(tmp_path / f"{name}.git")
            repository.commit(files)
            address = f"https://git.example.com/{name}.git"
            mirror = Mirror(tmp_path / "others" / name, str(repository.folder), allow_local=True)
            mirrors[normalise_address(address)] = mirror
        return Reach(registered=mirrors.get)

    return make


def run(bench, *names, config=f"version: 1\naddresses: [{TEMPLATES}]\n", **asked):
    sides = choose_sides(bench.mirror, "main", [HEAD])
    found = [bench.user(f"https://git.example.com/{name}.git") for name in names]
    own = bench.config(sides.head_tree, sides.base_tree, config)
    prepared = prepare(bench, sides, own, ["main"], WhatIf(**asked), found)
    cells = finish(prepared, bench.manifests(list(prepared.plan.requests.values())))
    return prepared, {(cell.cluster, cell.application): cell for cell in cells}


@pytest.fixture
def templates(git):
    git.commit(CHART)
    git.commit(NEXT, ref=HEAD, start="refs/heads/main")
    return git


def test_a_change_of_a_template_shows_on_the_applications_of_another_repository(templates, users, bench):
    prepared, cells = run(bench(reach=users(seoul=fleet_of("c1", "c2"))), "seoul")
    states = {place: (cell.value, cell.yaml, cell.cause, cell.pinned) for place, cell in cells.items()}
    assert states == {
        ("c1", "web"): ("unchanged", "changed", ("template",), False),
        ("c2", "web"): ("unchanged", "changed", ("template",), False),
    }
    assert not [note for note in prepared.notes if "no Argo CD Application was found" in note]


def test_pins_of_the_template_stay_unless_asked_what_if(templates, users, bench):
    templates.commit({}, ref="refs/tags/v1", start="refs/heads/main")
    reach = users(seoul=fleet_of("c1", revision="v1"))
    prepared, cells = run(bench(reach=reach), "seoul")
    assert cells == {} and prepared.head.pinned == {("c1", "web")}
    _, cells = run(bench(reach=reach), "seoul", unpinned=True)
    assert cells["c1", "web"].yaml == "changed"


def test_the_users_own_revisions_stand_still_and_its_own_values_are_read(templates, users, bench):
    several = sources(
        {"repoURL": "git@git.example.com:seoul.git", "targetRevision": "main", "ref": "values"},
        {"repoURL": TEMPLATES, "path": "charts/web", "helm": {"valueFiles": ["$values/values/c1.yaml"]}},
    )
    files = fleet_of() | several | {"values/c1.yaml": "text: of seoul\n"}
    prepared, cells = run(bench(reach=users(seoul=files)), "seoul")
    assert (cells["c1", "web"].value, cells["c1", "web"].yaml, cells["c1", "web"].pinned) == (
        "unchanged",
        "changed",
        False,
    )
    (planned,) = prepared.plan.cells
    assert "text: of seoul" in planned.values[1]


def test_several_fleets_stand_side_by_side_and_rows_that_clash_name_their_fleet(templates, users, bench):
    own = CONFIG.replace("[https", "[https")
    templates.commit({"astrolabe.yaml": own, "clusters/c1/web.yaml": application("web", "charts/web")})
    templates.commit(NEXT, ref=HEAD, start="refs/heads/main")
    reach = users(seoul=fleet_of("c1", "c2"), busan=fleet_of("c2"))
    prepared, cells = run(bench(reach=reach), "seoul", "busan", config="")
    assert set(cells) == {("c1", "web"), ("c1", "web (seoul)"), ("c2", "web (seoul)"), ("c2", "web (busan)")}
    assert {item.application for item in prepared.base.instances} == {"web", "web (seoul)", "web (busan)"}


def test_columns_and_profiles_are_those_of_the_users_configuration(templates, users, bench):
    config = CONFIG + 'clusters: [{name: c1, kubernetesVersion: "1.31.0"}]\n'
    reach = users(seoul=fleet_of("c1") | {"astrolabe.yaml": config.replace(ADDRESS, "https://git.example.com/s.git")})
    prepared, cells = run(bench(reach=reach), "seoul", kubernetes_version="1.33.0", clusters=("c1",))
    assert prepared.config.clusters == (Cluster("c1", kubernetes_version="1.31.0"),)
    assert set(cells["c1", "web"].cause) == {"template", "profile"}


def test_a_fleet_hides_what_its_own_configuration_ignores(templates, users, bench):
    ignored = "ignore:\n- kind: ConfigMap\n  paths: [/data/more]\n"
    files = fleet_of("c1")
    reach = users(seoul=files | {"astrolabe.yaml": files["astrolabe.yaml"] + ignored}, busan=fleet_of("c2"))
    _, cells = run(bench(reach=reach), "seoul", "busan")
    assert {place: cell.yaml for place, cell in cells.items() if cell.yaml == "changed"} == {("c2", "web"): "changed"}


def test_notes_of_a_fleet_name_it(templates, users, bench):
    prepared, _ = run(
        bench(reach=users(seoul=fleet_of("c1") | {"clusters/c1/bad.yaml": application("x", "y") + "  b: [\n"})), "seoul"
    )
    assert [note for note in prepared.notes if note.startswith("seoul: clusters/c1/bad.yaml: line")]


def test_the_command_shows_fleets_of_other_repositories(templates, users, tmp_path, capsys):
    users(seoul=fleet_of("c1", "c2"))
    call_command(
        "preview", str(templates.folder), "--head", HEAD, "--address", TEMPLATES, "--cache", str(tmp_path / "cache"),
        "--fleet", f"https://git.example.com/seoul.git={tmp_path / 'seoul.git'}", "--format", "json",
    )  # fmt: skip
    report = json.loads(capsys.readouterr().out)
    assert [(cell["cluster"], cell["application"], cell["yaml"]) for cell in report["cells"]] == [
        ("c1", "web", "changed"), ("c2", "web", "changed")
    ]  # fmt: skip


def test_the_command_reads_other_repositories_and_allowed_hosts(git, tmp_path, capsys, serve):
    from tests.engine.remote.servers import HelmRepository
    from tests.engine.remote.test_charts import application as of_chart
    from tests.engine.remote.test_charts import packed

    helm = serve(HelmRepository)
    helm.add("web", "1.0.0", packed("1.0.0"))
    other = GitRepository(tmp_path / "other.git")
    other.commit(chart("web", {"config.yaml": CONFIGMAP}))
    git.commit({"astrolabe.yaml": CONFIG})
    elsewhere = application("other", "web").replace(ADDRESS, "https://git.example.com/other.git")
    head = {"clusters/c1/chart.yaml": of_chart(helm.url, "1.0.0"), "clusters/c1/other.yaml": elsewhere}
    git.commit(head, ref=HEAD, start="refs/heads/main")
    call_command(
        "preview", str(git.folder), "--head", HEAD, "--cache", str(tmp_path / "cache"), "--format", "json",
        "--with-repository", f"https://git.example.com/other={tmp_path / 'other.git'}", "--allow-host", helm.url,
    )  # fmt: skip
    report = json.loads(capsys.readouterr().out)
    assert {(cell["application"], cell["yaml"]) for cell in report["cells"]} == {("web", "added"), ("other", "added")}


@pytest.mark.parametrize("option", ["nothing", "=path", "address="])
def test_a_fleet_without_a_place_is_refused(git, tmp_path, option, capsys):
    git.commit({"x": "y"})
    with pytest.raises(SystemExit) as end:
        call_command("preview", str(git.folder), "--head", "main", "--cache", str(tmp_path / "c"), f"--fleet={option}")
    assert end.value.code == 2 and "must be ADDRESS=PATH_OR_URL" in capsys.readouterr().err
