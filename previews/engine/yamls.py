"""YAML as Kubernetes reads it (sigs.k8s.io/yaml on goyaml.v2), and safe on hostile text.

Values are built from the parser's events without recursion: PyYAML's composer overruns the C stack on deep nesting,
and its constructors make dates and sexagesimal numbers that Kubernetes does not know.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from previews.engine.errors import YamlError

MAX_DEPTH = 100
MAX_NODES = 2_000_000

_Parser = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

# goyaml.v2, resolve.go: the words of its resolve table.
_WORDS: dict[str, Any] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
for _yes in ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"):
    _WORDS[_yes] = True
for _no in ("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"):
    _WORDS[_no] = False

_INTEGER = re.compile(r"[-+]?(0|0b[01_]*[01]|0o?[0-7_]*[0-7]|0x[0-9a-fA-F_]*[0-9a-fA-F]|[1-9][0-9_]*)$")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?$")
_NUMBER_START = frozenset("+-.0123456789")
_LONGEST_NUMBER = 400


def _resolve(text: str) -> Any:
    """A plain scalar's value, by goyaml.v2's rules; what JSON cannot hold (.inf, .nan) stays text."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_START or len(text) > _LONGEST_NUMBER:
        return text
    if _INTEGER.match(text):
        return _integer(text)
    if _FLOAT.match(text):
        return float(text.replace("_", ""))
    return text


def _integer(text: str) -> int:
    digits = text.replace("_", "")
    unsigned = digits.lstrip("+-")
    # A leading zero alone means octal to Go's ParseInt(…, 0, 64), and to nobody's surprise but Python's.
    if len(unsigned) > 1 and unsigned[0] == "0" and unsigned[1].isdigit():
        return int(digits, 8)
    return int(digits, 0)


def _key(value: Any) -> str:
    """A mapping key as JSON has it: sigs.k8s.io/yaml turns every scalar key to text."""
    if isinstance(value, str):
        return value
    if isinstance(value, (dict, list)):
        raise YamlError("a mapping or list cannot be a key")
    return json.dumps(value)


class _Builder:
    """Builds the values of one stream out of parser events, iteratively."""

    def __init__(self, duplicates: str, lines: dict[tuple[int, str | int], int] | None) -> None:
        self.forbid_duplicates = duplicates == "error"
        self.lines = lines
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.nodes = 0
        self.stack: list[tuple[Any, Any, str | None, int]] = []
        self.container: Any = None
        self.pending: Any = None  # the key that waits for its value; _NO_KEY when a key comes next
        self.root: Any = None

    def count(self, nodes: int, line: int) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            raise YamlError(f"more than {MAX_NODES:,} nodes", line)

    def add(self, value: Any, line: int) -> None:
        container = self.container
        if container is None:
            self.root = value
        elif type(container) is list:
            if self.lines is not None:
                self.lines[id(container), len(container)] = line
            container.append(value)
        elif self.pending is _NO_KEY:
            self.pending = self.take_key(container, value, line)
        else:
            self.put(container, self.pending, value)
            self.pending = _NO_KEY

    def take_key(self, container: dict[str, Any], value: Any, line: int) -> Any:
        if value is _MERGE:
            return _MERGE
        key = _key(value)
        if self.forbid_duplicates and key in container and key not in getattr(container, "merged", ()):
            raise YamlError(f"key {key!r} stands twice", line)
        if self.lines is not None:
            self.lines[id(container), key] = line
        return key

    def put(self, container: dict[str, Any], key: Any, value: Any) -> None:
        if key is not _MERGE:
            container[key] = value
            return
        for source in value if isinstance(value, list) else [value]:
            if not isinstance(source, dict):
                raise YamlError("`<<` wants a mapping or a list of mappings")
            for name, item in source.items():
                container.setdefault(name, item)
            if isinstance(container, _Mapping):
                container.merged.update(source)

    def open(self, container: Any, anchor: str | None, line: int) -> None:
        if len(self.stack) >= MAX_DEPTH:
            raise YamlError(f"nested deeper than {MAX_DEPTH}", line)
        self.count(1, line)
        self.add_open(container, line)
        self.stack.append((self.container, self.pending, anchor, self.nodes))
        self.container, self.pending = container, _NO_KEY

    def add_open(self, container: Any, line: int) -> None:
        if type(self.container) is list or self.container is None:
            self.add(container, line)
        elif self.pending is _NO_KEY:
            raise YamlError("a mapping or list cannot be a key", line)

    def close(self) -> None:
        done = self.container
        self.container, self.pending, anchor, nodes = self.stack.pop()
        if anchor:
            self.anchors[anchor] = (done, self.nodes - nodes + 1)
        if type(self.container) is not list and self.container is not None:
            self.put(self.container, self.pending, done)
            self.pending = _NO_KEY

    def alias(self, name: str, line: int) -> None:
        if name not in self.anchors:
            raise YamlError(f"unknown alias *{name}", line)
        value, size = self.anchors[name]
        # An alias costs what it stands for: this is what stops "a billion laughs".
        self.count(size, line)
        self.add(value, line)

    def scalar(self, event: Any, line: int) -> None:
        self.count(1, line)
        value = self.scalar_value(event)
        if event.anchor:
            self.anchors[event.anchor] = (value, 1)
        self.add(value, line)

    def scalar_value(self, event: Any) -> Any:
        if event.implicit[0]:
            if event.value == "<<" and self.pending is _NO_KEY and isinstance(self.container, dict):
                return _MERGE
            return _resolve(event.value)
        tag = event.tag
        if tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:bool"):
            return _resolve(event.value)
        return None if tag == "tag:yaml.org,2002:null" else event.value


class _Mapping(dict[str, Any]):
    """A mapping that knows which keys came by `<<`, so that overriding them is no duplicate."""

    __slots__ = ("merged",)

    def __init__(self) -> None:
        super().__init__()
        self.merged: set[str] = set()


_NO_KEY = object()
_MERGE = object()


def events(text: str) -> Iterator[Any]:
    """The parser's events; untyped, since the stubs know only their base class."""
    # To Kubernetes' parser a block at the very end has its newline even where the text has not.
    return iter(yaml.parse(text if text.endswith("\n") else f"{text}\n", Loader=_Parser))


def _documents(text: str, duplicates: str, lines: dict[tuple[int, str | int], int] | None) -> Iterator[Any]:
    strict = duplicates == "error"
    builder = _Builder(duplicates, lines)
    try:
        for event in events(text):
            kind = type(event)
            line = event.start_mark.line + 1
            if kind is yaml.ScalarEvent:
                builder.scalar(event, line)
            elif kind is yaml.MappingStartEvent:
                builder.open(_Mapping() if strict else {}, event.anchor, line)
            elif kind is yaml.SequenceStartEvent:
                builder.open([], event.anchor, line)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                builder.close()
            elif kind is yaml.AliasEvent:
                builder.alias(event.anchor, line)
            elif kind is yaml.DocumentEndEvent:
                yield builder.root
                builder.root, builder.anchors = None, {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        raise YamlError(problem, mark.line + 1 if mark else None) from None
    except (ValueError, RecursionError) as error:
        raise YamlError(str(error)) from None


def load_all(text: str, duplicates: str = "last") -> list[Any]:
    """All documents of a YAML text as JSON values (None for an empty one).

    `duplicates` is "last" (as sigs.k8s.io/yaml does when not strict) or "error". Raises YamlError.
    """
    return list(_documents(text, duplicates, None))


def load(text: str, duplicates: str = "last") -> Any:
    """The first document of a YAML text as a JSON value; None when there is none. Raises YamlError."""
    return next(iter(load_all(text, duplicates)), None)


def load_with_lines(text: str) -> tuple[Any, dict[tuple[int, str | int], int]]:
    """One strict document, and for each (id of its container, key or index) the line, from 1, where it stands."""
    lines: dict[tuple[int, str | int], int] = {}
    documents = list(_documents(text, "error", lines))
    return (documents[0] if documents else None), lines


@dataclass(frozen=True, slots=True)
class Scalar:
    """A scalar or alias where it stands in a text: from character `start` up to `end`, quotes included.

    `key` is the nearest mapping key above it, None for a key itself. `value` is None for an alias, which is no `bare`
    scalar; nor is one with an anchor or a tag. A block scalar's `end` may lie behind the empty lines after it.
    """

    start: int
    end: int
    key: str | None
    value: Any
    bare: bool
    block: bool


def scalars(text: str) -> list[Scalar]:
    """All scalars and aliases of a text in their order. Raises YamlError, as `load_all`, which it must have passed."""
    load_all(text)
    found: list[Scalar] = []
    # For each container: whether it is a mapping, the key that speaks for what is in it, whether a key comes next.
    stack: list[tuple[bool, str, bool]] = []
    for event in events(text):
        is_mapping, key, wants_key = stack[-1] if stack else (False, "", False)
        kind = type(event)
        if kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            stack.append((kind is yaml.MappingStartEvent, key, kind is yaml.MappingStartEvent))
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            stack.pop()
            if stack and stack[-1][0]:
                stack[-1] = (True, stack[-1][1], True)
        elif kind is yaml.ScalarEvent or kind is yaml.AliasEvent:
            found.append(_scalar(event, None if wants_key else key))
            if is_mapping:
                stack[-1] = (True, getattr(event, "value", "") if wants_key else key, not wants_key)
    return found


def _scalar(event: Any, key: str | None) -> Scalar:
    start, end = event.start_mark.index, event.end_mark.index
    if isinstance(event, yaml.AliasEvent):
        return Scalar(start, end, key, None, bare=False, block=False)
    bare = not event.anchor and (event.implicit[0] or event.implicit[1])
    value = _resolve(event.value) if event.implicit[0] else event.value
    return Scalar(start, end, key, value, bare, block=event.style in ("|", ">"))


class _BlockDumper(_Dumper):  # type: ignore[misc, valid-type]
    """Writes multi-line strings as blocks and never makes aliases: for people and for line diffs."""

    def ignore_aliases(self, data: Any) -> bool:
        """No anchors: the same value is written out wherever it stands."""
        return True


def _represent_text(dumper: Any, text: str) -> Any:
    style = "|" if "\n" in text else None
    # PyYAML would write `y` bare, which Kubernetes reads as true.
    if style is None and text and not isinstance(_resolve(text), str):
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_BlockDumper.add_representer(str, _represent_text)
_BlockDumper.add_representer(_Mapping, lambda dumper, data: dumper.represent_dict(data.items()))


def dump(value: Any, sort_keys: bool = True) -> str:
    """Canonical block YAML of a JSON value: keys sorted, no anchors, lines never wrapped."""
    text: str = yaml.dump(value, Dumper=_BlockDumper, sort_keys=sort_keys, width=1 << 20, allow_unicode=True)
    return text


def canonical(value: Any) -> str:
    """One text for equal JSON values, for hashing and comparing."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
