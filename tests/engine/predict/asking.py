"""Asks rules about objects, as the prediction does."""

from __future__ import annotations

from collections.abc import Iterable

from previews.engine.manifests import read_resources, split_documents
from previews.engine.predict.context import Context
from previews.engine.predict.findings import ChangeRule, StateRule
from previews.engine.predict.judge import judge
from previews.engine.predict.objects import make_pair


def text_of(kind: str, more: str = "", name: str = "web") -> str:
    """An object: `apps/v1 Deployment` and the lines of its body."""
    version, _, kind = kind.rpartition(" ")
    return f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}, namespace: shop}}\n{more}\n"


def workload(
    spec: str = "", container: str = "", labels: str = "app: web", kind: str = "Deployment", more: str = ""
) -> str:
    """A workload of one container; the parts are YAML in flow style."""
    return text_of(
        f"apps/v1 {kind}",
        f"spec: {{selector: {{matchLabels: {{app: web}}}}, {more} template: {{metadata: {{labels: {{{labels}}}}}, "
        f"spec: {{{spec} containers: [{{name: web, image: web, {container}}}]}}}}}}",
    )


def found(rules: Iterable[StateRule], head: str, base: str = "", changes: Iterable[ChangeRule] = (), **context):
    """What is said of a head: (severity, code, place, message)."""
    sides = ([one for part in split_documents(text) for one in read_resources(part, str)] for text in (base, head))
    pair = make_pair(*sides)
    said = judge(pair, Context(**context), list(rules), list(changes))
    assert said.failed == ()
    return [(one.severity, one.code, one.place, one.message) for one in said.introduced]


def codes(rules: Iterable[StateRule], head: str, base: str = "", **context) -> list[str]:
    """The same, the codes of what is blocked alone."""
    return [code for severity, code, _, _ in found(rules, head, base, **context) if severity == "blocked"]


#: What may stand where something else is expected.
NONSENSE = ("null", "[]", "{}", "5", "true", '"x"', "[null, 1, []]", "[{name: {a: b}}, {name: [1]}]", "{a: {b: [1]}}")
