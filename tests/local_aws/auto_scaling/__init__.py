"""Application Auto Scaling for the local cloud: the instances of SageMaker's variants scale, in accelerated time."""

from __future__ import annotations

from tests.local_aws import seams
from tests.local_aws.auto_scaling.clock import Clock
from tests.local_aws.auto_scaling.service import NAME, PREFIX, AutoScaling
from tests.local_aws.stubs import alarms


def install() -> None:
    """Add the service to the emulator, whose alarms must be installed too, and start to scale."""
    service = AutoScaling(Clock(alarms.speed()))
    seams.register_service(NAME, service, target_prefix=PREFIX)
    seams.register_json_service(NAME, PREFIX, service.handle_request)
    alarms.watch(service.engine.notice)
    service.engine.start()
