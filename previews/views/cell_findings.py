"""What the prediction says on a cell's page: a list on top, and each finding on its line of the diff."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from previews.engine.errors import YamlError
from previews.engine.predict.findings import Finding, Steps
from previews.engine.yamls import load_with_lines
from previews.models import Cell
from previews.views.cell_parts import Opening, place_of
from previews.views.cell_section import Sections

#: Texts in which lines are looked for, in characters: a page has to be quick.
_LONGEST = 300_000
#: Findings on one page.
MOST = 100


@dataclass(frozen=True)
class Told:
    """A finding and its line: the section's number and the line's, None where the diff does not show it."""

    finding: Finding
    section: int | None = None
    line: int | None = None
    is_base: bool = False

    @property
    def anchor(self) -> str:
        """The address of the line in the page, "" where there is none."""
        if self.section is None:
            return ""
        return f"L{self.section}{'b' if self.is_base else 'h'}{self.line}" if self.line else f"r{self.section}"


def told(findings: Iterable[Finding], found: Sections) -> list[Told]:
    """The findings with their lines in these sections; the first `MOST`."""
    by_id = {section.id: section for section in found.sections if section.id}
    lines: dict[int, Mapping[tuple[int, str | int], int]] = {}
    values: dict[int, object] = {}
    rows = []
    for finding in list(findings)[:MOST]:
        section = by_id.get(finding.object) if finding.object else None
        if section is None:
            rows.append(Told(finding))
            continue
        is_base = section.right is None
        text = section.left if is_base else section.right
        if section.index not in lines:
            values[section.index], lines[section.index] = _read(text or "")
        line = _line(values[section.index], lines[section.index], finding.steps)
        rows.append(Told(finding, section.index, line, is_base))
    return rows


def _read(text: str) -> tuple[object, Mapping[tuple[int, str | int], int]]:
    if len(text) > _LONGEST:
        return None, {}
    try:
        return load_with_lines(text)
    except YamlError:
        return None, {}


def _line(value: object, lines: Mapping[tuple[int, str | int], int], steps: Steps) -> int | None:
    """The line of the field, or of the nearest that holds it: what is missing has no line of its own."""
    line = None
    for step in steps:
        line = lines.get((id(value), step), line)
        if isinstance(value, dict) or (isinstance(value, list) and isinstance(step, int) and step < len(value)):
            value = value.get(step) if isinstance(value, dict) else value[step]  # type: ignore[index]
        else:
            break
    return line


def with_remarks(found: Sections, rows: Sequence[Told]) -> Sections:
    """The sections with what is said of their lines."""
    by_section: dict[int, dict[int, list[Finding]]] = {}
    for row in rows:
        if row.section is not None and row.line and not row.is_base:
            by_section.setdefault(row.section, {}).setdefault(row.line, []).append(row.finding)
    sections = tuple(
        replace(section, remarks=by_section[section.index]) if section.index in by_section else section
        for section in found.sections
    )
    return replace(found, sections=sections)


def openings_for(found: Sections) -> dict[tuple[int, int], Opening]:
    """What has to be open so that the lines are seen that something is said of."""
    opened = {}
    for section in found.sections:
        for line in section.remarks:
            place = place_of(section, False, line)
            if place is not None:
                part, opening = place
                opened[section.index, part] = opening
    return opened


def prediction_of(cell: Cell, found: Sections) -> tuple[list[Told], list[Told]]:
    """What the change brings and what it repairs."""
    predicted = cell.predicted
    if predicted is None:
        return [], []
    return told(predicted.introduced, found), [Told(one) for one in predicted.repaired[:MOST]]
