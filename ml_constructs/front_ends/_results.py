"""Where results go, and what the function and its network need for that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct, IConstruct

from ml_constructs._checks import check_pattern, check_type
from ml_constructs.models._network import without_cycle
from ml_constructs.network.inference_network import InferenceNetwork
from ml_constructs.permissions import NAMED_LATER, Permission, use_key

PREFIX: Final = "results"
_PREFIX: Final = r"[a-zA-Z0-9!_.'()-]+(/[a-zA-Z0-9!_.'()-]+)*"  # safe characters in keys
_PREFIX_LENGTH: Final = 400  # of 1,024 for a whole key


def check_prefix(prefix: str, argument: str = "results_prefix", *, longest: int = _PREFIX_LENGTH) -> None:
    """Raise `ValueError` unless keys can begin with a prefix, and it is no pattern of a policy."""
    check_type(str, **{argument: prefix})
    rule = f"a key prefix of at most {longest} safe characters without slashes at its ends"
    check_pattern(argument, prefix, rf"(?=.{{1,{longest}}}\Z){_PREFIX}", rule)


def is_bucket(results: object) -> bool:
    """Whether results go to a bucket, owned or imported."""
    return hasattr(type(results), "bucket_arn") or hasattr(results, "bucket_arn")


def of_known_region(results: IConstruct | None) -> IConstruct | None:
    """A destination if it tells its region: an imported bucket takes that of its stack, wherever it is."""
    return None if is_bucket(results) and not isinstance(results, s3.Bucket) else results


@dataclass(frozen=True, kw_only=True)
class Results:
    """A destination, as the function knows it.

    Args:
        environment: Its variables.
        permissions: What the function may do.
        service: What the function reaches through an interface endpoint. Default: nothing.
        objects: What the function puts through the gateway endpoint of S3. Default: nothing.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    permissions: Sequence[Permission] = ()
    service: ec2.InterfaceVpcEndpointAwsService | None = None
    objects: str | None = None

    def reach(self, network: InferenceNetwork | None) -> None:
        """Let a network reach the destination."""
        if network is None:
            return
        if self.service is not None:
            reach(network, self.service)
        if self.objects is not None:
            network.allow_s3(without_cycle(network, self.objects), "s3:PutObject")


class DeliveryStream(Protocol):
    """A delivery stream of aws-cdk's or this library's."""

    @property
    def delivery_stream_name(self) -> str:
        """Its name."""

    @property
    def delivery_stream_arn(self) -> str:
        """Its ARN."""


def in_bucket(scope: Construct, bucket: s3.IBucket, prefix: str, endpoint_name: str) -> Results:
    """Objects below a prefix of the endpoint."""
    objects = f"{bucket.bucket_arn}/{prefix}/{endpoint_name}/*"
    return Results(
        environment={"RESULTS_BUCKET": bucket.bucket_name, "RESULTS_PREFIX": f"{prefix}/{endpoint_name}/"},
        permissions=[
            Permission(actions=["s3:PutObject"], resources=[objects], wildcard=NAMED_LATER),
            *use_key(scope, bucket.encryption_key, "s3", "kms:Decrypt", "kms:GenerateDataKey"),
        ],
        objects=objects,
    )


def to_topic(scope: Construct, topic: sns.ITopic) -> Results:
    """Messages of a topic."""
    key: Any = getattr(topic, "master_key", None)
    return Results(
        environment={"RESULTS_TOPIC_ARN": topic.topic_arn},
        permissions=[
            Permission(actions=["sns:Publish"], resources=[topic.topic_arn]),
            *use_key(scope, key, "sns", "kms:Decrypt", "kms:GenerateDataKey"),
        ],
        service=ec2.InterfaceVpcEndpointAwsService.SNS,
    )


def to_delivery_stream(stream: DeliveryStream) -> Results:
    """Records of a delivery stream."""
    return Results(
        environment={"RESULTS_DELIVERY_STREAM": stream.delivery_stream_name},
        permissions=[Permission(actions=["firehose:PutRecordBatch"], resources=[stream.delivery_stream_arn])],
        service=ec2.InterfaceVpcEndpointAwsService.KINESIS_FIREHOSE,
    )


def reach(network: InferenceNetwork, service: ec2.InterfaceVpcEndpointAwsService) -> None:
    """Let a network reach a service; where it has no interface endpoint of its own, the VPC's owner does."""
    if network.interface_endpoints and service.short_name not in network.interface_endpoints:
        network.add_interface_endpoint(service)
