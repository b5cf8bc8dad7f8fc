"""Calls to a provider: where they may go, how they end, and what is told of them."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from previews.scm.client import Client, Gone, Later, Refused
from previews.scm.places import project_of
from tests.scm.servers import TOKEN


def client_of(provider):
    return Client(provider.url, {provider.auth[0]: provider.auth[1]}, TOKEN, allow_local=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com",
        "ftp://api.example.com",
        "api.example.com",
        "",
        "https://user:pw@api.example.com",
        "https://api.example.com/?a=b",
        "https://api.example.com:port/",
        "https://",
        "https://api.example.com/a b",
        "https://api.example.com/a\nb",
        "https://äpi.example.com",
    ],
)
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(Refused, match="address of the API"):
        Client(url, {}, "")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "[::ffff:127.0.0.1]", "0.0.0.0"]
)
def test_no_call_goes_to_this_machine_or_its_neighbours(host):
    with pytest.raises(Refused, match="no place for an API"):
        Client(f"https://{host}/api", {}, "").call("GET", "/")


def test_plain_http_is_for_this_machine_only():
    with pytest.raises(Refused, match="https"):
        Client("http://10.0.0.1/api", {}, "", allow_local=True).call("GET", "/")


@pytest.mark.parametrize(
    ("status", "headers", "content", "error", "text"),
    [
        (404, {}, {"message": "Not Found"}, Gone, "answers 404 (Not Found): not there, or the token may not see it"),
        (410, {}, {}, Gone, "answers 410"),
        (401, {}, {"message": "401 Unauthorized"}, Refused, "the token is not accepted"),
        (403, {}, {"message": "Resource not accessible"}, Refused, "the token may not do this"),
        (403, {"X-Accepted-GitHub-Permissions": "statuses=write"}, {}, Refused, "it needs statuses=write"),
        (
            403,
            {},
            {"error": {"message": "no", "detail": {"required": ["a", "b"]}}},
            Refused,
            "(no): the token may not do this; it needs a, b",
        ),
        (409, {}, {"message": "Another update is in progress"}, Later, "Another update"),
        (400, {}, {"message": {"name": ["is too long"]}}, Refused, "is too long"),
        (422, {}, {"type": "error", "error": {"message": "No such commit"}}, Refused, "No such commit"),
        (302, {"Location": "https://evil.example.com/"}, {}, Refused, "it is elsewhere now"),
        (200, {}, b"<html>Sign in</html>", Refused, "does not answer with JSON"),
        (200, {}, b"[" * 100_000, Refused, "does not answer with JSON"),
        (503, {"Retry-After": "7"}, {}, Later, "answers 503"),
        (429, {"Retry-After": "soon"}, {}, Later, "answers 429"),
        (400, {}, {"message": f"bad header: Bearer {TOKEN}"}, Refused, "bad header: Bearer •••"),
        (400, {}, {"message": "x" * 9000}, Refused, "xxx"),
    ],
)
def test_what_goes_wrong_is_said_with_what_to_do(provider, status, headers, content, error, text):
    provider.fault = lambda method, path: (status, headers, content)
    with pytest.raises(error) as caught:
        client_of(provider).call("POST", "/repos/acme/fleet/statuses/1", {})
    assert text in str(caught.value)
    assert TOKEN not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_an_answer_has_an_end(provider, monkeypatch):
    monkeypatch.setattr("previews.scm.client.MAX_BYTES", 1_000_000)
    provider.fault = lambda method, path: (200, {}, b'"' + b"x" * 2_000_000 + b'"')
    with pytest.raises(Refused, match="more than 1 MB"):
        client_of(provider).call("GET", "/")


@pytest.mark.parametrize("words", [b"HTTP/1.1 200 OK\r\nX-A: ", b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"])
def test_a_provider_that_dribbles_is_left_in_time(words, monkeypatch):
    monkeypatch.setattr("previews.scm.client.CLIENT_SECONDS", 0.5)
    server = socket.create_server(("127.0.0.1", 0))

    def dribble():
        wire, _ = server.accept()
        try:
            wire.sendall(words)
            while True:
                wire.sendall(b"x")
                time.sleep(0.05)
        except OSError:
            wire.close()

    threading.Thread(target=dribble, daemon=True).start()
    began = time.monotonic()
    with pytest.raises(Later, match="no answer in time"):
        Client(f"http://127.0.0.1:{server.getsockname()[1]}", {}, "", allow_local=True).call("GET", "/")
    assert time.monotonic() - began < 3
    server.close()


def test_the_clock_of_a_client_runs_through_all_its_calls(provider, monkeypatch):
    monkeypatch.setattr("previews.scm.client.CLIENT_SECONDS", 0.3)
    client = client_of(provider)
    client.call("POST", "/repos/acme/fleet/statuses/1", {"context": "a", "state": "success", "description": ""})
    time.sleep(0.4)
    with pytest.raises(Later, match="no answer in time"):
        client.call("POST", "/repos/acme/fleet/statuses/2", {"context": "a", "state": "success", "description": ""})
    assert len(provider.statuses) == 1


@pytest.mark.parametrize(
    ("address", "api", "project"),
    [
        ("https://github.com/acme/fleet.git", "https://api.github.com", "acme/fleet"),
        ("https://token@github.com/acme/fleet", "https://api.github.com", "acme/fleet"),
        ("git@github.com:acme/fleet.git", "https://api.github.com", "acme/fleet"),
        ("ssh://git@git.example.com:2222/group/sub/fleet.git", "https://git.example.com/api/v4", "group/sub/fleet"),
        ("https://example.com/gitlab/group/fleet.git", "https://example.com/gitlab/api/v4", "group/fleet"),
        ("https://github.example.com/acme/fleet/", "https://github.example.com/api/v3", "acme/fleet"),
    ],
)
def test_the_address_tells_the_path_at_the_provider(address, api, project):
    assert project_of([address], api) == project


@pytest.mark.parametrize(
    "address",
    ["/srv/fleet.git", "file:///srv/git/fleet.git", "https://github.com/fleet", "https://h/a/../b", "https://h/a b/c"],
)
def test_an_address_that_tells_none_is_said(address):
    with pytest.raises(Refused, match="enter its web address"):
        project_of([address], "https://api.github.com")
    assert project_of([address, "https://github.com/acme/fleet"], "https://api.github.com") == "acme/fleet"
