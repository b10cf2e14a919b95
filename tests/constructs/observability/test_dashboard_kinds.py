"""Each kind of endpoint is drawn from what it publishes, and its alarms' thresholds beside."""

from __future__ import annotations

import json

import pytest
from aws_cdk import App, Duration, Environment, Stack
from aws_cdk.assertions import Annotations, Match, Template
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks

from ml_constructs.endpoint_config.asynchronous import AsyncInference
from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.observability.alarm_thresholds import AlarmThresholds
from ml_constructs.observability.alarms import EndpointAlarms
from ml_constructs.observability.dashboard import EndpointDashboard
from tests.constructs.builders import variant
from tests.constructs.component_builders import component
from tests.constructs.observability.test_alarm_watches import PUBLISHED, imported, on_shared, owned
from tests.constructs.observability.test_dashboard import dashboard, expressions, lines, retrieved, widget, widgets

KINDS = ("serverless", "asynchronous", "shared")


def of_kind(stack: Stack, kind: str) -> IEndpoint:
    return on_shared(stack)[0] if kind == "shared" else owned(stack, kind)


def titles(stack: Stack) -> list[str]:
    shown = [each["properties"] for each in widgets(stack)]
    return [each.get("title", each.get("markdown", "").partition("\n")[0]).split(" (")[0] for each in shown]


def test_a_serverless_endpoint(stack: Stack) -> None:
    EndpointDashboard(stack, "Dashboard", endpoints=[imported(stack, "serverless")])
    assert titles(stack) == [
        "## live",
        "Requests per minute",
        "Requests failed by the model, 5XX",
        "Requests rejected by the model, 4XX",
        "Model latency",
        "Overhead latency of SageMaker, cold starts included",
        "Concurrency in use",
        "Cold starts per minute",
        "Cold start",
        "Memory, fullest",
    ]


def test_an_asynchronous_endpoint(stack: Stack) -> None:
    EndpointDashboard(stack, "Dashboard", endpoints=[imported(stack, "asynchronous")])
    assert titles(stack) == [
        "## live",
        "Requests processed per minute",
        "Requests failed for any reason",
        "Requests failed by the model, 5XX",
        "Requests rejected by the model, 4XX",
        "Requests queued or at work",
        "Age of the oldest request",
        "Backlog without an instance",
        "Time of a request",
        "Lost requests and answers per minute",
        "Instances",
        "Requests queued or at work per instance",
        "CPU, average",
        "Memory, fullest",
        "Disk, fullest",
    ]


def test_a_shared_endpoint_and_its_components(stack: Stack) -> None:
    endpoint, _ = on_shared(stack)
    component(stack, "Law", endpoint=endpoint, component_name="law")
    EndpointDashboard(stack, "Dashboard", endpoints=[endpoint])
    rows = [
        "Requests per minute",
        "Failed and rejected requests",
        "Model latency",
        "Copies",
        "Requests per copy and minute",
        "Used of what a copy reserves, average",
    ]
    assert titles(stack) == [
        "Alarms",
        "## live",
        "CPU, average",
        "Memory, fullest",
        "Disk, fullest",
        "Reserved by copies, average of the instances",
        "### chat",
        *rows,
        "### law",
        *rows,
    ]


def test_a_shadow_stands_beside_the_variant_that_answers(stack: Stack) -> None:
    endpoint = Endpoint(stack, "Endpoint", variants=[variant()], shadow=variant(name="shadow"), endpoint_name="live")
    EndpointDashboard(stack, "Dashboard", endpoints=[endpoint])
    assert titles(stack)[-4:] == [
        "Shadow: requests per minute",
        "Shadow: failed requests",
        "Shadow: model latency, p99",
        "Shadow: CPU, average",
    ]
    assert expressions(widget(stack, "Shadow: CPU")) == {"only": "u0 / 2", "shadow": "ushadow / 2"}
    assert expressions(widget(stack, "Shadow: model latency")) == {"only": "l0 / 1000", "shadow": "lshadow / 1000"}
    for title in titles(stack)[-4:]:
        read = [metric for metric in widget(stack, title)["metrics"] if isinstance(metric[0], str)]
        assert {metric[5] for metric in read} == {"only", "shadow"}
    assert {metric[5] for metric in widget(stack, "Requests per minute")["metrics"] if isinstance(metric[0], str)} == {
        "only"
    }


def test_an_imported_shadow_is_drawn_without_knowing_its_cores(stack: Stack) -> None:
    endpoint = Endpoint.from_endpoint_attributes(
        stack, "Endpoint", endpoint_name="live", variant_names=["only"], shadow_name="shadow"
    )
    EndpointDashboard(stack, "Dashboard", endpoints=[endpoint])
    labels = [metric[-1]["label"] for metric in widget(stack, "Shadow: CPU")["metrics"]]
    assert labels == ["only (sum over cores)", "shadow (sum over cores)"]


@pytest.mark.parametrize("kind", ["serverless", "asynchronous"])
def test_nothing_is_drawn_that_is_never_published(stack: Stack, kind: str) -> None:
    EndpointDashboard(stack, "Dashboard", endpoints=[imported(stack, kind)])
    drawn = [each["properties"] for each in widgets(stack) if each["type"] == "metric"]
    assert {metric for each in drawn for _, metric, _ in retrieved(each)} <= PUBLISHED[kind]


SERVICE, INSTANCE, COPY = "AWS/SageMaker", "/aws/sagemaker/Endpoints", "/aws/sagemaker/InferenceComponents"


@pytest.mark.parametrize(
    ("kind", "title", "metrics"),
    [
        (
            "serverless",
            "Concurrency in use",
            [
                (SERVICE, "ServerlessConcurrentExecutionsUtilization", "Maximum"),
                (SERVICE, "ServerlessProvisionedConcurrencyUtilization", "Maximum"),
            ],
        ),
        ("serverless", "Cold starts per minute", [(SERVICE, "ModelSetupTime", "SampleCount")]),
        ("serverless", "Cold start (ms)", [(SERVICE, "ModelSetupTime", each) for each in ("Average", "Maximum")]),
        ("asynchronous", "Requests processed", [(SERVICE, "InvocationsProcessed", "Sum")]),
        ("asynchronous", "Requests queued or at work", [(SERVICE, "ApproximateBacklogSize", "Maximum")]),
        ("asynchronous", "Age of", [(SERVICE, "ApproximateAgeOfOldestRequest", "Maximum")]),
        ("asynchronous", "Backlog without", [(SERVICE, "HasBacklogWithoutCapacity", "Maximum")]),
        (
            "asynchronous",
            "Time of a request",
            [
                (SERVICE, "TimeInBacklog", "Average"),
                (SERVICE, "ModelLatency", "Average"),
                (SERVICE, "ModelLatency", "Maximum"),
                (SERVICE, "TotalProcessingTime", "Average"),
            ],
        ),
        (
            "asynchronous",
            "Instances",
            [
                (SERVICE, "ApproximateBacklogSize", "Average"),
                (SERVICE, "ApproximateBacklogSizePerInstance", "Average"),
            ],
        ),
        (
            "shared",
            "Reserved",
            [(INSTANCE, f"{each}Reservation", "Average") for each in ("CPU", "Memory", "GPU")],
        ),
        (
            "shared",
            "Requests per minute",
            [(SERVICE, "Invocations", "Sum"), (SERVICE, "NoCapacityInvocationFailures", "Sum")],
        ),
        ("shared", "Copies", [(SERVICE, "Invocations", "Sum"), (SERVICE, "InvocationsPerCopy", "Sum")]),
        (
            "shared",
            "Used of",
            [(COPY, f"{each}UtilizationNormalized", "Average") for each in ("CPU", "Memory", "GPU", "GPUMemory")],
        ),
    ],
)
def test_each_graph_draws_the_metrics_that_it_names(
    stack: Stack, kind: str, title: str, metrics: list[tuple[str, str, str]]
) -> None:
    EndpointDashboard(stack, "Dashboard", endpoints=[of_kind(stack, kind)])
    found = [each["properties"] for each in widgets(stack) if each["properties"].get("title", "").startswith(title)]
    assert retrieved(found[0]) == metrics
    for metric in found[0]["metrics"]:
        if isinstance(metric[0], str):
            expected = {"InferenceComponentName": "chat"} if title != "Reserved" and kind == "shared" else {}
            named = dict(zip(metric[2:-1:2], metric[3:-1:2], strict=True))
            assert named == expected or named["EndpointName"] == "live"


def test_times_are_in_seconds_whatever_their_unit_was(stack: Stack) -> None:
    EndpointDashboard(stack, "Dashboard", endpoints=[imported(stack, "asynchronous")])
    assert expressions(widget(stack, "Time of a request")) == {
        "in the queue, average": "t0 / 1000000",
        "in the model, average": "t1 / 1000000",
        "in the model, longest": "t2 / 1000000",
        "in all, average": "t3 / 1000",
    }


def test_instances_and_copies_are_derived_from_what_each_has_to_do(stack: Stack) -> None:
    endpoint, chat = on_shared(stack)
    chat.auto_scale(max_capacity=7)
    queue = Endpoint(stack, "Queue", variants=[variant()], asynchronous=AsyncInference())
    queue.auto_scale(min_capacity=0, max_capacity=5)
    EndpointDashboard(stack, "Dashboard", endpoints=[endpoint, queue])
    for title, line in (("Copies", ("largest number", 7)), ("Instances", ("largest size of only", 5))):
        drawn = widget(stack, title)
        assert list(expressions(drawn).values()) == ["FLOOR(i / p + 0.5)"]
        assert lines(drawn) == [line]


def test_draws_the_thresholds_of_a_serverless_endpoint(stack: Stack) -> None:
    endpoint = imported(stack, "serverless")
    thresholds = AlarmThresholds(error_percent=2, concurrency_percent=80, cold_start=Duration.seconds(9))
    alarms = EndpointAlarms(stack, "Alarms", endpoint=endpoint, thresholds=thresholds)
    EndpointDashboard(stack, "Dashboard", endpoints=[endpoint], alarms=[alarms])
    assert lines(widget(stack, "Requests failed")) == [("alarm", 2)]
    assert lines(widget(stack, "Concurrency")) == [("alarm on the maximum", 80)]
    assert lines(widget(stack, "Cold start (")) == [("alarm on the longest", 9000)]
    assert lines(widget(stack, "Overhead")) == []
    assert lines(widget(stack, "Memory")) == [("alarm", 90)]


def test_draws_the_thresholds_of_a_queue(stack: Stack) -> None:
    endpoint = imported(stack, "asynchronous")
    thresholds = AlarmThresholds(failed_percent=20, backlog_age=Duration.minutes(5))
    alarms = EndpointAlarms(stack, "Alarms", endpoint=endpoint, thresholds=thresholds, vcpus={"only": 4})
    EndpointDashboard(stack, "Dashboard", endpoints=[endpoint], alarms=[alarms])
    assert lines(widget(stack, "Requests failed for")) == [("alarm", 20)]
    assert lines(widget(stack, "Age")) == [("alarm", 300)]
    assert expressions(widget(stack, "CPU")) == {"only": "u0 / 4"}
    assert lines(widget(stack, "CPU")) == []
    assert lines(widget(stack, "Disk")) == [("alarm", 90)]


def test_draws_the_thresholds_and_the_alarms_of_components(stack: Stack) -> None:
    endpoint, chat = on_shared(stack)
    alarms = EndpointAlarms(stack, "Alarms", endpoint=endpoint)
    EndpointDashboard(stack, "Dashboard", endpoints=[endpoint], alarms=[alarms])
    assert lines(widget(stack, "Failed and rejected")) == [("alarm on failed", 1), ("on rejected", 50)]
    assert lines(widget(stack, "Model latency")) == [("alarm on p99", 5000)]
    assert set(expressions(widget(stack, "Failed and rejected"))) == {"failed", "rejected, 4XX"}
    assert len(widget(stack, "Alarms")["alarms"]) == len(alarms.alarms) + len(chat.rollback_alarms)


def test_links_lead_to_the_logs_of_a_component(app: App) -> None:
    stack = Stack(app, "There", env=Environment(account="111122223333", region="eu-west-1"))
    EndpointDashboard(stack, "Dashboard", endpoints=[on_shared(stack)[0]])
    texts = [each["properties"]["markdown"] for each in widgets(stack) if each["type"] == "text"]
    group = "log-group/$252Faws$252Fsagemaker$252FInferenceComponents$252Fchat"
    console = "https://console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups"
    assert texts[1] == f"### chat\n[Container logs]({console}/{group})"


@pytest.mark.parametrize("kind", KINDS)
def test_rows_fill_the_grid(stack: Stack, kind: str) -> None:
    EndpointDashboard(stack, "Dashboard", endpoints=[of_kind(stack, kind)])
    rows: dict[int, int] = {}
    for each in widgets(stack):
        rows[each["y"]] = rows.get(each["y"], 0) + each["width"]
    assert set(rows.values()) == {24}


@pytest.mark.parametrize(
    ("kind", "expected"), [("serverless", 14), ("asynchronous", 22), ("shared", 6 + 16), ("shadow", 16 + 12)]
)
def test_counts_the_metrics_that_cloudwatch_retrieves(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, kind: str, expected: int
) -> None:
    if kind == "shadow":
        endpoint: IEndpoint = Endpoint.from_endpoint_attributes(
            stack, "Endpoint", endpoint_name="live", variant_names=["only"], shadow_name="shadow"
        )
    else:
        endpoint = of_kind(stack, kind)
    monkeypatch.setattr("ml_constructs.observability._dashboard_rows.MAX_METRICS", expected - 1)
    with pytest.raises(ValueError, match=f"must need at most {expected - 1} metrics, got {expected}"):
        EndpointDashboard(stack, "Exceeds", endpoints=[endpoint])
    monkeypatch.setattr("ml_constructs.observability._dashboard_rows.MAX_METRICS", expected)
    EndpointDashboard(stack, "Dashboard", endpoints=[endpoint])
    drawn = [metric for each in widgets(stack) for metric in each["properties"].get("metrics", [])]
    assert sum(not isinstance(metric[0], dict) for metric in drawn) == expected


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("region", ["eu-west-1", "cn-north-1", "us-gov-west-1"])
def test_works_in_every_partition(app: App, kind: str, region: str) -> None:
    stack = Stack(app, "There", env=Environment(account="111122223333", region=region))
    EndpointDashboard(stack, "Dashboard", endpoints=[of_kind(stack, kind)])
    assert {each["properties"].get("region", region) for each in widgets(stack)} == {region}
    assert "arn:aws:" not in json.dumps(dashboard(stack))


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_warned_of_or_found_by_policy_packs(app: App, stack: Stack, kind: str) -> None:
    EndpointDashboard(stack, "Dashboard", endpoints=[of_kind(stack, kind)])
    Template.from_stack(stack)
    Annotations.from_stack(stack).has_no_warning("/Stack/Dashboard", Match.any_value())
    for pack in (AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks):
        found = pack(app).validate_scope(stack).violations
        paths = [str(each.construct_path) for violation in found for each in violation.violating_resources]
        assert not [path for path in paths if "/Dashboard" in path]
