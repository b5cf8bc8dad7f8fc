"""What changes when findings are accepted, or are no longer: the cells of previews that people look at."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import OuterRef, Subquery

from previews.engine.predict.outlook import from_json
from previews.engine.predict.prediction import count_severe, to_json, with_acceptances
from previews.models import Acceptance, Blob, Cell, ChangeRequest, Preview, Repository
from previews.models.acceptances import today
from previews.models.text import clean


def renew(repository: Repository, rules: Iterable[str]) -> list[int]:
    """Tells apart anew what is accepted in the previews that stand for open change requests; gives those that changed.

    Only cells with a finding of one of these rules are looked at. Records keep what was accepted then.
    """
    wanted = set(rules)
    entered = Acceptance.objects.standing(repository)
    changed: set[int] = set()
    rows: list[Cell] = []
    for cell in (
        Cell.objects.filter(preview__in=_standing(repository))
        .exclude(prediction=None)
        .select_related("prediction", "preview")
    ):
        before = cell.predicted
        if before is None or not wanted & {one.code for one in before.everything}:
            continue
        accepted = [*from_json(cell.preview.outlook).acceptances, *entered]
        after = with_acceptances(before, cell.cluster, cell.application, accepted, today())
        if after != before:
            cell.prediction, cell.findings = Blob.objects.keep(clean(to_json(after))), after.counts
            rows.append(cell)
            changed.add(cell.preview_id)
    Cell.objects.bulk_update(rows, ["prediction", "findings"], batch_size=200)
    for preview in Preview.objects.filter(pk__in=changed):
        counts = preview.cells.exclude(findings={}).values_list("findings", flat=True)
        Preview.objects.filter(pk=preview.pk).update(totals={**preview.totals, **count_severe(counts)})
    return sorted(changed)


def _standing(repository: Repository) -> list[int]:
    """The previews that stand for open change requests, and those of several that they are parts of."""
    shown = Preview.objects.filter(change_request=OuterRef("pk")).plain().values("pk")[:1]
    opened = ChangeRequest.objects.filter(repository=repository, state=ChangeRequest.OPEN)
    alone = list(opened.annotate(shown=Subquery(shown)).exclude(shown=None).values_list("shown", flat=True))
    several = Preview.objects.filter(repository=repository, parts__alone__in=alone)
    return [*alone, *several.values_list("pk", flat=True).distinct()]


def expire() -> list[int]:
    """Ends what was accepted for a time that is over; gives the previews that changed."""
    over = Acceptance.objects.filter(is_over=False, until__lt=today()).select_related("repository")
    changed: list[int] = []
    for one in over:
        changed += renew(one.repository, [one.rule])
        Acceptance.objects.filter(pk=one.pk).update(is_over=True)
    return changed
