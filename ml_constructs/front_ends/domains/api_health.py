"""What Route 53 knows of an API in one region, without an open method that everybody could call."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import Duration, Names, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_sns as sns
from constructs import Construct

from ml_constructs._alarm_topic import alarm_topic
from ml_constructs._checks import (
    check_each,
    check_finite,
    check_given,
    check_length,
    check_offers,
    check_range,
    check_whole,
)
from ml_constructs._environment import check_account, check_region, environment_of
from ml_constructs.front_ends.api.rest_api import RestApiFrontEnd

# An alarm's range must be within a day: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
MINUTES: Final = (1, 1440)
# 255 health checks in one, of which two are ours:
# https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-determining-health-of-endpoints.html
MAX_ALARMS: Final = 253

_PORT: Final = 443
_SECONDS_BETWEEN_CHECKS: Final = 30
_FAILURES: Final = 3
_ALARM_NAME_LENGTH: Final = 255
_DIGEST_LENGTH: Final = 8
_STANDARD_RESOLUTION: Final = 60  # seconds


@dataclass(frozen=True, kw_only=True)
class ApiHealth:
    """When a region is unhealthy: its API cannot be reached from outside, or fails most callers.

    Health checkers cannot sign requests. So they open connections, which need no authorisation, and CloudWatch tells
    what the callers get. A region without callers keeps the health it had.

    Args:
        failing_share: The share of requests answered with 5XX from which on a region fails, above 0, at most 1.
            Default: 0.5.
        minutes: How many minutes in a row it must fail, 1 to 1,440. Default: 3.
        alarms: Further alarms that make the region unhealthy, at most 253, of metrics with a period of a minute or more
            and one of the statistics Average, Minimum, Maximum, Sum and SampleCount. Route 53 keeps the settings that
            an alarm had when it was named: give it another name with others. Default: none.
        alarm_topic: Who hears that callers are led away, and that they come back. Its owner lets CloudWatch publish to
            it. Default: a new topic, encrypted with the key of the front end.

    Raises:
        ValueError: an argument is out of its range, or Route 53 does not support an alarm.

    See https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-determining-health-of-endpoints.html
    """

    failing_share: float = 0.5
    minutes: int = 3
    alarms: Sequence[cloudwatch.Alarm] = ()
    alarm_topic: sns.ITopic | None = None

    def __post_init__(self) -> None:
        check_given(failing_share=self.failing_share, minutes=self.minutes)
        check_finite("failing_share", self.failing_share, "a share above 0", above=0)
        check_range("failing_share", self.failing_share, 0, 1)
        check_whole("minutes", self.minutes, *MINUTES)
        check_each("alarms", cloudwatch.Alarm, alarms=self.alarms)
        check_length("alarms", self.alarms, 0, MAX_ALARMS)
        check_offers("topic_arn", "an SNS topic", alarm_topic=self.alarm_topic)
        for alarm in self.alarms:
            _check_supported(alarm)


def watch(scope: Construct, health: ApiHealth, front_end: RestApiFrontEnd, host: str) -> route53.CfnHealthCheck:
    """Make the health check of an API that answers at `host`; healthy while every part of it is."""
    for alarm in health.alarms:
        check_account(scope, alarms=alarm)
    check_region(scope, alarm_topic=health.alarm_topic)
    config = route53.CfnHealthCheck.HealthCheckConfigProperty
    reached = route53.CfnHealthCheck(
        scope,
        "Reached",
        health_check_config=config(
            type="TCP",
            fully_qualified_domain_name=host,
            port=_PORT,
            request_interval=_SECONDS_BETWEEN_CHECKS,
            failure_threshold=_FAILURES,
        ),
    )
    alarms = [_failing(scope, health, front_end), *health.alarms]
    told = [
        route53.CfnHealthCheck(
            scope,
            f"Told{index}",
            health_check_config=config(
                type="CLOUDWATCH_METRIC",
                alarm_identifier=route53.CfnHealthCheck.AlarmIdentifierProperty(
                    name=alarm.alarm_name, region=environment_of(scope).region
                ),
                # Nobody calls a region that failed: were it healthy again at once, it would fail again at once.
                insufficient_data_health_status="LastKnownStatus",
            ),
        )
        for index, alarm in enumerate(alarms)
    ]
    children = [each.attr_health_check_id for each in (reached, *told)]
    return route53.CfnHealthCheck(
        scope,
        "Healthy",
        health_check_config=config(type="CALCULATED", child_health_checks=children, health_threshold=len(children)),
        health_check_tags=[
            route53.CfnHealthCheck.HealthCheckTagProperty(key="Name", value=f"{scope.node.path} is healthy"[:256])
        ],
    )


def _failing(scope: Construct, health: ApiHealth, front_end: RestApiFrontEnd) -> cloudwatch.Alarm:
    """An alarm with another name for each other setting, since Route 53 does not look at its settings again."""
    metric = front_end.metric_5xx(statistic="Average", period=Duration.minutes(1))
    watched = Stack.of(scope).resolve([metric.dimensions, health.failing_share, health.minutes])
    digest = hashlib.sha256(json.dumps(watched, sort_keys=True).encode()).hexdigest()[:_DIGEST_LENGTH]
    name = Names.unique_resource_name(
        scope,
        max_length=_ALARM_NAME_LENGTH - _DIGEST_LENGTH - 1,
        separator="-",
        allowed_special_characters="-",
    )
    alarm = cloudwatch.Alarm(
        scope,
        "Failing",
        alarm_name=f"{name}-{digest}",
        alarm_description=f"{front_end.node.path} fails callers, who are sent to another region while it does",
        metric=metric,
        threshold=health.failing_share,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        evaluation_periods=health.minutes,
        treat_missing_data=cloudwatch.TreatMissingData.MISSING,
    )
    topic = health.alarm_topic
    if topic is None:
        topic = alarm_topic(scope, front_end.encryption_key, display_name=f"Health of {front_end.node.path}"[:100])
    alarm.add_alarm_action(actions.SnsAction(topic))
    alarm.add_ok_action(actions.SnsAction(topic))
    return alarm


def _check_supported(alarm: cloudwatch.Alarm) -> None:
    resource = alarm.node.default_child
    assert isinstance(resource, cloudwatch.CfnAlarm)  # noqa: S101 - narrows the type of an L2's own child
    supported = resource.metric_name is not None and resource.extended_statistic is None
    if not supported or (resource.period or 0) < _STANDARD_RESOLUTION:
        raise ValueError(
            "alarms must be of one metric, by Average, Minimum, Maximum, Sum or SampleCount of a minute or more, got "
            f"{alarm.node.path!r}"
        )
