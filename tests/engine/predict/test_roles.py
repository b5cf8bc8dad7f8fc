import pytest

from previews.engine.predict.roles import RULES
from tests.engine.predict.spec_rules import codes, findings

API = "apiVersion: rbac.authorization.k8s.io/v1\n"


def role(rule: str, kind: str = "ClusterRole") -> str:
    return f"{API}kind: {kind}\nmetadata: {{name: reader}}\nrules: [{rule}]\n"


def binding(subject: str, kind: str = "ClusterRoleBinding", reference: str = "kind: ClusterRole, name: reader") -> str:
    return f"{API}kind: {kind}\nmetadata: {{name: readers}}\nroleRef: {{{reference}}}\nsubjects: [{subject}]\n"


@pytest.mark.parametrize(
    ("rejected", "accepted"),
    [
        ("{apiGroups: [''], resources: [pods]}", "{apiGroups: [''], resources: [pods], verbs: [get]}"),
        ("{resources: [pods], verbs: [get]}", "{apiGroups: [apps], resources: ['*'], verbs: ['*']}"),
        ("{apiGroups: [''], verbs: [get]}", "{nonResourceURLs: [/metrics], verbs: [get]}"),
        ("{apiGroups: [''], resources: [], verbs: [get]}", "{apiGroups: [''], resources: [pods, nodes], resourceNames: [a], verbs: [get]}"),
        ("{nonResourceURLs: [/metrics], apiGroups: [''], verbs: [get]}", "{nonResourceURLs: [/metrics], apiGroups: [], verbs: [get]}"),
    ],
)  # fmt: skip
def test_a_rule_has_verbs_and_what_they_are_about(rejected, accepted):
    found = findings(RULES, role(rejected))
    assert [(one.code, one.severity) for one in found] == [("RBAC-RULE", "blocked")]
    assert findings(RULES, role(accepted)) == []


def test_urls_are_for_cluster_roles():
    (found,) = findings(RULES, role("{nonResourceURLs: [/metrics], verbs: [get]}", "Role"))
    assert found.message == "the rule of a Role has nonResourceURLs, which only a ClusterRole can"


@pytest.mark.parametrize(
    ("kind", "reference", "found"),
    [
        ("ClusterRoleBinding", "kind: ClusterRole, name: a", []),
        ("ClusterRoleBinding", "kind: Role, name: a", ["RBAC-ROLE-REF"]),
        ("RoleBinding", "apiGroup: rbac.authorization.k8s.io, kind: Role, name: a", []),
        ("RoleBinding", "apiGroup: '', kind: Role, name: a", []),
        ("RoleBinding", "apiGroup: rbac, kind: Role, name: a", ["RBAC-ROLE-REF"]),
        ("RoleBinding", "kind: Group, name: a", ["RBAC-ROLE-REF"]),
        ("RoleBinding", "kind: Role", ["RBAC-ROLE-REF"]),
        ("RoleBinding", "kind: Role, name: 'system:a'", []),
        ("RoleBinding", "kind: Role, name: a/b", ["RBAC-ROLE-REF"]),
    ],
)
def test_a_binding_names_a_role(kind, reference, found):
    assert codes(findings(RULES, binding("{kind: Group, name: a}", kind, reference))) == found


@pytest.mark.parametrize(
    ("subject", "found"),
    [
        ("{kind: ServiceAccount, name: a, namespace: b}", []),
        ("{kind: ServiceAccount, name: a}", ["RBAC-SUBJECT"]),
        ("{kind: ServiceAccount, name: A, namespace: b}", ["RBAC-SUBJECT"]),
        ("{kind: ServiceAccount, name: a, namespace: b, apiGroup: rbac.authorization.k8s.io}", ["RBAC-SUBJECT"]),
        ("{kind: User, name: 'Jane Doe'}", []),
        ("{kind: User}", ["RBAC-SUBJECT"]),
        ("{kind: Group, name: a, apiGroup: rbac.authorization.k8s.io}", []),
        ("{kind: Group, name: a, apiGroup: v1}", ["RBAC-SUBJECT"]),
        ("{kind: Account, name: a}", ["RBAC-SUBJECT"]),
    ],
)
def test_a_subject_is_somebody(subject, found):
    assert codes(findings(RULES, binding(subject))) == found


def test_an_account_of_a_binding_in_a_namespace_is_of_that_namespace():
    assert findings(RULES, binding("{kind: ServiceAccount, name: a}", "RoleBinding")) == []
