"""Evaluates Go templates that are no chart's: those of ApplicationSets, many texts for many parameter sets at once.

Runs in the renderer's child process only, as Helm does. The texts become a chart that lives in memory alone.
"""

from __future__ import annotations

import base64
import io
import json
import re
import tarfile
from collections.abc import Mapping, Sequence
from typing import Any

from previews.engine.errors import RenderFailed
from previews.engine.render.gotemplate import HELPERS, MARK, rewrite

_CHART = "apiVersion: v2\nname: t\nversion: 0.0.0\n"
# Encoded, since Helm takes "<no value>" out of what it renders, and so that lines can be told apart.
_EVERY_TEXT = """{{- range .Values.sets }}{{ $parameters := mustFromJson . }}{{ range $.Values.texts -}}
{{ include . $parameters | b64enc }}
{{ end }}{{ end }}"""
_OUTPUT = "t/templates/all.txt"
_MARKED = re.compile(re.escape(MARK).replace("%d", r"(\d+)") + "(.*)", re.DOTALL)
_PLACE = re.compile(r"t/templates/_(\d+)\.tpl")


def evaluate(options: Mapping[str, Any]) -> list[list[str]]:
    """`options` holds `texts`, `sets` (parameters, as JSON objects) and `missing_key`; gives a row for each set.

    Raises RenderFailed with the text that failed and Go's reason; as in Argo CD, one failure is the whole set's.
    """
    texts: Sequence[str] = options["texts"]
    files = {"Chart.yaml": _CHART, "templates/_helpers.tpl": HELPERS, "templates/all.txt": _EVERY_TEXT}
    for number, text in enumerate(texts):
        try:
            files[f"templates/_{number}.tpl"] = rewrite(text, number, options["missing_key"])
        except RenderFailed as error:
            raise RenderFailed("discover", f"template {text.strip()!r}: {error}") from None
    names = [f"t/templates/_{number}.tpl" for number in range(len(texts))]
    output = _render(files, {"texts": names, "sets": [json.dumps(item) for item in options["sets"]]}, texts)
    results = iter(output.split("\n"))
    return [[base64.b64decode(next(results)).decode("utf-8", "replace") for _ in texts] for _ in options["sets"]]


def _render(files: Mapping[str, str], values: Mapping[str, Any], texts: Sequence[str]) -> str:
    # Here and not above: whoever imports this module must not thereby load the library.
    from helm_python import Chart, _native
    from helm_python.errors import HelmError

    try:
        with Chart.load_archive(_archive(files)) as chart:
            rendered = json.loads(_native.call_string("helm_render", chart._raw(), json.dumps(values), "{}"))
    except HelmError as error:
        raise RenderFailed("discover", _explained(str(error), texts)) from None
    return str(rendered[_OUTPUT])


def _archive(files: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        for name, text in files.items():
            data = text.encode("utf-8", "surrogatepass")
            entry = tarfile.TarInfo(f"t/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def _explained(message: str, texts: Sequence[str]) -> str:
    """Helm's message without the chart that nobody wrote: the text, and why it failed."""
    marked = _MARKED.search(message)
    if marked:
        return f"template {texts[int(marked[1])].strip()!r}: {marked[2].strip()}"
    places = _PLACE.findall(message)
    # What follows "first (or" would be our rewriting of a word, not the word.
    message = message.partition(" first (or ")[0].strip()
    if message.startswith("parse error at ("):
        reason = message.partition("): ")[2]
    else:
        reason = message.rpartition("\n")[2].rpartition(">: ")[2].strip()
    return f"template {texts[int(places[-1])].strip()!r}: {reason}" if places else reason
