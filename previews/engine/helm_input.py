"""What Helm is given: a release's name, parameters, and what dependencies would read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from previews.engine.applications import Application, HelmOptions, Source
from previews.engine.errors import RenderFailed
from previews.engine.fields import mapping
from previews.engine.render.charts import Chart, Dependency
from previews.engine.render.integers import integer_paths, integers_template
from previews.engine.render.requests import digest
from previews.engine.values import escape_commas, expand_environment, set_value

#: What inline values go by among the value files.
INLINE = "Application"


def release_name(definition: Application, options: HelmOptions) -> str:
    """`releaseName`, else the application's name. Raises RenderFailed for a template, which Helm would evaluate."""
    name = options.release_name or definition.name
    if "{{" in name:
        raise RenderFailed("resolve", "releaseName holds a template; Astrolabe does not evaluate it")
    return name


def with_parameters(
    values: Mapping[str, Any], options: HelmOptions, environment: Mapping[str, str], force_string: bool
) -> dict[str, Any]:
    """The values with all `--set` parameters, or with all `--set-string`; of two with one name the last counts."""
    names = {item.name: item.value for item in options.parameters if item.force_string == force_string}
    result = dict(values)
    for name in sorted(names):
        text = escape_commas(expand_environment(names[name], environment))
        result = set_value(result, f"{name}={text}", force_string)
    return result


def inline_values(source: Source, environment: Mapping[str, str]) -> list[tuple[str, str | Mapping[str, Any]]]:
    """The values that an Application holds itself, by name, in the order in which Helm merges them.

    `values` is a text, as it is written; parameters are the values that they make.
    """
    options, helm = source.helm or HelmOptions(), mapping(source.raw, "helm")
    found: list[tuple[str, str | Mapping[str, Any]]] = []
    if options.values:
        text = helm.get("values")
        found.append((INLINE, text if isinstance(text, str) and helm.get("valuesObject") is None else options.values))
    if options.parameters:
        made = with_parameters({}, options, environment, force_string=False)
        found.append((f"{INLINE} parameters", with_parameters(made, options, environment, force_string=True)))
    return found


def whole_numbers(options: HelmOptions, environment: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, str]:
    """The option for whole numbers of parameters; none where there are none, so that no other key moves."""
    paths = list(integer_paths(with_parameters({}, options, environment, force_string=False), values))
    return {"integers": integers_template(values, paths)} if paths else {}


def is_enabled(dependency: Dependency, values: Mapping[str, Any]) -> bool:
    """Whether Helm would use the dependency: the first condition that holds a truth value decides, then its tags."""
    for path in dependency.condition.split(","):
        decided = _lookup(values, path.strip()) if path.strip() else None
        if isinstance(decided, bool):
            return decided
    tags = values.get("tags")
    states = [tags.get(tag) for tag in dependency.tags] if isinstance(tags, dict) else []
    known = [state for state in states if isinstance(state, bool)]
    return any(known) if known else True


def _lookup(values: Mapping[str, Any], path: str) -> Any:
    value: Any = values
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def inputs_of(dependency: Dependency, chart: Chart, values: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """The hash of everything that a dependency would render from, were it here (MissingDependency.inputs)."""
    name = dependency.alias or dependency.name
    handed = [values.get(name), values.get("global"), values.get("tags")]
    release = [asked[key] for key in ("name", "namespace", "kube_version", "api_versions", "include_crds", "engine")]
    identity = [dependency.name, dependency.version, dependency.repository, name]
    return digest([identity, handed, release, chart.definitions])
