"""Names as DNS has them.

Mirrors k8s.io/apimachinery pkg/util/validation/validation.go. Each function says why a text is no such name, "" where
it is one.
"""

from __future__ import annotations

import re

from previews.engine.predict.findings import told

LONGEST_LABEL = 63
LONGEST_SUBDOMAIN = 253
_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")
_OLD_LABEL = re.compile(r"[a-z](?:[-a-z0-9]*[a-z0-9])?")


def label_error(name: str) -> str:
    """IsDNS1123Label."""
    if len(name) > LONGEST_LABEL:
        return f"{_is(name)} {len(name)} characters long; at most {LONGEST_LABEL} are allowed"
    if not _LABEL.fullmatch(name):
        return f"{_is(name)} not made of lower case letters, digits and inner hyphens"
    return ""


def old_label_error(name: str) -> str:
    """IsDNS1035Label: as `label_error`, and it starts with a letter."""
    if len(name) > LONGEST_LABEL or _OLD_LABEL.fullmatch(name):
        return label_error(name)
    return f"{_is(name)} not made of lower case letters, digits and inner hyphens, a letter first"


def subdomain_error(name: str) -> str:
    """IsDNS1123Subdomain: labels of any length with dots between."""
    if len(name) > LONGEST_SUBDOMAIN:
        return f"{_is(name)} {len(name)} characters long; at most {LONGEST_SUBDOMAIN} are allowed"
    if not all(_LABEL.fullmatch(part) for part in name.split(".")):
        return f"{_is(name)} no DNS name of lower case letters, digits, inner hyphens and dots"
    return ""


def wildcard_error(name: str) -> str:
    """IsWildcardDNS1123Subdomain: `*.` before a subdomain."""
    if len(name) > LONGEST_SUBDOMAIN:
        return subdomain_error(name)
    if not name.startswith("*.") or subdomain_error(name[2:]):
        return f"{_is(name)} no DNS name with a wildcard, which stands alone before the first dot, as in *.example.com"
    return ""


def path_segment_error(name: str) -> str:
    """IsValidPathSegmentName: what can stand between two slashes of a URL."""
    if name in (".", ".."):
        return f"{_is(name)} the name of a folder itself"
    return f"{_is(name)} not allowed: it has a / or %" if "/" in name or "%" in name else ""


_PORT_NAME = re.compile(r"(?=[^a-z]*[a-z])[a-z0-9]+(?:-[a-z0-9]+)*")
_LONGEST_PORT_NAME = 15


def port_name_error(name: str) -> str:
    """IsValidPortName (RFC 6335): what a container can call a port."""
    if len(name) > _LONGEST_PORT_NAME:
        return f"{_is(name)} {len(name)} characters long; at most {_LONGEST_PORT_NAME} are allowed"
    if not _PORT_NAME.fullmatch(name):
        return f"{_is(name)} no port's name: lower case letters, at least one, digits and single inner hyphens"
    return ""


def _is(name: str) -> str:
    return f'"{told(name)}" is'
