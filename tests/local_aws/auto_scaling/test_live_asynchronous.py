"""An asynchronous endpoint that goes to no instance when there is nothing to do, and comes back for a request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # ships no types

from tests.local_aws.auto_scaling.test_live import DIMENSION, SPEED, Cloud
from tests.local_aws.sagemaker_harness import READ, until

WORK = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::work/*"}
TARGET = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/patient/variant/A",
    "ScalableDimension": DIMENSION,
}
QUEUE: dict[str, Any] = {"Namespace": "AWS/SageMaker", "Dimensions": [{"Name": "EndpointName", "Value": "patient"}]}


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    directory: Path = tmp_path_factory.mktemp("patient")
    with Cloud(directory, LOCAL_AWS_SPEED=str(SPEED)) as cloud:
        cloud.client("s3").create_bucket(Bucket="work")
        cloud.model("model", cloud.role("execution", READ, WORK), cloud.put_model("model.tar.gz"))
        variant = {"VariantName": "A", "ModelName": "model"}
        output = {"OutputConfig": {"S3OutputPath": "s3://work/out", "S3FailurePath": "s3://work/lost"}}
        cloud.config("patient", variant, AsyncInferenceConfig=output)
        cloud.config("prompt", variant)
        for name in ("patient", "prompt"):
            cloud.client("sagemaker").create_endpoint(EndpointName=name, EndpointConfigName=name)
            assert cloud.settle(name)["EndpointStatus"] == "InService"
        yield cloud


def follow_the_queue(cloud: Cloud) -> None:
    """As AWS recommends it: by the backlog of each instance, and at once where there is none.

    https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-autoscale.html
    """
    scaling = cloud.client("application-autoscaling")
    scaling.register_scalable_target(**TARGET, MinCapacity=0, MaxCapacity=2)
    tracked = {**QUEUE, "MetricName": "ApproximateBacklogSizePerInstance", "Statistic": "Average"}
    scaling.put_scaling_policy(
        **TARGET, PolicyName="backlog", PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 5.0, "CustomizedMetricSpecification": tracked, "ScaleInCooldown": 0, "ScaleOutCooldown": 0,
        },
    )  # fmt: skip
    arn = scaling.put_scaling_policy(
        **TARGET, PolicyName="first", PolicyType="StepScaling",
        StepScalingPolicyConfiguration={
            "AdjustmentType": "ChangeInCapacity", "MetricAggregationType": "Average", "Cooldown": 60,
            "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
        },
    )["PolicyARN"]  # fmt: skip
    cloud.client("cloudwatch").put_metric_alarm(
        **QUEUE, AlarmName="first", MetricName="HasBacklogWithoutCapacity", Statistic="Average", Period=60,
        EvaluationPeriods=2, DatapointsToAlarm=2, Threshold=1, ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="missing", AlarmActions=[arn],
    )  # fmt: skip


def instances(cloud: Cloud) -> int:
    (one,) = cloud.client("sagemaker").describe_endpoint(EndpointName="patient")["ProductionVariants"]
    return int(one["CurrentInstanceCount"])


def invoke(cloud: Cloud, body: object) -> str:
    answer = cloud.client("sagemaker-runtime").invoke_endpoint_async(
        EndpointName="patient", ContentType="application/json", Body=json.dumps(body)
    )
    return str(answer["OutputLocation"])


def answered(cloud: Cloud, location: str) -> dict[str, Any] | None:
    bucket, _, key = location.removeprefix("s3://").partition("/")
    try:
        return dict(json.loads(cloud.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()))
    except ClientError:
        return None


def test_nothing_to_do_takes_all_instances_away_and_a_request_brings_one(patient: Cloud) -> None:
    follow_the_queue(patient)
    until(lambda: instances(patient) == 0)
    location = invoke(patient, {"n": 1})
    assert until(lambda: answered(patient, location))["data"] == {"n": 1}
    causes = [
        activity["Cause"]
        for activity in patient.client("application-autoscaling").describe_scaling_activities(**TARGET)[
            "ScalingActivities"
        ]
    ]
    assert any("triggered policy first" in cause for cause in causes)
    assert any("triggered policy backlog" in cause for cause in causes)
    until(lambda: instances(patient) == 0)


def test_a_long_queue_brings_instances_by_target_tracking_too(patient: Cloud) -> None:
    """The step policy is gone: what waits for no instance counts as if it waited for one."""
    follow_the_queue(patient)
    patient.client("cloudwatch").delete_alarms(AlarmNames=["first"])
    until(lambda: instances(patient) == 0)
    for location in [invoke(patient, {"n": number}) for number in range(12)]:
        assert until(partial(answered, patient, location))["tag"]


def test_only_asynchronous_variants_go_to_zero(patient: Cloud) -> None:
    scaling = patient.client("application-autoscaling")
    target = TARGET | {"ResourceId": "endpoint/prompt/variant/A"}
    with pytest.raises(ClientError, match="Minimum capacity cannot be less than 1"):
        scaling.register_scalable_target(**target, MinCapacity=0, MaxCapacity=1)
    serverless = {"MemorySizeInMB": 1024, "MaxConcurrency": 1}
    with patient.serving("lean", {"VariantName": "A", "ModelName": "model", "ServerlessConfig": serverless}):
        target = TARGET | {"ResourceId": "endpoint/lean/variant/A"}
        with pytest.raises(ClientError, match="is serverless, and has no instances"):
            scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=1)
