"""Asks a rule about objects written as YAML, as a prediction does."""

from __future__ import annotations

from collections.abc import Iterable

from previews.engine.manifests import Resource, read_resources, split_documents
from previews.engine.masking import make_mask
from previews.engine.predict.context import Context
from previews.engine.predict.findings import ChangeRule, Finding, StateRule
from previews.engine.predict.objects import make_pair

_MASK = make_mask(b"a key")


def resources(text: str) -> list[Resource]:
    """The objects of a manifest, Secrets masked."""
    return [one for document in split_documents(text) for one in read_resources(document, _MASK)]


def findings(rules: Iterable[StateRule], head: str, context: Context | None = None) -> list[Finding]:
    """What the rules find in a manifest that is all new."""
    pair = make_pair([], resources(head))
    return [found for rule in rules for found in rule(pair.head, context or Context())]


def on_the_way(rules: Iterable[ChangeRule], base: str, head: str, context: Context | None = None) -> list[Finding]:
    """What the rules find in the change from one manifest to another."""
    pair = make_pair(resources(base), resources(head))
    return [found for rule in rules for found in rule(pair, context or Context())]


def codes(found: Iterable[Finding]) -> list[str]:
    """The codes of findings in their order."""
    return [one.code for one in found]
