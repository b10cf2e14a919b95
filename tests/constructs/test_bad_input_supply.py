"""Bad input of the supply chain, deployment events and experiments is refused by name, as in `test_bad_input`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from aws_cdk import App, Duration, Size, Stack
from aws_cdk import aws_ec2 as ec2

import ml_constructs as ml
from tests.constructs.builders import IMPORTED, XGBOOST
from tests.constructs.refusals import Call, each_argument, refusals
from tests.constructs.test_bad_input import (
    BAD_NAME,
    NOT_A_BOOL,
    NOT_A_DURATION,
    NOT_A_LIST,
    NOT_AN_ENUM,
    NOT_AN_OBJECT,
    NOT_OPTIONAL_TEXT,
    NOT_TEXT,
    NOT_WHOLE,
    a_key,
    an_endpoint,
    build,
    method,
    value,
)

NOT_TEXTS: tuple[object, ...] = ("abc", 5, [None], [5], {})


def a_vpc(stack: Stack) -> ec2.IVpc:
    return ec2.Vpc.from_vpc_attributes(
        stack, "Vpc", vpc_id="vpc-1", availability_zones=["a"], private_subnet_ids=["subnet-1"]
    )


def a_group(stack: Stack) -> ml.ModelPackageGroup:
    return ml.ModelPackageGroup(stack, "Group")


def a_repository(stack: Stack) -> ml.ImageRepository:
    return ml.ImageRepository(stack, "Repository", encryption_key=a_key(stack))


def a_challenger(_: Stack) -> ml.ExperimentVariant:
    return ml.ExperimentVariant(name="new", model=IMPORTED, instance_type="ml.m5.large")


CASES: dict[str, tuple[Call, Mapping[str, Sequence[object]]]] = {
    "ModelPackageGroup": (
        build(ml.ModelPackageGroup),
        {
            "group_name": (*NOT_OPTIONAL_TEXT, *BAD_NAME),
            "description": (*NOT_OPTIONAL_TEXT, "x" * 1025),
            "removal_policy": NOT_AN_ENUM,
        },
    ),
    "from_group_name": (
        lambda stack, bad: ml.ModelPackageGroup.from_group_name(stack, **{"group_name": "churn", **bad}),
        {"group_name": (*NOT_TEXT, *BAD_NAME)},
    ),
    "from_group_arn": (
        value(
            ml.ModelPackageGroup.from_group_arn,
            group_arn="arn:aws:sagemaker:eu-west-1:111122223333:model-package-group/churn",
        ),
        {"group_arn": (*NOT_TEXT, "", "churn")},
    ),
    "admit of a group": (
        lambda stack, bad: a_group(stack).admit("111122223333", **bad),
        {"register": (None, *NOT_A_BOOL), "approve": (None, *NOT_A_BOOL)},
    ),
    "grant_read": (
        lambda stack, bad: a_group(stack).grant_read(**bad),
        {"grantee": (None, *NOT_AN_OBJECT)},
    ),
    "grant_register": (
        lambda stack, bad: a_group(stack).grant_register(**bad),
        {"grantee": (None, *NOT_AN_OBJECT)},
    ),
    "grant_approve": (
        lambda stack, bad: a_group(stack).grant_approve(**bad),
        {"grantee": (None, *NOT_AN_OBJECT)},
    ),
    "version": (
        lambda stack, bad: a_group(stack).version(**{"number": 1, **bad}),
        {"number": (None, *NOT_WHOLE, 0)},
    ),
    "ModelVersion": (
        value(ml.ModelVersion, model_package_arn="arn:aws:sagemaker:eu-west-1:111122223333:model-package/churn/1"),
        {"model_package_arn": (*NOT_TEXT, "", "churn/1")},
    ),
    "from_parameter": (
        build(ml.ModelVersion.from_parameter),
        {"default": (*NOT_OPTIONAL_TEXT, "", "churn/1"), "description": NOT_OPTIONAL_TEXT},
    ),
    "ModelPackage": (
        build(
            ml.ModelPackage,
            group=a_group,
            containers=[ml.Container(image=XGBOOST)],
            content_types=["text/csv"],
            response_types=["text/csv"],
        ),
        {
            "group": (None, *NOT_AN_OBJECT),
            "containers": (*NOT_A_LIST, []),
            "content_types": (None, *NOT_TEXTS, [], [""]),
            "response_types": (None, *NOT_TEXTS, [], [""]),
            "instance_types": (*NOT_TEXTS, [], ["m5.large"]),
            "transform_instance_types": (*NOT_TEXTS, [], ["m5.large"]),
            "approval": (*NOT_TEXT, "", "APPROVED"),
            "approval_description": NOT_OPTIONAL_TEXT,
            "description": NOT_OPTIONAL_TEXT,
            "metadata": (5, "x", [], {"a": 5}, {5: "a"}, {"": "a"}, {"__proto__": "a"}),
            "encryption_key": NOT_AN_OBJECT,
            "removal_policy": NOT_AN_ENUM,
        },
    ),
    "ImageRepository": (
        build(ml.ImageRepository),
        {
            "repository_name": (*NOT_OPTIONAL_TEXT, "", "A", "a b", "ü/x", "a\n"),
            "encryption_key": NOT_AN_OBJECT,
            "expire_untagged_after": (*NOT_A_DURATION, Duration.days(0), Duration.hours(36)),
            "keep_images": (*NOT_WHOLE, 0),
            "removal_policy": NOT_AN_ENUM,
            "empty_on_delete": (None, *NOT_A_BOOL, True),
        },
    ),
    "admit of a repository": (
        lambda stack, bad: a_repository(stack).admit("111122223333", **bad),
        {"roles": (None, *NOT_TEXTS, [""], ["*"])},
    ),
    "admit_organization": (
        method(a_repository, "admit_organization", organization="o-a1b2c3d4e5"),
        {"organization": (*NOT_TEXT, "", "r-a1b2"), "roles": (None, *NOT_TEXTS, [""], ["*"])},
    ),
    "from_commands": (
        value(ml.ImageComponent.from_commands, name="tools", test=["true"]),
        {
            "name": (*NOT_TEXT, "", "A", "a b", "a\n"),
            "build": (None, *NOT_TEXTS),
            "validate": (None, *NOT_TEXTS),
            "test": (None, *NOT_TEXTS),
        },
    ),
    "managed": (
        value(ml.ImageComponent.managed, name="update-linux"),
        {
            "name": (*NOT_TEXT, "", "A b"),
            "version": (*NOT_TEXT, "", "1", "1.x"),
            "parameters": (5, "x", [], {"a": "b"}, {5: ["b"]}),
        },
    ),
    "GoldenImage": (
        build(ml.GoldenImage, vpc=a_vpc, encryption_key=a_key),
        {
            "vpc": (None, *NOT_AN_OBJECT),
            "components": (*NOT_A_LIST, ["update-linux"]),
            "subnets": NOT_AN_OBJECT,
            "parent_image": (*NOT_TEXT, "", "amazon-linux"),
            "instance_types": (None, *NOT_TEXTS, [], ["large"]),
            "root_device": (*NOT_TEXT, "", "xvda"),
            "volume_size": (5, "5", Duration.seconds(5), Size.gibibytes(0), Size.gibibytes(16_001)),
            "update": (None, *NOT_A_BOOL),
            "schedule": (*NOT_OPTIONAL_TEXT, "", "weekly"),
            "time_zone": (*NOT_TEXT, "", "x y"),
            "only_when_updated": (None, *NOT_A_BOOL),
            "copies": (5, "x", [], {"eu-west-3": None}, {5: "arn"}),
            "share_with": (None, *NOT_TEXTS, [""]),
            "scan": (None, *NOT_A_BOOL),
            "topic": NOT_AN_OBJECT,
            "encryption_key": NOT_AN_OBJECT,
            "log_retention": NOT_AN_ENUM,
            "image_name": (*NOT_OPTIONAL_TEXT, "", "A", "a b", "a\n"),
        },
    ),
    "DeploymentEvents": (
        build(ml.DeploymentEvents, endpoint=an_endpoint),
        {
            "endpoint": (None, *NOT_AN_OBJECT),
            "topic": NOT_AN_OBJECT,
            "encryption_key": NOT_AN_OBJECT,
            "deployments": (None, *NOT_A_BOOL),
            "states": (None, *NOT_A_BOOL),
            "statuses": (*NOT_TEXTS, [], ["Failed"]),
        },
    ),
    "ExperimentVariant": (
        value(ml.ExperimentVariant, name="new", model=IMPORTED, instance_type="ml.m5.large"),
        {
            "name": (*NOT_TEXT, *BAD_NAME),
            "model": (None, *NOT_AN_OBJECT),
            "instance_type": (*NOT_TEXT, "", "m5.large", "ml.eia2.medium"),
            "instance_count": (None, *NOT_WHOLE, 0),
        },
    ),
    "InferenceExperiment": (
        build(ml.InferenceExperiment, endpoint=an_endpoint, challenger=a_challenger),
        {
            "endpoint": (None, *NOT_AN_OBJECT),
            "challenger": (None, *NOT_AN_OBJECT),
            "production": NOT_AN_OBJECT,
            "sampling_percentage": (None, *NOT_WHOLE, 101),
            "starts": (5, "2030-01-01", b"x", [], True),
            "ends": (5, "2030-01-01", b"x", [], True),
            "conclusion": (*NOT_OPTIONAL_TEXT, "", "stop"),
            "reason": (*NOT_OPTIONAL_TEXT, ""),
            "capture": (*NOT_AN_OBJECT, ml.DataCapture()),
            "encryption_key": NOT_AN_OBJECT,
            "encrypt_volumes": NOT_A_BOOL,
            "role": NOT_AN_OBJECT,
            "description": (*NOT_OPTIONAL_TEXT, ""),
            "experiment_name": (*NOT_OPTIONAL_TEXT, "", "a b", "-a", "a\n", "a" * 121),
        },
    ),
}


@pytest.mark.parametrize(("call", "argument", "values"), each_argument(CASES))
def test_is_refused_by_name(call: Call, argument: str, values: Sequence[object]) -> None:
    for bad, said in refusals(call, argument, values):
        assert "got" in said, (bad, said)


@pytest.mark.parametrize(
    "call",
    [call for label, (call, _) in CASES.items() if not label.startswith("grant_")],
    ids=[label for label in CASES if not label.startswith("grant_")],
)
def test_what_is_not_replaced_is_accepted(call: Call) -> None:
    """Else the test above would prove nothing."""
    call(Stack(App(builtin_cloud_formation_validation=False), "Stack"), {})
