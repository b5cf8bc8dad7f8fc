"""How a cell is looked at: the look is in the address, so that it can be shared."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import NamedTuple, cast

from django.http import HttpRequest, QueryDict
from django.utils.http import urlencode

from previews.models import Cell
from previews.views.cell_files import parse_file
from previews.views.cell_parts import Openings, parse_openings
from previews.views.cell_section import NOISES, NoiseName
from previews.views.cell_sections import VIEWS, View
from previews.views.matrix_query import PARAMETERS

_LINE = re.compile(r"L(\d{1,6})([bh])(\d{1,7})(?:-\d{1,7})?")


class LineRef(NamedTuple):
    """A line of a section, counted from 1, at the base or the head. `L3h12` is line 12 of section 3 at the head."""

    section: int
    is_base: bool
    number: int


@dataclass(frozen=True)
class Look:
    """A look at a cell. `start` is a section and part where the page begins, `line` one that has to be on it.

    `file` is the place in `Cell.files` of what the view `file` shows.
    """

    view: View
    file: int = 0
    unified: bool = False
    with_hidden: bool = False
    with_ignored: bool = False
    quiet: frozenset[NoiseName] = frozenset()
    openings: Openings | None = None
    start: tuple[int, int] | None = None
    line: LineRef | None = None
    back: str = ""

    @property
    def query(self) -> str:
        """The look as a query, without what is open."""
        return urlencode({**self._viewed, **self._switches("layout", "hidden", "ignored", "quiet", "m")})

    @property
    def place(self) -> str:
        """What is looked at, as a query."""
        return urlencode(self._viewed)

    @property
    def _viewed(self) -> dict[str, str]:
        return {"view": self.view, **({"file": str(self.file)} if self.view == "file" else {})}

    @property
    def other_cells(self) -> str:
        """The query with which another cell is opened: how it is looked at, but not what of it."""
        return urlencode(self._switches("layout", "quiet", "m"))

    def _switches(self, *names: str) -> dict[str, str]:
        values = {
            "layout": "unified" if self.unified else "",
            "hidden": "1" * self.with_hidden,
            "ignored": "show" * self.with_ignored,
            "quiet": ",".join(noise for noise in NOISES if noise in self.quiet),
            "m": self.back,
        }
        return {name: values[name] for name in names if values[name]}

    def as_view(self, view: View, file: int = 0) -> str:
        """The query of another tab."""
        return replace(self, view=view, file=file, with_hidden=False).query

    @property
    def other_layout(self) -> str:
        """The query of the other layout."""
        return replace(self, unified=not self.unified).query

    @property
    def other_hidden(self) -> str:
        """The query that shows, or hides, differences that do not count."""
        return replace(self, with_hidden=not self.with_hidden).query

    @property
    def other_ignored(self) -> str:
        """The query that shows, or hides, differences that rules ignore."""
        return replace(self, with_ignored=not self.with_ignored).query

    @property
    def other_labels(self) -> str:
        """The query that quiets labels, or lets them be heard again."""
        return replace(self, quiet=self.quiet ^ {"labels"}).query

    @property
    def other_order(self) -> str:
        """The query that quiets order, or lets it be heard again."""
        return replace(self, quiet=self.quiet ^ {"order"}).query


def read_look(request: HttpRequest, cell: Cell) -> Look:
    """The look in the query; what is not known counts as not given."""
    query = request.GET
    view, file = query.get("view", ""), parse_file(query.get("file", ""), cell)
    if view not in VIEWS and (view != "file" or file is None):
        view = "yaml" if cell.yaml_state != "unchanged" else "values" if cell.value_state != "unchanged" else "target"
    return Look(
        view=cast(View, view),
        file=file or 0,
        unified=query.get("layout") == "unified",
        with_hidden=query.get("hidden") == "1",
        with_ignored=query.get("ignored") == "show",
        quiet=frozenset(noise for noise in NOISES if noise in query.get("quiet", "").split(",")),
        openings=parse_openings(query.get("expand", "")),
        start=next(iter(parse_openings(query.get("at", ""))), None),
        line=parse_line(query.get("line", "")),
        back=_safe_matrix_query(query.get("m", "")),
    )


def parse_line(text: str) -> LineRef | None:
    """The line that `L3h12` names, or the first of `L3h12-18`; None for nonsense."""
    found = _LINE.fullmatch(text)
    return LineRef(int(found[1]), found[2] == "b", int(found[3])) if found else None


def _safe_matrix_query(text: str) -> str:
    """The matrix's own parameters out of a query that was handed to us."""
    query = QueryDict(text[:500])
    return urlencode([(name, query[name]) for name in PARAMETERS if query.get(name)])
