"""Values and variables that a HelmRelease or Kustomization takes from ConfigMaps and Secrets.

Mirrors chartutil/values.go and kustomize/kustomize_varsub.go (loadVars) of Flux's pkg. Secrets reach us masked, so a
text out of one is its mark; where there is not even that, a placeholder stands for it.
"""

from __future__ import annotations

import base64
import binascii
import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from previews.engine.errors import NotRendered, RenderFailed, YamlError
from previews.engine.fields import mapping
from previews.engine.flux.sources import items, text
from previews.engine.masking import SOPS_MARK
from previews.engine.render.flux import PLACEHOLDER
from previews.engine.values import merge, set_file, set_value
from previews.engine.yamls import canonical, load

#: Finds an object by kind and name in the namespace of the one that asks.
Find = Callable[[str, str], Mapping[str, Any] | None]

_MARK = "•••"


@dataclass
class Gathered:
    """What was gathered: values or variables, marks of what cannot be read, and what a person should know."""

    values: dict[str, Any] = field(default_factory=dict)
    hidden: dict[str, str] = field(default_factory=dict)
    placeholders: bool = False
    notes: list[str] = field(default_factory=list)


def release_values(spec: Mapping[str, Any], find: Find, missing: NotRendered | None) -> Gathered:
    """`valuesFrom` in order, then `values` (ChartValuesFromReferences).

    `missing` is raised for a ConfigMap that is nowhere while something was not rendered. Raises RenderFailed.
    """
    gathered = Gathered()
    inline = copy.deepcopy(dict(mapping(spec, "values")))
    for reference in items(spec, "valuesFrom"):
        kind, name = text(reference, "kind"), text(reference, "name")
        key = text(reference, "valuesKey") or "values.yaml"
        content = _content(find, kind, name, reference, f"chart values reference with key '{key}'", missing, gathered)
        if content is None:
            continue
        if key not in content and kind == "ConfigMap" and not reference.get("optional"):
            raise RenderFailed(
                "resolve", f"could not resolve {kind} chart values reference '{name}' with key '{key}': key not found"
            )
        if kind == "Secret":
            _add_secret(gathered, inline, reference, content.get(key), f"Secret {name} {key}")
        elif key in content:
            _add(gathered, inline, reference, content[key])
    gathered.values = merge(gathered.values, inline)
    return gathered


def _add(gathered: Gathered, inline: Mapping[str, Any], reference: Mapping[str, Any], content: str) -> None:
    path = text(reference, "targetPath")
    if path:
        gathered.values = merge(gathered.values, inline)
        # What both share is written in both, as by Go's maps: so it outlives the last merge of `values`.
        _graft(gathered.values, _at_path(gathered.values, path, content, bool(reference.get("literal"))))
        return
    try:
        values = load(content)
    except YamlError as error:
        raise RenderFailed("parse", f"values of {text(reference, 'name')}: {error}") from None
    if values is not None and not isinstance(values, dict):
        raise RenderFailed("parse", f"values of {text(reference, 'name')} are no YAML mapping")
    gathered.values = merge(gathered.values, values or {})


def _at_path(values: Mapping[str, Any], path: str, content: str, literal: bool) -> dict[str, Any]:
    """ReplacePathValue: `--set` syntax; what stands in quotes is text, `literal` is taken as it is."""
    if literal:
        return set_file(values, path, content)
    quoted = any(content.startswith(quote) and content.endswith(quote) for quote in ("'", '"'))
    return set_value(values, f"{path}={content.strip(chr(39) + chr(34)) if quoted else content}", quoted)


def _graft(old: dict[str, Any], new: Mapping[str, Any]) -> None:
    for key, value in new.items():
        below = old.get(key)
        if isinstance(value, dict) and isinstance(below, dict):
            _graft(below, value)
        else:
            old[key] = value


def _add_secret(
    gathered: Gathered, inline: Mapping[str, Any], reference: Mapping[str, Any], content: str | None, name: str
) -> None:
    if reference.get("targetPath"):
        known = _readable(content, text(reference, "valuesKey") or text(reference, "name"), name, gathered)
        opaque = known != content or known.startswith(_MARK)
        _add(gathered, inline, {**reference, "literal": opaque or reference.get("literal")}, known)
    elif content is not None and not content.startswith((_MARK, "ENC[")):
        _add(gathered, inline, reference, content)
    else:
        gathered.hidden[name] = content or PLACEHOLDER.format(text(reference, "valuesKey") or "values.yaml")
        gathered.notes.append(f"the values in {name} cannot be read here and are not merged")


def _readable(content: str | None, key: str, name: str, gathered: Gathered) -> str:
    """The text itself, its mark, or a placeholder; the latter two with a note."""
    if content is None or content.startswith((SOPS_MARK, "ENC[")):
        gathered.notes.append(f"{name} cannot be read here: a placeholder stands for it")
        return PLACEHOLDER.format(key)
    if content.startswith(_MARK):
        gathered.notes.append(f"{name} is secret: a mark stands for it")
    return content


def _content(
    find: Find,
    kind: str,
    name: str,
    reference: Mapping[str, Any],
    what: str,
    missing: NotRendered | None,
    gathered: Gathered,
) -> dict[str, str] | None:
    """The data of what is referenced, None for an optional one that is not there, empty for a Secret that is not."""
    if kind not in ("ConfigMap", "Secret"):
        raise RenderFailed("resolve", f"{what}: kind {kind!r} is neither ConfigMap nor Secret")
    found = find(kind, name)
    if found is not None:
        return _data(found)
    if reference.get("optional"):
        return None
    if kind == "Secret":
        gathered.placeholders = True
        return {}
    raise missing or RenderFailed("resolve", f"{what}: ConfigMap '{name}' not found")


def _data(document: Mapping[str, Any]) -> dict[str, str]:
    is_secret = document.get("kind") == "Secret"
    data = {key: _as_text(value) for key, value in mapping(document, "data").items()}
    if not is_secret:
        return data
    plain = {key: _as_text(value) for key, value in mapping(document, "stringData").items()}
    return {key: _decoded(value) for key, value in data.items()} | plain


def _decoded(value: str) -> str:
    """A Secret's data where masking is off; a mark stays."""
    if value.startswith((_MARK, "ENC[")):
        return value
    try:
        return base64.b64decode(value, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return value


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else canonical(value)


def variables(spec: Mapping[str, Any], find: Find, missing: NotRendered | None) -> Gathered:
    """The variables of `postBuild`: `substituteFrom` in order, then `substitute`. Raises as `release_values`."""
    gathered = Gathered()
    build = mapping(spec, "postBuild")
    for reference in items(build, "substituteFrom"):
        kind, name = text(reference, "kind"), text(reference, "name")
        content = _content(find, kind, name, reference, f"substitute from '{kind}/{name}'", missing, gathered)
        if kind == "Secret" and content == {}:
            gathered.notes.append(f"Secret {name} is not here: placeholders stand for variables that nobody else sets")
        for key, value in (content or {}).items():
            known = _readable(value, key, f"Secret {name} {key}", gathered) if kind == "Secret" else value
            gathered.values[key] = known.replace("\n", "")
    gathered.values |= {key: _as_text(value).replace("\n", "") for key, value in mapping(build, "substitute").items()}
    return gathered
