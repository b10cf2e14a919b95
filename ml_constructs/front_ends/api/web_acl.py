"""A web ACL of AWS WAF for an API that serves models."""

from __future__ import annotations

from types import NoneType
from typing import Final

from aws_cdk import ArnFormat, Fn, Names, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from ml_constructs._checks import check_given, check_offers, check_pattern, check_type, check_whole
from ml_constructs._environment import check_region
from ml_constructs.encryption import EncryptionKey
from ml_constructs.front_ends._logs import log_group

# https://docs.aws.amazon.com/waf/latest/APIReference/API_RateBasedStatement.html
RATE_LIMIT: Final = (10, 2_000_000_000)

_LOG_PREFIX: Final = "aws-waf-logs-"  # https://docs.aws.amazon.com/waf/latest/developerguide/logging-cw-logs.html
# https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html
_RULE_GROUPS: Final = ("AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet")
# It blocks bodies above 8 KB, which models need: the front end has a limit of its own.
_COUNTED: Final = {"AWSManagedRulesCommonRuleSet": ("SizeRestrictions_BODY",)}
# What is left of a metric's name, of at most 128 characters, once `_visibility` has appended the longest rule's:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-wafv2-webacl-visibilityconfig.html
_NAME_LENGTH: Final = 128 - len("-") - max(map(len, _RULE_GROUPS))
_REDACTED: Final = ("authorization", "x-amz-security-token")


class WebAcl(Construct):
    """Blocks addresses that send too much, and requests that AWS knows to be malicious.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        rate_limit: Requests of one IP address in five minutes, 10 to 2,000,000,000, above which it is blocked.
            Default: 10,000, a third of what an API of this library admits in all.
        encryption_key: Encrypts the log. Default: a new `EncryptionKey`.
        log_retention: How long the log is kept. Default: one year.

    Raises:
        ValueError: `rate_limit` is out of range.

    See https://docs.aws.amazon.com/waf/latest/developerguide/web-acl.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        rate_limit: int = 10_000,
        encryption_key: kms.IKey | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
    ) -> None:
        check_given(rate_limit=rate_limit)
        check_offers("key_arn", "a KMS key", encryption_key=encryption_key)
        check_type(logs.RetentionDays, log_retention=log_retention)
        check_region(scope, encryption_key=encryption_key)
        check_whole("rate_limit", rate_limit, *RATE_LIMIT, "requests")
        super().__init__(scope, construct_id)
        key = EncryptionKey(self, "Key") if encryption_key is None else encryption_key
        name = Names.unique_resource_name(self, max_length=_NAME_LENGTH, separator="-", allowed_special_characters="-")
        self._resource = wafv2.CfnWebACL(
            self,
            "Resource",
            scope="REGIONAL",
            description="Guards an API in front of a model",
            default_action=wafv2.CfnWebACL.DefaultActionProperty(allow={}),
            visibility_config=_visibility(name),
            rules=[_rate_rule(name, rate_limit), *_managed_rules(name)],
        )
        self.log_group: Final = log_group(
            self,
            "Logs",
            key,
            log_retention,
            # The name is literal, as WAF demands, but for a part of the stack's id: a retained log group of a deleted
            # stack is not in the way of its successor.
            name=f"{_LOG_PREFIX}{name}-{Fn.select(2, Fn.split('/', Stack.of(self).stack_id))}",
            admitted=f"{_LOG_PREFIX}*",
        )
        self._logging = wafv2.CfnLoggingConfiguration(
            self,
            "Logging",
            resource_arn=self._resource.attr_arn,
            log_destination_configs=[
                Stack.of(self).format_arn(
                    service="logs",
                    resource="log-group",
                    resource_name=self.log_group.log_group_name,
                    arn_format=ArnFormat.COLON_RESOURCE_NAME,
                )
            ],
            redacted_fields=[
                wafv2.CfnLoggingConfiguration.FieldToMatchProperty(single_header={"Name": header})
                for header in _REDACTED
            ],
        )

    @property
    def arn(self) -> str:
        """The ARN of the web ACL."""
        return self._resource.attr_arn


def check_web_acl(web_acl: WebAcl | str | None) -> None:
    """Raise unless there is none, or one that an API may have."""
    check_type((WebAcl, str, NoneType), web_acl=web_acl)
    if isinstance(web_acl, str):
        pattern = r"arn:[\w-]+:wafv2:[\w-]+:\d{12}:regional/webacl/.+"
        check_pattern("web_acl", web_acl, pattern, "a WebAcl, or the ARN of a regional web ACL")


def guard(scope: Construct, stage: apigateway.Stage, web_acl: WebAcl | str) -> None:
    """Let a web ACL, or that with an ARN, inspect the requests of a stage."""
    wafv2.CfnWebACLAssociation(
        scope,
        "WebAclAssociation",
        resource_arn=stage.stage_arn,
        web_acl_arn=web_acl if isinstance(web_acl, str) else web_acl.arn,
    )


def _visibility(metric_name: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
    return wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=metric_name, sampled_requests_enabled=True
    )


def _rate_rule(name: str, limit: int) -> wafv2.CfnWebACL.RuleProperty:
    return wafv2.CfnWebACL.RuleProperty(
        name="RateLimit",
        priority=0,
        action=wafv2.CfnWebACL.RuleActionProperty(block={}),
        statement=wafv2.CfnWebACL.StatementProperty(
            rate_based_statement=wafv2.CfnWebACL.RateBasedStatementProperty(
                limit=limit, aggregate_key_type="IP", evaluation_window_sec=300
            )
        ),
        visibility_config=_visibility(f"{name}-RateLimit"),
    )


def _managed_rules(name: str) -> list[wafv2.CfnWebACL.RuleProperty]:
    return [
        wafv2.CfnWebACL.RuleProperty(
            name=group,
            priority=priority,
            override_action=wafv2.CfnWebACL.OverrideActionProperty(none={}),
            statement=wafv2.CfnWebACL.StatementProperty(
                managed_rule_group_statement=wafv2.CfnWebACL.ManagedRuleGroupStatementProperty(
                    vendor_name="AWS",
                    name=group,
                    rule_action_overrides=[
                        wafv2.CfnWebACL.RuleActionOverrideProperty(
                            name=rule, action_to_use=wafv2.CfnWebACL.RuleActionProperty(count={})
                        )
                        for rule in _COUNTED.get(group, ())
                    ]
                    or None,
                )
            ),
            visibility_config=_visibility(f"{name}-{group}"),
        )
        for priority, group in enumerate(_RULE_GROUPS, start=1)
    ]
