"""What an endpoint's parts must not be together, at the edge and beyond."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_s3 as s3

from ml_constructs.endpoint_config.asynchronous import AsyncInference
from ml_constructs.endpoint_config.data_capture import DataCapture
from ml_constructs.endpoint_config.explainability import ClarifyExplainer, ShapBaseline
from ml_constructs.endpoint_config.instance_pools import InstancePool
from ml_constructs.endpoint_config.instance_variant import InstanceVariant
from ml_constructs.endpoints._rules import check_rolling, check_shadow, check_variants, key_on_volumes
from ml_constructs.endpoints.deployment import Deployment
from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.models.container import Container
from ml_constructs.models.model import Model
from ml_constructs.models.multi_model_data import MultiModelData
from tests.constructs.builders import IMPORTED, XGBOOST, number, text, variant


def test_takes_one_to_ten_variants() -> None:
    for count in (1, 10):
        check_variants([variant(name=f"v{index}") for index in range(count)])
    for count in (0, 11):
        with pytest.raises(ValueError, match=f"variants must have between 1 and 10 members, got {count}"):
            check_variants([variant(name=f"v{index}") for index in range(count)])


def test_refuses_two_variants_of_one_name() -> None:
    with pytest.raises(ValueError, match="variants must have unique names, got a more than once"):
        check_variants([variant(name="a"), variant(name="b"), variant(name="a")])


def test_refuses_variants_that_are_all_dark() -> None:
    with pytest.raises(ValueError, match="variants must have weights with a sum above 0, got 0"):
        check_variants([variant(name="a", weight=0), variant(name="b", weight=0)])


def test_a_weight_known_at_deployment_may_make_up_for_dark_variants(stack: Stack) -> None:
    check_variants([variant(name="a", weight=0), variant(name="b", weight=number(stack))])


def test_rolling_takes_one_variant() -> None:
    check_rolling(Deployment.rolling(), [variant()], None)
    for variants, shadow in (([variant(name="a"), variant(name="b")], None), ([variant(name="a")], variant(name="b"))):
        check_rolling(Deployment.canary(), variants, shadow)
        with pytest.raises(ValueError, match=r"deployment must not be rolling for several variants .* got 2 variants"):
            check_rolling(Deployment.rolling(), variants, shadow)


LOCAL = variant(name="local", instance_type="ml.g4dn.xlarge")
REMOTE = variant(name="remote")
POOLED = InstanceVariant(
    name="pooled",
    model=IMPORTED,
    instance_pools=[InstancePool(instance_type="ml.m5.large"), InstancePool(instance_type="ml.g4dn.xlarge")],
)


def test_the_key_encrypts_volumes_unless_refused() -> None:
    assert key_on_volumes([REMOTE], None)
    assert key_on_volumes([REMOTE], True)  # noqa: FBT003
    assert not key_on_volumes([REMOTE], False)  # noqa: FBT003


def test_no_key_for_local_storage() -> None:
    assert not key_on_volumes([LOCAL], None)
    assert not key_on_volumes([LOCAL, REMOTE], False)  # noqa: FBT003
    with pytest.raises(ValueError, match=r"encrypt_volumes must not be True .* \(ml\.g4dn\.xlarge\), got True"):
        key_on_volumes([LOCAL], True)  # noqa: FBT003


@pytest.mark.parametrize("variants", [[LOCAL, REMOTE], [POOLED]])
def test_mixed_storage_needs_a_decision(variants: list[InstanceVariant]) -> None:
    with pytest.raises(ValueError, match=r"encrypt_volumes must be given .* \(ml\.g4dn\.xlarge\) .* Got None"):
        key_on_volumes(variants, None)


# Shadow variants, https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests-exclusions.html


def several(stack: Stack) -> Model:
    containers = [Container(image=XGBOOST, hostname=name) for name in ("a", "b")]
    return Model(stack, "Several", containers=containers)


def many(stack: Stack) -> Model:
    bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "example-models")
    return Model(
        stack, "Many", containers=[Container(image=XGBOOST, model_data=MultiModelData.from_bucket(bucket, "m/"))]
    )


def test_one_beside_one() -> None:
    check_shadow([variant(name="a")], variant(name="b"))
    with pytest.raises(ValueError, match="variants must be one beside a shadow variant, got 2 variants"):
        check_shadow([variant(name="a"), variant(name="b")], variant(name="c"))
    with pytest.raises(ValueError, match="variants must have unique names, got a more than once"):
        check_shadow([variant(name="a")], variant(name="a"))


@pytest.mark.parametrize("weight", [0, 0.5, 2, 2.5])
def test_any_weight_is_a_share_of_the_requests(weight: float) -> None:
    check_shadow([variant(name="a", weight=2)], variant(name="b", weight=weight))


@pytest.mark.parametrize("shadowed", [True, False])
@pytest.mark.parametrize("served", [several, many])
def test_shadows_only_plain_models(stack: Stack, served: Any, shadowed: bool) -> None:  # noqa: ANN401, FBT001
    odd = variant(served(stack), "odd")
    pair = (variant(name="plain"), odd) if shadowed else (odd, variant(name="plain"))
    with pytest.raises(ValueError, match=r"^model of variant odd must .* shadow testing \(https.*\), got "):
        check_shadow(pair[:1], pair[1])


@pytest.mark.parametrize("shadowed", [True, False])
def test_shadows_no_inferentia_1(shadowed: bool) -> None:  # noqa: FBT001
    odd, plain = variant(name="odd", instance_type="ml.inf1.xlarge"), variant(name="plain")
    with pytest.raises(ValueError, match=r"^instance_type of variant odd must not be of family inf1 .* got 'ml\.inf1"):
        check_shadow(*(([plain], odd) if shadowed else ([odd], plain)))


def test_tokens_pass(stack: Stack) -> None:
    check_shadow([variant(name=text(stack))], variant(name="b", instance_type=text(stack, "Type")))


# Asynchronous endpoints, https://docs.aws.amazon.com/sagemaker/latest/dg/model-deploy-feature-matrix.html

EXPLAINER = ClarifyExplainer(baseline=ShapBaseline.inline("0,0"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variants": [variant(name="a"), variant(name="b")]}, "variants must be one on an asynchronous endpoint"),
        ({"shadow": variant(name="b")}, "asynchronous must not be given beside a shadow variant"),
        ({"data_capture": DataCapture()}, "data_capture must not be given for an asynchronous endpoint"),
        ({"explainer": EXPLAINER}, "explainer must not be given for an asynchronous endpoint"),
        (
            {"variants": [variant(instance_type="ml.inf1.xlarge")]},
            "instance_type of variant only must not be of family inf1 for an asynchronous endpoint",
        ),
    ],
)
def test_refuses_what_aws_excludes_from_asynchronous_endpoints(
    stack: Stack, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=rf"^{message}.*https://docs.aws.amazon.com/sagemaker/latest/dg/.*, got "):
        Endpoint(stack, "Endpoint", **{"variants": [variant()], "asynchronous": AsyncInference(), **options})
    assert stack.node.try_find_child("Endpoint") is None


@pytest.mark.parametrize("served", [several, many])
def test_asynchronous_endpoints_serve_plain_models(stack: Stack, served: Any) -> None:  # noqa: ANN401
    with pytest.raises(ValueError, match=r"^model of variant only must .* an asynchronous endpoint \(https.*\), got "):
        Endpoint(stack, "Endpoint", variants=[variant(served(stack))], asynchronous=AsyncInference())


@pytest.mark.parametrize("served", [several, many])
def test_real_time_endpoints_serve_any_model(stack: Stack, served: Any) -> None:  # noqa: ANN401
    Endpoint(stack, "Endpoint", variants=[variant(served(stack))], explainer=EXPLAINER)
