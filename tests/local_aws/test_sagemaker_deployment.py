# ruff: noqa: ANN401 - boto3 has no types
from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any, Self

import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # ships no types

from tests.local_aws.sagemaker_harness import Emulator

READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::models/*"}
PERCENT = "CAPACITY_PERCENT"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("cloud"), LOCAL_AWS_STARTUP_SECONDS="10") as emulator:
        url = emulator.put_model("model.tar.gz")
        role = emulator.role("execution", READ)
        emulator.model("blue", role, url, TAG="blue")
        emulator.model("green", role, url, TAG="green")
        emulator.model("broken", role, url, FAIL="1")
        emulator.model("failing", role, url, TAG="failing", ALWAYS_FAIL="1")
        emulator.config("blue", variant("blue", InitialInstanceCount=2))
        emulator.config("green", variant("green", InitialInstanceCount=2))
        emulator.config("broken", variant("broken"))
        emulator.config("failing", variant("failing"))
        emulator.client("cloudwatch").put_metric_alarm(
            AlarmName="errors", Namespace="AWS/SageMaker", MetricName="Invocation5XXErrors", Statistic="Sum",
            Dimensions=[{"Name": "EndpointName", "Value": "served"}, {"Name": "VariantName", "Value": "A"}],
            Period=60, EvaluationPeriods=1, Threshold=0, ComparisonOperator="GreaterThanThreshold",
        )  # fmt: skip
        yield emulator


@pytest.fixture
def served(cloud: Emulator) -> Iterator[Emulator]:
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_endpoint(EndpointName="served", EndpointConfigName="blue")
    cloud.settle("served")
    yield cloud
    cloud.settle("served")
    sagemaker.delete_endpoint(EndpointName="served")
    while sagemaker.list_endpoints()["Endpoints"]:
        time.sleep(0.05)


def variant(model: str, **members: Any) -> dict[str, Any]:
    return {"VariantName": "A", "ModelName": model, **members}


def blue_green(kind: str, wait: int = 60, **members: Any) -> dict[str, Any]:
    routing = {"Type": kind, "WaitIntervalInSeconds": wait, **members}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 0}}


class Traffic:
    """Sends requests from two callers until it leaves the block; tells who answered, and what went wrong."""

    def __init__(self, cloud: Emulator) -> None:
        self._cloud = cloud
        self._stop = threading.Event()
        self.answers: list[tuple[float, str]] = []
        self.errors: list[str] = []
        self._threads = [threading.Thread(target=self._run) for _ in range(2)]

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.answers.append((time.monotonic(), self._cloud.invoke("served")["Body"]["tag"]))
            except ClientError as error:
                self.errors.append(str(error))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def update(cloud: Emulator, config: str, **members: Any) -> dict[str, Any]:
    cloud.client("sagemaker").update_endpoint(EndpointName="served", EndpointConfigName=config, **members)
    return cloud.settle("served")


@pytest.mark.parametrize(
    "policy",
    [
        None,
        blue_green("ALL_AT_ONCE"),
        blue_green("CANARY", CanarySize={"Type": PERCENT, "Value": 20}),
        blue_green("LINEAR", LinearStepSize={"Type": PERCENT, "Value": 34}),
        {"RollingUpdatePolicy": {"MaximumBatchSize": {"Type": PERCENT, "Value": 50}, "WaitIntervalInSeconds": 60}},
    ],
    ids=["default", "all at once", "canary", "linear", "rolling"],
)
def test_a_deployment_loses_no_request(served: Emulator, policy: dict[str, Any] | None) -> None:
    with Traffic(served) as traffic:
        time.sleep(0.3)
        served.client("sagemaker").update_endpoint(
            EndpointName="served",
            EndpointConfigName="green",
            **({} if policy is None else {"DeploymentConfig": policy}),
        )
        pending = served.client("sagemaker").describe_endpoint(EndpointName="served")
        described = served.settle("served")
        time.sleep(0.3)
    assert traffic.errors == []
    assert (pending["EndpointStatus"], pending["EndpointConfigName"]) == ("Updating", "blue")
    assert pending["PendingDeploymentSummary"]["EndpointConfigName"] == "green"
    assert described["EndpointConfigName"] == "green"
    assert "FailureReason" not in described
    assert "PendingDeploymentSummary" not in described
    assert described["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    assert traffic.answers[0][1] == "blue"
    assert traffic.answers[-1][1] == "green"
    assert {served.invoke("served")["Body"]["tag"] for _ in range(10)} == {"green"}


def test_a_canary_gets_its_share_while_it_bakes(served: Emulator) -> None:
    policy = blue_green("CANARY", 180, CanarySize={"Type": PERCENT, "Value": 20})
    served.client("sagemaker").update_endpoint(
        EndpointName="served", EndpointConfigName="green", DeploymentConfig=policy
    )
    while served.invoke("served")["Body"]["tag"] != "green":
        pass
    tags = Counter(served.invoke("served")["Body"]["tag"] for _ in range(100))
    assert 5 <= tags["green"] <= 40
    assert tags["blue"] >= 60
    served.settle("served")
    assert served.invoke("served")["Body"]["tag"] == "green"


@pytest.mark.parametrize(
    "policy",
    [
        {},
        blue_green("CANARY", CanarySize={"Type": PERCENT, "Value": 50}),
        {"RollingUpdatePolicy": {"MaximumBatchSize": {"Type": PERCENT, "Value": 50}, "WaitIntervalInSeconds": 60}},
    ],
    ids=["default", "canary", "rolling"],
)
def test_a_broken_container_leaves_the_old_fleet_serving(served: Emulator, policy: dict[str, Any]) -> None:
    pid = served.invoke("served")["Body"]["pid"]
    with Traffic(served) as traffic:
        described = update(served, "broken", **({"DeploymentConfig": policy} if policy else {}))
    assert traffic.errors == []
    assert described["EndpointStatus"] == "InService"
    assert described["EndpointConfigName"] == "blue"
    assert "did not pass the ping health check" in described["FailureReason"]
    assert pid in {served.invoke("served")["Body"]["pid"] for _ in range(20)}
    assert "FailureReason" not in update(served, "green")


@pytest.mark.parametrize(
    "policy",
    [
        blue_green("CANARY", 600, CanarySize={"Type": PERCENT, "Value": 50}),
        {
            "RollingUpdatePolicy": {
                "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1},
                "WaitIntervalInSeconds": 600,
            }
        },
    ],
    ids=["canary", "rolling"],
)
def test_an_alarm_rolls_back(served: Emulator, policy: dict[str, Any]) -> None:
    cloudwatch = served.client("cloudwatch")
    cloudwatch.set_alarm_state(AlarmName="errors", StateValue="OK", StateReason="test")
    policy = {**policy, "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]}}
    config = "failing-two" if "RollingUpdatePolicy" in policy else "failing"
    if config == "failing-two":
        served.config(config, variant("failing", InitialInstanceCount=2))
    with Traffic(served) as traffic:
        described = update(served, config, DeploymentConfig=policy)
    assert described["EndpointStatus"] == "InService"
    assert described["EndpointConfigName"] == "blue"
    assert "errors" in described["FailureReason"]
    assert traffic.errors
    assert [error for error in traffic.errors if "does not like this" not in error] == []
    assert {served.invoke("served")["Body"]["tag"] for _ in range(10)} == {"blue"}
    assert described["ProductionVariants"][0]["CurrentInstanceCount"] == 2


def test_an_alarm_must_exist(served: Emulator) -> None:
    policy = {**blue_green("ALL_AT_ONCE"), "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "none"}]}}
    with pytest.raises(ClientError, match="Could not find alarm none"):
        update(served, "green", DeploymentConfig=policy)


@pytest.mark.parametrize(
    ("excluded", "expected"),
    [((), (5, 1)), (("DesiredWeight",), (1, 1)), (("DesiredInstanceCount",), (5, 2)), (None, (1, 2))],
)
def test_properties_of_variants_are_retained(
    served: Emulator, excluded: tuple[str, ...] | None, expected: tuple[float, int]
) -> None:
    change = [{"VariantName": "A", "DesiredWeight": 5, "DesiredInstanceCount": 1}]
    sagemaker = served.client("sagemaker")
    sagemaker.update_endpoint_weights_and_capacities(EndpointName="served", DesiredWeightsAndCapacities=change)
    served.settle("served")
    members: dict[str, Any] = {} if excluded is None else {"RetainAllVariantProperties": True}
    if excluded:
        members["ExcludeRetainedVariantProperties"] = [{"VariantPropertyType": kind} for kind in excluded]
    found = update(served, "green", **members)["ProductionVariants"][0]
    assert (found["CurrentWeight"], found["CurrentInstanceCount"]) == expected
