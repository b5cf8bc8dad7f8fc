"""Rows for tests of models and pages: a fleet that looks like one, compared by the real engine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from django.utils import timezone

from previews.completing import fields_json
from previews.engine.compare import compare_manifests
from previews.engine.diff.lines import diff_lines, split_lines
from previews.engine.diff.opcodes import count
from previews.engine.errors import RenderFailed
from previews.engine.manifests import Manifest as Rendered
from previews.engine.manifests import read_resources, split_documents
from previews.models import Blob, Cell, ChangeRequest, Cluster, DatabaseCache, Fleet, Preview, Repository

HOSTILE = "</script><img src=x onerror=alert(1)>"
LONG = "observability-long-term-metrics-and-traces-storage-gateway-with-a-name-of-63"
CLUSTERS = ("seoul-1", "seoul-2", "busan-1", "tokyo-1", "tokyo-2", "osaka-1", "frankfurt-1", "virginia-1", "dev")
APPLICATIONS = (
    *("ingress", "cert-manager", "argo-workflows", "payments-api", "ledger", "search", "prometheus", "grafana"),
    *("postgres-operator", "redis", LONG, HOSTILE),
)

DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  namespace: {name}
  labels:
    app.kubernetes.io/name: {name}
    app.kubernetes.io/version: "{version}"
    helm.sh/chart: {name}-{version}
  annotations:
    description: |
      Serves requests: each replica is alike,
      and none of them keeps any state.
spec:
  replicas: {replicas}
  revisionHistoryLimit: 3
  selector:
    matchLabels:
      app.kubernetes.io/name: {name}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: {name}
    spec:
      serviceAccountName: {name}
      containers:
        # The one that takes the traffic.
        - name: {name}
          image: "registry.example.com/platform/{name}:{version}"
          args: ["--listen=:8080", "--log-level={level}"]
          ports:
            - name: http
              containerPort: 8080
          readinessProbe:
            httpGet:
              path: /healthz
              port: http
            periodSeconds: 10
          resources:
            requests:
              cpu: 100m
              memory: 128Mi
            limits:
              memory: 256Mi
          env:
            - name: LOG_LEVEL
              value: {level}
            - name: REGION
              value: {cluster}
"""
SERVICE = """apiVersion: v1
kind: Service
metadata:
  name: {name}
  namespace: {name}
  labels:
    helm.sh/chart: {name}-{version}
spec:
  selector:
    app.kubernetes.io/name: {name}
  ports:
    - name: http
      port: 80
      targetPort: http
"""
BUDGET = """apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {name}
  namespace: {name}
spec:
  minAvailable: 1
  selector:
    matchLabels:
      app.kubernetes.io/name: {name}
"""


def make_repository(name: str = "fleet", **fields: Any) -> Repository:
    """A repository that was fetched just now."""
    given = {"slug": name, "url": f"https://git.example.com/{name}.git", "default_branch": "main"}
    return Repository.objects.create(name=name, **{**given, "fetched_at": timezone.now(), **fields})


def make_change_request(repository: Repository, number: int | None = 12, **fields: Any) -> ChangeRequest:
    """An open pull request."""
    given = {
        "ref": f"refs/pull/{number}/head" if number else "refs/heads/feature/labels",
        "title": "Add a region label to every workload",
        "author": "Minji Kim",
        "head_commit": hashlib.sha1(str(number).encode()).hexdigest(),
        "head_at": timezone.now(),
        "target_branch": "main",
    }
    return ChangeRequest.objects.create(repository=repository, number=number, **{**given, **fields})


def make_preview(repository: Repository, change_request: ChangeRequest | None = None, **fields: Any) -> Preview:
    """A finished preview without cells."""
    given = {
        "key": hashlib.sha256(str(Preview.objects.count()).encode()).hexdigest(),
        "base_revision": "main",
        "base_commit": "ba5e" * 10,
        "head_revision": change_request.ref if change_request else "feature",
        "head_commit": change_request.head_commit if change_request else "4ead" * 10,
        "state": Preview.DONE,
        "merged": True,
        "finished_at": timezone.now(),
        "totals": {"instances": 0, "unchanged": 0},
        "seconds": {"total": 2.3},
    }
    return Preview.objects.create(repository=repository, change_request=change_request, **{**given, **fields})


def manifest_text(name: str, **fields: Any) -> str:
    """A deployment and its service."""
    given = {"name": name, "version": "1.4.2", "replicas": 2, "level": "info", "cluster": "seoul-1", **fields}
    return f"---\n{DEPLOYMENT.format(**given)}---\n{SERVICE.format(**given)}"


def keep_manifest(text: str) -> tuple[str, Rendered]:
    """Keeps a rendered text as a manifest; gives its key too."""
    resources = [one for document in split_documents(text) for one in read_resources(document, lambda *_: "***")]
    rendered = Rendered(tuple(resources))
    key = hashlib.sha256(text.encode()).hexdigest()
    DatabaseCache().put_many({key: rendered})
    return key, rendered


def make_cell(
    preview: Preview,
    cluster: str,
    application: str,
    manifests: tuple[str | None, str | None] = (None, None),
    values: tuple[str | None, str | None] = (None, None),
    **fields: Any,
) -> Cell:
    """A cell whose states and counts follow from the texts of its two sides, unless `fields` say otherwise."""
    sides = [(*keep_manifest(text), text) if text is not None else ("", Rendered(), None) for text in manifests]
    (base_key, base, _), (head_key, head, _) = sides
    compared = compare_manifests(base, head)
    added, removed = compared.lines
    value_lines = diff_lines(*(split_lines(text or "") for text in values))
    state = _state(*manifests, differs=bool(compared.changes))
    given = {
        "name": f"{application}-{cluster}",
        "path": f"charts/{application}",
        "value_state": _state(*values, differs=values[0] != values[1]),
        "yaml_state": state,
        "causes": ["template"] if state == "changed" else [],
        "deploys": state in ("changed", "added", "removed"),
        "pinned": False,
        "yaml_added": added,
        "yaml_removed": removed,
        "value_added": count(value_lines.opcodes)[0],
        "value_removed": count(value_lines.opcodes)[1],
        "resources": [
            {**asdict(one.id), "state": one.state, "lines": one.lines, "edit": one.edit, "noise": one.noise}
            for one in compared.changes
        ],
        "fields": Blob.objects.keep(told) if (told := fields_json(compared.changes)) else None,
        "base_key": base_key,
        "head_key": head_key,
        "base_values": Blob.objects.keep(values[0]) if values[0] is not None else None,
        "head_values": Blob.objects.keep(values[1]) if values[1] is not None else None,
    }
    return Cell.objects.create(preview=preview, cluster=cluster, application=application, **{**given, **fields})


def _state(base: str | None, head: str | None, differs: bool) -> str:
    if base is None and head is not None:
        return "added"
    if base is not None and head is None:
        return "removed"
    return "changed" if differs else "unchanged"


def make_fleet_preview(repository: Repository | None = None, applications: Iterable[str] = APPLICATIONS) -> Preview:
    """A preview of 12 applications on 9 clusters with every state, long names and a hostile one."""
    repository = repository or make_repository()
    change_request = make_change_request(repository, description="Every workload says where it runs.\n\n" + HOSTILE)
    names = list(applications)
    places = {a: {c: False for c in CLUSTERS if (a, c) != ("redis", "dev")} for a in names}
    fleet = Fleet.objects.create(repository=repository, tree="f1ee7", config="c0", places=places)
    preview = make_preview(repository, change_request, base_fleet=fleet, head_fleet=fleet)
    groups = {"seoul": "korea", "busan": "korea", "tokyo": "japan", "osaka": "japan"}
    Cluster.objects.bulk_create(
        Cluster(repository=repository, name=name, position=at, group=groups.get(name.split("-")[0], "elsewhere"))
        for at, name in enumerate(CLUSTERS)
    )
    for cluster in CLUSTERS:
        _template_change(preview, cluster)
    _single_changes(preview)
    _count(preview, sum(map(len, places.values())))
    return preview


def _template_change(preview: Preview, cluster: str) -> None:
    old, new = (manifest_text("ingress", version=version, cluster=cluster) for version in ("1.4.2", "1.5.0"))
    if cluster == "busan-1":
        make_cell(
            preview,
            cluster,
            "ingress",
            yaml_state="failed",
            causes=["template"],
            deploys=False,
            error={
                "side": "head",
                "stage": "render",
                "message": "template: ingress/templates/deployment.yaml:27:12: executing "
                '"ingress/templates/deployment.yaml" at <.Values.region.name>: nil pointer evaluating '
                f"interface {{}}.name\n{HOSTILE}",
            },
        )
        return
    if cluster == "dev":
        new = new.replace("replicas: 2", "replicas: 1") + "---\n" + BUDGET.format(name="ingress")
    number = 2 if cluster == "dev" else 1
    make_cell(preview, cluster, "ingress", (old, new), group=f"g{number}", pattern=f"p{number}")


def _single_changes(preview: Preview) -> None:
    values = "image:\n  tag: 1.4.2\nreplicas: 2\nunused: none\n"
    make_cell(preview, "seoul-1", "ledger", values=(values, values.replace("none", "still")), causes=["value"])
    text = manifest_text("payments-api")
    bumped = text.replace("1.4.2", "1.4.3").replace("replicas: 2", "replicas: 6")
    new_values = values.replace("1.4.2", "1.4.3").replace("replicas: 2", "replicas: 6")
    make_cell(preview, "tokyo-2", "payments-api", (text, bumped), (values, new_values), causes=["value"])
    for cluster in ("seoul-1", "virginia-1"):
        make_cell(preview, cluster, LONG, (None, manifest_text("gateway", cluster=cluster)), (None, values))
    make_cell(preview, "dev", "search", (manifest_text("search"), None), (values, None), causes=["target"])
    plain = manifest_text("hostile")
    hostile = (
        plain.replace("value: info", f"value: '{HOSTILE}'"),
        plain.replace("value: info", f"value: '{HOSTILE}\u200b'"),
    )
    make_cell(preview, "osaka-1", HOSTILE, hostile, (f"a: {HOSTILE}\n", f"b: {HOSTILE}\n"))
    skipped = {"side": "both", "reason": "dependency", "message": "chart dependency not here: common 2.x"}
    make_cell(preview, "frankfurt-1", "grafana", yaml_state="skipped", skipped=skipped, causes=["template"])
    make_cell(preview, "tokyo-1", "redis", (text, text.replace("port: 80", "port: 8080")), pinned=True)


def _count(preview: Preview, instances: int) -> None:
    cells = list(preview.cells.all())
    states = [cell.yaml_state for cell in cells]
    preview.totals = {
        "instances": instances,
        "unchanged": instances - len(cells),
        "value_only": states.count("unchanged"),
        "deploys": sum(cell.deploys for cell in cells),
        **{state: states.count(state) for state in ("added", "removed", "failed", "skipped")},
    }
    preview.save()


def failing(message: str) -> RenderFailed:
    """A render that fails for good."""
    return RenderFailed("render", message)
