"""A Helm repository's index.yaml: which versions of a chart there are, and where. Mirrors pkg/repo/index.go of Helm."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from previews.engine.errors import YamlError
from previews.engine.remote.hosts import Unreachable
from previews.engine.yamls import load

MAX_INDEX = 50_000_000


@dataclass(frozen=True)
class Listed:
    """One version of a chart: its address, absolute or below the repository's, and its SHA-256 where it is told."""

    version: str
    url: str
    digest: str


def listed(data: bytes, chart: str) -> Sequence[Listed]:
    """The versions of a chart that an index has, as they stand. Raises Unreachable for a broken index."""
    text = data.decode("utf-8", "replace")
    rows = _rows(text, chart)
    return [
        Listed(str(row["version"]), str(row["urls"][0]), str(row.get("digest") or "").removeprefix("sha256:").lower())
        for row in rows
        if isinstance(row, dict) and row.get("version") and isinstance(row.get("urls"), list) and row["urls"]
    ]


def _rows(text: str, chart: str) -> list[Any]:
    part = _part(text, chart)
    if part:
        try:
            rows = load(part)
        except YamlError:
            rows = None  # an alias of another chart's part, perhaps
        if isinstance(rows, dict) and isinstance(rows.get(chart), list):
            return list(rows[chart])
    whole = _whole(text)
    entries = whole.get("entries") if isinstance(whole, dict) else None
    if not isinstance(entries, dict):
        raise Unreachable("its index.yaml is no index of charts")
    rows = entries.get(chart)
    return rows if isinstance(rows, list) else []


def _whole(text: str) -> Any:
    try:
        return json.loads(text) if text.lstrip().startswith("{") else load(text)
    except (YamlError, ValueError, RecursionError) as error:
        raise Unreachable(f"its index.yaml cannot be read: {str(error)[:300]}") from None


def _part(text: str, chart: str) -> str:
    """The lines of one chart, "" when they are not found so easily: reading 20 MB of YAML takes half a minute.

    Whatever stands in an entry is indented deeper than its key, so a key of the same depth begins the next one.
    """
    begin = re.search(r"^entries:[ \t]*\r?$", text, re.MULTILINE)
    if not begin:
        return ""
    name = rf"[\"']?{re.escape(chart)}[\"']?"
    key = re.compile(rf"^( +){name}:[ \t]*\r?\n", re.MULTILINE).search(text, begin.end())
    first = re.compile(r"^( +)[^\s#-]", re.MULTILINE).search(text, begin.end())
    if not key or not first or key[1] != first[1]:
        return ""
    end = re.compile(rf"^ {{0,{len(key[1])}}}[^\s#-]", re.MULTILINE).search(text, key.end())
    return text[key.start() : end.start() if end else len(text)]
