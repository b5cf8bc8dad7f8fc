"""What the prediction adds to a changed cell, beside what comparing it costs anyway.

    python -m bench.predict

A cell of 50 resources, all of which change: 20 Deployments, 10 Services, 10 ConfigMaps, 5 HorizontalPodAutoscalers and
5 Ingresses. Each run sees texts that no cache knows. Ends with 1 when a bar is missed.
"""

from __future__ import annotations

import statistics
import sys
import time
import tracemalloc
from dataclasses import replace

from previews.engine.cells import Cell
from previews.engine.compare import compare_manifests
from previews.engine.manifests import Manifest, read_resources
from previews.engine.plan import PlannedCell
from previews.engine.predict.around import Around
from previews.engine.predict.cell import predict_cell
from previews.engine.predict.outlook import Outlook
from previews.engine.rules import Rules

BAR_SECONDS = 0.020
BAR_BYTES = 60_000_000
RUNS = 15

DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  namespace: shop
  labels:
    app.kubernetes.io/name: {name}
    helm.sh/chart: shop-{version}
spec:
  replicas: 6
  selector:
    matchLabels:
      app.kubernetes.io/name: {name}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: {name}
    spec:
      serviceAccountName: default
      containers:
        - name: web
          image: registry.example.com/{name}:{version}
          ports:
            - name: http
              containerPort: 8080
          envFrom:
            - configMapRef:
                name: {name}
          readinessProbe:
            httpGet:
              path: /ready
              port: http
            periodSeconds: 5
          resources:
            requests:
              cpu: 100m
              memory: 128Mi
            limits:
              memory: 256Mi
"""
SERVICE = """apiVersion: v1
kind: Service
metadata:
  name: {name}
  namespace: shop
  labels:
    helm.sh/chart: shop-{version}
spec:
  selector:
    app.kubernetes.io/name: {name}
  ports:
    - name: http
      port: 80
      targetPort: http
"""
CONFIG = """apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}
  namespace: shop
data:
  VERSION: "{version}"
  LEVEL: info
"""
SCALER = """apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {name}
  namespace: shop
  labels:
    helm.sh/chart: shop-{version}
spec:
  minReplicas: 2
  maxReplicas: 9
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {name}
"""
INGRESS = """apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {name}
  namespace: shop
  labels:
    helm.sh/chart: shop-{version}
spec:
  rules:
    - host: {name}.example.com
      http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service:
                name: {name}
                port:
                  name: http
"""
KINDS = ((DEPLOYMENT, 20), (SERVICE, 10), (CONFIG, 10), (SCALER, 5), (INGRESS, 5))


def manifest(run: int, version: str) -> Manifest:
    """A side of the cell."""
    texts = [
        kind.format(name=f"app-{run}-{number}", version=version) for kind, count in KINDS for number in range(count)
    ]
    return Manifest(tuple(one for text in texts for one in read_resources(text.replace(" &labels", ""), str)))


def planned() -> PlannedCell:
    """The cell's place."""
    return PlannedCell(
        "seoul-1", "shop", "shop", "charts/shop", True, True, "unchanged", ("", ""), ("", ""), "a", "b", None, None,
        ("template",), False, False, kubernetes=("1.31.4", "1.31.4"), namespaces=("shop", "shop"),
    )  # fmt: skip


def main() -> None:
    """Prints the table."""
    compared, predicted, both = [], [], []
    for run in range(RUNS + 1):
        sides = manifest(run, "1.0.0"), manifest(run, "1.0.1")
        start = time.perf_counter()
        comparison = compare_manifests(*sides, Rules())
        middle = time.perf_counter()
        cell = Cell("seoul-1", "shop", "shop", "", "unchanged", "changed", ("template",), True, False)
        cell = replace(cell, resources=comparison.changes)
        if run == 0:
            tracemalloc.start()
            predict_cell(planned(), cell, sides, Around(), Outlook())
            size, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            continue
        predict_cell(planned(), cell, sides, Around(), Outlook())
        end = time.perf_counter()
        compared.append(middle - start)
        predicted.append(end - middle)
        both.append((end - middle) / (middle - start))
    took = statistics.median(predicted)
    print("| a changed cell of 50 resources | median | worst | bar |\n|---|--:|--:|--:|")
    print(f"| comparing | {1000 * statistics.median(compared):.1f} ms | {1000 * max(compared):.1f} ms | |")
    print(f"| predicting | {1000 * took:.1f} ms | {1000 * max(predicted):.1f} ms | {1000 * BAR_SECONDS:.0f} ms |")
    print(f"| predicting / comparing | {statistics.median(both):.2f} | {max(both):.2f} | |")
    print(f"| what the first one keeps in memory | {size / 1e6:.0f} MB | | {BAR_BYTES / 1e6:.0f} MB |")
    missed = [name for name, is_missed in (("time", took > BAR_SECONDS), ("memory", size > BAR_BYTES)) if is_missed]
    print("\n" + (f"Missed: {', '.join(missed)}" if missed else "All bars hold."))
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
