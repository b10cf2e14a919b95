"""When a scheduled action runs: at(), rate() and cron() expressions.

https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-using-cron-expressions.html
"""

from __future__ import annotations

import calendar
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

_UNITS: Final = {"minute": 60, "hour": 3600, "day": 86400}
_LAST_YEAR: Final = 2199
_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")

DayTest = Callable[[date], bool]


class Schedule(Protocol):
    """Moments in AWS time."""

    def following(self, moment: float) -> float | None:
        """The first run after a moment."""


def parse(expression: str, *, zone: str = "UTC", origin: float = 0) -> Schedule:
    """A schedule; a rate counts from `origin`.

    Raises:
        ValueError: the expression or the time zone is none.
    """
    match = re.fullmatch(r"(at|rate|cron)\((.+)\)", expression.strip())
    if match is None:
        raise ValueError(f"Schedule expression {expression!r} is not at(...), rate(...) or cron(...)")
    try:
        where = ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"Timezone {zone!r} is not known") from error
    kind, text = match.groups()
    if kind == "at":
        return Once(datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=where).timestamp())
    return _rate(text, origin) if kind == "rate" else _cron(text, where)


@dataclass(frozen=True)
class Once:
    """One moment."""

    moment: float

    def following(self, moment: float) -> float | None:
        return self.moment if moment < self.moment else None


@dataclass(frozen=True)
class Rate:
    """Equal intervals, counted from an origin, which is the first."""

    seconds: int
    origin: float

    def following(self, moment: float) -> float | None:
        number = math.floor((moment - self.origin) / self.seconds) + 1
        return self.origin + max(0, number) * self.seconds


@dataclass(frozen=True)
class Cron:
    """Fields of local time."""

    minutes: frozenset[int]
    hours: frozenset[int]
    months: frozenset[int]
    years: frozenset[int]
    is_day: DayTest
    zone: ZoneInfo

    def following(self, moment: float) -> float | None:
        start = datetime.fromtimestamp(moment, self.zone).date() - timedelta(days=1)  # a clock may have been set back
        return next((run for day in self._days(start) for run in self._runs(day) if run > moment), None)

    def _days(self, start: date) -> Iterator[date]:
        for year in sorted(year for year in self.years if year >= start.year):
            for month in sorted(self.months):
                for number in range(1, calendar.monthrange(year, month)[1] + 1):
                    day = date(year, month, number)
                    if day >= start and self.is_day(day):
                        yield day

    def _runs(self, day: date) -> Iterator[float]:
        for hour in sorted(self.hours):
            for minute in sorted(self.minutes):
                local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=self.zone)
                if local.astimezone(UTC).astimezone(self.zone).hour == hour:  # not skipped by daylight saving
                    yield local.timestamp()


def _rate(text: str, origin: float) -> Rate:
    match = re.fullmatch(r"([1-9]\d*) (minute|hour|day)(s?)", text)
    if match is None:
        raise ValueError(f"rate({text}) is not rate(value unit), with minutes, hours or days")
    return Rate(int(match[1]) * _UNITS[match[2]], origin)


def _cron(text: str, zone: ZoneInfo) -> Cron:
    fields = text.upper().split()
    if len(fields) != 6:
        raise ValueError(f"cron({text}) must have six fields, has {len(fields)}")
    minute, hour, day, month, weekday, year = fields
    if (day == "?") == (weekday == "?"):
        raise ValueError(f"cron({text}) must have ? for either the day of the month or the day of the week")
    return Cron(
        minutes=_numbers(minute, 0, 59),
        hours=_numbers(hour, 0, 23),
        months=_numbers(month, 1, 12, _MONTHS),
        years=_numbers(year, 1970, _LAST_YEAR),
        is_day=_day_of_month(day) if weekday == "?" else _day_of_week(weekday),
        zone=zone,
    )


def _numbers(field: str, lowest: int, highest: int, names: tuple[str, ...] = ()) -> frozenset[int]:
    def number(word: str) -> int:
        value = names.index(word) + lowest if word in names else int(word) if word.isdecimal() else -1
        if not lowest <= value <= highest:
            raise ValueError(f"cron field {field!r} must have values from {lowest} to {highest}")
        return value

    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        if step and not (step.isdecimal() and int(step)):
            raise ValueError(f"cron field {field!r} has a step that is no positive number")
        if span == "*":
            first, last = lowest, highest
        elif "-" in span:
            first, last = map(number, span.split("-", 1))
        else:
            first = number(span)
            last = highest if step else first
        if first > last:
            raise ValueError(f"cron field {field!r} has a range that ends before it begins")
        found.update(range(first, last + 1, int(step or 1)))
    return frozenset(found)


def _day_of_month(field: str) -> DayTest:
    if field == "L":
        return lambda day: day.day == _last(day)
    nearest = re.fullmatch(r"(\d{1,2}|L)W", field)
    if nearest is not None:
        return lambda day: day == _working_day(day, _last(day) if nearest[1] == "L" else int(nearest[1]))
    days = _numbers(field, 1, 31)
    return lambda day: day.day in days


def _day_of_week(field: str) -> DayTest:
    special = re.fullmatch(r"(\w+?)(L|#[1-5])", field)
    if special is None:
        days = _numbers(field, 1, 7, _WEEKDAYS)
        return lambda day: _weekday(day) in days
    (wanted,) = _numbers(special[1], 1, 7, _WEEKDAYS)
    if special[2] == "L":
        return lambda day: _weekday(day) == wanted and day.day + 7 > _last(day)
    return lambda day: _weekday(day) == wanted and (day.day - 1) // 7 + 1 == int(special[2][1:])


def _weekday(day: date) -> int:
    """1 is Sunday."""
    return day.isoweekday() % 7 + 1


def _last(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _working_day(month: date, number: int) -> date | None:
    """The weekday nearest to a day, within its month."""
    if number > _last(month):
        return None
    day = month.replace(day=number)
    if day.isoweekday() == 6:
        return day - timedelta(days=1) if number > 1 else day + timedelta(days=2)
    if day.isoweekday() == 7:
        return day + timedelta(days=1) if number < _last(month) else day - timedelta(days=2)
    return day


def bounded(schedule: Schedule, moment: float, action: dict[str, Any]) -> float | None:
    """The next run of a scheduled action, within its StartTime and EndTime."""
    run = schedule.following(max(moment, action.get("StartTime", moment) - 1e-3))
    end = action.get("EndTime")
    return None if run is None or (end is not None and run > end) else run
