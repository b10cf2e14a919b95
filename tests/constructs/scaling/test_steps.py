from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, Stack

from ml_constructs.scaling.interface import IScaling
from ml_constructs.scaling.steps import ScalingStep
from tests.constructs.builders import number
from tests.constructs.scaling_builders import MOST, a_metric, of_variant, stepped


def on_steps(scaling: IScaling, *steps: ScalingStep, **options: Any) -> None:  # noqa: ANN401
    defaults: dict[str, Any] = {"metric": a_metric(), "threshold": 10}
    scaling.on_steps("Steps", steps=steps, **{**defaults, **options})


def test_steps_in_percent(stack: Stack) -> None:
    on_steps(of_variant(stack), ScalingStep(percent=50, upper=5), ScalingStep(percent=100, lower=5), min_change=2)
    assert stepped(stack) == {
        "AdjustmentType": "PercentChangeInCapacity",
        "MinAdjustmentMagnitude": 2,
        "Cooldown": 300,
        "MetricAggregationType": "Average",
        "StepAdjustments": [
            {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 5, "ScalingAdjustment": 50},
            {"MetricIntervalLowerBound": 5, "ScalingAdjustment": 100},
        ],
    }


def test_steps_to_a_capacity(stack: Stack) -> None:
    on_steps(of_variant(stack), ScalingStep(capacity=0), below=True)
    assert stepped(stack)["AdjustmentType"] == "ExactCapacity"
    assert stepped(stack)["StepAdjustments"] == [{"MetricIntervalUpperBound": 0, "ScalingAdjustment": 0}]


@pytest.mark.parametrize(
    "options",
    [{}, {"change": 1, "percent": 1}, {"percent": 1, "capacity": 1}, {"change": 1, "percent": 1, "capacity": 1}],
)
def test_a_step_counts_in_one_way(options: dict[str, int]) -> None:
    got = ", ".join(f"{name}={value}" for name, value in options.items()) or "none"
    with pytest.raises(ValueError, match=f"exactly one of change, percent and capacity must be given, got {got}"):
        ScalingStep(**options)


@pytest.mark.parametrize(("name", "low"), [("change", -MOST), ("percent", -MOST), ("capacity", 0)])
def test_a_step_at_and_beyond_the_edge(name: str, low: int) -> None:
    def step(value: Any) -> ScalingStep:  # noqa: ANN401
        return ScalingStep(**{name: value})

    for value in (low, MOST):
        assert getattr(step(value), name) == value
    for wrong in (low - 1, MOST + 1):
        with pytest.raises(ValueError, match=f"{name} must be between {low:,} and 2,147,483,647, got {wrong}"):
            step(wrong)
    with pytest.raises(ValueError, match=rf"{name} must be a whole number .*, got 1\.5"):
        step(1.5)


@pytest.mark.parametrize("name", ["change", "percent"])
def test_a_step_moves(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must not be 0, got 0"):
        ScalingStep(**{name: 0})


def test_the_steps_of_a_policy_count_in_one_way(stack: Stack) -> None:
    with pytest.raises(ValueError, match="steps must all have change, all percent .*, got change, percent"):  # noqa: RUF043
        on_steps(of_variant(stack), ScalingStep(change=1, upper=5), ScalingStep(percent=50, lower=5))


@pytest.mark.parametrize("wrong", [0, -1, MOST + 1])
def test_the_least_change_is_one(stack: Stack, wrong: int) -> None:
    with pytest.raises(ValueError, match=f"min_change must be between 1 and 2,147,483,647, got {wrong}"):
        on_steps(of_variant(stack), ScalingStep(percent=50), min_change=wrong)


@pytest.mark.parametrize("kind", ["change", "capacity"])
def test_only_percent_has_a_least_change(stack: Stack, kind: str) -> None:
    step = ScalingStep(**{kind: 1})
    with pytest.raises(ValueError, match=f"min_change must only be given with steps in percent, got steps with {kind}"):
        on_steps(of_variant(stack), step, min_change=1)


def test_at_most_twenty_steps(stack: Stack) -> None:
    scaling = of_variant(stack)
    steps = [ScalingStep(change=1, lower=index, upper=index + 1) for index in range(20)]
    with pytest.raises(ValueError, match="steps must have between 1 and 20 members, got 21"):
        on_steps(scaling, *steps, ScalingStep(change=1, lower=20))
    on_steps(scaling, *steps[:-1], ScalingStep(change=1, lower=19))
    assert len(stepped(stack)["StepAdjustments"]) == 20


@pytest.mark.parametrize("kind", ["change", "percent", "capacity"])
def test_tokens_pass(app: App, stack: Stack, kind: str) -> None:
    value = number(stack)
    on_steps(of_variant(stack), ScalingStep(**{kind: value}), min_change=value if kind == "percent" else None)
    app.synth()
    assert stepped(stack)["StepAdjustments"][0]["ScalingAdjustment"] == {"Ref": "Number"}
