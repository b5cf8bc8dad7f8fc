"""Where pods stand: the pod templates of workloads, and pods themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from previews.engine.predict.findings import Steps
from previews.engine.predict.objects import Object

#: Where the pod template stands in a kind; a Pod is its own.
TEMPLATES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("apps", "Deployment"): ("spec", "template"),
    ("apps", "ReplicaSet"): ("spec", "template"),
    ("apps", "StatefulSet"): ("spec", "template"),
    ("apps", "DaemonSet"): ("spec", "template"),
    ("", "ReplicationController"): ("spec", "template"),
    ("", "PodTemplate"): ("template",),
    ("batch", "Job"): ("spec", "template"),
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template"),
    ("", "Pod"): (),
}


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod or pod template, and the steps to it."""

    object: Object
    steps: Steps
    content: Mapping[str, Any]

    @property
    def spec(self) -> Mapping[str, Any]:
        """Its spec."""
        return mapping(self.content.get("spec"))

    @property
    def labels(self) -> Mapping[str, Any]:
        """Its labels."""
        return mapping(mapping(self.content.get("metadata")).get("labels"))

    def containers(self, *fields: str) -> Iterator[tuple[Steps, Mapping[str, Any]]]:
        """Its containers with the steps to each, those of these fields or all."""
        for field in fields or ("initContainers", "containers", "ephemeralContainers"):
            for at, one in items(self.spec.get(field)):
                yield (*self.steps, "spec", field, at), one


def pods(objects: Iterable[Object]) -> Iterator[Pod]:
    """The pod of each object that has one."""
    for one in objects:
        steps = TEMPLATES.get((one.id.group, one.id.kind))
        if steps is None:
            continue
        content = one.get(*steps)
        if isinstance(content, dict):
            yield Pod(one, steps, content)


def mapping(value: Any) -> Mapping[str, Any]:
    """A mapping, an empty one for all else."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The mappings in a list, with their places."""
    if isinstance(value, list):
        yield from ((at, one) for at, one in enumerate(value) if isinstance(one, dict))
