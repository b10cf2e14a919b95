"""The stage of an API: its name, how much it admits, and what it logs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from ml_constructs._checks import check_given, check_pattern, check_range, check_type, check_whole
from ml_constructs.front_ends._logs import log_group
from ml_constructs.front_ends.api._api_logs import access_log, regional_logging

# https://docs.aws.amazon.com/apigateway/latest/api/API_MethodSetting.html: an account's quota is the real limit
THROTTLE: Final = (0, 2_147_483_647)
STAGE_NAME: Final = "live"

_EXECUTION_LOGS: Final = "API-Gateway-Execution-Logs_"


@dataclass(frozen=True, kw_only=True)
class StageSettings:
    """How the one stage is run; each field is the argument of `RestApiFrontEnd` of the same name."""

    stage_name: str
    throttle_rate: float
    throttle_burst: int
    log_retention: logs.RetentionDays
    cloud_watch_role: bool

    def __post_init__(self) -> None:
        check_given(throttle_rate=self.throttle_rate, throttle_burst=self.throttle_burst)
        check_range("throttle_rate", self.throttle_rate, *THROTTLE, "requests per second")
        check_whole("throttle_burst", self.throttle_burst, *THROTTLE, "requests")
        check_type(str, stage_name=self.stage_name)
        rule = "1 to 128 letters, digits, '-' and '_'"
        check_pattern("stage_name", self.stage_name, r"[a-zA-Z0-9_-]{1,128}", rule)
        check_type(logs.RetentionDays, log_retention=self.log_retention)
        check_type(bool, cloud_watch_role=self.cloud_watch_role)

    def options(self, access_log_group: logs.ILogGroup, fields: dict[str, str]) -> apigateway.StageOptions:
        """The arguments of the L2; the rest is done by `finish`."""
        return apigateway.StageOptions(
            stage_name=STAGE_NAME,
            access_log_destination=apigateway.LogGroupLogDestination(access_log_group),
            access_log_format=apigateway.AccessLogFormat.custom(access_log(**fields)),
            logging_level=apigateway.MethodLoggingLevel.ERROR,
            data_trace_enabled=False,
            metrics_enabled=True,
            tracing_enabled=True,
            # API Gateway applies it to each method by itself: preflight requests take nothing from others.
            throttling_rate_limit=self.throttle_rate,
            throttling_burst_limit=self.throttle_burst,
        )

    def name(self, stage: apigateway.Stage) -> None:
        """Give the stage its name, which the L2 would make part of an id, where a token cannot be."""
        resource = stage.node.default_child
        assert isinstance(resource, apigateway.CfnStage)  # noqa: S101 - narrows the type of an L2's own child
        resource.stage_name = self.stage_name

    def log_executions(self, scope: Construct, stage: apigateway.Stage, encryption_key: kms.IKey) -> logs.LogGroup:
        """Create the group of execution logs, and what API Gateway needs to write to it, before the stage."""
        group = log_group(
            scope,
            "ExecutionLogs",
            encryption_key,
            self.log_retention,
            # API Gateway would make it without encryption and without end as soon as the stage exists.
            name=f"{_EXECUTION_LOGS}{stage.rest_api.rest_api_id}/{self.stage_name}",
            admitted=f"{_EXECUTION_LOGS}*",
        )
        stage.node.add_dependency(group)
        if self.cloud_watch_role:
            stage.node.add_dependency(regional_logging(scope))
        return group
