"""A finished preview as plain data for a comment: what happens, where the same happens, worst first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.urls import reverse

from previews.companions import Said, companions
from previews.engine.predict.findings import SEVERE
from previews.engine.predict.prediction import from_json
from previews.engine.report import summary
from previews.models import Blob, Cell, Preview
from previews.scm.comment import Digest, Entry, code

_FIELDS = (
    *("cluster", "application", "value_state", "yaml_state", "deploys", "group"),
    *("yaml_added", "yaml_removed", "value_added", "value_removed", "error", "skipped", "findings", "prediction"),
)
#: Cells that are named where several change requests do something together.
_NAMED = 3
#: Predictions that are read for their worst finding: more than a comment has rows.
_READ = 200
#: What would end a link in Markdown; a path may hold them quoted as well.
_QUOTED = str.maketrans({"(": "%28", ")": "%29", "*": "%2A", "'": "%27", "|": "%7C", "_": "%5F", "@": "%40"})


def digest_of(preview: Preview, link: str) -> Digest:
    """What a comment tells of a preview that is done or failed; `link` is its page, "" for no links."""
    about = f"{code(preview.head_commit[:10])} {_how(preview)} {code(preview.base_revision)}"
    about += f" at {code(preview.base_commit[:10])}."
    if preview.state == Preview.FAILED:
        return Digest("This head could not be previewed", about, (), [preview.error], link)
    conflicts = [f"conflict: {path}" for path in preview.conflicts]
    notes = [*conflicts, *map(str, preview.notes)]
    headline = summary(preview.totals)
    return Digest(headline[:1].upper() + headline[1:], about, _entries(preview), notes, link, _together(preview))


def _together(preview: Preview) -> list[str]:
    return [
        f"together with {', '.join(member.label for member in one.others)}: {said.text} ({_places(said)})"
        for one in (companions(preview.change_request) if preview.change_request else ())
        for said in one.said
    ]


def _places(said: Said) -> str:
    named = ", ".join(f"{cell.application} on {cell.cluster}" for cell in said.cells[:_NAMED])
    return named if said.total <= _NAMED else f"{named} and {said.total - _NAMED} more"


def _how(preview: Preview) -> str:
    if preview.conflicts:
        return "conflicts with its target, so it stands for itself, compared with"
    return "merged into" if preview.merged else "compared with"


def _entries(preview: Preview) -> list[Entry]:
    """Cells of one application to which the very same happens, as one entry each."""
    clusters: dict[tuple[str, str, str, tuple[int, int], str], list[str]] = defaultdict(list)
    cells = list(preview.cells.order_by("application", "cluster").values(*_FIELDS))
    said = _said(cells)
    for cell in cells:
        reason = cell["error"] or cell["skipped"] or {}
        message = reason.get("message", "") or said.get(cell["prediction"], "")
        key = (_kind(cell), cell["application"], cell["group"], _lines(cell), message)
        clusters[key].append(cell["cluster"])
    return [
        Entry(kind, application, tuple(names), group, lines, message, _cell_link(preview, names[0], application))
        for (kind, application, group, lines, message), names in clusters.items()
    ]


def _said(cells: Iterable[dict[str, Any]]) -> dict[str, str]:
    """The worst finding of each prediction that has a severe one, by the prediction's key."""
    keys = list(dict.fromkeys(cell["prediction"] for cell in cells if _severity(cell)))[:_READ]
    found = {blob.pk: from_json(blob.text).introduced for blob in Blob.objects.filter(pk__in=keys)}
    return {key: f"{said[0].code}: {said[0].message}" for key, said in found.items() if said}


def _severity(cell: dict[str, Any]) -> str:
    """The worst severity among a cell's findings if it is a severe one, else ""."""
    said = {severity for severity, *_ in cell["findings"].values()}
    return next((severity for severity in SEVERE if severity in said), "")


def _kind(cell: dict[str, Any]) -> str:
    """One of previews.scm.comment.KINDS."""
    state = cell["yaml_state"]
    if state in ("failed", "skipped"):
        return str(state)
    if severity := _severity(cell):
        return severity
    if state == "unchanged" or state == Cell.PENDING:
        return "value"
    if not cell["deploys"]:
        return "held"
    return "deploys" if state == "changed" else str(state)


def _lines(cell: dict[str, Any]) -> tuple[int, int]:
    yaml = (cell["yaml_added"], cell["yaml_removed"])
    return (cell["value_added"], cell["value_removed"]) if _kind(cell) == "value" else yaml


def _cell_link(preview: Preview, cluster: str, application: str) -> str:
    if not settings.ASTROLABE_URL:
        return ""
    path = reverse("cell", args=[preview.pk, cluster, application])
    return f"{settings.ASTROLABE_URL}{path.translate(_QUOTED)}"
