"""The alarms that take a deployment back: the construct's own, and those added to it later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import jsii
from aws_cdk import IStableListProducer, Lazy
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from ml_constructs._checks import check_given, check_offers
from ml_constructs._environment import check_region, environment_of
from ml_constructs.endpoints.rollback import MAX_ROLLBACK_ALARMS
from ml_constructs.permissions import Permission


class RollbackWatch:
    """Rollback alarms of one endpoint or component, which may grow after it is made.

    Args:
        own: The construct's own alarms by name: literals, so that no reference orders them before it.
    """

    def __init__(self, own: Mapping[str, cloudwatch.Alarm]) -> None:
        self.alarms: list[cloudwatch.IAlarm] = list(own.values())
        self.names = list(own)
        self._added: list[str] = []

    def permissions(self, scope: Construct) -> list[Permission]:
        """What the execution role needs to watch the construct's own alarms; nothing where there are none.

        https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html
        """
        arns = [environment_of(scope).arn("cloudwatch", f"alarm:{name}") for name in self.names]
        return [_watch(arns)] if arns else []

    def add(self, scope: Construct, alarm: cloudwatch.IAlarm) -> list[Permission]:
        """Watch one more alarm.

        Returns:
            What the execution role needs to watch every alarm added; nothing but for the first of them.

        Raises:
            ValueError: there are as many rollback alarms as AWS allows, or the alarm is of another region.
        """
        check_given(alarm=alarm)
        check_offers("alarm_name", "an alarm", alarm=alarm)
        check_region(scope, alarm=alarm)
        if len(self.alarms) == MAX_ROLLBACK_ALARMS:
            raise ValueError(f"alarm must be one of at most {MAX_ROLLBACK_ALARMS} rollback alarms, got one more")
        self.alarms.append(alarm)
        self.names.append(alarm.alarm_name)
        self._added.append(alarm.alarm_arn)
        return [_watch(Lazy.list(_Growing(self._added)))] if len(self._added) == 1 else []


def _watch(alarm_arns: Sequence[str]) -> Permission:
    return Permission(actions=["cloudwatch:DescribeAlarms"], resources=alarm_arns)


@jsii.implements(IStableListProducer)
class _Growing:
    """A list as it is at synth."""

    def __init__(self, values: list[str]) -> None:
        self._values = values

    def produce(self) -> list[str]:
        return self._values
