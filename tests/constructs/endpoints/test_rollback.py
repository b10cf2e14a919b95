from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch

from ml_constructs.endpoint_config.asynchronous import AsyncInference
from ml_constructs.endpoints.deployment import Deployment
from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.endpoints.rollback import MAX_ROLLBACK_ALARMS, RollbackThresholds
from tests.constructs.builders import number, properties, resources, synthesised, text, variant

ALARM = "AWS::CloudWatch::Alarm"


def endpoint(stack: Stack, count: int = 1, thresholds: RollbackThresholds | None = None) -> Endpoint:
    variants = [variant(name=f"v{index}") for index in range(count)]
    given = RollbackThresholds() if thresholds is None else thresholds
    deployment = Deployment.canary(rollback=given)
    return Endpoint(stack, "Endpoint", variants=variants, deployment=deployment, endpoint_name="Name")


def alarms(stack: Stack) -> dict[str, dict[str, Any]]:
    """Alarms by the end of their names."""
    found = (each["Properties"] for each in resources(stack, ALARM).values())
    return {each["AlarmName"].removeprefix("Name-"): each for each in found}


def watched(stack: Stack) -> list[Any]:
    config = properties(stack, "AWS::SageMaker::Endpoint")["DeploymentConfig"].get("AutoRollbackConfiguration", {})
    return [alarm["AlarmName"] for alarm in config.get("Alarms", [])]


def an_alarm(stack: Stack, name: str) -> cloudwatch.IAlarm:
    return cloudwatch.Alarm.from_alarm_name(stack, name, name)


def test_watches_errors_and_latency_of_each_variant(stack: Stack) -> None:
    endpoint(stack, 2)
    assert set(alarms(stack)) == {f"v{index}-rollback-{kind}" for index in (0, 1) for kind in ("5xx", "latency")}
    errors, latency = alarms(stack)["v1-rollback-5xx"], alarms(stack)["v1-rollback-latency"]
    shared = {
        "Namespace": "AWS/SageMaker",
        "Dimensions": [{"Name": "EndpointName", "Value": "Name"}, {"Name": "VariantName", "Value": "v1"}],
        "Period": 60,
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": 2,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    }
    expected = {**shared, "MetricName": "Invocation5XXErrors", "Statistic": "Average", "Threshold": 0.01}
    assert expected.items() <= errors.items()
    expected = {**shared, "MetricName": "ModelLatency", "ExtendedStatistic": "p99", "Threshold": 5_000_000}
    assert expected.items() <= latency.items()


def test_the_endpoint_waits_for_its_alarms(stack: Stack) -> None:
    endpoint(stack, 2)
    made = resources(stack, ALARM)
    assert watched(stack) == [each["Properties"]["AlarmName"] for each in made.values()]
    (resource,) = resources(stack, "AWS::SageMaker::Endpoint").values()
    assert set(made) <= set(resource["DependsOn"])


@pytest.mark.parametrize(("variants", "count"), [(1, 2), (4, 8), (5, 2), (10, 2)])
def test_never_more_alarms_than_sagemaker_takes(stack: Stack, variants: int, count: int) -> None:
    endpoint(stack, variants)
    assert len(watched(stack)) == len(alarms(stack)) == count <= MAX_ROLLBACK_ALARMS


def test_watches_the_worst_of_many_variants(stack: Stack) -> None:
    endpoint(stack, 10)
    metrics = alarms(stack)["all-rollback-latency"]["Metrics"]
    assert metrics[0]["Expression"] == "MAX([m0, m1, m2, m3, m4, m5, m6, m7, m8, m9])"
    assert len(metrics) == 11
    assert {each["MetricStat"]["Stat"] for each in metrics[1:]} == {"p99"}
    assert {each["MetricStat"]["Period"] for each in metrics[1:]} == {60}


def test_error_percent_at_and_beyond_the_edge() -> None:
    for percent in (0, 100):
        assert RollbackThresholds(error_percent=percent).error_percent == percent
    for wrong in (-0.1, 100.1):
        with pytest.raises(ValueError, match=f"error_percent must be between 0 and 100 percent, got {wrong}"):
            RollbackThresholds(error_percent=wrong)


def test_model_latency_at_and_beyond_the_edge() -> None:
    assert RollbackThresholds(model_latency=Duration.millis(1)).latency_microseconds == 1000
    assert RollbackThresholds(model_latency=Duration.minutes(1)).latency_microseconds == 60_000_000
    with pytest.raises(ValueError, match="model_latency must be longer than 0 seconds, got 0 seconds"):
        RollbackThresholds(model_latency=Duration.seconds(0))


def test_thresholds_are_rendered(stack: Stack) -> None:
    endpoint(stack, thresholds=RollbackThresholds(error_percent=5, model_latency=Duration.millis(250)))
    assert alarms(stack)["v0-rollback-5xx"]["Threshold"] == 0.05
    assert alarms(stack)["v0-rollback-latency"]["Threshold"] == 250_000


@pytest.mark.parametrize(("variants", "expression"), [(1, "100 * MAX([m0])"), (5, "100 * MAX([m0, m1, m2, m3, m4])")])
def test_error_percent_takes_a_token(stack: Stack, variants: int, expression: str) -> None:
    endpoint(stack, variants, RollbackThresholds(error_percent=number(stack)))
    (name,) = (name for name in alarms(stack) if "5xx" in name and name.startswith(("v0", "all")))
    assert alarms(stack)[name]["Threshold"] == {"Ref": "Number"}
    assert alarms(stack)[name]["Metrics"][0]["Expression"] == expression
    assert "e+28" not in json.dumps(synthesised(stack))


@pytest.mark.parametrize("unit", [Duration.millis, Duration.seconds, Duration.minutes])
def test_model_latency_must_be_known(stack: Stack, unit: Any) -> None:  # noqa: ANN401
    with pytest.raises(ValueError, match="model_latency must be known at synth, .* microseconds, got a token"):  # noqa: RUF043
        RollbackThresholds(model_latency=unit(number(stack)))


def test_variants_named_at_deployment(app: App, stack: Stack) -> None:
    Endpoint(stack, "Endpoint", variants=[variant(name=text(stack)), variant(name="b")])
    app.synth()
    assert len(watched(stack)) == 4


def test_without_alarms_of_its_own(stack: Stack) -> None:
    made = Endpoint(stack, "Endpoint", variants=[variant()], deployment=Deployment.all_at_once(rollback=None))
    assert not resources(stack, ALARM)
    config = properties(stack, "AWS::SageMaker::Endpoint")["DeploymentConfig"]
    assert "AutoRollbackConfiguration" not in config
    made.add_rollback_alarm(an_alarm(stack, "Mine"))
    assert made.rollback_alarms[0].alarm_name == "Mine"


def test_takes_ten_alarms_in_all(app: App, stack: Stack) -> None:
    made = endpoint(stack)
    for index in range(MAX_ROLLBACK_ALARMS - 2):
        made.add_rollback_alarm(an_alarm(stack, f"Mine{index}"))
    with pytest.raises(ValueError, match="alarm must be one of at most 10 rollback alarms, got one more"):
        made.add_rollback_alarm(an_alarm(stack, "OneMore"))
    app.synth()
    assert watched(stack)[2:] == [f"Mine{index}" for index in range(8)]


def test_alarm_names_fit(stack: Stack) -> None:
    Endpoint(stack, "Endpoint", variants=[variant(name="v" * 63)], endpoint_name="e" * 63)
    assert all(len(each["Properties"]["AlarmName"]) <= 255 for each in resources(stack, ALARM).values())


def test_an_asynchronous_endpoint_is_watched_by_what_it_publishes(stack: Stack) -> None:
    Endpoint(stack, "Endpoint", variants=[variant()], asynchronous=AsyncInference(), endpoint_name="Name")
    made = alarms(stack)
    assert set(made) == {"only-rollback-5xx", "only-rollback-uploads"}
    uploads = made["only-rollback-uploads"]
    assert (uploads["MetricName"], uploads["Statistic"], uploads["Threshold"]) == ("ResponseUploadFailures", "Sum", 0)
    assert len(watched(stack)) == 2


def test_an_asynchronous_endpoint_has_no_percentiles(stack: Stack) -> None:
    thresholds = RollbackThresholds(model_latency=Duration.minutes(20))
    deployment = Deployment.canary(rollback=thresholds)
    settings = AsyncInference()
    Endpoint(
        *(stack, "Endpoint"), variants=[variant()], asynchronous=settings, deployment=deployment, endpoint_name="Name"
    )
    latency = alarms(stack)["only-rollback-latency"]
    assert (latency["Statistic"], latency["Threshold"]) == ("Maximum", 1_200_000_000)


def test_copies_for_a_shadow_do_not_turn_a_deployment_back(stack: Stack) -> None:
    Endpoint(stack, "Endpoint", variants=[variant()], shadow=variant(name="shadow"), endpoint_name="Name")
    assert set(alarms(stack)) == {"only-rollback-5xx", "only-rollback-latency"}
