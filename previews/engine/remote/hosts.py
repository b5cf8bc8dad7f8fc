"""Which hosts may be asked for something that a pull request names, and at which addresses: none, unless listed.

Whoever writes `repoURL: http://169.254.169.254/` wants our machine to fetch it. So a name counts only when the operator
listed it, and its addresses are looked up once, checked, and then connected to as they were checked.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from previews.engine.errors import AstrolabeError, BadInput

_PORTS = {"https": 443, "http": 80}
_RULE = re.compile(r"(?:(https?)://)?(\[[0-9A-Fa-f:.]+\]|[\w.*-]+)(?::(\d+))?(?:=([0-9A-Fa-f:./]+))?/?", re.ASCII)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Unreachable(AstrolabeError):
    """Something of another host cannot be had: it is not allowed, does not answer, or answers what may not be taken."""


@dataclass(frozen=True)
class Rule:
    """One allowed host. `host` may hold `*`; `network` is where it may lie besides public addresses."""

    scheme: str
    host: str
    port: int
    network: ipaddress.IPv4Network | ipaddress.IPv6Network | None

    def covers(self, scheme: str, host: str, port: int) -> bool:
        """Whether the rule is for a place."""
        return (scheme, port) == (self.scheme, self.port) and fnmatchcase(host, self.host)


@dataclass(frozen=True)
class Place:
    """Where to connect to: the parts of a web address, and the address that its name was checked to have."""

    scheme: str
    host: str
    port: int
    target: str
    address: str

    @property
    def name(self) -> str:
        """The host, with its port where that is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


class Hosts:
    """The hosts that the operator allows."""

    def __init__(self, listed: Iterable[str] = (), setting: str = "ASTROLABE_CHART_HOSTS") -> None:
        """`listed` entries are `host`, `host:port`, `*.host`, `http://host` and `host=network`.

        https is meant unless it says http://. Names must have public addresses, except those in the `network` that
        stands behind them; an address in place of a name means itself. `setting` is what refusals tell to change.
        Raises BadInput for an entry that is none of these.
        """
        self._rules = [_parse(item, setting) for item in listed]
        self._setting = setting

    def scheme_of(self, authority: str) -> str:
        """How to talk to `host` or `host:port`: https, unless only http:// was listed."""
        for scheme in _PORTS:
            host, port = _split(scheme, authority)
            if any(rule.covers(scheme, host, port) for rule in self._rules):
                return scheme
        return "https"

    def check(self, url: str) -> Place:
        """Where a web address leads. Raises Unreachable when it is not allowed, or its name is not known."""
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname or any(ord(c) <= 32 or ord(c) == 127 for c in url):
            raise Unreachable(f"{_shown(url)} is no web address")
        if parts.username is not None:
            raise Unreachable(f"the address at {parts.hostname} holds credentials; they belong into the settings")
        host, port = _split(parts.scheme, parts.netloc)
        rules = [rule for rule in self._rules if rule.covers(parts.scheme, host, port)]
        place = Place(parts.scheme, host, port, parts.path or "/", "")
        if not rules:
            shown = place.name if parts.scheme == "https" else f"http://{place.name}"
            raise Unreachable(f"the host {shown} is not allowed (add it to {self._setting}, or --allow-host {shown})")
        target = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        return Place(parts.scheme, host, port, target, self._lookup(place, rules))

    def _lookup(self, place: Place, rules: list[Rule]) -> str:
        try:
            rows = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise Unreachable(f"the name {place.host} is not known here") from None
        found = list(dict.fromkeys(str(row[4][0]).partition("%")[0] for row in rows))
        for text in found:
            if not any(_may_lie_at(rule, place.host, ipaddress.ip_address(text)) for rule in rules):
                hint = f"list it as {place.name}={text} in {self._setting} if that is meant"
                raise Unreachable(f"the host {place.name} lies at {text}, which is not public ({hint})")
        return found[0]


def _parse(text: str, setting: str) -> Rule:
    found = _RULE.fullmatch(text.strip())
    if not found:
        raise BadInput(f"{setting}: {text!r} must be a host, host:port, *.host, http://host, or host=network")
    scheme, host, port, network = found.groups()
    host = host.strip("[]").lower()
    try:
        lies_in = ipaddress.ip_network(network or host, strict=False)
    except ValueError:
        if network:
            raise BadInput(f"{setting}: {network!r} is no network; write it like 10.0.0.0/8") from None
        return Rule(scheme or "https", host, int(port or _PORTS[scheme or "https"]), None)
    return Rule(scheme or "https", host, int(port or _PORTS[scheme or "https"]), lies_in)


def _split(scheme: str, authority: str) -> tuple[str, int]:
    parts = urlsplit(f"//{authority}")
    try:
        return (parts.hostname or "").lower().rstrip("."), parts.port or _PORTS[scheme]
    except ValueError:
        raise Unreachable(f"{authority!r} is no host") from None


def _may_lie_at(rule: Rule, host: str, address: Address) -> bool:
    if rule.network is not None and address in rule.network:
        return True
    return all(item.is_global and not item.is_multicast for item in (address, *_embedded(address)))


def _embedded(address: Address) -> list[Address]:
    """The IPv4 addresses that an IPv6 address stands for on its way."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return [item for item in inner if item is not None]


def _shown(url: str) -> str:
    """An address without what may be a credential, and not longer than a line."""
    return repr(re.sub(r"//[^/@]*@", "//", url)[:200])
