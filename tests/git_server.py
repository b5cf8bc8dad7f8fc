"""A Git server on this machine: the protocol is that of `git http-backend`, and a developer clones from it and pushes."""

from __future__ import annotations

import base64
import gzip
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_CLEAN = {
    "PATH": os.environ.get("PATH", os.defpath),
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
}


class GitServer:
    """Serves the bare repositories below a folder, for fetches and pushes.

    With `password` set, whoever asks has to be `robot` with that password. `requests` are (method, path) as they came.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.password = ""
        self.requests: list[tuple[str, str]] = []
        self._server: ThreadingHTTPServer | None = None
        self.port = 0
        self.start()

    def url(self, path: str, user: str = "") -> str:
        """The address of a repository; `user` is `name:password`."""
        return f"http://{user}@127.0.0.1:{self.port}/{path}" if user else f"http://127.0.0.1:{self.port}/{path}"

    def start(self) -> None:
        served = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.headers.get("Transfer-Encoding") == "chunked":
                    body = b"".join(iter(self.chunk, b""))
                served.requests.append((self.command, self.path))
                if served.may(self.headers.get("Authorization", "")):
                    status, headers, content = served.ask(self, body)
                else:
                    status, headers, content = 401, [("WWW-Authenticate", 'Basic realm="git"')], b""
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def chunk(self):
                content = self.rfile.read(int(self.rfile.readline(), 16))
                self.rfile.readline()
                return content

            do_GET = do_POST = answer

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def may(self, authorization: str) -> bool:
        wanted = base64.b64encode(f"robot:{self.password}".encode()).decode()
        return not self.password or authorization == f"Basic {wanted}"

    def ask(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """Runs git's own CGI program, and gives what it answers."""
        path, _, query = request.path.partition("?")
        if request.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        environment = _CLEAN | {
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
            "REQUEST_METHOD": request.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_USER": "robot",  # else it takes no pushes
            "REMOTE_ADDR": "127.0.0.1",
        }
        said = subprocess.run(["git", "http-backend"], env=environment, input=body, capture_output=True, check=True)
        head, _, content = said.stdout.partition(b"\r\n\r\n")
        headers = [
            (name, value.strip()) for name, _, value in (row.partition(":") for row in head.decode().split("\r\n"))
        ]
        status = next((int(value.split()[0]) for name, value in headers if name == "Status"), 200)
        return status, [row for row in headers if row[0] != "Status"], content


class Developer:
    """Somebody with a clone, who knows no other way to the server than Git."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self._run("clone", "--quiet", url, str(folder))
        self._run("config", "user.name", "Kim", at=folder)
        self._run("config", "user.email", "kim@example.com", at=folder)

    def git(self, *arguments: str) -> str:
        return self._run(*arguments, at=self.folder)

    def commit(self, files: dict[str, str], message: str = "A change", amend: bool = False) -> str:
        """Commits on top of where the clone stands, or instead of its last commit; gives the commit's id."""
        for path, text in files.items():
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_text(text, encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message, *(["--amend"] if amend else []))
        return self.git("rev-parse", "HEAD")

    def _run(self, *arguments: str, at: Path | None = None) -> str:
        done = subprocess.run(["git", *arguments], cwd=at, env=_CLEAN, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()
