"""Bad input of private access is refused by name, as in `test_bad_input`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from aws_cdk import App, Stack

import ml_constructs as ml
from tests.constructs.network.access_builders import CALLER, ENDPOINT, ROLE, a_network
from tests.constructs.refusals import Call, each_argument, refusals
from tests.constructs.test_bad_input import (
    NOT_A_BOOL,
    NOT_AN_OBJECT,
    NOT_OPTIONAL_TEXT,
    NOT_TEXT,
    build,
    method,
)

NOT_TEXTS: tuple[object, ...] = (None, "abc", 5, [None], [5], {})
BAD_ROLE: tuple[object, ...] = ("", "role/a", "arn:aws:iam::1:role/a", ROLE.replace(":role/", ":user/"))


def imported(stack: Stack) -> ml.IEndpoint:
    return ml.Endpoint.from_endpoint_name(stack, "Imported", "champion")


def an_access(stack: Stack) -> ml.PrivateAccess:
    return ml.PrivateAccess(stack, "Access", network=a_network(stack), endpoint_arn=ENDPOINT, role_arn=ROLE)


CASES: dict[str, tuple[Call, Mapping[str, Sequence[object]]]] = {
    "PrivateAccess": (
        build(ml.PrivateAccess, network=a_network, endpoint_arn=ENDPOINT, role_arn=ROLE),
        {
            "network": (None, *NOT_AN_OBJECT),
            "endpoint_arn": (*NOT_TEXT, "", "live", ROLE, ENDPOINT + "_", ENDPOINT.replace("endpoint", "model")),
            "component_arn": (*NOT_OPTIONAL_TEXT, "", "chat", ENDPOINT),
            "role_arn": (*NOT_OPTIONAL_TEXT, *BAD_ROLE),
            "accounts": ("abc", 5, [None], [5], {}, [], ["1"]),
            "session_tags": (None, *NOT_A_BOOL),
            "asynchronous": (None, *NOT_A_BOOL),
        },
    ),
    "SharedDns": (
        build(ml.SharedDns, network=lambda stack: a_network(stack, private_dns=False)),
        {
            "network": (None, *NOT_AN_OBJECT),
            "vpcs": NOT_TEXTS,
            "share_with": (*NOT_TEXTS, ["1"], ["arn:aws:iam::444455556666:root"]),
            "profile_id": (*NOT_OPTIONAL_TEXT, "", "profile-1"),
        },
    ),
    "InvokerRole": (
        build(ml.InvokerRole, endpoint=imported, callers=[CALLER], vpc_endpoint_ids=["vpce-0123456789abcdef0"]),
        {
            "endpoint": (None, *NOT_AN_OBJECT),
            "component": NOT_AN_OBJECT,
            "callers": (*NOT_TEXTS, [], ["*"], ["1"], ["arn:aws:sts::444455556666:assumed-role/a/b"]),
            "vpc_endpoint_ids": (*NOT_TEXTS, [], ["*"], ["vpc-11111111"]),
            "organization_id": (*NOT_OPTIONAL_TEXT, "", "exampleorgid"),
            "external_id": (*NOT_OPTIONAL_TEXT, "", "a b"),
            "session_tags": (*NOT_TEXTS, [""], ["a" * 129]),
            "target_models": ("abc", 5, [None], [5], []),
            "target_containers": ("abc", 5, [None], [5], []),
            "role_name": (*NOT_OPTIONAL_TEXT, "", "a b", "a" * 65),
        },
    ),
    "grant_invoke": (method(an_access, "grant_invoke"), {"grantee": (None, *NOT_AN_OBJECT)}),
    "allow_assume": (
        method(a_network, "allow_assume", role_arn=ROLE),
        {
            "role_arn": (*NOT_TEXT, *BAD_ROLE),
            "accounts": ("abc", 5, [None], [5], {}, [], ["1"]),
            "session_tags": (None, *NOT_A_BOOL),
        },
    ),
    "allow_invoke by a role": (
        method(a_network, "allow_invoke", endpoint_arn=ENDPOINT),
        {"role_arn": (*NOT_OPTIONAL_TEXT, *BAD_ROLE)},
    ),
    "InferenceNetwork": (build(ml.InferenceNetwork), {"private_dns": (None, *NOT_A_BOOL)}),
}


@pytest.mark.parametrize(("call", "argument", "values"), each_argument(CASES))
def test_is_refused_by_name(call: Call, argument: str, values: Sequence[object]) -> None:
    for bad, said in refusals(call, argument, values):
        assert "got" in said, (bad, said)


@pytest.mark.parametrize(
    "call",
    [call for label, (call, _) in CASES.items() if not label.startswith("grant_")],
    ids=[label for label in CASES if not label.startswith("grant_")],
)
def test_what_is_not_replaced_is_accepted(call: Call) -> None:
    """Else the test above would prove nothing."""
    call(Stack(App(builtin_cloud_formation_validation=False), "Stack"), {})
