"""What the tests of shared endpoints and their components share."""

from __future__ import annotations

from typing import Any

from aws_cdk import Size
from constructs import Construct

from ml_constructs.components.inference_component import InferenceComponent
from ml_constructs.components.shared_endpoint import SharedEndpoint
from ml_constructs.components.specification import ComponentSpecification
from ml_constructs.endpoint_config.shared_variant import SharedVariant
from ml_constructs.interfaces.shared_endpoint import ISharedEndpoint
from tests.constructs.builders import IMPORTED

COMPONENT = "AWS::SageMaker::InferenceComponent"


def shared_variant(**options: Any) -> SharedVariant:  # noqa: ANN401
    """Two to four ml.m5.xlarge."""
    return SharedVariant(**{"instance_type": "ml.m5.xlarge", "max_instances": 4, **options})


def shared(scope: Construct, construct_id: str = "Shared", **options: Any) -> SharedEndpoint:  # noqa: ANN401
    """A shared endpoint of such instances."""
    return SharedEndpoint(scope, construct_id, **{"variant": shared_variant(), **options})


def specification(**options: Any) -> ComponentSpecification:  # noqa: ANN401
    """An imported model in 1 GiB."""
    served = {} if "container" in options else {"model": IMPORTED}
    return ComponentSpecification(**{"memory": Size.gibibytes(1), **served, **options})


def component(
    scope: Construct,
    construct_id: str = "Chat",
    *,
    endpoint: ISharedEndpoint | None = None,
    **options: Any,  # noqa: ANN401
) -> InferenceComponent:
    """A component of two copies, on a shared endpoint of its own unless one is given."""
    host = shared(scope) if endpoint is None else endpoint
    return InferenceComponent(scope, construct_id, endpoint=host, **{"specification": specification(), **options})
