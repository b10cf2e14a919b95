"""How an endpoint moves from one configuration to the next, and what makes it turn back.

https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Final, Literal

from aws_cdk import Duration
from aws_cdk import aws_sagemaker as sagemaker

from ml_constructs._checks import check_choice, check_seconds, check_type, check_whole, is_token
from ml_constructs.endpoints.rollback import DEFAULT_THRESHOLDS, RollbackThresholds

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TrafficRoutingConfig.html
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_BlueGreenUpdatePolicy.html
WAIT_SECONDS: Final = (0, 3600)
EXECUTION_SECONDS: Final = (600, 28_800)
CANARY_PERCENT: Final = (1, 50)
LINEAR_PERCENT: Final = (10, 50)
ROLLING_PERCENT: Final = (5, 50)

_PROVISIONING: Final = 3600  # seconds granted beyond the waits for instances to start
_DEFAULT_WAIT: Final = {"CANARY": 600, "LINEAR": 300, "ROLLING": 300, "ALL_AT_ONCE": 0}
_DEFAULT_TERMINATION_WAIT: Final = {"CANARY": 300, "LINEAR": 300, "ROLLING": 0, "ALL_AT_ONCE": 600}
_PERCENT: Final = {"CANARY": CANARY_PERCENT, "LINEAR": LINEAR_PERCENT, "ROLLING": ROLLING_PERCENT}


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """A deployment policy; use `canary`, `linear`, `rolling` or `all_at_once`.

    Args:
        strategy: How traffic moves to the new configuration.
        percent: Size of a step, in percent of the capacity.
        wait: Baking time after each step, 0 to 3600 s, while the rollback alarms are watched.
        termination_wait: Time for which the old fleet stays after the last step, 0 to 3600 s.
        timeout: Limit for the whole deployment, 600 to 28,800 s. Default: all waits plus an hour.
        rollback: Thresholds of the alarms that the endpoint makes for itself, None for no such alarms.

    Raises:
        ValueError: an argument is out of its range, or `timeout` is not longer than all waits together.
    """

    strategy: Literal["CANARY", "LINEAR", "ROLLING", "ALL_AT_ONCE"]
    percent: int | None = None
    wait: Duration | None = None
    termination_wait: Duration | None = None
    timeout: Duration | None = None
    rollback: RollbackThresholds | None = DEFAULT_THRESHOLDS

    def __post_init__(self) -> None:
        check_type(str, strategy=self.strategy)
        check_choice("strategy", self.strategy, _DEFAULT_WAIT)
        check_type((RollbackThresholds, NoneType), rollback=self.rollback)
        if self.strategy in _PERCENT:
            low, high = _PERCENT[self.strategy]
            if self.percent is None:
                raise ValueError(f"percent must be between {low} and {high} percent, got None")
            check_whole("percent", self.percent, low, high, "percent")
        elif self.percent is not None:
            raise ValueError(f"percent must not be given when all traffic moves at once, got {self.percent!r}")
        if self.strategy == "ALL_AT_ONCE" and self.wait is not None:
            raise ValueError("wait must not be given when all traffic moves at once: use termination_wait")
        if self.strategy == "ROLLING" and self.termination_wait is not None:
            raise ValueError("termination_wait must not be given for a rolling deployment, which has no second fleet")
        check_seconds("wait", self.wait, *WAIT_SECONDS)
        check_seconds("termination_wait", self.termination_wait, *WAIT_SECONDS)
        check_seconds("timeout", self.timeout, *EXECUTION_SECONDS)
        waits = self._all_waits
        if waits is not None and waits >= EXECUTION_SECONDS[1]:
            raise ValueError(
                f"wait, once per step, and termination_wait must together be shorter than the longest deployment, "
                f"{EXECUTION_SECONDS[1]:,} seconds, got {waits:,} seconds"
            )
        if self.timeout is not None and waits is not None and not is_token(self.timeout):
            timeout = self.timeout.to_seconds()
            if timeout <= waits:
                raise ValueError(f"timeout must be longer than all waits, {waits:,} seconds, got {timeout:g} seconds")

    @classmethod
    def canary(
        cls,
        *,
        percent: int = 10,
        wait: Duration | None = None,
        termination_wait: Duration | None = None,
        timeout: Duration | None = None,
        rollback: RollbackThresholds | None = DEFAULT_THRESHOLDS,
    ) -> Deployment:
        """Blue/green in two steps: a small share of the traffic, then the rest.

        Args:
            percent: The first step, 1 to 50 percent of the capacity. Default: 10 percent.
            wait: Baking time after the first step. Default: 10 minutes.
            termination_wait: Time for which the old fleet stays. Default: 5 minutes.
            timeout: Limit for the whole deployment. Default: all waits plus an hour.
            rollback: Thresholds of the endpoint's own rollback alarms. Default: 1 percent errors, 5 seconds.
        """
        return cls(
            strategy="CANARY",
            percent=percent,
            wait=wait,
            termination_wait=termination_wait,
            timeout=timeout,
            rollback=rollback,
        )

    @classmethod
    def linear(
        cls,
        *,
        percent: int = 25,
        wait: Duration | None = None,
        termination_wait: Duration | None = None,
        timeout: Duration | None = None,
        rollback: RollbackThresholds | None = DEFAULT_THRESHOLDS,
    ) -> Deployment:
        """Blue/green in equal steps.

        Args:
            percent: Each step, 10 to 50 percent of the capacity. Default: 25 percent.
            wait: Baking time after each step. Default: 5 minutes.
            termination_wait: Time for which the old fleet stays. Default: 5 minutes.
            timeout: Limit for the whole deployment. Default: all waits plus an hour.
            rollback: Thresholds of the endpoint's own rollback alarms. Default: 1 percent errors, 5 seconds.
        """
        return cls(
            strategy="LINEAR",
            percent=percent,
            wait=wait,
            termination_wait=termination_wait,
            timeout=timeout,
            rollback=rollback,
        )

    @classmethod
    def rolling(
        cls,
        *,
        percent: int = 25,
        wait: Duration | None = None,
        timeout: Duration | None = None,
        rollback: RollbackThresholds | None = DEFAULT_THRESHOLDS,
    ) -> Deployment:
        """Replaces capacity batch by batch, without a second fleet; for endpoints with one variant.

        Args:
            percent: Each batch, 5 to 50 percent of the capacity. Default: 25 percent.
            wait: Baking time after each batch. Default: 5 minutes.
            timeout: Limit for the whole deployment. Default: all waits plus an hour.
            rollback: Thresholds of the endpoint's own rollback alarms. Default: 1 percent errors, 5 seconds.
        """
        return cls(strategy="ROLLING", percent=percent, wait=wait, timeout=timeout, rollback=rollback)

    @classmethod
    def all_at_once(
        cls,
        *,
        termination_wait: Duration | None = None,
        timeout: Duration | None = None,
        rollback: RollbackThresholds | None = DEFAULT_THRESHOLDS,
    ) -> Deployment:
        """Blue/green in one step.

        Args:
            termination_wait: Time for which the old fleet stays, and the alarms are watched. Default: 10 minutes.
            timeout: Limit for the whole deployment. Default: all waits plus an hour.
            rollback: Thresholds of the endpoint's own rollback alarms. Default: 1 percent errors, 5 seconds.
        """
        return cls(strategy="ALL_AT_ONCE", termination_wait=termination_wait, timeout=timeout, rollback=rollback)

    @property
    def _wait(self) -> float:
        return _DEFAULT_WAIT[self.strategy] if self.wait is None else self.wait.to_seconds()

    @property
    def _termination_wait(self) -> float:
        if self.termination_wait is None:
            return _DEFAULT_TERMINATION_WAIT[self.strategy]
        return self.termination_wait.to_seconds()

    @property
    def _all_waits(self) -> int | None:
        """All waits in seconds; None when one is known only at deployment."""
        if is_token(self._wait) or is_token(self._termination_wait) or is_token(self.percent):
            return None
        steps = math.ceil(100 / self.percent) if self.strategy in {"LINEAR", "ROLLING"} and self.percent else 1
        return int(self._wait) * steps + int(self._termination_wait)

    def render(self, alarm_names: Sequence[str]) -> sagemaker.CfnEndpoint.DeploymentConfigProperty:
        """The policy as CloudFormation property, rolling back on the given alarms."""
        waits = self._all_waits
        timeout: float = EXECUTION_SECONDS[1]
        if self.timeout is not None:
            timeout = self.timeout.to_seconds()
        elif waits is not None:
            timeout = min(waits + _PROVISIONING, timeout)
        rollback = None
        if alarm_names:
            rollback = sagemaker.CfnEndpoint.AutoRollbackConfigProperty(
                alarms=[sagemaker.CfnEndpoint.AlarmProperty(alarm_name=name) for name in alarm_names]
            )
        size = None
        if self.percent is not None:
            size = sagemaker.CfnEndpoint.CapacitySizeProperty(type="CAPACITY_PERCENT", value=self.percent)
        if self.strategy == "ROLLING":
            assert size is not None  # noqa: S101 - set by the constructor
            return sagemaker.CfnEndpoint.DeploymentConfigProperty(
                auto_rollback_configuration=rollback,
                rolling_update_policy=sagemaker.CfnEndpoint.RollingUpdatePolicyProperty(
                    maximum_batch_size=size,
                    wait_interval_in_seconds=self._wait,
                    maximum_execution_timeout_in_seconds=timeout,
                ),
            )
        return sagemaker.CfnEndpoint.DeploymentConfigProperty(
            auto_rollback_configuration=rollback,
            blue_green_update_policy=sagemaker.CfnEndpoint.BlueGreenUpdatePolicyProperty(
                maximum_execution_timeout_in_seconds=timeout,
                termination_wait_in_seconds=self._termination_wait,
                traffic_routing_configuration=sagemaker.CfnEndpoint.TrafficRoutingConfigProperty(
                    type=self.strategy,
                    wait_interval_in_seconds=self._wait,
                    canary_size=size if self.strategy == "CANARY" else None,
                    linear_step_size=size if self.strategy == "LINEAR" else None,
                ),
            ),
        )
