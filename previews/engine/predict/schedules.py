"""When CronJobs run: what the API server says of their schedule and time zone.

Mirrors pkg/apis/batch/validation/validation.go validateCronJobSpec.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from previews.engine.predict.context import Context
from previews.engine.predict.crons import cron_error
from previews.engine.predict.fields import changed, is_unstable, number
from previews.engine.predict.findings import Finding, StateRule, told
from previews.engine.predict.objects import Object, Side
from previews.engine.predict.pods import mapping

_SOURCE = "pkg/apis/batch/validation/validation.go"
_CRON_JOB = ("batch", "CronJob")
#: Since then a schedule must not bring its time zone along, and before it only got a warning.
_NO_ZONE_IN_SCHEDULE = (1, 29)
#: Since then there is a field for it that every cluster reads.
_TIME_ZONE = (1, 25)
_ZONE_PART = re.compile(r"[A-Za-z._0-9+][A-Za-z._0-9+-]{0,13}")


def check_schedules(side: Side, context: Context) -> Iterator[Finding]:
    """A schedule is a cron expression without a time zone, and the counts beside it are not negative."""
    for one in changed(side, _CRON_JOB):
        spec = mapping(one.get("spec"))
        yield from _schedule(one, spec, context)
        for field in ("startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
            value = number(spec.get(field))
            if value is not None and value < 0:
                yield Finding(
                    "CRON-NEGATIVE",
                    "blocked",
                    f"{field} is {value}, and must be at least 0",
                    one.id,
                    ("spec", field),
                    str(value),
                    f"{_SOURCE} validateCronJobSpec",
                    f"set {field} to 0 or more",
                )


def _schedule(one: Object, spec: Mapping[str, Any], context: Context) -> Iterator[Finding]:
    schedule = spec.get("schedule")
    if not isinstance(schedule, str) or is_unstable(schedule):
        return
    why = cron_error(schedule) if schedule else "it is empty"
    if why:
        yield Finding(
            "CRON-SCHEDULE",
            "blocked",
            f'the schedule "{told(schedule)}" is no cron expression: {why}',
            one.id,
            ("spec", "schedule"),
            told(schedule),
            f"{_SOURCE} validateScheduleFormat; robfig/cron v3 ParseStandard",
            "write minute, hour, day of month, month and day of week (0 to 6), or a word such as @daily",
        )
    if "TZ" in schedule:
        yield from _zone_in_schedule(one, spec, context)


def _zone_in_schedule(one: Object, spec: Mapping[str, Any], context: Context) -> Iterator[Finding]:
    # The value is not the schedule: once it has a zone, the API server lets the rest of it change.
    has_both = spec.get("timeZone") is not None and context.kubernetes >= _TIME_ZONE
    is_blocked = has_both or context.kubernetes >= _NO_ZONE_IN_SCHEDULE
    version = ".".join(str(part) for part in context.kubernetes)
    yield Finding(
        "CRON-ZONE-IN-SCHEDULE",
        "blocked" if is_blocked else "warning",
        "the schedule brings a time zone along, and timeZone is set as well"
        if has_both
        else f"the schedule brings a time zone along, which Kubernetes {version} "
        + ("rejects" if is_blocked else "does not officially support, and 1.29 rejects"),
        one.id,
        ("spec", "schedule"),
        "TZ and timeZone" if has_both else "TZ",
        f"{_SOURCE} validateScheduleFormat",
        "move the time zone to spec.timeZone",
    )


def check_time_zones(side: Side, context: Context) -> Iterator[Finding]:
    """A time zone is one of the IANA database."""
    if context.kubernetes < _TIME_ZONE:
        return
    for one in changed(side, _CRON_JOB):
        zone = one.get("spec", "timeZone")
        if not isinstance(zone, str) or is_unstable(zone):
            continue
        why = _zone_error(zone)
        if why:
            yield Finding(
                "CRON-TIME-ZONE",
                "blocked",
                f'the time zone "{told(zone)}" {why}',
                one.id,
                ("spec", "timeZone"),
                told(zone),
                f"{_SOURCE} validateTimeZone",
                "write a name of the IANA time zone database, such as Europe/Berlin",
            )


def _zone_error(zone: str) -> str:
    if not zone:
        return "is empty, and must be left out or have a name"
    for part in zone.split("/"):
        if part in (".", "..") or not _ZONE_PART.fullmatch(part):
            return f'has the part "{told(part)}", which no name of a time zone has'
    if zone.lower() == "local":
        return "is not an explicit one"
    return "" if not _has_database() or _is_known(zone) else "is not in the IANA time zone database"


@lru_cache(maxsize=1)
def _has_database() -> bool:
    return _is_known("Europe/Berlin")


def _is_known(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        return False
    return True


RULES: tuple[StateRule, ...] = (check_schedules, check_time_zones)
