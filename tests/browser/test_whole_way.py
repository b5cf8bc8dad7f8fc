"""The whole way in a real Chromium: from a push to a Git server to the matrix, the cell, and what the provider shows."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from previews import arrivals, jobs
from previews.management.commands.ticker import Command
from previews.models import Answer, ChangeRequest, Repository
from tests.browser.asking import complaints, text_of, wait
from tests.conftest import GitRepository
from tests.engine.fleets import CONFIGMAP, fleet
from tests.git_server import Developer, GitServer
from tests.scm.deliveries import Teller
from tests.scm.forge import Forge, send
from tests.scm.servers import TOKEN, Provider

TEMPLATE = "charts/web/templates/config.yaml"
LABEL = CONFIGMAP.replace("data:", "  labels: {team: blue}\ndata:")
RELABEL = LABEL.replace("blue", "green")


@pytest.fixture
def server(tmp_path):
    made = GitServer(tmp_path / "git")
    yield made
    made.stop()


@pytest.fixture
def provider():
    made = Provider("github")
    yield made
    made.stop()


@pytest.fixture
def origin(server):
    """The repository on the server's disk, with a fleet of two clusters."""
    made = GitRepository(server.root / "acme" / "fleet.git")
    made.commit(fleet())
    return made


@pytest.fixture
def developer(server, origin, tmp_path):
    """Somebody with a clone, on a branch of their own."""
    made = Developer(tmp_path / "clone", server.url("acme/fleet.git", "robot:pw"))
    made.git("switch", "--quiet", "--create", "labels")
    return made


@pytest.fixture
def astrolabe(live_server, work, settings, monkeypatch):
    """The server under its own address, as the provider's readers see it."""
    settings.ASTROLABE_URL = live_server.url
    monkeypatch.setattr("previews.answers.PAUSE", 0)
    return live_server.url


@pytest.fixture
def repository(astrolabe, server, origin, provider):
    """The repository is registered, and its provider is told."""
    made = arrivals.add_repository("Fleet", server.url("acme/fleet.git"))
    made.provider, made.api_url, made.api_token = "github", provider.url, TOKEN
    made.save()
    return made


def click(browser, text):
    browser.find_element(By.LINK_TEXT, text).click()


def open_cell_from_the_list(browser, start, title):
    """From the list of repositories to the cell of c1, by clicks alone."""
    browser.get(start)
    click(browser, "Fleet")
    click(browser, title)
    assert "2 of 2 instances change; 2 deploy" in text_of(browser)
    matrix = browser.current_url
    browser.find_elements(By.CSS_SELECTOR, "table a[href*='/cells/c1/web/']")[-1].click()
    assert "web on c1" in browser.title
    return matrix


def links_of(comment):
    """The addresses that a comment leads to."""
    return re.findall(r"\]\((http[^)]+)\)", comment)


def later(work):
    """The clock goes round, and whatever was put off is due."""
    Answer.objects.update(next_try_at="2020-01-01T00:00:00Z")
    Command().tick()
    work()


def test_from_the_form_and_a_push_to_the_cell_and_back_from_the_comment(
    browser, astrolabe, server, provider, origin, developer, work
):
    browser.get(astrolabe)
    browser.find_element(By.ID, "id_url").send_keys(server.url("acme/fleet.git"))
    browser.find_element(By.ID, "id_name").send_keys("Fleet")
    browser.find_element(By.XPATH, "//button[text()='Add repository']").click()
    work()
    click(browser, "Settings")
    Select(browser.find_element(By.ID, "id_provider")).select_by_visible_text("GitHub")
    browser.find_element(By.ID, "id_api_url").send_keys(provider.url)
    browser.find_element(By.ID, "id_new_token").send_keys(TOKEN)
    browser.find_element(By.XPATH, "//summary[text()='Webhook']").click()
    secret = browser.find_element(By.ID, "hook_secret").get_attribute("value")
    (hook,) = re.findall(r"http://\S+/hooks/\S+/", text_of(browser))
    browser.find_element(By.XPATH, "//button[text()='Save']").click()

    head = developer.commit({TEMPLATE: LABEL}, "Tell teams by a label")
    developer.git("push", "--quiet", "origin", "labels")
    forge = Forge(origin, Teller("github", secret))
    assert send(hook, *forge.open()) == [202]
    work()
    assert ("GET", "/acme/fleet.git/info/refs?service=git-upload-pack") in server.requests

    matrix = open_cell_from_the_list(browser, astrolabe, "Raise the limit")
    assert "team: blue" in text_of(browser)
    assert provider.statuses[-1] == (head, "astrolabe", "success", "2 of 2 instances change; 2 deploy", matrix)
    assert {row[0] for row in provider.statuses} == {head}
    (comment,) = provider.comments.values()
    assert head[:10] in comment
    assert "± deploys" in comment
    assert matrix in links_of(comment)
    for link in links_of(comment):
        browser.get(link)
        assert "Not found" not in browser.title
        assert browser.find_elements(By.CSS_SELECTOR, "h1")
    browser.get(next(link for link in links_of(comment) if "/cells/" in link))
    assert "team: blue" in text_of(browser)
    assert complaints(browser) == []


def test_a_forced_push_and_a_merge_leave_one_comment_and_the_record(
    browser, repository, astrolabe, provider, origin, developer, work
):
    hook = astrolabe + reverse("hook", args=[repository.slug])
    forge = Forge(origin, Teller("github", repository.hook_secret))
    first = developer.commit({TEMPLATE: LABEL}, "Tell teams by a label")
    developer.git("push", "--quiet", "origin", "labels")
    send(hook, *forge.open())
    work()
    [(number, comment)] = provider.comments.items()
    assert first[:10] in comment

    second = developer.commit({TEMPLATE: RELABEL}, amend=True)
    developer.git("push", "--quiet", "--force", "origin", "labels")
    send(hook, *forge.pushed())
    work()
    matrix = open_cell_from_the_list(browser, astrolabe, "Raise the limit")
    assert "team: green" in text_of(browser)
    assert "team: blue" not in text_of(browser)
    assert provider.statuses[-1] == (second, "astrolabe", "success", "2 of 2 instances change; 2 deploy", matrix)
    assert list(provider.comments) == [number]
    assert second[:10] in provider.comments[number]
    assert first[:10] not in provider.comments[number]
    assert matrix in links_of(provider.comments[number])
    browser.get(next(link for link in links_of(comment) if "/cells/" in link))
    assert "team: blue" in text_of(browser)
    click(browser, "#12")
    assert all(f"→ {commit[:9]}" in text_of(browser) for commit in (first, second))
    click(browser, "compare with the push before")
    assert "web" in text_of(browser)

    send(hook, *forge.merge())
    work()
    browser.get(astrolabe + ChangeRequest.objects.get().get_absolute_url())
    merged = forge.request.merged
    assert f"merged as {merged[:9]}" in text_of(browser)
    assert [chip.text for chip in browser.find_elements(By.CSS_SELECTOR, ".list .chip.merged")] == ["record"]
    click(browser, "Open the matrix")
    assert browser.current_url == matrix
    assert f"The record of #12, merged as {merged[:9]}" in text_of(browser)
    assert list(provider.comments) == [number]
    assert provider.statuses[-1][:3] == (second, "astrolabe", "success")
    assert complaints(browser) == []


def test_a_forced_push_stops_the_preview_that_somebody_looks_at_and_leads_to_the_next(
    browser, repository, astrolabe, provider, origin, developer, work
):
    hook = astrolabe + reverse("hook", args=[repository.slug])
    forge = Forge(origin, Teller("github", repository.hook_secret))
    developer.commit({TEMPLATE: LABEL})
    developer.git("push", "--quiet", "origin", "labels")
    send(hook, *forge.open())
    jobs.refresh(repository.pk)
    browser.get(astrolabe + repository.get_absolute_url())
    click(browser, "Raise the limit")
    assert "waiting for a worker" in text_of(browser)
    second = developer.commit({TEMPLATE: RELABEL}, amend=True)
    developer.git("push", "--quiet", "--force", "origin", "labels")
    send(hook, *forge.pushed())
    work()
    wait(browser, lambda b: "A newer preview took the place of this one" in text_of(b))
    click(browser, "All previews of #12")
    assert [chip.text for chip in browser.find_elements(By.CSS_SELECTOR, ".list .impact")] == [
        "± 2 deploy",
        "superseded",
    ]
    click(browser, "Open the matrix")
    assert second[:9] in text_of(browser)
    assert {row[:3] for row in provider.statuses if row[2] == "success"} == {(second, "astrolabe", "success")}
    assert len(provider.comments) == 1


def test_without_any_webhook_the_clock_finds_the_push_the_forced_push_and_the_merge(
    browser, repository, astrolabe, provider, origin, developer, work
):
    for text, amend in ((LABEL, False), (RELABEL, True)):
        head = developer.commit({TEMPLATE: text}, "Tell teams by a label", amend)
        developer.git("push", "--quiet", "--force", "origin", "labels", "HEAD:refs/pull/12/head")
        Command().tick()
        work()
        matrix = open_cell_from_the_list(browser, astrolabe, "Tell teams by a label")
        assert provider.statuses[-1][:3] + provider.statuses[-1][4:] == (head, "astrolabe", "success", matrix)
    assert "team: green" in text_of(browser)
    (comment,) = provider.comments.values()
    assert matrix in links_of(comment)

    developer.git("switch", "--quiet", "main")
    developer.git("merge", "--quiet", "--no-ff", "labels")
    developer.git("push", "--quiet", "origin", "main")
    merged = developer.git("rev-parse", "HEAD")
    Command().tick()
    work()
    browser.get(astrolabe + ChangeRequest.objects.get().get_absolute_url())
    assert f"merged as {merged[:9]}" in text_of(browser)
    browser.get(links_of(comment)[0])
    assert f"The record of #12, merged as {merged[:9]}" in text_of(browser)


def test_what_a_provider_missed_while_it_was_down_is_said_on_the_page_and_told_when_it_is_back(
    browser, repository, astrolabe, provider, origin, developer, work
):
    provider.stop()
    head = developer.commit({TEMPLATE: LABEL}, "Tell teams by a label")
    developer.git("push", "--quiet", "origin", "labels", "HEAD:refs/pull/12/head")
    Command().tick()
    work()
    matrix = open_cell_from_the_list(browser, astrolabe, "Tell teams by a label")
    assert "team: blue" in text_of(browser)
    click(browser, "#12")
    assert text_of(browser).count("127.0.0.1 cannot be reached") == 2
    provider.start()
    later(work)
    browser.refresh()
    assert "cannot be reached" not in text_of(browser)
    assert [row[:3] for row in provider.statuses] == [(head, "astrolabe", "success")]
    (comment,) = provider.comments.values()
    assert matrix in links_of(comment)


def test_a_git_server_that_is_down_is_said_on_the_page_and_nothing_is_lost(
    browser, repository, astrolabe, server, origin, developer, work
):
    hook = astrolabe + reverse("hook", args=[repository.slug])
    forge = Forge(origin, Teller("github", repository.hook_secret))
    developer.commit({TEMPLATE: LABEL})
    developer.git("push", "--quiet", "origin", "labels")
    server.stop()
    send(hook, *forge.open())
    work()
    browser.get(astrolabe + repository.get_absolute_url())
    assert "The last fetch failed" in text_of(browser)
    server.start()
    later(work)
    open_cell_from_the_list(browser, astrolabe, "Raise the limit")
    assert "team: blue" in text_of(browser)
    click(browser, "Fleet")
    assert "The last fetch failed" not in text_of(browser)


def test_a_repository_behind_a_password_is_read_and_the_password_is_never_shown(
    browser, astrolabe, server, origin, developer, work
):
    server.password = "pw"
    developer.commit({TEMPLATE: LABEL}, "Tell teams by a label")
    developer.git("push", "--quiet", "origin", "labels")
    add(browser, astrolabe, server.url("acme/fleet.git", "robot:pw"), work)
    click(browser, "Tell teams by a label")
    assert "2 of 2 instances change" in text_of(browser)
    for page in ("/", "/repositories/fleet/", "/repositories/fleet/settings/"):
        browser.get(astrolabe + page)
        assert "robot" not in browser.page_source


@pytest.mark.parametrize("user", ["robot:s3cret-but-wrong", ""])
def test_a_wrong_password_is_said_in_words_and_not_shown(browser, astrolabe, server, origin, work, user):
    server.password = "pw"
    add(browser, astrolabe, server.url("acme/fleet.git", user), work)
    for page in ("/", "/repositories/fleet/"):
        browser.get(astrolabe + page)
        said = text_of(browser)
        assert "The last fetch failed" in said
        assert ("Authentication failed" if user else "could not read Username") in said
        assert "s3cret" not in browser.page_source
    assert Repository.objects.get().change_requests.count() == 0


@pytest.mark.parametrize(
    ("branches", "said"), [((), "has no branch yet"), (("one", "two"), "the default branch is not known")]
)
def test_a_repository_without_a_default_branch_is_said_without_its_password(
    browser, astrolabe, server, work, branches, said
):
    server.password = "s3cret"
    bare = GitRepository(server.root / "acme" / "fleet.git")
    for branch in branches:
        bare.commit({"a.txt": "a"}, ref=f"refs/heads/{branch}")
    add(browser, astrolabe, server.url("acme/fleet.git", "robot:s3cret"), work)
    assert said in text_of(browser)
    assert "s3cret" not in browser.page_source
    browser.get(astrolabe)
    assert said in text_of(browser)
    assert "s3cret" not in browser.page_source


def add(browser, astrolabe, address, work):
    """Adds the repository in the page, has it fetched, and looks at it again."""
    browser.get(astrolabe)
    browser.find_element(By.ID, "id_url").send_keys(address)
    browser.find_element(By.ID, "id_name").send_keys("Fleet")
    browser.find_element(By.XPATH, "//button[text()='Add repository']").click()
    wait(browser, lambda b: "/repositories/fleet/" in b.current_url)
    work()
    browser.refresh()
