"""Values of custom resources as the API server keeps and compares them.

Mirrors apiextensions-apiserver pkg/apiserver/schema/defaulting/algorithm.go and k8s.io/apiserver pkg/cel/common.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from previews.engine.predict.fields import sequence
from previews.engine.predict.pods import mapping

_Schema = Mapping[str, Any]


def with_defaults(value: Any, schema: _Schema) -> Any:
    """A value as the API server keeps it: without nulls that may not be, and with defaults where nothing is."""
    if isinstance(value, list):
        items = mapping(schema.get("items"))
        return [with_defaults(one, items) for one in value]
    if not isinstance(value, dict):
        return value
    properties, more = mapping(schema.get("properties")), mapping(schema.get("additionalProperties"))
    made = {}
    for name, one in value.items():
        inner = mapping(properties.get(name, more))
        if one is not None or inner.get("nullable") is True:
            made[name] = with_defaults(one, inner)
    for name, inner in properties.items():
        if name not in made and "default" in mapping(inner):
            made[name] = with_defaults(deepcopy(inner["default"]), inner)
    return made


def aligned(old: Any, new: Any, schema: _Schema) -> Any:
    """What was, with the items of lists that have no order in the order of what is: equality is then that of sets."""
    if isinstance(old, dict) and isinstance(new, dict):
        properties, more = mapping(schema.get("properties")), mapping(schema.get("additionalProperties"))
        return {name: aligned(one, new.get(name), mapping(properties.get(name, more))) for name, one in old.items()}
    if not isinstance(old, list) or not isinstance(new, list):
        return old
    keys, items = map_keys(schema), mapping(schema.get("items"))
    if not keys and schema.get("x-kubernetes-list-type") != "set":
        return old

    def key(item: Any) -> Any:
        return key_of(item, keys) if keys else repr(item)

    place = {key(one): at for at, one in reversed(list(enumerate(new)))}
    ordered = sorted(old, key=lambda one: place.get(key(one), len(new)))
    return [aligned(one, new[place[key(one)]] if key(one) in place else None, items) for one in ordered]


def map_keys(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields that tell the items of a list apart, () where nothing does."""
    if schema.get("x-kubernetes-list-type") != "map":
        return ()
    return tuple(name for name in sequence(schema.get("x-kubernetes-list-map-keys")) if isinstance(name, str))


def key_of(item: Any, keys: Sequence[str]) -> tuple[str, ...]:
    """What tells an item from the others."""
    return tuple(repr(mapping(item).get(name)) for name in keys)
