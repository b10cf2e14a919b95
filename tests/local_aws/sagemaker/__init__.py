"""Amazon SageMaker hosting for the local cloud: real-time endpoints served by processes on this machine."""

from __future__ import annotations

from tests.local_aws import seams
from tests.local_aws.sagemaker.invocations import InvocationRoute
from tests.local_aws.sagemaker.service import SageMaker
from tests.local_aws.sagemaker.settings import Settings


def install(settings: Settings | None = None) -> SageMaker:
    """Register the service, its runtime and everything they need with the emulator; call once, before it starts."""
    service = SageMaker(Settings.from_environment() if settings is None else settings)
    seams.register_service("sagemaker", service, target_prefix="SageMaker.")
    seams.wrap_application(lambda application: InvocationRoute(application, service.runtime))
    return service
