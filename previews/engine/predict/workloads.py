"""What keeps pods running, read for the arithmetic of rollouts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from previews.engine.manifests import ResourceId
from previews.engine.predict.context import Context, Minor
from previews.engine.predict.defaults import with_defaults
from previews.engine.predict.formulas import Controller, RolloutPlan, Share, Strategy
from previews.engine.predict.objects import Object, Objects

DEPLOYMENT, STATEFUL_SET, DAEMON_SET = ("apps", "Deployment"), ("apps", "StatefulSet"), ("apps", "DaemonSet")
#: What is rolled out by a controller whose arithmetic is known.
ROLLED = (DEPLOYMENT, STATEFUL_SET, DAEMON_SET)
#: More replicas than that are none (the API takes 32 bits).
_MOST = 2**31 - 1


def child(value: Any, *steps: str) -> Any:
    """What stands below these keys, None where one of them is missing or leads to no mapping."""
    for step in steps:
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value


def children(value: Any, *steps: str) -> list[dict[str, Any]]:
    """The mappings of the list below these keys."""
    found = child(value, *steps)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def mapped(value: Any, *steps: str) -> Mapping[str, Any]:
    """The mapping below these keys, an empty one where there is none."""
    found = child(value, *steps)
    return found if isinstance(found, dict) else {}


def whole(value: Any, otherwise: int = 0) -> int:
    """A number of things, `otherwise` for what is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST else otherwise


@dataclass(frozen=True, slots=True)
class Workload:
    """A Deployment, StatefulSet or DaemonSet of one side. `content` is with its defaults.

    `template` is that of its pods, `pod` the pods' spec, `labels` the pods' labels. `containers` are those that run all
    the time: sidecars among the init containers too.
    """

    object: Object
    content: Mapping[str, Any]
    template: Mapping[str, Any]
    pod: Mapping[str, Any]
    labels: Mapping[str, Any]
    containers: tuple[dict[str, Any], ...]

    @property
    def id(self) -> ResourceId:
        """The identity of its object."""
        return self.object.id

    @property
    def title(self) -> str:
        """Its kind and name."""
        return title(self.id)

    @property
    def replicas(self) -> int:
        """The number of replicas that it asks for, 1 where it does not say."""
        return whole(child(self.content, "spec", "replicas"), 1)

    @property
    def says_replicas(self) -> bool:
        """Whether its text sets the number of replicas."""
        return self.object.get("spec", "replicas") is not None

    @property
    def strategy(self) -> Mapping[str, Any]:
        """Its strategy, by whichever name."""
        return mapped(self.content, "spec", "strategy" if self.id.kind == "Deployment" else "updateStrategy")

    @property
    def is_ready_by_probe(self) -> bool:
        """Whether at least one container has a readiness probe."""
        return any(isinstance(one.get("readinessProbe"), dict) for one in self.containers)

    @property
    def grace(self) -> int:
        """The seconds that a pod has to stop."""
        return whole(self.pod.get("terminationGracePeriodSeconds"), 30)


def title(identity: ResourceId) -> str:
    """The kind and name of an object."""
    return f"{identity.kind} {identity.name}"


def counted(number: int, noun: str) -> str:
    """A number of things: `1 replica`, `2 replicas`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def workload(object: Object | None, kubernetes: Minor) -> Workload | None:
    """The workload that an object is, None for all else."""
    if object is None or (object.id.group, object.id.kind) not in ROLLED:
        return None
    return _read(object, kubernetes)


def workloads(objects: Objects, kubernetes: Minor) -> Iterator[Workload]:
    """All workloads of a side."""
    return (_read(one, kubernetes) for one in objects.of(*ROLLED))


# Most rules about rollouts ask for the same ones.
@lru_cache(maxsize=512)
def _read(object: Object, kubernetes: Minor) -> Workload:
    content = with_defaults(object, kubernetes)
    template = mapped(content, "spec", "template")
    pod = mapped(template, "spec")
    sidecars = [one for one in children(pod, "initContainers") if one.get("restartPolicy") == "Always"]
    containers = (*children(pod, "containers"), *sidecars)
    return Workload(object, content, template, pod, mapped(template, "metadata", "labels"), containers)


def plan(one: Workload, before: int, after: int, restarts: bool, recreated: bool, kubernetes: Minor) -> RolloutPlan:
    """What a workload is asked to do, by its text at head."""
    rolling = mapped(one.strategy, "rollingUpdate")
    strategy = one.strategy.get("type")
    return RolloutPlan(
        controller=cast(Controller, one.id.kind),
        before=before,
        after=after,
        restarts=restarts,
        strategy=cast(Strategy, strategy) if strategy in ("Recreate", "OnDelete") else "RollingUpdate",
        surge=_share(rolling.get("maxSurge")),
        unavailable=_share(rolling.get("maxUnavailable")),
        partition=whole(rolling.get("partition")),
        is_parallel=child(one.content, "spec", "podManagementPolicy") == "Parallel",
        is_paused=child(one.content, "spec", "paused") is True,
        recreated=recreated,
        kubernetes=kubernetes,
    )


def _share(value: Any) -> Share | None:
    return value if isinstance(value, int | str) and not isinstance(value, bool) else None


@dataclass(frozen=True, slots=True)
class Start:
    """How long a pod takes until it serves, in seconds: at least, and at most before its startup probe gives up.

    `is_measured`: the operator told it.
    """

    least: float
    most: float
    is_measured: bool = False


def start(one: Workload, context: Context) -> Start:
    """The times of a workload's pods, with its minReadySeconds."""
    settle = whole(child(one.content, "spec", "minReadySeconds"))
    measured = context.startup_seconds.get(f"{one.id.namespace}/{one.id.name}")
    if measured is not None:
        return Start(measured + settle, measured + settle, True)
    least = most = 0
    for container in one.containers:
        startup, readiness = mapped(container, "startupProbe"), mapped(container, "readinessProbe")
        asked = whole(startup.get("initialDelaySeconds"))
        passes = whole(readiness.get("initialDelaySeconds"))
        passes += max(0, whole(readiness.get("successThreshold"), 1) - 1) * whole(readiness.get("periodSeconds"), 10)
        given_up = asked + whole(startup.get("failureThreshold")) * whole(startup.get("periodSeconds"))
        least, most = max(least, asked, passes), max(most, given_up, asked, passes)
    return Start(least + settle, most + settle)
