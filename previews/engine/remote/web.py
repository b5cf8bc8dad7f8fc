"""Fetching by HTTP what another host has: allowed hosts only, bounded in size and time, each redirect checked."""

from __future__ import annotations

import base64
import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import urljoin

from previews.engine.remote.hosts import Hosts, Place, Unreachable

MAX_REDIRECTS = 5
CONNECT_SECONDS = 10
FETCH_SECONDS = 60
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, repr=False)
class Credential:
    """How we tell a host who we are. It has no printed form."""

    username: str = ""
    password: str = ""
    token: str = ""

    def header(self) -> str:
        """The value of an Authorization header."""
        if self.token:
            return f"Bearer {self.token}"
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


@dataclass(frozen=True)
class Answer:
    """What a host said: status, headers by lower-case name, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    host: str


class Web:
    """Fetches from allowed hosts. A host that did not answer is not asked again."""

    def __init__(self, hosts: Hosts, credentials: Mapping[str, Credential], seconds: float = FETCH_SECONDS) -> None:
        """`credentials` are by host, or host:port; `seconds` is how long one fetch may take, redirects included."""
        self.hosts = hosts
        self.credentials = credentials
        self._seconds = seconds
        self._silent: dict[str, str] = {}

    def fetch(self, url: str, limit: int) -> bytes:
        """The body of a page that must be there. Raises Unreachable."""
        answer = self.get(url, limit)
        if answer.status != http.HTTPStatus.OK:
            raise Unreachable(f"{answer.host} answered {answer.status}{_hint(answer.status, answer.host)}")
        return answer.body

    def get(self, url: str, limit: int, headers: Mapping[str, str] | None = None) -> Answer:
        """An answer of at most `limit` bytes, redirects followed.

        An Authorization header of `headers` goes to the first host only; others get what the credentials have for
        them. Raises Unreachable.
        """
        asked = dict(headers or {})
        deadline = time.monotonic() + self._seconds
        for _ in range(MAX_REDIRECTS + 1):
            place = self.hosts.check(url)
            answer = self._ask(place, asked, limit, deadline)
            if answer.status not in _REDIRECTS or "location" not in answer.headers:
                return answer
            asked.pop("Authorization", None)
            url = urljoin(f"{place.scheme}://{place.name}{place.target}", answer.headers["location"])
        raise Unreachable(f"{place.name} redirects more than {MAX_REDIRECTS} times")

    def _ask(self, place: Place, headers: Mapping[str, str], limit: int, deadline: float) -> Answer:
        if place.name in self._silent:
            raise Unreachable(self._silent[place.name])
        credential = self.credentials.get(place.name)
        own = {"Host": place.name, "User-Agent": "astrolabe", "Accept-Encoding": "identity"}
        if credential is not None and "Authorization" not in headers:
            own["Authorization"] = credential.header()
        connection = _Pinned(place)
        try:
            with _ends_at(connection, deadline):
                connection.request("GET", place.target, headers={**own, **headers})
                response = connection.getresponse()
                body = _read(response, limit, place.name)
                if time.monotonic() >= deadline:
                    raise TimeoutError  # what was cut may look as if it were complete
                found = {name.lower(): value for name, value in response.getheaders()}
                return Answer(response.status, found, body, place.name)
        except (OSError, http.client.HTTPException, ValueError) as error:
            text = f"{place.name} cannot be reached: {_reason(error, deadline, self._seconds)}"
            self._silent[place.name] = text
            raise Unreachable(text) from None
        finally:
            connection.close()


class _Pinned(http.client.HTTPConnection):
    """A connection to the address that was checked, whatever the name may mean by now."""

    def __init__(self, place: Place) -> None:
        super().__init__(place.host, place.port, timeout=CONNECT_SECONDS)
        self._place = place
        self._wire: socket.socket | None = None

    def connect(self) -> None:
        """Connects, for https with the certificate checked against the name."""
        # HTTPConnection forgets `sock` while an answer is still being read from it.
        self.sock = self._wire = socket.create_connection((self._place.address, self._place.port), CONNECT_SECONDS)
        if self._place.scheme == "https":
            self.sock = self._wire = _context().wrap_socket(self.sock, server_hostname=self._place.host)

    def cut(self) -> None:
        """Ends the connection under whoever reads from it."""
        if self._wire is not None:
            with contextlib.suppress(OSError):
                self._wire.shutdown(socket.SHUT_RDWR)


@cache
def _context() -> ssl.SSLContext:
    return ssl.create_default_context()


@contextlib.contextmanager
def _ends_at(connection: _Pinned, deadline: float) -> Iterator[None]:
    """Cuts the connection at the deadline: a host that sends a byte now and then would never run into a timeout."""
    timer = threading.Timer(max(0.0, deadline - time.monotonic()), connection.cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _read(response: http.client.HTTPResponse, limit: int, host: str) -> bytes:
    body = bytearray()
    while data := response.read1(1 << 16):
        body += data
        if len(body) > limit:
            raise Unreachable(f"{host} sends more than {limit // 1_000_000} MB")
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    return bytes(body)


def _reason(error: Exception, deadline: float, seconds: float) -> str:
    if time.monotonic() >= deadline:
        return f"it took longer than {seconds:g} s"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted ({error.verify_message})"
    if isinstance(error, TimeoutError):
        return f"no answer within {CONNECT_SECONDS} s"
    return (error.strerror if isinstance(error, OSError) else "") or type(error).__name__


def _hint(status: int, host: str) -> str:
    if status in (http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.FORBIDDEN):
        return f" (put credentials for {host} into the file that ASTROLABE_REMOTES names)"
    return ""
