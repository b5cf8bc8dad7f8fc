"""What only Flux has of an application, besides the template, values and target that it shares with Argo CD."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from previews.engine.errors import NotRendered, RenderFailed

FluxKind = Literal["Kustomization", "HelmRelease"]


@dataclass(frozen=True)
class FluxOptions:
    """A Kustomization or HelmRelease as its cluster sees it: `spec` as written, references to other objects read.

    `variables` are those of `postBuild`; with `placeholders` more of them are in a Secret that nobody here can read.
    `hidden` are texts that values come from but that cannot be read either: name -> mark, for the value row.
    `source_ignore` is the GitRepository's `spec.ignore`. `suspended` names what does not reconcile, `parent_suspended`
    what does not bring this object to its cluster. `problem` is why the references cannot be followed. `notes` are said
    on the cell.
    """

    kind: FluxKind
    spec: Mapping[str, Any]
    variables: Mapping[str, str] = field(default_factory=dict)
    placeholders: bool = False
    hidden: Mapping[str, str] = field(default_factory=dict)
    source_ignore: str = ""
    suspended: str = ""
    parent_suspended: str = ""
    notes: tuple[str, ...] = ()
    problem: RenderFailed | NotRendered | None = None
