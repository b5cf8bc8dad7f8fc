"""Previews of several change requests: what may be previewed together, and what each part has to do with the result."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Literal

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from previews import arrivals
from previews.engine.errors import BadInput
from previews.engine.manifests import ResourceId
from previews.engine.render.requests import ENGINE_VERSION, digest
from previews.engine.scope import GroupKind, place_all
from previews.engine.sides import Sides, choose_sides, merge_all
from previews.engine.together import Result, Texts, interaction
from previews.models import Cell, ChangeRequest, Manifest, Part, Preview, Repository

#: Change requests in one preview.
MOST_PARTS = 10

Place = tuple[str, str]


def check(requests: Sequence[ChangeRequest]) -> None:
    """Raises BadInput, with what to do, where change requests cannot be previewed together."""
    if len(requests) < 2:
        raise BadInput("choose at least two change requests to preview them together")
    if len(requests) > MOST_PARTS:
        raise BadInput(f"at most {MOST_PARTS} change requests can be previewed together, and these are {len(requests)}")
    for request in requests:
        if not request.head_commit:
            raise BadInput(f"the head of {request.label} has not been fetched yet; refresh {request.repository.name}")
    first = requests[0]
    for request in requests[1:]:
        if request.repository_id == first.repository_id and request.target != first.target:
            raise BadInput(
                f"{first.label} goes to {first.target} and {request.label} to {request.target}; "
                "only change requests to one branch can be merged one after the other"
            )
        if not _is_linked(first.repository, request.repository):
            raise BadInput(
                f"{request.repository.name} and {first.repository.name} are not linked; "
                "say in the settings of the one with the charts that the other one uses them"
            )


def _is_linked(one: Repository, other: Repository) -> bool:
    return one == other or bool(_fleets_of(one) & _fleets_of(other))


def _fleets_of(repository: Repository) -> set[int]:
    return {repository.pk, *repository.users.values_list("pk", flat=True)}


def linked(repository: Repository) -> QuerySet[Repository]:
    """The repositories whose change requests can be previewed together with those of this one, itself among them."""
    fleets = _fleets_of(repository)
    return Repository.objects.filter(Q(pk__in=fleets) | Q(users__in=fleets)).distinct().order_by("name", "pk")


def shown_besides(requests: Sequence[ChangeRequest]) -> list[Repository]:
    """The repositories whose fleets a preview of these shows besides that of the first one."""
    repositories = {request.repository_id: request.repository for request in requests}
    fleets = set().union(*(_fleets_of(repository) for repository in repositories.values()))
    return list(Repository.objects.filter(pk__in=fleets - {requests[0].repository_id}).order_by("pk"))


def key_of(home: Repository, base_commit: str, parts: Sequence[Part], shows: Sequence[Repository]) -> str:
    """What a preview of several is asked for, as a hash."""
    heads = [[part.change_request_id, part.base_commit, part.head_commit] for part in parts]
    others = [[one.pk, one.default_commit, one.config_text] for one in shows]
    return digest([ENGINE_VERSION, "together", home.pk, home.config_text, base_commit, heads, others])


def sides_of(preview: Preview) -> tuple[Sides, dict[int, Sides]]:
    """The two sides of the preview's own repository, and of the others that move with it, by their keys.

    Makes the trees on this machine, fetching what is missing. Raises BadInput, GitError.
    """
    if preview.change_request_id is not None:
        mirror = arrivals.mirror_with(preview.repository, preview.base_commit, preview.head_commit)
        return choose_sides(mirror, preview.base_commit, [preview.head_commit], preview.exact), {}
    parts = list(preview.parts.select_related("change_request__repository"))
    moved: dict[int, list[Part]] = {preview.repository_id: []}
    for part in parts:
        moved.setdefault(part.change_request.repository_id, []).append(part)
    own = _merged(preview.repository, preview.base_commit, moved.pop(preview.repository_id))
    others = {
        key: _merged(members[0].change_request.repository, members[0].base_commit, members)
        for key, members in moved.items()
    }
    return own, others


def _merged(repository: Repository, base_commit: str, parts: Sequence[Part]) -> Sides:
    heads = [part.head_commit for part in parts]
    return merge_all(arrivals.mirror_with(repository, base_commit, *heads), base_commit, heads)


def keep_left_out(preview: Preview, sides: Iterable[Sides]) -> None:
    """Writes down which parts conflict with those before them."""
    left_out = {commit: list(paths) for side in sides for commit, paths in side.left_out.items()}
    for part in preview.parts.all():
        Part.objects.filter(pk=part.pk).update(left_out=left_out.get(part.head_commit, []))


def partners(preview: Preview, most: int) -> list[ChangeRequest]:
    """The open change requests that touch what this preview's does, those with the most in common first.

    They have an instance in common, or a path that the sources of their instances come from: a new instance is touched
    by whatever changes the files that it is made of.
    """
    change, mine = preview.change_request, _touched(preview)
    if change is None or not mine or most <= 0:
        return []
    opened = ChangeRequest.objects.filter(repository=change.repository, state=ChangeRequest.OPEN).exclude(pk=change.pk)
    shared: Counter[ChangeRequest] = Counter()
    for other in opened.select_related("repository"):
        standing = other.previews.plain().first()
        if other.target != change.target or standing is None or standing.state != Preview.DONE:
            continue
        if (standing.head_commit, standing.base_commit) == (other.head_commit, preview.base_commit):
            shared[other] = len(mine & _touched(standing))
    return [other for other, count in shared.most_common(most) if count]


def _touched(preview: Preview) -> set[tuple[str, ...]]:
    rows = json.loads(preview.touched.text) if preview.touched else []
    return {place for cluster, application, path in rows for place in ((cluster, application), (path,)) if any(place)}


def ready(preview_id: int) -> list[Preview]:
    """The previews of several that wait for nothing any more, among those that this one is or is a part of."""
    part_of = Part.objects.filter(alone=preview_id).values("preview")
    return list(waiting().filter(Q(pk=preview_id) | Q(pk__in=part_of)))


def waiting() -> QuerySet[Preview]:
    """The previews of several that are done, and so are their parts, and nobody has compared them yet."""
    running = Part.objects.filter(alone__state__in=Preview.RUNNING).values("preview")
    # What stands alone in a preview of its own has nothing to be compared with.
    compared = Part.objects.filter(position=1).values("preview")
    return Preview.objects.filter(state=Preview.DONE, added_up_at=None, pk__in=compared).exclude(pk__in=running)


def add_up(preview: Preview) -> None:
    """Writes on each cell which parts move it, and how the result is not the sum of them.

    Cells that a part changes and all together do not are added. A part that could not be previewed alone is not judged.
    """
    parts = [part for part in preview.parts.select_related("alone") if not part.left_out]
    known = all(part.alone and part.alone.state == Preview.DONE and not part.alone.conflicts for part in parts)
    combined = {(cell.cluster, cell.application): cell for cell in preview.cells.select_related("preview")}
    alone = [_cells(part) for part in parts]
    # Neighbours have much in common, such as the chart of all clusters that give it the same values.
    read = lru_cache(maxsize=16)(_read)
    changed, undone = [], []
    for place in sorted(combined.keys() | {place for cells in alone for place in cells}):
        mine, theirs = combined.get(place), [cells.get(place) for cells in alone]
        found = (
            interaction([_result(cell) for cell in theirs], _result(mine), _texts(mine, theirs, read))
            if known
            else None
        )
        moved_by = [part.position for part, cell in zip(parts, theirs, strict=True) if cell is not None]
        if mine is not None:
            mine.moved_by, mine.interaction = moved_by, found or ""
            changed.append(mine)
        elif found:
            like = next(cell for cell in theirs if cell is not None)
            undone.append(_undone(preview, like, moved_by, found))
    with transaction.atomic():
        Cell.objects.bulk_update(changed, ["moved_by", "interaction"], batch_size=200)
        Cell.objects.bulk_create(undone, batch_size=200, ignore_conflicts=True)
        Preview.objects.filter(pk=preview.pk).update(added_up_at=timezone.now())


def _cells(part: Part) -> dict[Place, Cell]:
    cells = part.alone.cells.select_related("preview") if part.alone else ()
    return {(cell.cluster, cell.application): cell for cell in cells}


def _result(cell: Cell | None) -> Result:
    if cell is None:
        return Result()
    edits = {_identity(row): (row["state"], row["edit"]) for row in cell.resources}
    return Result(cell.yaml_state, cell.deploys, cell.fails, _rejected(cell), edits)  # type: ignore[arg-type]


def _rejected(cell: Cell) -> frozenset[str] | None:
    return None if cell.deploys and cell.prediction_id is None else frozenset(cell.rejected)


def _identity(row: Mapping[str, str]) -> ResourceId:
    return ResourceId(row["group"], row["kind"], row["namespace"], row["name"])


def _texts(combined: Cell | None, alone: Sequence[Cell | None], read: Callable[..., dict[ResourceId, str]]) -> Texts:
    def texts(resource: ResourceId) -> tuple[str | None, list[str | None], str | None]:
        changing = [cell for cell in alone if cell and any(_identity(row) == resource for row in cell.resources)]
        assert combined is not None
        base = _delivered(combined, "base", read).get(resource)
        heads = [_delivered(cell, "head", read).get(resource) for cell in changing]
        return base, heads, _delivered(combined, "head", read).get(resource)

    return texts


def _delivered(
    cell: Cell, side: Literal["base", "head"], read: Callable[..., dict[ResourceId, str]]
) -> dict[ResourceId, str]:
    """The texts of one side of a cell, where a sync puts them."""
    key, namespace = (cell.base_key, cell.placing[0]) if side == "base" else (cell.head_key, cell.placing[1])
    return read(key, namespace, cell.preview.cluster_scoped_kinds) if key else {}


def _read(key: str, namespace: str, cluster_scoped: frozenset[GroupKind]) -> dict[ResourceId, str]:
    found = Manifest.objects.select_related("blob").get(pk=key)
    return {one.id: one.text for one in place_all(found.resources, namespace, cluster_scoped)}


def _undone(preview: Preview, like: Cell, moved_by: list[int], found: str) -> Cell:
    """A cell that stays as it is, although a part alone changes it as in `like`."""
    return Cell(
        preview=preview,
        cluster=like.cluster,
        application=like.application,
        name=like.name,
        path=like.path,
        value_state="unchanged",
        yaml_state="unchanged",
        deploys=False,
        pinned=like.pinned,
        base_key=like.base_key,
        head_key=like.base_key,
        base_values=like.base_values,
        head_values=like.base_values,
        base_target=like.base_target,
        head_target=like.base_target,
        namespaces=like.namespaces,
        moved_by=moved_by,
        interaction=found,
    )
