"""An image never changes under its tag, and leaves only when no tag names it."""

from __future__ import annotations

import json
from typing import Any

import botocore.session  # type: ignore[import-untyped]
import pytest
from aws_cdk import App, Duration, RemovalPolicy, Stack
from aws_cdk import aws_kms as kms

from ml_constructs.models.container import Container
from ml_constructs.models.images import ContainerImage
from ml_constructs.models.model import Model
from ml_constructs.supply.repository import ImageRepository
from tests.constructs.builders import number, only, properties, resources, text
from tests.constructs.supply_builders import KEY, OTHER, findings, strict

REPOSITORY = "AWS::ECR::Repository"
ROLE = f"arn:aws:iam::{OTHER}:role/serving-*"
SERVICE = botocore.session.get_session().get_service_model("ecr")
PULL = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]


def rules(stack: Stack) -> list[dict[str, Any]]:
    lifecycle = properties(stack, REPOSITORY)["LifecyclePolicy"]
    return list(json.loads(lifecycle["LifecyclePolicyText"])["rules"])


def admitted(stack: Stack) -> list[dict[str, Any]]:
    return list(properties(stack, REPOSITORY)["RepositoryPolicyText"]["Statement"])


def test_is_hardened(stack: Stack) -> None:
    ImageRepository(stack, "Images")
    resource = only(stack, REPOSITORY)
    (key,) = resources(stack, "AWS::KMS::Key")
    assert resource["Properties"]["ImageTagMutability"] == "IMMUTABLE"
    assert resource["Properties"]["ImageScanningConfiguration"] == {"ScanOnPush": True}
    assert resource["Properties"]["EncryptionConfiguration"] == {
        "EncryptionType": "KMS",
        "KmsKey": {"Fn::GetAtt": [key, "Arn"]},
    }
    assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"
    assert "RepositoryPolicyText" not in resource["Properties"]
    assert "EmptyOnDelete" not in resource["Properties"]


def test_takes_a_key_and_a_name(stack: Stack) -> None:
    repository = ImageRepository(
        stack,
        "Images",
        encryption_key=kms.Key.from_key_arn(stack, "Key", KEY),
        repository_name="team/churn.model_v1",
        removal_policy=RemovalPolicy.DESTROY,
        empty_on_delete=True,
    )
    said = properties(stack, REPOSITORY)
    assert said["EncryptionConfiguration"]["KmsKey"] == KEY
    assert said["RepositoryName"] == "team/churn.model_v1"
    assert said["EmptyOnDelete"] is True
    assert not resources(stack, "AWS::KMS::Key")
    assert repository.encryption_key is not None


def test_only_images_without_a_tag_expire(stack: Stack) -> None:
    ImageRepository(stack, "Images")
    (rule,) = rules(stack)
    assert rule["selection"] == {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countNumber": 14,
        "countUnit": "days",
    }


def test_keeps_the_newest_by_argument(stack: Stack) -> None:
    ImageRepository(stack, "Images", keep_images=1, expire_untagged_after=Duration.days(1))
    untagged, others = rules(stack)
    assert untagged["selection"]["countNumber"] == 1
    assert others["selection"] == {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1}


def test_numbers_may_be_tokens(stack: Stack) -> None:
    days = number(stack)
    ImageRepository(stack, "Images", keep_images=days, expire_untagged_after=Duration.days(days))
    policy = properties(stack, REPOSITORY)["LifecyclePolicy"]["LifecyclePolicyText"]["Fn::Join"][1]
    assert policy.count({"Ref": "Number"}) == 2


@pytest.mark.parametrize(
    ("argument", "value", "problem"),
    [
        ("keep_images", 0, "between 1 and 2,147,483,647 images, got 0"),
        ("expire_untagged_after", Duration.days(0), "between 1 and 2,147,483,647 whole days, got 0 days"),
        ("expire_untagged_after", Duration.hours(36), "between 1 and 2,147,483,647 whole days, got 1.5 days"),
        ("repository_name", "a", "2 to 256 lower-case letters and digits.*, got 'a'"),
        ("repository_name", "a" * 257, "2 to 256 lower-case letters and digits"),
        ("repository_name", "Churn", "2 to 256 lower-case letters and digits.*, got 'Churn'"),
        ("empty_on_delete", True, "False unless the repository is destroyed, got RemovalPolicy.RETAIN"),
    ],
)
def test_refuses_what_is_out_of_range(stack: Stack, argument: str, value: Any, problem: str) -> None:  # noqa: ANN401
    with pytest.raises(ValueError, match=f"^{argument} must be {problem}"):
        ImageRepository(stack, "Images", **{argument: value})


@pytest.mark.parametrize("name", ["ab", "a" * 256, "a/b/c", "0.1"])
def test_takes_every_name_that_ecr_takes(stack: Stack, name: str) -> None:
    ImageRepository(stack, "Images", repository_name=name)
    assert SERVICE.shape_for("RepositoryName").metadata["max"] == 256


def test_names_may_be_tokens(stack: Stack) -> None:
    ImageRepository(stack, "Images", repository_name=text(stack))
    assert properties(stack, REPOSITORY)["RepositoryName"] == {"Ref": "Text"}


def test_a_model_takes_a_tag_from_it(stack: Stack) -> None:
    """Which it refuses from a repository with tags that move."""
    image = ContainerImage.from_ecr(ImageRepository(stack, "Images"), tag="1.2.0")
    Model(stack, "Model", containers=[Container(image=image)])
    assert ":1.2.0" in str(properties(stack, "AWS::SageMaker::Model")["PrimaryContainer"]["Image"])


# Other accounts.


def test_admits_accounts_to_pull_and_nothing_else(stack: Stack) -> None:
    ImageRepository(stack, "Images").admit(OTHER)
    (statement,) = admitted(stack)
    assert statement == {
        "Action": PULL,
        "Effect": "Allow",
        "Principal": {"AWS": {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, f":iam::{OTHER}:root"]]}},
    }


def test_admits_roles_of_an_account(stack: Stack) -> None:
    ImageRepository(stack, "Images").admit(OTHER, "777788889999", roles=[ROLE])
    (statement,) = admitted(stack)
    assert len(statement["Principal"]["AWS"]) == 2
    assert statement["Condition"] == {"ArnLike": {"aws:PrincipalArn": [ROLE]}}


def test_admits_an_organization(stack: Stack) -> None:
    ImageRepository(stack, "Images").admit_organization("o-a1b2c3d4e5", roles=[ROLE])
    (statement,) = admitted(stack)
    assert statement["Principal"] == {"AWS": "*"}
    assert statement["Action"] == PULL
    assert statement["Condition"] == {
        "StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"},
        "ArnLike": {"aws:PrincipalArn": [ROLE]},
    }


def test_accounts_may_be_tokens(stack: Stack) -> None:
    repository = ImageRepository(stack, "Images")
    repository.admit(text(stack), roles=[text(stack, "Role")])
    repository.admit_organization(text(stack, "Organization"))
    assert len(admitted(stack)) == 2


@pytest.mark.parametrize("bad", ["1", "a" * 12, ""])
def test_refuses_what_is_no_account(stack: Stack, bad: str) -> None:
    repository = ImageRepository(stack, "Images")
    with pytest.raises(ValueError, match=f"accounts must be account ids of 12 digits, got '{bad}'"):
        repository.admit(bad)
    with pytest.raises(ValueError, match="organization must be the id of an organization, such as o-"):
        repository.admit_organization(bad)
    with pytest.raises(ValueError, match=r"roles must be ARNs of roles, .*, got"):
        repository.admit(OTHER, roles=[bad])


def test_cloudformation_and_the_rules_have_nothing_to_say() -> None:
    app, stack = strict()
    repository = ImageRepository(stack, "Images", keep_images=100)
    repository.admit(OTHER)
    repository.admit_organization("o-a1b2c3d4e5")
    app.synth()
    assert findings(app, stack, below="Strict") == []


def test_the_same_source_is_the_same_template() -> None:
    def template() -> dict[str, Any]:
        stack = Stack(App(builtin_cloud_formation_validation=False), "Stack")
        ImageRepository(stack, "Images").admit(OTHER)
        return properties(stack, REPOSITORY)

    assert template() == template()
