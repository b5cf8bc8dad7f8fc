"""Flux's `postBuild` substitution: `${name}` and its operators in the text of one object.

Mirrors kustomize/kustomize_varsub.go and envsubst/ (parse/parse.go, parse/scan.go, funcs.go, template.go) of Flux's
pkg, quirks included: a transformation of an undefined variable fails, each form of default also serves an empty value,
`${name-word}` is no known form, and `$$` becomes `$` wherever it stands outside an operator.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from previews.engine.errors import RenderFailed

#: The value of a variable, None when it is not defined.
Lookup = Callable[[str], str | None]

_NAME = re.compile(r"[_A-Za-z][_A-Za-z0-9]*")
_DEFAULTS = frozenset((":-", ":=", ":?", ":+", "="))
_MAX_NESTING = 50


def substitute(text: str, lookup: Lookup, undefined: Callable[[str], str] | None = None) -> str:
    """The text with every `${…}` replaced.

    `undefined` gives the value of a variable that is not defined and has no default; without it that fails (strict
    mode). Raises RenderFailed, for a malformed expression too.
    """
    return _Reader(text, lookup, undefined).everything()


def check_names(variables: Mapping[str, str]) -> None:
    """Raises RenderFailed for a variable whose name Flux refuses, whether it is used or not."""
    for name in variables:
        if not _NAME.fullmatch(name):
            raise _failed(f"'{name}' var name is invalid, must match '^[_[:alpha:]][_[:alpha:][:digit:]]*$'")


def _failed(message: str) -> RenderFailed:
    return RenderFailed("render", f"variable substitution failed: {message}")


class _Reader:
    """Reads the text once, from the left, and gives what it becomes."""

    def __init__(self, text: str, lookup: Lookup, undefined: Callable[[str], str] | None) -> None:
        self.text = text
        self.lookup = lookup
        self.undefined = undefined
        self.at = 0
        self.depth = 0

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def opens(self) -> bool:
        return self.text.startswith("${", self.at)

    def everything(self) -> str:
        taken: list[str] = []
        while (dollar := self.text.find("$", self.at)) >= 0:
            taken.append(self.text[self.at : dollar])
            self.at = dollar
            if self.opens():
                taken.append(self.expression())
            else:
                taken.append("$")
                self.at += 2 if self.text.startswith("$$", dollar) else 1
        return "".join(taken) + self.text[self.at :]

    def expression(self) -> str:
        self.at += 2
        self.depth += 1
        if self.depth > _MAX_NESTING:
            raise _failed(f"nested deeper than {_MAX_NESTING}")
        value = self.length() if self.peek() == "#" else self.operation(self.name("unable to parse variable name"))
        if self.peek() != "}":
            raise _failed("bad substitution")
        self.at += 1
        self.depth -= 1
        return value

    def name(self, problem: str) -> str:
        start = self.at
        while (sign := self.peek()) and (sign.isalpha() or sign.isdigit() or sign == "_"):
            self.at += 1
        if start == self.at:
            raise _failed(problem)
        return self.text[start : self.at]

    def value(self, name: str) -> str:
        found = self.lookup(name)
        if found is None and self.undefined:
            return self.undefined(name)
        if found is None:
            raise _failed(f'variable not set (strict mode): "{name}"')
        return found

    def length(self) -> str:
        self.at += 1
        return str(len(self.value(self.name("bad substitution")).encode()))

    def operation(self, name: str) -> str:
        sign = self.peek()
        if sign == "}":
            return self.value(name)
        two = self.text[self.at : self.at + 2]
        if two in _DEFAULTS or sign == "=":
            return self.default(name, two if two in _DEFAULTS else sign)
        if sign == ":":
            return self.part(name)
        if sign and sign in ",^":
            return _in_case(self.value(name), self.run(",^", 2))
        if sign and sign in "#%":
            return self.trimmed(name, self.run(sign, 2))
        if sign == "/":
            return self.replaced(name)
        raise _failed("missing closing brace")

    def run(self, signs: str, most: int) -> str:
        start = self.at
        while self.at - start < most and self.peek() and self.peek() in signs:
            self.at += 1
        return self.text[start : self.at]

    def argument(self, stops: str, escapes: bool = False) -> str:
        """One argument: an expression in it, or text up to a stop sign or an expression."""
        if self.opens():
            return self.expression()
        taken: list[str] = []
        while (sign := self.peek()) and not self.opens():
            after = self.text[self.at + 1 : self.at + 2]
            if escapes and after and (sign + after == "$$" or (sign == "\\" and after in "/\\")):
                self.at += 1
                sign = after
            elif sign in stops:
                break
            taken.append(sign)
            self.at += 1
        if not taken:
            raise _failed("unable to parse substitution within function")
        return "".join(taken)

    def default(self, name: str, operator: str) -> str:
        self.at += len(operator)
        words: list[str] = []
        while self.peek() != "}":
            words.append(self.argument("}"))
        return self.lookup(name) or "".join(words)

    def part(self, name: str) -> str:
        self.at += 1
        places = [self.argument(":}")]
        if self.run(":", len(self.text)):
            places.append(self.argument("}"))
        return _part(self.value(name), places)

    def trimmed(self, name: str, operator: str) -> str:
        pattern = self.argument("}")
        return _trimmed(self.value(name), operator, pattern)

    def replaced(self, name: str) -> str:
        self.at += 1
        operator = "/" + self.run("/#%", 1)
        pattern = "" if self.peek() == "/" else self.argument("/", escapes=True)
        if not self.run("/", len(self.text)):
            raise _failed("bad substitution")
        words = [] if self.peek() == "}" else [self.argument("}", escapes=True)]
        return _replaced(self.value(name), operator, pattern, words)


def _in_case(value: str, operator: str) -> str:
    first, rest = value[:1], value[1:]
    ways = {",": first.lower() + rest, ",,": value.lower(), "^": first.upper() + rest, "^^": value.upper()}
    return ways.get(operator, value)


def _part(value: str, places: list[str]) -> str:
    """`${name:offset:length}`, counted in bytes; a place that is no number leaves the value as it is."""
    numbers = [int(place) if re.fullmatch(r"[-+]?[0-9]{1,18}", place) else None for place in places]
    if None in numbers:
        return value
    data = value.encode()
    start, *rest = [number or 0 for number in numbers]
    start = max(start + len(data), 0) if start < 0 else start
    end = len(data)
    if rest:
        end = min(start + rest[0], end) if rest[0] >= 0 else end + rest[0]
    return data[start : max(start, end)].decode("utf-8", "replace")


def _trimmed(value: str, operator: str, pattern: str) -> str:
    if operator.startswith("%"):
        return _trimmed(value[::-1], operator.replace("%", "#"), pattern[::-1])[::-1]
    try:
        glob = re.compile(_glob(pattern), re.DOTALL)
    except re.error:
        return value
    lengths = range(1, len(value) + 1)
    found = (n for n in (lengths if operator == "#" else reversed(lengths)) if glob.fullmatch(value, 0, n))
    return value[next(found, 0) :]


def _glob(pattern: str) -> str:
    """A shell pattern whose `*` crosses slashes (envsubst/path/match.go)."""
    pieces = re.findall(r"\\.|\[\^?[^\]]*\]|.", pattern, re.DOTALL)
    ways = {"*": ".*", "?": "."}

    def translate(piece: str) -> str:
        if len(piece) > 1:
            return re.escape(piece[1]) if piece.startswith("\\") else piece
        return ways.get(piece) or ("[" if piece == "[" else re.escape(piece))

    return "".join(map(translate, pieces))


def _replaced(value: str, operator: str, pattern: str, words: list[str]) -> str:
    word = "".join(words)
    if operator in ("/", "//"):
        return value.replace(pattern, word, -1 if operator == "//" else 1)
    # Without a replacement these two leave the value alone, unlike the others.
    if not words:
        return value
    if operator == "/#":
        return word + value[len(pattern) :] if value.startswith(pattern) else value
    return value[: len(value) - len(pattern)] + word if value.endswith(pattern) else value
