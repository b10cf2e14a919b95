from __future__ import annotations

import json

import pytest
from aws_cdk import Stack

from ml_constructs.models._execution_role import in_policies, joined, pull
from ml_constructs.models._image_sources import BoundImage
from ml_constructs.permissions import Permission
from tests.constructs.builders import text

CONTEXT = "kms:EncryptionContext:aws:s3:arn"


def read(*resources: str, wildcard: str | None = None) -> Permission:
    return Permission(actions=["s3:GetObject"], resources=resources, wildcard=wildcard)


def decrypt(key: str, *arns: str, service: str = "s3.eu-west-1.amazonaws.com") -> Permission:
    return Permission(
        actions=["kms:Decrypt"],
        resources=[key],
        conditions={"StringEquals": {"kms:ViaService": service}, "ArnEquals": {CONTEXT: list(arns)}},
    )


def find(bucket: str, prefix: str) -> Permission:
    conditions = {"StringLike": {"s3:prefix": [prefix]}}
    return Permission(actions=["s3:ListBucket"], resources=[bucket], conditions=conditions)


def test_what_may_be_done_to_several_resources_is_one_statement() -> None:
    (one,) = joined([read("a", wildcard="why"), read("b"), read("a", "c")])
    assert one.resources == ["a", "b", "c"]
    assert one.wildcard == "why"


def test_one_key_decrypts_all_its_objects_in_one_statement() -> None:
    first, second = joined([decrypt("k", "b", "b/1"), decrypt("k", "b", "b/2"), decrypt("other", "b")])
    assert first.conditions["ArnEquals"][CONTEXT] == ["b", "b/1", "b/2"]
    assert (first.resources, second.resources) == (["k"], ["other"])


@pytest.mark.parametrize(
    "apart",
    [
        [find("a", "x/*"), find("b", "y/*")],
        [decrypt("k", "b"), decrypt("other", "c")],
        [decrypt("k", "b"), decrypt("k", "b", service="s3.us-east-1.amazonaws.com")],
        [read("a"), find("a", "x/*")],
    ],
)
def test_other_conditions_stay_apart(apart: list[Permission]) -> None:
    """Joined, each resource would be allowed under the conditions of the other."""
    assert joined(apart) == apart


def test_what_is_read_once_stays_as_it_is() -> None:
    single = [*pull([image("a")]), read("a"), decrypt("k", "a")]
    assert joined(single) == single
    assert in_policies(single) == [single]


def image(*repositories: str) -> BoundImage:
    return BoundImage(uri="x", repositories=repositories, network_isolation=True)


def test_nothing_is_pulled_from_elsewhere() -> None:
    assert pull([image()]) == []
    assert in_policies([]) == []
    assert pull([image("a"), image("b"), image("a")])[1].resources == ["a", "b"]


def test_policies_at_and_beyond_the_edge() -> None:
    frame = json.dumps(
        {"Version": "2012-10-17", "Statement": [read("").document(), read("").document()]}, separators=(",", ":")
    )
    room = 6144 - len(frame)
    full = [read("a" * (room // 2)), read("b" * (room - room // 2))]
    assert in_policies(full) == [full]
    over = [full[0], read("b" * (room - room // 2 + 1))]
    assert in_policies(over) == [[each] for each in over]


def test_what_is_known_at_deployment_is_taken_to_be_long(stack: Stack) -> None:
    tokens = [read(text(stack, f"Text{number}")) for number in range(60)]
    assert 1 < len(in_policies(tokens)) < 5
