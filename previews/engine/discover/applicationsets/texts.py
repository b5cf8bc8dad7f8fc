"""Fills the texts of a set with parameters: fasttemplate here, Go templates by the renderer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from previews.engine.discover.applicationsets.parameters import Parameters, fill
from previews.engine.errors import RenderFailed
from previews.engine.fields import items
from previews.engine.manifests import Manifest
from previews.engine.render.pool import Render, Result
from previews.engine.render.requests import Part, RenderRequest, make_checkout, make_request

# Parameter sets of one request: small enough for the renderer's clock, and for one changed file to leave others known.
_AT_ONCE = 200
_OPTION = re.compile(r"missingkey=(default|invalid|zero|error)")


class Texts:
    """The texts of one set. `go` tells whether it is a goTemplate set."""

    def __init__(self, spec: Mapping[str, Any], render: Render) -> None:
        """Reads `goTemplate` and `goTemplateOptions`. Raises RenderFailed for an option that Go does not know."""
        self.go = bool(spec.get("goTemplate"))
        self.render = render
        self.missing_key = "invalid"
        for option in items(spec, "goTemplateOptions") if self.go else ():
            found = _OPTION.fullmatch(str(option))
            if not found:
                raise RenderFailed("discover", f"goTemplateOptions: unrecognized option: {option}")
            self.missing_key = found[1].replace("default", "invalid")

    def fill(self, value: Any, sets: Sequence[Parameters]) -> list[Any]:
        """A JSON value filled with each set of parameters, each text and key of it being its own template.

        Raises RenderFailed when any of them fails, as Argo CD then changes nothing at all.
        """
        return self._fill(value, sets, self.missing_key) if self.go else [fill(value, one) for one in sets]

    def fill_where_possible(self, values: Mapping[str, Any], sets: Sequence[Parameters]) -> list[dict[str, Any]]:
        """The same for a flat mapping; a text that asks for what is no parameter stays as it was written."""
        if not self.go:
            return self.fill(dict(values), sets)
        filled: list[dict[str, Any]] = [dict(values) for _ in sets]
        for key, text in values.items():
            for place, results in enumerate(self._attempts(text, sets)):
                filled[place][key] = results
        return filled

    def _attempts(self, text: Any, sets: Sequence[Parameters]) -> list[Any]:
        try:
            return self._fill(text, sets, "error")
        except RenderFailed:
            if len(sets) == 1:
                return [text]
            return [self._attempts(text, [one])[0] for one in sets]

    def _fill(self, value: Any, sets: Sequence[Parameters], missing_key: str) -> list[Any]:
        texts = sorted({text for text in _texts(value) if "{{" in text})
        if not texts:
            return [value] * len(sets)
        requests = [_request(texts, sets[at : at + _AT_ONCE], missing_key) for at in range(0, len(sets), _AT_ONCE)]
        results = self.render(requests)
        rows = [row for request in requests for row in _rows(results[request.key])]
        return [_with_texts(value, dict(zip(texts, row, strict=True))) for row in rows]


def _request(texts: Sequence[str], sets: Sequence[Parameters], missing_key: str) -> RenderRequest:
    options = {"texts": list(texts), "sets": list(sets), "missing_key": missing_key}
    return make_request((Part("gotemplate", make_checkout({}), options),))


def _rows(result: Result) -> list[list[str]]:
    if not isinstance(result, Manifest):
        raise RenderFailed("discover", str(result), result.is_final)
    rows: list[list[str]] = json.loads(result.resources[0].text)
    return rows


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _texts(item)


def _with_texts(value: Any, filled: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return filled.get(value, value)
    if isinstance(value, list):
        return [_with_texts(item, filled) for item in value]
    if isinstance(value, dict):
        return {filled.get(key, key): _with_texts(item, filled) for key, item in value.items()}
    return value
