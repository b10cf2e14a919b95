from __future__ import annotations

from typing import Any

import botocore.session  # type: ignore[import-untyped]
import pytest
from aws_cdk import Stack

from ml_constructs.endpoint_config.instance_pools import POOLS, PRIORITY, PROVISION_SECONDS, InstancePool, check_pools
from ml_constructs.endpoint_config.instance_variant import InstanceVariant
from ml_constructs.endpoints.endpoint import Endpoint
from tests.constructs.builders import creation_order, model, properties, resources, synthesised

SERVICE = botocore.session.get_session().get_service_model("sagemaker")


def pool(instance_type: str = "ml.m5.large", **options: Any) -> InstancePool:  # noqa: ANN401
    return InstancePool(instance_type=instance_type, **options)


def test_limits_are_the_apis() -> None:
    for name, (low, high) in (
        ("InstancePoolList", POOLS),
        ("InstancePoolPriority", PRIORITY),
        ("VariantInstanceProvisionTimeoutInSeconds", PROVISION_SECONDS),
    ):
        assert SERVICE.shape_for(name).metadata == {"min": low, "max": high}


def test_one_to_five_pools() -> None:
    types = ["ml.m5.large", "ml.m6i.large", "ml.m7i.large", "ml.c5.large", "ml.c6i.large", "ml.c7i.large"]
    for count in (1, 5):
        check_pools([pool(each) for each in types[:count]])
    for count in (0, 6):
        with pytest.raises(ValueError, match=f"instance_pools must have between 1 and 5 members, got {count}"):
            check_pools([pool(each) for each in types[:count]])
    with pytest.raises(ValueError, match=r"must have different instance types, got ml\.m5\.large more than once"):
        check_pools([pool(), pool()])


def test_priorities_may_be_chosen(stack: Stack) -> None:
    pools = [pool(priority=5), pool("ml.c5.large", priority=1), pool("ml.c6i.large")]
    served = model(stack)
    Endpoint(stack, "Endpoint", variants=[InstanceVariant(name="only", model=served, instance_pools=pools)])
    (only,) = properties(stack, "AWS::SageMaker::EndpointConfig")["ProductionVariants"]
    assert [each["Priority"] for each in only["InstancePools"]] == [5, 1, 3]
    for wrong in (0, 6):
        with pytest.raises(ValueError, match=f"priority must be between 1 and 5, got {wrong}"):
            pool(priority=wrong)


def test_a_pools_own_model_may_write_logs_too(stack: Stack) -> None:
    pools = [pool(), pool("ml.c5.large", model=model(stack, "Compiled"))]
    variants = [InstanceVariant(name="only", model=model(stack, "Plain"), instance_pools=pools)]
    Endpoint(stack, "Endpoint", variants=variants)
    (only,) = properties(stack, "AWS::SageMaker::EndpointConfig")["ProductionVariants"]
    compiled, plain = (only["InstancePools"][1]["ModelNameOverride"], only["ModelName"])
    assert (compiled["Fn::GetAtt"][0][:8], plain["Fn::GetAtt"][0][:5]) == ("Compiled", "Plain")
    policies = [key for key in resources(stack, "AWS::IAM::ManagedPolicy") if key.startswith("EndpointonlyPolicy")]
    assert len(policies) == 2
    (endpoint,) = resources(stack, "AWS::SageMaker::Endpoint").values()
    assert set(policies) <= set(endpoint["DependsOn"])
    creation_order(synthesised(stack))
