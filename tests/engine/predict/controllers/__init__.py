"""Kubernetes' workload controllers, played step by step: what the formulas of the prediction are measured against.

Written from the controllers' sources (pkg/controller in kubernetes/kubernetes), not from the formulas. Nothing here knows
an answer beforehand: pods start, become ready and go at given times, and each controller acts on what it sees.
"""

from tests.engine.predict.controllers.cluster import NEVER, Outcome, Times, scaled, steady
from tests.engine.predict.controllers.daemonset import DaemonSetSpec, play_daemonset
from tests.engine.predict.controllers.deployment import DeploymentSpec, play_deployment
from tests.engine.predict.controllers.statefulset import StatefulSetSpec, play_statefulset

__all__ = [
    "NEVER",
    "DaemonSetSpec",
    "DeploymentSpec",
    "Outcome",
    "StatefulSetSpec",
    "Times",
    "play_daemonset",
    "play_deployment",
    "play_statefulset",
    "scaled",
    "steady",
]
