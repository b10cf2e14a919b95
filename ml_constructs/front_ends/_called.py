"""Which endpoint a front end may call, and with which component."""

from __future__ import annotations

from types import NoneType

from ml_constructs._checks import check_type
from ml_constructs.interfaces.component import IInferenceComponent
from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.interfaces.shared_endpoint import ISharedEndpoint


def check_called(endpoint: IEndpoint, component: IInferenceComponent | None) -> None:
    """Raise `ValueError` unless the endpoint answers callers that wait, by this component if it has components."""
    check_type(IEndpoint, endpoint=endpoint)
    if endpoint.asynchronous:
        raise ValueError(
            "endpoint must answer callers that wait, which an asynchronous one does not: let callers send requests "
            f"themselves, by grant_invoke_async, got the asynchronous {endpoint.endpoint_name!r}"
        )
    check_type((IInferenceComponent, NoneType), component=component)
    if component is None and isinstance(endpoint, ISharedEndpoint):
        message = "component must be given for a shared endpoint, which answers no request without one, got None"
        raise ValueError(message)
    if component is not None and component.endpoint is not endpoint:
        raise ValueError(f"component must be on the endpoint, got {component.component_name!r} of another")
