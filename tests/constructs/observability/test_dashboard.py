"""What alarms, what callers notice, why, and what is in front: drawn from metrics that exist, within the limits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Duration, Environment, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk.assertions import Annotations, Match, Template
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks
from constructs import Construct

from ml_constructs.endpoint_config.instance_variant import InstanceVariant
from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.front_ends.api.rest_api import RestApiFrontEnd
from ml_constructs.front_ends.functions.function import FunctionFrontEnd
from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.models.model import Model
from ml_constructs.observability._dashboard_rows import MAX_METRICS, MAX_WIDGETS, Rows
from ml_constructs.observability.alarm_thresholds import AlarmThresholds
from ml_constructs.observability.alarms import EndpointAlarms
from ml_constructs.observability.dashboard import EndpointDashboard


class Api(Construct):
    """Any construct that offers the metrics of an API."""

    def _metric(self, name: str, options: dict[str, Any]) -> cloudwatch.Metric:
        return cloudwatch.Metric(namespace="Api", metric_name=name, **options)

    def metric_count(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        return self._metric("Count", options)

    def metric_4xx(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        return self._metric("4XX", options)

    def metric_5xx(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        return self._metric("5XX", options)

    def metric_latency(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        return self._metric("Latency", options)

    def metric_integration_latency(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        return self._metric("IntegrationLatency", options)


def variant(name: str = "champion", instance_type: str = "ml.m5.xlarge", **options: Any) -> InstanceVariant:  # noqa: ANN401
    return InstanceVariant(
        name=name, model=Model.from_model_name(f"{name}-model"), instance_type=instance_type, **options
    )


def owned(stack: Stack, *variants: InstanceVariant) -> Endpoint:
    return Endpoint(stack, "Endpoint", variants=variants or [variant()], endpoint_name="live")


def imported(stack: Stack, *variants: str, name: str = "live") -> IEndpoint:
    return Endpoint.from_endpoint_name(stack, f"Imported-{name}", name, variant_names=variants)


def dashboard(stack: Stack) -> dict[str, Any]:
    (found,) = Template.from_stack(stack).find_resources("AWS::CloudWatch::Dashboard").values()
    return dict(found["Properties"])


def widgets(stack: Stack) -> list[dict[str, Any]]:
    """The widgets as CloudWatch reads them, with `<name>` for what is known at deployment."""
    body = dashboard(stack)["DashboardBody"]
    parts = [body] if isinstance(body, str) else body["Fn::Join"][1]
    text = "".join(part if isinstance(part, str) else f"<{next(iter(part.values()))}>" for part in parts)
    return list(json.loads(text)["widgets"])


def widget(stack: Stack, title: str) -> dict[str, Any]:
    (found,) = [each["properties"] for each in widgets(stack) if each["properties"].get("title", "").startswith(title)]
    return dict(found)


def expressions(drawn: dict[str, Any]) -> dict[str, str]:
    """The expressions that a widget draws, by their label."""
    options = [metric[-1] for metric in drawn["metrics"] if isinstance(metric[-1], dict)]
    return {each["label"]: each["expression"] for each in options if "expression" in each and "label" in each}


def lines(drawn: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(each["label"], each["value"]) for each in drawn.get("annotations", {}).get("horizontal", [])]


def titles(stack: Stack) -> list[str]:
    return [each["properties"].get("title", "").split(" (")[0] for each in widgets(stack)]


def test_shows_alarms_first_then_symptoms_then_causes_then_front_ends(stack: Stack) -> None:
    endpoint = owned(stack, variant(), variant("challenger"))
    alarms = EndpointAlarms(stack, "Alarms", endpoint=endpoint)
    EndpointDashboard(stack, "Dashboard", endpoints=[endpoint], alarms=[alarms], front_ends=[Api(stack, "Api")])
    assert titles(stack) == [
        "Alarms",
        "",
        "Requests per minute",
        "Share of the requests",
        "Failed requests",
        "Requests rejected by the model, 4XX",
        "Model latency",
        "Overhead latency of SageMaker",
        "Instances",
        "Requests per instance and minute",
        "CPU, average",
        "Memory, fullest",
        "Disk, fullest",
        "Stack/Api: requests and errors",
        "Stack/Api: latency",
    ]


def test_rows_fill_the_grid_and_never_overlap(stack: Stack) -> None:
    endpoint = owned(stack, variant(), variant("challenger"))
    EndpointDashboard(
        stack,
        "Dashboard",
        endpoints=[endpoint, imported(stack, "only", name="other")],
        front_ends=[Api(stack, "Api"), FunctionFrontEnd(stack, "Function", endpoint=endpoint)],
    )
    rows: dict[int, int] = {}
    for each in widgets(stack):
        rows[each["y"]] = rows.get(each["y"], 0) + each["width"]
    assert set(rows.values()) == {24}


def test_alarms_are_shown_once_with_the_rollback_alarms(stack: Stack) -> None:
    endpoint = owned(stack)
    alarms = EndpointAlarms(stack, "Alarms", endpoint=endpoint)
    mine = cloudwatch.Alarm.from_alarm_arn(stack, "Mine", "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:mine")
    EndpointDashboard(stack, "Dashboard", endpoints=[endpoint], alarms=[mine, alarms, alarms.alarms[0]])
    shown = widget(stack, "Alarms")["alarms"]
    assert shown[0].endswith(":alarm:mine")
    assert len(shown) == len(set(shown)) == 1 + len(alarms.alarms) + 2


def test_alarms_beyond_what_a_widget_holds_continue_in_another(stack: Stack) -> None:
    every = [
        cloudwatch.Alarm.from_alarm_arn(
            stack, f"Alarm{index}", f"arn:aws:cloudwatch:eu-west-1:111122223333:alarm:a{index}"
        )
        for index in range(101)
    ]
    EndpointDashboard(stack, "Dashboard", endpoints=[imported(stack, "champion")], alarms=every)
    shown = [each for each in widgets(stack) if each["type"] == "alarm"]
    assert [len(each["properties"]["alarms"]) for each in shown] == [100, 1]
    assert [(each["width"], each["height"]) for each in shown] == [(24, 26), (24, 2)]  # four alarms in a line


def test_without_alarms_there_is_no_alarm_row(stack: Stack) -> None:
    EndpointDashboard(stack, "Dashboard", endpoints=[imported(stack, "champion")])
    assert {each["type"] for each in widgets(stack)} == {"text", "metric"}


def test_rates_hold_for_any_period_that_the_console_chooses(stack: Stack) -> None:
    EndpointDashboard(stack, "Dashboard", endpoints=[imported(stack, "champion")])
    assert expressions(widget(stack, "Requests per minute")) == {"champion": "60 * i0 / PERIOD(i0)"}
    assert expressions(widget(stack, "Requests per instance")) == {"champion": "60 * p0 / PERIOD(p0)"}
    assert expressions(widget(stack, "Instances")) == {"champion": "FLOOR(i0 / p0 + 0.5)"}


def test_the_share_of_each_variant_stands_against_its_weight(stack: Stack) -> None:
    endpoint = owned(stack, variant(weight=9), variant("challenger"))
    EndpointDashboard(stack, "Dashboard", endpoints=[endpoint])
    share = widget(stack, "Share")
    assert expressions(share) == {
        "champion": "100 * i0 / SUM([i0, i1])",
        "challenger": "100 * i1 / SUM([i0, i1])",
    }
    assert lines(share) == [("configured for champion", 90), ("configured for challenger", 10)]


def test_weights_known_only_at_deployment_are_not_drawn(stack: Stack) -> None:
    weight = CfnParameter(stack, "Weight", type="Number").value_as_number
    EndpointDashboard(stack, "Dashboard", endpoints=[owned(stack, variant(weight=weight), variant("challenger"))])
    assert lines(widget(stack, "Share")) == []


def test_a_single_variant_has_no_share(stack: Stack) -> None:
    EndpointDashboard(stack, "Dashboard", endpoints=[owned(stack)])
    assert "Share of the requests" not in titles(stack)


def retrieved(drawn: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Namespace, name and statistic of each metric that a widget retrieves; Average is what CloudWatch takes itself."""
    found = [metric for metric in drawn["metrics"] if isinstance(metric[0], str)]
    return [(metric[0], metric[1], metric[-1].get("stat", "Average")) for metric in found]


SERVICE, INSTANCE = "AWS/SageMaker", "/aws/sagemaker/Endpoints"


@pytest.mark.parametrize(
    ("title", "metrics"),
    [
        ("Requests per minute", [(SERVICE, "Invocations", "Sum")]),
        (
            "Failed requests",
            [(SERVICE, f"Invocation{each}Errors", "Average") for each in ("5XX", "Model", "4XX")],
        ),
        ("Requests rejected", [(SERVICE, "Invocation4XXErrors", "Average")]),
        ("Model latency", [(SERVICE, "ModelLatency", each) for each in ("p50", "p90", "p99")]),
        ("Overhead latency", [(SERVICE, "OverheadLatency", each) for each in ("Average", "Maximum")]),
        ("Instances", [(SERVICE, "Invocations", "Sum"), (SERVICE, "InvocationsPerInstance", "Sum")]),
        ("Requests per instance", [(SERVICE, "InvocationsPerInstance", "Sum")]),
        ("CPU", [(INSTANCE, "CPUUtilization", "Average")]),
        ("Memory", [(INSTANCE, "MemoryUtilization", "Maximum")]),
        ("Disk", [(INSTANCE, "DiskUtilization", "Maximum")]),
        ("Stack/Api: requests", [("Api", "Count", "Average"), ("Api", "4XX", "Sum"), ("Api", "5XX", "Sum")]),
        (
            "Stack/Api: latency",
            [*[("Api", "Latency", each) for each in ("p50", "p90", "p99")], ("Api", "IntegrationLatency", "p99")],
        ),
        ("Stack/Function: errors", [("AWS/Lambda", "Errors", "Sum"), ("AWS/Lambda", "Throttles", "Sum")]),
        ("Stack/Function: duration", [("AWS/Lambda", "Duration", each) for each in ("p50", "p90", "p99")]),
        ("Stack/Function: concurrency", [("AWS/Lambda", "ConcurrentExecutions", "Maximum")]),
    ],
)
def test_each_graph_draws_the_metrics_that_it_names(
    stack: Stack, title: str, metrics: list[tuple[str, str, str]]
) -> None:
    endpoint = owned(stack)
    front_ends = (Api(stack, "Api"), FunctionFrontEnd(stack, "Function", endpoint=endpoint))
    EndpointDashboard(stack, "Dashboard", endpoints=[endpoint], front_ends=front_ends)
    drawn = widget(stack, title)
    assert retrieved(drawn) == metrics
    assert drawn["yAxis"] == {"left": {"min": 0, "showUnits": False}}
    assert drawn["stacked"] is (title == "Requests per minute")
    for metric in drawn["metrics"]:
        if metric[0] in (SERVICE, INSTANCE):
            assert metric[2:6] == ["EndpointName", "live", "VariantName", "champion"]
        assert metric[-1]["period"] == 60


def test_errors_are_drawn_as_they_alarm(stack: Stack) -> None:
    EndpointDashboard(stack, "Dashboard", endpoints=[imported(stack, "champion")])
    assert expressions(widget(stack, "Failed")) == {"champion": "100 * MAX([e0, n0])"}
    assert expressions(widget(stack, "Requests rejected")) == {"champion": "100 * c0"}


def test_latency_is_in_milliseconds_by_percentile_where_there_are_percentiles(stack: Stack) -> None:
    EndpointDashboard(stack, "Dashboard", endpoints=[imported(stack, "champion")])
    model = widget(stack, "Model latency")
    assert list(expressions(model)) == ["champion p50", "champion p90", "champion p99"]
    assert all(each.endswith(" / 1000") for each in expressions(model).values())
    assert list(expressions(widget(stack, "Overhead"))) == ["champion Average", "champion Maximum"]


def test_cpu_is_a_share_of_all_cores_where_they_are_known(stack: Stack) -> None:
    EndpointDashboard(stack, "Dashboard", endpoints=[owned(stack), imported(stack, "unknown", name="other")])
    known, unknown = [each["properties"] for each in widgets(stack) if "CPU" in each["properties"].get("title", "")]
    assert expressions(known) == {"champion": "u0 / 4"}
    assert expressions(unknown) == {}
    assert unknown["metrics"][0][-1]["label"] == "unknown (sum over cores)"


def test_cores_given_to_the_alarms_count_here_too(stack: Stack) -> None:
    endpoint = imported(stack, "champion")
    alarms = EndpointAlarms(stack, "Alarms", endpoint=endpoint, vcpus={"champion": 16})
    EndpointDashboard(stack, "Dashboard", endpoints=[endpoint], alarms=[alarms])
    assert expressions(widget(stack, "CPU")) == {"champion": "u0 / 16"}


def test_draws_the_thresholds_of_the_alarms_and_the_largest_size(stack: Stack) -> None:
    endpoint = owned(stack)
    endpoint.auto_scale(max_capacity=6)
    thresholds = AlarmThresholds(
        error_percent=2,
        client_error_percent=30,
        model_latency=Duration.millis(250),
        overhead_latency=None,
        cpu_percent=80,
        memory_percent=60,
        disk_percent=70,
    )
    alarms = EndpointAlarms(stack, "Alarms", endpoint=endpoint, thresholds=thresholds)
    EndpointDashboard(stack, "Dashboard", endpoints=[endpoint], alarms=[alarms])
    assert lines(widget(stack, "Failed")) == [("alarm", 2)]
    assert lines(widget(stack, "Model latency")) == [("alarm on p99", 250)]
    assert lines(widget(stack, "Overhead")) == []
    assert lines(widget(stack, "Requests rejected")) == [("alarm", 30)]
    assert lines(widget(stack, "CPU")) == [("alarm", 80)]
    assert lines(widget(stack, "Memory")) == [("alarm", 60)]
    assert lines(widget(stack, "Disk")) == [("alarm", 70)]
    assert lines(widget(stack, "Instances")) == [("largest size of champion", 6)]


def test_draws_no_threshold_of_another_endpoints_alarms(stack: Stack) -> None:
    alarms = EndpointAlarms(stack, "Alarms", endpoint=imported(stack, "champion", name="other"))
    EndpointDashboard(stack, "Dashboard", endpoints=[imported(stack, "champion")], alarms=[alarms])
    assert lines(widget(stack, "Failed")) == []


def test_thresholds_known_only_at_deployment_leave_the_body_valid(stack: Stack) -> None:
    endpoint = imported(stack, "champion")
    percent = CfnParameter(stack, "Percent", type="Number").value_as_number
    alarms = EndpointAlarms(stack, "Alarms", endpoint=endpoint, thresholds=AlarmThresholds(error_percent=percent))
    EndpointDashboard(stack, "Dashboard", endpoints=[endpoint], alarms=[alarms])
    parts = dashboard(stack)["DashboardBody"]["Fn::Join"][1]
    place = parts.index({"Ref": "Percent"})
    assert parts[place - 1].endswith('"value":')
    assert parts[place + 1].startswith(",")


def test_shows_an_api_and_its_function(stack: Stack) -> None:
    endpoint = owned(stack)
    api = RestApiFrontEnd(stack, "Api", endpoint=endpoint)
    EndpointDashboard(stack, "Dashboard", endpoints=[endpoint], front_ends=[api, api.function])
    front = [title for title in titles(stack) if title.startswith("Stack/Api")]
    assert front == [
        "Stack/Api: requests and errors",
        "Stack/Api: latency",
        f"{api.function.node.path}: errors and throttles",
        f"{api.function.node.path}: duration",
        f"{api.function.node.path}: concurrency",
    ]


def test_shows_a_function(stack: Stack) -> None:
    endpoint = owned(stack)
    EndpointDashboard(
        stack,
        "Dashboard",
        endpoints=[endpoint],
        front_ends=[FunctionFrontEnd(stack, "Function", endpoint=endpoint)],
    )
    duration = widget(stack, "Stack/Function: duration")
    assert [metric[-1]["stat"] for metric in duration["metrics"]] == ["p50", "p90", "p99"]
    labels = {
        "errors": ["errors", "throttles"],
        "duration": ["p50", "p90", "p99"],
        "concurrency": ["at once"],
    }
    for title, expected in labels.items():
        drawn = widget(stack, f"Stack/Function: {title}")
        assert [metric[-1]["label"] for metric in drawn["metrics"]] == expected


def test_labels_what_is_drawn_of_an_api(stack: Stack) -> None:
    EndpointDashboard(stack, "Dashboard", endpoints=[imported(stack, "champion")], front_ends=[Api(stack, "Api")])
    labels = {
        "requests": ["requests", "4XX", "5XX"],
        "latency": ["p50", "p90", "p99", "p99 behind the API"],
    }
    for title, expected in labels.items():
        drawn = widget(stack, f"Stack/Api: {title}")
        assert [metric[-1]["label"] for metric in drawn["metrics"]] == expected


def test_links_work_without_knowing_the_region(stack: Stack) -> None:
    EndpointDashboard(stack, "Dashboard", endpoints=[imported(stack, "champion")])
    (text,) = [each["properties"]["markdown"] for each in widgets(stack) if each["type"] == "text"]
    assert text.startswith("## live\n[Container logs](#logsV2:log-groups/log-group/$252Faws$252Fsagemaker")
    assert "https://" not in text


@pytest.mark.parametrize(
    ("region", "console"),
    [
        ("eu-west-1", "console.aws.amazon.com"),
        ("cn-north-1", "console.amazonaws.cn"),
        ("us-gov-west-1", "console.amazonaws-us-gov.com"),
    ],
)
def test_links_and_metrics_are_of_the_endpoints_region(app: App, region: str, console: str) -> None:
    there = Stack(app, "There", env=Environment(account="111122223333", region=region))
    EndpointDashboard(there, "Dashboard", endpoints=[imported(there, "champion")])
    assert {each["properties"].get("region", region) for each in widgets(there)} == {region}
    (text,) = [each["properties"]["markdown"] for each in widgets(there) if each["type"] == "text"]
    assert f"https://{console}/sagemaker/home?region={region}#/endpoints/live" in text
    assert f"https://{console}/cloudwatch/home?region={region}#logsV2:log-groups/log-group/$252Faws" in text
    assert "arn:aws:" not in json.dumps(dashboard(there))


def test_shows_endpoints_of_several_regions(app: App) -> None:
    env = {"account": "111122223333"}
    first, second = (
        Stack(app, name, env=Environment(region=region, **env))
        for name, region in (("First", "eu-west-1"), ("Second", "us-east-1"))
    )
    endpoints = [imported(first, "champion"), imported(second, "champion")]
    EndpointDashboard(first, "Dashboard", endpoints=endpoints)
    regions = [each["properties"]["region"] for each in widgets(first) if each["type"] == "metric"]
    assert set(regions) == {"eu-west-1", "us-east-1"}
    assert regions == sorted(regions)


def test_the_body_is_valid_when_all_names_are_known_only_at_deployment(stack: Stack) -> None:
    name = CfnParameter(stack, "Name").value_as_string
    endpoint = Endpoint.from_endpoint_name(stack, "Imported", name, variant_names=["champion"])
    EndpointDashboard(stack, "Dashboard", endpoints=[endpoint])
    (metric,) = [each for each in widget(stack, "Memory")["metrics"] if isinstance(each, list)]
    assert metric[2:6] == ["EndpointName", "<Name>", "VariantName", "champion"]


def test_the_default_name_is_legal_and_another_in_each_region(stack: Stack) -> None:
    EndpointDashboard(stack, "Main.Board", endpoints=[imported(stack, "champion")])
    prefix, region = dashboard(stack)["DashboardName"]["Fn::Join"][1]
    assert prefix.startswith("Stack-MainBoard-")
    assert prefix.replace("-", "").isalnum()
    assert region == {"Ref": "AWS::Region"}


def test_the_default_name_fits(app: App) -> None:
    there = Stack(app, "There", env=Environment(account="111122223333", region="ap-southeast-1"))
    EndpointDashboard(there, "d" * 250, endpoints=[imported(there, "champion")])
    name = dashboard(there)["DashboardName"]
    assert name.endswith("-ap-southeast-1")
    assert 200 < len(name) <= 255


@pytest.mark.parametrize("name", ["a", "A_b-9", "n" * 255])
def test_accepts_names(stack: Stack, name: str) -> None:
    EndpointDashboard(stack, "Dashboard", endpoints=[imported(stack, "champion")], name=name)
    assert dashboard(stack)["DashboardName"] == name


def test_accepts_a_name_known_only_at_deployment(stack: Stack) -> None:
    name = CfnParameter(stack, "Name").value_as_string
    EndpointDashboard(stack, "Dashboard", endpoints=[imported(stack, "champion")], name=name)
    assert dashboard(stack)["DashboardName"] == {"Ref": "Name"}


@pytest.mark.parametrize("name", ["", "a b", "a.b", "a/b", "n" * 256])
def test_refuses_names(stack: Stack, name: str) -> None:
    with pytest.raises(ValueError, match="name must be 1 to 255 letters, digits, hyphens and underscores, got"):
        EndpointDashboard(stack, "Dashboard", endpoints=[imported(stack, "champion")], name=name)


def test_needs_an_endpoint_whose_variants_are_known(stack: Stack) -> None:
    with pytest.raises(ValueError, match="endpoints must have between 1 and 500 members, got 0"):
        EndpointDashboard(stack, "Dashboard", endpoints=[])
    with pytest.raises(ValueError, match="endpoints must know their variants, import them with variant_names"):
        EndpointDashboard(stack, "Dashboard", endpoints=[imported(stack)])


def test_refuses_a_front_end_without_metrics(stack: Stack) -> None:
    front_ends: Sequence[Any] = [Construct(stack, "Nothing")]
    with pytest.raises(ValueError, match="front_ends must offer the metrics of an API or a function, got"):
        EndpointDashboard(stack, "Dashboard", endpoints=[imported(stack, "champion")], front_ends=front_ends)


def test_limits_widgets_and_metrics() -> None:
    rows = Rows()
    rows.add(*[cloudwatch.TextWidget(markdown="one")] * MAX_WIDGETS)
    metrics = [cloudwatch.Metric(namespace="Shop", metric_name="Orders")] * MAX_METRICS
    rows.graph("eu-west-1", "All", metrics)
    rows.check()
    rows.graph("eu-west-1", "More", metrics[:1])
    with pytest.raises(ValueError, match="endpoints and front_ends must need at most 2,500 metrics, got 2,501"):
        rows.check()
    rows.add(cloudwatch.TextWidget(markdown="more"))
    with pytest.raises(ValueError, match="endpoints and front_ends must need at most 500 widgets, got 501"):
        rows.check()


def test_refuses_more_than_fits(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = imported(stack, "champion")
    monkeypatch.setattr("ml_constructs.observability._dashboard_rows.MAX_METRICS", 16)
    EndpointDashboard(stack, "Fits", endpoints=[endpoint])
    monkeypatch.setattr("ml_constructs.observability._dashboard_rows.MAX_METRICS", 15)
    with pytest.raises(ValueError, match="must need at most 15 metrics, got 16"):
        EndpointDashboard(stack, "Exceeds", endpoints=[endpoint])


def test_counts_the_metrics_that_cloudwatch_retrieves(stack: Stack) -> None:
    EndpointDashboard(stack, "Dashboard", endpoints=[imported(stack, "champion", "challenger")])
    retrieved = sum(
        not isinstance(metric[0], dict) for each in widgets(stack) for metric in each["properties"].get("metrics", [])
    )
    assert retrieved == 2 * 17


def test_takes_more_widgets_below(stack: Stack) -> None:
    made = EndpointDashboard(stack, "Dashboard", endpoints=[imported(stack, "champion")])
    made.add_widgets(cloudwatch.TextWidget(markdown="mine"))
    assert widgets(stack)[-1]["properties"]["markdown"] == "mine"


def test_a_dashboard_in_another_stack_depends_on_the_endpoints_only(app: App, stack: Stack) -> None:
    endpoint = owned(stack)
    monitoring = Stack(app, "Monitoring")
    alarms = EndpointAlarms(monitoring, "Alarms", endpoint=endpoint)
    EndpointDashboard(monitoring, "Dashboard", endpoints=[endpoint], alarms=[alarms])
    assert len(widget(monitoring, "Alarms")["alarms"]) == len(alarms.alarms) + 2
    assert stack.dependencies == []


def test_nothing_is_warned_of_or_found_by_policy_packs(app: App, stack: Stack) -> None:
    endpoint = imported(stack, "champion", "challenger")
    EndpointDashboard(stack, "Dashboard", endpoints=[endpoint], front_ends=[Api(stack, "Api")])
    Annotations.from_stack(stack).has_no_warning("*", Match.any_value())
    for pack in (AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks):
        assert not pack(app).validate_scope(stack).violations
