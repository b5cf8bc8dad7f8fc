"""Custom resources against the schemas of their definitions."""

import textwrap

import pytest

from previews.engine.manifests import Manifest, ResourceId
from previews.engine.predict import schemas
from previews.engine.predict.around import Around
from previews.engine.predict.context import Context, Sync
from previews.engine.predict.custom_schemas import custom_validator
from previews.engine.predict.library import FileLibrary
from previews.engine.predict.objects import make_pair
from previews.engine.predict.rules import STATE_RULES
from previews.engine.trees import ObjectStore, Tree
from tests.engine.predict.asking import NONSENSE, found
from tests.engine.predict.spec_rules import findings, resources


def definition(schema: str, version: str = "v1", more: str = "") -> str:
    """A CRD of the kind Lamp, written as charts write it."""
    return f"""\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: lamps.acme.io
spec:
  group: acme.io
  scope: Namespaced
  names:
    kind: Lamp
    plural: lamps
    singular: lamp
    listKind: LampList
{more}
  versions:
  - name: {version}
    served: true
    storage: true
    schema:
      openAPIV3Schema: {{type: object, properties: {{spec: {schema}}}}}
"""


def lamp(spec: str, version: str = "v1") -> str:
    return f"---\napiVersion: acme.io/{version}\nkind: Lamp\nmetadata: {{name: a, namespace: shop}}\nspec: {spec}\n"


def said(schema: str, spec: str, **context) -> list[tuple[str, str, str]]:
    text = definition(schema) + lamp(spec)
    return [one[:3] for one in found(STATE_RULES, text, **context) if one[2][:5] in ("spec", "spec.")]


OBJECT = "{type: object, properties: "


@pytest.mark.parametrize(
    ("schema", "rejected", "code", "place", "accepted"),
    [
        (OBJECT + "{a: {type: integer}}}", "{a: x}", "SCHEMA-TYPE", "spec.a", "{a: 5}"),
        (OBJECT + "{a: {type: integer}}}", "{a: 1.5}", "SCHEMA-TYPE", "spec.a", "{a: 1.0}"),
        (OBJECT + "{a: {type: integer, format: int32}}}", "{a: 2147483648}", "SCHEMA-VALUE", "spec.a", "{a: 2147483647}"),
        (OBJECT + "{a: {type: number, minimum: 0, exclusiveMinimum: true}}}", "{a: 0}", "SCHEMA-VALUE", "spec.a", "{a: 0.1}"),
        (OBJECT + "{a: {type: string, enum: [x, y]}}}", "{a: z}", "SCHEMA-VALUE", "spec.a", "{a: x}"),
        (OBJECT + "{a: {type: string, pattern: '^[a-z]+$'}}}", "{a: A}", "SCHEMA-VALUE", "spec.a", "{a: a}"),
        (OBJECT + "{a: {type: string, maxLength: 3}}}", "{a: abcd}", "SCHEMA-VALUE", "spec.a", "{a: abc}"),
        (OBJECT + "{a: {type: array, items: {type: string}, minItems: 1}}}", "{a: []}", "SCHEMA-VALUE", "spec.a", "{a: [b]}"),
        (OBJECT + "{a: {type: array, items: {type: string}}}}", "{a: [1]}", "SCHEMA-TYPE", "spec.a[0]", "{a: ['1']}"),
        (OBJECT + "{a: {x-kubernetes-int-or-string: true}}}", "{a: [1]}", "SCHEMA-TYPE", "spec.a", "{a: '1'}"),
        (OBJECT + "{a: {type: string, nullable: true, enum: [x]}}}", "{a: z}", "SCHEMA-VALUE", "spec.a", "{a: null}"),
        (OBJECT + "{a: {type: object, additionalProperties: {type: integer}}}}", "{a: {b: x}}", "SCHEMA-TYPE", "spec.a.b", "{a: {b: 1}}"),
        (OBJECT + "{a: {type: integer}, b: {type: integer, default: 1}}, required: [a, b]}", "{b: 1}", "SCHEMA-REQUIRED", "spec", "{a: 1}"),
        (OBJECT + "{a: {type: integer}, b: {type: integer}}, oneOf: [{required: [a]}, {required: [b]}]}", "{a: 1, b: 2}", "SCHEMA-VALUE", "spec", "{a: 1}"),
        (OBJECT + "{a: {type: integer}}, not: {required: [a]}}", "{a: 1}", "SCHEMA-VALUE", "spec", "{}"),
    ],
)  # fmt: skip
def test_each_keyword(schema, rejected, code, place, accepted):
    assert said(schema, rejected) == [("blocked", code, place)]
    assert said(schema, accepted) == []


def test_fields_that_the_definition_has_not_are_dropped_or_rejected():
    closed = OBJECT + "{lumen: {type: integer}}}"
    assert said(closed, "{lumens: 5}") == [("warning", "SCHEMA-UNKNOWN", "spec.lumens")]
    by_server = Sync(options=frozenset({"ServerSideApply=true"}))
    assert said(closed, "{lumens: 5}", sync=by_server) == [("blocked", "SCHEMA-UNKNOWN", "spec.lumens")]
    (one,) = findings(STATE_RULES, definition(closed) + lamp("{lumens: 5}"))
    assert (one.remedy, one.confidence) == ("did you mean lumen?", "certain")
    assert said("{type: object, x-kubernetes-preserve-unknown-fields: true, properties: {}}", "{lumens: 5}") == []
    assert said("{type: object}", "{lumens: 5}") == []


def test_null_is_taken_from_an_update_and_not_from_a_new_object():
    assert said(OBJECT + "{a: {type: integer}}}", "{a: null}") == [("warning", "SCHEMA-TYPE", "spec.a")]
    assert said(OBJECT + "{a: {type: integer, default: 1}}}", "{a: null}") == []


def test_a_version_that_the_definition_does_not_serve():
    text = definition("{type: object}") + lamp("{}", "v2")
    assert [one[:3] for one in found(STATE_RULES, text)] == [("blocked", "API-UNSERVED", "apiVersion")]
    unserved = text.replace("acme.io/v2", "acme.io/v1").replace("served: true", "served: false")
    (one,) = (one for one in findings(STATE_RULES, unserved) if one.code == "API-UNSERVED")
    assert one.message == "acme.io/v1 Lamp is not served: its definition serves none"


def test_the_definition_of_another_application_of_the_cluster_counts_and_is_less_sure():
    around = Around()
    around.define("seoul", Manifest(tuple(resources(definition(OBJECT + "{a: {type: integer}}}")))))
    told = {}
    for cluster in ("seoul", "busan"):
        known = around.of(cluster, "lamps")
        context = Context(definitions=known.definitions, library=known.library)
        told[cluster] = [(one.code, one.confidence) for one in findings(STATE_RULES, lamp("{a: x}"), context)]
    assert told == {"seoul": [("SCHEMA-TYPE", "likely")], "busan": []}


def library_of(git, commit: str) -> FileLibrary:
    return FileLibrary(Tree(ObjectStore(git.folder), git._git("rev-parse", f"{commit}^{{tree}}").decode().strip()))


def test_definitions_in_files_count_where_nothing_else_is_known(git):
    lamps = definition(OBJECT + "{a: {type: integer}}}")
    commit = git.commit(
        {
            "crds/lamps.yaml": "# ours\n---\n" + lamps,
            "chart/templates/crd.yaml": lamps.replace("name: v1", "name: {{ .Values.version }}"),
            "crds/broken.yaml": "kind: CustomResourceDefinition\n  a: [",
            "crds/notes.txt": lamps,
        }
    )
    library = library_of(git, commit)
    (one,) = findings(STATE_RULES, lamp("{a: x}"), Context(library=library))
    assert (one.code, one.severity, one.confidence) == ("SCHEMA-TYPE", "blocked", "likely")
    (one,) = findings(STATE_RULES, lamp("{a: x}", "v2"), Context(library=library))
    assert (one.code, one.severity, one.confidence) == ("API-UNSERVED", "warning", "likely")


def test_of_several_definitions_in_files_one_is_enough(git):
    files = {f"{kind}/crd.yaml": definition(OBJECT + f"{{a: {{type: {kind}}}}}}}") for kind in ("integer", "string")}
    commit = git.commit(files)
    library = library_of(git, commit)
    told = {
        spec: [one.code for one in findings(STATE_RULES, lamp(spec), Context(library=library))]
        for spec in ("{a: x}", "{a: 5}", "{a: []}")
    }
    assert told == {"{a: x}": [], "{a: 5}": [], "{a: []}": ["SCHEMA-TYPE"]}


@pytest.mark.parametrize("nonsense", [*NONSENSE, "{type: [string]}", "{type: string, pattern: '(?=a)('}", "{type: integer, format: int32, minimum: x}", "{required: [[a]]}", "{type: object, properties: {a: {enum: 5}}}", "{maxLength: -1}", "{multipleOf: 0}", "{$ref: 'https://example.com/x'}"])  # fmt: skip
def test_definitions_that_are_none_break_nothing(nonsense):
    said(nonsense, "{a: 1}")
    custom_validator(definition(nonsense), "v1")


def test_a_pattern_of_a_stranger_takes_no_time():
    assert said(OBJECT + "{a: {type: string, pattern: '^(a+)+$'}}}", f"{{a: {'a' * 50_000}b}}") == [
        ("blocked", "SCHEMA-VALUE", "spec.a")
    ]


def test_what_has_no_schema_is_counted():
    text = lamp("{a: 1}") + textwrap.dedent("""\
        ---
        apiVersion: acme.io/v1
        kind: Lamp
        metadata: {name: b}
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: c}
    """)
    side = make_pair([], resources(text)).head
    context = Context()
    assert schemas.unchecked(side.changed, schemas.Definitions(side.objects, context), context) == {"Lamp.acme.io": 2}
    known = make_pair([], resources(definition("{type: object}") + text)).head
    of_definition = schemas.unchecked(known.changed, schemas.Definitions(known.objects, context), context)
    assert of_definition == {}
    assert (
        schemas.Definitions(known.objects, context).of(ResourceId("acme.io", "Lamp", "", "a")).confidence == "certain"
    )
