"""Changes that say little: labels that name the chart's version, and checksums of what changes elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from previews.engine.diff.lines import has_other_breaks, split_lines

#: Labels and annotations that change with each release of a chart, or whenever something else does.
_NOISY = re.compile(
    r"helm\.sh/chart|chart|heritage|rollme|app\.kubernetes\.io/(?:version|managed-by)|(?:.*/)?checksum(?:[/._-].*)?"
)
_ANY = re.compile(
    r"""^[ ]*(?:[-?:][ \t]+)*["']?(?:helm\.sh/chart|chart|heritage|rollme|app\.kubernetes\.io/|[^\s:"']*checksum)""",
    re.MULTILINE,
)
_HOLDERS = ("labels", "annotations")

#: What starts a nested block on the line of its parent: an item of a list, or one side of an explicit key.
_INDICATOR = re.compile(r"[-?:](?:[ \t]+|$)")
_DOCUMENT = re.compile(r"(?:---|\.\.\.)(?=[ \t]|$)")
#: The end of a key.
_COLON = re.compile(r":(?=[ \t]|$)")
#: A quoted text; quotes inside a plain text are none.
_QUOTED = re.compile(r"""(?<![^\s,:\[\]{}])(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')""", re.DOTALL)
_OPEN_QUOTE = re.compile(r"""(?<![^\s,:\[\]{}])["']""")
#: Tags and anchors ahead of a value.
_PROPERTIES = re.compile(r"(?:[!&][^ \t]*(?:[ \t]+|$))*")


def is_noise(holder: str, key: str) -> bool:
    """Whether what stands under `key` in a mapping called `holder` is a label or annotation that says little."""
    return holder in _HOLDERS and _NOISY.fullmatch(key) is not None


def _selects(key: str | None) -> bool:
    return key is not None and (key.lower().endswith("selector") or key == "matchLabels")


@dataclass(slots=True)
class _Reader:
    """Reads a text line by line, and knows the mappings that the line at hand stands in."""

    #: Column and key of each entry that is open; the key is None for an indicator.
    open: list[tuple[int, str | None]] = field(default_factory=list)
    #: Lines that are indented by more belong to a value that goes on over several; None when none is open.
    inside: int | None = None
    #: The lines of that value so far.
    value: list[str] = field(default_factory=list)
    found: dict[int, str] = field(default_factory=dict)
    #: The line of the noisy entry that may go on below, and its column.
    last: tuple[int, int] | None = None

    def read(self, number: int, line: str) -> bool:
        """Takes the next line; False when the text cannot be followed beyond it."""
        text = line.lstrip(" ").rstrip()
        column = len(line) - len(line.lstrip(" "))
        is_document = column == 0 and bool(_DOCUMENT.match(text))
        if not text or (not is_document and self._goes_on(column, text)):
            return True
        if self.inside is not None and not _is_finished("\n".join(self.value)):
            return False
        self.inside = None
        if text.startswith("#"):
            return True
        self._end_entry(column)
        if is_document:
            self.open.clear()
            self._read_value(-1, text[3:].strip())
            return True
        return self._read_entry(number, column, text)

    def _goes_on(self, column: int, text: str) -> bool:
        """Whether a line belongs to the value that is open."""
        if self.inside is None or (column <= self.inside and not (column == self.inside and text[0] in "]}")):
            return False
        self.value.append(text)
        return True

    def _end_entry(self, column: int) -> None:
        if self.last is not None and column > self.last[1]:
            del self.found[self.last[0]]
        self.last = None

    def _read_entry(self, number: int, column: int, text: str) -> bool:
        at = 0
        while indicator := _INDICATOR.match(text, at):
            self._leave(column + at, is_indicator=True)
            self.open.append((column + at, None))
            at = indicator.end()
        column, text = column + at, text[at:]
        entry = _split(text)
        if entry is None:
            self._read_value(self.open[-1][0] if self.open else -1, text)
            return True
        key, value = entry
        self._leave(column)
        if self._is_noise(key) and _is_on_its_line(value):
            self.found[number] = key
            self.last = number, column
        self.open.append((column, key))
        self._read_value(column, value)
        # An escape could hide a selector.
        return "\\" not in key

    def _leave(self, column: int, is_indicator: bool = False) -> None:
        """Closes what ends where an entry begins; a list may stand in the column of its key."""
        while self.open and (
            self.open[-1][0] > column or (self.open[-1][0] == column and not (is_indicator and self.open[-1][1]))
        ):
            self.open.pop()

    def _is_noise(self, key: str) -> bool:
        holder = self.open[-1][1] if self.open else None
        return holder is not None and is_noise(holder, key) and not any(_selects(outer) for _, outer in self.open)

    def _read_value(self, column: int, value: str) -> None:
        is_open = _is_block(value) or not _is_finished(value)
        self.inside, self.value = (column, [value]) if is_open else (None, [])


def noisy_lines(text: str) -> dict[int, str]:
    """The lines of a resource's text, from 0, that are a noisy label or annotation each, and its key.

    Told by indentation in one pass, for block style. It never takes the lines of a string for labels: beyond a quoted
    string or a flow collection that goes on further out than it began, and a key with escapes, nothing is told.
    """
    # Most texts have none at all, and reading line by line takes its time.
    if not _ANY.search(text) or has_other_breaks(text):
        return {}
    reader = _Reader()
    for number, line in enumerate(split_lines(text)):
        if not reader.read(number, line):
            break
    return reader.found


def checksums(noisy: Mapping[int, str]) -> list[int]:
    """Those of the noisy lines that tell only that something else changes."""
    return [number for number, key in noisy.items() if "checksum" in key]


def quieted(lines: Sequence[str], noisy: Iterable[int]) -> list[str]:
    """The lines with the values taken out of those that are noise, so that only a key that comes or goes differs."""
    result = list(lines)
    for number in noisy:
        result[number] = result[number].partition(": ")[0]
    return result


def _split(text: str) -> tuple[str, str] | None:
    """The key and the value of an entry, if the text is one."""
    quoted = _QUOTED.match(text)
    if quoted:
        rest = text[quoted.end() :].lstrip()
        key = quoted[0][1:-1] if text[0] == '"' else quoted[0][1:-1].replace("''", "'")
        return (key, rest[1:].strip()) if _COLON.match(rest) else None
    colon = None if text[:1] in ('"', "'", "[", "{", "|", ">") else _COLON.search(text)
    return (text[: colon.start()].rstrip(), text[colon.end() :].strip()) if colon else None


def _bare(value: str) -> str:
    return _PROPERTIES.sub("", value, count=1)


def _is_block(value: str) -> bool:
    return _bare(value)[:1] in ("|", ">")


def _is_on_its_line(value: str) -> bool:
    bare = _bare(value)
    return bool(bare) and bare[0] not in "#|>" and _is_finished(value)


def _is_finished(value: str) -> bool:
    """Whether a quoted text or a flow collection ends where it begins."""
    bare = _bare(value)
    if bare[:1] in ('"', "'"):
        return bool(_QUOTED.match(bare))
    if bare[:1] not in ("[", "{"):
        return True
    rest = _QUOTED.sub("", bare).partition(" #")[0]
    opened, closed = rest.count("[") + rest.count("{"), rest.count("]") + rest.count("}")
    return opened == closed and not _OPEN_QUOTE.search(rest)
