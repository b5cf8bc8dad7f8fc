"""Helm values as Helm merges them: files, inline values, then `--set` and `--set-string`.

Mirrors pkg/cli/values/options.go and pkg/strvals/parser.go of Helm.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from previews.engine.errors import RenderFailed

MAX_INDEX = 65_536
MAX_NESTING = 30
_INTEGER = re.compile(r"[-+]?[0-9]+")
_Container = TypeVar("_Container", list[Any], dict[str, Any])


def merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` on top of `under`: mappings merge key by key, all else is replaced; null stays, and deletes later."""
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = merge(below, value) if isinstance(value, dict) and isinstance(below, dict) else value
    return merged


def set_value(values: Mapping[str, Any], expression: str, force_string: bool = False) -> dict[str, Any]:
    """Applies one `--set` expression (`a.b[0].c=1,d={x,y}`) and gives the new values.

    Raises RenderFailed in Helm's sense when the expression is malformed.
    """
    return _Setter(expression, force_string).apply(values)


def _put(data: dict[str, Any], name: str, value: Any) -> None:
    """As strvals, leaves out a value without a name."""
    if name:
        data[name] = value


def set_file(values: Mapping[str, Any], name: str, content: str) -> dict[str, Any]:
    """Applies one `--set-file name=…` with the file's content, which stays text."""
    return _Setter(f"{name}=", True, content).apply(values)


class _Setter:
    """The parser of strvals: reads runs up to one of a few stop signs, a backslash takes the next sign as it is."""

    def __init__(self, expression: str, force_string: bool, content: str | None = None) -> None:
        self.content = content
        self.text = expression
        self.at = 0
        self.force_string = force_string

    def apply(self, values: Mapping[str, Any]) -> dict[str, Any]:
        result = dict(values)
        while self.at < len(self.text):
            self.key(result, 0)
        return result

    def run(self, stops: str) -> tuple[str, str]:
        """Text up to one of the stop signs, and that sign ("" at the end)."""
        taken: list[str] = []
        while self.at < len(self.text):
            sign = self.text[self.at]
            self.at += 1
            if sign in stops:
                return "".join(taken), sign
            if sign == "\\":
                sign = self.text[self.at : self.at + 1]
                self.at += 1
            taken.append(sign)
        return "".join(taken), ""

    def fail(self, message: str) -> RenderFailed:
        return RenderFailed("resolve", f"failed parsing --set data: {message} in {self.text!r}")

    def key(self, data: dict[str, Any], depth: int) -> None:
        if depth > MAX_NESTING:
            raise self.fail(f"nested deeper than {MAX_NESTING}")
        name, stop = self.run(".[=,")
        if stop == ",":
            raise self.fail(f"key {name!r} has no value")
        if not stop:
            if name:
                raise self.fail(f"key {name!r} has no value")
            return
        if stop == "=":
            _put(data, name, self.value())
        elif stop == "[":
            index = self.index()
            items = self.existing(data, name, list)
            _put(data, name, self.item(items, index, depth))
        else:
            inner = self.existing(data, name, dict)
            self.key(inner, depth + 1)
            if not inner:
                raise self.fail(f"key map {name!r} has no value")
            _put(data, name, inner)

    def existing(self, data: Mapping[str, Any], name: str, kind: type[_Container]) -> _Container:
        """A copy of what a name holds, an empty one when it holds nothing. Anything else there, even null, is wrong."""
        below = data.get(name, kind())
        if not isinstance(below, kind):
            found = "nothing" if below is None else "a list" if isinstance(below, list) else type(below).__name__
            raise self.fail(f"{name!r} holds {found}, not {'a list' if kind is list else 'a map'}")
        return kind(below)

    def index(self) -> int:
        digits, stop = self.run("]")
        if stop != "]" or not digits.isdigit():
            raise self.fail(f"bad list index {digits!r}")
        if int(digits) > MAX_INDEX:
            raise self.fail(f"index {digits} is greater than {MAX_INDEX}")
        return int(digits)

    def item(self, items: list[Any], index: int, depth: int) -> list[Any]:
        if depth > MAX_NESTING:
            raise self.fail(f"nested deeper than {MAX_NESTING}")
        items.extend([None] * (index + 1 - len(items)))
        name, stop = self.run("[.=")
        if name:
            raise self.fail(f"unexpected data {name!r} after the index")
        if stop == "=":
            items[index] = self.value()
        elif stop == "[":
            below = [] if items[index] is None else items[index]
            if not isinstance(below, list):
                raise self.fail(f"item {index} is no list")
            items[index] = self.item(list(below), self.index(), depth + 1)
        elif stop == ".":
            inner = dict(items[index]) if isinstance(items[index], dict) else {}
            self.key(inner, depth + 1)
            items[index] = inner
        return items

    def value(self) -> Any:
        if self.text[self.at : self.at + 1] == "{":
            self.at += 1
            return self.list()
        text, _ = self.run(",")
        return self.typed(text) if self.content is None else self.content

    def list(self) -> list[Any]:
        items: list[Any] = []
        while True:
            text, stop = self.run(",}")
            if stop == "":
                raise self.fail("list must terminate with '}'")
            items.append(self.typed(text))
            if stop == "}":
                # Helm eats a comma that follows the list.
                if self.text[self.at : self.at + 1] == ",":
                    self.at += 1
                return items

    def typed(self, text: str) -> Any:
        """As strvals typedVal: only true, false, null, 0 and integers without a leading zero are more than text."""
        if self.force_string:
            return text
        words = {"true": True, "false": False, "null": None, "0": 0}
        if text.lower() in words:
            return words[text.lower()]
        if text and not text.startswith("0") and _INTEGER.fullmatch(text) and -(2**63) <= int(text) < 2**63:
            return int(text)
        return text


def escape_commas(value: str) -> str:
    """Argo CD escapes unescaped commas of a parameter unless it is a list in braces (util/helm/cmd.go)."""
    if value.startswith("{") and value.endswith("}"):
        return value
    return re.sub(r"(?<!\\),", r"\\,", value)


def expand_environment(text: str, environment: Mapping[str, str]) -> str:
    """Go's os.Expand: `$name` and `${name}`; what is unknown becomes empty, `$$` a dollar sign."""

    def replace(found: re.Match[str]) -> str:
        name = found[1] if found[1] is not None else found[2]
        return "$" if name == "$" else environment.get(name, "")

    return re.sub(r"\$(?:\{([^}]*)\}|(\$|[A-Za-z_][A-Za-z0-9_]*|[0-9*#@!?-]))", replace, text)
