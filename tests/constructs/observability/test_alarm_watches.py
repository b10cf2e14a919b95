"""Each kind of endpoint is watched by what it publishes: no alarm waits for a metric that never comes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Duration, Environment, Size, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk.assertions import Annotations, Match, Template
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks

from ml_constructs.components.adapter_component import AdapterComponent
from ml_constructs.components.inference_component import InferenceComponent
from ml_constructs.components.shared_endpoint import SharedEndpoint
from ml_constructs.endpoint_config.asynchronous import AsyncInference
from ml_constructs.endpoint_config.serverless_variant import ServerlessVariant
from ml_constructs.endpoints.deployment import Deployment
from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.observability.alarm_thresholds import AlarmThresholds
from ml_constructs.observability.alarms import EndpointAlarms
from tests.constructs.builders import IMPORTED, stored, text, variant
from tests.constructs.component_builders import component, shared

# Metrics that each kind publishes, by the AWS pages that call their lists exhaustive:
# https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-monitoring.html
# https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html, which adds metrics of hosts
PUBLISHED = {
    "serverless": {
        "Invocation4XXErrors",
        "Invocation5XXErrors",
        "Invocations",
        "MemoryUtilization",
        "ModelLatency",
        "ModelSetupTime",
        "OverheadLatency",
        "ServerlessConcurrentExecutionsUtilization",
        "ServerlessProvisionedConcurrencyUtilization",
    },
    "asynchronous": {
        "ApproximateAgeOfOldestRequest",
        "ApproximateBacklogSize",
        "ApproximateBacklogSizePerInstance",
        "CPUUtilization",
        "DiskUtilization",
        "ExpiredRequests",
        "HasBacklogWithoutCapacity",
        "Invocation4XXErrors",
        "Invocation5XXErrors",
        "InvocationFailures",
        "InvocationsProcessed",
        "MemoryUtilization",
        "ModelLatency",
        "NotificationFailures",
        "RequestDownloadFailures",
        "ResponseUploadFailures",
        "TimeInBacklog",
        "TotalProcessingTime",
    },
}
EXPECTED = {
    "serverless": {"errors", "client-errors", "model-latency", "concurrency", "cold-start", "memory", "no-traffic"},
    "asynchronous": {
        "errors",
        "client-errors",
        "failures",
        "expired",
        "notifications",
        "backlog-age",
        "no-capacity",
        "memory",
        "disk",
        "no-traffic",
    },
}
QUIET = AlarmThresholds(no_traffic=Duration.hours(1))
OFF: dict[str, Any] = dict.fromkeys(AlarmThresholds.__dataclass_fields__, None)
LEAN = ServerlessVariant(name="only", model=IMPORTED, memory=Size.gibibytes(1), max_concurrency=5)


def owned(stack: Stack, kind: str) -> IEndpoint:
    if kind == "serverless":
        return Endpoint(stack, "Endpoint", variants=[LEAN], endpoint_name="live")
    return Endpoint(stack, "Endpoint", variants=[variant()], asynchronous=AsyncInference(), endpoint_name="live")


def imported(stack: Stack, kind: str) -> IEndpoint:
    return Endpoint.from_endpoint_attributes(
        stack,
        "Endpoint",
        endpoint_name="live",
        variant_names=["only"],
        serverless=kind == "serverless",
        asynchronous=kind == "asynchronous",
    )


def alarms(stack: Stack, prefix: str = "live-only-") -> dict[str, dict[str, Any]]:
    """The properties of each alarm by what it watches, without those that roll back."""
    found = Template.from_stack(stack).find_resources("AWS::CloudWatch::Alarm").values()
    named = {each["Properties"]["AlarmName"]: each["Properties"] for each in found}
    return {
        name.removeprefix(prefix): properties
        for name, properties in named.items()
        if name.startswith(prefix) and "-rollback-" not in name
    }


def metrics(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """What an alarm reads, each metric flat: name, namespace, statistic and period."""
    if "MetricName" in alarm:
        return [alarm]
    stats = [each["MetricStat"] for each in alarm["Metrics"] if "MetricStat" in each]
    return [{**each["Metric"], "Statistic": each["Stat"], "Period": each["Period"]} for each in stats]


def expression(alarm: dict[str, Any]) -> str:
    (returned,) = [each["Expression"] for each in alarm["Metrics"] if each.get("ReturnData")]
    return str(returned)


def dimensions(metric: dict[str, Any]) -> dict[str, str]:
    return {each["Name"]: each["Value"] for each in metric["Dimensions"]}


@pytest.mark.parametrize("made", [owned, imported])
@pytest.mark.parametrize("kind", list(EXPECTED))
def test_owned_or_imported_a_kind_has_its_alarms(
    stack: Stack, kind: str, made: Callable[[Stack, str], IEndpoint]
) -> None:
    EndpointAlarms(stack, "Alarms", endpoint=made(stack, kind), thresholds=QUIET)
    every = alarms(stack)
    assert set(every) == EXPECTED[kind]
    read = {metric["MetricName"] for alarm in every.values() for metric in metrics(alarm)}
    assert read <= PUBLISHED[kind]
    assert all(alarm["AlarmDescription"].startswith("Endpoint live, variant only: ") for alarm in every.values())
    assert all("Look first" in alarm["AlarmDescription"] for alarm in every.values())


@pytest.mark.parametrize("kind", list(EXPECTED))
def test_capacity_that_comes_and_goes_does_not_notify_when_it_does(stack: Stack, kind: str) -> None:
    """From no data to data, an alarm would notify that all is well each time an instance starts."""
    EndpointAlarms(stack, "Alarms", endpoint=imported(stack, kind))
    assert {alarm["TreatMissingData"] for alarm in alarms(stack).values()} == {"notBreaching"}


@pytest.mark.parametrize(
    ("kind", "what", "read", "threshold", "window"),
    [
        ("serverless", "errors", [("Invocation5XXErrors", "Average", 60)], 1, (5, 3)),
        ("serverless", "client-errors", [("Invocation4XXErrors", "Average", 60)], 50, (5, 3)),
        ("serverless", "model-latency", [("ModelLatency", "p99", 60)], 5000, (5, 3)),
        ("serverless", "concurrency", [("ServerlessConcurrentExecutionsUtilization", "Maximum", 60)], 90, (5, 3)),
        ("serverless", "cold-start", [("ModelSetupTime", "Maximum", 300)], 30_000, (12, 3)),
        ("serverless", "memory", [("MemoryUtilization", "Maximum", 300)], 90, (3, 3)),
        ("asynchronous", "errors", [("Invocation5XXErrors", "Average", 300)], 1, (12, 3)),
        ("asynchronous", "client-errors", [("Invocation4XXErrors", "Average", 300)], 50, (12, 3)),
        (
            "asynchronous",
            "failures",
            [("InvocationFailures", "Sum", 300), ("InvocationsProcessed", "Sum", 300)],
            10,
            (12, 3),
        ),
        ("asynchronous", "expired", [("ExpiredRequests", "Sum", 300)], 0, (1, 1)),
        ("asynchronous", "notifications", [("NotificationFailures", "Sum", 300)], 0, (1, 1)),
        ("asynchronous", "backlog-age", [("ApproximateAgeOfOldestRequest", "Maximum", 60)], 3600, (5, 3)),
        ("asynchronous", "no-capacity", [("HasBacklogWithoutCapacity", "Maximum", 60)], 1, (30, 30)),
    ],
)
def test_what_each_alarm_reads(  # noqa: PLR0917 - as many as a row of the table has
    stack: Stack, kind: str, what: str, read: list[tuple[str, str, int]], threshold: float, window: tuple[int, int]
) -> None:
    EndpointAlarms(stack, "Alarms", endpoint=imported(stack, kind))
    alarm = alarms(stack)[what]
    found = metrics(alarm)
    assert [(each["MetricName"], each["Statistic"], each["Period"]) for each in found] == read
    queue = what in {"backlog-age", "no-capacity"}
    expected = {"EndpointName": "live"} if queue else {"EndpointName": "live", "VariantName": "only"}
    assert all(dimensions(each) == expected for each in found)
    namespace = "/aws/sagemaker/Endpoints" if what == "memory" else "AWS/SageMaker"
    assert {each["Namespace"] for each in found} == {namespace}
    assert alarm["Threshold"] == threshold
    assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) == window
    beyond = "GreaterThanOrEqualToThreshold" if what == "no-capacity" else "GreaterThanThreshold"
    assert alarm["ComparisonOperator"] == beyond


def test_units_are_those_that_people_read(stack: Stack) -> None:
    EndpointAlarms(stack, "Alarms", endpoint=imported(stack, "serverless"))
    every = alarms(stack)
    shown = {what: expression(every[what]) for what in ("errors", "concurrency", "cold-start", "model-latency")}
    assert shown == {
        "errors": "100 * e",
        "concurrency": "100 * u",
        "cold-start": "s / 1000",
        "model-latency": "l / 1000",
    }


def test_failures_are_a_share_whether_or_not_failed_requests_count_as_processed(stack: Stack) -> None:
    EndpointAlarms(stack, "Alarms", endpoint=imported(stack, "asynchronous"))
    assert expression(alarms(stack)["failures"]) == "100 * f / MAX([f, p])"


def test_silence_of_a_queue_is_that_nothing_is_processed(stack: Stack) -> None:
    thresholds = AlarmThresholds(**{**OFF, "no_traffic": Duration.hours(1)})
    EndpointAlarms(stack, "Alarms", endpoint=imported(stack, "asynchronous"), thresholds=thresholds)
    ((what, alarm),) = alarms(stack).items()
    assert (what, alarm["MetricName"], alarm["Statistic"]) == ("no-traffic", "InvocationsProcessed", "Sum")


@pytest.mark.parametrize(
    ("kind", "threshold", "what"),
    [
        ("serverless", "concurrency_percent", "concurrency"),
        ("serverless", "cold_start", "cold-start"),
        ("asynchronous", "failed_percent", "failures"),
        ("asynchronous", "expired_requests", "expired"),
        ("asynchronous", "unsent_notifications", "notifications"),
        ("asynchronous", "backlog_age", "backlog-age"),
        ("asynchronous", "no_capacity", "no-capacity"),
    ],
)
def test_none_switches_one_alarm_off(stack: Stack, kind: str, threshold: str, what: str) -> None:
    options: dict[str, Any] = {threshold: None}
    EndpointAlarms(stack, "Alarms", endpoint=imported(stack, kind), thresholds=AlarmThresholds(**options))
    assert set(alarms(stack)) == EXPECTED[kind] - {"no-traffic", what}


def test_the_largest_size_of_a_queue_is_no_alarm(stack: Stack) -> None:
    """Its instances are not counted while it is idle, and an old backlog is what matters; scaling may come later."""
    endpoint = Endpoint(stack, "Endpoint", variants=[variant()], asynchronous=AsyncInference(), endpoint_name="live")
    EndpointAlarms(stack, "Alarms", endpoint=endpoint)
    endpoint.auto_scale(min_capacity=0, max_capacity=4).on_backlog(5)
    assert "at-capacity" not in alarms(stack)


def test_cores_say_nothing_of_a_serverless_endpoint(stack: Stack) -> None:
    with pytest.raises(ValueError, match=r"vcpus must not be given for a serverless endpoint, .* got {'only': 2}"):
        EndpointAlarms(stack, "Alarms", endpoint=imported(stack, "serverless"), vcpus={"only": 2})


def test_nobody_is_called_about_a_shadow(stack: Stack) -> None:
    endpoint = Endpoint(stack, "Endpoint", variants=[variant()], shadow=variant(name="shadow"), endpoint_name="live")
    EndpointAlarms(stack, "Alarms", endpoint=endpoint)
    assert "errors" in alarms(stack)
    assert not alarms(stack, "live-shadow-")


def test_a_scaled_variant_with_a_name_known_only_at_deployment_cannot_grow(stack: Stack) -> None:
    endpoint = Endpoint(stack, "Endpoint", variants=[variant(name=text(stack))], endpoint_name="live")
    endpoint.auto_scale(max_capacity=6)
    made = EndpointAlarms(stack, "Alarms", endpoint=endpoint)
    assert "Variant0-at-capacity" in {each.node.id for each in made.alarms}


def on_shared(stack: Stack, **options: Any) -> tuple[SharedEndpoint, InferenceComponent]:  # noqa: ANN401
    endpoint = shared(stack, endpoint_name="live")
    return endpoint, component(stack, endpoint=endpoint, component_name="chat", **options)


def test_a_shared_endpoint_is_watched_by_its_instances_and_its_components(stack: Stack) -> None:
    endpoint, chat = on_shared(stack)
    chat.auto_scale(max_capacity=6)
    made = EndpointAlarms(stack, "Alarms", endpoint=endpoint, thresholds=QUIET)
    requests = {"errors", "client-errors", "model-latency", "overhead-latency", "no-capacity", "no-traffic"}
    assert set(alarms(stack, "live-main-")) == {"cpu", "memory", "disk"}
    every = alarms(stack, "chat-")
    assert set(every) == {*requests, "at-capacity"}
    assert len(made.alarms) == 3 + len(every)
    for alarm in every.values():
        assert alarm["AlarmDescription"].startswith("Inference component chat: ")
        assert all(dimensions(each) == {"InferenceComponentName": "chat"} for each in metrics(alarm))
    assert "/aws/sagemaker/InferenceComponents/chat" in every["errors"]["AlarmDescription"]
    growth = every["at-capacity"]
    assert [each["MetricName"] for each in metrics(growth)] == ["Invocations", "InvocationsPerCopy"]
    assert growth["Threshold"] == 6
    assert "(copies)" in growth["AlarmDescription"]


def test_a_component_without_copies_calls_after_half_of_the_minutes(stack: Stack) -> None:
    endpoint, _ = on_shared(stack)
    thresholds = AlarmThresholds(no_capacity=Duration.minutes(25))
    EndpointAlarms(stack, "Alarms", endpoint=endpoint, thresholds=thresholds)
    alarm = alarms(stack, "chat-")["no-capacity"]
    assert (alarm["MetricName"], alarm["Statistic"], alarm["Threshold"]) == ("NoCapacityInvocationFailures", "Sum", 1)
    assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) == (25, 13)


def test_the_time_without_copies_may_be_known_only_at_deployment(stack: Stack) -> None:
    endpoint, _ = on_shared(stack)
    minutes = CfnParameter(stack, "Minutes", type="Number").value_as_number
    thresholds = AlarmThresholds(no_capacity=Duration.minutes(minutes))
    EndpointAlarms(stack, "Alarms", endpoint=endpoint, thresholds=thresholds)
    alarm = alarms(stack, "chat-")["no-capacity"]
    assert alarm["EvaluationPeriods"] == alarm["DatapointsToAlarm"] == {"Ref": "Minutes"}


def test_components_and_their_scaling_come_before_the_alarms(stack: Stack) -> None:
    endpoint, chat = on_shared(stack)
    EndpointAlarms(stack, "Alarms", endpoint=endpoint)
    chat.auto_scale(max_capacity=6)
    component(stack, "Late", endpoint=endpoint, component_name="late")
    with pytest.raises(RuntimeError) as failure:
        Template.from_stack(stack)
    assert "component late must be made before EndpointAlarms, got it made after" in str(failure.value)
    assert "component chat must be scaled before EndpointAlarms is made" in str(failure.value)


def test_an_imported_component_is_watched_once_its_endpoint_knows_it(stack: Stack) -> None:
    endpoint = SharedEndpoint.from_endpoint_name(stack, "Endpoint", "live")
    chat = InferenceComponent.from_component_name(stack, "Chat", "chat", endpoint=endpoint)
    endpoint.add_component(chat)
    EndpointAlarms(stack, "Alarms", endpoint=endpoint)
    assert {"errors", "no-capacity"} <= set(alarms(stack, "chat-"))
    assert set(alarms(stack, "live-main-")) == {"memory", "disk"}


def test_an_adapter_is_watched_as_a_component(stack: Stack) -> None:
    endpoint, chat = on_shared(stack)
    AdapterComponent(stack, "Law", base=chat, adapter=stored(stack), component_name="law")
    EndpointAlarms(stack, "Alarms", endpoint=endpoint)
    assert "errors" in alarms(stack, "law-")


def test_a_component_with_a_name_known_only_at_deployment(stack: Stack) -> None:
    endpoint = shared(stack, endpoint_name="live")
    component(stack, endpoint=endpoint, component_name=text(stack))
    made = EndpointAlarms(stack, "Alarms", endpoint=endpoint)
    assert "Component0-errors" in {each.node.id for each in made.alarms}


def test_on_call_hears_of_the_rollback_of_a_component(stack: Stack) -> None:
    endpoint, chat = on_shared(stack)
    made = EndpointAlarms(stack, "Alarms", endpoint=endpoint)
    topic = stack.resolve(made.topic.topic_arn)
    assert len(chat.rollback_alarms) == 2
    found = Template.from_stack(stack).find_resources("AWS::CloudWatch::Alarm").values()
    assert all(each["Properties"]["AlarmActions"] == [topic] for each in found)


def test_the_key_of_a_shared_endpoint_encrypts_the_topic(stack: Stack) -> None:
    endpoint, _ = on_shared(stack)
    EndpointAlarms(stack, "Alarms", endpoint=endpoint)
    (topic,) = Template.from_stack(stack).find_resources("AWS::SNS::Topic").values()
    assert endpoint.encryption_key is not None
    assert topic["Properties"]["KmsMasterKeyId"] == stack.resolve(endpoint.encryption_key.key_arn)


def test_a_component_of_a_later_stack_is_heard_of_in_its_endpoints_stack(app: App, stack: Stack) -> None:
    endpoint = shared(stack, endpoint_name="live")
    later = Stack(app, "Later")
    component(later, endpoint=endpoint, component_name="chat")
    EndpointAlarms(stack, "Alarms", endpoint=endpoint)
    found = Template.from_stack(later).find_resources("AWS::CloudWatch::Alarm").values()
    assert all(each["Properties"]["AlarmActions"] for each in found)
    assert stack.dependencies == []
    Annotations.from_stack(stack).has_no_warning("/Stack/Alarms", Match.any_value())


def test_an_alarm_that_rolls_back_endpoint_and_component_notifies_once(stack: Stack) -> None:
    endpoint = shared(stack, endpoint_name="live", deployment=Deployment.canary(rollback=None))
    chat = component(stack, endpoint=endpoint, component_name="chat")
    metric = cloudwatch.Metric(namespace="Shop", metric_name="Orders")
    mine = cloudwatch.Alarm(stack, "Mine", metric=metric, threshold=1, evaluation_periods=1, alarm_name="mine")
    endpoint.add_rollback_alarm(mine)
    chat.add_rollback_alarm(mine)
    made = EndpointAlarms(stack, "Alarms", endpoint=endpoint)
    topic = stack.resolve(made.topic.topic_arn)
    assert alarms(stack, "mi")["ne"]["AlarmActions"] == [topic]


@pytest.mark.parametrize("kind", ["serverless", "asynchronous", "shared"])
def test_every_name_and_description_fits(stack: Stack, kind: str) -> None:
    name = "b" * 63
    if kind == "shared":
        endpoint: IEndpoint = shared(stack, endpoint_name=name)
        component(stack, endpoint=endpoint, component_name="c" * 63).auto_scale(max_capacity=4)  # type: ignore[arg-type] # is one
    else:
        endpoint = Endpoint.from_endpoint_attributes(
            stack,
            "Endpoint",
            endpoint_name=name,
            variant_names=["a" * 63],
            serverless=kind == "serverless",
            asynchronous=kind == "asynchronous",
        )
    EndpointAlarms(stack, "Alarms", endpoint=endpoint, thresholds=QUIET)
    every = [
        each["Properties"] for each in Template.from_stack(stack).find_resources("AWS::CloudWatch::Alarm").values()
    ]
    assert len(every) > 5
    assert max(len(each["AlarmName"]) for each in every) <= 255
    assert max(len(each["AlarmDescription"]) for each in every) <= 1024


@pytest.mark.parametrize("kind", ["serverless", "asynchronous", "shared"])
@pytest.mark.parametrize("region", ["eu-west-1", "cn-north-1", "us-gov-west-1"])
def test_works_in_every_partition_without_a_warning(app: App, kind: str, region: str) -> None:
    stack = Stack(app, "There", env=Environment(account="111122223333", region=region))
    endpoint = on_shared(stack)[0] if kind == "shared" else owned(stack, kind)
    EndpointAlarms(stack, "Alarms", endpoint=endpoint)
    assert "arn:aws:" not in json.dumps(Template.from_stack(stack).to_json())
    for each in Annotations.from_stack(stack).find_warning("*", Match.any_value()):
        assert "/Alarms" not in each.id


@pytest.mark.parametrize("kind", ["serverless", "asynchronous", "shared"])
def test_policy_packs_find_nothing(app: App, stack: Stack, kind: str) -> None:
    endpoint = on_shared(stack)[0] if kind == "shared" else owned(stack, kind)
    EndpointAlarms(stack, "Alarms", endpoint=endpoint)
    found = {
        str(resource.construct_path)
        for pack in (AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks)
        for violation in pack(app).validate_scope(stack).violations
        for resource in violation.violating_resources
    }
    assert not {path for path in found if "/Alarms/" in path}
