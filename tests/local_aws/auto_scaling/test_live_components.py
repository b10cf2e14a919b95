"""The copies of an inference component, scaled by load, to nothing, and woken up by a request that is lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # ships no types

from tests.local_aws.sagemaker_components import SMALL, ask, create, delete, described, make_role, of
from tests.local_aws.sagemaker_harness import Emulator, refusal, until

SPEED: Final = 240  # a minute is a quarter of a second
DIMENSION: Final = "sagemaker:inference-component:DesiredCopyCount"
TARGET: Final = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "inference-component/scaled",
    "ScalableDimension": DIMENSION,
}


class Cloud(Emulator):
    """The emulator with everything that scaling needs."""

    program = (
        "from tests.local_aws import auto_scaling, sagemaker, seams, stubs; seams.treat_loopback_as_tls(); "
        "sagemaker.install(); stubs.install(); auto_scaling.install(); import ministack.app; ministack.app.main()"
    )


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with Cloud(tmp_path_factory.mktemp("cloud"), LOCAL_AWS_SPEED=str(SPEED)) as emulator:
        role = make_role(emulator, "shared")
        emulator.model("model", role, emulator.put_model("model.tar.gz"), TAG="model")
        emulator.config("shared", {"VariantName": "main", "InstanceType": "ml.m5.4xlarge"}, ExecutionRoleArn=role)
        emulator.client("sagemaker").create_endpoint(EndpointName="shared", EndpointConfigName="shared")
        emulator.settle("shared")
        yield emulator


@pytest.fixture
def component(cloud: Cloud) -> Iterator[str]:
    """Between no copy and three, with one to begin with, and without policies."""
    assert create(cloud, "shared", "scaled", of("model", SMALL))["InferenceComponentStatus"] == "InService"
    scaling = cloud.client("application-autoscaling")
    scaling.register_scalable_target(**TARGET, MinCapacity=0, MaxCapacity=3)
    yield "scaled"
    if described(cloud, "scaled")["InferenceComponentStatus"] != "Deleting":
        if scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]:
            scaling.deregister_scalable_target(**TARGET)
        delete(cloud, "scaled")


def await_copies(cloud: Cloud, count: int) -> None:
    wanted = {"DesiredCopyCount": count, "CurrentCopyCount": count}
    until(lambda: described(cloud, "scaled")["RuntimeConfig"] == wanted)


@contextmanager
def traffic(cloud: Cloud, pause: float = 0.0) -> Iterator[None]:
    stop = threading.Event()

    def call() -> None:
        while not stop.wait(pause):
            ask(cloud, "shared", "scaled")

    caller = threading.Thread(target=call)
    caller.start()
    try:
        yield
    finally:
        stop.set()
        caller.join()


def newest(cloud: Cloud) -> dict[str, Any]:
    found: dict[str, Any] = cloud.client("application-autoscaling").describe_scaling_activities(**TARGET)[
        "ScalingActivities"
    ][0]
    return found


def test_load_brings_copies_and_quiet_takes_them_away(cloud: Cloud, component: str) -> None:
    metric = {"PredefinedMetricType": "SageMakerInferenceComponentInvocationsPerCopy"}
    high, low = cloud.client("application-autoscaling").put_scaling_policy(
        **TARGET, PolicyName="load", PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 3.0, "PredefinedMetricSpecification": metric, "ScaleInCooldown": 60, "ScaleOutCooldown": 60,
        },
    )["Alarms"]  # fmt: skip
    assert high["AlarmName"].startswith(f"TargetTracking-inference-component/{component}-AlarmHigh-")
    with traffic(cloud):
        await_copies(cloud, 3)
    assert newest(cloud)["Description"] == "Setting desired copy count to 3."
    with traffic(cloud, pause=0.5):  # no request at all would be no data, and no reason to scale in
        await_copies(cloud, 1)
    assert newest(cloud)["Cause"] == f"monitor alarm {low['AlarmName']} in state ALARM triggered policy load"


def test_a_lost_request_wakes_a_component_up(cloud: Cloud, component: str) -> None:
    scaling = cloud.client("application-autoscaling")
    step: dict[str, Any] = {"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}
    arn = scaling.put_scaling_policy(
        **TARGET, PolicyName="wake", PolicyType="StepScaling",
        StepScalingPolicyConfiguration={"AdjustmentType": "ChangeInCapacity", "StepAdjustments": [step]},
    )["PolicyARN"]  # fmt: skip
    cloud.client("cloudwatch").put_metric_alarm(
        AlarmName="wake", Namespace="AWS/SageMaker", MetricName="NoCapacityInvocationFailures", Statistic="Maximum",
        Dimensions=[{"Name": "InferenceComponentName", "Value": component}], Period=60, EvaluationPeriods=1,
        Threshold=1, ComparisonOperator="GreaterThanOrEqualToThreshold", TreatMissingData="missing",
        AlarmActions=[arn],
    )  # fmt: skip
    scaling.register_scalable_target(**TARGET, MaxCapacity=0)
    await_copies(cloud, 0)
    scaling.register_scalable_target(**TARGET, MaxCapacity=1)
    assert "has no capacity" in refusal(lambda: ask(cloud, "shared", component))["Error"]["Message"]
    error = cloud.client("sagemaker-runtime").exceptions.ValidationError

    def answer() -> dict[str, Any] | None:
        try:
            return ask(cloud, "shared", component)
        except error:
            return None

    assert until(answer)["tag"] == "model"
    cloud.client("cloudwatch").delete_alarms(AlarmNames=["wake"])


def test_the_bounds_of_a_target_hold(cloud: Cloud, component: str) -> None:
    scaling = cloud.client("application-autoscaling")
    scaling.register_scalable_target(**TARGET, MinCapacity=2)
    await_copies(cloud, 2)
    scaling.register_scalable_target(**TARGET, MinCapacity=0, MaxCapacity=1)
    await_copies(cloud, 1)
    assert ask(cloud, "shared", component)["tag"] == "model"


def test_a_component_that_is_deleted_is_deregistered(cloud: Cloud) -> None:
    name = "scaled"
    create(cloud, "shared", name, of("model", SMALL))
    scaling = cloud.client("application-autoscaling")
    scaling.register_scalable_target(**TARGET, MinCapacity=0, MaxCapacity=3)
    delete(cloud, name)
    until(lambda: not scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"])


def test_what_is_no_component_cannot_be_registered(cloud: Cloud) -> None:
    scaling = cloud.client("application-autoscaling")
    with pytest.raises(ClientError, match="Could not find inference component"):
        scaling.register_scalable_target(**TARGET, MinCapacity=0, MaxCapacity=1)
    below = TARGET | {"ResourceId": "inference-component/other"}
    with pytest.raises(ClientError, match="Minimum capacity cannot be less than 0"):
        scaling.register_scalable_target(**below, MinCapacity=-1, MaxCapacity=1)
