"""Runs the generators of a set: each kind, their `values` and selectors, matrix and merge of them.

Mirrors applicationset/generators of Argo CD (generator_spec_processor.go, list.go, matrix.go, merge.go).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from previews.engine.discover.applicationsets.clusters import find_clusters
from previews.engine.discover.applicationsets.git import find_in_git
from previews.engine.discover.applicationsets.parameters import Parameters, TextMap, flatten
from previews.engine.discover.applicationsets.recorded import EXTERNAL, parameters_of, recorded
from previews.engine.discover.applicationsets.selectors import selects
from previews.engine.discover.applicationsets.texts import Texts
from previews.engine.errors import NotRendered, RenderFailed, YamlError
from previews.engine.fields import items, mapping, mappings
from previews.engine.resolve import Resolver
from previews.engine.values import merge
from previews.engine.yamls import canonical, load

MAX_PARAMETERS = 20_000

_COMBINED = ("matrix", "merge")
# In the order of Argo CD's type, since of two Applications of a name the first one counts.
_KINDS = (
    *("list", "clusters", "git", "scmProvider", "clusterDecisionResource", "pullRequest"),
    *(*_COMBINED, "plugin"),
)


@dataclass(frozen=True)
class Generators:
    """The generators of one set. `names` are the set's, as `<namespace>/<name>` and alone."""

    names: tuple[str, str]
    entries: Sequence[Mapping[str, Any]]
    texts: Texts
    resolver: Resolver

    def run(self) -> Iterator[tuple[Mapping[str, Any], list[Parameters]]]:
        """The body of each top-level generator and the parameters that it makes. Raises NotRendered, RenderFailed."""
        for place, entry in enumerate(self.entries):
            for kind in _kinds(entry):
                found = self._generate(kind, entry[kind], str(place))
                yield entry[kind], _selected(found, entry)

    def _generate(self, kind: str, body: Mapping[str, Any], place: str) -> list[Parameters]:
        if kind == "matrix":
            found = self._matrix(body, place, {})
        elif kind == "merge":
            found = self._merge(body, place)
        else:
            found = self._single(kind, body, place)
        return _limited(found)

    def _single(self, kind: str, body: Mapping[str, Any], place: str) -> list[Parameters]:
        go = self.texts.go
        if kind == "list":
            return list(_from_list(body, go))
        if kind == "git":
            return self._with_values(list(find_in_git(body, self.resolver, go)), body)
        if kind == "clusters":
            found = self._with_values(list(find_clusters(mapping(body, "selector"), self.resolver, go)), body)
            return [{"clusters": found}] if body.get("flatList") else found
        is_only = sum(map(_external, self.entries)) == 1
        records = recorded(self.resolver.config.generators, self.names, place, kind, is_only)
        found = [parameters_of(record, kind, body, go) for record in records]
        # Those of a decision are not filled (duck_type.go).
        return self._with_values(found, body, is_template=kind != "clusterDecisionResource")

    def _with_values(
        self, found: list[Parameters], body: Mapping[str, Any], is_template: bool = True
    ) -> list[Parameters]:
        """The generator's `values`, which see its own parameters and not each other (value_interpolation.go)."""
        values = {key: str(value) for key, value in mapping(body, "values").items()}
        if not values:
            return found
        filled = self.texts.fill(list(values.values()), found) if is_template else [list(values.values())] * len(found)
        rows = [dict(zip(values, row, strict=True)) for row in filled]
        if self.texts.go:
            return [{**one, "values": TextMap(row)} for one, row in zip(found, rows, strict=True)]
        return [
            {**one, **{f"values.{key}": text for key, text in row.items()}}
            for one, row in zip(found, rows, strict=True)
        ]

    def _matrix(self, body: Mapping[str, Any], place: str, inherited: Parameters) -> list[Parameters]:
        first, second = _children(body, "matrix", place)
        left = self._for_each(first, f"{place}/0", [inherited])[0]
        handed = [self._combined(one, inherited) for one in left]
        right = self._for_each(second, f"{place}/1", handed)
        return _limited(self._combined(one, other) for one, found in zip(left, right, strict=True) for other in found)

    def _combined(self, first: Parameters, second: Parameters) -> Parameters:
        """Deeply merged in a goTemplate set, the first generator winning; else they must not contradict each other."""
        if self.texts.go:
            return merge(second, first)
        clash = sorted(key for key in first.keys() & second.keys() if first[key] != second[key])
        if clash:
            raise RenderFailed("discover", f"matrix: both generators give {', '.join(clash)}, and not the same")
        return first | second

    def _for_each(self, child: Mapping[str, Any], place: str, sets: Sequence[Parameters]) -> list[list[Parameters]]:
        """What a child of a matrix makes for each set of parameters that its texts are filled with."""
        kind = _only_kind(child)
        if kind == "matrix":
            # Its own children are filled one after the other, so that its second sees its first.
            return [_selected(self._matrix(child[kind], place, one), child) for one in sets]
        known: dict[str, list[Parameters]] = {}
        found, total = [], 0
        for body in self._filled(child[kind], sets):
            key = canonical(body)
            if key not in known:
                known[key] = _selected(self._generate(kind, body, place), child)
            found.append(known[key])
            total += len(known[key])
            _check_number(total)
        return found

    def _filled(self, body: Mapping[str, Any], sets: Sequence[Parameters]) -> list[Mapping[str, Any]]:
        if not any(sets):
            return [body] * len(sets)
        values = mapping(body, "values")
        filled = self.texts.fill({key: item for key, item in body.items() if key != "values" or not values}, sets)
        if not values:
            return filled
        rows = self.texts.fill_where_possible(values, sets)
        return [{**one, "values": row} for one, row in zip(filled, rows, strict=True)]

    def _merge(self, body: Mapping[str, Any], place: str) -> list[Parameters]:
        children = _children(body, "merge", place)
        keys = [str(key) for key in items(body, "mergeKeys")]
        if not keys:
            raise RenderFailed("discover", "merge: mergeKeys is missing")
        base, *others = [
            _by_keys(self._for_each(child, f"{place}/{number}", [{}])[0], keys) for number, child in enumerate(children)
        ]
        for other in others:
            for found, parameters in other.items():
                if found in base:
                    base[found] = merge(base[found], parameters) if self.texts.go else base[found] | parameters
        return list(base.values())


def _kinds(entry: Mapping[str, Any]) -> list[str]:
    named = [kind for kind, body in entry.items() if kind != "selector" and body is not None]
    unknown = [kind for kind in named if kind not in _KINDS]
    if unknown:
        raise NotRendered("generator", f"the generator {unknown[0]} is not known")
    for kind in named:
        if not isinstance(entry[kind], dict):
            raise RenderFailed("discover", f"the {kind} generator is no mapping")
    return sorted(named, key=_KINDS.index)


def _only_kind(child: Mapping[str, Any]) -> str:
    kinds = _kinds(child)
    if len(kinds) != 1:
        found = ", ".join(kinds) or "none"
        raise RenderFailed("discover", f"a generator inside matrix or merge must be of one kind, not {found}")
    return kinds[0]


def _external(entry: Mapping[str, Any]) -> int:
    """How many generators below an entry need records."""
    nested = [child for kind in _COMBINED for child in mappings(mapping(entry, kind), "generators")]
    return sum(entry.get(kind) is not None for kind in EXTERNAL) + sum(map(_external, nested))


def _children(body: Mapping[str, Any], kind: str, place: str) -> Sequence[Mapping[str, Any]]:
    if place.count("/") > 1:
        raise RenderFailed("discover", f"{kind}: matrix and merge can be nested once, and not deeper")
    children = mappings(body, "generators")
    if len(children) < 2 or (kind == "matrix" and len(children) > 2):
        wanted = "2" if kind == "matrix" else "two or more"
        raise RenderFailed("discover", f"{kind}: {len(children)} generators; it takes {wanted}")
    return children


def _limited(found: Iterable[Parameters]) -> list[Parameters]:
    kept = list(islice(found, MAX_PARAMETERS + 1))
    _check_number(len(kept))
    return kept


def _check_number(found: int) -> None:
    if found > MAX_PARAMETERS:
        raise NotRendered("limit", f"the set makes more than {MAX_PARAMETERS:,} Applications")


def _selected(found: Iterable[Parameters], entry: Mapping[str, Any]) -> list[Parameters]:
    """Those that the generator's own `selector` chooses, which sees them flattened."""
    selector = mapping(entry, "selector")
    return [one for one in found if not selector or selects(selector, flatten(one))]


def _from_list(body: Mapping[str, Any], go: bool) -> Iterator[Parameters]:
    for element in mappings(body, "elements"):
        yield element if go else _flat_element(element)
    text = body.get("elementsYaml")
    if not text:
        return
    try:
        elements = load(str(text))
    except YamlError as error:
        raise RenderFailed("discover", f"elementsYaml: {error}") from None
    if not isinstance(elements, list) or not all(isinstance(item, dict) for item in elements):
        raise RenderFailed("discover", "elementsYaml is no list of mappings")
    yield from elements


def _flat_element(element: Mapping[str, Any]) -> Parameters:
    parameters: Parameters = {}
    for key, value in element.items():
        named = {key: value}
        if key == "values" and isinstance(value, dict):
            named = {f"values.{inner}": item for inner, item in value.items()}
        for name, item in named.items():
            if not isinstance(item, str):
                raise RenderFailed("discover", f"list element {name}: without goTemplate only texts can be parameters")
            parameters[name] = item
    return parameters


def _by_keys(found: Iterable[Parameters], keys: Sequence[str]) -> dict[str, Parameters]:
    places: dict[str, Parameters] = {}
    for parameters in found:
        place = canonical({key: parameters.get(key) for key in keys})
        if place in places:
            raise RenderFailed("discover", f"merge: {place} stands twice in one generator")
        places[place] = parameters
    return places
