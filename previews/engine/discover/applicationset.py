"""ApplicationSets: from generators to Applications, without a cluster.

Mirrors applicationset/generators and applicationset/utils of Argo CD for fasttemplate sets. What needs the outside
world takes parameters recorded in the fleet configuration; what is not evaluated is said aloud, and is never zero
Applications.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from previews.engine.applications import API_GROUP, parse_source
from previews.engine.config import Cluster
from previews.engine.discover.layout import IN_CLUSTER, IN_CLUSTER_SERVER
from previews.engine.errors import NotRendered, RenderFailed, YamlError
from previews.engine.globs import compile_glob
from previews.engine.resolve import Resolver
from previews.engine.trees import Tree
from previews.engine.values import merge
from previews.engine.yamls import load

MAX_PARAMETERS = 20_000

#: One set of parameters: dotted name -> text.
Parameters = dict[str, str]

_TAG = re.compile(r"\{\{([^{}]*)\}\}")
_COMBINED = ("matrix", "merge")
_KINDS = ("list", "clusters", "git", *_COMBINED)


def is_application_set(document: Any) -> bool:
    """Whether a parsed YAML document is an ApplicationSet."""
    return (
        isinstance(document, dict)
        and document.get("kind") == "ApplicationSet"
        and str(document.get("apiVersion", "")).startswith(f"{API_GROUP}/")
    )


def set_name(document: Mapping[str, Any]) -> str:
    """The set's own name."""
    metadata = document.get("metadata")
    return str(metadata.get("name", "")) if isinstance(metadata, dict) else ""


def expand(document: Mapping[str, Any], resolver: Resolver) -> list[dict[str, Any]]:
    """The Application objects that a set makes, sorted by name.

    Raises NotRendered when something that it needs is not here, RenderFailed when Argo CD would stop with an error.
    """
    spec = document.get("spec")
    if not isinstance(spec, dict):
        raise RenderFailed("discover", "an ApplicationSet has no spec")
    if spec.get("goTemplate"):
        raise NotRendered("generator", "goTemplate sets are not evaluated yet")
    if spec.get("templatePatch"):
        raise NotRendered("generator", "templatePatch is not evaluated yet")
    made: dict[str, dict[str, Any]] = {}
    for generator in _list(spec, "generators"):
        template = _template(spec, generator)
        for parameters in _generate(generator, set_name(document), resolver):
            application = _make(document, fill(template, parameters))
            # Argo CD drops the second Application of a name.
            made.setdefault(str(application["metadata"].get("name", "")), application)
    return [made[name] for name in sorted(made) if name]


def _template(spec: Mapping[str, Any], generator: Mapping[str, Any]) -> dict[str, Any]:
    """The set's template, and over it what the generator's own one says."""
    own: Any = next(
        (body["template"] for body in generator.values() if isinstance(body, dict) and body.get("template")), {}
    )
    return merge(_mapping(spec, "template"), own if isinstance(own, dict) else {})


def _make(document: Mapping[str, Any], template: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {**_mapping(template, "metadata")}
    # An Application lives beside its set, whatever the template says.
    metadata["namespace"] = _mapping(document, "metadata").get("namespace") or "argocd"
    return {
        "apiVersion": f"{API_GROUP}/v1alpha1",
        "kind": "Application",
        "metadata": metadata,
        "spec": _mapping(template, "spec"),
    }


def fill(value: Any, parameters: Parameters) -> Any:
    """Puts parameters into every text and key of a JSON value; a tag that is no parameter stays as it is."""
    if isinstance(value, str):
        return _TAG.sub(lambda tag: parameters.get(tag[1].strip(), tag[0]), value) if parameters else value
    if isinstance(value, list):
        return [fill(item, parameters) for item in value]
    if isinstance(value, dict):
        return {fill(key, parameters): fill(item, parameters) for key, item in value.items()}
    return value


def _generate(generator: Mapping[str, Any], name: str, resolver: Resolver) -> list[Parameters]:
    kinds = [kind for kind, body in generator.items() if kind != "selector" and body is not None]
    if len(kinds) != 1:
        raise RenderFailed("discover", f"a generator must be one of its kind, not {', '.join(kinds) or 'none'}")
    kind = kinds[0]
    recorded = resolver.config.generators.get(name)
    if kind not in _KINDS:
        if not isinstance(recorded, list):
            raise NotRendered("generator", f"the {kind} generator needs parameters: record them under `generators`")
        found = [{str(key): str(value) for key, value in item.items()} for item in recorded if isinstance(item, dict)]
    else:
        body = _mapping(generator, kind)
        found = list(_BY_KIND[kind](body, name, resolver))
        if kind not in _COMBINED:
            found = [_with_values(parameters, body) for parameters in found]
    if len(found) > MAX_PARAMETERS:
        raise NotRendered("limit", f"the set makes more than {MAX_PARAMETERS:,} Applications")
    return [parameters for parameters in found if _selected(parameters, _mapping(generator, "selector"))]


def _with_values(parameters: Parameters, body: Mapping[str, Any]) -> Parameters:
    """The generator's `values`, which see its own parameters and not each other."""
    values = _mapping(body, "values")
    return {**parameters, **{f"values.{key}": str(fill(value, parameters)) for key, value in values.items()}}


def _from_list(body: Mapping[str, Any], name: str, resolver: Resolver) -> Iterator[Parameters]:
    if body.get("elementsYaml"):
        raise NotRendered("generator", "elementsYaml is not evaluated yet")
    for element in _list(body, "elements"):
        parameters: Parameters = {}
        for key, value in element.items():
            if key == "values" and isinstance(value, dict):
                parameters |= {f"values.{inner}": str(item) for inner, item in value.items()}
            elif isinstance(value, str):
                parameters[key] = value
            else:
                raise RenderFailed("discover", f"list element {key}: only texts can be put into a template")
        yield parameters


def _from_clusters(body: Mapping[str, Any], name: str, resolver: Resolver) -> Iterator[Parameters]:
    if not resolver.config.clusters:
        raise NotRendered("generator", "the clusters generator needs `clusters` in astrolabe.yaml")
    if body.get("flatList"):
        raise NotRendered("generator", "flatList is not evaluated yet")
    selector = _mapping(body, "selector")
    servers: set[str] = set()
    for cluster in resolver.config.clusters:
        servers.update(cluster.servers)
        if _selected(dict(cluster.labels), selector):
            yield _cluster_parameters(cluster)
    # The cluster that Argo CD runs on has no secret, and so no labels: a selector leaves it out.
    if not selector and IN_CLUSTER_SERVER not in servers:
        yield {"name": IN_CLUSTER, "nameNormalized": IN_CLUSTER, "server": IN_CLUSTER_SERVER, "project": ""}


def _cluster_parameters(cluster: Cluster) -> Parameters:
    server = cluster.servers[0] if cluster.servers else ""
    labels = {f"metadata.labels.{key}": value for key, value in cluster.labels.items()}
    return {
        "name": cluster.name,
        "nameNormalized": normalise(cluster.name),
        "server": server,
        "project": "",
        **labels,
    }


def normalise(name: str) -> str:
    """A name as a DNS name (applicationset/utils SanitizeName)."""
    return re.sub(r"[^-a-z0-9.]", "-", name.lower())[:253].strip("-.")


def _from_git(body: Mapping[str, Any], name: str, resolver: Resolver) -> Iterator[Parameters]:
    source = {"repoURL": body.get("repoURL"), "targetRevision": body.get("revision"), "path": "."}
    tree = resolver.find(parse_source(source)).tree
    prefix = str(body.get("pathParamPrefix") or "")
    if body.get("directories"):
        for path in _directories(tree, _list(body, "directories")):
            yield _path_parameters(path, prefix)
        return
    for path in _files(tree, _list(body, "files")):
        for content in _objects(tree, path):
            parameters = _flat(content) | _path_parameters(posixpath.dirname(path), prefix)
            filename = posixpath.basename(path)
            key = f"{prefix}.path" if prefix else "path"
            yield parameters | {f"{key}.filename": filename, f"{key}.filenameNormalized": normalise(filename)}


def _directories(tree: Tree, patterns: Sequence[Mapping[str, Any]]) -> list[str]:
    """All folders that a pattern names and no excluding one does; hidden ones and the root never count."""
    folders = {folder for path, _ in tree.walk() for folder in _parents(path)}
    visible = sorted(folder for folder in folders if not any(part.startswith(".") for part in folder.split("/")))
    chosen = [compile_glob(str(item.get("path", ""))) for item in patterns if not item.get("exclude")]
    excluded = [compile_glob(str(item.get("path", ""))) for item in patterns if item.get("exclude")]
    return [
        folder
        for folder in visible
        if any(glob.match(folder) for glob in chosen) and not any(glob.match(folder) for glob in excluded)
    ]


def _parents(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path):
        yield path


def _files(tree: Tree, patterns: Sequence[Mapping[str, Any]]) -> list[str]:
    # By default the pattern is a pathspec of git, whose `*` crosses folders.
    globs = [compile_glob(re.sub(r"\*+", "**", str(item.get("path", "")))) for item in patterns]
    return sorted(path for path, _ in tree.walk() if any(glob.match(path) for glob in globs))


def _objects(tree: Tree, path: str) -> list[Mapping[str, Any]]:
    data = tree.read(path) or b""
    try:
        content = load(data.decode("utf-8", "replace"))
    except YamlError as error:
        raise RenderFailed("discover", f"{path}: {error}") from None
    items = content if isinstance(content, list) else [content or {}]
    if not all(isinstance(item, dict) for item in items):
        raise RenderFailed("discover", f"{path} holds neither an object nor a list of objects")
    return items


def _path_parameters(path: str, prefix: str) -> Parameters:
    key = f"{prefix}.path" if prefix else "path"
    basename = posixpath.basename(path)
    parts = {f"{key}[{index}]": part for index, part in enumerate(path.split("/"))}
    return {key: path, f"{key}.basename": basename, f"{key}.basenameNormalized": normalise(basename), **parts}


def _flat(value: Mapping[str, Any], prefix: str = "") -> Parameters:
    """Nested keys joined by dots, values as Go prints them."""
    flat: Parameters = {}
    for key, item in value.items():
        if isinstance(item, dict):
            flat |= _flat(item, f"{prefix}{key}.")
        elif isinstance(item, list):
            flat |= _flat({str(index): member for index, member in enumerate(item)}, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = _printed(item)
    return flat


def _printed(value: Any) -> str:
    """Go's %v of a JSON value: numbers are float64, so large ones come out with an exponent."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    return _printed_number(float(value)) if isinstance(value, (int, float)) else str(value)


def _printed_number(number: float) -> str:
    """Go's %v of a float64: the fewest digits, with an exponent below 1e-4 and from 1e6 on."""
    sign, places, exponent = Decimal(repr(number)).normalize().as_tuple()
    digits = "".join(map(str, places))
    power = len(digits) - 1 + int(exponent)
    if not number or -4 <= power < 6:
        return f"{Decimal(repr(number)).normalize():f}"
    mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
    return f"{'-' * sign}{mantissa}e{power:+03d}"


def _from_matrix(body: Mapping[str, Any], name: str, resolver: Resolver) -> Iterator[Parameters]:
    children = _children(body, "matrix", exactly=2)
    for first in _generate(children[0], name, resolver):
        for second in _generate(fill(children[1], first), name, resolver):
            clash = sorted(key for key in first.keys() & second.keys() if first[key] != second[key])
            if clash:
                raise RenderFailed("discover", f"matrix: both generators give {', '.join(clash)}, and not the same")
            yield first | second


def _from_merge(body: Mapping[str, Any], name: str, resolver: Resolver) -> Iterator[Parameters]:
    keys = [str(key) for key in body.get("mergeKeys") or ()]
    if not keys:
        raise RenderFailed("discover", "merge: mergeKeys is missing")
    base, *others = [_generate(child, name, resolver) for child in _children(body, "merge", exactly=0)]
    merged = _by_keys(base, keys)
    for other in others:
        for place, parameters in _by_keys(other, keys).items():
            if place in merged:
                merged[place] |= parameters
    yield from merged.values()


def _by_keys(found: Iterable[Parameters], keys: Sequence[str]) -> dict[str, Parameters]:
    places: dict[str, Parameters] = {}
    for parameters in found:
        place = json.dumps([parameters.get(key) for key in keys])
        if place in places:
            raise RenderFailed("discover", f"merge: {place} stands twice in one generator")
        places[place] = dict(parameters)
    return places


def _children(body: Mapping[str, Any], kind: str, exactly: int) -> list[Mapping[str, Any]]:
    children = _list(body, "generators")
    if (exactly and len(children) != exactly) or len(children) < 2:
        raise RenderFailed("discover", f"{kind}: {len(children)} generators; it takes {exactly or 'two or more'}")
    return children


_BY_KIND = {
    "list": _from_list,
    "clusters": _from_clusters,
    "git": _from_git,
    "matrix": _from_matrix,
    "merge": _from_merge,
}


def _selected(labels: Mapping[str, str], selector: Mapping[str, Any]) -> bool:
    """Kubernetes' label selectors, with values of any form."""
    if any(labels.get(key) != str(value) for key, value in _mapping(selector, "matchLabels").items()):
        return False
    return all(_matches(labels, rule) for rule in _list(selector, "matchExpressions"))


def _matches(labels: Mapping[str, str], rule: Mapping[str, Any]) -> bool:
    key, values = str(rule.get("key")), [str(value) for value in rule.get("values") or ()]
    operator = rule.get("operator")
    if operator in ("Exists", "DoesNotExist"):
        return bool((key in labels) == (operator == "Exists"))
    if operator not in ("In", "NotIn"):
        raise RenderFailed("discover", f"selector: operator {operator!r} is not known")
    return bool((key in labels and labels[key] in values) == (operator == "In"))


def _mapping(value: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def _list(value: Mapping[str, Any], key: str) -> list[Any]:
    found = value.get(key)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
