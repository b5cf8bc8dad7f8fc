"""Objects that two applications of one cluster have.

Argo CD says SharedResourceWarning of them (controller/state.go): both sync the same object, and the last one wins.
"""

from __future__ import annotations

from collections.abc import Iterator

from previews.engine.manifests import ANY_ENDING
from previews.engine.predict.context import Context
from previews.engine.predict.fields import is_unstable
from previews.engine.predict.findings import Finding, StateRule, told
from previews.engine.predict.objects import Side


def check_shared(side: Side, context: Context) -> Iterator[Finding]:
    """No other application of the cluster has an object of the same identity."""
    fails = context.by_argo_cd and context.sync.has("FailOnSharedResource=true")
    for one in side.objects if context.elsewhere else ():
        other = context.elsewhere.get(one.id)
        # What Kubernetes completes is never the same name twice.
        if other is None or one.id.name.endswith(ANY_ENDING) or is_unstable(one.id.name):
            continue
        yield Finding(
            "OBJ-DUP",
            "blocked" if fails else "warning",
            f"the application {told(other)} has this {one.id.kind} too: "
            + ("FailOnSharedResource=true fails the sync" if fails else "both write it, and the last sync wins"),
            one.id,
            (),
            told(other),
            "argoproj/argo-cd controller/state.go SharedResourceWarning",
            "let one of both applications have it",
            "likely",
        )


RULES: tuple[StateRule, ...] = (check_shared,)
