"""What AWS does not offer in an inference experiment is refused at synth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_s3 as s3

from ml_constructs.components.shared_endpoint import SharedEndpoint
from ml_constructs.endpoint_config.asynchronous import AsyncInference
from ml_constructs.endpoint_config.data_capture import DataCapture
from ml_constructs.endpoint_config.shared_variant import SharedVariant
from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.models.container import Container
from ml_constructs.models.model import Model
from ml_constructs.models.multi_model_data import MultiModelData
from tests.constructs.builders import XGBOOST, model, number, text, variant
from tests.constructs.experiments.test_experiment import challenger, endpoint, experiment, said
from tests.constructs.supply_builders import OTHER


def two(stack: Stack) -> Endpoint:
    return endpoint(stack, variants=[variant(), variant(name="other")])


def many(stack: Stack) -> Model:
    data = MultiModelData.from_bucket(s3.Bucket.from_bucket_name(stack, "Data", "data"), "models/")
    return Model(stack, "Many", containers=[Container(image=XGBOOST, model_data=data)])


def pipeline(stack: Stack) -> Model:
    return Model(stack, "Pipeline", containers=[Container(image=XGBOOST), Container(image=XGBOOST)])


def asynchronous(stack: Stack) -> Endpoint:
    return endpoint(stack, asynchronous=AsyncInference())


def serverless(stack: Stack) -> Any:  # noqa: ANN401
    return Endpoint.from_endpoint_attributes(stack, "Endpoint", endpoint_name="live", serverless=True)


def shared(stack: Stack) -> SharedEndpoint:
    return SharedEndpoint(stack, "Endpoint", variant=SharedVariant(name="main", instance_type="ml.m5.large"))


REFUSED: list[tuple[Callable[[Stack], dict[str, Any]], str]] = [
    (lambda stack: {"endpoint": two(stack)}, "endpoint must have one production variant .*, got only, other"),
    (lambda stack: {"endpoint": asynchronous(stack)}, "endpoint must not be asynchronous .*, got one that is"),
    (lambda stack: {"endpoint": serverless(stack)}, "endpoint must not be serverless .*, got one that is"),
    (lambda stack: {"endpoint": shared(stack)}, "endpoint must not be shared .*, got one that is"),
    (lambda stack: {"challenger": challenger(many(stack))}, "model of challenger must serve one model .*, got Multi"),
    (
        lambda stack: {"challenger": challenger(pipeline(stack))},
        "model of challenger must have one container .*, got 2",
    ),
    (
        lambda _: {"challenger": challenger(instance_type="ml.inf1.xlarge")},
        "instance_type of challenger must not be Inf1 .*, got 'ml.inf1.xlarge'",
    ),
    (
        lambda _: {"challenger": challenger(name="only")},
        "challenger must have another name than production, got 'only'",
    ),
    (
        lambda stack: {"endpoint": endpoint(stack, shadow=variant(name="shade"))},
        "challenger must be the variant that the endpoint has, 'shade', got 'new'",
    ),
    (lambda _: {"production": challenger(name="x")}, "production must be the variant .*, 'only', got 'x'"),
    (lambda _: {"sampling_percentage": 101}, "sampling_percentage must be between 0 and 100 percent, got 101"),
    (lambda _: {"sampling_percentage": -1}, "sampling_percentage must be between 0 and 100 percent, got -1"),
    (lambda _: {"conclusion": "stop"}, "conclusion must be one of keep-production, .*, got 'stop'"),
    (lambda _: {"reason": "Why not"}, "reason must not be given without conclusion, got 'Why not'"),
    (lambda _: {"description": "d" * 1025}, "description must have between 1 and 1,024 characters, got 1,025"),
    (lambda _: {"experiment_name": "a" * 121}, "experiment_name must be at most 120 letters, .*, got 'aaa"),
    (lambda _: {"capture": DataCapture()}, "capture must name its bucket .*, got None"),
]


@pytest.mark.parametrize(("options", "problem"), REFUSED)
def test_refuses_what_aws_would(stack: Stack, options: Callable[[Stack], dict[str, Any]], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        experiment(stack, **options(stack))


@pytest.mark.parametrize("how", [{"sampling_percentage": 99}, {"responses": False}])
def test_refuses_a_capture_that_experiments_do_not_have(stack: Stack, how: dict[str, Any]) -> None:
    bucket = s3.Bucket.from_bucket_name(stack, "Data", "data")
    with pytest.raises(ValueError, match=r"capture must keep .* in an inference experiment, got"):
        experiment(stack, capture=DataCapture(bucket=bucket, **how))


def test_at_the_edges(stack: Stack) -> None:
    tried = challenger(name="n" * 63, instance_count=1)
    experiment(stack, sampling_percentage=0, description="d" * 1024, challenger=tried)
    assert said(stack)["ShadowModeConfig"]["ShadowModelVariants"][0]["SamplingPercentage"] == 0


def test_tokens_pass(stack: Stack) -> None:
    token = text(stack)
    experiment(
        stack,
        sampling_percentage=number(stack),
        description=token,
        experiment_name=text(stack, "Name"),
        challenger=challenger(
            name=text(stack, "Variant"), instance_type=text(stack, "Type"), instance_count=number(stack, "N")
        ),
    )
    assert said(stack)["ShadowModeConfig"]["ShadowModelVariants"][0] == {
        "SamplingPercentage": {"Ref": "Number"},
        "ShadowModelVariantName": {"Ref": "Variant"},
    }
    assert said(stack)["Name"] == {"Ref": "Name"}


@pytest.mark.parametrize("count", [0, -1, 1.5, True, None])
def test_refuses_a_count_of_no_instances(count: Any) -> None:  # noqa: ANN401
    with pytest.raises((ValueError, TypeError), match="instance_count must be"):
        challenger(instance_count=count)


def test_an_imported_endpoint_does_not_tell_its_variant(stack: Stack) -> None:
    with pytest.raises(ValueError, match=r"production must be given where .*, got None"):
        experiment(stack, endpoint=Endpoint.from_endpoint_name(stack, "Imported", "live"))


def test_no_key_where_aws_forbids_it(stack: Stack) -> None:
    tried = challenger(instance_type="ml.g5.xlarge")
    live = endpoint(stack, variants=[variant(instance_type="ml.g5.xlarge")])
    experiment(stack, endpoint=live, challenger=tried)
    assert "KmsKey" not in said(stack)


def test_a_mixture_of_storage_is_decided(stack: Stack) -> None:
    tried = challenger(instance_type="ml.g5.xlarge")
    with pytest.raises(ValueError, match=r"encrypt_volumes must be given where .*ml.g5.xlarge.*[Gg]ot None"):
        experiment(stack, challenger=tried)
    other = Stack(App(), "Other")
    experiment(other, challenger=tried, encrypt_volumes=False)
    assert "KmsKey" not in said(other)


def test_a_key_is_needed_to_encrypt(stack: Stack) -> None:
    imported = Endpoint.from_endpoint_name(stack, "Imported", "live")
    with pytest.raises(ValueError, match=r"encrypt_volumes must not be True without a key, .*, got no key"):
        experiment(stack, endpoint=imported, production=challenger(name="old"), encrypt_volumes=True)


def test_another_account_is_refused(app: App) -> None:
    here = Stack(app, "Here", env=Environment(account="111122223333", region="eu-west-1"))
    there = Stack(app, "There", env=Environment(account=OTHER, region="eu-west-1"))
    with pytest.raises(ValueError, match="model of variant new must be in the account of what uses it"):
        experiment(here, challenger=challenger(model(there)))
