"""What API Gateway does and MiniStack does not: integrations with the SageMaker runtime, without a function between."""

from __future__ import annotations

from tests.local_aws import seams
from tests.local_aws.api_gateway import integration


def install() -> None:
    """Answer the integrations whose URI names the SageMaker runtime."""
    seams.add_service_integration(integration.SERVICE, integration.invoke)
