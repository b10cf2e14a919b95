"""A hardened ECR repository for the images of models, and who pulls from it in other accounts."""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType
from typing import Any, Final

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Stack, Validations
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from ml_constructs._checks import (
    check_days,
    check_each,
    check_given,
    check_length,
    check_offers,
    check_pattern,
    check_type,
    check_whole,
    is_token,
)
from ml_constructs._environment import check_region
from ml_constructs.encryption import EncryptionKey

# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html; aws-cdk takes no two separators.
REPOSITORY_NAME: Final = r"(?!.{257})(?=..)[a-z0-9]+([._/-][a-z0-9]+)*"
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html takes positive integers.
COUNT: Final = (1, 2_147_483_647)

_PULL: Final = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
_ACCOUNT: Final = r"\d{12}"
_ORGANIZATION: Final = r"o-[a-z0-9]{10,32}"
_ROLE: Final = r"arn:aws[a-z-]*:iam::(\d{12}|\*):role/[a-zA-Z0-9_+=,.@/*?-]{1,576}"
_MANY: Final = 1000


class ImageRepository(ecr.Repository):
    """Holds container images that never change under their tag.

    Tags are immutable, images are scanned when they are pushed and encrypted with a customer-managed key. An image that
    an endpoint runs must stay: each new instance pulls it. So only images without a tag expire, and those that a newer
    list of images refers to do not.

    CloudFormation replaces the repository when its name or its encryption changes; the images stay in the old one.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        repository_name: 2 to 256 lower-case letters, digits and single separators. Default: CloudFormation names it.
        encryption_key: Encrypts the images; pulling needs no permission on it. Default: a new `EncryptionKey`.
        expire_untagged_after: When an image without a tag is deleted, in whole days. Default: 14 days.
        keep_images: How many images are kept, the newest; older ones are deleted although endpoints may run them.
            Default: all.
        removal_policy: What happens on deletion. Default: RETAIN.
        empty_on_delete: Whether the images go with a destroyed repository; else ECR refuses to delete it.
            Default: False.

    Raises:
        ValueError: an argument is out of its range, or `empty_on_delete` goes with a retained repository.

    See https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        repository_name: str | None = None,
        encryption_key: kms.IKey | None = None,
        expire_untagged_after: Duration | None = None,
        keep_images: int | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
        empty_on_delete: bool = False,
    ) -> None:
        check_type((str, NoneType), repository_name=repository_name)
        check_type(RemovalPolicy, removal_policy=removal_policy)
        check_type(bool, empty_on_delete=empty_on_delete)
        rule = "2 to 256 lower-case letters and digits, with single separators '-', '_', '.' and '/' between them"
        check_pattern("repository_name", repository_name, REPOSITORY_NAME, rule)
        check_offers("key_arn", "a KMS key", encryption_key=encryption_key)
        check_region(scope, encryption_key=encryption_key)
        check_days("expire_untagged_after", expire_untagged_after, *COUNT)
        check_whole("keep_images", keep_images, *COUNT, "images")
        if empty_on_delete and removal_policy is not RemovalPolicy.DESTROY:
            raise ValueError(f"empty_on_delete must be False unless the repository is destroyed, got {removal_policy}")
        own = _key(scope, construct_id) if encryption_key is None else encryption_key
        super().__init__(
            scope,
            construct_id,
            repository_name=repository_name,
            encryption=ecr.RepositoryEncryption.KMS,
            encryption_key=own,
            image_scan_on_push=True,
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            removal_policy=removal_policy,
            empty_on_delete=empty_on_delete or None,
        )
        self.encryption_key: Final = own
        # On the L1, because the L2 writes a token as a number out of range.
        resource = self.node.default_child
        assert isinstance(resource, ecr.CfnRepository)  # noqa: S101 - narrows the type of an L2's own child
        rules = _rules(Duration.days(14) if expire_untagged_after is None else expire_untagged_after, keep_images)
        resource.lifecycle_policy = ecr.CfnRepository.LifecyclePolicyProperty(
            lifecycle_policy_text=Stack.of(self).to_json_string({"rules": rules})
        )

    def admit(self, *accounts: str, roles: Sequence[str] = ()) -> None:
        """Let other accounts pull, e.g. the accounts that deploy models of this registry.

        SageMaker pulls as the execution role of the model, so that role needs the same permission in its account: a
        `Model` with `ContainerImage.from_ecr` of this repository has it.

        Args:
            accounts: Account ids, of 12 digits.
            roles: ARNs of the only roles that may, `*` and `?` are wildcards. Default: whichever IAM there allows.

        Raises:
            ValueError: an account or a role is malformed.

        See https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-deploy-xaccount.html
        """
        check_length("accounts", accounts, 1, _MANY)
        for account in accounts:
            check_given(accounts=account)
            check_pattern("accounts", account, _ACCOUNT, "account ids of 12 digits")
        conditions = _only(roles)
        self._allow([iam.AccountPrincipal(account) for account in accounts], conditions)

    def admit_organization(self, organization: str, *, roles: Sequence[str] = ()) -> None:
        """Let all accounts of an organization pull.

        Args:
            organization: The id of the organization, `o-` and 10 to 32 letters and digits.
            roles: ARNs of the only roles that may, `*` and `?` are wildcards. Default: whichever IAM there allows.

        Raises:
            ValueError: the organization or a role is malformed.
        """
        check_type(str, organization=organization)
        check_pattern("organization", organization, _ORGANIZATION, "the id of an organization, such as o-a1b2c3d4e5")
        self._allow([iam.AnyPrincipal()], {"StringEquals": {"aws:PrincipalOrgID": organization}, **_only(roles)})
        reason = "The principal is any, but a condition confines it to the accounts of one organization."
        Validations.of(self).acknowledge(Acknowledgment(id="AwsSolutions-ECR1", reason=reason))

    def _allow(self, principals: Sequence[iam.IPrincipal], conditions: dict[str, Any]) -> None:
        self.add_to_resource_policy(
            iam.PolicyStatement(principals=list(principals), actions=list(_PULL), conditions=conditions or None)
        )


def _key(scope: Construct, construct_id: str) -> EncryptionKey:
    """Beside the repository, which must exist to have children, and needs its key for that."""
    return EncryptionKey(scope, f"{construct_id}Key")


def _only(roles: Sequence[str]) -> dict[str, Any]:
    check_each("ARNs of roles", str, roles=roles)
    if is_token(roles):
        return {"ArnLike": {"aws:PrincipalArn": roles}}
    for role in roles:
        check_pattern("roles", role, _ROLE, "ARNs of roles, arn:...:role/name")
    return {"ArnLike": {"aws:PrincipalArn": list(roles)}} if roles else {}


def _rules(untagged: Duration, keep: int | None) -> list[dict[str, object]]:
    rules: list[dict[str, object]] = [
        {
            "rulePriority": 1,
            "description": "Images without a tag",
            "selection": {
                "tagStatus": "untagged",
                "countType": "sinceImagePushed",
                "countNumber": untagged.to_days(),
                "countUnit": "days",
            },
            "action": {"type": "expire"},
        }
    ]
    if keep is not None:
        rules.append(
            {
                "rulePriority": 2,
                "description": "All but the newest images",
                "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": keep},
                "action": {"type": "expire"},
            }
        )
    return rules
