"""How the pages call things: counts, states, causes and ages in words."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from previews.models import Preview

register = template.Library()

#: A sign for each state, so that none is told by colour alone.
SIGNS = {
    "changed": "±",
    "added": "+",
    "removed": "−",
    "failed": "✕",
    "skipped": "?",
    "unchanged": "·",
    "pending": "…",
}
_WORDS = {"changed": "DIFF", "added": "NEW", "removed": "GONE", "failed": "FAILS", "skipped": "SKIPPED", "pending": ""}
_MEANINGS = {
    "changed": "changes",
    "added": "is added",
    "removed": "is removed",
    "failed": "fails to render",
    "skipped": "was not rendered",
    "unchanged": "does not change",
    "pending": "is not known yet",
}
#: How findings are called, by severity.
_SEVERITIES = {
    "blocked": ("✕", "blocked"),
    "outage": ("▼", "outage"),
    "irreversible": ("↛", "no way back"),
    "degraded": ("◐", "degraded"),
    "warning": ("!", "warning"),
    "info": ("i", "note"),
}
_CAUSES = {
    "target": "its target",
    "value": "its values",
    "template": "its template",
    "profile": "its cluster's profile",
}
_UNITS = (("year", 31_536_000), ("month", 2_592_000), ("day", 86_400), ("hour", 3600), ("minute", 60))


@register.filter
def sign(state: str) -> str:
    """The state's sign."""
    return SIGNS.get(state, "")


@register.filter
def state_word(state: str) -> str:
    """The state's word in the matrix."""
    return _WORDS.get(state, state)


@register.filter
def meaning(state: str) -> str:
    """The state as the end of a sentence."""
    return _MEANINGS.get(state, state)


@register.filter
def cause_words(causes: list[str]) -> str:
    """What moved, as a list in words."""
    words = [_CAUSES.get(cause, str(cause)) for cause in causes]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


@register.filter
def severity_sign(severity: str) -> str:
    """The sign of a finding's severity."""
    return _SEVERITIES.get(severity, ("", ""))[0]


@register.filter
def severity_word(severity: str) -> str:
    """How a finding's severity is called."""
    return _SEVERITIES.get(severity, ("", severity))[1]


@register.filter
def age(when: datetime.datetime | None) -> str:
    """How long ago, in its largest unit."""
    if when is None:
        return ""
    seconds = (timezone.now() - when).total_seconds()
    for unit, size in _UNITS:
        if seconds >= size:
            return f"{_counted(int(seconds // size), unit)} ago"
    return "just now"


@register.simple_tag
def moment(when: datetime.datetime | None) -> SafeString | str:
    """A `<time>` that says how long ago, and the exact time on hover."""
    if when is None:
        return ""
    exact = when.strftime("%Y-%m-%d %H:%M:%S UTC")
    return format_html('<time datetime="{}" title="{}">{}</time>', when.isoformat(), exact, age(when))


@register.simple_tag
def since(when: int) -> SafeString | str:
    """A moment given in seconds since 1970."""
    return moment(datetime.datetime.fromtimestamp(when, datetime.UTC))


@register.filter
def seconds(number: Any) -> str:
    """A duration for people."""
    try:
        value = float(number)
    except (TypeError, ValueError):
        return ""
    if value >= 60:
        return f"{int(value // 60)} min {int(value % 60)} s"
    return f"{value:.1f} s" if value < 10 else f"{value:.0f} s"


#: What the summary tells of a preview's totals, for one and for many, and the filter that shows just these.
_TOLD = (
    ("value_only", "only in values", "only in values", "value-only"),
    ("deploys", "deploys", "deploy", "deploys"),
    ("added", "is new", "are new", "added"),
    ("removed", "is removed", "are removed", "removed"),
    ("failed", "fails", "fail", "failed"),
    ("skipped", "is skipped", "are skipped", "skipped"),
)
#: The same for what is predicted, with the filter by finding.
_PREDICTED = (
    ("blocked", "is rejected", "are rejected"),
    ("outage", "with an outage", "with an outage"),
    ("irreversible", "with no way back", "with no way back"),
)


@register.filter
def summary(preview: Preview) -> str:
    """The whole preview in one sentence: `37 of 525 instances change; 4 only in values; 33 deploy; 1 fails.`"""
    return "; ".join(text for text, _ in _parts(preview)) + "."


@register.filter
def summary_with_links(preview: Preview, page: str = "") -> SafeString:
    """The same sentence for the matrix, or for another page from which `page` leads there."""
    parts = [
        format_html('<a href="{}?{}">{}</a>', page, query, text) if query else format_html("{}", text)
        for text, query in _parts(preview)
    ]
    return format_html("{}.", format_html_join("; ", "{}", ((part,) for part in parts)))


def _parts(preview: Preview) -> list[tuple[str, str]]:
    """The summary's parts, each with the query that shows its cells, "" for all."""
    totals: Mapping[str, int] = preview.totals
    instances = totals.get("instances", 0)
    changed = instances - totals.get("unchanged", instances)
    if not changed:
        return [(f"Nothing changes: all {_counted(instances, 'instance')} stay as they are", "")]
    parts = [(f"{changed} of {_counted(instances, 'instance')} {'changes' if changed == 1 else 'change'}", "")]
    for key, one, many, state in _TOLD:
        number = totals.get(key, 0)
        if number:
            parts.append((f"{number} {one if number == 1 else many}", f"state={state}"))
    for key, one, many in _PREDICTED:
        number = totals.get(key, 0)
        if number:
            parts.append((f"{number} {one if number == 1 else many}", f"finding={key}"))
    return parts


@register.filter
def changed_count(preview: Preview) -> int:
    """How many instances a finished preview lists."""
    instances: int = preview.totals.get("instances", 0)
    return instances - int(preview.totals.get("unchanged", instances))


@register.filter
def short(commit: str) -> str:
    """A commit's name as people say it."""
    return commit[:9]


@register.simple_tag
def counts(added: int, removed: int) -> SafeString | str:
    """`+3 −1`, each in its colour; nothing for no lines at all."""
    parts = [(css, mark, number) for css, mark, number in (("a", "+", added), ("r", "−", removed)) if number]
    if not parts:
        return ""
    spans = format_html_join(" ", '<span class="{}">{}{}</span>', parts)
    return format_html('<span class="counts">{}</span>', spans)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
