"""Roles and their bindings: what the API server says of them.

Mirrors pkg/apis/rbac/validation/validation.go, with the defaults of pkg/apis/rbac/v1/defaults.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from previews.engine.predict.context import Context
from previews.engine.predict.fields import changed, is_unstable, sequence, text
from previews.engine.predict.findings import Finding, StateRule, Steps, told
from previews.engine.predict.names import path_problem, subdomain_problem
from previews.engine.predict.objects import Object, Side

_SOURCE = "pkg/apis/rbac/validation/validation.go"
_GROUP = "rbac.authorization.k8s.io"
_ROLES = ((_GROUP, "Role"), (_GROUP, "ClusterRole"))
_BINDINGS = ((_GROUP, "RoleBinding"), (_GROUP, "ClusterRoleBinding"))


def check_rules(side: Side, context: Context) -> Iterator[Finding]:
    """A rule has verbs, and either API groups with resources or, in a ClusterRole, URLs."""
    for one in changed(side, *_ROLES):
        for index, rule in enumerate(sequence(one.get("rules"))):
            if isinstance(rule, Mapping):
                yield from _rule(one, rule, ("rules", index))


def _rule(one: Object, rule: Mapping[str, Any], steps: Steps) -> Iterator[Finding]:
    source = f"{_SOURCE} validatePolicyRule"

    def found(field: str, message: str, remedy: str) -> Finding:
        return Finding("RBAC-RULE", "blocked", message, one.id, (*steps, field), field, source, remedy)

    # A field that is there but no list is the schema's.
    def is_missing(field: str) -> bool:
        return rule.get(field) in (None, [])

    if is_missing("verbs"):
        yield found("verbs", "the rule has no verbs, and must have at least one", "add verbs, such as get")
    if sequence(rule.get("nonResourceURLs")):
        if one.id.kind == "Role":
            message = "the rule of a Role has nonResourceURLs, which only a ClusterRole can"
            yield found("nonResourceURLs", message, "move the rule to a ClusterRole")
        mixed = [field for field in ("apiGroups", "resources", "resourceNames") if sequence(rule.get(field))]
        if mixed:
            message = f"the rule has nonResourceURLs and {', '.join(mixed)}; it may be about one of both"
            yield found("nonResourceURLs", message, "make two rules of it")
        return
    if is_missing("apiGroups"):
        yield found("apiGroups", 'the rule has no apiGroups, and must have at least one ("" for the core)', 'add [""]')
    if is_missing("resources"):
        yield found("resources", "the rule has no resources, and must have at least one", "add resources, such as pods")


def check_role_references(side: Side, context: Context) -> Iterator[Finding]:
    """A binding names a role: a ClusterRole, or in a namespace a Role."""
    for one in changed(side, *_BINDINGS):
        reference = one.get("roleRef")
        if not isinstance(reference, Mapping):
            continue
        allowed = ("ClusterRole",) if one.id.kind == "ClusterRoleBinding" else ("Role", "ClusterRole")
        for field, message in _reference_errors(reference, allowed):
            yield Finding(
                "RBAC-ROLE-REF",
                "blocked",
                message,
                one.id,
                ("roleRef", field),
                told(reference.get(field)),
                f"{_SOURCE} Validate{one.id.kind}",
                f"name a {' or '.join(allowed)} of the group {_GROUP}",
            )


def _reference_errors(reference: Mapping[str, Any], allowed: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    group, kind, name = (reference.get(field) for field in ("apiGroup", "kind", "name"))
    # An empty group is made the right one.
    if isinstance(group, str) and group not in ("", _GROUP):
        yield "apiGroup", f'the roleRef is of the group "{told(group)}", and must be of {_GROUP}'
    if kind is None or (isinstance(kind, str) and kind not in allowed):
        yield "kind", f'the roleRef is a "{told(kind or "")}", and must be a {" or ".join(allowed)}'
    if name in (None, ""):
        yield "name", "the roleRef has no name"
    elif isinstance(name, str) and not is_unstable(name) and (problem := path_problem(name)):
        yield "name", f'the roleRef\'s name "{told(name)}" {problem}'


def check_subjects(side: Side, context: Context) -> Iterator[Finding]:
    """A subject has a name, and a kind with its own group; a ServiceAccount of a ClusterRoleBinding a namespace."""
    for one in changed(side, *_BINDINGS):
        for index, subject in enumerate(sequence(one.get("subjects"))):
            if not isinstance(subject, Mapping):
                continue
            for field, message in _subject_errors(subject, one.id.kind == "ClusterRoleBinding"):
                yield Finding(
                    "RBAC-SUBJECT",
                    "blocked",
                    message,
                    one.id,
                    ("subjects", index, field),
                    told(subject.get(field) or ""),
                    f"{_SOURCE} validateRoleBindingSubject",
                    f"correct the subject's {field}",
                )


def _subject_errors(subject: Mapping[str, Any], is_cluster_wide: bool) -> Iterator[tuple[str, str]]:
    kind, name, group = subject.get("kind"), subject.get("name"), subject.get("apiGroup")
    if name in (None, ""):
        yield "name", "the subject has no name"
    if kind == "ServiceAccount":
        if isinstance(name, str) and name and not is_unstable(name) and (problem := subdomain_problem(name)):
            yield "name", f'the ServiceAccount "{told(name)}" {problem}'
        if text(group):
            yield "apiGroup", f'the ServiceAccount is of the group "{told(group)}", and must be of none'
        if is_cluster_wide and subject.get("namespace") in (None, ""):
            yield "namespace", "the ServiceAccount of a ClusterRoleBinding has no namespace"
    elif kind in ("User", "Group"):
        # An empty group is made the right one.
        if isinstance(group, str) and group not in ("", _GROUP):
            yield "apiGroup", f'the {kind} is of the group "{told(group)}", and must be of {_GROUP}'
    elif kind is None or isinstance(kind, str):
        yield "kind", f'the subject is a "{told(kind or "")}", and must be a ServiceAccount, User or Group'


RULES: tuple[StateRule, ...] = (check_rules, check_role_references, check_subjects)
