"""The sample fleet's files: those in `fleet/` as they are, and what differs by cluster made from tables."""

from __future__ import annotations

from pathlib import Path

#: Path -> text of every file in a tree.
Files = dict[str, str]

REPOSITORY = "https://git.example.com/platform/fleet.git"

#: Cluster -> (group, Kubernetes version, replicas of a service).
CLUSTERS = {
    "seoul-prod-1": ("korea", "1.31.4", 6),
    "seoul-prod-2": ("korea", "1.31.4", 6),
    "seoul-stage-1": ("korea", "1.32.1", 2),
    "tokyo-prod-1": ("japan", "1.30.8", 4),
    "tokyo-stage-1": ("japan", "1.32.1", 2),
    "virginia-prod-1": ("america", "1.31.4", 4),
    "site-a": ("edge", "1.29.12", 1),
    "site-b": ("edge", "1.29.12", 1),
    "site-c11": ("edge", "1.29.12", 1),
}
SHOPS = [name for name, (group, _, _) in CLUSTERS.items() if group != "edge"]
SITES = [name for name, (group, _, _) in CLUSTERS.items() if group == "edge"]
STAGES = [name for name in CLUSTERS if "-stage-" in name]
PAYMENT_CLUSTERS = [name for name in SHOPS if name not in ("seoul-prod-2", "tokyo-stage-1")]

#: Helm services: where they run, and in which namespace.
SERVICES = {
    "checkout": (SHOPS, "shop"),
    "catalog": (SHOPS, "shop"),
    "payments": (PAYMENT_CLUSTERS, "payments"),
    "search": (["seoul-prod-1", "tokyo-prod-1", "virginia-prod-1", "seoul-stage-1"], "shop"),
    "notifier": (["seoul-prod-1", "seoul-stage-1", "virginia-prod-1"], "shop"),
    "edge-gateway": (SITES, "edge"),
    "loyalty": (["seoul-prod-1", "virginia-prod-1"], "shop"),
}
#: Services whose chart stands at a tag: what is merged reaches them when somebody moves the pin.
PINS = {"loyalty": "v1.0"}

_APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: {name}-{cluster}
  namespace: argocd
spec:
  project: {project}
  destination:
    server: https://kubernetes.default.svc
    namespace: {namespace}
  source:
    repoURL: {repository}
    targetRevision: {revision}
    path: {path}
{options}"""

_CONFIG_HEAD = """\
# What Astrolabe cannot know by itself; see its docs on the fleet configuration.
version: 1
addresses: [{repository}]
discover:
  - files: "clusters/{{cluster}}/**/*.yaml"
names: ["{{application}}-{{cluster}}", "{{application}}"]
clusters:
"""


def fleet_files() -> Files:
    """The whole tree of `main`."""
    folder = Path(__file__).parent / "fleet"
    files = {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}
    files["astrolabe.yaml"] = _config()
    for cluster in CLUSTERS:
        _add_platform(files, cluster)
        _add_kustomizations(files, cluster)
    for name, (clusters, namespace) in SERVICES.items():
        for cluster in clusters:
            add_service(files, name, cluster, namespace)
    return files


def _config() -> str:
    lines = [_CONFIG_HEAD.format(repository=REPOSITORY)]
    for name, (group, version, _) in CLUSTERS.items():
        stage = "stage" if name in STAGES else "prod"
        lines.append(f'  - name: {name}\n    group: {group}\n    kubernetesVersion: "{version}"\n')
        lines.append(f"    labels: {{region: {group}, stage: {stage}}}\n")
    return "".join(lines)


def add_service(files: Files, name: str, cluster: str, namespace: str) -> None:
    """Installs a Helm service on a cluster: its Application and its values."""
    options = f"    helm:\n      valueFiles:\n        - ../../values/{cluster}/{name}.yaml\n"
    if name == "catalog":
        options += "      parameters:\n        - name: config.REGION\n          value: " + CLUSTERS[cluster][0] + "\n"
    if name == "search":
        options += "      valuesObject:\n        config:\n          HEAP: 1g\n"
    if name == "notifier":
        options += f"      values: |\n        config:\n          SENDER: shop@{cluster}.example.com\n"
    files[f"clusters/{cluster}/{name}.yaml"] = _application(name, cluster, namespace, f"charts/{name}", options)
    files[f"values/{cluster}/{name}.yaml"] = _values(name, cluster)


def _application(name: str, cluster: str, namespace: str, path: str, options: str = "") -> str:
    project = "platform" if name in ("platform", "monitoring", "log-agent") else "shop"
    return _APPLICATION.format(
        name=name,
        cluster=cluster,
        namespace=namespace,
        path=path,
        options=options,
        project=project,
        revision=PINS.get(name, "main"),
        repository=REPOSITORY,
    )


def _values(name: str, cluster: str) -> str:
    lines = [f"replicas: {CLUSTERS[cluster][2]}\n"]
    if cluster in STAGES:
        lines.append("image:\n  tag: 5.0.0-rc1\n" if name == "catalog" else "config:\n  LOG_LEVEL: debug\n")
    if name == "checkout":
        lines.append(f"host: checkout.{cluster}.example.com\n")
        if cluster != "virginia-prod-1":
            lines.append("currency: KRW\n" if cluster.startswith("seoul") else "currency: JPY\n")
    if name == "edge-gateway":
        lines.append(f"commonLabels:\n  site: {cluster}\n")
    if name == "search" and cluster == "seoul-prod-1":
        lines.append("storage: 200Gi\n")
    return "".join(lines)


def _add_platform(files: Files, cluster: str) -> None:
    parameters = f"        - name: cluster\n          value: {cluster}\n"
    options = f"    helm:\n      releaseName: platform\n      parameters:\n{parameters}"
    files[f"clusters/{cluster}/platform.yaml"] = _application("platform", cluster, "argocd", "platform", options)


def _add_kustomizations(files: Files, cluster: str) -> None:
    for name in ("monitoring", "log-agent"):
        if name == "log-agent" and cluster in SITES:
            continue
        path = f"kustomize/{name}/overlays/{cluster}"
        files[f"clusters/{cluster}/{name}.yaml"] = _application(name, cluster, "monitoring", path)
        text = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - ../../base\n"
        if name == "monitoring":
            text += f"commonAnnotations:\n  example.com/cluster: {cluster}\n"
            if cluster not in STAGES:
                text += "replicas:\n  - name: prometheus\n    count: 2\n"
        files[f"{path}/kustomization.yaml"] = text
