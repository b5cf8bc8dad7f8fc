"""The sample fleet's pull requests: what each one says, and how it changes the files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from previews.sample.layout import Files, add_service


@dataclass(frozen=True)
class SampleRequest:
    """A pull request. `edit` changes the files of main; `behind` starts it before main's last commit."""

    title: str
    description: str
    edit: Callable[[Files], None]
    behind: bool = False


def replace(files: Files, path: str, old: str, new: str) -> None:
    """Replaces a text that must be there."""
    if old not in files[path]:
        raise ValueError(f"{path} does not hold {old!r}")
    files[path] = files[path].replace(old, new)


#: 56 characters; with `site-a` a label of 62, with `site-c11` one of 64, which no API server takes.
LONG_LABEL = "this-is-super-long-length-label-upper-than-63characters-"


def _long_label(files: Files) -> None:
    path = "charts/edge-gateway/templates/deployment.yaml"
    site = "    site: {{ .Values.commonLabels.site }}\n"
    label = f"release: {LONG_LABEL}{{{{ .Values.commonLabels.site }}}}\n"
    replace(files, path, f"{site}spec:", f"{site}    {label}spec:")
    replace(files, path, f"    {site}    spec:", f"    {site}        {label}    spec:")


def _value_without_effect(files: Files) -> None:
    files["values/seoul-prod-1/notifier.yaml"] += "digestHour: 9\n"


def _probe(files: Files) -> None:
    path = "charts/common/templates/_workload.tpl"
    replace(files, path, "periodSeconds: 10", "periodSeconds: 5\n      failureThreshold: 2")


def _release(files: Files) -> None:
    chart = "charts/checkout/Chart.yaml"
    replace(files, chart, 'version: 1.0.0\nappVersion: "4.2.0"', 'version: 1.1.0\nappVersion: "4.3.0"')
    replace(files, "charts/checkout/values.yaml", "LOG_LEVEL: info\n", "GIFT_CARDS: enabled\n  LOG_LEVEL: info\n")


def _added(files: Files) -> None:
    add_service(files, "notifier", "tokyo-prod-1", "shop")
    add_service(files, "notifier", "tokyo-stage-1", "shop")


def _removed(files: Files) -> None:
    del files["clusters/virginia-prod-1/search.yaml"]
    del files["values/virginia-prod-1/search.yaml"]


def _fails_on_one(files: Files) -> None:
    path = "charts/checkout/templates/deployment.yaml"
    files[path] += (
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: checkout-currency\ndata:\n"
        '  currency: {{ required "checkout needs a currency" .Values.currency }}\n'
    )


def _new_value(files: Files) -> None:
    path = "charts/catalog/templates/deployment.yaml"
    replace(files, path, "averageUtilization: 70", "averageUtilization: {{ .Values.targetUtilization | default 70 }}")


def _set_new_value(files: Files) -> None:
    for cluster in ("seoul-prod-1", "seoul-prod-2"):
        files[f"values/{cluster}/catalog.yaml"] += "targetUtilization: 55\n"


def _retention(files: Files) -> None:
    path = "kustomize/monitoring/base/prometheus.yaml"
    replace(files, path, "retention.time=15d", "retention.time=30d")
    replace(files, path, "memory: 1Gi", "memory: 2Gi")


def _docs(files: Files) -> None:
    files["docs/README.md"] += "- `kustomize/` is what comes as overlays of a base.\n"


def _behind(files: Files) -> None:
    replace(files, "plain/access/roles.yaml", "verbs: [get, list, watch]", "verbs: [get, list, watch, delete]")


def _conflict(files: Files) -> None:
    replace(files, "values/seoul-prod-1/search.yaml", "storage: 200Gi", "storage: 400Gi")


def _comment(files: Files) -> None:
    path = "charts/search/templates/statefulset.yaml"
    replace(
        files,
        path,
        "  serviceName: search\n",
        "  # The headless service that gives each pod its name.\n  serviceName: search\n",
    )


def _provider_token(files: Files) -> None:
    files["values/tokyo-prod-1/payments.yaml"] += "provider:\n  token: another-token-that-is-not-real\n"


def _points(files: Files) -> None:
    replace(files, "charts/loyalty/values.yaml", "POINTS_EXPIRE_AFTER: 365d", "POINTS_EXPIRE_AFTER: never")


def _autoscaling(files: Files) -> None:
    path = "charts/search/templates/statefulset.yaml"
    replicas = "  replicas: {{ .Values.replicas }}\n"
    replace(files, path, replicas, f"  {{{{- if not .Values.autoscaling.enabled }}}}\n{replicas}  {{{{- end }}}}\n")
    files[path] += _AUTOSCALER
    files["charts/search/values.yaml"] += "autoscaling:\n  enabled: false\n"


_AUTOSCALER = """\
{{- if .Values.autoscaling.enabled }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: search
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: StatefulSet
    name: search
  minReplicas: {{ .Values.replicas }}
  maxReplicas: {{ required "autoscaling.maxReplicas says how far search may grow" .Values.autoscaling.maxReplicas }}
{{- end }}
"""


def _scale_tokyo(files: Files) -> None:
    files["values/tokyo-prod-1/search.yaml"] += "autoscaling:\n  enabled: true\n  max: 8\n"


REQUESTS = [
    SampleRequest(
        "edge-gateway: tell the release by a label",
        "Dashboards can then group the sites' gateways by release.",
        _long_label,
    ),
    SampleRequest("notifier: send the digest at nine in Seoul", "As asked by the Seoul office.", _value_without_effect),
    SampleRequest(
        "common: notice pods that are not ready sooner",
        "Ten seconds were too long in last week's incident. This touches every service.",
        _probe,
    ),
    SampleRequest("checkout: 4.3.0", "New in 4.3.0: gift cards.", _release),
    SampleRequest("notifier: start in Tokyo", "Production and stage.", _added),
    SampleRequest("search: leave Virginia", "Virginia searches in Seoul from now on.", _removed),
    SampleRequest(
        "checkout: make the currency explicit",
        "Each cluster says which currency it sells in; forgetting it shall fail early.",
        _fails_on_one,
    ),
    SampleRequest(
        "catalog: let clusters choose the target utilisation",
        "The default stays at 70 %. Linked: #9 sets it for Seoul.",
        _new_value,
    ),
    SampleRequest("catalog: scale earlier in Seoul", "Needs the template change of #8. Linked: #8.", _set_new_value),
    SampleRequest("monitoring: keep metrics for 30 days", "Memory doubles with it.", _retention),
    SampleRequest("docs: mention the overlays", "", _docs),
    SampleRequest(
        "access: on-call may delete pods", "Started last week; main has moved on since.", _behind, behind=True
    ),
    SampleRequest("search: 400 GiB in Seoul", "The index grows.", _conflict, behind=True),
    SampleRequest("search: say what the headless service is for", "A comment only.", _comment),
    SampleRequest("payments: rotate Tokyo's provider token", "The old one leaves on Friday.", _provider_token),
    SampleRequest(
        "loyalty: points never expire",
        "Every cluster pins this chart to v1.0, so nothing moves yet: ask what if.",
        _points,
    ),
    SampleRequest(
        "search: clusters may let it scale by itself",
        "Off unless a cluster switches it on, so nothing changes yet. Linked: #18 does so for Tokyo.",
        _autoscaling,
    ),
    SampleRequest(
        "search: let Tokyo scale by itself",
        "Ready for #17; without it these values mean nothing.",
        _scale_tokyo,
    ),
]


def later_on_main(files: Files) -> None:
    """What main's last commit brought: others' work, which no pull request that started before may show."""
    replace(files, "values/seoul-prod-1/search.yaml", "storage: 200Gi", "storage: 300Gi")
    replace(files, "charts/notifier/values.yaml", '"*/15 * * * *"', '"*/10 * * * *"')
