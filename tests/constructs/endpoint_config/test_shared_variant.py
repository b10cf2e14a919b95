from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Duration, Size, Stack

from ml_constructs.endpoint_config.instance_pools import InstancePool
from ml_constructs.endpoint_config.routing import Routing
from ml_constructs.endpoint_config.shared_variant import ScaleIn, SharedVariant
from tests.constructs.builders import IMPORTED, number, properties, text
from tests.constructs.component_builders import shared, shared_variant

CONFIG = "AWS::SageMaker::EndpointConfig"
RESERVATION = "arn:aws:sagemaker:eu-west-1:111122223333:training-plan/one"


def rendered(stack: Stack, **options: Any) -> dict[str, Any]:  # noqa: ANN401
    shared(stack, variant=SharedVariant(**{"instance_type": "ml.m5.xlarge", **options}))
    (variant,) = properties(stack, CONFIG)["ProductionVariants"]
    return dict(variant)


def test_has_neither_model_nor_weight(stack: Stack) -> None:
    assert rendered(stack) == {"VariantName": "main", "InstanceType": "ml.m5.xlarge", "InitialInstanceCount": 2}


def test_everything_is_rendered(stack: Stack) -> None:
    variant = rendered(
        stack,
        name="gpu",
        instance_count=3,
        max_instances=5,
        min_instances=1,
        scale_in=ScaleIn.consolidation(max_step=2, cooldown=Duration.minutes(30)),
        volume_size=Size.gibibytes(100),
        inference_ami_version="al2-ami-sagemaker-inference-gpu-2",
        provision_timeout=Duration.minutes(10),
        routing=Routing.least_outstanding_requests(),
        capacity_reservation_arn=RESERVATION,
    )
    assert variant == {
        "VariantName": "gpu",
        "InstanceType": "ml.m5.xlarge",
        "InitialInstanceCount": 3,
        "ManagedInstanceScaling": {
            "Status": "ENABLED",
            "MinInstanceCount": 1,
            "MaxInstanceCount": 5,
            "ScaleInPolicy": {"Strategy": "CONSOLIDATION", "MaximumStepSize": 2, "CooldownInMinutes": 30},
        },
        "VolumeSizeInGB": 100,
        "InferenceAmiVersion": "al2-ami-sagemaker-inference-gpu-2",
        "VariantInstanceProvisionTimeoutInSeconds": 600,
        "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
        "CapacityReservationConfig": {
            "CapacityReservationPreference": "capacity-reservations-only",
            "MlReservationArn": RESERVATION,
        },
    }


def test_pools_stand_for_the_type(stack: Stack) -> None:
    pools = [InstancePool(instance_type="ml.g5.xlarge"), InstancePool(instance_type="ml.g6.xlarge")]
    variant = rendered(stack, instance_type=None, instance_pools=pools)
    assert "InstanceType" not in variant
    assert [pool["InstanceType"] for pool in variant["InstancePools"]] == ["ml.g5.xlarge", "ml.g6.xlarge"]


def test_keeps_what_it_starts_with_unless_told(stack: Stack) -> None:
    scaling = rendered(stack, instance_count=3, max_instances=9)["ManagedInstanceScaling"]
    assert scaling == {"Status": "ENABLED", "MinInstanceCount": 3, "MaxInstanceCount": 9}


GOOD: list[dict[str, Any]] = [
    {"instance_count": 1},
    {"max_instances": 2},
    {"min_instances": 0},
    {"min_instances": 2, "max_instances": 2},
    {"scale_in": ScaleIn.idle_release()},
    {"scale_in": ScaleIn.consolidation(max_step=1, cooldown=Duration.minutes(5))},
    {"scale_in": ScaleIn.consolidation(max_step=100, cooldown=Duration.minutes(1440))},
    {"volume_size": Size.gibibytes(1)},
    {"volume_size": Size.gibibytes(512)},
    {"provision_timeout": Duration.seconds(300)},
    {"provision_timeout": Duration.seconds(3600)},
]


@pytest.mark.parametrize("options", GOOD)
def test_accepts_the_edges(options: dict[str, Any]) -> None:
    shared_variant(**options)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"name": "a_b"}, "name must be at most 63 letters, digits and inner hyphens, got 'a_b'"),
    ({"instance_type": "m5.large"}, "instance_type must be an ML instance type such as ml.m5.large, got 'm5.large'"),
    ({"instance_count": 0}, "instance_count must be between 1 and 2,147,483,647, got 0"),
    ({"instance_count": 5}, "instance_count must be between min_instances and max_instances, 5 and 4, got 5|at least"),
    ({"instance_count": 1, "min_instances": 2}, "instance_count must be between .* 2 and 4, got 1"),
    ({"max_instances": 0}, "max_instances must be between 1 and 2,147,483,647, got 0"),
    ({"min_instances": -1}, "min_instances must be between 0 and 2,147,483,647, got -1"),
    ({"min_instances": 5}, "max_instances must be at least min_instances, 5, got 4"),
    ({"min_instances": 1, "max_instances": None}, "min_instances must only be given with max_instances, got 1"),
    ({"scale_in": ScaleIn.idle_release(), "max_instances": None}, "scale_in must only be given with max_instances"),
    ({"volume_size": Size.gibibytes(513)}, "volume_size must be between 1 and 512 GiB, got 513"),
    ({"instance_type": "ml.g5.xlarge", "volume_size": Size.gibibytes(9)}, "volume_size must not be set for ml.g5"),
    ({"inference_ami_version": "new"}, "inference_ami_version must be one of .*, got 'new'"),
    ({"provision_timeout": Duration.seconds(299)}, "provision_timeout must be between 300 and 3,600 .* got 299"),
    ({"capacity_reservation_arn": "x"}, "capacity_reservation_arn must be the ARN of an ML capacity reservation"),
    ({"instance_pools": [InstancePool(instance_type="ml.m5.large")]}, "instance_type must not be given beside"),
    (
        {"instance_type": None, "instance_pools": [InstancePool(instance_type="ml.m5.large", model=IMPORTED)]},
        "instance_pools must have no models, which components bring, got one for ml.m5.large",
    ),
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_refuses_what_sagemaker_does(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        shared_variant(**options)


def test_needs_a_type() -> None:
    with pytest.raises(TypeError, match="instance_type must be given, or instance_pools, got None"):
        SharedVariant()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_step": 0}, "max_step must be between 1 and 100, got 0"),
        ({"max_step": 101}, "max_step must be between 1 and 100, got 101"),
        ({"cooldown": Duration.minutes(4)}, "cooldown must be between 5 and 1,440 whole minutes, got 4 minutes"),
        ({"cooldown": Duration.minutes(1441)}, "cooldown must be between 5 and 1,440 whole minutes, got 1441"),
        ({"cooldown": Duration.seconds(330)}, "cooldown must be between 5 and 1,440 whole minutes, got 5.5"),
    ],
)
def test_scale_in_refuses(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ScaleIn.consolidation(**options)


def test_idle_release_takes_nothing() -> None:
    with pytest.raises(ValueError, match="max_step must not be given for IDLE_RELEASE, got 1"):
        ScaleIn(strategy="IDLE_RELEASE", max_step=1)
    with pytest.raises(ValueError, match="strategy must be one of IDLE_RELEASE, CONSOLIDATION, got 'NEVER'"):
        ScaleIn(strategy="NEVER")  # type: ignore[arg-type] # what is refused


def test_tokens_pass(stack: Stack) -> None:
    late = number(stack)
    variant = rendered(
        stack,
        name=text(stack),
        instance_count=late,
        max_instances=late,
        min_instances=late,
        scale_in=ScaleIn.consolidation(max_step=late, cooldown=Duration.minutes(late)),
        volume_size=Size.gibibytes(late),
        provision_timeout=Duration.seconds(late),
    )
    assert variant["ManagedInstanceScaling"]["ScaleInPolicy"]["CooldownInMinutes"] == {"Ref": "Number"}
    assert variant["VolumeSizeInGB"] == {"Ref": "Number"}


def test_tokens_must_have_the_unit_of_cloudformation(stack: Stack) -> None:
    late = number(stack)
    with pytest.raises(ValueError, match="cooldown must be given in minutes where known only at deployment"):
        ScaleIn.consolidation(cooldown=Duration.seconds(late))
    with pytest.raises(ValueError, match="volume_size must be given in GiB where known only at deployment"):
        shared_variant(volume_size=Size.mebibytes(late))


def test_vcpus() -> None:
    assert shared_variant().vcpus == 4
    pools = [InstancePool(instance_type="ml.m5.xlarge"), InstancePool(instance_type="ml.m5.2xlarge")]
    assert shared_variant(instance_type=None, instance_pools=pools).vcpus is None
