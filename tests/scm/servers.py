"""A provider on this machine: it speaks the protocol of one of the four, remembers what it was told, and may fail."""

from __future__ import annotations

import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "t0p-s3cret"

#: For each provider: its API's path, the header that must come, the paths of statuses and comments, and how to edit.
SHAPES = {
    "github": (
        "/api/v3",
        ("Authorization", f"Bearer {TOKEN}"),
        r"/repos/acme/fleet/statuses/(\w+)",
        r"/repos/acme/fleet/issues/(\d+)/comments",
        r"/repos/acme/fleet/issues/comments/(\d+)",
        "PATCH",
    ),
    "gitea": (
        "/api/v1",
        ("Authorization", f"token {TOKEN}"),
        r"/repos/acme/fleet/statuses/(\w+)",
        r"/repos/acme/fleet/issues/(\d+)/comments",
        r"/repos/acme/fleet/issues/comments/(\d+)",
        "PATCH",
    ),
    "gitlab": (
        "/api/v4",
        ("PRIVATE-TOKEN", TOKEN),
        r"/projects/acme%2Ffleet/statuses/(\w+)",
        r"/projects/acme%2Ffleet/merge_requests/(\d+)/notes",
        r"/projects/acme%2Ffleet/merge_requests/\d+/notes/(\d+)",
        "PUT",
    ),
    "bitbucket": (
        "/2.0",
        ("Authorization", f"Bearer {TOKEN}"),
        r"/repositories/acme/fleet/commit/(\w+)/statuses/build",
        r"/repositories/acme/fleet/pullrequests/(\d+)/comments",
        r"/repositories/acme/fleet/pullrequests/\d+/comments/(\d+)",
        "PUT",
    ),
}
PAGE = 100


class Provider:
    """`statuses` are (commit, name, state, text, link) in order, `comments` texts by id, `calls` (method, path).

    `fault` answers instead, when it gives (status, headers, content) for a method and path; `lose_answers` does what
    is asked and then says nothing of it; `delay` is how many seconds each call takes; `is_fork` whether the pull
    request comes from one.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.prefix, self.auth, self._statuses, self._list, self._one, self._edit = SHAPES[kind]
        self.statuses: list[tuple[str, str, str, str, str]] = []
        self.comments: dict[int, str] = {}
        self.calls: list[tuple[str, str]] = []
        self.fault = lambda method, path: None
        self.lose_answers = False
        self.delay = 0.0
        self.is_fork = False
        self._ids = 4000
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.prefix}"

    def writes(self) -> list[tuple[str, str]]:
        """The calls that are to change something."""
        return [call for call in self.calls if call[0] != "GET"]

    def start(self) -> None:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self):
                length = int(self.headers.get("Content-Length") or 0)
                content = json.loads(self.rfile.read(length)) if length else None
                time.sleep(provider.delay)
                status, headers, told = provider.take(self.command, self.path, self.headers, content)
                if provider.lose_answers:
                    self.close_connection = True
                    return
                body = told if isinstance(told, bytes) else json.dumps(told).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_PATCH = answer

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_):
                """A client that left is no news."""

        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def take(self, method, path, headers, content):
        with self._lock:
            self.calls.append((method, path))
            if (fault := self.fault(method, path)) is not None:
                return fault
            if headers.get(self.auth[0]) != self.auth[1]:
                return 401, {}, {"message": f"Bad credentials: {headers.get(self.auth[0])}"}
            place, _, query = path.removeprefix(self.prefix).partition("?")
            if not path.startswith(self.prefix):
                return 404, {}, {"message": "Not Found"}
            if (found := re.fullmatch(self._statuses, place)) and method == "POST":
                return self._status(found[1], content)
            if self.kind == "gitlab" and method == "GET" and place.endswith("/merge_requests/12"):
                source = 7 if self.is_fork else 5
                return 200, {}, {"source_branch": "labels", "source_project_id": source, "target_project_id": 5}
            if re.fullmatch(self._list, place):
                return self._make(content) if method == "POST" else self._page(query)
            if (found := re.fullmatch(self._one, place)) and method == self._edit:
                return self._change(int(found[1]), content)
            return 404, {}, {"message": "Not Found"}

    def _status(self, commit, content):
        name = content.get("context") or content.get("name")
        if self.kind == "bitbucket":
            if not content.get("url") or len(content["key"]) > 40:
                return 400, {}, {"type": "error", "error": {"message": "Bad request"}}
            name = content["key"]
        if self.kind == "gitlab":
            if content.get("ref") != ("refs/merge-requests/12/head" if self.is_fork else "labels"):
                return 404, {}, {"message": "404 References for commit Not Found"}
            before = [row for row in self.statuses if row[:2] == (commit, name)]
            if before and before[-1][2] == content["state"] == "pending":
                said = 'Cannot transition status via :enqueue from :pending (Reason(s): Status cannot transition via "enqueue")'
                return 400, {}, {"message": said}
        if len(content.get("description", "")) > (140 if self.kind == "github" else 255):
            return 422, {}, {"message": "Validation Failed: description is too long"}
        link = content.get("target_url") or content.get("url") or ""
        self.statuses.append((commit, name, content["state"], content["description"], link))
        return 201, {}, {"id": 1, "state": content["state"]}

    def _make(self, content):
        self._ids += 1
        return self._change(self._ids, content, status=201)

    def _change(self, number, content, status=200):
        if status == 200 and number not in self.comments:
            return 404, {}, {"message": "Not Found"}
        text = content["content"]["raw"] if self.kind == "bitbucket" else content["body"]
        if len(text) > {"gitlab": 1_000_000, "bitbucket": 32_768}.get(self.kind, 65_536):
            return 422, {}, {"message": "body is too long"}
        self.comments[number] = text
        return status, {}, self._row(number)

    def _page(self, query):
        wanted = dict(part.split("=") for part in query.split("&") if part)
        order = sorted(self.comments, reverse="sort" in wanted)
        if self.kind != "gitea":
            first = (int(wanted.get("page", 1)) - 1) * PAGE
            order = order[first : first + PAGE]
        rows = [self._row(number) for number in order]
        return 200, {}, {"values": rows} if self.kind == "bitbucket" else rows

    def _row(self, number):
        text = self.comments[number]
        return {"id": number, **({"content": {"raw": text}} if self.kind == "bitbucket" else {"body": text})}
