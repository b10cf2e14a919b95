"""What SageMaker says of an endpoint's deployments, as they go: started, shifting traffic, done, taken back, failed."""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType
from typing import Final, cast

from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from ml_constructs._checks import check_choice, check_each, check_length, check_offers, check_type, is_token
from ml_constructs._environment import check_account, check_region, environment_of
from ml_constructs.encryption import EncryptionKey
from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.observability._event_topic import event_rule, event_topic

# The endpoint's states as events spell them; AWS's page shows IN_SERVICE and UPDATING, the others follow from
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html
STATUSES: Final = (
    "CREATING",
    "UPDATING",
    "SYSTEM_UPDATING",
    "ROLLING_BACK",
    "IN_SERVICE",
    "OUT_OF_SERVICE",
    "DELETING",
    "FAILED",
    "UPDATE_ROLLBACK_FAILED",
)

_DEPLOYMENT: Final = "SageMaker Endpoint Deployment State Change"
_STATE: Final = "SageMaker Endpoint State Change"


class DeploymentEvents(Construct):
    """Publishes what SageMaker says of one endpoint to a topic.

    There are two kinds: the state of the endpoint changes (`IN_SERVICE`, `UPDATING`, `FAILED`, ...), and a deployment
    goes on (a variant launches instances, takes traffic, bakes, ...). The latter come only from endpoints that
    deployment guardrails support. SageMaker may send an event several times.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        endpoint: The endpoint, owned or imported, of this account and region.
        topic: Where events go. Its owner lets `events.amazonaws.com` publish to it and use its key, without conditions.
            Default: a new encrypted topic that EventBridge publishes to, over TLS.
        encryption_key: Encrypts the new topic. Default: the endpoint's key, or a new `EncryptionKey` for an imported
            endpoint.
        deployments: Whether to publish how a deployment goes on. Default: True.
        states: Whether to publish changes of the endpoint's state. Default: True.
        statuses: The only states of the endpoint to publish, of either kind, out of `STATUSES`. Default: all.

    Attributes:
        topic: The topic; subscribe to it.
        dead_letter_queue: Holds for 14 days the events that could not be published.

    Raises:
        ValueError: neither kind is wanted, a status is unknown, both `topic` and `encryption_key` are given, or the
            endpoint is elsewhere, where its events are.

    See https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: IEndpoint,
        topic: sns.ITopic | None = None,
        encryption_key: kms.IKey | None = None,
        deployments: bool = True,
        states: bool = True,
        statuses: Sequence[str] | None = None,
    ) -> None:
        check_type(IEndpoint, endpoint=endpoint)
        check_offers("topic_arn", "an SNS topic", topic=topic)
        check_offers("key_arn", "a KMS key", encryption_key=encryption_key)
        check_type(bool, deployments=deployments, states=states)
        check_type((list, tuple, NoneType), statuses=statuses)
        if statuses is not None:
            check_each("text", str, statuses=statuses)
            check_length("statuses", statuses, 1, len(STATUSES))
            for status in () if is_token(statuses) else statuses:
                check_choice("statuses", status, STATUSES)
        if not deployments and not states:
            raise ValueError("deployments or states must be True, got deployments=False and states=False")
        if topic is not None and encryption_key is not None:
            raise ValueError("encryption_key must not be given with topic, whose owner encrypts it, got both")
        if topic is not None and topic.fifo:
            raise ValueError("topic must not be a FIFO topic, which EventBridge cannot publish to, got one")
        check_account(scope, endpoint=cast("Construct", endpoint))
        check_region(scope, topic=topic, encryption_key=encryption_key)
        _check_here(scope, endpoint)
        super().__init__(scope, construct_id)
        name = endpoint.endpoint_name
        self.endpoint: Final = endpoint
        self.topic: Final = (
            event_topic(
                self,
                _key(self, endpoint) if encryption_key is None else encryption_key,
                display_name=None if is_token(name) else f"Deployments of {name}",
            )
            if topic is None
            else topic
        )
        detail: dict[str, object] = {"EndpointName": [{"equals-ignore-case": name}]}
        if statuses is not None:
            detail["EndpointStatus"] = statuses if is_token(statuses) else list(statuses)
        kinds = [kind for kind, wanted in ((_DEPLOYMENT, deployments), (_STATE, states)) if wanted]
        self.dead_letter_queue: Final = event_rule(
            self,
            self.topic,
            description=f"Publishes the deployments of endpoint {name}",
            pattern={"source": ["aws.sagemaker"], "detail-type": kinds, "detail": detail},
        )


def _key(events: DeploymentEvents, endpoint: IEndpoint) -> kms.IKey:
    key: kms.IKey | None = getattr(endpoint, "encryption_key", None)  # of an owned endpoint, shared or not
    return EncryptionKey(events, "Key") if key is None else key


def _check_here(scope: Construct, endpoint: IEndpoint) -> None:
    """EventBridge has the events of an endpoint in the endpoint's account and region alone."""
    if is_token(endpoint.endpoint_arn):
        return
    _, _, _, region, account, _ = endpoint.endpoint_arn.split(":", 5)
    here = environment_of(scope)
    for what, there, own in (("region", region, here.region), ("account", account, here.account)):
        if there != own and not is_token(there) and not is_token(own):
            raise ValueError(f"endpoint must be in the {what} of its events, {own}, got one in {there}")
