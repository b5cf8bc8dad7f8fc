"""The commands as a pipeline runs them: processes of their own, without queue, server or database."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def run(sample, tmp_path):
    """Runs a command on the sample fleet; nobody answers at its database or queue."""

    def call(command, *arguments, **environment):
        env = {
            "PATH": "/usr/bin:/bin:/usr/local/bin",
            "HOME": str(tmp_path),
            "ASTROLABE_DATA": str(tmp_path / "data"),
            "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
            "REDIS_URL": "redis://127.0.0.1:1/0",
            **environment,
        }
        line = [sys.executable, "manage.py", command, str(sample), "--cache", str(tmp_path / "cache"), *arguments]
        return subprocess.run(line, cwd=ROOT, env=env, capture_output=True, text=True, check=False)

    return call


def test_preview_prints_the_published_json(run):
    done = run("preview", "--merge", "pull/7/head", "--format", "json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["schema"] == "astrolabe.preview/1"
    assert set(report) == {
        "schema", "base", "head", "clusters", "applications", "totals", "seconds", "groups", "cells", "notes"
    }  # fmt: skip
    assert set(report["cells"][0]) == {
        "cluster", "application", "name", "path", "value", "yaml", "cause", "deploys", "pinned", "lines", "resources",
        "hidden", "group", "findings", "prediction", "error", "skipped", "notes",
    }  # fmt: skip
    failed = next(cell for cell in report["cells"] if cell["yaml"] == "failed")
    assert (failed["cluster"], failed["error"]["side"], failed["error"]["stage"]) == (
        "virginia-prod-1",
        "head",
        "render",
    )
    assert report["totals"]["failed"] == 1
    assert report["totals"]["deploys"] == 5
    assert report["totals"]["instances"] == report["totals"]["unchanged"] + len(report["cells"])
    assert set(report["seconds"]) == {"fetch", "discover", "render", "compare", "total"}
    assert {group["cells"] for group in report["groups"]} == {3, 2}


def test_a_condition_fails_the_pipeline_only_when_asked(run):
    assert run("preview", "--merge", "pull/7/head").returncode == 0
    assert run("preview", "--merge", "pull/7/head", "--fail-on", "failed").returncode == 1
    assert run("preview", "--merge", "pull/4/head", "--fail-on", "failed,blocked").returncode == 0
    assert run("preview", "--merge", "pull/1/head", "--fail-on", "failed").returncode == 0
    assert run("preview", "--merge", "pull/1/head", "--fail-on", "blocked").returncode == 1


def test_a_conflict_has_an_exit_code_of_its_own(run):
    done = run("preview", "--head", "pull/13/head")
    assert done.returncode == 3
    assert "conflict: values/seoul-prod-1/search.yaml" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--head", "nowhere"], "the revision 'nowhere' is not in the repository"),
        (["--head", "--upload-pack=x"], "expected one argument"),
        (["--head=--upload-pack=x"], "is no revision"),
        (["--head", "main", "--fail-on", "nonsense"], "known are failed"),
        (["--head", "main", "--jobs", "0"], "not a whole number above 0"),
        (["--head", "main", "--config", "/no/such/file"], "there is no file"),
        (["--exact", "--merge", "main", "--merge", "main"], "--exact compares one head"),
        ([], "one of the arguments --head --merge is required"),
    ],
)
def test_bad_input_is_told_in_a_sentence_with_code_2(run, arguments, message):
    done = run("preview", *arguments)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert message in done.stderr
    assert done.stdout == ""


def test_unchanged_cells_are_listed_on_demand(run):
    report = json.loads(run("preview", "--merge", "pull/2/head", "--all", "--format", "json").stdout)
    assert len(report["cells"]) == report["totals"]["instances"] == 70
    assert sum(cell["value"] != "unchanged" for cell in report["cells"]) == 1


def test_several_heads_are_merged_in_order(run):
    report = json.loads(run("preview", "--merge", "pull/8/head", "--merge", "pull/9/head", "--format", "json").stdout)
    assert report["head"]["merged"]
    assert len(report["head"]["commits"]) == 2
    assert {cell["yaml"] for cell in report["cells"]} == {"changed"}


def test_markdown_is_a_table_that_nothing_breaks_out_of(run):
    text = run("preview", "--merge", "pull/7/head", "--format", "markdown").stdout
    assert "| application | seoul-prod-1 |" in text
    assert "| checkout | yaml changed (+6 -0) |" in text
    assert "checkout needs a currency" in text


def test_manifest_prints_what_would_be_applied(run):
    done = run("manifest", "--cluster", "site-c11", "--application", "edge-gateway", "--revision", "pull/1/head")
    assert done.returncode == 0, done.stderr
    assert "release: this-is-super-long-length-label-upper-than-63characters-site-c11" in done.stdout
    assert done.stdout.startswith("--- # ServiceAccount edge/edge-gateway\n")


def test_values_are_the_merged_ones(run):
    done = run("manifest", "--cluster", "seoul-stage-1", "--application", "catalog", "--values")
    assert "REGION: korea" in done.stdout
    assert "tag: 5.0.0-rc1" in done.stdout


def test_secrets_are_masked_unless_asked_for_and_never_kept(run, tmp_path):
    place = ["--cluster", "tokyo-prod-1", "--application", "payments", "--revision", "pull/15/head"]
    shown = run("manifest", *place, "--show-secrets").stdout
    masked = run("manifest", *place).stdout + run("manifest", *place, "--values").stdout
    assert "another-token-that-is-not-real" in shown
    assert "another-token" not in masked
    assert "••• hmac:" in masked
    kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file() and "mirrors" not in path.parts]
    assert kept and not any(b"another-token" in path.read_bytes() for path in kept)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (["--cluster", "mars", "--application", "x"], "there is no cluster 'mars'; found are seoul-prod-1"),
        (["--cluster", "site-a", "--application", "x"], "there is no application 'x' on site-a; found are access"),
    ],
)
def test_an_unknown_place_is_told_with_what_there_is(run, place, message):
    done = run("manifest", *place)
    assert done.returncode == 2
    assert message in done.stderr


def test_a_broken_configuration_is_told_with_its_line(run, tmp_path):
    (tmp_path / "bad.yaml").write_text("version: 1\nclusterz: []\n")
    done = run("preview", "--head", "main", "--config", str(tmp_path / "bad.yaml"))
    assert done.returncode == 2
    assert "astrolabe.yaml: line 2: clusterz: is not a key" in done.stderr


def test_commands_for_plugins_are_named_by_an_option_and_a_wrong_one_is_told(run, tmp_path):
    (tmp_path / "plugins.yaml").write_text("cmp: {command: [no-such-program]}")
    done = run("preview", "--merge", "pull/7/head", "--plugins", str(tmp_path / "plugins.yaml"))
    assert done.returncode == 2
    assert "--plugins: cmp: there is no program no-such-program" in done.stderr
