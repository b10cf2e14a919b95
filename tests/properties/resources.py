"""What the user brings: keys, buckets, topics, roles, repositories, a network; each made once in a stack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from aws_cdk import Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import IConstruct
from hypothesis import strategies as st

import ml_constructs as ml
from tests.properties.arguments import Argument, Made

KEY_ID: Final = "12345678-1234-1234-1234-123456789012"


def once(construct_id: str, make: Callable[[Stack, str], IConstruct]) -> Made:
    """A construct that all who ask for it share."""
    return Made(construct_id, lambda stack: stack.node.try_find_child(construct_id) or make(stack, construct_id))


def region_of(stack: Stack) -> str:
    """The region, or one where none is known."""
    return "eu-west-1" if "${" in stack.region else stack.region


def partition_of(stack: Stack) -> str:
    """The partition of that region."""
    return "aws-cn" if region_of(stack).startswith("cn-") else "aws"


def arn(stack: Stack, service: str, resource: str, account: str = "111122223333") -> str:
    """An ARN of that region."""
    return f"arn:{partition_of(stack)}:{service}:{region_of(stack)}:{account}:{resource}"


def _role(stack: Stack, construct_id: str, *, mutable: bool) -> iam.IRole:
    role_arn = f"arn:{partition_of(stack)}:iam::111122223333:role/sagemaker"
    return iam.Role.from_role_arn(stack, construct_id, role_arn, mutable=mutable)


OWN_KEY: Final = once("OwnKey", ml.EncryptionKey)
GIVEN_KEY: Final = once(
    "GivenKey", lambda stack, name: kms.Key.from_key_arn(stack, name, arn(stack, "kms", f"key/{KEY_ID}"))
)


def _own_key(stack: Stack) -> Any:  # noqa: ANN401 - the key
    return OWN_KEY.make(stack)


def _given_key(stack: Stack) -> Any:  # noqa: ANN401 - the key
    return GIVEN_KEY.make(stack)


GIVEN_BUCKET: Final = once("GivenBucket", lambda stack, name: s3.Bucket.from_bucket_name(stack, name, "example-models"))
KEYED_BUCKET: Final = once(
    "KeyedBucket",
    lambda stack, name: s3.Bucket.from_bucket_attributes(
        stack, name, bucket_name="example-keyed", encryption_key=_given_key(stack)
    ),
)
OWN_BUCKET: Final = once(
    "OwnBucket", lambda stack, name: ml.ArtifactBucket(stack, name, encryption_key=_own_key(stack))
)
PLAIN_BUCKET: Final = once("PlainBucket", s3.Bucket)

TOPIC: Final = once("Topic", sns.Topic)
KEYED_TOPIC: Final = once("KeyedTopic", lambda stack, name: sns.Topic(stack, name, master_key=_own_key(stack)))
GIVEN_TOPIC: Final = once(
    "GivenTopic", lambda stack, name: sns.Topic.from_topic_arn(stack, name, arn(stack, "sns", "alerts"))
)
FIFO_TOPIC: Final = once("FifoTopic", lambda stack, name: sns.Topic(stack, name, fifo=True))

OWN_ROLE: Final = once(
    "OwnRole", lambda stack, name: iam.Role(stack, name, assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))
)
GIVEN_ROLE: Final = once("GivenRole", lambda stack, name: _role(stack, name, mutable=True))
FIXED_ROLE: Final = once("FixedRole", lambda stack, name: _role(stack, name, mutable=False))

REPOSITORY: Final = once(
    "Repository", lambda stack, name: ecr.Repository.from_repository_name(stack, name, "team/model")
)
OWN_REPOSITORY: Final = once(
    "OwnRepository", lambda stack, name: ecr.Repository(stack, name, image_tag_mutability=ecr.TagMutability.IMMUTABLE)
)
OTHER_REPOSITORY: Final = once(
    "OtherRepository",
    lambda stack, name: ecr.Repository.from_repository_arn(
        stack, name, arn(stack, "ecr", "repository/shared/model", account="444455556666")
    ),
)

NETWORK: Final = once(
    "Network", lambda stack, name: ml.InferenceNetwork(stack, name, flow_log_key=_given_key(stack), max_azs=2)
)

KEY: Final = Argument(st.sampled_from((None, OWN_KEY, GIVEN_KEY)), ("key", 5))
BUCKET: Final = Argument(st.sampled_from((GIVEN_BUCKET, KEYED_BUCKET, OWN_BUCKET, PLAIN_BUCKET)), ("bucket", 5, None))
OPTIONAL_BUCKET: Final = Argument(st.none() | BUCKET.valid, ("bucket", 5))
ANY_TOPIC: Final = Argument(st.sampled_from((None, TOPIC, KEYED_TOPIC, GIVEN_TOPIC)), (FIFO_TOPIC, "topic", 5))
ROLE: Final = Argument(st.sampled_from((None, None, OWN_ROLE, GIVEN_ROLE, FIXED_ROLE)), ("role", 5))
