"""The Guard rules of the SageMaker pack as a CloudFormation Guard Hook of an account and region."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from aws_cdk import CfnGuardHook, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from ml_constructs._checks import check_choice, check_each, check_length, check_offers, check_pattern
from ml_constructs.permissions import NAMED_LATER, Permission, allow, use_key
from ml_constructs.policy.rule import Profile, Severity, chosen, sources

_SERVICE: Final = "hooks.cloudformation.amazonaws.com"
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-guardhook.html
_ALIAS: Final = r"(?!(?i:aws))[A-Za-z0-9]{2,64}::[A-Za-z0-9]{2,64}::[A-Za-z0-9]{2,64}"
_NAME: Final = r"[A-Za-z*][-A-Za-z0-9*]{0,127}"
_MOST_STACKS: Final = 50
_NO_STAGING: Final = "aws:cdk:disable-asset-staging"


class PolicyHook(Construct):
    """Judges every template of an account and region before CloudFormation deploys it, whatever wrote it.

        PolicyHook(stack, "Hook", profile="regulated", failure_mode="FAIL")

    It runs those rules of the pack that are written in Guard, which are about single resources; rules that join
    resources run in `SageMakerChecks` and in the review. It sees templates as written, of stacks and change sets that
    are created or updated; deletion is never hindered.

    https://docs.aws.amazon.com/cloudformation-cli/latest/hooks-userguide/guard-hooks.html

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        profile: Which rules apply, as for `SageMakerChecks`. Default: `production`.
        failure_mode: What a finding does: `WARN` tells of it in the events of the stack, `FAIL` stops the operation.
            Default: `WARN`.
        alias: The hook's name in the registry, unique in an account and region: three parts of 2 to 64 letters and
            digits, the first not beginning with AWS. Default: `MlConstructs::SageMaker::PolicyHook`.
        reports: Receives a report of each run, in full. Default: no reports; findings are in the events of the stack.
        reports_key: The customer-managed key that encrypts `reports`. Default: the bucket has none.
        only_stacks: Names of stacks that are judged, at most 50; `*` stands for any characters. Default: all.
        except_stacks: Names of stacks that are not judged, at most 50, likewise. Default: none.

    Raises:
        ValueError: an argument is outside what CloudFormation takes, or `reports_key` is given without `reports`.
        TypeError: an argument is of another type.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        profile: Literal["development", "production", "regulated"] = "production",
        failure_mode: Literal["WARN", "FAIL"] = "WARN",
        alias: str = "MlConstructs::SageMaker::PolicyHook",
        reports: s3.IBucket | None = None,
        reports_key: kms.IKey | None = None,
        only_stacks: Sequence[str] = (),
        except_stacks: Sequence[str] = (),
    ) -> None:
        check_choice("profile", profile, [each.name.lower() for each in Profile])
        check_choice("failure_mode", failure_mode, ["WARN", "FAIL"])
        check_pattern(
            "alias", alias, _ALIAS, "three parts of 2 to 64 letters and digits, and none of AWS, as in A1::B1::C1"
        )
        check_offers("bucket_name", "a bucket", reports=reports)
        check_offers("key_arn", "a KMS key", reports_key=reports_key)
        if reports is None and reports_key is not None:
            raise ValueError("reports_key must come with reports, the bucket that it encrypts")
        for argument, names in (("only_stacks", only_stacks), ("except_stacks", except_stacks)):
            check_each("names of stacks", str, **{argument: names})
            check_length(argument, names, 0, _MOST_STACKS)
            for name in names:
                check_pattern(argument, name, _NAME, "names of stacks, in which * stands for any characters")

        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        rules = _publish(self, guard_rules(profile))
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/registry-public.html shows both conditions.
        hooks = stack.format_arn(service="cloudformation", resource="type/hook", resource_name="*")
        self._role = iam.Role(
            self,
            "Role",
            description="Reads the rules of a Guard Hook",
            assumed_by=iam.ServicePrincipal(
                _SERVICE,
                conditions={
                    "StringEquals": {"aws:SourceAccount": stack.account},
                    "ArnLike": {"aws:SourceArn": hooks},
                },
            ),
        )
        permissions = [
            Permission(
                actions=["s3:GetObject", "s3:GetObjectVersion"],
                resources=[rules.bucket.arn_for_objects(rules.s3_object_key)],
            ),
            Permission(actions=["s3:ListBucket"], resources=[rules.bucket.bucket_arn]),
        ]
        if reports is not None:
            permissions.append(
                Permission(actions=["s3:PutObject"], resources=[reports.arn_for_objects("*")], wildcard=NAMED_LATER)
            )
            permissions += use_key(self, reports_key, "s3", "kms:GenerateDataKey")
        policy = allow(self, "Policy", self._role, permissions)
        self._hook = CfnGuardHook(
            self,
            "Resource",
            alias=alias,
            execution_role=self._role.role_arn,
            failure_mode=failure_mode,
            hook_status="ENABLED",
            rule_location=CfnGuardHook.S3LocationProperty(uri=rules.s3_object_url),
            # The rules read templates; of a single resource a hook is shown another shape.
            target_operations=["STACK", "CHANGE_SET"],
            log_bucket=None if reports is None else reports.bucket_name,
            stack_filters=_filters(only_stacks, except_stacks),
        )
        # The L1 knows only the other form of this property, a list of targets.
        self._hook.add_property_override("TargetFilters", {"Actions": ["CREATE", "UPDATE"]})
        self._hook.node.add_dependency(policy)

    @property
    def role(self) -> iam.IRole:
        """What the hook reads its rules as; let it decrypt them if the bootstrap bucket has a customer-managed key."""
        return self._role

    @property
    def hook_arn(self) -> str:
        """The ARN of the hook in the registry."""
        return self._hook.attr_hook_arn


def guard_rules(profile: Literal["development", "production", "regulated"] = "production") -> str:
    """The Guard rules that a profile demands, as one file for cfn-guard or for a Guard Hook."""
    return "\n".join(text for _, text in sources(chosen(Profile[profile.upper()], Severity.WARNING), "guard"))


def _publish(scope: Construct, rules: str) -> assets.Asset:
    """Publish the rules as one file; the object's name ends as CloudFormation demands, and changes with the content."""
    temporary = Path(tempfile.mkdtemp())
    path = temporary / "rules.guard"
    path.write_text(rules, encoding="utf-8")
    asset = assets.Asset(scope, "Rules", path=str(path))
    if not scope.node.try_get_context(_NO_STAGING):  # else the command line reads the file from where it is
        shutil.rmtree(temporary)
    return asset


def _filters(only: Sequence[str], but: Sequence[str]) -> CfnGuardHook.StackFiltersProperty | None:
    if not only and not but:
        return None
    names = CfnGuardHook.StackNamesProperty(include=list(only) or None, exclude=list(but) or None)
    return CfnGuardHook.StackFiltersProperty(filtering_criteria="ALL", stack_names=names)
