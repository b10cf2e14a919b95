# ruff: noqa: ANN401 - boto3 has no types
"""UpdateEndpoint: all at once, canary, linear and rolling, and rolled back by alarms and by containers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # ships no types

from tests.local_aws.sagemaker_harness import Emulator, until, variant
from tests.local_aws.sagemaker_traffic import Traffic

PERCENT = "CAPACITY_PERCENT"
LONG = 3600  # seconds of AWS: longer than what ends it takes, however busy the machine


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """While it is missing, no container of the model `green` comes up."""
    path = tmp_path_factory.mktemp("green") / "gate"
    path.touch()
    return path


@pytest.fixture(scope="module")
def prepared(cloud: Emulator, gate: Path) -> Emulator:
    role = cloud.client("iam").get_role(RoleName="execution")["Role"]["Arn"]
    for tag in ("blue", "green"):
        cloud.model(tag, role, "s3://models/model.tar.gz", TAG=tag, **({"GATE": str(gate)} if tag == "green" else {}))
        cloud.config(tag, variant("A", tag, InitialInstanceCount=2))
    cloud.model("failing", role, "s3://models/model.tar.gz", TAG="failing", ALWAYS_FAIL="1")
    cloud.config("failing-canary", variant("C", "failing"))
    cloud.config("failing-rolling", variant("R", "failing", InitialInstanceCount=2))
    cloud.config("broken", variant("A", "broken"))
    return cloud


@pytest.fixture
def served(prepared: Emulator) -> Iterator[Emulator]:
    prepared.client("sagemaker").create_endpoint(EndpointName="served", EndpointConfigName="blue")
    prepared.settle("served")
    yield prepared
    prepared.remove("served")


def blue_green(kind: str, wait: int = 60, **members: Any) -> dict[str, Any]:
    routing = {"Type": kind, "WaitIntervalInSeconds": wait, **members}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 0}}


def rollback(cloud: Emulator, name: str, **metric: Any) -> dict[str, Any]:
    """Roll back when a metric is above zero."""
    cloud.client("cloudwatch").put_metric_alarm(
        AlarmName=name, Statistic="Sum", Period=300, EvaluationPeriods=1, Threshold=0,
        ComparisonOperator="GreaterThanThreshold", **metric,
    )  # fmt: skip
    return {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name}]}}


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
def test_a_deployment_loses_no_request(served: Emulator, gate: Path, policy: dict[str, Any] | None) -> None:
    with Traffic(served, "served") as traffic:
        until(lambda: traffic.answers)
        gate.unlink()
        served.client("sagemaker").update_endpoint(
            EndpointName="served",
            EndpointConfigName="green",
            **({} if policy is None else {"DeploymentConfig": policy}),
        )
        pending = served.client("sagemaker").describe_endpoint(EndpointName="served")
        gate.touch()
        described = served.settle("served")
        answered = len(traffic.answers)
        until(lambda: len(traffic.answers) > answered + 2)
    assert traffic.errors == []
    assert (pending["EndpointStatus"], pending["EndpointConfigName"]) == ("Updating", "blue")
    assert pending["PendingDeploymentSummary"]["EndpointConfigName"] == "green"
    assert described["EndpointConfigName"] == "green"
    assert "FailureReason" not in described
    assert "PendingDeploymentSummary" not in described
    assert described["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    assert traffic.tags()[0] == "blue"
    assert traffic.tags()[-1] == "green"
    assert {served.invoke("served")["Body"]["tag"] for _ in range(10)} == {"green"}


def test_a_canary_gets_its_share_while_it_bakes(served: Emulator) -> None:
    policy = {
        **blue_green("CANARY", LONG, CanarySize={"Type": PERCENT, "Value": 20}),
        **rollback(served, "enough", Namespace="Tests", MetricName="Seen"),
    }
    arguments = {"EndpointName": "served", "EndpointConfigName": "green", "DeploymentConfig": policy}
    served.client("sagemaker").update_endpoint(**arguments)
    until(lambda: served.invoke("served")["Body"]["tag"] == "green")
    tags = Counter(served.invoke("served")["Body"]["tag"] for _ in range(100))
    assert 5 <= tags["green"] <= 40
    assert tags["blue"] >= 60
    served.client("cloudwatch").put_metric_data(Namespace="Tests", MetricData=[{"MetricName": "Seen", "Value": 1}])
    assert served.settle("served")["EndpointConfigName"] == "blue"


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
    with Traffic(served, "served") as traffic:
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
        blue_green("CANARY", LONG, CanarySize={"Type": PERCENT, "Value": 50}),
        {
            "RollingUpdatePolicy": {
                "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1},
                "WaitIntervalInSeconds": LONG,
            }
        },
    ],
    ids=["canary", "rolling"],
)
def test_an_alarm_rolls_back(served: Emulator, policy: dict[str, Any]) -> None:
    kind = "rolling" if "RollingUpdatePolicy" in policy else "canary"
    dimensions = {"EndpointName": "served", "VariantName": kind[0].upper()}
    metric = {
        "Namespace": "AWS/SageMaker",
        "MetricName": "Invocation5XXErrors",
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }
    policy = {**policy, **rollback(served, f"errors-{kind}", **metric)}
    config = f"failing-{kind}"
    with Traffic(served, "served") as traffic:
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
