"""Whole numbers of `--set`, which Helm keeps as int64 while all numbers of YAML and JSON become float64.

The difference shows: an image tag 20240115 is printed as 2.0240115e+07 when it was a float. Neither of our ways into
Helm can hand over an int64, so a template that runs before all others turns them into one (engine.go sortTemplates:
the most deeply nested template runs first).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

#: Where the template goes in a chart: deeper than any other.
TEMPLATE_PATH = f"templates/{'0/' * 40}integers.yaml"

IntegerPath = tuple[str | int, ...]


def integer_paths(given: Any, values: Any, where: IntegerPath = ()) -> Iterator[IntegerPath]:
    """The places of all whole numbers in `given` (what parameters alone make) that are still numbers in `values`."""
    if isinstance(given, dict) and isinstance(values, dict):
        for key, item in given.items():
            yield from integer_paths(item, values.get(key), (*where, key))
    elif isinstance(given, list) and isinstance(values, list):
        for index, (item, value) in enumerate(zip(given, values, strict=False)):
            yield from integer_paths(item, value, (*where, index))
    elif _is_integer(given) and _is_integer(values):
        yield where


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def integers_template(values: Mapping[str, Any], paths: Iterable[Iterable[str | int]]) -> str:
    """The template's text. It prints nothing but white space."""
    tree: dict[Any, Any] = {}
    for path in paths:
        node = tree
        for part in path:
            node = node.setdefault(part, {})
    text = _Writer().write(tree, values)
    if "global" not in tree:
        return text
    # Subcharts hold copies of what is global.
    inner = _Writer().write({"global": tree["global"]}, values)
    each = '{{ range .Subcharts }}{{ include "astrolabe.integers" . }}{{ end }}'
    return f'{{{{ define "astrolabe.integers" }}}}{inner}{each}{{{{ end }}}}{text}{each}'


class _Writer:
    """Writes the statements; each variable has a number of its own."""

    def __init__(self) -> None:
        self.count = 0

    def write(self, tree: Mapping[Any, Any], values: Mapping[str, Any]) -> str:
        return "{{ $v := .Values }}" + self.mapping("$v", tree, values)

    def mapping(self, variable: str, tree: Mapping[Any, Any], value: Mapping[str, Any]) -> str:
        """Statements that change the mapping in a variable."""
        lines = []
        for key, below in tree.items():
            name = json.dumps(key, ensure_ascii=False)
            self.count += 1
            inner = f"$v{self.count}"
            kind, body = self.change(inner, below, value[key], f"set {variable} {name}")
            taken = f"{{{{ {inner} := index {variable} {name} }}}}"
            lines.append(f'{taken}{{{{ if kindIs "{kind}" {inner} }}}}{body}{{{{ end }}}}')
        return "".join(lines)

    def change(self, variable: str, tree: Mapping[Any, Any], value: Any, assign: str) -> tuple[str, str]:
        """The kind that the value in a variable must have, and statements that change it in its parent."""
        if isinstance(value, dict):
            return "map", self.mapping(variable, tree, value)
        before, expression = self.expression(variable, tree, value)
        return ("slice" if tree else "float64"), f"{before}{{{{ $_ := {assign} {expression} }}}}"

    def expression(self, variable: str, tree: Mapping[Any, Any], value: Any) -> tuple[str, str]:
        """Statements, and an expression for the changed value: lists are made anew, mappings changed in place."""
        if isinstance(value, dict):
            return self.mapping(variable, tree, value), variable
        if not isinstance(value, list):
            return "", f"(int64 {value})"
        before, items = [], []
        for index, item in enumerate(value):
            if index not in tree:
                items.append(f"(index {variable} {index})")
                continue
            self.count += 1
            inner = f"$v{self.count}"
            before.append(f"{{{{ {inner} := index {variable} {index} }}}}")
            statements, expression = self.expression(inner, tree[index], item)
            before.append(statements)
            items.append(expression)
        return "".join(before), f"(list {' '.join(items)})"
