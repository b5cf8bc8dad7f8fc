"""A provider's API: JSON over https, bounded in size and time; no redirects, and the token is never told."""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import json
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit

CONNECT_SECONDS = 10
#: How long all calls of one client may take together. Whoever claims a row to send it claims it for longer.
CLIENT_SECONDS = 60
MAX_BYTES = 8_000_000
_PORTS = {"https": 443, "http": 80}
_RETRY_SECONDS = 60
_LONGEST_WAIT = 6 * 3600


class Refused(Exception):
    """The provider does not take it, and would not next time either; the message says what to do."""


class Gone(Refused):
    """What was to be read or written is not there (any more)."""


class Later(Exception):
    """The provider cannot be asked now; `seconds` is when to try again, 0 where it did not say."""

    def __init__(self, message: str, seconds: float = 0) -> None:
        super().__init__(message)
        self.seconds = min(max(seconds, 0), _LONGEST_WAIT)


class Client:
    """Calls one API with one token. For one piece of work: its clock begins when it is made."""

    def __init__(self, url: str, headers: Mapping[str, str], secret: str, allow_local: bool = False) -> None:
        """`headers` hold the `secret`, which is cut from all that is told. `allow_local` lets http and this machine be.

        Raises Refused for an address that may not be asked.
        """
        parts = urlsplit(url)
        self._scheme, self._host, self._base = parts.scheme, parts.hostname or "", parts.path.rstrip("/")
        try:
            self._port = parts.port or _PORTS[parts.scheme]
        except (KeyError, ValueError):
            raise Refused("the address of the API must begin with https://") from None
        if self._scheme != "https" and not allow_local:
            raise Refused("the address of the API must begin with https://")
        is_plain = url.isascii() and url.isprintable() and " " not in url
        if not is_plain or not self._host or parts.username is not None or parts.query or parts.fragment:
            raise Refused("the address of the API must be like https://api.example.com/path, with nothing more in it")
        host = f"[{self._host}]" if ":" in self._host else self._host
        self._headers = {
            "Host": host if self._port == _PORTS[parts.scheme] else f"{host}:{self._port}",
            "User-Agent": "astrolabe",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            **headers,
        }
        self._secret = secret
        self._allow_local = allow_local
        self._deadline = time.monotonic() + CLIENT_SECONDS

    def call(self, method: str, path: str, content: Mapping[str, Any] | None = None) -> Any:
        """Calls `path` (below the API's address, begins with a slash) and gives the JSON that it answers.

        Raises Refused, Gone (404 and 410), or Later (no answer, 5xx, rate limits, another call at the same time).
        """
        body = None if content is None else json.dumps(content).encode()
        headers = self._headers | ({} if body is None else {"Content-Type": "application/json"})
        connection = _Pinned(self._host, self._port, self._address(), self._scheme == "https")
        timer = threading.Timer(max(0.0, self._deadline - time.monotonic()), connection.cut)
        timer.daemon = True
        timer.start()
        try:
            connection.request(method, self._base + path, body, headers)
            response = connection.getresponse()
            data = response.read(MAX_BYTES + 1)
            if response.length and len(data) <= MAX_BYTES:
                raise http.client.IncompleteRead(b"", response.length)
            if time.monotonic() >= self._deadline:
                raise TimeoutError  # what was cut may look as if it were complete
        except ssl.SSLCertVerificationError as error:
            raise Later(f"{self._host}: its certificate is not accepted ({error.verify_message})") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Later(f"{self._host} cannot be reached ({self._reason(error)})") from None
        finally:
            timer.cancel()
            connection.close()
        return self._read(response, data)

    def _address(self) -> str:
        """The address to connect to: looked up once, and never this machine or its neighbours unless it is meant."""
        try:
            rows = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise Later(f"the name {self._host} is not known here") from None
        address = ipaddress.ip_address(str(rows[0][4][0]).partition("%")[0])
        address = getattr(address, "ipv4_mapped", None) or address
        if address.is_loopback and self._allow_local:
            return str(address)
        if self._scheme != "https":
            raise Refused("the address of the API must begin with https://")
        if address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified:
            raise Refused(f"{self._host} lies at {address}, which is no place for an API")
        return str(address)

    def _reason(self, error: Exception) -> str:
        if time.monotonic() >= self._deadline or isinstance(error, TimeoutError):
            return "no answer in time"
        return (error.strerror if isinstance(error, OSError) else "") or type(error).__name__

    def _read(self, response: http.client.HTTPResponse, data: bytes) -> Any:
        status = response.status
        if len(data) > MAX_BYTES:
            raise Refused(f"{self._host} answers with more than {MAX_BYTES // 1_000_000} MB")
        try:
            content = json.loads(data) if data else None
        except (ValueError, RecursionError):
            content = None
            if status < 300:
                raise Refused(f"{self._host} does not answer with JSON; is this the address of its API?") from None
        if status < 300:
            return content
        said = f"{self._host} answers {status}{self._said(content)}"
        needed = _needed(response, content)
        if status in (408, 409, 429) or status >= 500 or (status == 403 and _is_rate_limit(response, content)):
            raise Later(said, _wait(response) or (_RETRY_SECONDS if status in (403, 429) else 0))
        if status in (404, 410):
            raise Gone(f"{said}: not there, or the token may not see it")
        if status == 401:
            raise Refused(f"{said}: the token is not accepted; enter a new one in the settings")
        if status == 403:
            raise Refused(f"{said}: the token may not do this{needed}")
        if status < 400:
            raise Refused(f"{said}: it is elsewhere now; correct the address of the API or the repository")
        raise Refused(said)

    def _said(self, content: Any) -> str:
        """The provider's own words, on one line, without the token."""
        said = content.get("message") or content.get("error") if isinstance(content, dict) else None
        if isinstance(said, dict):
            said = said.get("message") or said
        text = " ".join(str(said).split()) if said else ""
        return f" ({text.replace(self._secret, '•••') if self._secret else text})"[:300] if text else ""


class _Pinned(http.client.HTTPConnection):
    """A connection to the address that was checked, for https with the certificate checked against the name."""

    def __init__(self, host: str, port: int, address: str, is_https: bool) -> None:
        super().__init__(host, port, timeout=CONNECT_SECONDS)
        self._address, self._is_https = address, is_https
        self._wire: socket.socket | None = None
        self._is_cut = False

    def connect(self) -> None:
        """Connects."""
        # HTTPConnection forgets `sock` while an answer is still being read from it.
        self.sock = self._wire = socket.create_connection((self._address, self.port), CONNECT_SECONDS)
        if self._is_cut:
            raise TimeoutError
        if self._is_https:
            self.sock = self._wire = _context().wrap_socket(self.sock, server_hostname=self.host)

    def cut(self) -> None:
        """Ends the connection under whoever reads from it: a byte now and then would never run into a timeout."""
        self._is_cut = True
        if self._wire is not None:
            with contextlib.suppress(OSError):
                self._wire.shutdown(socket.SHUT_RDWR)


@cache
def _context() -> ssl.SSLContext:
    return ssl.create_default_context()


def _is_rate_limit(response: http.client.HTTPResponse, content: Any) -> bool:
    """GitHub's primary limit says that nothing remains, its secondary one how long to wait, or only so in words."""
    if response.headers.get("Retry-After") or response.headers.get("X-RateLimit-Remaining") == "0":
        return True
    return isinstance(content, dict) and "rate limit" in str(content.get("message", "")).lower()


def _needed(response: http.client.HTTPResponse, content: Any) -> str:
    """The rights that a call needs, where the provider names them: GitHub in a header, Bitbucket in its error."""
    named = response.headers.get("X-Accepted-GitHub-Permissions", "")
    error = content.get("error") if isinstance(content, dict) else None
    detail = error.get("detail") if isinstance(error, dict) else None
    if isinstance(detail, dict) and isinstance(detail.get("required"), list):
        named = ", ".join(map(str, detail["required"]))
    return (
        f"; it needs {' '.join(named.split())[:200]}" if named else "; docs/operations.md tells which rights it needs"
    )


def _wait(response: http.client.HTTPResponse) -> float:
    """Seconds that the provider asks for: Retry-After, or until its limit begins anew (GitHub, GitLab)."""
    after = response.headers.get("Retry-After", "")
    if after.isdecimal() and after.isascii():
        return float(after)
    reset = response.headers.get("X-RateLimit-Reset") or response.headers.get("RateLimit-Reset") or ""
    return max(float(reset) - time.time(), 1.0) if reset.isdecimal() and reset.isascii() else 0.0
