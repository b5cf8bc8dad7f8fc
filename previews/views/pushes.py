"""Push with push: what two previews of one change request say differently."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from previews.engine.diff.lines import diff_lines, split_lines
from previews.models import Blob, Cell, ChangeRequest, Preview
from previews.views import change

#: Rows that the page shows.
MOST = 500
_BATCH = 500

Edits = dict[tuple[str | None, str | None], Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """A place where the two previews differ: its cell in each, None where there is none."""

    cluster: str
    application: str
    kind: Literal["new", "gone", "other"]
    before: Cell | None
    after: Cell | None


def compare(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """The page: `a` and `b` are two finished previews of the change request, the older first."""
    if not request.GET:
        # A branch may be called so.
        return change.show(request, slug, f"{name}/compare")
    change_request = change.find_change(slug, name)
    before, after = (_preview(change_request, request.GET.get(key, "")) for key in ("a", "b"))
    found = differences(before, after)
    context = {
        "change": change_request,
        "repository": change_request.repository,
        "before": before,
        "after": after,
        "counts": [(kind, sum(one.kind == kind for one in found)) for kind in ("new", "gone", "other")],
        "rows": found[:MOST],
        "total": len(found),
        "same": before.cells.count() - sum(one.before is not None for one in found),
    }
    return render(request, "compare.html", context)


def _preview(change_request: ChangeRequest, key: str) -> Preview:
    number = int(key) if key.isdecimal() and len(key) < 19 else -1
    found = change_request.previews.filter(pk=number, state=Preview.DONE).first()
    if found is None:
        raise Http404("no finished preview of this change request")
    return found


def differences(before: Preview, after: Preview) -> list[Difference]:
    """The places whose change is new, gone or another, by application and cluster.

    A change is the same where the same resources change by the same lines, and the values and the target as well; what
    stands around those lines may have moved with the target branch.
    """
    left, right = ({(cell.application, cell.cluster): cell for cell in one.cells.all()} for one in (before, after))
    both = [(left[place], right[place]) for place in left.keys() & right.keys()]
    moved = [cell for old, new in both if _blobs(old) != _blobs(new) for cell in (old, new)]
    edits = _edits(pair for cell in moved for pair in _blobs(cell))
    other = {(new.application, new.cluster) for old, new in both if _change(old, edits) != _change(new, edits)}
    found = []
    for place in sorted(left.keys() | right.keys()):
        old, new = left.get(place), right.get(place)
        kind: Literal["new", "gone", "other"] = "new" if old is None else "gone" if new is None else "other"
        if kind != "other" or place in other:
            found.append(Difference(place[1], place[0], kind, old, new))
    return found


def _blobs(cell: Cell) -> tuple[tuple[str | None, str | None], ...]:
    """The texts of its values and of its target on both sides."""
    return (cell.base_values_id, cell.head_values_id), (cell.base_target_id, cell.head_target_id)


def _change(cell: Cell, edits: Edits) -> list[Any]:
    resources = sorted(
        [one["group"], one["kind"], one["namespace"], one["name"], one["state"], one["edit"]] for one in cell.resources
    )
    texts = [edits.get(pair, pair) for pair in _blobs(cell)]
    return [cell.value_state, cell.yaml_state, cell.deploys, resources, cell.error, cell.skipped, texts]


def _edits(pairs: Iterable[tuple[str | None, str | None]]) -> Edits:
    """The lines taken away and put in between each two blobs."""
    wanted = set(pairs)
    keys = sorted({key for pair in wanted for key in pair if key})
    lines: dict[str | None, list[str]] = {None: []}
    for at in range(0, len(keys), _BATCH):
        lines |= {blob.pk: split_lines(blob.text) for blob in Blob.objects.filter(pk__in=keys[at : at + _BATCH])}
    return {pair: _edit(lines[pair[0]], lines[pair[1]]) for pair in wanted}


def _edit(old: list[str], new: list[str]) -> list[Any]:
    script = diff_lines(old, new).opcodes
    return [[old[op.i1 : op.i2], new[op.j1 : op.j2]] for op in script if op.tag != "equal"]
