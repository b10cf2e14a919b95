"""The model registry: groups of model versions, who may register, approve and deploy them, across accounts too.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Any, Final
from unicodedata import category

from aws_cdk import RemovalPolicy, Token
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from ml_constructs._checks import (
    check_each,
    check_given,
    check_grantee,
    check_length,
    check_pattern,
    check_type,
    check_whole,
    is_token,
)
from ml_constructs._environment import environment_of
from ml_constructs._names import literal_name
from ml_constructs.models.model_version import ModelVersion

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackageGroup.html
GROUP_NAME: Final = r"(?!.{64})[a-zA-Z0-9](-*[a-zA-Z0-9])*"
GROUP_NAME_RULE: Final = "at most 63 letters, digits and inner hyphens"
MAX_DESCRIPTION: Final = 1024
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_PutModelPackageGroupPolicy.html
MAX_POLICY: Final = 20_480

_ACCOUNT: Final = r"\d{12}"
_GROUP_ARN: Final = rf"arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:{_ACCOUNT}:model-package-group/{GROUP_NAME}"
_TOKEN: Final = re.compile(r"\$\{Token\[[^\]]*\]\}")
_MAX_VERSION: Final = 999_999_999
_APPROVAL: Final = "sagemaker:ModelApprovalStatus"
_PENDING: Final = "PendingManualApproval"
_READ: Final = ("sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages")


class IModelPackageGroup:
    """A group of model versions, owned or imported.

    A plain class rather than a `Protocol`, because a jsii construct cannot take the protocol's metaclass as well.
    """

    model_package_group_name: str
    model_package_group_arn: str
    """The ARN, in which SageMaker writes the name in lower case."""

    def version(self, number: int) -> ModelVersion:
        """One version of the group, for a `PackagedContainer`.

        Args:
            number: The version, 1 or more.

        Raises:
            ValueError: `number` is out of its range.
        """
        check_given(number=number)
        check_whole("number", number, 1, _MAX_VERSION)
        text = Token.as_string(number) if is_token(number) else str(number)
        return ModelVersion(model_package_arn=f"{self._versions_arn}/{text}")

    def grant_read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` describe the group and its versions, e.g. to find the approved one before a deployment."""
        return self._grant(grantee, "sagemaker:DescribeModelPackageGroup", *_READ)

    def grant_register(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` register versions that wait for approval, and read them, but approve none.

        https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html
        """
        grant = self.grant_read(grantee)
        pending = {"StringEqualsIfExists": {_APPROVAL: _PENDING}}
        return grant.combine(self._grant(grantee, "sagemaker:CreateModelPackage", conditions=pending))

    def grant_approve(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` approve and reject versions, and read them."""
        return self._grant(grantee, "sagemaker:DescribeModelPackageGroup", *_READ, "sagemaker:UpdateModelPackage")

    @property
    def _versions_arn(self) -> str:
        return _versions_of(self.model_package_group_arn)

    def _grant(
        self, grantee: iam.IGrantable, *actions: str, conditions: Mapping[str, Mapping[str, object]] | None = None
    ) -> iam.Grant:
        check_grantee(grantee)
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=list(actions),
            resource_arns=[self.model_package_group_arn, f"{self._versions_arn}/*"],
            conditions=conditions,
        )


class ModelPackageGroup(Construct, IModelPackageGroup):
    """A group of the model registry: the versions of one model, each waiting, approved or rejected.

    CloudFormation replaces the group when its name or description changes, and cannot while the name stays; tags and
    the policy for other accounts it changes in place. SageMaker refuses to delete a group that has versions.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        group_name: At most 63 letters, digits and inner hyphens. Default: derived from the construct's path.
        description: At most 1,024 characters. Decide once: a change needs another `group_name`. Default: none.
        removal_policy: What happens on deletion. Default: RETAIN, but not when the stack fails to create.

    Raises:
        ValueError: an argument is out of its range.

    See https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-models.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        group_name: str | None = None,
        description: str | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    ) -> None:
        check_type((str, NoneType), group_name=group_name, description=description)
        check_type(Construct, scope=scope)
        check_type(RemovalPolicy, removal_policy=removal_policy)
        check_pattern("group_name", group_name, GROUP_NAME, GROUP_NAME_RULE)
        check_description("description", description)
        super().__init__(scope, construct_id)
        self.model_package_group_name = literal_name(self) if group_name is None else group_name
        self.model_package_group_arn = _arn_of(self, self.model_package_group_name)
        self._statements: list[dict[str, object]] = []
        self._resource = sagemaker.CfnModelPackageGroup(
            self,
            "Resource",
            model_package_group_name=self.model_package_group_name,
            model_package_group_description=description,
        )
        self._resource.apply_removal_policy(removal_policy)

    @staticmethod
    def from_group_name(scope: Construct, group_name: str) -> IModelPackageGroup:
        """Refer to a group of this account and region by its name.

        Raises:
            ValueError: `group_name` is malformed.
        """
        check_type(str, group_name=group_name)
        check_pattern("group_name", group_name, GROUP_NAME, GROUP_NAME_RULE)
        return _ImportedGroup(group_name, _arn_of(scope, group_name))

    @staticmethod
    def from_group_arn(group_arn: str) -> IModelPackageGroup:
        """Refer to a group by its ARN, of this account or another one that admits it.

        Raises:
            ValueError: `group_arn` is malformed, or known only at deployment: then use `from_group_name`.
        """
        check_type(str, group_arn=group_arn)
        if is_token(group_arn):
            raise ValueError("group_arn must be known at synth, since ARNs of versions derive from it, got a token")
        check_pattern("group_arn", group_arn, _GROUP_ARN, "the ARN of a model package group")
        before, _, name = group_arn.rpartition("/")
        return _ImportedGroup(name, f"{before}/{name.lower()}")

    def admit(self, *accounts: str, register: bool = False, approve: bool = False) -> None:
        """Let other accounts read the versions, and make models of them.

        Each account decides by IAM which of its roles may. What a version consists of stays with its owners: admit the
        accounts to the images (`ImageRepository.admit`), and in the policies of the bucket and of its key.

        Args:
            accounts: Account ids, of 12 digits.
            register: Whether they may also register versions, which wait for approval. Default: False.
            approve: Whether they may also approve and reject versions. Default: False.

        Raises:
            ValueError: an account is malformed, or the policy gets too long.

        See https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-deploy-xaccount.html
        """
        check_type(bool, register=register, approve=approve)
        check_length("accounts", accounts, 1, MAX_POLICY)
        for account in accounts:
            check_pattern("accounts", account, _ACCOUNT, "account ids of 12 digits")
        partition = environment_of(self).partition
        principals = [f"arn:{partition}:iam::{account}:root" for account in accounts]
        use = [*_READ, "sagemaker:CreateModel", *(["sagemaker:UpdateModelPackage"] if approve else [])]
        versions = [f"{self._versions_arn}/*"]
        added = [
            _statement(principals, ["sagemaker:DescribeModelPackageGroup"], [self.model_package_group_arn]),
            _statement(principals, use, versions),
        ]
        if register:
            created = _statement(principals, ["sagemaker:CreateModelPackage"], versions)
            # The service takes a version for pending that says nothing of its approval.
            condition = {} if approve else {"Condition": {"StringEqualsIfExists": {_APPROVAL: _PENDING}}}
            added.append({**created, **condition})
        statements = [*self._statements, *added]
        document = {"Version": "2012-10-17", "Statement": statements}
        length = len(_TOKEN.sub("", json.dumps(document, separators=(",", ":"))))  # at least
        if length > MAX_POLICY:
            raise ValueError(f"accounts must make a policy of at most {MAX_POLICY:,} characters, got {length:,}")
        self._statements = statements
        self._resource.model_package_group_policy = document


class _ImportedGroup(IModelPackageGroup):
    def __init__(self, name: str, arn: str) -> None:
        self.model_package_group_name = name
        self.model_package_group_arn = arn


def check_description(argument: str, value: str | None) -> None:
    """Raise `ValueError` if SageMaker does not take a description; None and tokens pass."""
    check_size(argument, value)
    check_characters(argument, value or "", "LMZSNP", rule="no line breaks or other control characters")


def check_size(argument: str, value: str | None) -> None:
    """Raise `ValueError` if SageMaker does not take a description for its length; None and tokens pass."""
    if value is not None and not is_token(value) and len(value) > MAX_DESCRIPTION:
        raise ValueError(f"{argument} must have at most {MAX_DESCRIPTION:,} characters, got {len(value):,}")


def check_characters(argument: str, value: str, categories: str, others: str = "", *, rule: str) -> None:
    """Raise `ValueError` unless all characters are of some categories of Unicode, or some others; tokens pass.

    So do characters that this Python does not know yet.
    """
    kinds = () if is_token(value) else (category(each) for each in value if each not in others)
    if any(kind[0] not in categories and kind != "Cn" for kind in kinds):
        raise ValueError(f"{argument} must have {rule}, got {value!r}")


def check_texts(argument: str, values: Sequence[str], low: int, high: int, longest: int) -> None:
    """Raise `ValueError` unless there are as many texts as SageMaker takes, none too long; tokens pass."""
    check_each("text", str, **{argument: values})
    check_length(argument, values, low, high)
    for value in () if is_token(values) else values:
        if not is_token(value) and not 1 <= len(value) <= longest:
            raise ValueError(f"{argument} must have between 1 and {longest:,} characters each, got {len(value):,}")


def _arn_of(scope: Construct, name: str) -> str:
    return environment_of(scope).arn("sagemaker", f"model-package-group/{name if is_token(name) else name.lower()}")


def _versions_of(group_arn: str) -> str:
    return group_arn.replace(":model-package-group/", ":model-package/")


def _statement(principals: Sequence[str], actions: Sequence[str], resources: Sequence[str]) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"AWS": list(principals)},
        "Action": list(actions),
        "Resource": list(resources),
    }
