from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.local_aws.auto_scaling.clock import Clock
from tests.local_aws.auto_scaling.schedules import bounded, parse


def moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def following(expression: str, after: str, *, zone: str = "UTC", origin: str = "2026-01-01") -> str | None:
    found = parse(expression, zone=zone, origin=moment(origin)).following(moment(after))
    return None if found is None else datetime.fromtimestamp(found, UTC).strftime("%Y-%m-%dT%H:%M")


def test_the_clock_runs_as_fast_as_it_is_told() -> None:
    true = iter([1000.0, 1000.0, 1000.5, 1002.0])
    clock = Clock(60, read=lambda: next(true))
    assert [clock.now(), clock.now(), clock.now()] == [1000, 1030, 1120]
    with pytest.raises(ValueError, match="speed must be positive, got 0"):
        Clock(0)


def test_once_is_once_in_its_time_zone() -> None:
    assert following("at(2026-03-01T08:30:00)", "2026-02-01") == "2026-03-01T08:30"
    assert following("at(2026-03-01T08:30:00)", "2026-03-01T08:30") is None
    assert following("at(2026-03-01T08:30:00)", "2026-02-01", zone="America/New_York") == "2026-03-01T13:30"


def test_a_rate_counts_from_its_origin_and_the_origin_is_the_first() -> None:
    assert following("rate(1 hour)", "2025-12-31") == "2026-01-01T00:00"
    assert following("rate(1 hour)", "2026-01-01") == "2026-01-01T01:00"
    assert following("rate(90 minutes)", "2026-01-01T02:00") == "2026-01-01T03:00"
    assert following("rate(2 days)", "2026-01-04") == "2026-01-05T00:00"


@pytest.mark.parametrize(
    ("fields", "after", "expected"),
    [
        ("0 9 * * ? *", "2026-01-01T09:00", "2026-01-02T09:00"),
        ("0 9 * * ? *", "2026-01-01T08:59", "2026-01-01T09:00"),
        ("*/20 * * * ? *", "2026-01-01T09:41", "2026-01-01T10:00"),
        ("5/20 * * * ? *", "2026-01-01T09:41", "2026-01-01T09:45"),
        ("15,45 8-9 * * ? *", "2026-01-01T09:45", "2026-01-02T08:15"),
        ("0 0 1 1 ? *", "2026-01-01", "2027-01-01T00:00"),
        ("0 0 29 2 ? *", "2026-01-01", "2028-02-29T00:00"),
        ("0 0 L * ? *", "2026-02-01", "2026-02-28T00:00"),
        ("0 0 15W * ? *", "2026-08-01", "2026-08-14T00:00"),  # the 15th is a Saturday
        ("0 0 1W * ? *", "2026-07-31", "2026-08-03T00:00"),  # the 1st is one too, and July is another month
        ("0 0 LW * ? *", "2026-05-01", "2026-05-29T00:00"),  # the 31st is a Sunday
        ("0 18 ? * MON-FRI *", "2026-01-02T18:00", "2026-01-05T18:00"),
        ("0 18 ? * 2-6 *", "2026-01-02T18:00", "2026-01-05T18:00"),
        ("0 18 ? * SUN,1 *", "2026-01-01", "2026-01-04T18:00"),
        ("0 0 ? * 6L *", "2026-01-01", "2026-01-30T00:00"),
        ("0 0 ? * MON#2 *", "2026-01-01", "2026-01-12T00:00"),
        ("0 0 ? JAN,JUN * *", "2026-02-01", "2026-06-01T00:00"),
        ("0 0 1 1 ? 2030", "2026-01-01", "2030-01-01T00:00"),
    ],
)
def test_a_calendar_expression_finds_its_next_moment(fields: str, after: str, expected: str) -> None:
    assert following(f"cron({fields})", after) == expected


def test_a_calendar_that_is_over_never_runs() -> None:
    assert following("cron(0 0 1 1 ? 2025)", "2026-01-01") is None


def test_local_time_follows_daylight_saving() -> None:
    nine = "cron(0 9 * * ? *)"
    assert following(nine, "2026-03-28T12:00", zone="Europe/Berlin") == "2026-03-29T07:00"
    assert following(nine, "2026-03-27T12:00", zone="Europe/Berlin") == "2026-03-28T08:00"
    skipped = "cron(30 2 * * ? *)"  # there is no half past two on the day when summer begins
    assert following(skipped, "2026-03-28T12:00", zone="Europe/Berlin") == "2026-03-30T00:30"


def test_start_and_end_bound_a_schedule() -> None:
    hourly = parse("rate(1 hour)", origin=moment("2026-01-01"))
    now, start, end = moment("2026-01-01T00:30"), moment("2026-01-02"), moment("2026-01-02T01:00")
    assert bounded(hourly, now, {}) == moment("2026-01-01T01:00")
    assert bounded(hourly, now, {"StartTime": start}) == start
    assert bounded(hourly, start, {"StartTime": start, "EndTime": end}) == end
    assert bounded(hourly, end, {"StartTime": start, "EndTime": end}) is None


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("every(1 day)", "is not at"),
        ("at(tomorrow)", "does not match"),
        ("rate(0 minutes)", "is not rate"),
        ("rate(1 week)", "is not rate"),
        ("cron(0 9 * * ?)", "six fields, has 5"),
        ("cron(0 9 * * * *)", "must have \\? for either"),
        ("cron(0 9 ? * ? *)", "must have \\? for either"),
        ("cron(60 9 * * ? *)", "from 0 to 59"),
        ("cron(0 9 * 0 ? *)", "from 1 to 12"),
        ("cron(0 9 ? * 8 *)", "from 1 to 7"),
        ("cron(0/0 9 * * ? *)", "no positive number"),
        ("cron(0 9-8 * * ? *)", "ends before it begins"),
    ],
)
def test_nonsense_is_refused(expression: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(expression)


def test_an_unknown_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="'Mars/Olympus' is not known"):
        parse("at(2026-01-01T00:00:00)", zone="Mars/Olympus")
