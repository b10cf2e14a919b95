"""Shadow variants: copies are sampled, measured and captured, and callers never notice."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # ships no types

from tests.local_aws.sagemaker.shadow import MOST_COPIES
from tests.local_aws.sagemaker_harness import Emulator, refusal, servers, until, variant
from tests.local_aws.sagemaker_metrics import INSTANCES, names, statistic
from tests.local_aws.sagemaker_traffic import Traffic

CAPTURE = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": "s3://shadowed/data",
    "CaptureOptions": [{"CaptureMode": "InputAndOutput"}],
    "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
}


@pytest.fixture(scope="module")
def shadowed(cloud: Emulator) -> Iterator[Emulator]:
    """Every request is copied."""
    cloud.client("s3").create_bucket(Bucket="shadowed")
    write = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::shadowed/*"}
    cloud.client("iam").put_role_policy(
        RoleName="execution",
        PolicyName="shadowed",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [write]}),
    )
    role = cloud.client("iam").get_role(RoleName="execution")["Role"]["Arn"]
    cloud.model("worse", role, "s3://models/model.tar.gz", TAG="worse", ALWAYS_FAIL="1")
    with cloud.serving(
        "Shadowed", variant("P", "champion"), shadows=[variant("S", "challenger")], DataCaptureConfig=CAPTURE
    ):
        yield cloud


def test_only_the_production_variant_answers(shadowed: Emulator) -> None:
    answers = [shadowed.invoke("Shadowed") for _ in range(20)]
    assert {(answer["InvokedProductionVariant"], answer["Body"]["tag"]) for answer in answers} == {("P", "champion")}
    error = refusal(lambda: shadowed.invoke("Shadowed", TargetVariant="S"))["Error"]
    assert (error["Code"], error["Message"]) == ("ValidationError", "Variant S not found for Request.")


def test_both_are_described(shadowed: Emulator) -> None:
    described = shadowed.client("sagemaker").describe_endpoint(EndpointName="Shadowed")
    assert [one["VariantName"] for one in described["ProductionVariants"]] == ["P"]
    (shadow,) = described["ShadowProductionVariants"]
    assert (shadow["VariantName"], shadow["CurrentInstanceCount"], shadow["CurrentWeight"]) == ("S", 1, 1.0)
    config = shadowed.client("sagemaker").describe_endpoint_config(EndpointConfigName="Shadowed")
    assert config["ShadowProductionVariants"][0]["ModelName"] == "challenger"


def test_copies_are_measured_as_invocations_of_the_shadow(shadowed: Emulator) -> None:
    for _ in range(5):
        shadowed.invoke("Shadowed")
    until(lambda: (statistic(shadowed, "Invocations", "Shadowed", "S") or 0) >= 5)
    assert names(shadowed, "Shadowed", "S") == names(shadowed, "Shadowed", "P")
    until(lambda: names(shadowed, "Shadowed", "S", INSTANCES) == names(shadowed, "Shadowed", "P", INSTANCES) != set())


def test_copies_and_their_answers_are_captured(shadowed: Emulator) -> None:
    shadowed.invoke("Shadowed", {"n": 17}, InferenceId="captured")
    s3 = shadowed.client("s3")

    def captured(name: str) -> list[dict[str, Any]]:
        found = s3.list_objects_v2(Bucket="shadowed", Prefix=f"data/Shadowed/{name}/").get("Contents", [])
        texts = [s3.get_object(Bucket="shadowed", Key=one["Key"])["Body"].read() for one in found]
        lines = [json.loads(line) for text in texts for line in text.splitlines()]
        return [line for line in lines if line["eventMetadata"].get("inferenceId") == "captured"]

    tags = {"P": "champion", "S": "challenger"}
    for name, tag in tags.items():
        line = until(lambda name=name: captured(name))[0]  # type: ignore[misc]  # a default binds the name
        assert json.loads(line["captureData"]["endpointInput"]["data"]) == {"n": 17}
        assert json.loads(line["captureData"]["endpointOutput"]["data"])["tag"] == tag


def test_a_part_of_the_requests_is_copied_by_weight(cloud: Emulator, shadowed: Emulator) -> None:
    del shadowed
    with cloud.serving("sampled", variant("P", "champion", 4), shadows=[variant("S", "challenger", 1)]):
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: cloud.invoke("sampled"), range(200)))
        until(lambda: statistic(cloud, "Invocations", "sampled", "P") == 200)
        copied = until(lambda: statistic(cloud, "Invocations", "sampled", "S"))
        assert 20 <= copied <= 80


def test_a_shadow_that_fails_is_counted_and_no_caller_notices(cloud: Emulator, shadowed: Emulator) -> None:
    del shadowed
    with cloud.serving("unequal", variant("P", "champion"), shadows=[variant("S", "worse")]):
        for _ in range(5):
            assert cloud.invoke("unequal")["Body"]["tag"] == "champion"
        until(lambda: statistic(cloud, "Invocation5XXErrors", "unequal", "S") == 5)
        assert statistic(cloud, "Invocation5XXErrors", "unequal", "P") == 0


def test_a_shadow_that_hangs_or_dies_costs_its_callers_nothing(cloud: Emulator) -> None:
    others = servers(cloud)
    with cloud.serving("haunted", variant("P", "champion"), shadows=[variant("S", "challenger")]):
        mine = servers(cloud) - others
        answering = cloud.invoke("haunted")["Body"]["pid"]
        (shadow,) = mine - {answering}
        with Traffic(cloud, "haunted", callers=6) as traffic:
            os.kill(shadow, signal.SIGSTOP)  # it takes requests, and says nothing
            until(lambda: len(traffic.answers) > MOST_COPIES + 50)  # more than may be under way
            os.kill(shadow, signal.SIGCONT)
            os.kill(shadow, signal.SIGKILL)
            answered = len(traffic.answers)
            until(lambda: len(traffic.answers) > answered + 50)
            until(lambda: servers(cloud) - others - mine)  # it is replaced
        assert traffic.errors == []
        assert {answer["pid"] for answer in traffic.answers} == {answering}


def test_a_shadow_that_never_starts_again_does_not_keep_the_other_from_doing_so(cloud: Emulator) -> None:
    others = servers(cloud)
    with cloud.serving("uneven", variant("P", "champion"), shadows=[variant("S", "challenger")]):
        mine = servers(cloud) - others
        answering = cloud.invoke("uneven", {"n": 1})["Body"]["pid"]
        (shadow,) = mine - {answering}
        (Path(f"/proc/{shadow}/cwd").resolve() / "never").touch()  # whoever starts there waits for ever
        os.kill(shadow, signal.SIGKILL)
        until(lambda: servers(cloud) - others - mine)  # the one that will not come up
        os.kill(answering, signal.SIGKILL)

        def answers_again() -> bool:
            try:
                return cloud.invoke("uneven")["Body"]["pid"] not in mine
            except ClientError:
                return False

        until(answers_again)
        shadows = cloud.client("sagemaker").describe_endpoint(EndpointName="uneven")["ShadowProductionVariants"]
        assert shadows[0]["CurrentInstanceCount"] == 0


@pytest.mark.parametrize(
    ("variants", "shadows", "members"),
    [
        ([("P", {}), ("Q", {})], [("S", {})], {}),
        ([("P", {})], [("S", {}), ("T", {})], {}),
        ([("P", {})], [("S", {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}})], {}),
        ([("P", {})], [("S", {})], {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://models/out"}}}),
        ([("P", {})], [("P", {})], {}),
    ],
    ids=["two production variants", "two shadows", "serverless", "asynchronous", "one name"],
)
def test_what_aws_does_not_put_together_is_refused(
    cloud: Emulator,
    variants: list[tuple[str, dict[str, Any]]],
    shadows: list[tuple[str, dict[str, Any]]],
    members: dict[str, Any],
) -> None:
    production = [variant(name, "champion", **more) for name, more in variants]
    others = [variant(name, "challenger", **more) for name, more in shadows]
    error = refusal(lambda: cloud.config("refused", *production, shadows=others, **members))["Error"]
    assert error["Code"] == "ValidationException"
    assert refusal(lambda: cloud.client("sagemaker").describe_endpoint_config(EndpointConfigName="refused"))
