"""Changes that say little: labels that name the chart's version, and checksums of what changes elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from previews.engine.diff.lines import split_lines

#: Labels and annotations that change with each release of a chart, or whenever something else does.
_NOISY = re.compile(
    r"helm\.sh/chart|chart|heritage|rollme|app\.kubernetes\.io/(?:version|managed-by)|(?:.*/)?checksum(?:[/._-].*)?"
)
_HOLDERS = ("labels", "annotations")
_ENTRY = re.compile(r"""( *(?:- +)*)("[^"]*"|'[^']*'|[^\s"'#&*!|>{}\[\]%@,?-].*?):(?: +(.*))?$""")
#: A value that ends on its line; others go on below, more indented.
_WHOLE = re.compile(r"""(?:"[^"]*"|'[^']*'|[^\s"'#&*!|>{}\[\]].*)(?: +#.*)?$""")


def is_noise(holder: str, key: str) -> bool:
    """Whether what stands under `key` in a mapping called `holder` is a label or annotation that says little."""
    return holder in _HOLDERS and _NOISY.fullmatch(key) is not None


def noisy_lines(text: str) -> dict[int, str]:
    """The lines, counted from 0, of an object's YAML that hold a noisy label or annotation, each with its name.

    Found by indentation alone, so fast and harmless on any text; what does not stand on a line of its own is left.
    """
    found: dict[int, str] = {}
    parents: list[tuple[int, str]] = []
    inside: int | None = None  # the column of what has a value on its line: what stands deeper goes on with it
    for number, line in enumerate(split_lines(text)):
        column = len(line) - len(line.lstrip(" "))
        if column == len(line) or (inside is not None and column > inside):
            found.pop(number - 1, None)
            continue
        entry = _ENTRY.match(line)
        if entry is None:
            inside = column if line.startswith("- ", column) else None
            continue
        column, key, value = len(entry[1]), entry[2].strip("\"'"), entry[3] or ""
        while parents and parents[-1][0] >= column:
            parents.pop()
        holder = parents[-1][1] if parents else ""
        parents.append((column, key))
        inside = column if value and not value.startswith("#") else None
        if is_noise(holder, key) and _WHOLE.match(value):
            found[number] = key
    return found


def checksums(noisy: Mapping[int, str]) -> list[int]:
    """Those of the noisy lines that tell only that something else changes."""
    return [number for number, key in noisy.items() if "checksum" in key]


def quieted(lines: Sequence[str], noisy: Iterable[int]) -> list[str]:
    """The lines with the values taken out of those that are noise, so that only a key that comes or goes differs."""
    result = list(lines)
    for number in noisy:
        result[number] = result[number].partition(": ")[0]
    return result
