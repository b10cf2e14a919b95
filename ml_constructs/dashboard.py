"""What on-call looks at, from the top: what alarms, what callers notice, why, and what is in front of the endpoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, cast

from aws_cdk import Names, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from ml_constructs._checks import check_each, check_given, check_length, check_offers, check_pattern, is_token
from ml_constructs._dashboard_rows import FULL, HALF, MAX_WIDGETS, PERCENTILES, THIRD, Rows
from ml_constructs.alarm_thresholds import AlarmThresholds
from ml_constructs.alarms import EndpointAlarms, max_capacity_of, vcpus_of
from ml_constructs.dashboard_front_ends import ApiMetrics, FunctionMetrics, add_front_end, with_functions
from ml_constructs.endpoint import Endpoint
from ml_constructs.endpoint_interface import IEndpoint
from ml_constructs.metric_expressions import (
    cpu_percent,
    failed_percent,
    instance_count,
    milliseconds,
    per_minute,
    rejected_percent,
)

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
MAX_ALARMS_PER_WIDGET: Final = 100
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html
NAME_PATTERN: Final = r"[A-Za-z0-9_-]{1,255}"
NAME_RULE: Final = "1 to 255 letters, digits, hyphens and underscores"

_NAME_BESIDE_REGION: Final = 230
_ALARMS_PER_LINE: Final = 4
_CONSOLES: Final = {"cn-": "console.amazonaws.cn", "us-gov-": "console.amazonaws-us-gov.com"}


class EndpointDashboard(cloudwatch.Dashboard):
    """A CloudWatch dashboard of endpoints, their alarms and their front ends.

    From top to bottom: the state of all alarms; for each endpoint its traffic, errors, latency, instances and their
    saturation, by variant; then the front ends. Thresholds of the alarms are drawn where they apply. More widgets can
    be added below with `add_widgets`.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        endpoints: The endpoints; an imported one must have been given its variant names.
        front_ends: What is in front of them: HTTP APIs and functions, by the metrics they offer. An API that has a
            `function` shows it as well.
        alarms: Alarms to show the state of. The endpoints' rollback alarms are shown always.
        name: At most 255 letters, digits, hyphens and underscores. Dashboards belong to all regions of an account, so
            that it must be unique there. Default: derived from the construct's path and the region.

    Raises:
        ValueError: there is no endpoint, the variants of one are unknown, a front end offers neither set of metrics,
            `name` is malformed, or the dashboard would exceed what CloudWatch accepts.

    See https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Dashboards.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoints: Sequence[IEndpoint],
        front_ends: Sequence[ApiMetrics | FunctionMetrics] = (),
        alarms: Sequence[EndpointAlarms | cloudwatch.IAlarm] = (),
        name: str | None = None,
    ) -> None:
        check_each("endpoints", IEndpoint, endpoints=endpoints)
        check_each("front ends", object, front_ends=front_ends)
        check_each("EndpointAlarms and alarms", object, alarms=alarms)
        for alarm in alarms:
            if not isinstance(alarm, EndpointAlarms):
                check_given(alarms=alarm)
                check_offers("alarm_arn", "a list of EndpointAlarms and alarms", alarms=alarm)
        check_length("endpoints", endpoints, 1, MAX_WIDGETS)
        for endpoint in endpoints:
            if not endpoint.variant_names:
                raise ValueError("endpoints must know their variants, import them with variant_names, got one without")
        for front_end in front_ends:
            if not isinstance(front_end, ApiMetrics | FunctionMetrics):
                raise ValueError(  # noqa: TRY004 - as every refused argument
                    f"front_ends must offer the metrics of an API or a function, got {front_end!r}"
                )
        check_pattern("name", name, NAME_PATTERN, NAME_RULE)
        rows = Rows()
        rows.add(*_alarm_widgets(endpoints, alarms))
        for endpoint in endpoints:
            _add_endpoint(rows, endpoint, _watching(endpoint, alarms))
        for front_end in with_functions(front_ends):
            add_front_end(rows, front_end)
        rows.check()
        super().__init__(scope, construct_id, dashboard_name=name, widgets=rows.rows)
        if name is None:
            resource = self.node.default_child
            assert isinstance(resource, cloudwatch.CfnDashboard)  # noqa: S101 - narrows the type of an L2's own child
            unique = Names.unique_resource_name(
                self, max_length=_NAME_BESIDE_REGION, separator="-", allowed_special_characters="-_"
            )
            resource.dashboard_name = f"{unique}-{Stack.of(self).region}"  # one name for all regions of an account


def _alarm_widgets(
    endpoints: Sequence[IEndpoint], alarms: Sequence[EndpointAlarms | cloudwatch.IAlarm]
) -> Iterator[cloudwatch.IWidget]:
    """The state of each alarm once, in the order given; a widget holds so many."""
    shown: dict[int, cloudwatch.IAlarm] = {}
    for alarm in alarms:
        members = alarm.alarms if isinstance(alarm, EndpointAlarms) else (alarm,)
        shown.update({id(member): member for member in members})
    for endpoint in endpoints:
        if isinstance(endpoint, Endpoint):
            shown.update({id(member): member for member in endpoint.rollback_alarms})
    every = list(shown.values())
    for start in range(0, len(every), MAX_ALARMS_PER_WIDGET):
        part = every[start : start + MAX_ALARMS_PER_WIDGET]
        lines = -(-len(part) // _ALARMS_PER_LINE)
        yield cloudwatch.AlarmStatusWidget(title="Alarms", alarms=part, width=FULL, height=1 + lines)


def _watching(endpoint: IEndpoint, alarms: Sequence[EndpointAlarms | cloudwatch.IAlarm]) -> EndpointAlarms | None:
    return next((each for each in alarms if isinstance(each, EndpointAlarms) and each.endpoint is endpoint), None)


def _add_endpoint(rows: Rows, endpoint: IEndpoint, alarms: EndpointAlarms | None) -> None:
    region = Stack.of(cast("Construct", endpoint)).region
    variants = list(enumerate(endpoint.variant_names))
    none = AlarmThresholds(**dict.fromkeys(AlarmThresholds.__dataclass_fields__, None))
    thresholds = none if alarms is None else alarms.thresholds
    rows.add(cloudwatch.TextWidget(markdown=_headline(endpoint, region), width=FULL, height=2))
    _add_traffic(rows, endpoint, region)
    rows.add(
        rows.graph(
            region,
            "Failed requests (%)",
            [failed_percent(endpoint, name, str(n)) for n, name in variants],
            lines=_line(thresholds.error_percent),
        ),
        rows.graph(
            region,
            "Requests rejected by the model, 4XX (%)",
            [rejected_percent(endpoint, name, str(n)) for n, name in variants],
            lines=_line(thresholds.client_error_percent),
        ),
    )
    rows.add(
        rows.graph(
            region,
            "Model latency (ms)",
            _latencies(endpoint, "ModelLatency", PERCENTILES),
            lines=_line(thresholds.model_latency_ms, "alarm on p99"),
        ),
        rows.graph(
            region,
            "Overhead latency of SageMaker (ms)",
            _latencies(endpoint, "OverheadLatency", ("Average", "Maximum")),  # percentiles of it are not documented
            lines=_line(thresholds.overhead_latency_ms, "alarm on average"),
        ),
    )
    _add_load(rows, endpoint, region)
    _add_saturation(rows, endpoint, region, _cores(endpoint, alarms), thresholds)


def _cores(endpoint: IEndpoint, alarms: EndpointAlarms | None) -> dict[str, int | None]:
    return {name: vcpus_of(endpoint, name) for name in endpoint.variant_names} if alarms is None else alarms.vcpus


def _add_traffic(rows: Rows, endpoint: IEndpoint, region: str) -> None:
    variants = list(enumerate(endpoint.variant_names))
    several = len(variants) > 1
    requests = {f"i{n}": endpoint.metric_invocations(variant=name) for n, name in variants}
    traffic = rows.graph(
        region,
        "Requests per minute",
        [per_minute(requests[f"i{n}"], f"i{n}", name) for n, name in variants],
        width=HALF if several else FULL,
        stacked=True,
    )
    if not several:
        rows.add(traffic)
        return
    share = rows.graph(
        region,
        "Share of the requests (%)",
        [
            cloudwatch.MathExpression(
                expression=f"100 * i{n} / SUM([{', '.join(requests)}])",
                using_metrics=dict(requests),
                label=name,
                period=requests["i0"].period,
            )
            for n, name in variants
        ],
        lines=_weights(endpoint),
    )
    rows.add(traffic, share)


def _add_load(rows: Rows, endpoint: IEndpoint, region: str) -> None:
    variants = list(enumerate(endpoint.variant_names))
    most = [(name, max_capacity_of(endpoint, name)) for _, name in variants]
    rows.add(
        rows.graph(
            region,
            "Instances (known while there are requests)",
            [instance_count(endpoint, name, str(n)) for n, name in variants],
            lines=[line for name, limit in most for line in _line(limit, f"largest size of {name}")],
        ),
        rows.graph(
            region,
            "Requests per instance and minute",
            [per_minute(endpoint.metric_invocations_per_instance(variant=name), f"p{n}", name) for n, name in variants],
        ),
    )


def _add_saturation(
    rows: Rows, endpoint: IEndpoint, region: str, vcpus: dict[str, int | None], thresholds: AlarmThresholds
) -> None:
    cpus: list[cloudwatch.IMetric] = []
    for n, name in enumerate(endpoint.variant_names):
        cores = vcpus[name]
        if cores is None:
            cpus.append(endpoint.metric_cpu_utilization(variant=name, label=f"{name} (sum over cores)"))
        else:
            cpus.append(cpu_percent(endpoint, name, cores, str(n)))
    names = endpoint.variant_names
    memory = [endpoint.metric_memory_utilization(variant=name, statistic="Maximum", label=name) for name in names]
    disk = [endpoint.metric_disk_utilization(variant=name, statistic="Maximum", label=name) for name in names]
    rows.add(
        rows.graph(region, "CPU, average (%)", cpus, width=THIRD, lines=_line(thresholds.cpu_percent)),
        rows.graph(region, "Memory, fullest (%)", memory, width=THIRD, lines=_line(thresholds.memory_percent)),
        rows.graph(region, "Disk, fullest (%)", disk, width=THIRD, lines=_line(thresholds.disk_percent)),
    )


def _latencies(endpoint: IEndpoint, metric: str, statistics: Sequence[str]) -> list[cloudwatch.IMetric]:
    return [
        milliseconds(endpoint.metric(metric, variant=name, statistic=each), f"l{n}{each.lower()}", f"{name} {each}")
        for n, name in enumerate(endpoint.variant_names)
        for each in statistics
    ]


def _weights(endpoint: IEndpoint) -> list[cloudwatch.HorizontalAnnotation]:
    """The configured share of each variant, where it is known."""
    if not isinstance(endpoint, Endpoint) or any(is_token(variant.weight) for variant in endpoint.variants):
        return []
    total = sum(variant.weight for variant in endpoint.variants)
    return [
        line
        for variant in endpoint.variants
        for line in _line(100 * variant.weight / total, f"configured for {variant.name}", cloudwatch.Color.GREY)
    ]


def _line(value: float | None, label: str = "alarm", color: str | None = None) -> list[cloudwatch.HorizontalAnnotation]:
    color = cloudwatch.Color.RED if color is None else color
    return [] if value is None else [cloudwatch.HorizontalAnnotation(value=value, label=label, color=color)]


def _headline(endpoint: IEndpoint, region: str) -> str:
    """The name, with links; where the region is not known, a link to the place in the console that is open."""
    name = endpoint.endpoint_name
    logs = f"#logsV2:log-groups/log-group/$252Faws$252Fsagemaker$252FEndpoints$252F{name}"
    if is_token(region):
        return f"## {name}\n[Container logs]({logs})"
    console = next((host for prefix, host in _CONSOLES.items() if region.startswith(prefix)), "console.aws.amazon.com")
    links = {
        "Container logs": f"https://{console}/cloudwatch/home?region={region}{logs}",
        "Endpoint": f"https://{console}/sagemaker/home?region={region}#/endpoints/{name}",
    }
    return f"## {name}\n" + " | ".join(f"[{label}]({link})" for label, link in links.items())
