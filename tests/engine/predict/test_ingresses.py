import pytest

from previews.engine.predict.context import Context
from previews.engine.predict.ingresses import CHANGE_RULES, RULES
from tests.engine.predict.spec_rules import codes, findings, on_the_way

BACKEND = "backend: {service: {name: web, port: {number: 80}}}"


def ingress(spec: str, annotations: str = "{}") -> str:
    return (
        f"apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: web, annotations: {annotations}}}\n"
        f"spec: {spec}\n"
    )


def with_path(path: str) -> str:
    return ingress(f"{{rules: [{{http: {{paths: [{{{path}}}]}}}}]}}")


def with_backend(backend: str) -> str:
    return with_path(f"path: /, pathType: Prefix, backend: {backend}")


def with_host(host: str) -> str:
    return ingress(f"{{rules: [{{host: '{host}'}}]}}")


@pytest.mark.parametrize(
    ("path", "kind", "found"),
    [
        ("/", "Prefix", []), ("/a/b.html", "Exact", []), ("", "Prefix", ["ING-PATH"]), ("a", "Exact", ["ING-PATH"]),
        ("/a//b", "Prefix", ["ING-PATH"]), ("/a/./b", "Prefix", ["ING-PATH"]), ("/a/../b", "Prefix", ["ING-PATH"]),
        ("/a%2fb", "Prefix", ["ING-PATH"]), ("/a%2Fb", "Exact", ["ING-PATH"]), ("/a/..", "Prefix", ["ING-PATH"]),
        ("/a/.", "Prefix", ["ING-PATH"]), ("/a..", "Prefix", []), ("/a%20b", "Prefix", []),
        ("", "ImplementationSpecific", []), ("/a//.*(x)?", "ImplementationSpecific", []),
        ("a", "ImplementationSpecific", ["ING-PATH"]),
    ],
)  # fmt: skip
def test_paths_start_with_a_slash_and_stay_where_they_are(path, kind, found):
    assert codes(findings(RULES, with_path(f"path: '{path}', pathType: {kind}, {BACKEND}"))) == found


def test_a_path_has_a_type():
    (found,) = findings(RULES, with_path(f"path: /, {BACKEND}"))
    assert (found.code, found.severity) == ("ING-PATH-TYPE", "blocked")
    assert found.steps == ("spec", "rules", 0, "http", "paths", 0, "pathType")


@pytest.mark.parametrize(
    ("host", "is_accepted"),
    [
        ("example.com", True), ("", True), ("*.example.com", True), ("*.com", True), ("*", False), ("*example.com", False),
        ("a.*.com", False), ("*.*.com", False), ("10.0.0.1", False), ("Example.com", False), ("a_b.com", False),
        ("example.com:80", False), ("example.com.", False), (".".join(["a" * 62] * 4) + ".a", True),
        (".".join(["a" * 62] * 4) + ".ab", False),
    ],
)  # fmt: skip
def test_hosts_are_names(host, is_accepted):
    assert codes(findings(RULES, with_host(host))) == ([] if is_accepted else ["ING-HOST"])


@pytest.mark.parametrize(
    ("host", "found"), [("10.0.0.1", []), ("''", ["ING-HOST"]), ("'*.a.b'", []), ("A", ["ING-HOST"])]
)
def test_hosts_of_certificates_are_names_or_addresses(host, found):
    spec = f"{{rules: [{{host: a}}], tls: [{{hosts: [{host}], secretName: a}}]}}"
    assert codes(findings(RULES, ingress(spec))) == found


@pytest.mark.parametrize(
    ("backend", "found"),
    [
        ("{service: {name: web, port: {number: 80}}}", []),
        ("{service: {name: web, port: {name: http}}}", []),
        ("{resource: {kind: Bucket, name: a}}", []),
        ("{service: {name: web, port: {number: 80, name: http}}}", ["ING-BACKEND"]),
        ("{service: {name: web}}", ["ING-BACKEND"]),
        ("{service: {name: web, port: {number: 65535}}}", []),
        ("{service: {name: web, port: {number: 65536}}}", ["ING-BACKEND"]),
        ("{service: {name: web, port: {name: abcdefghijklmno}}}", []),
        ("{service: {name: web, port: {name: abcdefghijklmnop}}}", ["ING-BACKEND"]),
        ("{service: {port: {number: 80}}}", ["ING-BACKEND"]),
        ("{service: {name: web, port: {number: 80}}, resource: {kind: Bucket, name: a}}", ["ING-BACKEND"]),
        ("{}", ["ING-BACKEND"]),
        ("null", ["ING-BACKEND"]),
    ],
)
def test_a_backend_is_one_port_of_a_service_or_a_resource(backend, found):
    assert codes(findings(RULES, with_backend(backend))) == found
    if backend != "null":
        assert codes(findings(RULES, ingress(f"{{defaultBackend: {backend}}}"))) == found


def test_an_ingress_leads_somewhere():
    assert codes(findings(RULES, ingress("{rules: []}"))) == ["ING-EMPTY"]
    assert codes(findings(RULES, ingress("{rules: [{http: {paths: []}}]}"))) == ["ING-PATHS"]
    assert findings(RULES, ingress("{rules: [{host: a}]}")) == []


def test_the_class_has_a_name():
    assert codes(findings(RULES, ingress("{rules: [{host: a}], ingressClassName: ''}"))) == ["ING-CLASS"]
    assert findings(RULES, ingress("{rules: [{host: a}], ingressClassName: nginx}")) == []


@pytest.mark.parametrize(
    ("annotation", "minor", "found"),
    [("traefik", 31, ["ING-CLASS-TWICE"]), ("nginx", 27, []), ("nginx", 26, ["ING-CLASS-TWICE"])],
)
def test_a_new_ingress_does_not_name_two_classes(annotation, minor, found):
    spec = "{rules: [{host: a}], ingressClassName: nginx}"
    both = ingress(spec, f"{{kubernetes.io/ingress.class: {annotation}}}")
    context = Context(kubernetes=(1, minor))
    assert codes(on_the_way(CHANGE_RULES, "", both, context)) == found
    assert on_the_way(CHANGE_RULES, ingress(spec), both, context) == []
    assert on_the_way(CHANGE_RULES, "", ingress(spec), context) == []
