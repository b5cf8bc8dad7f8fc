"""Asks all rules about a cell, and tells what the change brings from what was there before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from previews.engine.diff.fields import Item, path_text
from previews.engine.diff.merge_keys import item_keys
from previews.engine.manifests import ResourceId
from previews.engine.predict.context import Context
from previews.engine.predict.findings import ChangeRule, Finding, StateRule, Steps
from previews.engine.predict.objects import Objects, Pair, Side


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the rules say: what the change brings, worst first; what it repairs; what holds before and after.

    `failed` are the names of rules that could not be asked: a defect of ours, which hides no other rule's findings.
    """

    introduced: tuple[Finding, ...] = ()
    repaired: tuple[Finding, ...] = ()
    preexisting: tuple[Finding, ...] = ()
    failed: tuple[str, ...] = ()


def judge(
    pair: Pair, context: Context, state_rules: Iterable[StateRule], change_rules: Iterable[ChangeRule]
) -> Judgement:
    """Asks the rules. A finding is the same on both sides where rule, object, place and value are."""
    failed: dict[str, None] = {}
    rules = list(state_rules)
    head = _ask(rules, pair.head, context, failed)
    base = _ask(rules, pair.base, context, failed)
    new, old = _named(head, pair.head.objects), _named(base, pair.base.objects)
    changes = _named(_ask(change_rules, pair, context, failed), pair.head.objects, pair.base.objects).values()
    return Judgement(
        introduced=_worst_first([*(one for key, one in new.items() if key not in old), *changes]),
        repaired=_worst_first(one for key, one in old.items() if key not in new and _is_there(one, pair.head)),
        preexisting=_worst_first(one for key, one in new.items() if key in old),
        failed=tuple(failed),
    )


def _ask(rules: Iterable[Any], about: Side | Pair, context: Context, failed: dict[str, None]) -> list[Finding]:
    findings: list[Finding] = []
    for rule in rules:
        try:
            findings += rule(about, context)
        except Exception:  # one rule's defect, on input that anyone may write, must not hide what others find
            failed[f"{rule.__module__.rpartition('.')[2]}.{rule.__name__}"] = None
    return _said_once(findings)


def _said_once(findings: Sequence[Finding]) -> list[Finding]:
    """Without what the schema says of a field of which a rule of its own says more."""
    known = {(one.object, one.steps) for one in findings if one.severity == "blocked" and not _is_of_schema(one)}
    return [one for one in findings if not (_is_of_schema(one) and known & set(_fields(one)))]


def _is_of_schema(finding: Finding) -> bool:
    return finding.code.startswith("SCHEMA-")


def _fields(finding: Finding) -> Iterator[tuple[ResourceId | None, Steps]]:
    yield finding.object, finding.steps
    if finding.code == "SCHEMA-REQUIRED":
        yield finding.object, (*finding.steps, finding.value)


def _named(findings: Iterable[Finding], *sides: Objects) -> dict[tuple[object, ...], Finding]:
    placed = (replace(one, place=place(one, *sides)) for one in findings)
    return {(one.code, one.object, one.place, one.value): one for one in placed}


def _is_there(finding: Finding, side: Side) -> bool:
    return finding.object is None or finding.object in side.objects


def _worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda one: one.rank))


def place(finding: Finding, *sides: Objects) -> str:
    """Where a finding is, for people, and the same wherever the items of a list stand: `spec.containers[app].image`.

    The object is looked for on these sides, one after the other.
    """
    identity = finding.object
    found = next((one for side in sides if identity and (one := side.get(identity))), None)
    return path_text(tuple(_path(found.content if found else {}, finding.steps)))


def _path(content: Any, steps: Steps) -> Iterator[str | Item]:
    name = ""
    for step in steps:
        if isinstance(step, str):
            name = step
            yield step
            content = content.get(step) if isinstance(content, dict) else None
        else:
            items = content if isinstance(content, list) else []
            yield _item(name, items, step)
            content = items[step] if step < len(items) else None


def _item(name: str, items: Sequence[Any], at: int) -> Item:
    keys = item_keys(name, items, items)
    return Item(keys[0][at]) if keys is not None and at < len(items) else Item(None, at)
