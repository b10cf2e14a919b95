"""How an inference component moves from one specification to the next, and what makes it turn back.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceComponentRollingUpdatePolicy.html
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_sagemaker as sagemaker

from ml_constructs._checks import check_seconds, check_type, check_whole, is_token
from ml_constructs.endpoints.rollback import DEFAULT_THRESHOLDS, RollbackThresholds

BATCH_PERCENT: Final = (5, 50)
ROLLBACK_PERCENT: Final = (5, 100)
WAIT_SECONDS: Final = (0, 3600)
EXECUTION_SECONDS: Final = (600, 28_800)

_MOST_COPIES: Final = 2**31 - 1
_DEFAULT_PERCENT: Final = 25
_DEFAULT_WAIT: Final = 300
_STARTING: Final = 3600  # seconds granted beyond the waits for copies to start


@dataclass(frozen=True, kw_only=True)
class ComponentDeployment:
    """Replaces the copies of a component batch by batch.

    Args:
        percent: Each batch, 5 to 50 percent of the copies. Default: 25 percent.
        copies: Instead, the copies of each batch, 1 or more: 5 to 50 percent of those there are at the time, so that
            `percent` is the choice for a component that scales.
        wait: Baking time after each batch, 0 to 3600 s, while the rollback alarms are watched. Default: 5 minutes.
        timeout: Limit for the whole deployment, 600 to 28,800 s. Default: all waits plus an hour.
        rollback_percent: Each batch on the way back, 5 to 100 percent of the copies. Default: 100 percent, all at once.
        rollback: Thresholds of the alarms that the component makes for itself, None for no such alarms.
            Default: 1 percent errors, 5 seconds.

    Raises:
        ValueError: an argument is out of its range, `percent` and `copies` are both given, or `timeout` is not longer
            than all waits together.
    """

    percent: int | None = None
    copies: int | None = None
    wait: Duration | None = None
    timeout: Duration | None = None
    rollback_percent: int | None = None
    rollback: RollbackThresholds | None = DEFAULT_THRESHOLDS

    def __post_init__(self) -> None:
        check_type((RollbackThresholds, NoneType), rollback=self.rollback)
        if self.percent is not None and self.copies is not None:
            raise ValueError(f"copies must not be given beside percent, got {self.copies!r}")
        check_whole("percent", self.percent, *BATCH_PERCENT, "percent")
        check_whole("copies", self.copies, 1, _MOST_COPIES)
        check_whole("rollback_percent", self.rollback_percent, *ROLLBACK_PERCENT, "percent")
        check_seconds("wait", self.wait, *WAIT_SECONDS)
        check_seconds("timeout", self.timeout, *EXECUTION_SECONDS)
        waits = None if self.copies is not None else self._waits(1)
        if waits is not None and waits >= EXECUTION_SECONDS[1]:
            raise ValueError(
                f"wait, once per batch, must be shorter in all than the longest deployment, {EXECUTION_SECONDS[1]:,} "
                f"seconds, got {waits:,} seconds"
            )
        if self.timeout is not None and waits is not None and not is_token(self.timeout):
            timeout = self.timeout.to_seconds()
            if timeout <= waits:
                raise ValueError(f"timeout must be longer than all waits, {waits:,} seconds, got {timeout:g} seconds")

    def check_copies(self, copies: int) -> None:
        """Raise `ValueError` unless the batches suit a number of copies; tokens pass."""
        if self.copies is None or is_token(self.copies) or is_token(copies):
            return
        low, high = BATCH_PERCENT
        if not low * copies <= 100 * self.copies <= high * copies:
            raise ValueError(
                f"copies of a batch must be {low} to {high} percent of all, of {copies:,} copies, got {self.copies:,}"
            )

    def _waits(self, copies: int) -> int | None:
        """All waits in seconds; None when they are known only at deployment."""
        wait = _DEFAULT_WAIT if self.wait is None else self.wait.to_seconds()
        if self.copies is None:
            percent = _DEFAULT_PERCENT if self.percent is None else self.percent
            if is_token(wait) or is_token(percent):
                return None
            return int(wait) * math.ceil(100 / percent)
        if is_token(wait) or is_token(self.copies) or is_token(copies):
            return None
        return int(wait) * math.ceil(copies / self.copies)

    def render(
        self, alarm_names: Sequence[str], copies: int
    ) -> sagemaker.CfnInferenceComponent.InferenceComponentDeploymentConfigProperty:
        """The policy as CloudFormation property, rolling back on the given alarms."""
        component = sagemaker.CfnInferenceComponent
        waits = self._waits(copies)
        timeout: float = EXECUTION_SECONDS[1]
        if self.timeout is not None:
            timeout = self.timeout.to_seconds()
        elif waits is not None:
            timeout = min(waits + _STARTING, timeout)
        percent = _DEFAULT_PERCENT if self.percent is None else self.percent
        return component.InferenceComponentDeploymentConfigProperty(
            rolling_update_policy=component.InferenceComponentRollingUpdatePolicyProperty(
                maximum_batch_size=component.InferenceComponentCapacitySizeProperty(
                    type="CAPACITY_PERCENT" if self.copies is None else "COPY_COUNT",
                    value=percent if self.copies is None else self.copies,
                ),
                rollback_maximum_batch_size=None
                if self.rollback_percent is None
                else component.InferenceComponentCapacitySizeProperty(
                    type="CAPACITY_PERCENT", value=self.rollback_percent
                ),
                wait_interval_in_seconds=_DEFAULT_WAIT if self.wait is None else self.wait.to_seconds(),
                maximum_execution_timeout_in_seconds=timeout,
            ),
            auto_rollback_configuration=component.AutoRollbackConfigurationProperty(
                alarms=[component.AlarmProperty(alarm_name=name) for name in alarm_names]
            )
            if alarm_names
            else None,
        )
