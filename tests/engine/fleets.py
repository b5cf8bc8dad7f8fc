"""Small fleets for tests, as dictionaries of files."""

from __future__ import annotations

from collections.abc import Mapping

ADDRESS = "https://git.example.com/fleet.git"

CONFIG = f"""version: 1
addresses: [{ADDRESS}]
discover:
  - files: "clusters/{{cluster}}/*.yaml"
"""

#: Two clusters, for ApplicationSets.
SET_CONFIG = f"""version: 1
addresses: [{ADDRESS}]
clusters:
  - name: engineering_dev
    servers: ["https://1.2.3.4"]
    labels: {{stage: dev}}
    annotations: {{team/owner: ann}}
    project: dev
  - {{name: prod, servers: ["https://2.4.6.8"], labels: {{stage: prod}}}}
"""

CONFIGMAP = """apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  text: {{ .Values.text | quote }}
"""


def application(name: str, path: str, options: str = "", revision: str = "main") -> str:
    """An Application manifest; `options` are further lines of its source."""
    return f"""apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: {name}
  namespace: argocd
spec:
  project: default
  destination:
    server: https://kubernetes.default.svc
    namespace: apps
  source:
    repoURL: {ADDRESS}
    targetRevision: {revision}
    path: {path}
{options}"""


def chart(path: str, templates: Mapping[str, str], values: str = "text: hello\n", more: str = "") -> dict[str, str]:
    """A Helm chart's files."""
    name = path.rpartition("/")[2]
    return {
        f"{path}/Chart.yaml": f"apiVersion: v2\nname: {name}\nversion: 1.0.0\n{more}",
        f"{path}/values.yaml": values,
        **{f"{path}/templates/{file}": text for file, text in templates.items()},
    }


def fleet(clusters: int = 2) -> dict[str, str]:
    """One chart, `web`, on clusters c1, c2, …, each with a value of its own."""
    files = {"astrolabe.yaml": CONFIG, **chart("charts/web", {"config.yaml": CONFIGMAP})}
    for number in range(1, clusters + 1):
        options = f"    helm:\n      values: |\n        text: from c{number}\n"
        files[f"clusters/c{number}/web.yaml"] = application("web", "charts/web", options)
    return files
