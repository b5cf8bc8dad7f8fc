"""Generators that ask the outside world: what they would answer is recorded in astrolabe.yaml under `generators`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from previews.engine.discover.applicationsets.parameters import Parameters, TextList, flatten, printed
from previews.engine.errors import NotRendered, RenderFailed
from previews.engine.fields import mapping

#: The generators that need records, and what a record of each holds besides (applicationset/generators).
EXTERNAL = {
    "scmProvider": "organization, repository, url, branch, sha",
    "clusterDecisionResource": "name, server and the decision's fields",
    "pullRequest": "number, title, branch, target_branch, head_sha, author",
    "plugin": "what the plugin returns",
}


def recorded(
    generators: Mapping[str, Any], names: tuple[str, str], place: str, kind: str, is_only: bool
) -> list[Mapping[str, Any]]:
    """The records for the generator at `place` ("0", or "0/1" for the second child of a matrix or merge).

    `names` are the set's as `<namespace>/<name>` and alone; `is_only` that the set has no other such generator. Raises
    NotRendered saying what to record where.
    """
    known = next((generators[name] for name in names if name in generators), None)
    records = known if isinstance(known, list) and is_only else known.get(place) if isinstance(known, dict) else None
    if records is None:
        example = f"[{{…}}, …] (each with {EXTERNAL[kind]})"
        wanted = f"generators: {{{names[0]}: " + (f"{example}}}" if is_only else f'{{"{place}": {example}}}}}')
        message = f"the {kind} generator asks the outside world: record its answer in astrolabe.yaml, {wanted}"
        raise NotRendered("generator", message)
    if not isinstance(records, list) or not all(isinstance(item, dict) for item in records):
        raise RenderFailed("discover", f"astrolabe.yaml: generators: {names[0]}: {place} is no list of mappings")
    return records


def parameters_of(record: Mapping[str, Any], kind: str, body: Mapping[str, Any], go: bool) -> Parameters:
    """A record as the parameters that its generator would make of it."""
    if kind == "plugin":
        asked = mapping(mapping(body, "input"), "parameters")
        return (dict(record) if go else flatten(record)) | {"generator": {"input": {"parameters": asked}}}
    if kind == "pullRequest" and isinstance(record.get("labels"), list):
        labels = {"labels": TextList(map(str, record["labels"]))} if go else {}
        return {**_as_texts({key: item for key, item in record.items() if key != "labels"}), **labels}
    return _as_texts(record)


def _as_texts(record: Mapping[str, Any]) -> Parameters:
    """All of it as text, as these generators have it: a number that was recorded bare is the digits of it."""
    return {
        key: str(item) if isinstance(item, int) and not isinstance(item, bool) else printed(item)
        for key, item in record.items()
    }
