"""Who does what while a golden image is made, and when hosts start from it.

The service-linked roles here may not exist yet, and a key policy that names a principal that does not exist is refused.
So the statements name any principal, and a condition the role.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from ml_constructs._environment import StackEnvironment, environment_of
from ml_constructs.permissions import Permission

_BUILDER: Final = "imagebuilder.amazonaws.com/AWSServiceRoleForImageBuilder"
# Amazon EC2 Auto Scaling, which AWS Batch uses too, and what starts Spot Instances.
_STARTERS: Final = (
    "autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
    "ec2fleet.amazonaws.com/AWSServiceRoleForEC2Fleet",
    "spot.amazonaws.com/AWSServiceRoleForEC2Spot",
    "spotfleet.amazonaws.com/AWSServiceRoleForEC2SpotFleet",
)
_USE: Final = ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*")


def admit_notifications(scope: Construct, key: kms.IKey) -> None:
    """Let Image Builder encrypt what it publishes.

    https://docs.aws.amazon.com/imagebuilder/latest/userguide/integ-sns.html
    """
    environment = environment_of(scope)
    _admit(key, environment, [_BUILDER], ["kms:Decrypt", "kms:GenerateDataKey*"], {})


def admit_hosts(scope: Construct, key: kms.IKey) -> None:
    """Let Auto Scaling groups, and compute environments of AWS Batch, start hosts from images encrypted with the key.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/key-policy-requirements-EBS-encryption.html
    """
    environment = environment_of(scope)
    _admit(key, environment, _STARTERS, _USE, {})
    _admit(key, environment, _STARTERS, ["kms:CreateGrant"], {"Bool": {"kms:GrantIsForAWSResource": "true"}})


def admit_accounts(key: kms.IKey, accounts: Sequence[str]) -> None:
    """Let other accounts start hosts from images encrypted with the key.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharingamis-explicit.html
    """
    principals: list[iam.IPrincipal] = [iam.AccountPrincipal(account) for account in accounts]
    grant = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    for actions, conditions in ((_USE, {}), (("kms:CreateGrant",), grant)):
        key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=principals,
                actions=list(actions),
                resources=["*"],  # in a key policy: this key
                conditions=conditions or None,
            )
        )


def _admit(
    key: kms.IKey,
    environment: StackEnvironment,
    roles: Sequence[str],
    actions: Sequence[str],
    conditions: dict[str, dict[str, object]],
) -> None:
    arns = [f"arn:{environment.partition}:iam::{environment.account}:role/aws-service-role/{role}" for role in roles]
    key.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.AnyPrincipal()],
            actions=list(actions),
            resources=["*"],  # in a key policy: this key
            conditions={
                "StringEquals": {"kms:CallerAccount": environment.account},
                "ArnEquals": {"aws:PrincipalArn": arns},
                **conditions,
            },
        )
    )


def build_permissions(scope: Construct, *, component_arns: Sequence[str], log_group_arn: str) -> list[Permission]:
    """What the build and test instances need.

    As AWS's policies EC2InstanceProfileForImageBuilder and AmazonSSMManagedInstanceCore, but for these components and
    this log group alone, without keys, and without reading parameters:
    https://docs.aws.amazon.com/imagebuilder/latest/userguide/image-builder-setting-up.html
    """
    environment = environment_of(scope)
    here = f"{environment.partition}:s3:::ec2imagebuilder"
    return [
        Permission(
            actions=[
                "ssm:DescribeAssociation",
                "ssm:DescribeDocument",
                "ssm:GetDeployablePatchSnapshotForInstance",
                "ssm:GetDocument",
                "ssm:GetManifest",
                "ssm:ListAssociations",
                "ssm:ListInstanceAssociations",
                "ssm:PutComplianceItems",
                "ssm:PutConfigurePackageResult",
                "ssm:PutInventory",
                "ssm:UpdateAssociationStatus",
                "ssm:UpdateInstanceAssociationStatus",
                "ssm:UpdateInstanceInformation",
                "ssmmessages:CreateControlChannel",
                "ssmmessages:CreateDataChannel",
                "ssmmessages:OpenControlChannel",
                "ssmmessages:OpenDataChannel",
                "ec2messages:AcknowledgeMessage",
                "ec2messages:DeleteMessage",
                "ec2messages:FailMessage",
                "ec2messages:GetEndpoint",
                "ec2messages:GetMessages",
                "ec2messages:SendReply",
            ],
            resources=["*"],
            wildcard="The agent of Systems Manager, by which Image Builder works; its actions know no resource.",
        ),
        Permission(
            actions=["imagebuilder:GetComponent"],
            resources=component_arns,
            wildcard="Image Builder counts the builds of a version; these are the components of this image.",
        ),
        Permission(
            actions=["s3:GetObject"],
            resources=[
                f"arn:{here}-toe-{environment.region}-prod/*",
                f"arn:{here}-managed-resources-{environment.region}-prod/*",
            ],
            wildcard="Image Builder's own program and components, in two buckets of AWS.",
        ),
        Permission(
            actions=["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], resources=[log_group_arn]
        ),
    ]
