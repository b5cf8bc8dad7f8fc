"""What a preview does to one instance: the cell, as the matrix, the commands and the database know it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from previews.engine.diff.fields import NO_FIELDS, FieldList
from previews.engine.errors import SkipReason, Stage
from previews.engine.ignoring import Steps
from previews.engine.manifests import ResourceId

if TYPE_CHECKING:  # it is made of what is made of cells
    from previews.engine.predict.prediction import Prediction

ValueState = Literal["unchanged", "changed", "added", "removed"]
YamlState = Literal["unchanged", "changed", "added", "removed", "failed", "skipped"]
ResourceState = Literal["changed", "added", "removed"]
Cause = Literal["target", "value", "template", "profile"]
Side = Literal["base", "head", "both"]

#: Lines added and lines removed.
Lines = tuple[int, int]


@dataclass(frozen=True, slots=True)
class CellError:
    """Why a side could not be rendered, in the renderer's own words (secrets masked, at most 8 KiB)."""

    side: Side
    stage: Stage
    message: str


@dataclass(frozen=True, slots=True)
class CellSkip:
    """Why a side was not rendered although nothing is wrong with it."""

    side: Side
    reason: SkipReason
    message: str


class Noise(NamedTuple):
    """Changed lines that say little: labels and checksums (previews.engine.diff.noise), and what changes its place."""

    labels: int = 0
    order: int = 0


NO_NOISE = Noise()


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """One resource of a cell that differs between the sides.

    `edit` is equal where the very same lines change, but for checksums of what changes elsewhere; `fields` are those
    that change where it is on both sides.
    """

    id: ResourceId
    state: ResourceState
    lines: Lines
    edit: str = ""
    fields: FieldList = NO_FIELDS
    noise: Noise = NO_NOISE


@dataclass(frozen=True, slots=True)
class Hidden:
    """A resource of which rules hide `count` differing fields: what is taken out of each side before it is compared."""

    id: ResourceId
    base: Steps
    head: Steps
    count: int


@dataclass(frozen=True, slots=True)
class Cell:
    """The comparison of one instance at base and at head.

    `cluster` and `application` are the column and the row; `name` is the Application's own name. `group` is the
    identifier of the group of identical yaml changes that the cell belongs to, None when its yaml is not changed;
    `pattern` that of the cells in which the same lines change, whatever their resources are called.
    `prediction` is what deploying it will do, None where nothing is deployed or nobody can tell.
    `ignored` is how many fields differ that rules hide, in the resources of `hidden`.
    """

    cluster: str
    application: str
    name: str
    path: str
    value: ValueState
    yaml: YamlState
    cause: tuple[Cause, ...]
    deploys: bool
    pinned: bool
    value_lines: Lines = (0, 0)
    yaml_lines: Lines = (0, 0)
    resources: tuple[ResourceChange, ...] = ()
    ignored: int = 0
    hidden: tuple[Hidden, ...] = ()
    unstable: int = 0
    group: str | None = None
    pattern: str | None = None
    error: CellError | None = None
    skipped: CellSkip | None = None
    notes: tuple[str, ...] = ()
    prediction: Prediction | None = None

    @property
    def is_changed(self) -> bool:
        """Whether the matrix shows this cell when it shows only what changed."""
        return bool(self.cause) or self.value != "unchanged" or self.yaml != "unchanged"
