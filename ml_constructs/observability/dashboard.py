"""What on-call looks at, from the top: what alarms, what callers notice, why, and what is in front of the endpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, cast

from aws_cdk import Names, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from ml_constructs._checks import check_each, check_given, check_length, check_offers, check_pattern, is_token
from ml_constructs._environment import environment_of
from ml_constructs.endpoints._kind import Kind, kind_of
from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.observability._dashboard_components import components
from ml_constructs.observability._dashboard_headline import endpoint_headline
from ml_constructs.observability._dashboard_instances import reserved, saturation, worker_saturation
from ml_constructs.observability._dashboard_queue import processed, queue, times, workers
from ml_constructs.observability._dashboard_requests import (
    answered_errors,
    errors,
    latency,
    latency_with_starts,
    load,
    traffic,
)
from ml_constructs.observability._dashboard_rows import FULL, MAX_WIDGETS, Rows
from ml_constructs.observability._dashboard_serverless import concurrency
from ml_constructs.observability._dashboard_shadow import comparison
from ml_constructs.observability._dashboard_view import View
from ml_constructs.observability._endpoint_parts import rollback_alarms_of, vcpus_of
from ml_constructs.observability.alarm_thresholds import AlarmThresholds
from ml_constructs.observability.alarms import EndpointAlarms
from ml_constructs.observability.dashboard_front_ends import ApiMetrics, FunctionMetrics, add_front_end, with_functions

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
MAX_ALARMS_PER_WIDGET: Final = 100
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html
NAME_PATTERN: Final = r"[A-Za-z0-9_-]{1,255}"
NAME_RULE: Final = "1 to 255 letters, digits, hyphens and underscores"

_NAME_BESIDE_REGION: Final = 230
_ALARMS_PER_LINE: Final = 4

_ROWS: Final[Mapping[Kind, tuple[Callable[[View], None], ...]]] = {
    Kind.REAL_TIME: (traffic, errors, latency, load, saturation, comparison),
    Kind.SERVERLESS: (traffic, answered_errors, latency_with_starts, concurrency),
    Kind.ASYNCHRONOUS: (processed, answered_errors, queue, times, workers, worker_saturation),
    Kind.SHARED: (saturation, reserved, components),
}


class EndpointDashboard(cloudwatch.Dashboard):
    """A CloudWatch dashboard of endpoints, their alarms and their front ends.

    From top to bottom: the state of all alarms; for each endpoint what its kind publishes: traffic, errors, latency,
    instances and their saturation by variant, concurrency and cold starts, the queue, a shadow variant beside the one
    that answers, inference components; then the front ends. Thresholds of the alarms are drawn where they apply. More
    widgets can be added below with `add_widgets`.

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
        _check_shown(endpoints, front_ends)
        check_pattern("name", name, NAME_PATTERN, NAME_RULE)
        shown = _shown(endpoints, alarms)
        rows = Rows()
        rows.add(*_alarm_widgets(shown))
        for endpoint in endpoints:
            _add_endpoint(rows, endpoint, _watching(endpoint, alarms))
        for front_end in with_functions(front_ends):
            add_front_end(rows, front_end)
        rows.check()
        super().__init__(scope, construct_id, dashboard_name=name)
        if shown:
            rows.rows[0] = list(_alarm_widgets(_named(self, shown)))
        for row in rows.rows:
            self.add_widgets(*row)
        if name is None:
            resource = self.node.default_child
            assert isinstance(resource, cloudwatch.CfnDashboard)  # noqa: S101 - narrows the type of an L2's own child
            unique = Names.unique_resource_name(
                self, max_length=_NAME_BESIDE_REGION, separator="-", allowed_special_characters="-_"
            )
            resource.dashboard_name = f"{unique}-{Stack.of(self).region}"  # one name for all regions of an account


def _check_shown(endpoints: Sequence[IEndpoint], front_ends: Sequence[object]) -> None:
    for endpoint in endpoints:
        if not endpoint.variant_names:
            raise ValueError("endpoints must know their variants, import them with variant_names, got one without")
    for front_end in front_ends:
        if not isinstance(front_end, ApiMetrics | FunctionMetrics):
            raise ValueError(  # noqa: TRY004 - as every refused argument
                f"front_ends must offer the metrics of an API or a function, got {front_end!r}"
            )


def _shown(
    endpoints: Sequence[IEndpoint], alarms: Sequence[EndpointAlarms | cloudwatch.IAlarm]
) -> list[cloudwatch.IAlarm]:
    """Each alarm once, in the order given, then those that turn deployments back."""
    shown: dict[int, cloudwatch.IAlarm] = {}
    for alarm in alarms:
        members = alarm.alarms if isinstance(alarm, EndpointAlarms) else (alarm,)
        shown.update({id(member): member for member in members})
    for endpoint in endpoints:
        for _, rollback in rollback_alarms_of(endpoint):
            shown.update({id(member): member for member in rollback})
    return list(shown.values())


def _named(dashboard: Construct, alarms: Sequence[cloudwatch.IAlarm]) -> list[cloudwatch.IAlarm]:
    """Alarms of other stacks by their names, where these are literals.

    A reference would be an export, and CloudFormation refuses to change or remove what another stack imports.
    """
    here = environment_of(dashboard).stack_path
    named: list[cloudwatch.IAlarm] = []
    for index, alarm in enumerate(alarms):
        child = alarm.node.default_child
        known = child.alarm_name if isinstance(child, cloudwatch.CfnAlarm) else None
        if known is None or is_token(known) or environment_of(alarm).stack_path == here:
            named.append(alarm)
        else:
            arn = environment_of(alarm).arn("cloudwatch", f"alarm:{known}")
            named.append(cloudwatch.Alarm.from_alarm_arn(dashboard, f"Alarm{index}", arn))
    return named


def _alarm_widgets(alarms: Sequence[cloudwatch.IAlarm]) -> Iterator[cloudwatch.IWidget]:
    """The state of each alarm; a widget holds so many."""
    for start in range(0, len(alarms), MAX_ALARMS_PER_WIDGET):
        part = alarms[start : start + MAX_ALARMS_PER_WIDGET]
        lines = -(-len(part) // _ALARMS_PER_LINE)
        yield cloudwatch.AlarmStatusWidget(title="Alarms", alarms=part, width=FULL, height=1 + lines)


def _watching(endpoint: IEndpoint, alarms: Sequence[EndpointAlarms | cloudwatch.IAlarm]) -> EndpointAlarms | None:
    return next((each for each in alarms if isinstance(each, EndpointAlarms) and each.endpoint is endpoint), None)


def _add_endpoint(rows: Rows, endpoint: IEndpoint, alarms: EndpointAlarms | None) -> None:
    none = AlarmThresholds(**dict.fromkeys(AlarmThresholds.__dataclass_fields__, None))
    view = View(
        rows=rows,
        endpoint=endpoint,
        region=Stack.of(cast("Construct", endpoint)).region,
        thresholds=none if alarms is None else alarms.thresholds,
        vcpus={name: vcpus_of(endpoint, name) for name in endpoint.variant_names} if alarms is None else alarms.vcpus,
    )
    text = endpoint_headline(endpoint.endpoint_name, view.region)
    rows.add(cloudwatch.TextWidget(markdown=text, width=FULL, height=2))
    for add_row in _ROWS[kind_of(endpoint)]:
        add_row(view)
