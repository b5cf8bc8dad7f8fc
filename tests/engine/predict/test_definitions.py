import pytest

from previews.engine.predict.definitions import RULES
from tests.engine.predict.spec_rules import codes, findings

NAMES = "{plural: shops, singular: shop, kind: Shop, listKind: ShopList, shortNames: [sh]}"
VERSION = "{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}"


def definition(group: str = "example.com", names: str = NAMES, versions: str = f"[{VERSION}]", more: str = "") -> str:
    return (
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: shops.example.com}\n"
        f"spec: {{group: {group}, scope: Namespaced, names: {names}, versions: {versions}{more}}}\n"
    )


def with_schema(schema: str) -> str:
    return definition(versions=f"[{VERSION.replace('{type: object}', schema)}]")


def test_a_usual_definition_is_accepted():
    assert findings(RULES, definition()) == []


@pytest.mark.parametrize(
    ("versions", "found"),
    [
        ("[]", ["CRD-STORAGE"]),
        (f"[{VERSION.replace('storage: true', 'storage: false')}]", ["CRD-STORAGE"]),
        (f"[{VERSION}, {VERSION.replace('v1', 'v2')}]", ["CRD-STORAGE"]),
        (f"[{VERSION}, {VERSION.replace('v1', 'v2').replace('storage: true', 'storage: false')}]", []),
        (f"[{VERSION}, {VERSION.replace('storage: true', 'storage: false')}]", ["CRD-VERSION-NAME"]),
        (f"[{VERSION.replace('v1', '1v')}]", ["CRD-VERSION-NAME"]),
        (f"[{VERSION.replace('v1', 'v' * 63)}]", []),
        (f"[{VERSION.replace('v1', 'v' * 64)}]", ["CRD-VERSION-NAME"]),
        (f"[{VERSION.replace('served: true', 'served: false')}]", ["CRD-NOT-SERVED"]),
        ("[{name: v1, served: true, storage: true}]", ["CRD-NO-SCHEMA"]),
        ("[{name: v1, served: true, storage: true, schema: {}}]", ["CRD-NO-SCHEMA"]),
    ],
)
def test_one_version_is_stored_and_each_has_a_name_and_a_schema(versions, found):
    assert codes(findings(RULES, definition(versions=versions))) == found


def test_the_stored_versions_are_counted():
    both = findings(RULES, definition(versions=f"[{VERSION}, {VERSION.replace('v1', 'v2')}]"))
    assert [one.message for one in both] == [
        "2 of 2 versions are marked as the one that is stored; it must be exactly 1"
    ]
    (unserved,) = findings(RULES, definition(versions=f"[{VERSION.replace('served: true', 'served: false')}]"))
    assert unserved.severity == "warning"


@pytest.mark.parametrize(
    ("group", "names", "found"),
    [
        ("example", NAMES, ["CRD-NAME"]),
        ("Example.com", NAMES, ["CRD-NAME"]),
        ("example.com", "{plural: shops, kind: Shop}", []),
        ("example.com", "{kind: Shop}", ["CRD-NAME"]),
        ("example.com", "{plural: shops}", ["CRD-NAME"]),
        ("example.com", "{plural: Shops, kind: Shop}", ["CRD-NAME"]),
        ("example.com", "{plural: shops, kind: My_Shop}", ["CRD-NAME"]),
        ("example.com", "{plural: shops, kind: Shop, listKind: Shop}", ["CRD-NAME"]),
        ("example.com", "{plural: shops, kind: Shop, shortNames: [SH]}", ["CRD-NAME"]),
        ("example.com", "{plural: shops, kind: Shop, categories: [all]}", []),
    ],
)
def test_names_are_labels(group, names, found):
    assert codes(findings(RULES, definition(group, names))) == found


def test_unknown_fields_are_kept_by_the_schema_alone():
    assert codes(findings(RULES, definition(more=", preserveUnknownFields: true"))) == ["CRD-PRESERVE"]
    assert findings(RULES, definition(more=", preserveUnknownFields: false")) == []


@pytest.mark.parametrize(
    ("rejected", "why", "accepted"),
    [
        ("{properties: {}}", "its root has no type", "{type: object, properties: {}}"),
        ("{type: string}", "its root has the type string, and must be an object", "{type: object}"),
        ("{type: object, properties: {a: {}}}", "properties.a has no type", "{type: object, properties: {a: {x-kubernetes-preserve-unknown-fields: true}}}"),
        ("{type: object, properties: {a: {type: text}}}", 'properties.a has the type "text", which is none of array, boolean, integer, number, object, string', "{type: object, properties: {a: {type: number}}}"),
        ("{type: object, properties: {a: {type: array}}}", "properties.a is an array and does not say of which items", "{type: object, properties: {a: {type: array, items: {type: string}}}}"),
        ("{type: object, properties: {a: {type: array, items: {}}}}", "properties.a.items has no type", "{type: object, properties: {a: {type: array, items: {x-kubernetes-int-or-string: true}}}}"),
        ("{type: object, properties: {a: {type: object, properties: {b: {type: string}}, additionalProperties: false}}}", "properties.a has both properties and additionalProperties", "{type: object, properties: {a: {type: object, additionalProperties: {type: string}}}}"),
        ("{type: object, additionalProperties: {type: string}}", "its root has additionalProperties at the root", "{type: object, properties: {a: {type: object, properties: {b: {type: string}}, additionalProperties: true}}}"),
        ("{type: object, properties: {a: {type: array, uniqueItems: true, items: {type: string}}}}", "properties.a has uniqueItems: true, which is not supported", "{type: object, properties: {a: {type: array, uniqueItems: false, items: {type: string}}}}"),
        ("{type: object, properties: {a: {type: object, $ref: b}}}", "properties.a has $ref, which is not supported", "{type: object, properties: {$ref: {type: string}}}"),
        ("{type: object, properties: {a: {type: string, anyOf: [{type: string}]}}}", "properties.a.anyOf.0 has type inside of allOf, anyOf, oneOf or not", "{type: object, properties: {a: {x-kubernetes-int-or-string: true, anyOf: [{type: integer}, {type: string}]}}}"),
        ("{type: object, oneOf: [{required: [a], description: b}]}", "oneOf.0 has description inside of allOf, anyOf, oneOf or not", "{type: object, oneOf: [{required: [a]}]}"),
        ("{type: object, properties: {a: {type: string, x-kubernetes-embedded-resource: true}}}", "properties.a must be of the type object, since it is an embedded resource", "{type: object, properties: {a: {type: object, x-kubernetes-embedded-resource: true}}}"),
    ],
)  # fmt: skip
def test_schemas_are_structural(rejected, why, accepted):
    (found,) = findings(RULES, with_schema(rejected))
    assert (found.code, found.severity) == ("CRD-SCHEMA", "blocked")
    assert found.message == f"the schema of v1 is not structural: {why}"
    assert findings(RULES, with_schema(accepted)) == []


def test_many_errors_of_one_schema_are_not_all_told():
    fields = ", ".join(f"f{index}: {{}}" for index in range(100))
    assert len(findings(RULES, with_schema(f"{{type: object, properties: {{{fields}}}}}"))) == 10


def test_other_versions_of_definitions_are_not_judged():
    assert findings(RULES, definition("example", "{}", "[]").replace("k8s.io/v1", "k8s.io/v1beta1")) == []
