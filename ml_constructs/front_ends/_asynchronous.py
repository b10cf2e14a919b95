"""What front ends of asynchronous endpoints have in common."""

from __future__ import annotations

from typing import Final, cast

from aws_cdk import Duration
from aws_cdk import aws_sns as sns

from ml_constructs._checks import check_offers, check_type
from ml_constructs.endpoint_config.asynchronous import AsyncStorage
from ml_constructs.front_ends._called import check_called
from ml_constructs.interfaces.component import IInferenceComponent
from ml_constructs.interfaces.endpoint import IEndpoint

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointAsync.html
TIME_TO_LIVE_SECONDS: Final = (60, 21_600)
INVOCATION_TIMEOUT_SECONDS: Final = (1, 3_600)
ACTION: Final = "sagemaker:InvokeEndpointAsync"
TIME_TO_LIVE: Final = 21_600  # seconds, as AWS has it unless a request says otherwise
INVOCATION_TIMEOUT: Final = 900


def known_storage(endpoint: IEndpoint) -> AsyncStorage:
    """Where an asynchronous endpoint reads requests.

    Raises:
        ValueError: the endpoint is not asynchronous, or an imported one of which this is not known.
    """
    check_type(IEndpoint, endpoint=endpoint)
    if not endpoint.asynchronous:
        raise ValueError(f"endpoint must be asynchronous, got {endpoint.endpoint_name!r}, which answers its callers")
    if endpoint.async_storage is None:
        raise ValueError(
            "endpoint must know its async_storage: pass it to from_endpoint_attributes, "
            f"got {endpoint.endpoint_name!r} without"
        )
    return endpoint.async_storage


def in_seconds(duration: Duration | None, default: int) -> int:
    """A duration, or a token of one, in seconds."""
    return default if duration is None else cast("int", duration.to_seconds())


def check_kind(
    endpoint: IEndpoint,
    component: IInferenceComponent | None,
    *,
    express: bool,
    success_topic: sns.ITopic | None,
    error_topic: sns.ITopic | None,
    **queue: Duration | None,
) -> None:
    """Raise unless the arguments go with the kind of endpoint."""
    topics = {"success_topic": success_topic, "error_topic": error_topic}
    check_offers("topic_arn", "an SNS topic", **topics)
    if not endpoint.asynchronous:
        check_called(endpoint, component)
        for argument, value in {**topics, **queue}.items():
            if value is not None:
                raise ValueError(f"{argument} must not be given unless the endpoint is asynchronous, got {value!r}")
        return
    known_storage(endpoint)
    if component is not None:
        raise ValueError("component must not be given for an asynchronous endpoint, got one")
    if express:
        raise ValueError("express must be False for an asynchronous endpoint, which takes longer, got True")
    for argument, topic in topics.items():
        if topic is None:
            raise ValueError(f"{argument} must be given for an asynchronous endpoint, got None: who else would tell?")
