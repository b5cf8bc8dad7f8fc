"""Which lines of a YAML text hold which entry of a mapping or list, where the text is in block style."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from previews.engine.diff.lines import split_lines
from previews.engine.yamls import events


@dataclass(slots=True)
class Entry:
    """A mapping's key with its value, or a list's item: the lines `start` up to `end`, from 0.

    The comments and blank lines ahead of it begin at `lead`; those at the very top are no entry's. `inner` is its
    value if that is a block.
    """

    lead: int
    start: int
    end: int
    inner: Block | None = None


@dataclass(slots=True)
class Block:
    """A mapping or list of which each entry begins on a line of its own, but the first perhaps behind `- `.

    The entries follow each other without a gap, in the order in which the parser gives them.
    """

    is_list: bool
    column: int
    entries: list[Entry] = field(default_factory=list)


def read_blocks(text: str) -> Block | None:
    """The outermost block of a text that `previews.engine.yamls.load` has read without error.

    None if there is none, or where lines cannot be moved: in several documents, and with anchors.
    """
    reader = _Reader(split_lines(text))
    documents = 0
    for event in events(text):
        documents += type(event) is yaml.DocumentStartEvent
        if documents > 1 or getattr(event, "anchor", None):
            return None
        reader.read(event)
    return reader.root


@dataclass(slots=True)
class _Frame:
    block: Block
    is_regular: bool = True
    #: Whether a mapping's key was read and its value is next.
    has_key: bool = False


@dataclass(slots=True)
class _Reader:
    """Builds blocks out of parser events, without recursion."""

    lines: Sequence[str]
    root: Block | None = None
    stack: list[_Frame] = field(default_factory=list)
    #: The last line on which something stood so far.
    last: int = -1
    #: How many flow collections are open.
    flow: int = 0

    def read(self, event: Any) -> None:
        kind = type(event)
        if kind in (yaml.MappingStartEvent, yaml.SequenceStartEvent):
            self._open(event, is_list=kind is yaml.SequenceStartEvent)
        elif kind in (yaml.MappingEndEvent, yaml.SequenceEndEvent):
            self._close(event)
        elif kind is yaml.ScalarEvent:
            self._begin(event)
            self._end(event)

    def _open(self, event: Any, is_list: bool) -> None:
        self._begin(event)
        if self.flow or event.flow_style:
            self.flow += 1
            return
        self.stack.append(_Frame(Block(is_list, event.start_mark.column)))

    def _close(self, event: Any) -> None:
        if self.flow:
            self.flow -= 1
            self._end(event)
            return
        frame = self.stack.pop()
        frame.block.entries[-1].end = self.last + 1
        block = frame.block if frame.is_regular else None
        if self.stack:
            self.stack[-1].block.entries[-1].inner = block
        else:
            self.root = block

    def _begin(self, event: Any) -> None:
        """Something begins: a key, an item, a value, or what is inside a flow collection."""
        if self.flow or not self.stack:
            return
        frame = self.stack[-1]
        is_value = frame.has_key
        frame.has_key = not frame.block.is_list and not is_value
        if not is_value:
            self._enter(frame, event)

    def _enter(self, frame: _Frame, event: Any) -> None:
        line, entries = event.start_mark.line, frame.block.entries
        if entries:
            entries[-1].end = self.last + 1
        frame.is_regular &= (line > self.last or not entries) and self._begins_plainly(frame.block, event)
        # What stands above the first key speaks of the whole.
        is_first_of_all = len(self.stack) == 1 and not entries
        lead = line if is_first_of_all else min(self.last + 1, line)
        frame.is_regular &= all(_is_comment(text) for text in self.lines[lead:line])
        entries.append(Entry(lead, line, line + 1))
        self.last = max(self.last, line)

    def _begins_plainly(self, block: Block, event: Any) -> bool:
        """Whether an entry begins in the column of its block, and is no merge of other mappings."""
        line: int = event.start_mark.line
        column: int = event.start_mark.column
        if block.is_list:
            return self.lines[line][block.column : block.column + 1] == "-"
        is_merge = type(event) is yaml.ScalarEvent and event.implicit[0] and event.value == "<<"
        return column == block.column and not is_merge

    def _end(self, event: Any) -> None:
        # The end of a `|` block is the begin of the line behind it, and the blank lines at its end belong to it.
        mark = event.end_mark
        self.last = max(self.last, mark.line - (mark.column == 0 and mark.line > event.start_mark.line))


def _is_comment(line: str) -> bool:
    return line.strip(" \t\r")[:1] in ("", "#")
