import pytest

from previews.engine.predict.context import Context
from previews.engine.predict.crons import cron_error
from previews.engine.predict.schedules import RULES
from tests.engine.predict.spec_rules import codes, findings


def cron_job(spec: str) -> str:
    return f"apiVersion: batch/v1\nkind: CronJob\nmetadata: {{name: nightly}}\nspec: {spec}\n"


def asked(spec: str, minor: int = 31) -> list[str]:
    return codes(findings(RULES, cron_job(spec), Context(kubernetes=(1, minor))))


@pytest.mark.parametrize(
    "expression",
    [
        "* * * * *", "59 23 31 12 6", "0 0 1 1 0", "*/5 * * * *", "?/5 ? * * ?", "0-30/10 8-18 * * mon-FRI",
        "0 0 * JAN,feb Sun", "5/15 * * * *", "*/61 * * * *", "+5 05 * * *", ", * * * *", "1,,2 * * * *", "*-5 * * * *",
        " 0\t0 * * * ", "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly", "@every 1h30m",
        "@every -1.5h", "@every 0", "@every .5s", "@every 10µs", "0000000000000000000000000005 * * * *",
    ],
)  # fmt: skip
def test_what_the_library_reads_is_a_schedule(expression):
    assert cron_error(expression) == ""


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("60 * * * *", "the minute is 60, and may be at most 59"),
        ("* 24 * * *", "the hour is 24, and may be at most 23"),
        ("* * 32 * *", "the day of month is 32, and may be at most 31"),
        ("* * 0 * *", "the day of month is 0, and must be at least 1"),
        ("* * * 13 *", "the month is 13, and may be at most 12"),
        ("* * * * 7", "the day of week is 7, and may be at most 6"),
        ("30-10 * * * *", "the minute goes from 30 to 10, and must not go backwards"),
        ("*/0 * * * *", 'the step of "*/0" in the minute is 0, and must be at least 1'),
        ("* * * *", "it has 4 fields, and must have exactly 5"),
        ("0 * * * * *", "it has 6 fields, and must have exactly 5"),
        ("1-2-3 * * * *", '"1-2-3" in the minute has 2 hyphens, and may have one'),
        ("*/5/5 * * * *", '"*/5/5" in the minute has 2 slashes, and may have one'),
        ("-5 * * * *", '"" in the minute is no number'),
        ("jan * * * *", '"jan" in the minute is no number'),
        ("* * * * monday", '"monday" in the day of week is no number'),
        ("* * * */jan *", '"jan" in the month is no number'),
        ("1.5 * * * *", '"1.5" in the minute is no number'),
        ("* * L * *", '"L" in the day of month is no number'),
        ("@Daily", "@Daily is none of the words it may be, such as @daily"),
        ("@reboot", "@reboot is none of the words it may be, such as @daily"),
        ("@every", "@every is none of the words it may be, such as @daily"),
        ("@every 5", '"5" after @every is no duration such as 1h30m'),
        ("@every 1d", '"1d" after @every is no duration such as 1h30m'),
        (" @daily", "it has 1 fields, and must have exactly 5"),
    ],
)  # fmt: skip
def test_what_the_library_does_not_read_is_told_with_the_reason(expression, why):
    assert cron_error(expression) == why


def test_a_wrong_schedule_is_blocked_where_it_stands():
    (found,) = findings(RULES, cron_job("{schedule: '* * * * 7'}"))
    assert (found.code, found.severity, found.steps) == ("CRON-SCHEDULE", "blocked", ("spec", "schedule"))
    assert found.message == (
        'the schedule "* * * * 7" is no cron expression: the day of week is 7, and may be at most 6'
    )
    assert asked("{schedule: ''}") == ["CRON-SCHEDULE"]
    assert asked("{schedule: '* * * * 6'}") == []


def test_a_time_zone_stands_in_a_field_of_its_own():
    schedule = "{schedule: 'CRON_TZ=Europe/Berlin 0 3 * * *'}"
    assert asked(schedule) == ["CRON-ZONE-IN-SCHEDULE"]
    old, new = (findings(RULES, cron_job(schedule), Context(kubernetes=(1, minor)))[0] for minor in (28, 29))
    assert (old.severity, new.severity) == ("warning", "blocked")
    # Once it is there, the rest of the schedule may change: it is the same finding.
    other = findings(RULES, cron_job("{schedule: 'TZ=Europe/Paris 0 4 * * *'}"))[0]
    assert (other.value, other.steps) == (new.value, new.steps)
    (both,) = findings(RULES, cron_job("{schedule: 'TZ=UTC 0 3 * * *', timeZone: UTC}"), Context(kubernetes=(1, 25)))
    assert both.severity == "blocked"


@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC", "Etc/GMT+5", "US/Eastern", "America/Argentina/Buenos_Aires"])
def test_zones_of_the_database_are_accepted(zone):
    assert asked(f"{{schedule: '@daily', timeZone: {zone}}}") == []


@pytest.mark.parametrize(
    "zone",
    [
        "''",
        "Europe/Pariss",
        "local",
        "Local",
        "../etc/passwd",
        "Europe//Berlin",
        "/UTC",
        "Europe",
        "-UTC",
        "europe/berlin",
    ],
)
def test_other_zones_are_rejected(zone):
    assert asked(f"{{schedule: '@daily', timeZone: {zone}}}") == ["CRON-TIME-ZONE"]
    assert asked(f"{{schedule: '@daily', timeZone: {zone}}}", minor=24) == []


def test_counts_are_not_negative():
    assert asked("{schedule: '@daily', startingDeadlineSeconds: -1}") == ["CRON-NEGATIVE"]
    assert asked("{schedule: '@daily', startingDeadlineSeconds: 0, failedJobsHistoryLimit: 0}") == []


def test_what_is_not_the_same_at_every_render_is_not_judged():
    assert asked("{schedule: '⟨unstable:1⟩ * * * *', timeZone: '⟨unstable:2⟩'}") == []
