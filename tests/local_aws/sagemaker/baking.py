"""The waits of a deployment, in accelerated time, during which alarms are consulted."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tests.local_aws import seams

_ALARM_SECONDS: Final = 0.1  # how often alarms are consulted


class DeploymentError(Exception):
    """The deployment was given up; the text is the FailureReason of the endpoint or the component."""


def alarms_of(policy: Mapping[str, Any]) -> list[str]:
    """The alarms of an AutoRollbackConfiguration."""
    return [alarm["AlarmName"] for alarm in policy.get("AutoRollbackConfiguration", {}).get("Alarms", [])]


class Baking:
    """The waits of one deployment.

    Args:
        account: Where the alarms are.
        region: Where the alarms are.
        alarms: Their names.
        speed: AWS seconds that pass in one second.
        closing: Set when everything is to end.
        what: What is rolled back.
    """

    def __init__(
        self, account: str, region: str, alarms: Sequence[str], *, speed: float, closing: threading.Event, what: str
    ) -> None:
        self._place = (account, region)
        self._alarms = alarms
        self._speed = speed
        self._closing = closing
        self._what = what
        self._waited = 0.0

    def wait(self, seconds: float, limit: float | None) -> None:
        """Wait for so many seconds of AWS, and give up as soon as an alarm goes off.

        Raises:
            DeploymentError: an alarm went off, or all waits together take longer than the limit.
        """
        end = time.monotonic() + seconds / self._speed
        self._waited += seconds
        while True:
            alarming = seams.alarms_in_alarm(*self._place, self._alarms)
            if alarming:
                raise DeploymentError(
                    f"One or more alarms configured for auto rollback are in ALARM state: {', '.join(alarming)}. "
                    f"The {self._what} was rolled back to its previous configuration."
                )
            if limit is not None and self._waited > limit:
                raise DeploymentError(f"The deployment did not finish within {limit} seconds.")
            left = end - time.monotonic()
            if left <= 0:
                return
            if self._closing.wait(min(left, _ALARM_SECONDS)):
                raise DeploymentError("The local cloud was stopped.")
