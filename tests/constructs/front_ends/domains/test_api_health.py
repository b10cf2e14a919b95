"""A region is healthy while its API is reached from outside and answers most callers."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Duration, Environment, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns

from ml_constructs.front_ends.api.rest_api import RestApiFrontEnd
from ml_constructs.front_ends.domains.api_health import ApiHealth, watch
from tests.constructs.front_ends.helpers import an_endpoint, one, resources
from tests.constructs.refusals import refusals

CHECK = "AWS::Route53::HealthCheck"
ALARM = "AWS::CloudWatch::Alarm"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-0000-0000-000000000000"


def watched(stack: Stack, health: ApiHealth | None = None, **options: Any) -> None:  # noqa: ANN401 - of RestApiFrontEnd
    front_end = RestApiFrontEnd(stack, "Api", endpoint=an_endpoint(stack), **options)
    watch(stack, ApiHealth() if health is None else health, front_end, "d-abc.execute-api.eu-west-1.example.com")


def checks(stack: Stack) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for each in resources(stack, CHECK).values():
        config = each["Properties"]["HealthCheckConfig"]
        found.setdefault(config["Type"], []).append(config)
    return found


def alarm(stack: Stack, statistic: str = "Sum", period: Duration | None = None) -> cloudwatch.Alarm:
    metric = cloudwatch.Metric(
        namespace="N", metric_name="M", statistic=statistic, period=Duration.minutes(1) if period is None else period
    )
    return cloudwatch.Alarm(stack, "Own", metric=metric, threshold=1, evaluation_periods=1)


def test_is_healthy_while_reached_and_answering(stack: Stack) -> None:
    watched(stack)
    found = checks(stack)
    assert found["TCP"] == [
        {
            "Type": "TCP",
            "FullyQualifiedDomainName": "d-abc.execute-api.eu-west-1.example.com",
            "Port": 443,
            "RequestInterval": 30,
            "FailureThreshold": 3,
        }
    ]
    (told,) = found["CLOUDWATCH_METRIC"]
    (failing,) = resources(stack, ALARM)
    assert told["AlarmIdentifier"] == {"Name": {"Ref": failing}, "Region": {"Ref": "AWS::Region"}}
    assert told["InsufficientDataHealthStatus"] == "LastKnownStatus"
    (healthy,) = found["CALCULATED"]
    assert healthy["HealthThreshold"] == len(healthy["ChildHealthChecks"]) == 2


def test_fails_when_half_of_the_callers_fail_for_three_minutes(stack: Stack) -> None:
    watched(stack)
    properties = one(stack, ALARM)["Properties"]
    assert (properties["Namespace"], properties["MetricName"]) == ("AWS/ApiGateway", "5XXError")
    assert (properties["Statistic"], properties["Period"], properties["Threshold"]) == ("Average", 60, 0.5)
    assert properties["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert properties["EvaluationPeriods"] == 3
    assert properties.get("DatapointsToAlarm", 3) == 3
    assert properties["TreatMissingData"] == "missing"


def test_people_hear_of_it(stack: Stack) -> None:
    watched(stack)
    (topic,) = resources(stack, "AWS::SNS::Topic")
    properties = one(stack, ALARM)["Properties"]
    assert properties["AlarmActions"] == properties["OKActions"] == [{"Ref": topic}]


def test_topic_may_be_given(stack: Stack) -> None:
    topic = sns.Topic.from_topic_arn(stack, "Topic", "arn:aws:sns:eu-west-1:111122223333:on-call")
    watched(stack, ApiHealth(alarm_topic=topic))
    assert resources(stack, "AWS::SNS::Topic") == {}
    assert one(stack, ALARM)["Properties"]["AlarmActions"] == [topic.topic_arn]


def test_other_settings_have_another_name_that_route_53_looks_up() -> None:
    names = []
    settings: list[tuple[ApiHealth, dict[str, Any]]] = [
        (ApiHealth(), {}),
        (ApiHealth(failing_share=0.2), {}),
        (ApiHealth(minutes=5), {}),
        (ApiHealth(), {"timeout": Duration.seconds(20)}),
    ]
    for health, options in settings:
        stack = Stack(App(builtin_cloud_formation_validation=False), "Stack")
        key = kms.Key.from_key_arn(stack, "Key", KEY)
        watched(stack, health, encryption_key=key, **options)
        names.append(one(stack, ALARM)["Properties"]["AlarmName"])
    assert len(set(names[:3])) == 3
    assert names[3] == names[0]
    assert all(name.startswith("Stack") and len(name) <= 255 for name in names)


def test_own_alarms_make_it_unhealthy_too(stack: Stack) -> None:
    watched(stack, ApiHealth(alarms=[alarm(stack)]))
    found = checks(stack)
    assert len(found["CLOUDWATCH_METRIC"]) == 2
    assert found["CALCULATED"][0]["HealthThreshold"] == 3


@pytest.mark.parametrize(
    ("statistic", "period"),
    [("p99", Duration.minutes(1)), ("Sum", Duration.seconds(10)), ("Sum", Duration.seconds(30))],
)
def test_refuses_alarms_that_route_53_does_not_support(stack: Stack, statistic: str, period: Duration) -> None:
    own = alarm(stack, statistic, period)
    with pytest.raises(ValueError, match=r"alarms must be of one metric, by Average, Minimum, Maximum, .* 'Stack/Own'"):
        ApiHealth(alarms=[own])


def test_refuses_an_alarm_on_an_expression(stack: Stack) -> None:
    metric = cloudwatch.Metric(namespace="N", metric_name="M")
    sum_of_both = cloudwatch.MathExpression(expression="a + a", using_metrics={"a": metric})
    own = cloudwatch.Alarm(stack, "Own", metric=sum_of_both, threshold=1, evaluation_periods=1)
    with pytest.raises(ValueError, match="alarms must be of one metric"):
        ApiHealth(alarms=[own])


def test_refuses_an_alarm_of_another_region(app: App) -> None:
    here = Stack(app, "Here", env=Environment(account="111122223333", region="eu-west-1"))
    there = Stack(app, "There", env=Environment(account="111122223333", region="us-east-1"))
    with pytest.raises(ValueError, match="alarms must be in the region of what uses it, eu-west-1"):
        watched(here, ApiHealth(alarms=[alarm(there)]))


@pytest.mark.parametrize(("share", "minutes"), [(0.001, 1), (1, 1440)])
def test_accepts_the_edges(share: float, minutes: int) -> None:
    assert ApiHealth(failing_share=share, minutes=minutes).minutes == minutes


@pytest.mark.parametrize(
    ("argument", "values"),
    [
        ("failing_share", (None, 0, -1, 1.01, "x", True, float("nan"))),
        ("minutes", (None, 0, 1441, 1.5, "3", True)),
        ("alarms", (None, "x", [None], ["alarm"])),
        ("alarm_topic", ("arn", 5)),
    ],
)
def test_refuses_what_is_out_of_range(argument: str, values: tuple[object, ...]) -> None:
    assert len(list(refusals(lambda _stack, bad: ApiHealth(**bad), argument, values))) == len(values)


def test_takes_tokens(stack: Stack) -> None:
    share, minutes = (CfnParameter(stack, each, type="Number").value_as_number for each in ("Share", "Minutes"))
    watched(stack, ApiHealth(failing_share=share, minutes=minutes))  # type: ignore[arg-type]
    properties = one(stack, ALARM)["Properties"]
    assert (properties["Threshold"], properties["EvaluationPeriods"]) == ({"Ref": "Share"}, {"Ref": "Minutes"})


def test_limits_the_alarms(stack: Stack) -> None:
    own = alarm(stack)
    assert len(ApiHealth(alarms=[own] * 253).alarms) == 253
    with pytest.raises(ValueError, match="alarms must have between 0 and 253 members, got 254"):
        ApiHealth(alarms=[own] * 254)
