"""A new version of the function behind an API, tried on a share of its requests before it gets all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import CfnCodeDeployLambdaAliasUpdate, CfnUpdatePolicy, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from ml_constructs._checks import check_each, check_given, check_length, check_offers, check_type, check_whole, is_token
from ml_constructs._environment import environment_of
from ml_constructs.front_ends.functions.function import FunctionFrontEnd
from ml_constructs.permissions import Permission, allow

# https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_TimeBasedCanary.html
PERCENT: Final = (1, 99)
# https://docs.aws.amazon.com/codedeploy/latest/userguide/limits.html: 2 days for all shifts of one deployment
WAIT_MINUTES: Final = (1, 2880)

_FAILURE_SHARE: Final = 0.05
_ALL_ALARMS: Final = (
    "CodeDeploy reads the alarms of a deployment with one call that lists them; it returns states and no data."
)


@dataclass(frozen=True, kw_only=True)
class ApiCanary:
    """A share of the requests for the new version of the function, and a return to the old one at an alarm.

    Shifts the weights of the function's alias, which each deployment of a new version sets back. The canary of an API
    Gateway stage is not offered: CloudFormation neither keeps the deployment that it needs, nor ends it.

    Args:
        percent: The share of requests that the new version gets at first, 1 to 99. Default: 10.
        wait: How long it gets no more than that, 1 to 2,880 whole minutes, which the stack's update takes longer.
            Default: 10 minutes.
        alarms: Alarms at which the old version gets all requests again, and the stack is rolled back, besides one on
            errors of the function and one on more than 5 percent of answers with 5XX in a minute. At most 8.
        alarm_topic: Told when one of those two fires. Default: nobody, which leaves a finding of cdk-nag open.

    Raises:
        ValueError: an argument is out of its range.

    See https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html
    """

    percent: int = 10
    wait: Duration | None = None
    alarms: Sequence[cloudwatch.IAlarm] = ()
    alarm_topic: sns.ITopic | None = None

    def __post_init__(self) -> None:
        check_given(percent=self.percent)
        check_whole("percent", self.percent, *PERCENT, "percent")
        if is_token(self.percent):
            raise ValueError("percent must be known at synthesis, got a token")
        if self.wait is not None:
            check_type(Duration, wait=self.wait)
            minutes = None if is_token(self.wait) else self.wait.to_minutes(integral=False)
            if minutes is None or not WAIT_MINUTES[0] <= minutes <= WAIT_MINUTES[1] or minutes != int(minutes):
                shown = "a token" if minutes is None else f"{minutes:g} minutes"
                raise ValueError(f"wait must be between 1 and 2,880 whole minutes, got {shown}")
        check_each("alarms", "alarm_name", alarms=self.alarms)
        check_length("alarms", self.alarms, 0, 8)
        check_offers("topic_arn", "an SNS topic", alarm_topic=self.alarm_topic)


class FunctionShift(Construct):
    """Shifts requests to each new version of a function as its alias is updated.

    Args:
        scope: The front end.
        construct_id: The id in `scope`.
        canary: How.
        function: The function.
        failures: Answers with 5XX, as a metric whose dimensions are literal: what names the stage by reference would
            wait for the alias.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        canary: ApiCanary,
        function: FunctionFrontEnd,
        failures: cloudwatch.Metric,
    ) -> None:
        super().__init__(scope, construct_id)
        watched = [
            _alarm(self, "Errors", function.metric_errors(), 0, "The function failed or ran out of time"),
            _alarm(self, "Failures", failures, _FAILURE_SHARE, "The API answered with 5XX"),
        ]
        if canary.alarm_topic is not None:
            for alarm in watched:
                alarm.add_alarm_action(actions.SnsAction(canary.alarm_topic))
        wait = Duration.minutes(10) if canary.wait is None else canary.wait
        application = codedeploy.CfnApplication(self, "Application", compute_platform="Lambda")
        config = codedeploy.CfnDeploymentConfig(
            self,
            "Config",
            compute_platform="Lambda",
            traffic_routing_config=codedeploy.CfnDeploymentConfig.TrafficRoutingConfigProperty(
                type="TimeBasedCanary",
                time_based_canary=codedeploy.CfnDeploymentConfig.TimeBasedCanaryProperty(
                    canary_percentage=canary.percent, canary_interval=int(wait.to_minutes())
                ),
            ),
        )
        role, policy = _role(self, function, application)
        group = codedeploy.CfnDeploymentGroup(
            self,
            "Group",
            application_name=application.ref,
            service_role_arn=role.role_arn,
            deployment_config_name=config.ref,
            deployment_style=codedeploy.CfnDeploymentGroup.DeploymentStyleProperty(
                deployment_type="BLUE_GREEN", deployment_option="WITH_TRAFFIC_CONTROL"
            ),
            alarm_configuration=codedeploy.CfnDeploymentGroup.AlarmConfigurationProperty(
                enabled=True,
                alarms=[
                    codedeploy.CfnDeploymentGroup.AlarmProperty(name=alarm.alarm_name)
                    for alarm in (*watched, *canary.alarms)
                ],
            ),
            auto_rollback_configuration=codedeploy.CfnDeploymentGroup.AutoRollbackConfigurationProperty(
                enabled=True, events=["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"]
            ),
        )
        group.node.add_dependency(policy)  # a deployment starts as soon as the alias refers to the group
        alias = function.alias.node.default_child
        assert isinstance(alias, lambda_.CfnAlias)  # noqa: S101 - narrows the type of an L2's own child
        alias.cfn_options.update_policy = CfnUpdatePolicy(
            code_deploy_lambda_alias_update=CfnCodeDeployLambdaAliasUpdate(
                application_name=application.ref, deployment_group_name=group.ref
            )
        )


def _alarm(
    scope: Construct, construct_id: str, metric: cloudwatch.Metric, threshold: float, description: str
) -> cloudwatch.Alarm:
    return cloudwatch.Alarm(
        scope,
        construct_id,
        metric=metric.with_(period=Duration.minutes(1)),
        threshold=threshold,
        evaluation_periods=1,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        alarm_description=f"{description} while a new version is tried; ends its deployment",
    )


def _role(
    scope: Construct, function: FunctionFrontEnd, application: codedeploy.CfnApplication
) -> tuple[iam.Role, iam.ManagedPolicy]:
    """What CodeDeploy does to shift the weights of one alias.

    See https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSCodeDeployRoleForLambdaLimited.html and
    https://docs.aws.amazon.com/codedeploy/latest/userguide/security_confused_deputy.html
    """
    here = environment_of(scope)
    conditions = {
        "ArnLike": {"aws:SourceArn": here.arn("codedeploy", f"deploymentgroup:{application.ref}/*")},
        "StringEquals": {"aws:SourceAccount": here.account},
    }
    role = iam.Role(
        scope,
        "Role",
        assumed_by=iam.ServicePrincipal("codedeploy.amazonaws.com", conditions=conditions),
        description="Shifts requests between two versions of one function",
    )
    arn = function.function.function_arn
    permissions = [
        Permission(
            actions=["lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"],
            # Not the alias's own ARN: the alias waits for this.
            resources=[arn, f"{arn}:live"],
        ),
        Permission(actions=["cloudwatch:DescribeAlarms"], resources=["*"], wildcard=_ALL_ALARMS),
    ]
    return role, allow(scope, "Policy", role, permissions)
