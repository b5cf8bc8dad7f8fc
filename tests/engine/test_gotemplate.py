"""Rewritten templates mean to Helm's engine what the written ones mean to Go, for whom kubectl speaks here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from previews.engine.errors import RenderFailed
from previews.engine.render.texts import evaluate

DATA = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "labels": {"n": "1"}}, "data": {"a": "b"}}
TEMPLATES = [
    "{{ .missing }}",
    "{{ .missing.x.y }}",
    "{{ .data.a.b }}",
    "{{ .data.q.b }}",
    "{{ .metadata.labels.n }}{{ $.data.a }}",
    '{{ (index .data "q").z }}',
    "{{ (.data).a }} {{ (.missing).a }}",
    "{{ $x := .missing }}{{ $x.y }}",
    "{{ $x := .data }}{{ $x.a }}{{ $x = .metadata }}{{ $x.name }}{{ $x.none }}",
    "{{ with .data }}{{ .q.r }}{{ $.kind }}{{ end }}",
    "{{ with $d := .data }}{{ $d.a }}{{ .a }}{{ else with .metadata }}{{ .name }}{{ end }}",
    "{{ range .missing }}a{{ else }}b{{ end }}",
    "{{ range $k, $v := .data }}{{ $k }}{{ $v }}{{ .z }}{{ end }}",
    "{{ range $v := .metadata.labels }}{{ $v }}{{ continue }}no{{ end }}",
    "{{ if .missing.a }}y{{ else if .data.a }}n{{ end }}",
    "{{ and .missing .data.a }}|{{ or .missing .data.a }}|{{ not .missing }}",
    "{{ or .data.a .missing }}",
    '{{ len .data }}{{ len .missing }}{{ eq .missing "a" }}',
    '{{ eq .missing "a" }}{{ ne .data.a "b" }}{{ html .missing }}{{ print nil }}',
    '{{ printf "%v %s" .missing .data }}',
    '{{ .data.a | printf "%s!" }}{{ .missing | printf "%v" }}{{ print .missing.x 1 }}',
    '{{ define "t" }}{{ .q }}{{ .a }}{{ end }}{{ template "t" .data }}{{ template "t" .missing }}',
    '{{ block "t" .data }}{{ .a }}{{ end }}{{ template `t` .data }}',
    "a {{- /* b */ -}} c {{ .kind -}} d {{- .data.a }}\n{{\n.kind\n}}",
    '{{ .data "x" }}',
    '{{ "x" | .data }}',
    "{{ .data.a.b.c }}",
    "{{ .data.a }",
    "{{ break }}",
    "{{ end }}",
    "{{ $y }}",
    '{{ \'a\' }}{{ 0x10 }}{{ 1e3 }}{{ -1.5 }}{{ .5 }}{{ `r"` }}{{ "}}" }}',
    "{{ data }}",
    "{{ .data . }}",
    "{{ (.data }}",
]


@pytest.fixture(scope="module")
def go(tmp_path_factory):
    """What Go's text/template itself makes of a template; None when it is an error."""
    file = tmp_path_factory.mktemp("go") / "object.json"
    file.write_text(json.dumps(DATA))
    kubectl = Path(sys.prefix) / "bin" / "kubectl"

    def run(template: str, missing_key: str) -> str | None:
        allow = "true" if missing_key == "invalid" else "false"
        command = [kubectl, "patch", "--local", "-f", file, "--type=merge", "-p", "{}"]
        command += ["-o", f"go-template={template}", f"--allow-missing-template-keys={allow}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return None if done.returncode else done.stdout

    return run


def ours(template: str, missing_key: str) -> str | None:
    try:
        return evaluate({"texts": [template], "sets": [DATA], "missing_key": missing_key})[0][0]
    except RenderFailed:
        return None


# In a process of its own: the library must never be loaded where others are forked.
_EVALUATE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from tests.engine.test_gotemplate import TEMPLATES, ours
print(json.dumps([[ours(template, mode) for mode in ("invalid", "error")] for template in TEMPLATES]))
"""


@pytest.fixture(scope="module")
def evaluated():
    root = str(Path(__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", _EVALUATE, root], capture_output=True, text=True, check=True, cwd=root)
    return dict(zip(TEMPLATES, json.loads(done.stdout.splitlines()[-1]), strict=True))


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_rewritten_template_gives_what_go_gives(go, evaluated, template):
    assert evaluated[template] == [go(template, "invalid"), go(template, "error")]
