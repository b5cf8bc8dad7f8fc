"""All rules, in the order in which they are asked."""

from __future__ import annotations

from previews.engine.predict import (
    autoscaling,
    cel_rules,
    configs,
    conformance,
    containers,
    definitions,
    deletions,
    disruptions,
    duplicates,
    immutable,
    impact,
    ingresses,
    metadata,
    quantities,
    references,
    renames,
    replicas,
    restarts,
    roles,
    routes,
    schedules,
    served,
    service_specs,
    settings,
    strategies,
    templates,
)
from previews.engine.predict.findings import ChangeRule, StateRule

#: What the API server rejects for what it is.
_SPECIFICATIONS: tuple[StateRule, ...] = (
    *conformance.RULES,
    *cel_rules.RULES,
    *metadata.RULES,
    *templates.RULES,
    *containers.RULES,
    *quantities.RULES,
    *configs.RULES,
    *service_specs.RULES,
    *strategies.RULES,
    *schedules.RULES,
    *autoscaling.RULES,
    *ingresses.RULES,
    *roles.RULES,
    *definitions.RULES,
    *served.RULES,
)
STATE_RULES: tuple[StateRule, ...] = (
    *_SPECIFICATIONS,
    *disruptions.RULES,
    *duplicates.RULES,
    *replicas.RULES,
    *routes.RULES,
)
#: What may stand in the way of a revert: all else was there before.
BACK_RULES: tuple[ChangeRule, ...] = (*immutable.CHANGE_RULES, *cel_rules.CHANGE_RULES)
CHANGE_RULES: tuple[ChangeRule, ...] = (
    *immutable.CHANGE_RULES,
    *cel_rules.CHANGE_RULES,
    *service_specs.CHANGE_RULES,
    *strategies.CHANGE_RULES,
    *ingresses.CHANGE_RULES,
    *impact.CHANGE_RULES,
    *restarts.CHANGE_RULES,
    *settings.CHANGE_RULES,
    *replicas.CHANGE_RULES,
    *renames.CHANGE_RULES,
    *deletions.CHANGE_RULES,
    *routes.CHANGE_RULES,
    *references.CHANGE_RULES,
)
