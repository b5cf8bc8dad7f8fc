"""A template of Argo CD's ApplicationSets, rewritten so that Helm's engine evaluates it as Argo CD does.

Both are Go's text/template with sprig. What differs is rewritten: what a missing key gives (Helm knows but
`missingkey=zero`), functions that only one of them has, and names of defined templates, which Helm shares among all.
Mirrors applicationset/utils of Argo CD (utils.go Replace, template_functions.go).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from previews.engine.errors import RenderFailed

MissingKey = Literal["invalid", "zero", "error"]

#: What stands before the message of a failure that a rewritten template makes, with the template's number.
MARK = "template %d failed: "

MAX_DEPTH = 100

# Helm has these, Argo CD has not.
_UNKNOWN = frozenset(
    "include tpl required lookup toToml fromToml mustToToml toYamlPretty mustToYaml fromJsonArray getHostByName"
    " env expandenv".split()
)
_SPACE = (" ", "\t", "\r", "\n")
_TOKEN = re.compile(
    r"""(?P<string>"(?:\\.|[^"\\\n])*"|`[^`]*`)
    |(?P<char>'(?:\\.|[^'\\\n])*')
    |(?P<number>[+-]?\.?[0-9](?:[eEpP][+-][0-9]|[\w.])*)
    |(?P<field>\.[^\W\d]\w*)
    |(?P<variable>\$\w*)
    |(?P<name>[^\W\d]\w*)
    |(?P<dot>\.)
    |(?P<sign>[()|,]|:?=)""",
    re.VERBOSE,
)
_COMMENT = re.compile(r"/\*.*?\*/(?P<end>(?:[ \t\r\n]-)?\}\})", re.DOTALL)
_TRIMMED_END = re.compile(r"[ \t\r\n]-\}\}")
_KEYWORDS = frozenset("if else end range with define template block break continue".split())
_NAMING = frozenset(("define", "template", "block"))
_MAP = '"map[string]interface {}"'

#: Templates that the rewritten ones call; to be parsed along with them.
HELPERS = r"""
{{- define "astrolabe.path" -}}
{{- $at := . -}}
{{- range $i, $key := .keys -}}{{- if not $at.gone -}}
  {{- $map := $at.v -}}
  {{- if and (kindIs "map" $map) (not (typeIs "map[string]interface {}" $map)) -}}
    {{- $map = mustFromJson (toJson $map) -}}
  {{- end -}}
  {{- if and (kindIs "invalid" $map) (or $i $at.strict) -}}
    {{- $why := ternary "nil pointer evaluating interface {}.%s" "nil data; no entry for key %q" (gt $i 0) -}}
    {{- fail (printf (print "template %d failed: " $why) $at.text $key) -}}
  {{- else if kindIs "invalid" $map -}}{{- $_ := set $at "gone" true -}}
  {{- else if not (kindIs "map" $map) -}}
    {{- fail (printf "template %d failed: can't evaluate field %s in type %s" $at.text $key (typeOf $map)) -}}
  {{- else if hasKey $map $key -}}{{- $_ := set $at "v" (index $at.v $key) -}}
  {{- else if $at.strict -}}{{- fail (printf "template %d failed: map has no entry for key %q" $at.text $key) -}}
  {{- else -}}{{- $_ := set $at "v" nil -}}{{- $_ := set $at "gone" true -}}
  {{- end -}}
{{- end -}}{{- end -}}
{{- end -}}

{{- define "astrolabe.normalize" -}}
{{- if ne (len .) 2 -}}
  {{- fail (printf "template %d failed: normalize takes one text" (first .)) -}}
{{- else if not (kindIs "string" (last .)) -}}
  {{- fail (printf "template %d failed: normalize takes a text, not %s" (first .) (typeOf (last .))) -}}
{{- end -}}
{{- regexReplaceAll "[^-a-z0-9.]" (last . | lower) "-" | trunc 253 | trimAll "-." -}}
{{- end -}}

{{- define "astrolabe.slugify" -}}
{{- $text := first . -}}{{- $size := 50 -}}{{- $smart := true -}}{{- $name := "" -}}
{{- if gt (len .) 1 -}}{{- $name = last . -}}{{- end -}}
{{- if gt (len .) 2 -}}{{- $size = index . 1 -}}{{- end -}}
{{- if gt (len .) 3 -}}{{- $smart = index . 2 -}}{{- end -}}
{{- if not (and (kindIs "string" $name) (kindIs "int" $size) (kindIs "bool" $smart)) -}}
  {{- fail (printf "template %d failed: slugify takes a whole number, true or false, and a text" $text) -}}
{{- end -}}
{{- $slug := include "astrolabe.normalize" (list $text $name) -}}
{{- if and (not $smart) (ge (len $slug) $size) -}}{{- $slug = trunc $size $slug -}}{{- end -}}
{{- $slug = regexReplaceAll "-+" (regexReplaceAll "[^a-z0-9-_]" $slug "-") "-" | trimAll "-_" -}}
{{- if and $smart (gt $size 0) (gt (len $slug) $size) -}}
  {{- $word := regexFind (printf "^.{0,%d}-" $size) $slug -}}
  {{- $slug = ternary (trunc $size $slug) (trimSuffix "-" $word) (eq $word "") -}}
{{- end -}}
{{- $slug -}}
{{- end -}}

{{- define "astrolabe.yaml" -}}
{{- $found := last . -}}
{{- if eq (len $found) 1 -}}
  {{- $only := "" -}}
  {{- if kindIs "map" $found -}}{{- $only = get $found "Error" -}}{{- else -}}{{- $only = first $found -}}{{- end -}}
  {{- if regexMatch "^error (converting YAML to JSON|unmarshaling JSON)" (toString $only) -}}
    {{- fail (printf "template %d failed: %s" (first .) $only) -}}
  {{- end -}}
{{- end -}}
{{- end -}}
"""


def rewrite(text: str, number: int, missing_key: MissingKey) -> str:
    """A template's text as Helm's engine must see it. `number` names it in failures and keeps its definitions apart.

    Raises RenderFailed for a function that Argo CD does not know, and for an action that is none.
    """
    done: list[str] = []
    at = 0
    while (start := text.find("{{", at)) >= 0:
        done.append(text[at:start])
        action = _Action(text, start + 2, number, missing_key)
        done.append("{{" + action.rewritten())
        at = action.at
    return "".join(done) + text[at:]


class _Action:
    """The parser of one action (text/template/parse): tokens in, rewritten text out, by recursive descent."""

    def __init__(self, text: str, at: int, number: int, missing_key: MissingKey) -> None:
        self.text = text
        self.at = at
        self.number = number
        self.missing_key = missing_key
        self.depth = 0

    def rewritten(self) -> str:
        """The action from behind its `{{` up to and with its `}}`."""
        opening = "- " if re.match(r"-[ \t\r\n]", self.text[self.at : self.at + 2]) else ""
        self.at += len(opening)
        comment = _COMMENT.match(self.text, self.at)
        if comment:
            self.at = comment.end()
            return opening + comment[0]
        words: list[str] = []
        while self.peek("name") in _KEYWORDS:
            words.append(keyword := self.take())
            if keyword in _NAMING and (name := self.peek("string")):
                self.take()
                words.append(f"{name[0]}{self.number}/{name[1:]}")
        words.append(self.pipeline())
        end = _TRIMMED_END.match(self.text, self.at)
        self.skip_space()
        if not end and not self.text.startswith("}}", self.at):
            raise RenderFailed("discover", "unclosed or malformed action")
        self.at = end.end() if end else self.at + 2
        return opening + " ".join(filter(None, words)) + (" -}}" if end else "}}")

    def skip_space(self) -> None:
        while self.text[self.at : self.at + 1] in _SPACE:
            self.at += 1

    def peek(self, kind: str = "", adjacent: bool = False) -> str:
        """The next token when it is of the kind, else ""; `adjacent` wants it without a space before."""
        if _TRIMMED_END.match(self.text, self.at):
            return ""
        start = self.at
        if not adjacent:
            self.skip_space()
        found = _TOKEN.match(self.text, self.at)
        self.at = start
        return found[0] if found and (not kind or found.lastgroup == kind) else ""

    def take(self) -> str:
        self.skip_space()
        found = _TOKEN.match(self.text, self.at)
        assert found is not None
        self.at = found.end()
        return found[0]

    def pipeline(self) -> str:
        """Declarations, then commands with `|` between."""
        declared = self.declaration()
        done = ""
        while True:
            operands = self.operands()
            done = self.command(done, operands)
            if self.peek("sign") != "|":
                return f"{declared} {done}".strip()
            self.take()

    def declaration(self) -> str:
        """`$x :=`, `$x =`, `$i, $x :=`, or nothing."""
        start, names = self.at, []
        while self.peek("variable"):
            names.append(self.take())
            if self.peek("sign") == ",":
                self.take()
                continue
            if self.peek("sign") in (":=", "="):
                return f"{', '.join(names)} {self.take()}"
            break
        self.at = start
        return ""

    def operands(self) -> list[str]:
        found: list[str] = []
        while (word := self.peek()) and word not in (")", "|", ",", ":=", "="):
            found.append(self.operand(is_function=not found))
        return found

    def operand(self, is_function: bool) -> str:
        """One word of a command, with the fields that are asked of it."""
        term = self.take()
        if term == "(":
            term = self.parenthesis()
        elif term[0] == "." and term[1:2].isidentifier():
            self.at -= len(term)
            term = "."
        fields = []
        while field := self.peek("field", adjacent=True):
            fields.append(field[1:])
            self.at += len(field)
        is_name = term[0].isalpha() or term[0] == "_"
        if is_name and (fields or not is_function):
            term = self.command("", [term]) if term in ("true", "false", "nil") else f"({self.command('', [term])})"
        return self.access(term, fields) if fields else term

    def parenthesis(self) -> str:
        """A pipeline whose opening parenthesis was taken."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise RenderFailed("discover", f"parentheses nested deeper than {MAX_DEPTH}")
        inside = f"({self.pipeline()})"
        if self.peek("sign") != ")":
            raise RenderFailed("discover", "unclosed left paren")
        self.take()
        self.depth -= 1
        return inside

    def command(self, before: str, operands: Sequence[str]) -> str:
        """The pipeline up to and with this command, its function being one of Helm's."""
        name = operands[0] if operands else ""
        piped = f"{before} | " if before else ""
        rest = " ".join(operands[1:])
        if name in _UNKNOWN:
            raise RenderFailed("discover", f'function "{name}" not defined')
        if name in ("normalize", "slugify"):
            return f'{piped}list {self.number} {rest} | include "astrolabe.{name}"'
        if name == "fail":
            return f'{piped}printf "{MARK % self.number}%s" {rest} | fail'
        if name in ("fromYaml", "fromYamlArray"):
            found = f"($astrolabe_y := ({piped}{name} {rest}))"
            return f'first (list {found} (include "astrolabe.yaml" (list {self.number} $astrolabe_y)))'
        if name == "fromJson":
            # Helm's takes objects only.
            name = "mustFromJson"
        return piped + " ".join([name, *operands[1:]])

    def access(self, receiver: str, keys: Sequence[str]) -> str:
        """`receiver.key.key`: at once where all keys are there, else key by key, minding what is missing."""
        if self.missing_key == "zero":
            return _field(receiver, keys)
        first = receiver
        if receiver[0] == "(":
            receiver, first = "$astrolabe_r", f"($astrolabe_r := {receiver})"
        tests = []
        for number, key in enumerate(keys):
            place = _field(receiver, keys[:number])
            tests.append(f'(typeIs {_MAP} {place if number else first}) (hasKey {place} "{key}")')
        names = " ".join(f'"{key}"' for key in keys)
        strict = "true" if self.missing_key == "error" else "false"
        asked = f'dict "v" {receiver} "keys" (list {names}) "strict" {strict} "gone" false "text" {self.number}'
        by_keys = f'(index (list (include "astrolabe.path" ($astrolabe_c := {asked})) $astrolabe_c.v) 1)'
        is_map = f'(or (kindIs "map" {receiver}) (kindIs "invalid" {receiver}))'
        plain = f"(list {_field(receiver, keys)})"
        # Each value in a list, so that `and` and `or` take it for true; what is no map is Go's own affair.
        return f"(first (or (and {' '.join(tests)} {plain}) (and {is_map} (list {by_keys})) {plain}))"


def _field(receiver: str, keys: Sequence[str]) -> str:
    path = "".join(f".{key}" for key in keys)
    return path if receiver == "." and path else receiver + path
