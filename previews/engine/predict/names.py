"""What Kubernetes takes as a name: apimachinery pkg/util/validation/validation.go and pkg/api/validate/content."""

from __future__ import annotations

import re

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LABEL_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")

LABEL_LENGTH, SUBDOMAIN_LENGTH = 63, 253


def too_long(text: str, most: int) -> str:
    """What is said of a text that is longer than that, "" where it is not."""
    return f"is {len(text)} characters long; at most {most} are allowed" if len(text) > most else ""


def label_problem(text: str) -> str:
    """What is wrong with an RFC 1123 label, "" where nothing is."""
    wrong = "may hold lower case letters, digits and -, and begins and ends with a letter or digit"
    return too_long(text, LABEL_LENGTH) or ("" if _LABEL.fullmatch(text) else wrong)


def service_problem(text: str) -> str:
    """What is wrong with an RFC 1035 label, "" where nothing is."""
    wrong = "may hold lower case letters, digits and -, begins with a letter and ends with a letter or digit"
    return too_long(text, LABEL_LENGTH) or ("" if _LABEL_1035.fullmatch(text) else wrong)


def subdomain_problem(text: str) -> str:
    """What is wrong with an RFC 1123 subdomain, "" where nothing is."""
    wrong = "may hold lower case letters, digits, - and ., and each part begins and ends with a letter or digit"
    return too_long(text, SUBDOMAIN_LENGTH) or ("" if _SUBDOMAIN.fullmatch(text) else wrong)


def wildcard_problem(text: str) -> str:
    """What is wrong with a subdomain that may begin with `*.`, "" where nothing is (IsWildcardDNS1123Subdomain)."""
    wrong = "may have a * alone before its first dot, as in *.example.com"
    if "*" not in text:
        return subdomain_problem(text)
    rest = text.removeprefix("*.")
    return too_long(text, SUBDOMAIN_LENGTH) or (wrong if "*" in rest else subdomain_problem(rest))


def path_problem(text: str) -> str:
    """What is wrong with a segment of a path, as RBAC takes any, "" where nothing is."""
    if text in (".", ".."):
        return "may not be . or .."
    return "may not hold / or %" if "/" in text or "%" in text else ""


def key_problem(text: str) -> str:
    """What is wrong with the key of a label or annotation, "" where nothing is."""
    prefix, slash, name = text.rpartition("/")
    if slash and not prefix:
        return "has an empty prefix before its /"
    if "/" in prefix:
        return "has more than one /"
    if slash and (problem := subdomain_problem(prefix)):
        return f"has a prefix that {problem}"
    return f"has a name that {problem}" if (problem := _name_problem(name)) else ""


def value_problem(text: str) -> str:
    """What is wrong with the value of a label, "" where nothing is."""
    return _name_problem(text) if text else ""


def _name_problem(text: str) -> str:
    wrong = "may hold letters, digits, -, _ and ., and begins and ends with a letter or digit"
    return too_long(text, LABEL_LENGTH) or ("" if _QUALIFIED.fullmatch(text) else wrong)
