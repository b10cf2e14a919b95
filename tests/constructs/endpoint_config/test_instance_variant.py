from __future__ import annotations

import math
from dataclasses import FrozenInstanceError
from typing import Any

import botocore.session  # type: ignore[import-untyped]
import pytest
from aws_cdk import App, Duration, Size, Stack
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_constructs.endpoint_config._instances import MAX_RESERVATION_ARN
from ml_constructs.endpoint_config.instance_pools import InstancePool
from ml_constructs.endpoint_config.instance_variant import (
    INFERENCE_AMI_VERSIONS,
    NAME_PATTERN,
    InstanceVariant,
    construct_ids,
)
from ml_constructs.endpoint_config.routing import Routing
from ml_constructs.endpoints.endpoint import Endpoint
from tests.constructs.builders import IMPORTED, fresh, model, number, properties, text, variant

SERVICE = botocore.session.get_session().get_service_model("sagemaker")
HOSTING_TYPES: list[str] = SERVICE.shape_for("ProductionVariantInstanceType").enum

# Families of hosting types without volumes, by `volume_size_supported` of sagemaker-core 2.27.0 ...
SDK_LOCAL = {
    *("c5d", "c6gd", "dl1", "g4dn", "g5", "g6", "g6e", "g7e", "m5d", "m6gd", "p4d", "p4de", "p5", "p5e", "p5en"),
    *("p6-b200", "r5d", "r6gd", "r7gd", "trn1", "trn1n", "trn2"),
}
# ... and those that EC2 lists with NVMe instance store, though the SDK does not know them yet:
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-store-volumes.html
EC2_LOCAL = {"p6-b300", "p6e-gb200"}

# https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-types.html: the vCPUs by size, the same in all families
# that SageMaker hosts, but for two types.
VCPUS_BY_SIZE = {
    "medium": 1,
    "large": 2,
    "xlarge": 4,
    "2xlarge": 8,
    "4xlarge": 16,
    "6xlarge": 24,
    "8xlarge": 32,
    "9xlarge": 36,
    "10xlarge": 40,
    "12xlarge": 48,
    "16xlarge": 64,
    "18xlarge": 72,
    "24xlarge": 96,
    "32xlarge": 128,
    "36xlarge": 144,
    "48xlarge": 192,
}
VCPU_EXCEPTIONS = {"ml.t2.medium": 2, "ml.c4.8xlarge": 36}


def test_default_is_two_instances_with_an_even_share_and_both_timeouts(stack: Stack) -> None:
    Endpoint(stack, "Endpoint", variants=[variant()])
    assert properties(stack, "AWS::SageMaker::EndpointConfig")["ProductionVariants"] == [
        {
            "VariantName": "only",
            "ModelName": "some-model",
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 2,
            "InitialVariantWeight": 1,
            "ContainerStartupHealthCheckTimeoutInSeconds": 600,
            "ModelDataDownloadTimeoutInSeconds": 600,
        }
    ]


def test_every_argument_is_rendered(stack: Stack) -> None:
    every = variant(
        instance_count=3,
        weight=0.5,
        container_startup_timeout=Duration.minutes(2),
        model_download_timeout=Duration.minutes(3),
        volume_size=Size.gibibytes(64),
        inference_ami_version="al2-ami-sagemaker-inference-gpu-2",
    )
    Endpoint(stack, "Endpoint", variants=[every])
    (rendered,) = properties(stack, "AWS::SageMaker::EndpointConfig")["ProductionVariants"]
    assert rendered["InitialInstanceCount"] == 3
    assert rendered["InitialVariantWeight"] == 0.5
    assert rendered["ContainerStartupHealthCheckTimeoutInSeconds"] == 120
    assert rendered["ModelDataDownloadTimeoutInSeconds"] == 180
    assert rendered["VolumeSizeInGB"] == 64
    assert rendered["InferenceAmiVersion"] == "al2-ami-sagemaker-inference-gpu-2"


def test_weight_zero_stays_zero(stack: Stack) -> None:
    Endpoint(stack, "Endpoint", variants=[variant(), variant(name="dark", weight=0)])
    _, dark = properties(stack, "AWS::SageMaker::EndpointConfig")["ProductionVariants"]
    assert dark["InitialVariantWeight"] == 0


def test_is_a_frozen_value() -> None:
    assert variant() == variant()
    with pytest.raises(FrozenInstanceError):
        variant().name = "other"  # type: ignore[misc]


@pytest.mark.parametrize("name", ["a", "A-1", "a--b", "0", "a" * 63, "a" + "-" * 61 + "b"])
def test_accepts_names_that_sagemaker_accepts(name: str) -> None:
    assert variant(name=name).name == name


@pytest.mark.parametrize("name", ["", "-a", "a-", "a_b", "a b", "ä", "a" * 64, "a" + "-" * 62 + "b", "a\n"])
def test_refuses_other_names(name: str) -> None:
    with pytest.raises(ValueError, match=r"name must be at most 63 letters, digits and inner hyphens, got ") as error:
        variant(name=name)
    assert repr(name) in str(error.value)


def test_name_pattern_is_the_apis() -> None:
    shape = SERVICE.shape_for("VariantName")
    assert shape.metadata["pattern"] == "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"
    assert shape.metadata["max"] == 63
    assert NAME_PATTERN.startswith("(?!.{64})")


@pytest.mark.parametrize("instance_type", ["m5.large", "ml.m5", "ml.m5.huge", "ML.M5.LARGE", "ml.m5.large "])
def test_refuses_what_is_no_ml_instance_type(instance_type: str) -> None:
    with pytest.raises(ValueError, match=r"instance_type must be an ML instance type such as ml\.m5\.large, got '"):
        variant(instance_type=instance_type)


@pytest.mark.parametrize("count", [1, 2, 2**31 - 1])
def test_accepts_instance_counts(count: int) -> None:
    assert variant(instance_count=count).instance_count == count


@pytest.mark.parametrize("count", [0, -1, 2**31])
def test_refuses_instance_counts(count: int) -> None:
    with pytest.raises(ValueError, match=f"instance_count must be between 1 and 2,147,483,647, got {count}"):
        variant(instance_count=count)


def test_refuses_half_an_instance() -> None:
    with pytest.raises(ValueError, match=r"instance_count must be a whole number .* got 1\.5"):
        variant(instance_count=1.5)


@pytest.mark.parametrize("weight", [0, 0.0, 1e-6, 1, 1000.5])
def test_accepts_weights(weight: float) -> None:
    assert variant(weight=weight).weight == weight


@pytest.mark.parametrize("weight", [-1e-9, -1, math.inf, math.nan])
def test_refuses_weights(weight: float) -> None:
    with pytest.raises(ValueError, match=f"weight must be 0 or more, got {weight}"):
        variant(weight=weight)


@pytest.mark.parametrize("argument", ["container_startup_timeout", "model_download_timeout"])
def test_timeouts_at_and_beyond_the_edge(argument: str) -> None:
    options: dict[str, Any]
    for seconds in (60, 3600):
        options = {argument: Duration.seconds(seconds)}
        variant(**options)
    for seconds in (59, 3601):
        options = {argument: Duration.seconds(seconds)}
        with pytest.raises(ValueError, match=rf"{argument} must be between 60 and 3,600 whole seconds, got {seconds}"):
            variant(**options)
    options = {argument: Duration.millis(60_500)}
    with pytest.raises(ValueError, match=rf"{argument} must be .* got 60\.5 seconds"):
        variant(**options)


def test_volume_size_at_and_beyond_the_edge() -> None:
    for gib in (1, 512):
        variant(volume_size=Size.gibibytes(gib))
    variant(volume_size=Size.mebibytes(2048))
    for gib in (0, 513):
        with pytest.raises(ValueError, match=f"volume_size must be between 1 and 512 GiB, got {gib}"):
            variant(volume_size=Size.gibibytes(gib))
    with pytest.raises(ValueError, match=r"volume_size must be a whole number between 1 and 512, got 1\.46"):
        variant(volume_size=Size.mebibytes(1500))


@pytest.mark.parametrize("size", [Size.gibibytes(1), Size.mebibytes(1500)])
def test_refuses_a_volume_beside_local_storage(size: Size) -> None:
    with pytest.raises(ValueError, match=r"volume_size must not be set for ml\.g5\.xlarge: .* got 1(\.46484)? GiB"):
        variant(instance_type="ml.g5.xlarge", volume_size=size)


def test_refuses_a_volume_of_unknown_size_beside_local_storage(stack: Stack) -> None:
    with pytest.raises(ValueError, match=r"volume_size must not be set for ml\.g5\.xlarge: .* got a token"):
        variant(instance_type="ml.g5.xlarge", volume_size=Size.gibibytes(number(stack)))


def test_inference_ami_versions_are_the_apis() -> None:
    assert sorted(INFERENCE_AMI_VERSIONS) == sorted(SERVICE.shape_for("ProductionVariantInferenceAmiVersion").enum)
    for version in INFERENCE_AMI_VERSIONS:
        variant(inference_ami_version=version)
    with pytest.raises(ValueError, match=r"inference_ami_version must be one of al2-ami-.*, got 'al2'"):
        variant(inference_ami_version="al2")


def test_every_argument_takes_a_token(app: App, stack: Stack) -> None:
    name, value = text(stack), number(stack)
    tokens = variant(
        name=name,
        instance_type=name,
        instance_count=value,
        weight=value,
        container_startup_timeout=Duration.seconds(value),
        model_download_timeout=Duration.seconds(value),
        volume_size=Size.gibibytes(value),
        inference_ami_version=name,
    )
    assert tokens.vcpus is None
    assert not tokens.local_storage
    Endpoint(stack, "Endpoint", variants=[tokens])
    app.synth()
    (rendered,) = properties(stack, "AWS::SageMaker::EndpointConfig")["ProductionVariants"]
    assert {key: item for key, item in rendered.items() if key != "ModelName"} == {
        "VariantName": {"Ref": "Text"},
        "InstanceType": {"Ref": "Text"},
        "InferenceAmiVersion": {"Ref": "Text"},
        "InitialInstanceCount": {"Ref": "Number"},
        "InitialVariantWeight": {"Ref": "Number"},
        "ContainerStartupHealthCheckTimeoutInSeconds": {"Ref": "Number"},
        "ModelDataDownloadTimeoutInSeconds": {"Ref": "Number"},
        "VolumeSizeInGB": {"Ref": "Number"},
    }


def test_ids_never_hold_tokens(stack: Stack) -> None:
    assert construct_ids(["a", text(stack), "b"]) == ["a", "Variant_1", "b"]


def test_knows_the_vcpus_of_every_hosting_type() -> None:
    expected = {name: VCPU_EXCEPTIONS.get(name) or VCPUS_BY_SIZE[name.split(".")[2]] for name in HOSTING_TYPES}
    assert {name: variant(instance_type=name).vcpus for name in HOSTING_TYPES} == expected
    assert len(expected) > 250


def test_knows_the_local_storage_of_every_hosting_type() -> None:
    local = {name for name in HOSTING_TYPES if variant(instance_type=name).local_storage}
    assert local == {name for name in HOSTING_TYPES if name.split(".")[1] in SDK_LOCAL | EC2_LOCAL}


# Instance pools, reservations, what AWS no longer offers.

POOLS = [InstancePool(instance_type="ml.g6.2xlarge"), InstancePool(instance_type="ml.g6e.2xlarge")]
RESERVATION = "arn:aws:sagemaker:eu-west-1:111122223333:training-plan/gpus"


def rendered(stack: Stack, **options: Any) -> dict[str, Any]:  # noqa: ANN401
    Endpoint(stack, "Endpoint", variants=[InstanceVariant(**{"name": "only", "model": IMPORTED, **options})])
    (only,) = properties(stack, "AWS::SageMaker::EndpointConfig")["ProductionVariants"]
    return dict(only)


def test_pools_stand_instead_of_an_instance_type(stack: Stack) -> None:
    made = rendered(stack, instance_pools=POOLS, provision_timeout=Duration.minutes(10))
    assert "InstanceType" not in made
    assert made["InstancePools"] == [
        {"InstanceType": "ml.g6.2xlarge", "Priority": 1},
        {"InstanceType": "ml.g6e.2xlarge", "Priority": 2},
    ]
    assert made["VariantInstanceProvisionTimeoutInSeconds"] == 600


def test_takes_an_instance_type_or_pools() -> None:
    with pytest.raises(ValueError, match=r"instance_type must not be given beside instance_pools, .*, got 'ml\.m5"):
        variant(instance_pools=POOLS)
    with pytest.raises(TypeError, match="instance_type must be given, or instance_pools, got None"):
        InstanceVariant(name="only", model=IMPORTED)


@pytest.mark.parametrize(
    ("types", "vcpus", "local"),
    [
        (("ml.g6.2xlarge", "ml.g6e.2xlarge"), 8, True),
        (("ml.m5.large", "ml.m5.xlarge"), None, False),
        (("ml.m5.large", "ml.c5.large"), 2, False),
        (("ml.m5.large", "ml.m5d.large"), 2, True),
    ],
)
def test_pools_know_what_they_have_in_common(types: tuple[str, ...], vcpus: int | None, local: bool) -> None:  # noqa: FBT001
    pools = [InstancePool(instance_type=each) for each in types]
    pooled = InstanceVariant(name="only", model=IMPORTED, instance_pools=pools)
    assert (pooled.instance_types, pooled.vcpus, pooled.local_storage) == (types, vcpus, local)


def test_no_volume_if_one_pool_has_local_storage() -> None:
    pools = [InstancePool(instance_type="ml.m5.large"), InstancePool(instance_type="ml.m5d.large")]
    with pytest.raises(ValueError, match=r"volume_size must not be set for ml\.m5d\.large: .* got 8 GiB"):
        InstanceVariant(name="only", model=IMPORTED, instance_pools=pools, volume_size=Size.gibibytes(8))


@pytest.mark.parametrize("seconds", [300, 3600])
def test_provision_timeout_at_the_edge(stack: Stack, seconds: int) -> None:
    made = rendered(stack, instance_type="ml.m5.large", provision_timeout=Duration.seconds(seconds))
    assert made["VariantInstanceProvisionTimeoutInSeconds"] == seconds


def test_provision_timeout_beyond_the_edge() -> None:
    for seconds in (299, 3601):
        with pytest.raises(ValueError, match=rf"provision_timeout must be between 300 and 3,600 .* got {seconds} sec"):
            variant(provision_timeout=Duration.seconds(seconds))


def test_a_capacity_reservation_is_the_only_place(stack: Stack) -> None:
    made = rendered(stack, instance_type="ml.p5.48xlarge", capacity_reservation_arn=RESERVATION)
    assert made["CapacityReservationConfig"] == {
        "CapacityReservationPreference": "capacity-reservations-only",
        "MlReservationArn": RESERVATION,
    }


def test_reservation_arns_are_the_apis() -> None:
    shape = SERVICE.shape_for("MlReservationArn")
    assert shape.metadata["max"] == MAX_RESERVATION_ARN
    longest = RESERVATION + "x" * (MAX_RESERVATION_ARN - len(RESERVATION))
    assert variant(capacity_reservation_arn=longest)
    with pytest.raises(ValueError, match="capacity_reservation_arn must have at most 258 characters, got 259"):
        variant(capacity_reservation_arn=f"{longest}x")


@pytest.mark.parametrize("options", [{"accelerator_type": "ml.eia2.medium"}, {"instance_type": "ml.eia2.medium"}])
def test_elastic_inference_points_to_what_is_offered(options: dict[str, Any]) -> None:
    (argument,) = options
    with pytest.raises(ValueError, match=rf"^{argument} must not .* no longer offers: .* ml\.inf2\..* ml\.g5\..* got"):
        variant(**options)


def test_new_arguments_take_tokens(app: App, stack: Stack) -> None:
    name, value = text(stack), number(stack)
    made = rendered(
        stack,
        instance_pools=[InstancePool(instance_type=name, priority=value)],
        provision_timeout=Duration.seconds(value),
        capacity_reservation_arn=name,
        routing=Routing.prefix_aware(prefix_length=value, concurrency_threshold=value),
    )
    app.synth()
    assert made["InstancePools"] == [{"InstanceType": {"Ref": "Text"}, "Priority": {"Ref": "Number"}}]
    assert made["VariantInstanceProvisionTimeoutInSeconds"] == {"Ref": "Number"}
    assert made["CapacityReservationConfig"]["MlReservationArn"] == {"Ref": "Text"}
    assert set(map(str, made["RoutingConfig"]["PrefixAwareRoutingConfig"].values())) == {str({"Ref": "Number"})}


def test_the_image_must_run_on_each_type(stack: Stack) -> None:
    pools = [InstancePool(instance_type="ml.m5.large"), InstancePool(instance_type="ml.c7g.large")]
    served = model(stack)
    with pytest.raises(ValueError, match="instance_type must"):
        InstanceVariant(name="only", model=served, instance_pools=pools)
    graviton = InstancePool(instance_type="ml.c7g.large", model=IMPORTED)
    assert InstanceVariant(name="only", model=served, instance_pools=[pools[0], graviton])


# Any combination.

VALID: dict[str, st.SearchStrategy[Any]] = {
    "instance_type": st.sampled_from(HOSTING_TYPES),
    "instance_count": st.integers(1, 1000),
    "weight": st.floats(0, 1000, allow_nan=False),
    "container_startup_timeout": st.none() | st.integers(60, 3600).map(Duration.seconds),
    "model_download_timeout": st.none() | st.integers(60, 3600).map(Duration.seconds),
    "inference_ami_version": st.none() | st.sampled_from(INFERENCE_AMI_VERSIONS),
}
INVALID: dict[str, st.SearchStrategy[Any]] = {
    "name": st.sampled_from(["", "-", "a" * 64, "a_b", "ä", " "]),
    "instance_type": st.sampled_from(["", "m5.large", "ml.m5.huge", "ml..large"]),
    "instance_count": st.integers(max_value=0) | st.just(2**31) | st.just(1.5),
    "weight": st.floats(max_value=-1e-9) | st.sampled_from([math.inf, math.nan]),
    "container_startup_timeout": st.one_of(st.integers(0, 59), st.integers(3601, 10**6)).map(Duration.seconds),
    "model_download_timeout": st.integers(60_001, 60_999).map(Duration.millis),
    "volume_size": st.one_of(st.just(0), st.integers(513, 10**6)).map(Size.gibibytes)
    | st.integers(1025, 2047).map(Size.mebibytes),
    "inference_ami_version": st.sampled_from(["", "al2023"]),
}


@settings(max_examples=25, deadline=None, derandomize=True)
@given(arguments=st.lists(st.fixed_dictionaries(VALID), min_size=1, max_size=10), volume=st.integers(1, 512))
def test_any_valid_variants_synthesise(arguments: list[dict[str, Any]], volume: int) -> None:
    app, stack = fresh()
    variants = [variant(name=f"v{index}", **each) for index, each in enumerate(arguments)]
    variants[0] = variant(**{**arguments[0], "name": "v0", "weight": 1})
    variants += [] if len(variants) == 10 else [variant(name="last", volume_size=Size.gibibytes(volume))]
    endpoint = Endpoint(stack, "Endpoint", variants=variants, encrypt_volumes=False)
    for each in variants:
        if not each.instance_types[0].startswith("ml.t2."):
            scaling = endpoint.auto_scale(each.name, min_capacity=1, max_capacity=max(each.instance_count, 2))
            scaling.on_invocations(100)
            scaling.on_cpu(50)
    app.synth()
    assert len(properties(stack, "AWS::SageMaker::EndpointConfig")["ProductionVariants"]) == len(variants)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(data=st.data(), valid=st.fixed_dictionaries(VALID))
def test_any_invalid_argument_is_a_value_error(data: st.DataObject, valid: dict[str, Any]) -> None:
    argument = data.draw(st.sampled_from(sorted(INVALID)))
    wrong = data.draw(INVALID[argument])
    with pytest.raises(ValueError, match=f"^{argument} must "):
        InstanceVariant(**{"name": "only", "model": IMPORTED, **valid, argument: wrong})
