"""What inference components cannot do, and who is refused."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from tests.local_aws.sagemaker_components import (
    SMALL,
    Members,
    all_names,
    ask,
    component,
    create,
    make_role,
    of,
    sharing,
)
from tests.local_aws.sagemaker_harness import ACCOUNT, Emulator, refusal


@pytest.fixture(scope="module")
def role(cloud: Emulator) -> str:
    return make_role(cloud, "refusing")


@pytest.fixture(scope="module")
def shared(cloud: Emulator, role: str) -> Iterator[str]:
    with sharing(cloud, role, "Refusing", InitialInstanceCount=2, InstanceType="ml.m5.xlarge") as endpoint:
        yield endpoint


def test_a_request_needs_a_component_where_there_are_some(cloud: Emulator, shared: str, role: str) -> None:
    model = {"VariantName": "A", "ModelName": "champion"}
    with cloud.serving("modelled", model), component(cloud, shared, "here", of("champion")):
        for endpoint, members, expected in (
            (shared, {}, "Inference Component Name header is required for endpoints to which you plan to deploy"),
            ("modelled", {"InferenceComponentName": "here"}, "Inference Component Name header is not allowed for"),
            (shared, {"InferenceComponentName": "nobody"}, "Inference Component nobody of account"),
        ):
            error = refusal(partial(cloud.invoke, endpoint, **members))["Error"]
            assert error["Code"] == "ValidationError"
            assert expected in error["Message"]
        with sharing(cloud, role, "elsewhere") as other:
            error = refusal(lambda: ask(cloud, other, "here"))["Error"]
            assert "Inference Component here of account" in error["Message"]
        create_here = partial(create, cloud, "modelled", "misplaced", of("champion"))
        assert "Inference Components are not supported in this Endpoint." in refusal(create_here)["Error"]["Message"]


def test_an_endpoint_with_components_is_not_deleted(cloud: Emulator, role: str) -> None:
    sagemaker = cloud.client("sagemaker")
    with sharing(cloud, role, "occupied") as endpoint:
        create(cloud, endpoint, "occupant", of("champion"))
        error = refusal(lambda: sagemaker.delete_endpoint(EndpointName=endpoint))["Error"]
        assert error["Code"] == "ValidationException"
        assert "while it has inference components: occupant" in error["Message"]
        assert ask(cloud, endpoint, "occupant")["tag"] == "champion"


NEEDS = {"ComputeResourceRequirements": SMALL}


def test_more_copies_than_the_quota_are_refused(cloud: Emulator, shared: str) -> None:
    error = refusal(partial(create, cloud, shared, "huge", of("champion"), 21))["Error"]
    assert error["Code"] == "ResourceLimitExceeded"
    assert "'Inference component copies' is 20" in error["Message"]


UNSOUND: dict[str, tuple[Members, str]] = {
    "no copies": ({"RuntimeConfig": {"CopyCount": 0}}, "a CopyCount of at least 1"),
    "no specification": ({"Specification": None}, "Exactly one of Specification and Specifications"),
    "two specifications": ({"Specifications": [of("champion")]}, "Exactly one of Specification and Specifications"),
    "another instance type": (
        {"Specification": None, "Specifications": [of("champion", InstanceType="ml.c5.large")]},
        "exactly one specification for instance type ml.m5.xlarge",
    ),
    "neither model nor container": ({"Specification": NEEDS}, "Exactly one of ModelName and Container"),
    "an unknown model": ({"Specification": of("nobody")}, "Could not find model"),
    "no needs": ({"Specification": {"ModelName": "champion"}}, "ComputeResourceRequirements must be specified"),
    "a limit below the need": (
        {"Specification": of("champion", {"MinMemoryRequiredInMb": 1024, "MaxMemoryRequiredInMb": 512})},
        "MaxMemoryRequiredInMb must be greater than or equal to",
    ),
    "no image": ({"Specification": {"Container": {"ArtifactUrl": "s3://models/x"}, **NEEDS}}, "Image is required"),
    "no artefact": (
        {"Specification": {"Container": {"Image": "i", "ArtifactUrl": "s3://models/none.tar.gz"}, **NEEDS}},
        "Could not ",
    ),
    "an unknown variant": ({"VariantName": "other"}, 'variant "other" was not found on endpoint'),
    "an unknown endpoint": ({"EndpointName": "nobody"}, "Could not find endpoint"),
    "an adapter": (
        {"Specification": {"BaseInferenceComponentName": "base", "Container": {"ArtifactUrl": "s3://models/x"}}},
        "does not serve adapters",
    ),
}


@pytest.mark.parametrize("name", UNSOUND)
def test_what_makes_no_sense_is_refused(cloud: Emulator, shared: str, name: str) -> None:
    members, expected = UNSOUND[name]
    arguments = {
        "InferenceComponentName": "unsound",
        "EndpointName": shared,
        "VariantName": "main",
        "Specification": of("champion"),
        "RuntimeConfig": {"CopyCount": 1},
        **members,
    }
    given = {key: value for key, value in arguments.items() if value is not None}
    error = refusal(lambda: cloud.client("sagemaker").create_inference_component(**given))["Error"]
    assert expected in error["Message"]
    assert "unsound" not in all_names(cloud)


CONFIGS: dict[str, tuple[Members, Members, str]] = {
    "no role": ({}, {}, "ExecutionRoleArn must be specified, because production variant main has no ModelName"),
    "managed scaling of models": (
        {"ModelName": "champion", "ManagedInstanceScaling": {"Status": "ENABLED"}},
        {},
        "ManagedInstanceScaling is only supported for production variants without a ModelName",
    ),
    "too few to start with": (
        {"ManagedInstanceScaling": {"Status": "ENABLED", "MinInstanceCount": 2, "MaxInstanceCount": 3}},
        {"ExecutionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/refusing"},
        "must be between the MinInstanceCount and the MaxInstanceCount",
    ),
    "asynchronous": (
        {},
        {
            "ExecutionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/refusing",
            "AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://models/x"}},
        },
        "ModelName must be specified for production variant main",
    ),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_configurations_that_make_no_sense_are_refused(cloud: Emulator, name: str) -> None:
    variant, members, expected = CONFIGS[name]
    error = refusal(lambda: cloud.config("unsound", {"VariantName": "main", **variant}, **members))["Error"]
    assert error["Code"] == "ValidationException"
    assert expected in error["Message"]
