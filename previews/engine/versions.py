"""Semantic versions and constraints as Helm and Argo CD read them (Masterminds/semver)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

Version = tuple[int, int, int, tuple[tuple[int, int, str], ...]]

_VERSION = re.compile(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?\Z")
_TERM = re.compile(r"(=|==|!=|>|<|>=|=>|<=|=<|~|~>|\^)?\s*(v?[0-9xX*][^\s,|]*)")
_ONE = r"(?:=|!=|>|<|>=|=>|<=|=<|~|~>|\^)?\s*v?[0-9xX*]+(?:\.[0-9xX*]+){0,2}(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?"
_TERMS = re.compile(rf"\s*{_ONE}\s*(?:(?:\s|,\s*|\s-\s+){_ONE}\s*)*")
_LAST = ((2, 0, ""),)  # sorts after every prerelease


def parse_version(text: str) -> Version | None:
    """A version that sorts by precedence, missing parts as 0; None when the text is no version."""
    found = _VERSION.match(text.strip())
    if not found:
        return None
    major, minor, patch, before = found.groups()
    return int(major), int(minor or 0), int(patch or 0), _prerelease(before) if before else _LAST


def _prerelease(text: str) -> tuple[tuple[int, int, str], ...]:
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in text.split("."))


def is_constraint(text: str) -> bool:
    """Whether a text asks for the best of several versions, and is neither one version nor a name such as `main`."""
    return parse_version(text) is None and all(_TERMS.fullmatch(part) for part in text.split("||"))


def best(constraint: str, versions: Iterable[str]) -> str | None:
    """The highest of the versions that satisfies the constraint, None when none does."""
    fits = satisfies(constraint)
    known = [(parsed, text) for text in versions if (parsed := parse_version(text)) and fits(parsed)]
    return max(known)[1] if known else None


def satisfies(constraint: str) -> Callable[[Version], bool]:
    """A test of a constraint: `||` between alternatives, commas or spaces between terms, `a - b` for a range.

    As Masterminds/semver, a prerelease satisfies only an alternative that itself names a prerelease.
    """
    alternatives = [_alternative(part) for part in constraint.split("||")]
    return lambda version: any(test(version) for test in alternatives)


def _alternative(text: str) -> Callable[[Version], bool]:
    text = re.sub(r"(\S+)\s+-\s+(\S+)", r">=\1, <=\2", text.strip()) or "*"
    terms = _TERM.findall(text)
    ranges = [_range(sign, version) for sign, version in terms]
    if not terms or None in ranges:
        return lambda version: False
    with_prerelease = any("-" in version for _, version in terms)

    def test(version: Version) -> bool:
        if version[3] != _LAST and not with_prerelease:
            return False
        return all((low <= version < high) != negated for low, high, negated in filter(None, ranges))

    return test


def _range(sign: str, text: str) -> tuple[Version, Version, bool] | None:
    """The half-open range of versions that a term means, and whether it is negated."""
    numbers = re.split(r"[.+-]", text.removeprefix("v"))
    given = next((i for i, part in enumerate(numbers[:3]) if part in ("x", "X", "*")), min(len(numbers), 3))
    version = parse_version(re.sub(r"[xX*]", "0", text)) if given else (0, 0, 0, _LAST)
    if version is None:
        return None
    lowest: Version = (0, 0, 0, ())
    highest: Version = (1 << 62, 0, 0, ())
    floor = version if given == 3 else (*version[:3], ())
    upper = _step(version, given) if given else highest
    if sign in (">", ">=", "=>"):
        return (upper if sign == ">" else floor), highest, False
    if sign in ("<", "<=", "=<"):
        return lowest, (floor if sign == "<" else upper), False
    if sign in ("~", "~>"):
        return floor, (_step(version, min(given, 2)) if given else highest), False
    if sign == "^":
        return floor, _caret(version, given), False
    return floor, upper, sign == "!="


def _step(version: Version, given: int) -> Version:
    """The first version after all that share the first `given` numbers."""
    major, minor, patch, before = version
    if given == 1:
        return major + 1, 0, 0, ()
    if given == 2:
        return major, minor + 1, 0, ()
    return (major, minor, patch, (*before, (0, 0, ""))) if before != _LAST else (major, minor, patch + 1, ())


def _caret(version: Version, given: int) -> Version:
    major, minor, patch, _ = version
    if not given:
        return 1 << 62, 0, 0, ()
    if major or given == 1:
        return major + 1, 0, 0, ()
    if minor or given == 2:
        return 0, minor + 1, 0, ()
    return 0, 0, patch + 1, ()
