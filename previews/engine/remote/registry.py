"""OCI registries: tags, manifests and layers of what is kept there (OCI distribution specification, v1.1).

Mirrors what pkg/registry of Helm and util/oci of Argo CD do for charts and artifacts.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urljoin

from previews.engine.remote.archives import MAX_PACKED
from previews.engine.remote.hosts import Unreachable
from previews.engine.remote.web import Answer, Web

CHART_LAYERS = ("application/vnd.cncf.helm.chart.content.v1.tar+gzip", "application/tar+gzip")
_CONTENT_ENDINGS = ("tar", "tar+gzip", "tar.gzip")
_INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
_MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json", *_INDEXES,
)  # fmt: skip
_MAX_JSON = 4_000_000
_MAX_PAGES = 200
_NAME = re.compile(r"[a-z0-9]+(?:[._/-]+[a-z0-9]+)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class Artifact:
    """What a tag or digest stands for: the manifest's digest, and its one layer of content."""

    digest: str
    layer: str
    is_chart: bool


class Registry:
    """One repository of one registry, such as `registry.example.com/charts/web`."""

    def __init__(self, web: Web, address: str) -> None:
        """`address` is without a scheme. Raises Unreachable when it is no address of a repository."""
        host, _, name = address.removeprefix("oci://").strip("/").partition("/")
        if not host or not _NAME.fullmatch(name):
            raise Unreachable(f"{address!r} is no repository of a registry")
        self._web = web
        self._host = "registry-1.docker.io" if host in ("docker.io", "index.docker.io") else host
        self._base = f"{web.hosts.scheme_of(self._host)}://{self._host}/v2/{name}/"
        self._name = name
        self._authorization = ""

    def tags(self) -> list[str]:
        """All tags, with `_` as `+`, which tags cannot hold and versions may. Raises Unreachable."""
        url, found = urljoin(self._base, "tags/list?n=1000"), list[str]()
        for _ in range(_MAX_PAGES):
            answer = self._get(url, "application/json", _MAX_JSON)
            content = _json(answer, "tags")
            found += [str(tag).replace("_", "+") for tag in content.get("tags") or ()]
            link = re.match(r"<([^>]+)>", answer.headers.get("link", ""))
            if not link:
                return found
            url = urljoin(url, link[1])
        raise Unreachable(f"{self._host} lists more than {_MAX_PAGES} pages of tags")

    def artifact(self, reference: str) -> Artifact:
        """What a tag or digest stands for. Raises Unreachable when it is not there or no chart or plain content."""
        for _ in range(2):
            content, digest = self._manifest(reference)
            if content.get("mediaType") not in _INDEXES:
                break
            inside = content.get("manifests")
            if not isinstance(inside, list) or len(inside) != 1:
                raise Unreachable(f"{reference} is a list of images, not a chart")
            reference = str(inside[0].get("digest"))
        layers = [layer for layer in content.get("layers") or () if isinstance(layer, dict)]
        kept = [layer for layer in layers if str(layer.get("mediaType")).endswith(_CONTENT_ENDINGS)]
        if len(kept) != 1:
            raise Unreachable(f"{reference} has {len(kept)} layers of content; it must have one")
        return Artifact(digest, str(kept[0].get("digest")), kept[0].get("mediaType") in CHART_LAYERS)

    def layer(self, digest: str) -> bytes:
        """A layer's bytes, checked against its digest. Raises Unreachable."""
        if not _DIGEST.fullmatch(digest):
            raise Unreachable(f"{digest[:80]!r} is no SHA-256 digest")
        data = self._get(urljoin(self._base, f"blobs/{digest}"), "*/*", MAX_PACKED).body
        _verify(data, digest, self._host)
        return data

    def _manifest(self, reference: str) -> tuple[Mapping[str, Any], str]:
        name = reference.replace("+", "_")
        if not _TAG.fullmatch(name) and not _DIGEST.fullmatch(name):
            raise Unreachable(f"{reference[:80]!r} is no tag of a registry")
        url = urljoin(self._base, f"./manifests/{name}")
        answer = self._get(url, ", ".join(_MANIFESTS), _MAX_JSON)
        digest = f"sha256:{hashlib.sha256(answer.body).hexdigest()}"
        if reference.startswith("sha256:"):
            _verify(answer.body, reference, self._host)
        return _json(answer, "manifest"), digest

    def _get(self, url: str, accept: str, limit: int) -> Answer:
        for _ in range(2):
            headers = {"Accept": accept} | ({"Authorization": self._authorization} if self._authorization else {})
            answer = self._web.get(url, limit, headers)
            if answer.status == HTTPStatus.OK:
                return answer
            if answer.status != HTTPStatus.UNAUTHORIZED or answer.host != self._web.hosts.check(url).name:
                break
            self._authorization = self._answer_to(answer.headers.get("www-authenticate", ""))
        if answer.status == HTTPStatus.NOT_FOUND:
            raise Unreachable(f"{answer.host} does not have it")
        hint = " (credentials belong into the file that ASTROLABE_REMOTES names)"
        refused = answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
        raise Unreachable(f"{answer.host} answered {answer.status}{hint if refused else ''}")

    def _answer_to(self, challenge: str) -> str:
        """The Authorization that a registry asks for: a token of its token server, or our credentials."""
        kind, _, rest = challenge.partition(" ")
        given = dict(_CHALLENGE.findall(rest))
        credential = self._web.credentials.get(self._host)
        if kind.lower() == "basic" and credential is not None:
            return credential.header()
        if kind.lower() != "bearer" or not given.get("realm"):
            raise Unreachable(f"{self._host} wants credentials; put them into the file that ASTROLABE_REMOTES names")
        scope = given.get("scope") or f"repository:{self._name}:pull"
        query = urlencode({key: given[key] for key in ("service",) if key in given} | {"scope": scope})
        separator = "&" if "?" in given["realm"] else "?"
        own = {"Authorization": credential.header()} if credential else {}
        answer = self._web.get(f"{given['realm']}{separator}{query}", _MAX_JSON, own)
        if answer.status != HTTPStatus.OK:
            raise Unreachable(f"{answer.host}, which gives out tokens for {self._host}, answered {answer.status}")
        content = _json(answer, "token")
        token = str(content.get("token") or content.get("access_token") or "")
        if not re.fullmatch(r"[\x21-\x7e]+", token):
            raise Unreachable(f"{answer.host} gave no usable token")
        return f"Bearer {token}"


def _json(answer: Answer, what: str) -> dict[str, Any]:
    try:
        content = json.loads(answer.body)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise Unreachable(f"the {what} that {answer.host} gives is no JSON object")
    return content


def _verify(data: bytes, digest: str, host: str) -> None:
    if f"sha256:{hashlib.sha256(data).hexdigest()}" != digest:
        raise Unreachable(f"what {host} gives does not have the digest {digest}")
