# ruff: noqa: ANN401 - boto3 has no types
from __future__ import annotations

import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # ships no types

from tests.local_aws.sagemaker_harness import Emulator

SPEED: Final = 240  # a minute is a quarter of a second
PATIENCE: Final = 60  # seconds
READ: Final = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::models/*"}
DIMENSION: Final = "sagemaker:variant:DesiredInstanceCount"
Target = dict[str, str]


class Cloud(Emulator):
    """The emulator with everything that scaling needs."""

    program = (
        "from tests.local_aws import auto_scaling, sagemaker, seams, stubs; seams.treat_loopback_as_tls(); "
        "sagemaker.install(); stubs.install(); auto_scaling.install(); import ministack.app; ministack.app.main()"
    )


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cloud") / "emulator.log"


@pytest.fixture(scope="module")
def cloud(log: Path) -> Iterator[Cloud]:
    with Cloud(log.parent, LOCAL_AWS_SPEED=str(SPEED)) as emulator:
        prepare(emulator)
        yield emulator


def prepare(emulator: Cloud) -> None:
    """An endpoint with two variants, and a configuration with one of them."""
    url = emulator.put_model("model.tar.gz")
    emulator.model("model", emulator.role("execution", READ), url)
    emulator.config("both", variant("A"), variant("B"))
    emulator.config("one", variant("A"))
    emulator.client("sagemaker").create_endpoint(EndpointName="served", EndpointConfigName="both")
    emulator.settle("served")


@pytest.fixture
def target(cloud: Cloud) -> Iterator[Target]:
    """Variant A, between one and three instances, without policies; it goes back to one."""
    identity = {"ServiceNamespace": "sagemaker", "ResourceId": "endpoint/served/variant/A"}
    identity["ScalableDimension"] = DIMENSION
    scaling = cloud.client("application-autoscaling")
    scaling.register_scalable_target(**identity, MinCapacity=1, MaxCapacity=3)
    yield identity
    scaling.register_scalable_target(**identity, MinCapacity=1, MaxCapacity=1)
    await_count(cloud, 1)
    scaling.deregister_scalable_target(**identity)


def variant(name: str) -> dict[str, Any]:
    return {"VariantName": name, "ModelName": "model"}


def until(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def described(cloud: Cloud, name: str = "A") -> dict[str, Any]:
    endpoint = cloud.client("sagemaker").describe_endpoint(EndpointName="served")
    (found,) = [item for item in endpoint["ProductionVariants"] if item["VariantName"] == name]
    return {"Status": endpoint["EndpointStatus"], **found}


def await_count(cloud: Cloud, count: int, name: str = "A") -> None:
    def is_reached() -> bool:
        now = described(cloud, name)
        counts = {now["CurrentInstanceCount"], now["DesiredInstanceCount"]}
        return counts == {count} and now["Status"] == "InService"

    until(is_reached)


def activities(cloud: Cloud, target: Target, **more: Any) -> list[dict[str, Any]]:
    scaling = cloud.client("application-autoscaling")
    (one,) = scaling.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[target["ResourceId"]])[
        "ScalableTargets"
    ] or [{"CreationTime": datetime.fromtimestamp(0, UTC)}]
    found: list[dict[str, Any]] = scaling.describe_scaling_activities(**target, **more)["ScalingActivities"]
    return [item for item in found if item["StartTime"] >= one["CreationTime"]]


def finished(cloud: Cloud, target: Target) -> dict[str, Any]:
    """The newest activity, once it has ended: that is after the capacity has been reached."""

    def ended() -> dict[str, Any] | None:
        newest = activities(cloud, target)[0]
        return None if newest["StatusCode"] == "InProgress" else newest

    found: dict[str, Any] = until(ended)
    return found


def rest(cloud: Cloud, minutes: float) -> None:
    """Let AWS time pass in which nothing may happen."""
    del cloud
    time.sleep(minutes * 60 / SPEED)


@contextmanager
def traffic(cloud: Cloud, pause: float = 0.0) -> Iterator[Counter[int]]:
    """Requests to variant A from two callers; which processes answered."""
    stop, pids = threading.Event(), Counter[int]()

    def call() -> None:
        while not stop.wait(pause):
            pids[cloud.invoke("served", TargetVariant="A")["Body"]["pid"]] += 1

    callers = [threading.Thread(target=call) for _ in range(2)]
    for caller in callers:
        caller.start()
    try:
        yield pids
    finally:
        stop.set()
        for caller in callers:
            caller.join()


def alarm(cloud: Cloud, name: str, policy: str) -> None:
    cloud.client("cloudwatch").put_metric_alarm(
        AlarmName=name, Namespace="own", MetricName=name, Statistic="Average", Period=60, EvaluationPeriods=1,
        Threshold=10, ComparisonOperator="GreaterThanThreshold", AlarmActions=[policy],
    )  # fmt: skip


def step_policy(cloud: Cloud, target: Target, name: str, change: int, **members: Any) -> str:
    step: dict[str, Any] = {"MetricIntervalLowerBound": 0, "ScalingAdjustment": change}
    arn: str = cloud.client("application-autoscaling").put_scaling_policy(
        **target, PolicyName=name, PolicyType="StepScaling",
        StepScalingPolicyConfiguration={"AdjustmentType": "ChangeInCapacity", "StepAdjustments": [step], **members},
    )["PolicyARN"]  # fmt: skip
    return arn


@contextmanager
def published(cloud: Cloud, metric: str, value: float) -> Iterator[None]:
    """A metric that keeps a value."""
    stop = threading.Event()

    def publish() -> None:
        while not stop.wait(0.05):
            cloud.client("cloudwatch").put_metric_data(
                Namespace="own", MetricData=[{"MetricName": metric, "Value": value}]
            )

    publisher = threading.Thread(target=publish)
    publisher.start()
    try:
        yield
    finally:
        stop.set()
        publisher.join()


def test_load_brings_instances_that_serve_and_quiet_takes_them_away(cloud: Cloud, target: Target) -> None:
    scaling = cloud.client("application-autoscaling")
    answer = scaling.put_scaling_policy(
        **target, PolicyName="load", PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 3.0,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
            "ScaleInCooldown": 60,
            "ScaleOutCooldown": 60,
        },
    )  # fmt: skip
    high, low = (item["AlarmName"] for item in answer["Alarms"])
    assert high.startswith("TargetTracking-endpoint/served/variant/A-AlarmHigh-")
    assert low.startswith("TargetTracking-endpoint/served/variant/A-AlarmLow-")
    with traffic(cloud) as pids:
        await_count(cloud, 3)
        pids.clear()
        until(lambda: len(pids) == 3)
    newest = activities(cloud, target)[0]
    assert newest["Cause"] == f"monitor alarm {high} in state ALARM triggered policy load"
    with traffic(cloud, pause=0.5) as pids:  # no request at all would be no data, and no reason to scale in
        await_count(cloud, 1)
    with traffic(cloud, pause=0.5) as pids:  # no answer of an instance that has gone meanwhile
        until(lambda: sum(pids.values()) > 3)
        assert len(pids) == 1
    newest = activities(cloud, target)[0]
    assert newest["Cause"] == f"monitor alarm {low} in state ALARM triggered policy load"
    assert newest["Description"] == "Setting desired instance count to 1."
    scaling.delete_scaling_policy(**target, PolicyName="load")
    names = [item["AlarmName"] for item in cloud.client("cloudwatch").describe_alarms()["MetricAlarms"]]
    assert not [name for name in names if name.startswith("TargetTracking")]


def test_a_step_policy_acts_as_long_as_its_alarm_lasts_and_stops_at_the_maximum(cloud: Cloud, target: Target) -> None:
    alarm(cloud, "steps", step_policy(cloud, target, "steps", 1, Cooldown=0))
    policy = cloud.client("application-autoscaling").describe_scaling_policies(**target)["ScalingPolicies"][0]
    assert [item["AlarmName"] for item in policy["Alarms"]] == ["steps"]
    with published(cloud, "steps", 50):
        await_count(cloud, 3)
        reason = until(lambda: activities(cloud, target, IncludeNotScaledActivities=True)[0].get("NotScaledReasons"))
    assert reason == [{"Code": "AlreadyAtMaxCapacity", "MaxCapacity": 3, "CurrentCapacity": 3}]
    done = activities(cloud, target)
    assert [item["Description"][-2] for item in done] == ["3", "2"]
    assert {item["Cause"] for item in done} == {"monitor alarm steps in state ALARM triggered policy steps"}
    assert {item["StatusMessage"] for item in done[:1]} == {
        "Successfully set desired instance count to 3. Change successfully fulfilled by sagemaker."
    }
    assert all(item["EndTime"] > item["StartTime"] for item in done)
    cloud.client("cloudwatch").delete_alarms(AlarmNames=["steps"])


def test_a_cooldown_lets_the_same_step_act_once(cloud: Cloud, target: Target) -> None:
    alarm(cloud, "patient", step_policy(cloud, target, "patient", 1, Cooldown=2**31 - 1))
    with published(cloud, "patient", 50):
        await_count(cloud, 2)
        rest(cloud, 8)
        assert described(cloud)["DesiredInstanceCount"] == 2
        alarm(cloud, "eager", step_policy(cloud, target, "eager", 2, Cooldown=0))
        with published(cloud, "eager", 50):  # two more than there were, and one of them is there already
            await_count(cloud, 3)
    assert activities(cloud, target)[0]["Cause"] == "monitor alarm eager in state ALARM triggered policy eager"
    cloud.client("cloudwatch").delete_alarms(AlarmNames=["patient", "eager"])


def test_suspended_scaling_waits_until_it_is_resumed(cloud: Cloud, target: Target) -> None:
    scaling = cloud.client("application-autoscaling")
    scaling.register_scalable_target(**target, SuspendedState={"DynamicScalingOutSuspended": True})
    alarm(cloud, "held", step_policy(cloud, target, "held", 1))
    with published(cloud, "held", 50):
        until(lambda: state(cloud, "held") == "ALARM")
        rest(cloud, 8)
        assert described(cloud)["DesiredInstanceCount"] == 1
        scaling.register_scalable_target(**target, SuspendedState={"DynamicScalingOutSuspended": False})
        await_count(cloud, 2)
    cloud.client("cloudwatch").delete_alarms(AlarmNames=["held"])


def state(cloud: Cloud, name: str) -> Literal["OK", "ALARM", "INSUFFICIENT_DATA"]:
    (found,) = cloud.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    value: Literal["OK", "ALARM", "INSUFFICIENT_DATA"] = found["StateValue"]
    return value


def test_a_schedule_sets_bounds_and_capacity_follows(cloud: Cloud, target: Target) -> None:
    scaling = cloud.client("application-autoscaling")
    scaling.put_scheduled_action(
        **target, ScheduledActionName="morning", Schedule="rate(1 minute)",
        ScalableTargetAction={"MinCapacity": 2, "MaxCapacity": 2},
    )  # fmt: skip
    await_count(cloud, 2)
    scaling.delete_scheduled_action(**target, ScheduledActionName="morning")
    (found,) = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    assert (found["MinCapacity"], found["MaxCapacity"]) == (2, 2)
    done = activities(cloud, target)
    by_schedule = next(
        item for item in done if item["Description"] == "Setting min capacity to 2 and max capacity to 2"
    )
    assert by_schedule["Cause"] == "scheduled action name morning was triggered"
    assert "minimum capacity was set to 2" in {item["Cause"] for item in done}
    scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=1)
    await_count(cloud, 1)
    assert activities(cloud, target)[0]["Cause"] == "maximum capacity was set to 1"


def test_scaling_waits_for_a_deployment_and_survives_the_removal_of_its_variant(cloud: Cloud, target: Target) -> None:
    scaling, sagemaker = cloud.client("application-autoscaling"), cloud.client("sagemaker")
    other = target | {"ResourceId": "endpoint/served/variant/B"}
    scaling.register_scalable_target(**other, MinCapacity=1, MaxCapacity=3)
    scaling.put_scaling_policy(
        **other, PolicyName="load", PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 3.0,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
        },
    )  # fmt: skip
    sagemaker.update_endpoint(EndpointName="served", EndpointConfigName="one", RetainAllVariantProperties=True)
    scaling.register_scalable_target(**target, MinCapacity=2)
    scaling.register_scalable_target(**other, MinCapacity=2)
    assert cloud.settle("served")["EndpointConfigName"] == "one"
    await_count(cloud, 2)
    until(lambda: len(scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]) == 1)
    until(lambda: cloud.client("cloudwatch").describe_alarms()["MetricAlarms"] == [])
    assert finished(cloud, target)["StatusCode"] == "Successful"
    assert activities(cloud, other) == []


def test_what_cannot_scale_is_refused(cloud: Cloud, target: Target) -> None:
    scaling = cloud.client("application-autoscaling")

    def refused(message: str, **changes: Any) -> None:
        with pytest.raises(ClientError, match=message) as caught:
            scaling.register_scalable_target(**target | changes)
        assert caught.value.response["Error"]["Code"] == "ValidationException"

    refused("Could not find endpoint", ResourceId="endpoint/none/variant/A", MinCapacity=1, MaxCapacity=1)
    refused("Could not find variant C", ResourceId="endpoint/served/variant/C", MinCapacity=1, MaxCapacity=1)
    other = {"ScalableDimension": "sagemaker:variant:DesiredProvisionedConcurrency"}
    refused("does not scale sagemaker:variant:DesiredProvisionedConcurrency", **other, MinCapacity=1, MaxCapacity=1)
    refused("cannot be less than 1", MinCapacity=0)
    refused("Maximum capacity cannot be less than minimum", MinCapacity=4)


def test_the_quota_fails_an_activity_and_the_capacity_stays(cloud: Cloud, target: Target) -> None:
    scaling = cloud.client("application-autoscaling")
    scaling.register_scalable_target(**target, MinCapacity=50, MaxCapacity=50)
    failed = until(lambda: [item for item in activities(cloud, target) if item["StatusCode"] == "Failed"])[0]
    assert failed["StatusMessage"].startswith("Failed to set desired instance count to 50. Reason: The account-level")
    assert "Error Code: ResourceLimitExceeded" in failed["StatusMessage"]
    assert described(cloud)["DesiredInstanceCount"] == 1


def targets(cloud: Cloud) -> list[dict[str, Any]]:
    scaling = cloud.client("application-autoscaling")
    found: list[dict[str, Any]] = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    return found


def test_the_deletion_of_an_endpoint_deregisters_its_variants(cloud: Cloud) -> None:
    scaling = cloud.client("application-autoscaling")
    identity = {"ServiceNamespace": "sagemaker", "ResourceId": "endpoint/served/variant/A"}
    identity["ScalableDimension"] = DIMENSION
    scaling.register_scalable_target(**identity, MinCapacity=1, MaxCapacity=3)
    step_policy(cloud, identity, "late", 1)
    cloud.settle("served")
    cloud.client("sagemaker").delete_endpoint(EndpointName="served")
    until(lambda: not targets(cloud))
    assert scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"] == []


def test_a_reset_forgets_everything_and_scaling_goes_on(cloud: Cloud) -> None:
    urllib.request.urlopen(urllib.request.Request(f"{cloud.url}/_ministack/reset", method="POST"), timeout=60).close()
    prepare(cloud)
    assert targets(cloud) == []
    identity = {"ServiceNamespace": "sagemaker", "ResourceId": "endpoint/served/variant/B"}
    scaling = cloud.client("application-autoscaling")
    scaling.register_scalable_target(**identity, ScalableDimension=DIMENSION, MinCapacity=2, MaxCapacity=2)
    await_count(cloud, 2, "B")
    urllib.request.urlopen(urllib.request.Request(f"{cloud.url}/_ministack/reset", method="POST"), timeout=60).close()
    assert targets(cloud) == []
    assert activities(cloud, identity) == []


def test_no_target_met_an_error_in_the_background(cloud: Cloud, log: Path) -> None:
    assert cloud.process.poll() is None
    assert "cannot be looked after;" not in log.read_text()
