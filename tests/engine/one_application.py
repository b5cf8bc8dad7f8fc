"""The files of one application, `web` on `c1`."""

from __future__ import annotations

import json

from tests.engine.fleets import ADDRESS, application, chart

HEAD = "refs/pull/1/head"
PLAIN = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {}\n"
ALL = PLAIN.format("{{ .Release.Name }}") + "data:\n  values: {{ .Values | toJson | quote }}\n"


def names(cell):
    return [change.id.name for change in cell.resources]


def helm(path="charts/web", **options):
    """The Application `web` with `source.helm`, which JSON spells as well as YAML."""
    return {"clusters/c1/web.yaml": application("web", path, f"    helm: {json.dumps(options)}\n")}


def show(values="{}\n"):
    """A chart that shows all its values."""
    return chart("charts/web", {"all.yaml": ALL}, values=values)


def sources(*entries):
    """The Application `web` with several sources, each of this repository unless it says otherwise."""
    full = [{"repoURL": ADDRESS, "targetRevision": "main", **entry} for entry in entries]
    spec = {
        "project": "default",
        "destination": {"server": "https://kubernetes.default.svc", "namespace": "apps"},
        "sources": full,
    }
    head = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: web, namespace: argocd}\n"
    return {"clusters/c1/web.yaml": f"{head}spec: {json.dumps(spec)}\n"}
