"""Scaling of every kind: policies on any metric, in steps or towards a target, schedules, suspension."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final

from aws_cdk import Duration, TimeZone
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from hypothesis import strategies as st

import ml_constructs as ml
from tests.properties.arguments import (
    NO_NUMBER,
    NUMBER,
    Argument,
    Drawn,
    flag,
    number,
    one_of,
    or_token,
    seconds,
    whole,
)
from tests.properties.instances import BURSTABLE

MOST: Final = 2**31 - 1

_TAKEN: Final = ("rollback-5xx", "rollback-latency", "FromZero", "Invocations", "Cpu", "a b", 5)
_LOAD: Final = Argument(or_token(st.floats(0.01, 1e6) | st.integers(1, 10**6), NUMBER), (0, -1, *NO_NUMBER))
_SHARE: Final = Argument(or_token(st.floats(0.01, 100), NUMBER), (0, 100.5, *NO_NUMBER))
_FACTOR: Final = Argument(or_token(st.floats(0.01, 1), NUMBER), (0, 1.5))
_RESTS: Final = {
    "scale_in_cooldown": seconds(0, 86_400),
    "scale_out_cooldown": seconds(0, 86_400),
    "disable_scale_in": flag(),
}
_STATISTICS: Final = ("Average", "Sum", "Maximum", "SampleCount", "p90", "tm99", "IQM")
_UNITS: Final = (None, cloudwatch.Unit.BYTES_PER_SECOND, cloudwatch.Unit.COUNT, cloudwatch.Unit.NONE)
_SCHEDULES: Final[dict[str, Callable[[], autoscaling.Schedule]]] = {
    "cron": lambda: autoscaling.Schedule.cron(hour="8", minute="0", week_day="MON-FRI"),
    "rate": lambda: autoscaling.Schedule.rate(Duration.hours(6)),
    "at": lambda: autoscaling.Schedule.at(datetime(2030, 1, 1, 8, tzinfo=UTC)),
    "expression": lambda: autoscaling.Schedule.expression("cron(0 8 * * ? *)"),
}


def scale_instances(d: Drawn, endpoint: ml.Endpoint) -> None:
    """Scale some of the variants."""
    for variant in endpoint.variants:
        assert isinstance(variant, ml.InstanceVariant)
        if (BURSTABLE in variant.instance_types and not d.odd()) or not d.one(f"scale {variant.name}", st.booleans()):
            continue
        least = 0 if endpoint.asynchronous else 1
        scaling = endpoint.auto_scale(variant.name, **_range(d, variant.instance_count, least, MOST))
        offered: dict[str, Mapping[str, Argument]] = {}
        if endpoint.asynchronous or d.odd():
            offered["on_backlog"] = {"per_instance": _LOAD}
        if not endpoint.asynchronous or d.odd():
            offered["on_concurrent_requests"] = {"per_model": _LOAD}
            if d.one("by the second", st.booleans()):
                offered["on_requests_per_second"] = {"per_instance": _LOAD, "safety_factor": _FACTOR}
            else:
                offered["on_invocations"] = {"per_instance_per_minute": _LOAD}
        cores = {} if variant.vcpus is not None and not d.odd() else {"vcpus": whole(1, 192)}
        offered["on_cpu"] = {"percent": _SHARE, **cores}
        _policies(d, scaling, offered)


def scale_concurrency(d: Drawn, endpoint: ml.Endpoint) -> None:
    """Scale the provisioned concurrency, if there is some."""
    (variant,) = endpoint.variants
    assert isinstance(variant, ml.ServerlessVariant)
    if variant.provisioned_concurrency is None and not d.odd():
        return
    most = variant.max_concurrency if isinstance(variant.max_concurrency, int) else 200
    scaling = endpoint.auto_scale_concurrency(**_range(d, variant.provisioned_concurrency, 1, most))
    _policies(d, scaling, {"on_utilization": {"percent": _SHARE}})


def scale_copies(d: Drawn, component: ml.InferenceComponent) -> None:
    """Scale the copies of a component."""
    scaling = component.auto_scale(**_range(d, component.copies, 0, MOST))
    offered = {
        "on_invocations": {"per_copy_per_minute": _LOAD},
        "on_concurrent_requests": {"per_copy": _LOAD},
    }
    _policies(d, scaling, offered)


def _range(d: Drawn, start: float | None, least: int, most: int) -> dict[str, int]:
    """A range around what something starts with, or any where that is a token."""
    known = isinstance(start, int) and not d.odd()
    low = d.one("min_capacity", st.integers(least, int(start or 0) if known else most))
    high = d.one("max_capacity", st.integers(max(int(start or 0) if known else low, 1), most))
    return {"min_capacity": low, "max_capacity": high}


def _policies(d: Drawn, scaling: Any, offered: Mapping[str, Mapping[str, Argument]]) -> None:  # noqa: ANN401 - any kind
    """Some of the policies that a kind of scaling offers, and some that all offer."""
    for method, arguments in offered.items():
        if d.one(method, st.booleans()):
            getattr(scaling, method)(**{name: d.one(name, each) for name, each in arguments.items()}, **d.some(_RESTS))
    for policy in (_on_metric, _on_steps, _on_schedule, _suspend):
        if d.one(policy.__name__.removeprefix("_"), st.booleans()):
            policy(d, scaling)


def _on_metric(d: Drawn, scaling: ml.IScaling) -> None:
    scaling.on_metric(
        d.one("name", one_of("Own", "a-b", beyond=_TAKEN)),
        metric=_metric(d, "Queue", 60),
        target=d.one("target", number(-1e9, 1e9)),
        **d.some(_RESTS),
    )


def _on_steps(d: Drawn, scaling: ml.IScaling) -> None:
    below = d.one("below", st.booleans())
    kind = d.pick("kind of step", ("change", "percent", "capacity"))
    least = {"min_change": whole(1, 100)} if kind == "percent" or d.odd() else {}
    more = {"evaluation_periods": whole(1, 100), "cooldown": seconds(0, 86_400)}
    scaling.on_steps(
        d.one("name", one_of("Steps", "A" * 63, beyond=_TAKEN)),
        metric=_metric(d, "Load", d.pick("period", (10, 30, 60, 300, 3600))),
        threshold=d.one("threshold", number(-1e9, 1e9)),
        steps=_ladder(d, kind, below=below),
        below=below,
        **d.some({**least, **more}),
    )


def _ladder(d: Drawn, kind: str, *, below: bool) -> list[ml.ScalingStep]:
    """Steps that adjoin, from the threshold without end."""
    edges = sorted(d.one("edges", st.sets(st.integers(1, 1000), max_size=4)))
    steps = []
    for near, far in pairwise((0, *edges, None)):
        amount = {kind: d.one(kind, whole(0 if kind == "capacity" else 1, MOST))}
        if d.odd():
            amount["change"] = 1
        lower, upper = (None if far is None else -far, -(near or 0)) if below else (near, far)
        steps.append(ml.ScalingStep(**amount, lower=lower, upper=lower if d.odd() else upper))
    return steps


def _on_schedule(d: Drawn, scaling: ml.IScaling) -> None:
    kind = d.pick("schedule", list(_SCHEDULES))
    when: dict[str, Any] = {
        "time_zone": d.pick("time_zone", (None, TimeZone.EUROPE_LONDON)) if kind != "rate" or d.odd() else None,
        "start": d.pick("start", (None, datetime(2030, 1, 1, tzinfo=UTC))),
        "end": d.pick("end", (None, datetime(2031, 1, 1, tzinfo=UTC))),
    }
    capacity = d.one("capacity", whole(1, 200)) if d.odd() else int(scaling.max_capacity)
    schedule = _SCHEDULES[kind]()
    scaling.on_schedule("Any time", schedule=schedule, min_capacity=capacity, max_capacity=capacity, **when)


def _suspend(d: Drawn, scaling: ml.IScaling) -> None:
    scaling.suspend(**d.some(dict.fromkeys(("scale_in", "scale_out", "schedules"), flag())))


def _metric(d: Drawn, label: str, period: int) -> cloudwatch.Metric | cloudwatch.MathExpression:
    """Any metric, or metric math of two."""
    one = cloudwatch.Metric(
        namespace="Example",
        metric_name=label,
        statistic=d.pick("statistic", _STATISTICS),
        period=Duration.seconds(period),
        dimensions_map=d.pick("dimensions", ({}, {"Name": "a"}, {"Name": "a", "Other": "b"})),
        unit=d.pick("unit", _UNITS),
    )
    if not d.chance(3):
        return one
    other = cloudwatch.Metric(namespace="Example", metric_name=f"Other{label}", period=Duration.seconds(period))
    return cloudwatch.MathExpression(
        expression="a / b", using_metrics={"a": one, "b": other}, period=Duration.seconds(period), label=label
    )
