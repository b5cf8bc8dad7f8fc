"""Servers on this machine that speak what chart repositories, registries and Git hosts speak; and some that lie."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import subprocess
import tarfile
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

Page = bytes | Callable[["Request"], None]


class Request(BaseHTTPRequestHandler):
    """One request; what was asked is kept in the server's `asked`."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        self.server.headers_seen.append(dict(self.headers))  # type: ignore[attr-defined]
        page = self.server.find(urlsplit(self.path).path)  # type: ignore[attr-defined]
        if callable(page):
            page(self)
        else:
            self.answer(200 if page is not None else 404, page or b"")

    do_POST = do_GET

    @property
    def query(self) -> dict[str, str]:
        return {key: found[0] for key, found in parse_qs(urlsplit(self.path).query).items()}

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle(self) -> None:
        with contextlib.suppress(OSError):  # the client has had enough
            super().handle()

    def log_message(self, *_: object) -> None:
        pass


class WebServer(ThreadingHTTPServer):
    """A web server at `host`, such as 127.0.0.1:40000, with the pages that are put into it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.pages: dict[str, Page] = {}
        self.asked: list[str] = []
        self.headers_seen: list[dict[str, str]] = []
        self.host = f"127.0.0.1:{self.server_address[1]}"
        self.url = f"http://{self.host}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def find(self, path: str) -> Page | None:
        longest = max((key for key in self.pages if key.endswith("*") and path.startswith(key[:-1])), default="")
        return self.pages.get(path, self.pages.get(longest))

    def close(self) -> None:
        self.shutdown()
        self.server_close()


def archive(files: Mapping[str, str | bytes], *members: tarfile.TarInfo) -> bytes:
    """A gzipped tar of files, and of members that are none."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as packed:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size = len(data)
            packed.addfile(member, io.BytesIO(data))
        for member in members:
            packed.addfile(member)
    return out.getvalue()


def chart_archive(name: str, version: str, templates: Mapping[str, str], **files: str) -> bytes:
    """A packed chart; `files` are further ones, by name with `_` for `.`."""
    metadata = f"apiVersion: v2\nname: {name}\nversion: {version}\n" + files.pop("dependencies", "")
    content = {f"{name}/Chart.yaml": metadata}
    content |= {f"{name}/templates/{file}": text for file, text in templates.items()}
    content |= {f"{name}/{file.replace('_', '.')}": text for file, text in files.items()}
    return archive(content)


class HelmRepository(WebServer):
    """A Helm repository at `url`."""

    def __init__(self) -> None:
        super().__init__()
        self.charts: dict[str, list[dict]] = {}

    def add(self, name: str, version: str, data: bytes, digest: str | None = None, url: str | None = None) -> None:
        file = url or f"archives/{name}-{version}.tgz"
        self.pages[f"/{file}"] = data
        found = hashlib.sha256(data).hexdigest() if digest is None else digest
        self.charts.setdefault(name, []).append({"version": version, "urls": [file], "digest": found})
        lines = ["apiVersion: v1", "entries:"]
        for chart, rows in self.charts.items():
            lines.append(f"  {chart}:")
            for row in rows:
                lines += [f"  - version: {row['version']}", f"    digest: {row['digest']}", "    urls:"]
                lines += [f"    - {row['urls'][0]}"]
        self.pages["/index.yaml"] = "\n".join([*lines, 'generated: "2026-01-01T00:00:00Z"', ""]).encode()


class OciRegistry(WebServer):
    """A registry that gives its things only to those with a token, and tags page by page."""

    TOKEN = "let-me-in"

    def __init__(self, password: str = "") -> None:
        super().__init__()
        self.password = password
        self.tags: dict[str, list[str]] = {}
        self.pages["/token"] = self._token
        self.pages["/v2/*"] = self._serve
        self.things: dict[str, bytes] = {}

    def add(self, name: str, tag: str, layer: bytes, media_type: str = "", digest: str = "") -> str:
        kind = media_type or "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
        digest = digest or _digest(layer)
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": {"mediaType": "application/vnd.cncf.helm.config.v1+json"},
                "layers": [
                    {"mediaType": "application/vnd.cncf.helm.chart.provenance.v1.prov", "digest": _digest(b"")},
                    {"mediaType": kind, "digest": digest, "size": len(layer)},
                ],
            }
        ).encode()
        base = f"/v2/{name}"
        self.things |= {f"{base}/blobs/{digest}": layer, f"{base}/manifests/{tag}": manifest}
        self.things[f"{base}/manifests/{_digest(manifest)}"] = manifest
        self.tags.setdefault(name, []).append(tag)
        return _digest(manifest)

    def _token(self, request: Request) -> None:
        known = not self.password or request.headers.get("Authorization") == self.password
        request.answer(200 if known else 401, json.dumps({"token": self.TOKEN}).encode())

    def _serve(self, request: Request) -> None:
        path = urlsplit(request.path).path
        if request.headers.get("Authorization") != f"Bearer {self.TOKEN}":
            realm = f'Bearer realm="{self.url}/token",service="test",scope="repository:x:pull"'
            request.answer(401, WWW_Authenticate=realm)
        elif path.endswith("/tags/list"):
            self._list(request, path)
        elif path in self.things:
            request.answer(200, self.things[path])
        else:
            request.answer(404)

    def _list(self, request: Request, path: str) -> None:
        tags = sorted(self.tags.get(path.removeprefix("/v2/").removesuffix("/tags/list"), []))
        after = [tag for tag in tags if tag > request.query.get("last", "")]
        link = {"Link": f'<{path}?last={after[1]}&n=2>; rel="next"'} if len(after) > 2 else {}
        request.answer(200, json.dumps({"tags": after[:2]}).encode(), **link)


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class GitServer(WebServer):
    """Serves bare repositories as `url`/name by Git's smart protocol."""

    def __init__(self, repositories: Mapping[str, Path]) -> None:
        super().__init__()
        for name, folder in repositories.items():
            self.pages[f"/{name}/info/refs"] = lambda request, at=folder: self._advertise(request, at)
            self.pages[f"/{name}/git-upload-pack"] = lambda request, at=folder: self._upload(request, at)

    def _advertise(self, request: Request, folder: Path) -> None:
        found = self._run(request, folder, "--advertise-refs")
        text = b"001e# service=git-upload-pack\n0000" + found
        request.answer(200, text, Content_Type="application/x-git-upload-pack-advertisement")

    def _upload(self, request: Request, folder: Path) -> None:
        import gzip

        sent = request.rfile.read(int(request.headers["Content-Length"]))
        sent = gzip.decompress(sent) if request.headers.get("Content-Encoding") == "gzip" else sent
        found = self._run(request, folder, send=sent)
        request.answer(200, found, Content_Type="application/x-git-upload-pack-result")

    def _run(self, request: Request, folder: Path, *options: str, send: bytes = b"") -> bytes:
        command = ["git", "-c", "uploadpack.allowReachableSHA1InWant=true", "upload-pack", "--stateless-rpc"]
        environment = {**os.environ, "GIT_PROTOCOL": request.headers.get("Git-Protocol", "")}
        done = subprocess.run([*command, *options, str(folder)], input=send, capture_output=True, env=environment)
        return done.stdout
