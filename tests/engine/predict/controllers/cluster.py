"""A clock and the pods of one workload: what the kubelet and the API server do for a controller."""

import heapq
import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

T = TypeVar("T")

NEVER = math.inf

#: More steps than this at one instant mean that a controller runs in circles.
PATIENCE = 10_000


def scaled(value: int | str, total: int, *, up: bool) -> int:
    """A number or a percentage of the total, as intstr.GetScaledValueFromIntOrPercent counts it."""
    if isinstance(value, int):
        return value
    share = int(value.removesuffix("%")) * total
    return -(-share // 100) if up else share // 100


@dataclass(frozen=True)
class Times:
    """How long a new pod of a template takes to become ready, and any pod to go, in whole seconds."""

    ready: Callable[[int], float]
    gone: Callable[[], float] = lambda: 0
    least_ready: int = 0


def steady(ready: float = 10, gone: float = 0, least_ready: int = 0) -> Times:
    """Every pod takes the same time."""
    return Times(lambda _: ready, lambda: gone, least_ready)


@dataclass(eq=False, slots=True)
class Pod:
    """One pod. `home` is what its controller knows it by: its ReplicaSet, its ordinal, its node."""

    number: int
    template: int
    home: Hashable
    ready_since: float = NEVER
    ready: bool = False
    available: bool = False
    terminating: bool = False


@dataclass(frozen=True)
class Outcome:
    """What was seen of a rollout, from the moment before the change until nothing moves any more.

    Terminating pods serve nobody: they count in most_existing only. most_pods is seen when all controllers rest: two
    ReplicaSets change at one instant, and which pod comes or goes first is chance. rounds are the instants at which
    pods were started; finished is when everything was as the last specification wants it, None if it never was. At the
    end waiting pods are there that are not available, among them those that never will be.
    """

    least_available: int
    least_ready: int
    most_pods: int
    most_existing: int
    rounds: int
    finished: float | None
    waiting: int
    trail: tuple[tuple[float, int], ...]


class Full(Exception):
    """The quota allows no further pod."""


@dataclass
class Cluster:
    """The pods of one workload and the clock. quota bounds the pods that exist, terminating ones too."""

    times: Times
    quota: float = NEVER
    now: float = 0
    pods: list[Pod] = field(default_factory=list)
    starts: set[float] = field(default_factory=set)
    trail: list[tuple[float, int]] = field(default_factory=list)
    due: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    made: int = 0
    available: int = 0
    ready: int = 0
    active: int = 0

    def __post_init__(self) -> None:
        self.least_available = self.least_ready = math.inf
        self.most_pods = self.most_existing = 0

    def at(self, time: float, happens: Callable[[], None]) -> None:
        """Something happens later; what never happens is not kept."""
        if time != NEVER:
            self.made += 1
            heapq.heappush(self.due, (time, self.made, happens))

    def seed(self, template: int, home: Hashable, *, healthy: bool = True) -> Pod:
        """A pod that was there before; a healthy one is long available."""
        pod = self._add(template, home)
        if healthy:
            pod.ready, pod.available, pod.ready_since = True, True, -NEVER
            self.ready += 1
            self.available += 1
        return pod

    def start(self, template: int, home: Hashable, *, healthy: bool = True) -> Pod:
        """The API server takes a new pod; its node makes it ready in its time."""
        if len(self.pods) >= self.quota:
            raise Full
        pod = self._add(template, home)
        self.starts.add(self.now)
        self.most_existing = max(self.most_existing, len(self.pods))
        ready = self.now + self.times.ready(template) if healthy else NEVER
        self.at(ready, lambda: self._becomes_ready(pod))
        return pod

    def stop(self, pod: Pod, *, goes: bool = True) -> None:
        """Deletes a pod: it serves no longer from now on and is gone later; on a dead node it never goes."""
        assert not pod.terminating
        pod.terminating = True
        self.active -= 1
        self.ready -= pod.ready
        self.available -= pod.available
        self._looks()
        gone = self.times.gone()
        if goes and gone == 0:
            self.pods.remove(pod)
        elif goes:
            self.at(self.now + gone, lambda: self.pods.remove(pod))

    def run(self, act: Callable[[], bool], done: Callable[[], bool]) -> Outcome:
        """Lets the controllers act until they rest, then moves the clock to what is due next, until nothing is."""
        self._looks()
        self.most_pods, self.most_existing = self.active, len(self.pods)
        finished = None
        while True:
            patience = PATIENCE
            while act():
                patience -= 1
                assert patience, "the controllers never come to rest"
            self.most_pods = max(self.most_pods, self.active)
            finished = (self.now if finished is None else finished) if done() else None
            if not self.due:
                break
            self.now = self.due[0][0]
            while self.due and self.due[0][0] == self.now:
                heapq.heappop(self.due)[2]()
        least, most = (int(self.least_available), int(self.least_ready)), (self.most_pods, self.most_existing)
        return Outcome(*least, *most, len(self.starts), finished, self.active - self.available, tuple(self.trail))

    def _add(self, template: int, home: Hashable) -> Pod:
        self.made += 1
        pod = Pod(self.made, template, home)
        self.pods.append(pod)
        self.active += 1
        return pod

    def _becomes_ready(self, pod: Pod) -> None:
        if pod.terminating:
            return
        pod.ready, pod.ready_since = True, self.now
        self.ready += 1
        if self.times.least_ready:
            self.at(self.now + self.times.least_ready, lambda: self._becomes_available(pod))
        else:
            self._becomes_available(pod)

    def _becomes_available(self, pod: Pod) -> None:
        if not pod.terminating:
            pod.available = True
            self.available += 1
            self.trail.append((self.now, self.available))

    def _looks(self) -> None:
        self.least_available = min(self.least_available, self.available)
        self.least_ready = min(self.least_ready, self.ready)
        self.trail.append((self.now, self.available))


def shuffled(things: list[T], order: Random | None) -> list[T]:
    """The things in an order nobody promises: Go's maps, and which of several controllers comes first."""
    return order.sample(things, len(things)) if order else things
