"""What each holder of an API key may send."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aws_cdk import aws_apigateway as apigateway
from constructs import Construct

from ml_constructs._checks import check_given, check_range, check_type, check_whole

# https://docs.aws.amazon.com/apigateway/latest/api/API_ThrottleSettings.html and API_QuotaSettings.html
THROTTLE: Final = (0, 2_147_483_647)
QUOTA: Final = (1, 2_147_483_647)


@dataclass(frozen=True, kw_only=True)
class UsagePlan:
    """How much one API key may be used.

    A key tells callers apart and counts their requests. It is no authorisation, since it never changes and is sent
    with each request: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html.
    AWS applies rates and quotas on a best-effort basis.

    Args:
        rate: Requests per second of one key, 0 or more. Default: 10.
        burst: Requests of one key at once above the rate, 0 or more. Default: 20.
        quota: Requests of one key per period, 1 or more. Default: without limit.
        period: The period of the quota: a day, a week or a month, in UTC. Default: a month.

    Raises:
        ValueError: an argument is out of its range.
    """

    rate: float = 10
    burst: int = 20
    quota: int | None = None
    period: apigateway.Period = apigateway.Period.MONTH

    def __post_init__(self) -> None:
        check_given(rate=self.rate, burst=self.burst)
        check_range("rate", self.rate, *THROTTLE, "requests per second")
        check_whole("burst", self.burst, *THROTTLE, "requests")
        check_whole("quota", self.quota, *QUOTA, "requests")
        check_type(apigateway.Period, period=self.period)

    def create(self, scope: Construct, construct_id: str, stage: apigateway.Stage) -> apigateway.UsagePlan:
        """The plan as a resource, for one stage."""
        quota = None
        if self.quota is not None:
            quota = apigateway.QuotaSettings(limit=self.quota, period=self.period)
        return apigateway.UsagePlan(
            scope,
            construct_id,
            description=f"Keys of {scope.node.path}"[:1024],
            api_stages=[apigateway.UsagePlanPerApiStage(api=stage.rest_api, stage=stage)],
            throttle=apigateway.ThrottleSettings(rate_limit=self.rate, burst_limit=self.burst),
            quota=quota,
        )
