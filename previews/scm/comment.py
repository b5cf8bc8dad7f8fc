"""What a comment and a status say, as text. All that comes from a repository stands in code spans, harmless there.

In a code span nothing is markup, nobody is mentioned, no issue is closed, with every provider. What could end the span
or the table's cell is replaced by a sign that looks like it; names that Kubernetes allows hold none of these.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from urllib.parse import urlencode

#: What may happen to a cell, worst first: how rows are ordered, and how they are called.
KINDS = {
    "failed": "✕ fails",
    "blocked": "✕ is rejected",
    "outage": "▼ has an outage",
    "irreversible": "↛ cannot be undone",
    "removed": "− is removed",
    "added": "+ is new",
    "deploys": "± deploys",
    "skipped": "? not rendered",
    "held": "± changes, does not deploy",
    "value": "no change of yaml",
}
#: More rows than this nobody reads in a comment; the page has them all.
MAX_ROWS = 60
MAX_CLUSTERS = 8
MAX_NOTES = 12
_NAME, _MESSAGE = 120, 300
_LOOKALIKES = str.maketrans({"`": "ˋ", "|": "¦", "\\": "∖", "<": "‹", ">": "›"})
#: What would not be seen, or would make the reader see another text than there is (CVE-2021-42574), or ends a line.
_DECEIVING = re.compile("[\0-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]+")
_CALLS = re.compile("(?<=[@#!~&$%])")


@dataclass(frozen=True)
class Entry:
    """Cells of one application, on `clusters`, to which the same happens; `kind` is one of KINDS.

    `group` names the group of identical change that they belong to, `lines` are what each adds and removes, `message`
    is why they fail or are skipped. `link` leads to one of them, "" for none.
    """

    kind: str
    application: str
    clusters: tuple[str, ...]
    group: str = ""
    lines: tuple[int, int] = (0, 0)
    message: str = ""
    link: str = ""


@dataclass(frozen=True)
class Digest:
    """A preview as a comment tells it. `headline` is ours, `about` names its commits; `notes` are from outside.

    `together` is what the change request does with other open ones that none of them does alone.
    """

    headline: str
    about: str
    entries: Sequence[Entry]
    notes: Sequence[str] = ()
    link: str = ""
    together: Sequence[str] = ()


def render_comment(digest: Digest, limit: int) -> str:
    """The comment in Markdown, of at most `limit` bytes; what is left out is counted in its last line."""
    rows = sorted(digest.entries, key=_order)
    head = _head(digest)
    table = ["", "| | application | clusters | lines in each | same change |", "|---|---|---|---|---|"] if rows else []
    lines, left = [*head, *table], limit - _size([*head, *table]) - _RESERVE
    shown = _take([_row(entry, digest.link) for entry in rows[:MAX_ROWS]], left)
    left -= _size(shown)
    told = [entry for entry in rows if entry.message]
    said = [_message(entry) for entry in told[:MAX_NOTES]]
    messages = _take(["", *said], left) if said else []
    missing = rows[len(shown) :]
    lines += shown + messages
    if missing:
        cells = sum(len(entry.clusters) for entry in missing)
        lines += ["", f"Left out here: {_many(len(missing), 'row')} of the table with {_many(cells, 'cell')}."]
    unsaid = len(told) - max(len(messages) - 1, 0)
    if unsaid:
        lines += ["", f"Left out here: {_many(unsaid, 'message')} of cells that fail or are not rendered."]
    return "\n".join(lines) + "\n"


#: Bytes kept for the lines that say what was left out.
_RESERVE = 400


def code(text: str, length: int = _NAME) -> str:
    """A text from outside as a code span that nothing in it can leave."""
    shown = " ".join(_DECEIVING.sub(" ", text).translate(_LOOKALIKES).split())
    shown = f"{shown[:length]}…" if len(shown) > length else shown
    # A zero-width space: even a provider that looks for names inside code finds none.
    return f"`{_CALLS.sub(chr(0x200B), shown)}`" if shown else "` `"


def status_text(text: str, length: int = 140) -> str:
    """A text for a status, which no provider takes for markup."""
    shown = " ".join(_DECEIVING.sub(" ", text).split())
    return f"{shown[: length - 1]}…" if len(shown) > length else shown


def _head(digest: Digest) -> list[str]:
    title = f"[{digest.headline}]({digest.link})" if digest.link else digest.headline
    lines = [f"**{title}**", "", digest.about]
    told = [*digest.together, *digest.notes]
    notes = [f"- {code(note, _MESSAGE)}" for note in told[:MAX_NOTES]]
    if len(told) > MAX_NOTES:
        notes.append(f"- and {_many(len(told) - MAX_NOTES, 'note')} more")
    return [*lines, "", *notes] if notes else lines


def _order(entry: Entry) -> tuple[int, int, str, str]:
    return (list(KINDS).index(entry.kind), -len(entry.clusters), entry.application.lower(), entry.group)


def _row(entry: Entry, page: str) -> str:
    clusters = ", ".join(map(code, entry.clusters[:MAX_CLUSTERS]))
    more = len(entry.clusters) - MAX_CLUSTERS
    if more > 0:
        clusters += f" and {more} more"
    name = code(entry.application)
    lines = f"+{entry.lines[0]} −{entry.lines[1]}" if entry.lines != (0, 0) else ""
    group = code(entry.group) if entry.group else ""
    if group and page:
        group = f"[{group}]({page}?{urlencode({'group': entry.group})})"
    cells = (KINDS[entry.kind], f"[{name}]({entry.link})" if entry.link else name, clusters, lines, group)
    return f"| {' | '.join(cells)} |"


def _message(entry: Entry) -> str:
    where = code(entry.clusters[0]) if len(entry.clusters) == 1 else f"{len(entry.clusters)} clusters"
    return f"- {code(entry.application)}, {where}: {code(entry.message, _MESSAGE)}"


def _take(lines: list[str], limit: int) -> list[str]:
    """As many of the lines as fit into `limit` bytes."""
    sizes = accumulate(_size([line]) for line in lines)
    return [line for line, size in zip(lines, sizes, strict=True) if size <= limit]


def _size(lines: list[str]) -> int:
    return sum(len(line.encode()) + 1 for line in lines)


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
