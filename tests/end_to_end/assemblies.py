"""The realtime example as it changes from one deployment to the next, each a cloud assembly on disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

from aws_cdk import App
from aws_cdk import aws_cloudwatch as cloudwatch

from stacks.realtime import RealtimeSettings, RealtimeStack

ROOT: Final = Path(__file__).parents[2]
MODELS: Final = ROOT / "build" / "models"
STACK: Final = "Realtime"
_MICROSECONDS: Final = 120e6

Change = Callable[[RealtimeStack], None]


def synthesise(
    directory: Path,
    *,
    champion: Path | None = None,
    challenger: Path | None = None,
    challenger_percent: int = 10,
    change: Change | None = None,
) -> Path:
    """Write an assembly of the realtime stack, with the flags of the example app; `change` may alter its resources."""
    app = App(context=context(), outdir=str(directory), builtin_cloud_formation_validation=False)
    settings = RealtimeSettings(
        champion=champion or MODELS / "tabular-champion",
        challenger=challenger or MODELS / "tabular-challenger",
        challenger_percent=challenger_percent,
    )
    stack = RealtimeStack(app, STACK, settings=settings)
    _be_patient(stack)
    if change is not None:
        change(stack)
    app.synth()
    return directory


def context() -> dict[str, object]:
    """The feature flags of the example app."""
    found: dict[str, object] = json.loads((ROOT / "cdk.json").read_text())["context"]
    return found


def _be_patient(stack: RealtimeStack) -> None:
    """Let no deployment roll back because this machine is busy: half a second is soon over."""
    alarms = [each for each in stack.node.find_all() if isinstance(each, cloudwatch.CfnAlarm)]
    slow = [alarm for alarm in alarms if str(alarm.alarm_name).endswith("rollback-latency")]
    assert len(slow) == 2, "the realtime example has a latency alarm for each of its variants"
    for alarm in slow:
        alarm.threshold = _MICROSECONDS
