from __future__ import annotations

import re
from typing import Any

import botocore.session  # type: ignore[import-untyped]
import pytest
from aws_cdk import App, Duration, Size, Stack
from aws_cdk import aws_s3 as s3

from ml_constructs.endpoint_config.asynchronous import AsyncInference
from ml_constructs.endpoint_config.data_capture import DataCapture
from ml_constructs.endpoint_config.explainability import ClarifyExplainer, ShapBaseline
from ml_constructs.endpoint_config.serverless_variant import CONCURRENCY, EXCLUSIONS, MEMORY_MIB, ServerlessVariant
from ml_constructs.endpoints.deployment import Deployment
from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.models.container import Container
from ml_constructs.models.model import Model
from ml_constructs.models.model_data_source import ModelDataSource
from ml_constructs.models.multi_model_data import MultiModelData
from ml_constructs.network.inference_network import InferenceNetwork
from tests.constructs.builders import (
    IMPORTED,
    XGBOOST,
    model,
    number,
    properties,
    resources,
    text,
    variant,
    warnings,
)

SERVICE = botocore.session.get_session().get_service_model("sagemaker")
CONFIG = "AWS::SageMaker::EndpointConfig"


def serverless(**options: Any) -> ServerlessVariant:  # noqa: ANN401
    plain: dict[str, Any] = {"name": "only", "model": IMPORTED, "memory": Size.gibibytes(2), "max_concurrency": 20}
    return ServerlessVariant(**{**plain, **options})


def endpoint(stack: Stack, made: ServerlessVariant | None = None, **options: Any) -> Endpoint:  # noqa: ANN401
    return Endpoint(stack, "Endpoint", variants=[serverless() if made is None else made], **options)


def test_is_rendered_without_instances(stack: Stack) -> None:
    endpoint(stack, serverless(provisioned_concurrency=5))
    assert properties(stack, CONFIG)["ProductionVariants"] == [
        {
            "VariantName": "only",
            "ModelName": "some-model",
            "InitialVariantWeight": 1,
            "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 20, "ProvisionedConcurrency": 5},
        }
    ]


def test_data_at_rest_is_encrypted(stack: Stack) -> None:
    endpoint(stack)
    assert "KmsKeyId" in properties(stack, CONFIG)


@pytest.mark.parametrize("gib", range(1, 7))
def test_memory_in_whole_gib(stack: Stack, gib: int) -> None:
    endpoint(stack, serverless(memory=Size.gibibytes(gib)))
    (only,) = properties(stack, CONFIG)["ProductionVariants"]
    assert only["ServerlessConfig"]["MemorySizeInMB"] == 1024 * gib == MEMORY_MIB[gib - 1]


@pytest.mark.parametrize(
    ("memory", "got"),
    [
        (Size.gibibytes(0), "0"),
        (Size.mebibytes(1023), "0.999"),
        (Size.mebibytes(1536), "1.5"),
        (Size.gibibytes(7), "7"),
    ],
)
def test_refuses_other_memory(memory: Size, got: str) -> None:
    with pytest.raises(ValueError, match=rf"memory must be 1, 2, 3, 4, 5 or 6 GiB, got {re.escape(got)}"):
        serverless(memory=memory)


def test_limits_are_the_apis() -> None:
    shape = SERVICE.shape_for("ServerlessMemorySizeInMB").metadata
    assert (shape["min"], shape["max"]) == (MEMORY_MIB[0], MEMORY_MIB[-1])
    for name in ("ServerlessMaxConcurrency", "ServerlessProvisionedConcurrency"):
        assert SERVICE.shape_for(name).metadata == {"min": CONCURRENCY[0], "max": CONCURRENCY[1]}


def test_concurrency_at_and_beyond_the_edge() -> None:
    for most in (1, 200):
        assert serverless(max_concurrency=most, provisioned_concurrency=most)
    for wrong in (0, 201):
        with pytest.raises(ValueError, match=f"max_concurrency must be between 1 and 200, got {wrong}"):
            serverless(max_concurrency=wrong)
        with pytest.raises(ValueError, match=f"provisioned_concurrency must be between 1 and 200, got {wrong}"):
            serverless(max_concurrency=200, provisioned_concurrency=wrong)
    with pytest.raises(ValueError, match="provisioned_concurrency must be at most max_concurrency, 20, got 21"):
        serverless(provisioned_concurrency=21)


def test_takes_tokens(app: App, stack: Stack) -> None:
    value = number(stack)
    made = serverless(
        name=text(stack), memory=Size.mebibytes(value), max_concurrency=value, provisioned_concurrency=value
    )
    endpoint(stack, made)
    app.synth()
    (only,) = properties(stack, CONFIG)["ProductionVariants"]
    assert set(map(str, only["ServerlessConfig"].values())) == {str({"Ref": "Number"})}
    with pytest.raises(ValueError, match="memory must be given in MiB where known only at deployment, got a token"):
        serverless(memory=Size.gibibytes(value))


# What AWS excludes, https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html


def containers(count: int = 1, **options: Any) -> list[Container]:  # noqa: ANN401
    return [Container(image=XGBOOST, hostname=f"c{index}" if count > 1 else None, **options) for index in range(count)]


def bucket(stack: Stack, construct_id: str = "Bucket") -> s3.IBucket:
    return s3.Bucket.from_bucket_name(stack, construct_id, "example-models")


def excluded(stack: Stack, what: str) -> Model:
    if what == "network":
        return Model(stack, "M", containers=containers(), network=InferenceNetwork(stack, "N"), network_isolation=False)
    if what == "network_isolation":
        return model(stack)
    if what == "one container":
        return Model(stack, "M", containers=containers(2), network_isolation=False)
    data: MultiModelData | ModelDataSource = MultiModelData.from_bucket(bucket(stack), "models/")
    if what == "archive":
        data = ModelDataSource.from_prefix(bucket(stack, "Other"), "models/v1/", version="v1")
    return Model(stack, "M", containers=containers(model_data=data), network_isolation=False)


@pytest.mark.parametrize("what", ["network", "network_isolation", "one container", "one model", "archive"])
def test_refuses_models_that_aws_excludes(stack: Stack, what: str) -> None:
    with pytest.raises(ValueError, match=rf"^model must .*{what}.* serverless .*https.*, got "):
        serverless(model=excluded(stack, what))


def test_serves_a_plain_model(stack: Stack) -> None:
    endpoint(stack, serverless(model=model(stack, network_isolation=False)))
    assert "VpcConfig" not in properties(stack, "AWS::SageMaker::Model")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variants": [serverless(), serverless(name="b")]}, "variants must be one where it is serverless .* got 2"),
        ({"variants": [serverless(), variant(name="b")]}, "variants must be one where it is serverless .* got 2"),
        ({"data_capture": DataCapture()}, "data_capture must not be given for a serverless variant"),
        ({"shadow": variant(name="b")}, "shadow must not be given for a serverless variant"),
        ({"asynchronous": AsyncInference()}, "asynchronous must not be given for a serverless variant"),
        (
            {"explainer": ClarifyExplainer(baseline=ShapBaseline.inline("0"))},
            "explainer must not be given for a serverless variant",
        ),
        ({"deployment": Deployment.rolling()}, "deployment must not be rolling for a serverless variant"),
    ],
)
def test_refuses_what_aws_excludes(stack: Stack, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=rf"^{message}.*https|^{message} variants") as caught:
        Endpoint(stack, "Endpoint", **{"variants": [serverless()], **options})
    assert "https://docs.aws.amazon.com/sagemaker/latest/dg/" in str(caught.value)
    assert stack.node.try_find_child("Endpoint") is None


def test_points_to_what_aws_excludes() -> None:
    assert EXCLUSIONS.startswith("https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html")


# Deployment, alarms, scaling.


def test_updates_all_at_once_with_alarms(stack: Stack) -> None:
    endpoint(stack)
    config = properties(stack, "AWS::SageMaker::Endpoint")["DeploymentConfig"]
    assert config["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]["Type"] == "ALL_AT_ONCE"
    assert len(config["AutoRollbackConfiguration"]["Alarms"]) == 2
    watched = {each["Properties"]["MetricName"] for each in resources(stack, "AWS::CloudWatch::Alarm").values()}
    assert watched == {"Invocation5XXErrors", "ModelLatency"}
    assert not warnings(stack)


def test_warns_where_sagemaker_may_not_move_in_steps(stack: Stack) -> None:
    endpoint(stack, deployment=Deployment.canary(wait=Duration.minutes(5)))
    (warning,) = warnings(stack)
    assert "SageMaker may update the serverless variant only all at once" in warning


def test_provisioned_concurrency_scales(stack: Stack) -> None:
    made = endpoint(stack, serverless(provisioned_concurrency=2))
    made.auto_scale_concurrency(max_capacity=10).on_utilization(70)
    target = properties(stack, "AWS::ApplicationAutoScaling::ScalableTarget")
    assert target["ScalableDimension"] == "sagemaker:variant:DesiredProvisionedConcurrency"
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 10)
    assert "RetainAllVariantProperties" not in properties(stack, "AWS::SageMaker::Endpoint")
    with pytest.raises(ValueError, match="variant must be scaled once, got 'only' again"):
        made.auto_scale_concurrency(max_capacity=10)


def test_scaling_points_to_the_other_kind(stack: Stack) -> None:
    with pytest.raises(
        ValueError, match="variant must have instances, or be scaled by auto_scale_concurrency, got 'only'"
    ):
        endpoint(stack).auto_scale(max_capacity=10)
    instances = Endpoint(stack, "Instances", variants=[variant()])
    with pytest.raises(ValueError, match="variants must be serverless, or be scaled by auto_scale, got only"):
        instances.auto_scale_concurrency(max_capacity=10)


def test_knows_that_it_has_no_instances(stack: Stack) -> None:
    made = endpoint(stack)
    assert made.serverless
    assert made.variants[0].vcpus is None
    assert made.variants[0].instance_types == ()
