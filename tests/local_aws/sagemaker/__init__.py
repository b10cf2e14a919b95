"""Amazon SageMaker hosting for the local cloud: real-time endpoints served by processes on this machine."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.local_aws.sagemaker.service import SageMaker
    from tests.local_aws.sagemaker.settings import Settings


def install(settings: Settings | None = None) -> SageMaker:
    """Register the service, its runtime and everything they need with the emulator; call once, before it starts.

    The emulator is imported here and not above, so that parts that do without it can be tested without it.
    """
    seams = import_module("tests.local_aws.seams")
    invocations = import_module("tests.local_aws.sagemaker.invocations")
    given = settings or import_module("tests.local_aws.sagemaker.settings").Settings.from_environment()
    service: SageMaker = import_module("tests.local_aws.sagemaker.service").SageMaker(given)
    seams.close_when_clients_leave()
    seams.register_service("sagemaker", service, target_prefix="SageMaker.")
    seams.wrap_application(lambda application: invocations.InvocationRoute(application, service.runtime))
    return service
