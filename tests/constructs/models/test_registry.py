"""A group is retained, and other accounts get from it what they are admitted to."""

from __future__ import annotations

from typing import Any

import botocore.session  # type: ignore[import-untyped]
import pytest
from aws_cdk import App, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam

from ml_constructs.models.model import Model
from ml_constructs.models.packaged_container import PackagedContainer
from ml_constructs.models.registry import MAX_DESCRIPTION, MAX_POLICY, IModelPackageGroup, ModelPackageGroup
from tests.constructs.builders import XGBOOST, number, only, properties, text
from tests.constructs.supply_builders import OTHER, findings, strict

GROUP = "AWS::SageMaker::ModelPackageGroup"
ARN = "arn:aws:sagemaker:eu-west-1:111122223333:model-package-group/Churn"
SERVICE = botocore.session.get_session().get_service_model("sagemaker")
HERE = [":sagemaker:", {"Ref": "AWS::Region"}, ":", {"Ref": "AWS::AccountId"}]


def here(resource: str) -> dict[str, Any]:
    return {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, *HERE, f":{resource}"]]}


def policy(stack: Stack) -> list[dict[str, Any]]:
    return list(properties(stack, GROUP)["ModelPackageGroupPolicy"]["Statement"])


def granted(stack: Stack) -> list[dict[str, Any]]:
    return list(only(stack, "AWS::IAM::Policy")["Properties"]["PolicyDocument"]["Statement"])


def role(stack: Stack) -> iam.Role:
    return iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))


def test_is_named_by_its_path_and_retained(stack: Stack) -> None:
    group = ModelPackageGroup(stack, "Churn")
    resource = only(stack, GROUP)
    assert resource["Properties"] == {"ModelPackageGroupName": group.model_package_group_name}
    assert resource["DeletionPolicy"] == "RetainExceptOnCreate"
    assert resource["UpdateReplacePolicy"] == "Retain"
    assert group.model_package_group_name.startswith("stack-churn-")


def test_takes_a_name_a_description_and_a_removal_policy(stack: Stack) -> None:
    description = "d" * MAX_DESCRIPTION
    ModelPackageGroup(
        stack, "Churn", group_name="a" * 63, description=description, removal_policy=RemovalPolicy.DESTROY
    )
    assert only(stack, GROUP)["DeletionPolicy"] == "Delete"
    assert properties(stack, GROUP)["ModelPackageGroupDescription"] == description


def test_limits_are_those_of_the_service() -> None:
    assert SERVICE.shape_for("EntityName").metadata["max"] == 63
    assert SERVICE.shape_for("EntityDescription").metadata["max"] == MAX_DESCRIPTION
    assert SERVICE.shape_for("PolicyString").metadata["max"] == MAX_POLICY


@pytest.mark.parametrize(
    ("argument", "value", "problem"),
    [
        ("group_name", "a" * 64, "at most 63 letters, digits and inner hyphens, got 'aaa"),
        ("group_name", "a_b", "at most 63 letters, digits and inner hyphens, got 'a_b'"),
        ("description", "d" * 1025, "at most 1,024 characters, got 1,025"),
    ],
)
def test_refuses_what_is_out_of_range(stack: Stack, argument: str, value: Any, problem: str) -> None:  # noqa: ANN401
    with pytest.raises(ValueError, match=rf"^{argument} must .*{problem}"):
        ModelPackageGroup(stack, "Churn", **{argument: value})


def test_a_name_known_only_at_deployment_passes(stack: Stack) -> None:
    group = ModelPackageGroup(stack, "Churn", group_name=text(stack), description=text(stack, "Other"))
    group.admit(OTHER)
    assert properties(stack, GROUP)["ModelPackageGroupName"] == {"Ref": "Text"}
    assert policy(stack)[0]["Resource"][0]["Fn::Join"][1][-1] == {"Ref": "Text"}


def test_versions_are_named_as_sagemaker_spells_them(stack: Stack) -> None:
    """In ARNs SageMaker writes the group's name in lower case."""
    group = ModelPackageGroup(stack, "Group", group_name="Churn")
    Model(stack, "Model", containers=[PackagedContainer(package=group.version(3), images=[XGBOOST])])
    container = properties(stack, "AWS::SageMaker::Model")["PrimaryContainer"]
    assert container["ModelPackageName"] == here("model-package/churn/3")


def test_a_version_may_be_a_token(stack: Stack) -> None:
    version = ModelPackageGroup.from_group_arn(ARN).version(number(stack))
    assert stack.resolve(version.model_package_arn)["Fn::Join"][1][-1] == {"Ref": "Number"}


@pytest.mark.parametrize("bad", [0, -1, 10**9, 1.5, True, "3", None])
def test_refuses_what_is_no_version(stack: Stack, bad: Any) -> None:  # noqa: ANN401
    with pytest.raises((ValueError, TypeError), match=r"^number must .*got"):
        ModelPackageGroup.from_group_name(stack, "churn").version(bad)


def test_is_imported_by_name_and_by_arn(stack: Stack) -> None:
    named, known = ModelPackageGroup.from_group_name(stack, "Churn"), ModelPackageGroup.from_group_arn(ARN)
    assert stack.resolve(named.model_package_group_arn) == here("model-package-group/churn")
    assert known.model_package_group_name == "Churn"
    assert known.version(7).model_package_arn == "arn:aws:sagemaker:eu-west-1:111122223333:model-package/churn/7"
    for group in (named, known):
        assert isinstance(group, IModelPackageGroup)


@pytest.mark.parametrize("bad", ["", "churn", ARN.replace("group/", "group/-"), f"{ARN}/3"])
def test_refuses_a_malformed_arn(bad: str) -> None:
    with pytest.raises(ValueError, match="group_arn must be the ARN of a model package group, got"):
        ModelPackageGroup.from_group_arn(bad)


def test_refuses_an_arn_that_it_cannot_read(stack: Stack) -> None:
    with pytest.raises(ValueError, match=r"group_arn must be known at synth, .*, got a token"):
        ModelPackageGroup.from_group_arn(text(stack))


# Other accounts.


def test_admits_nobody_by_itself(stack: Stack) -> None:
    ModelPackageGroup(stack, "Churn")
    assert "ModelPackageGroupPolicy" not in properties(stack, GROUP)


def test_admits_accounts_to_deploy(stack: Stack) -> None:
    ModelPackageGroup(stack, "Group", group_name="Churn").admit(OTHER, "777788889999")
    group, versions = policy(stack)
    root = [
        {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, f":iam::{account}:root"]]}
        for account in (OTHER, "777788889999")
    ]
    assert group["Principal"] == versions["Principal"] == {"AWS": root}
    assert group["Action"] == ["sagemaker:DescribeModelPackageGroup"]
    assert group["Resource"] == [here("model-package-group/churn")]
    assert versions["Action"] == [
        "sagemaker:DescribeModelPackage",
        "sagemaker:ListModelPackages",
        "sagemaker:CreateModel",
    ]
    assert versions["Resource"] == [here("model-package/churn/*")]


def test_admits_accounts_to_register_what_waits_for_approval(stack: Stack) -> None:
    ModelPackageGroup(stack, "Churn").admit(OTHER, register=True)
    registers = policy(stack)[-1]
    assert registers["Action"] == ["sagemaker:CreateModelPackage"]
    assert registers["Condition"] == {
        "StringEqualsIfExists": {"sagemaker:ModelApprovalStatus": "PendingManualApproval"}
    }


def test_admits_accounts_to_approve(stack: Stack) -> None:
    ModelPackageGroup(stack, "Churn").admit(OTHER, register=True, approve=True)
    _, versions, registers = policy(stack)
    assert "sagemaker:UpdateModelPackage" in versions["Action"]
    assert "Condition" not in registers


def test_admits_again(stack: Stack) -> None:
    group = ModelPackageGroup(stack, "Churn")
    group.admit(OTHER)
    group.admit(text(stack))
    assert len(policy(stack)) == 4


@pytest.mark.parametrize("bad", ["1", "a" * 12, "4444555566667"])
def test_refuses_what_is_no_account(stack: Stack, bad: str) -> None:
    with pytest.raises(ValueError, match=f"accounts must be account ids of 12 digits, got '{bad}'"):
        ModelPackageGroup(stack, "Churn").admit(bad)


def test_policy_at_and_beyond_its_edge() -> None:
    def admit(count: int) -> None:
        stack = Stack(App(builtin_cloud_formation_validation=False), "Stack")
        ModelPackageGroup(stack, "Churn").admit(*[f"{account:012}" for account in range(count)])

    admit(200)
    with pytest.raises(ValueError, match=r"accounts must make a policy of at most 20,480 characters, got 30,409"):
        admit(500)


# Grants.


def test_grants_reading(stack: Stack) -> None:
    ModelPackageGroup(stack, "Group", group_name="Churn").grant_read(role(stack))
    (statement,) = granted(stack)
    assert statement["Action"] == [
        "sagemaker:DescribeModelPackageGroup",
        "sagemaker:DescribeModelPackage",
        "sagemaker:ListModelPackages",
    ]
    assert statement["Resource"] == [here("model-package-group/churn"), here("model-package/churn/*")]


def test_grants_registering_without_approving(stack: Stack) -> None:
    ModelPackageGroup.from_group_arn(ARN).grant_register(role(stack))
    create = granted(stack)[-1]
    assert create["Action"] == "sagemaker:CreateModelPackage"
    assert create["Condition"]["StringEqualsIfExists"] == {"sagemaker:ModelApprovalStatus": "PendingManualApproval"}
    assert not any("UpdateModelPackage" in str(statement) for statement in granted(stack))


def test_grants_approving(stack: Stack) -> None:
    ModelPackageGroup.from_group_arn(ARN).grant_approve(role(stack))
    (statement,) = granted(stack)
    assert "sagemaker:UpdateModelPackage" in statement["Action"]
    assert "sagemaker:CreateModelPackage" not in statement["Action"]


def test_cloudformation_and_the_rules_have_nothing_to_say() -> None:
    app, stack = strict()
    ModelPackageGroup(stack, "Churn", description="Who leaves").admit(OTHER, register=True)
    app.synth()
    assert findings(app, stack, below="Strict") == []
