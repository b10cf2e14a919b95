"""What on-call looks at, from the top: what alarms, what callers notice, why, and what is in front of the endpoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, Protocol, cast, runtime_checkable

from aws_cdk import Duration, Names, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from ml_constructs._checks import check_length, check_pattern, is_token
from ml_constructs.alarms import (
    AlarmThresholds,
    EndpointAlarms,
    cpu_percent,
    failed_percent,
    instance_count,
    max_capacity_of,
    milliseconds,
    rejected_percent,
    vcpus_of,
)
from ml_constructs.endpoint import Endpoint
from ml_constructs.endpoint_interface import IEndpoint

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
MAX_WIDGETS: Final = 500
MAX_METRICS: Final = 2500
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
MAX_ALARMS_PER_WIDGET: Final = 100
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html
NAME_PATTERN: Final = r"[A-Za-z0-9_-]{1,255}"
NAME_RULE: Final = "1 to 255 letters, digits, hyphens and underscores"

_NAME_BESIDE_REGION: Final = 230
_FULL: Final = 24  # columns
_HALF: Final = 12
_THIRD: Final = 8
_ALARMS_PER_LINE: Final = 4
_PERCENTILES: Final = ("p50", "p90", "p99")
_CONSOLES: Final = {"cn-": "console.amazonaws.cn", "us-gov-": "console.amazonaws-us-gov.com"}


@runtime_checkable
class ApiMetrics(Protocol):
    """A front end that is an HTTP API."""

    def metric_count(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401 - arguments of cloudwatch.Metric
        """Requests."""
        ...

    def metric_4xx(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Requests answered with 4XX."""
        ...

    def metric_5xx(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Requests answered with 5XX."""
        ...

    def metric_latency(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Time from request to answer, in milliseconds."""
        ...

    def metric_integration_latency(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Time spent behind the API, in milliseconds."""
        ...


@runtime_checkable
class FunctionMetrics(Protocol):
    """A front end that is a function."""

    def metric_errors(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Invocations that failed."""
        ...

    def metric_throttles(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Invocations that were throttled."""
        ...

    def metric_duration(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Running time, in milliseconds."""
        ...

    def metric_concurrent_executions(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Invocations under way at a time."""
        ...


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
        rows = _Rows()
        rows.add(*_alarm_widgets(endpoints, alarms))
        for endpoint in endpoints:
            _add_endpoint(rows, endpoint, _watching(endpoint, alarms))
        for front_end in _with_functions(front_ends):
            _add_front_end(rows, front_end)
        rows.check()
        super().__init__(scope, construct_id, dashboard_name=name, widgets=rows.rows)
        if name is None:
            resource = self.node.default_child
            assert isinstance(resource, cloudwatch.CfnDashboard)  # noqa: S101 - narrows the type of an L2's own child
            unique = Names.unique_resource_name(
                self, max_length=_NAME_BESIDE_REGION, separator="-", allowed_special_characters="-_"
            )
            resource.dashboard_name = f"{unique}-{Stack.of(self).region}"  # one name for all regions of an account


class _Rows:
    """Widgets in rows, and how many metrics they retrieve."""

    def __init__(self) -> None:
        self.rows: list[list[cloudwatch.IWidget]] = []
        self._metrics: list[int] = []

    def add(self, *widgets: cloudwatch.IWidget) -> None:
        if widgets:
            self.rows.append(list(widgets))

    def graph(
        self,
        region: str,
        title: str,
        metrics: Sequence[cloudwatch.IMetric],
        *,
        width: float = _HALF,
        lines: Sequence[cloudwatch.HorizontalAnnotation] = (),
        stacked: bool = False,
    ) -> cloudwatch.GraphWidget:
        self._metrics.append(_retrieved(metrics))
        return cloudwatch.GraphWidget(
            title=title,
            left=list(metrics),
            left_annotations=list(lines),
            left_y_axis=cloudwatch.YAxisProps(min=0, show_units=False),
            region=region,
            stacked=stacked,
            width=width,
        )

    def check(self) -> None:
        """The limit of metrics in one widget cannot be met before that of all widgets."""
        for what, count, most in (
            ("widgets", sum(map(len, self.rows)), MAX_WIDGETS),
            ("metrics", sum(self._metrics), MAX_METRICS),
        ):
            if count > most:
                raise ValueError(f"endpoints and front_ends must need at most {most:,} {what}, got {count:,}")


def _retrieved(metrics: Sequence[cloudwatch.IMetric]) -> int:
    """How many metrics a widget retrieves: those that expressions use count, once, and the expressions do not."""
    used: set[str] = set()
    plain = 0
    for metric in metrics:
        if isinstance(metric, cloudwatch.MathExpression):
            used.update(_variables(metric))
        else:
            plain += 1
    return plain + len(used)


def _variables(expression: cloudwatch.MathExpression) -> Iterator[str]:
    for variable, metric in (expression.using_metrics or {}).items():
        if isinstance(metric, cloudwatch.MathExpression):
            yield from _variables(metric)
        else:
            yield variable


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
        yield cloudwatch.AlarmStatusWidget(title="Alarms", alarms=part, width=_FULL, height=1 + lines)


def _watching(endpoint: IEndpoint, alarms: Sequence[EndpointAlarms | cloudwatch.IAlarm]) -> EndpointAlarms | None:
    return next((each for each in alarms if isinstance(each, EndpointAlarms) and each.endpoint is endpoint), None)


def _add_endpoint(rows: _Rows, endpoint: IEndpoint, alarms: EndpointAlarms | None) -> None:
    region = _region(endpoint)
    variants = list(enumerate(endpoint.variant_names))
    none = AlarmThresholds(**dict.fromkeys(AlarmThresholds.__dataclass_fields__, None))
    thresholds = none if alarms is None else alarms.thresholds
    rows.add(cloudwatch.TextWidget(markdown=_headline(endpoint, region), width=_FULL, height=2))
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
            _latencies(endpoint, "ModelLatency", _PERCENTILES),
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


def _add_traffic(rows: _Rows, endpoint: IEndpoint, region: str) -> None:
    variants = list(enumerate(endpoint.variant_names))
    several = len(variants) > 1
    requests = {f"i{n}": endpoint.metric_invocations(variant=name) for n, name in variants}
    traffic = rows.graph(
        region,
        "Requests per minute",
        [_per_minute(f"i{n}", requests[f"i{n}"], name) for n, name in variants],
        width=_HALF if several else _FULL,
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


def _add_load(rows: _Rows, endpoint: IEndpoint, region: str) -> None:
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
            [
                _per_minute(f"p{n}", endpoint.metric_invocations_per_instance(variant=name), name)
                for n, name in variants
            ],
        ),
    )


def _add_saturation(
    rows: _Rows, endpoint: IEndpoint, region: str, vcpus: dict[str, int | None], thresholds: AlarmThresholds
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
        rows.graph(region, "CPU, average (%)", cpus, width=_THIRD, lines=_line(thresholds.cpu_percent)),
        rows.graph(region, "Memory, fullest (%)", memory, width=_THIRD, lines=_line(thresholds.memory_percent)),
        rows.graph(region, "Disk, fullest (%)", disk, width=_THIRD, lines=_line(thresholds.disk_percent)),
    )


def _with_functions(front_ends: Sequence[ApiMetrics | FunctionMetrics]) -> list[ApiMetrics | FunctionMetrics]:
    """The front ends, each API followed by its function, none twice."""
    shown: dict[int, ApiMetrics | FunctionMetrics] = {}
    for front_end in front_ends:
        shown.setdefault(id(front_end), front_end)
        function = getattr(front_end, "function", None)
        if isinstance(front_end, ApiMetrics) and isinstance(function, FunctionMetrics):
            shown.setdefault(id(function), function)
    return list(shown.values())


def _add_front_end(rows: _Rows, front_end: ApiMetrics | FunctionMetrics) -> None:
    construct = cast("Construct", front_end)
    region = _region(construct)
    path = construct.node.path
    minute = Duration.minutes(1)
    if isinstance(front_end, ApiMetrics):
        counts = [
            front_end.metric_count(label="requests", period=minute),
            front_end.metric_4xx(statistic="Sum", label="4XX", period=minute),
            front_end.metric_5xx(statistic="Sum", label="5XX", period=minute),
        ]
        latencies = [front_end.metric_latency(statistic=each, label=each, period=minute) for each in _PERCENTILES]
        behind = front_end.metric_integration_latency(statistic="p99", label="p99 behind the API", period=minute)
        rows.add(
            rows.graph(region, f"{path}: requests and errors", counts),
            rows.graph(region, f"{path}: latency (ms)", [*latencies, behind]),
        )
        return
    failures = [
        front_end.metric_errors(statistic="Sum", label="errors", period=minute),
        front_end.metric_throttles(statistic="Sum", label="throttles", period=minute),
    ]
    durations = [front_end.metric_duration(statistic=each, label=each, period=minute) for each in _PERCENTILES]
    at_once = front_end.metric_concurrent_executions(statistic="Maximum", label="at once", period=minute)
    rows.add(
        rows.graph(region, f"{path}: errors and throttles", failures, width=_THIRD),
        rows.graph(region, f"{path}: duration (ms)", durations, width=_THIRD),
        rows.graph(region, f"{path}: concurrency", [at_once], width=_THIRD),
    )


def _latencies(endpoint: IEndpoint, metric: str, statistics: Sequence[str]) -> list[cloudwatch.IMetric]:
    return [
        milliseconds(endpoint.metric(metric, variant=name, statistic=each), f"l{n}{each.lower()}", f"{name} {each}")
        for n, name in enumerate(endpoint.variant_names)
        for each in statistics
    ]


def _per_minute(variable: str, metric: cloudwatch.Metric, label: str) -> cloudwatch.MathExpression:
    """A sum per minute, whatever period the dashboard chooses for the time range it shows."""
    return cloudwatch.MathExpression(
        expression=f"60 * {variable} / PERIOD({variable})",
        using_metrics={variable: metric},
        label=label,
        period=metric.period,
    )


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


def _line(
    value: float | None, label: str = "alarm", color: str = cloudwatch.Color.RED
) -> list[cloudwatch.HorizontalAnnotation]:
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


def _region(construct: object) -> str:
    return Stack.of(cast("Construct", construct)).region
