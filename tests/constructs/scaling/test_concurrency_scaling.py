from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, Duration, Stack

from tests.constructs.builders import number, only, properties, resources, text, warnings
from tests.constructs.scaling_builders import POLICY, TARGET, of_concurrency, tracked


def test_provisioned_concurrency_scales(stack: Stack) -> None:
    scaling = of_concurrency(stack)
    (endpoint,) = resources(stack, "AWS::SageMaker::Endpoint")
    target = only(stack, TARGET)
    assert target["DependsOn"] == [endpoint]
    assert target["Properties"] == {
        "ServiceNamespace": "sagemaker",
        "ScalableDimension": "sagemaker:variant:DesiredProvisionedConcurrency",
        "ResourceId": "endpoint/Name/variant/only",
        "MinCapacity": 1,
        "MaxCapacity": 20,
    }
    assert (scaling.min_capacity, scaling.max_capacity) == (1, 20)
    assert not warnings(stack)


def test_follows_its_utilization(stack: Stack) -> None:
    """Instances' metrics do not exist here: https://github.com/aws/aws-cdk/issues/29065."""
    scaling = of_concurrency(stack)
    scaling.on_utilization(70, scale_in_cooldown=Duration.minutes(10), disable_scale_in=True)
    assert properties(stack, POLICY)["PolicyName"] == "Name-only-Utilization"
    assert tracked(stack) == {
        "TargetValue": 0.7,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantProvisionedConcurrencyUtilization"},
        "ScaleInCooldown": 600,
        "ScaleOutCooldown": 300,
        "DisableScaleIn": True,
    }
    assert not {"on_invocations", "on_cpu", "on_backlog", "on_concurrent_requests"} & set(dir(scaling))


def test_a_late_percentage_is_computed_by_cloudwatch(app: App, stack: Stack) -> None:
    of_concurrency(stack).on_utilization(number(stack))
    app.synth()
    assert tracked(stack)["TargetValue"] == {"Ref": "Number"}
    used, percent = tracked(stack)["CustomizedMetricSpecification"]["Metrics"]
    assert used["MetricStat"]["Metric"] == {
        "Namespace": "AWS/SageMaker",
        "MetricName": "ServerlessProvisionedConcurrencyUtilization",
        "Dimensions": [{"Name": "EndpointName", "Value": "Name"}, {"Name": "VariantName", "Value": "only"}],
    }
    assert (percent["Expression"], percent["ReturnData"], used["ReturnData"]) == ("100 * used", True, False)


@pytest.mark.parametrize(("percent", "value"), [(0.1, 0.001), (55, 0.55), (100, 1)])
def test_percentages_at_the_edge(stack: Stack, percent: float, value: float) -> None:
    of_concurrency(stack).on_utilization(percent)
    assert tracked(stack)["TargetValue"] == pytest.approx(value)


@pytest.mark.parametrize("percent", [0, -1, 100.1])
def test_percentages_beyond_the_edge(stack: Stack, percent: float) -> None:
    with pytest.raises(ValueError, match=f"percent must be (above 0|between 0 and 100 percent), got {percent}"):
        of_concurrency(stack).on_utilization(percent)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"provisioned_concurrency": None}, "provisioned_concurrency of variant only must be given, .*, got None"),
    ({"provisioned_concurrency": 0}, "provisioned_concurrency must be between 1 and 200, got 0"),
    ({"provisioned_concurrency": 201}, "provisioned_concurrency must be between 1 and 200, got 201"),
    ({"provisioned_concurrency": 21}, "provisioned_concurrency of variant only must be between .* 1 and 20, got 21"),
    ({"min_capacity": 3}, "provisioned_concurrency of variant only must be between .* 3 and 20, got 2"),
    ({"min_capacity": 0}, "min_capacity must be between 1 and 200, got 0"),
    ({"max_capacity": 0}, "max_capacity must be between 1 and 200, got 0"),
    ({"max_capacity": 201}, "max_capacity must be between 1 and 200, got 201"),
    ({"max_capacity": 41}, "max_capacity must be at most max_concurrency of variant only, 40, got 41"),
    ({"min_capacity": 5, "max_capacity": 4}, "max_capacity must be at least min_capacity, 5, got 4"),
    ({"max_concurrency": 201}, "max_concurrency must be between 1 and 200, got 201"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_beyond_the_edge(stack: Stack, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        of_concurrency(stack, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"provisioned_concurrency": 1},
        {"provisioned_concurrency": 20},
        {"min_capacity": 2},
        {"max_capacity": 40},
        {"max_concurrency": 200, "max_capacity": 200},
        {"min_capacity": 2, "max_capacity": 2},
    ],
)
def test_at_the_edge(stack: Stack, options: dict[str, Any]) -> None:
    assert of_concurrency(stack, **options)


def test_tokens_pass(app: App, stack: Stack) -> None:
    value = number(stack)
    of_concurrency(stack, provisioned_concurrency=value, max_concurrency=value, min_capacity=value, max_capacity=value)
    app.synth()
    assert properties(stack, TARGET)["MaxCapacity"] == properties(stack, TARGET)["MinCapacity"] == {"Ref": "Number"}
    assert text(stack)
