from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack, TimeZone
from aws_cdk import aws_applicationautoscaling as autoscaling

from ml_constructs.scaling.interface import IScaling
from tests.constructs.builders import number, properties, text, warnings
from tests.constructs.scaling_builders import POLICY, TARGET, of_component, of_concurrency, of_variant

DAILY = autoscaling.Schedule.expression("cron(0 8 * * ? *)")
EXPRESSIONS = [
    "at(2030-01-31T08:00:00)",
    "rate(1 minute)",
    "rate(15 minutes)",
    "rate(1 hour)",
    "rate(2 days)",
    "cron(0 8 * * ? *)",
    "cron(30 6 * * 2 *)",
    "cron(0/5 8-17 ? * MON-FRI *)",
    "cron(0 18 ? * MON,WED#2 2030)",
    "cron(0 18 L * ? *)",
    "cron(0 0 18 L * ? *)",  # with seconds
]
MALFORMED = ["", "8:00", "at(2030-01-31)", "rate(0 minutes)", "rate(5)", "cron(0 8 * * *)", "cron(0 8 * * ? * * *)"]


def actions(stack: Stack) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = properties(stack, TARGET)["ScheduledActions"]
    return found


def test_a_schedule_moves_the_range(app: App, stack: Stack) -> None:
    scaling = of_variant(stack)
    scaling.on_schedule(
        "Weekday morning",
        schedule=autoscaling.Schedule.cron(hour="8", minute="0", week_day="MON-FRI"),
        min_capacity=4,
        max_capacity=12,
        time_zone=TimeZone.EUROPE_LONDON,
        start=datetime(2030, 1, 1, tzinfo=UTC),
        end=datetime(2030, 2, 1, 1, tzinfo=timezone(timedelta(hours=1))),
    )
    scaling.on_schedule("Evening", schedule=autoscaling.Schedule.rate(Duration.hours(1)), min_capacity=2)
    launch = autoscaling.Schedule.at(datetime(2030, 1, 31, 9, tzinfo=timezone(timedelta(hours=1))))
    scaling.on_schedule("Launch", schedule=launch, min_capacity=6)
    app.synth()
    assert actions(stack) == [
        {
            "ScheduledActionName": "Weekday morning",
            "Schedule": "cron(0 8 ? * MON-FRI *)",
            "Timezone": "Europe/London",
            "StartTime": "2030-01-01T00:00:00Z",
            "EndTime": "2030-02-01T00:00:00Z",
            "ScalableTargetAction": {"MinCapacity": 4, "MaxCapacity": 12},
        },
        {
            "ScheduledActionName": "Evening",
            "Schedule": "rate(1 hour)",
            "ScalableTargetAction": {"MinCapacity": 2},
        },
        {
            "ScheduledActionName": "Launch",
            "Schedule": "at(2030-01-31T08:00:00)",
            "ScalableTargetAction": {"MinCapacity": 6},
        },
    ]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_accepts_expressions(stack: Stack, expression: str) -> None:
    of_variant(stack).on_schedule("A", schedule=autoscaling.Schedule.expression(expression), min_capacity=3)
    assert actions(stack)[0]["Schedule"] == expression


@pytest.mark.parametrize("expression", MALFORMED)
def test_refuses_malformed_expressions(stack: Stack, expression: str) -> None:
    with pytest.raises(ValueError, match="schedule must be an at, rate or cron expression, got "):
        of_variant(stack).on_schedule("A", schedule=autoscaling.Schedule.expression(expression), min_capacity=3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "min_capacity or max_capacity must be given, got None for both"),
        ({"min_capacity": 4, "max_capacity": 3}, "max_capacity must be at least min_capacity, 4, got 3"),
        ({"min_capacity": 7}, "min_capacity must be at most the target's max_capacity, 6, or be given with one, got 7"),
        ({"max_capacity": 1}, "max_capacity must be at least the target's min_capacity, 2, or be given .*, got 1"),
        ({"min_capacity": 0, "max_capacity": 6}, "min_capacity must be between 1 and .*, got 0"),
        ({"max_capacity": 2**31}, "max_capacity must be between 1 and 2,147,483,647, got 2147483648"),
        ({"min_capacity": 2.5}, r"min_capacity must be a whole number .*, got 2\.5"),
    ],
)
def test_a_scheduled_range_is_one(stack: Stack, options: dict[str, Any], message: str) -> None:
    scaling = of_variant(stack)
    with pytest.raises(ValueError, match=message):
        scaling.on_schedule("A", schedule=DAILY, **options)
    assert "ScheduledActions" not in properties(stack, TARGET)


@pytest.mark.parametrize(
    "options",
    [
        {"min_capacity": 6},
        {"max_capacity": 2},
        {"min_capacity": 8, "max_capacity": 8},
        {"min_capacity": 2**31 - 1, "max_capacity": 2**31 - 1},
    ],
)
def test_a_scheduled_range_at_the_edge(stack: Stack, options: dict[str, Any]) -> None:
    of_variant(stack).on_schedule("A", schedule=DAILY, **options)
    assert len(actions(stack)[0]["ScalableTargetAction"]) == len(options)


def test_a_schedule_stays_within_what_the_variant_can_serve(stack: Stack) -> None:
    scaling = of_concurrency(stack)
    with pytest.raises(ValueError, match="max_capacity must be between 1 and 40, got 41"):
        scaling.on_schedule("A", schedule=DAILY, max_capacity=41)
    scaling.on_schedule("A", schedule=DAILY, min_capacity=40, max_capacity=40)


def test_tokens_pass(app: App, stack: Stack) -> None:
    value = number(stack)
    of_variant(stack).on_schedule(
        text(stack, "Name"),
        schedule=autoscaling.Schedule.expression(text(stack)),
        min_capacity=value,
        max_capacity=value,
        time_zone=TimeZone.of(text(stack, "Zone")),
    )
    app.synth()
    assert actions(stack) == [
        {
            "ScheduledActionName": {"Ref": "Name"},
            "Schedule": {"Ref": "Text"},
            "Timezone": {"Ref": "Zone"},
            "ScalableTargetAction": {"MinCapacity": {"Ref": "Number"}, "MaxCapacity": {"Ref": "Number"}},
        }
    ]


def test_a_rate_knows_no_time_zone(stack: Stack) -> None:
    with pytest.raises(ValueError, match=r"time_zone must not be given with a rate, .*, got rate\(1 hour\)"):
        of_variant(stack).on_schedule(
            "A",
            schedule=autoscaling.Schedule.rate(Duration.hours(1)),
            min_capacity=3,
            time_zone=TimeZone.EUROPE_LONDON,
        )


@pytest.mark.parametrize("argument", ["start", "end"])
def test_a_moment_has_a_time_zone(stack: Stack, argument: str) -> None:
    options: dict[str, Any] = {argument: datetime(2030, 1, 1)}  # noqa: DTZ001 - that is the error
    with pytest.raises(ValueError, match=rf"{argument} must have a time zone, .*, got 2030-01-01T00:00:00"):
        of_variant(stack).on_schedule("A", schedule=DAILY, min_capacity=3, **options)


def test_a_schedule_ends_after_it_starts(stack: Stack) -> None:
    scaling, start = of_variant(stack), datetime(2030, 1, 1, tzinfo=UTC)
    for end in (start, start - timedelta(seconds=1)):
        with pytest.raises(ValueError, match="end must be after start, 2030-01-01T00:00:00.*, got 20"):  # noqa: RUF043
            scaling.on_schedule("A", schedule=DAILY, min_capacity=3, start=start, end=end)
    scaling.on_schedule("A", schedule=DAILY, min_capacity=3, start=start, end=start + timedelta(seconds=1))


@pytest.mark.parametrize("name", ["a", "a b", "ü", "a" * 256])
def test_accepts_names(stack: Stack, name: str) -> None:
    of_variant(stack).on_schedule(name, schedule=DAILY, min_capacity=3)
    assert actions(stack)[0]["ScheduledActionName"] == name


@pytest.mark.parametrize("name", ["", " a", "a ", "a:b", "a/b", "a|b", "a\n", "a" * 257])
def test_refuses_names(stack: Stack, name: str) -> None:
    with pytest.raises(ValueError, match="name must be 1 to 256 characters without colon, slash, bar or outer spaces"):
        of_variant(stack).on_schedule(name, schedule=DAILY, min_capacity=3)


def test_names_differ_and_have_an_end(stack: Stack) -> None:
    scaling = of_variant(stack)
    for index in range(200):
        scaling.on_schedule(f"A{index}", schedule=DAILY, min_capacity=3)
    with pytest.raises(ValueError, match="schedules of variant only must have different names, got A0 again"):
        scaling.on_schedule("A0", schedule=DAILY, min_capacity=3)
    with pytest.raises(ValueError, match="variant only must have at most 200 schedules, got one more"):
        scaling.on_schedule("A", schedule=DAILY, min_capacity=3)


@pytest.mark.parametrize("options", [{"min_capacity": 1}, {"min_capacity": 1, "max_capacity": 1}])
def test_one_instance_at_night_is_a_warning(stack: Stack, options: dict[str, Any]) -> None:
    of_variant(stack).on_schedule("Night", schedule=DAILY, **options)
    (warning,) = warnings(stack)
    assert "may scale in to one instance" in warning


@pytest.mark.parametrize("night", [{"min_capacity": 0}, {"min_capacity": 0, "max_capacity": 0}])
def test_a_schedule_to_zero_comes_with_a_way_back(stack: Stack, night: dict[str, Any]) -> None:
    scaling: IScaling = of_component(stack)
    scaling.on_schedule("Night", schedule=DAILY, **night)
    scaling.on_schedule("Weekend", schedule=DAILY, **night)
    assert properties(stack, POLICY)["PolicyName"] == "one-FromZero"
    assert not warnings(stack)


def test_a_schedule_that_stays_above_zero_needs_no_way_back(stack: Stack) -> None:
    of_component(stack).on_schedule("Night", schedule=DAILY, max_capacity=4)
    with pytest.raises(AssertionError):
        properties(stack, POLICY)
