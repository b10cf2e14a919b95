from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import CfnParameter, Duration, Size, Stack
from aws_cdk import aws_ecr as ecr

from ml_constructs.components.specification import ComponentSpecification, Placement
from ml_constructs.models.container import Container
from ml_constructs.models.images import ContainerImage
from ml_constructs.models.multi_model_data import MultiModelData
from tests.constructs.builders import IMPORTED, XGBOOST, number, properties, stored
from tests.constructs.component_builders import COMPONENT, component, shared, shared_variant, specification


def rendered(stack: Stack, **options: Any) -> dict[str, Any]:  # noqa: ANN401
    endpoint = shared(
        stack, variant=shared_variant(instance_type="ml.g6.xlarge" if "accelerators" in options else "ml.m5.xlarge")
    )
    component(stack, endpoint=endpoint, specification=specification(**options))
    return dict(properties(stack, COMPONENT)["Specification"])


def test_defaults(stack: Stack) -> None:
    assert rendered(stack) == {
        "ModelName": "some-model",
        "ComputeResourceRequirements": {"MinMemoryRequiredInMb": 1024},
        "StartupParameters": {
            "ContainerStartupHealthCheckTimeoutInSeconds": 600,
            "ModelDataDownloadTimeoutInSeconds": 600,
        },
    }


def test_everything_is_rendered(stack: Stack) -> None:
    assert rendered(
        stack,
        max_memory=Size.gibibytes(2),
        cpu_cores=0.5,
        accelerators=2,
        container_startup_timeout=Duration.minutes(5),
        model_download_timeout=Duration.minutes(20),
        cache=False,
        placement=Placement.binpack(max_imbalance=3),
    ) == {
        "ModelName": "some-model",
        "ComputeResourceRequirements": {
            "MinMemoryRequiredInMb": 1024,
            "MaxMemoryRequiredInMb": 2048,
            "NumberOfCpuCoresRequired": 0.5,
            "NumberOfAcceleratorDevicesRequired": 2,
        },
        "StartupParameters": {
            "ContainerStartupHealthCheckTimeoutInSeconds": 300,
            "ModelDataDownloadTimeoutInSeconds": 1200,
        },
        "DataCacheConfig": {"EnableCaching": False},
        "SchedulingConfig": {
            "PlacementStrategy": "BINPACK",
            "AvailabilityZoneBalance": {"EnforcementMode": "PERMISSIVE", "MaxImbalance": 3},
        },
    }


def test_a_container_needs_no_model(stack: Stack) -> None:
    container = Container(image=XGBOOST, model_data=stored(stack), environment={"LEVEL": "info"})
    served = rendered(stack, container=container)
    assert "ModelName" not in served
    assert served["Container"]["ArtifactUrl"] == "s3://example-models/models/v1/model.tar.gz"
    assert served["Container"]["Environment"] == {"LEVEL": "info"}
    assert "Fn::Join" in served["Container"]["Image"]


def names(count: int) -> dict[str, str]:
    return {f"NAME{index}": "x" for index in range(count)}


GOOD: list[dict[str, Any]] = [
    {"memory": Size.mebibytes(128)},
    {"memory": Size.gibibytes(1), "max_memory": Size.gibibytes(1)},
    {"cpu_cores": 0.25},
    {"accelerators": 1},
    {"container_startup_timeout": Duration.seconds(60)},
    {"container_startup_timeout": Duration.seconds(3600)},
    {"model_download_timeout": Duration.seconds(60)},
    {"model_download_timeout": Duration.seconds(3600)},
    {"placement": Placement.spread(max_imbalance=0)},
    {"placement": Placement.spread(max_imbalance=100)},
    {"container": Container(image=XGBOOST, environment=names(16))},
]


@pytest.mark.parametrize("options", GOOD)
def test_accepts_the_edges(options: dict[str, Any]) -> None:
    specification(**options)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"memory": Size.mebibytes(127)}, "memory must be between 128 and 2,147,483,647 MiB, got 127"),
    ({"memory": Size.kibibytes(1024 * 128 + 1)}, "memory must be a whole number between 128 and .*, got 128.0"),
    ({"max_memory": Size.mebibytes(1023)}, "max_memory must be at least memory, 1024 MiB, got 1023 MiB"),
    ({"cpu_cores": 0.24}, "cpu_cores must be 0.25 or more, got 0.24"),
    ({"accelerators": 0}, "accelerators must be 1 or more, got 0"),
    ({"container_startup_timeout": Duration.seconds(59)}, "container_startup_timeout must be between 60 and 3,600"),
    ({"model_download_timeout": Duration.seconds(3601)}, "model_download_timeout must be between 60 and 3,600"),
    ({"model": IMPORTED, "container": Container(image=XGBOOST)}, "exactly one of model and container .*, got both"),
    ({"model": None}, "exactly one of model and container must be given, got none"),
    ({"container": Container(image=XGBOOST, environment=names(17))}, "at most 16 environment variables, .* got 17"),
    ({"container": Container(image=XGBOOST, environment={"X": "1"})}, "names of 2 characters or more, got 'X'"),
    ({"container": Container(image=XGBOOST, hostname="one")}, "container must have no hostname, got 'one'"),
    ({"instance_type": "m5.large"}, "instance_type must be an ML instance type"),
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_refuses_what_sagemaker_does(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        specification(**options)


def test_refuses_a_container_of_many_models(stack: Stack) -> None:
    repository = ecr.Repository.from_repository_name(stack, "Repository", "models")
    image = ContainerImage.from_ecr(repository, digest=f"sha256:{'0' * 64}")
    data = MultiModelData.from_bucket(stored(stack)._bucket, "models")  # type: ignore[arg-type] # a bucket
    with pytest.raises(ValueError, match=r"container must load an archive, ModelData, .*, got MultiModelData"):
        specification(container=Container(image=image, model_data=data))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_imbalance": -1}, "max_imbalance must be between 0 and 100, got -1"),
        ({"max_imbalance": 101}, "max_imbalance must be between 0 and 100, got 101"),
    ],
)
def test_placement_refuses(options: dict[str, Any], message: str) -> None:
    for place in (Placement.spread, Placement.binpack):
        with pytest.raises(ValueError, match=message):
            place(**options)
    with pytest.raises(ValueError, match="strategy must be one of SPREAD, BINPACK, got 'RANDOM'"):
        Placement(strategy="RANDOM")  # type: ignore[arg-type] # what is refused


def test_tokens_pass(stack: Stack) -> None:
    late = number(stack)
    served = rendered(
        stack,
        memory=Size.mebibytes(late),
        max_memory=Size.mebibytes(late),
        cpu_cores=late,
        accelerators=late,
        container_startup_timeout=Duration.seconds(late),
        model_download_timeout=Duration.seconds(late),
        placement=Placement.spread(max_imbalance=late),
    )
    assert served["ComputeResourceRequirements"] == {
        "MinMemoryRequiredInMb": {"Ref": "Number"},
        "MaxMemoryRequiredInMb": {"Ref": "Number"},
        "NumberOfCpuCoresRequired": {"Ref": "Number"},
        "NumberOfAcceleratorDevicesRequired": {"Ref": "Number"},
    }


def test_a_late_size_must_be_in_mebibytes(stack: Stack) -> None:
    late = CfnParameter(stack, "Gibibytes", type="Number").value_as_number
    with pytest.raises(ValueError, match="memory must be given in MiB where known only at deployment, got a token"):
        ComponentSpecification(model=IMPORTED, memory=Size.gibibytes(late))
