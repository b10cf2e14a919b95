"""Callers in a VPC reach exactly one SageMaker endpoint, through exactly one role if it is another account's."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks

from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.front_ends.invoker_role import InvokerRole
from ml_constructs.network.inference_network import InferenceNetwork
from ml_constructs.network.private_access import PrivateAccess
from tests.constructs.builders import creation_order, only, properties, statements, synthesised, text
from tests.constructs.network.access_builders import (
    CALLER,
    ENDPOINT,
    OWNER,
    REGION,
    ROLE,
    SERVICES,
    a_network,
    policies,
)

COMPONENT = f"arn:aws:sagemaker:{REGION}:{OWNER}:inference-component/chat"


@pytest.fixture
def callers(app: App) -> Stack:
    """A stack in the account of the callers."""
    return Stack(app, "Callers", env=Environment(account=CALLER, region=REGION))


@pytest.fixture
def owners(app: App) -> Stack:
    """A stack in the account of the endpoint."""
    return Stack(app, "Owners", env=Environment(account=OWNER, region=REGION))


def a_policy(stack: Stack) -> iam.ManagedPolicy:
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
    return iam.ManagedPolicy(stack, "Policy", roles=[role])


class TestSameAccount:
    def test_opens_the_runtime_for_this_endpoint_alone(self, owners: Stack) -> None:
        PrivateAccess(owners, "Access", network=a_network(owners), endpoint_arn=ENDPOINT)
        assert policies(owners) == {
            "sagemaker.runtime": [
                {
                    "Effect": "Allow",
                    "Principal": "*",
                    "Action": "sagemaker:InvokeEndpoint",
                    "Resource": ENDPOINT,
                    "Condition": {"StringEquals": {"aws:PrincipalAccount": OWNER}},
                }
            ]
        }

    def test_writes_the_name_in_lower_case(self, owners: Stack) -> None:
        access = PrivateAccess(
            owners, "Access", network=a_network(owners), endpoint_arn=ENDPOINT.replace("champion", "Champion")
        )
        access.grant_invoke(a_policy(owners))
        assert policies(owners)["sagemaker.runtime"][0]["Resource"] == ENDPOINT
        assert statements(only(owners, "AWS::IAM::ManagedPolicy"))[0]["Resource"] == [ENDPOINT]

    def test_grants_the_invocation_itself(self, owners: Stack) -> None:
        access = PrivateAccess(
            owners, "Access", network=a_network(owners), endpoint_arn=ENDPOINT, component_arn=COMPONENT
        )
        assert access.grant_invoke(a_policy(owners)).success
        (statement,) = statements(only(owners, "AWS::IAM::ManagedPolicy"))
        assert statement["Action"] == ["sagemaker:InvokeEndpoint"]
        assert statement["Resource"] == [ENDPOINT, COMPONENT]
        assert policies(owners)["sagemaker.runtime"][0]["Resource"] == [ENDPOINT, COMPONENT]

    def test_asynchronous_endpoints_have_another_action(self, owners: Stack) -> None:
        access = PrivateAccess(owners, "Access", network=a_network(owners), endpoint_arn=ENDPOINT, asynchronous=True)
        access.grant_invoke(a_policy(owners))
        assert policies(owners)["sagemaker.runtime"][0]["Action"] == "sagemaker:InvokeEndpointAsync"
        assert statements(only(owners, "AWS::IAM::ManagedPolicy"))[0]["Action"] == ["sagemaker:InvokeEndpointAsync"]

    def test_several_share_the_endpoint_of_a_network(self, owners: Stack) -> None:
        network = a_network(owners)
        other = ENDPOINT.replace("champion", "other")
        PrivateAccess(owners, "One", network=network, endpoint_arn=ENDPOINT)
        PrivateAccess(owners, "Two", network=network, endpoint_arn=other)
        (statement,) = policies(owners)["sagemaker.runtime"]
        assert statement["Resource"] == [ENDPOINT, other]


class TestAnotherAccount:
    def test_only_the_role_may_invoke_and_only_the_role_may_be_assumed(self, callers: Stack) -> None:
        PrivateAccess(callers, "Access", network=a_network(callers), endpoint_arn=ENDPOINT, role_arn=ROLE)
        assert policies(callers) == {
            "sagemaker.runtime": [
                {
                    "Effect": "Allow",
                    "Principal": "*",
                    "Action": "sagemaker:InvokeEndpoint",
                    "Resource": ENDPOINT,
                    "Condition": {"ArnEquals": {"aws:PrincipalArn": ROLE}},
                }
            ],
            "sts": [
                {
                    "Effect": "Allow",
                    "Principal": "*",
                    "Action": "sts:AssumeRole",
                    "Resource": ROLE,
                    "Condition": {"StringEquals": {"aws:PrincipalAccount": CALLER}},
                }
            ],
        }

    def test_grants_the_role_and_nothing_else(self, callers: Stack) -> None:
        access = PrivateAccess(callers, "Access", network=a_network(callers), endpoint_arn=ENDPOINT, role_arn=ROLE)
        access.grant_invoke(a_policy(callers))
        (statement,) = statements(only(callers, "AWS::IAM::ManagedPolicy"))
        assert (statement["Action"], statement["Resource"]) == (["sts:AssumeRole"], [ROLE])

    def test_callers_may_carry_tags_over(self, callers: Stack) -> None:
        access = PrivateAccess(
            callers, "Access", network=a_network(callers), endpoint_arn=ENDPOINT, role_arn=ROLE, session_tags=True
        )
        access.grant_invoke(a_policy(callers))
        both = ["sts:AssumeRole", "sts:TagSession"]
        assert policies(callers)["sts"][0]["Action"] == both
        assert statements(only(callers, "AWS::IAM::ManagedPolicy"))[0]["Action"] == both

    def test_a_central_network_admits_the_accounts_it_names(self, callers: Stack) -> None:
        accounts = [CALLER, "777788889999"]
        PrivateAccess(
            callers, "Access", network=a_network(callers), endpoint_arn=ENDPOINT, role_arn=ROLE, accounts=accounts
        )
        assert policies(callers)["sts"][0]["Condition"] == {"StringEquals": {"aws:PrincipalAccount": accounts}}

    def test_several_roles_share_the_endpoints_of_a_network(self, callers: Stack) -> None:
        network = a_network(callers)
        for name in ("one", "two"):
            PrivateAccess(
                callers,
                name,
                network=network,
                endpoint_arn=ENDPOINT.replace("champion", name),
                role_arn=ROLE.replace("invoker", name),
            )
        found = policies(callers)
        assert found["sts"][0]["Resource"] == [ROLE.replace("invoker", name) for name in ("one", "two")]
        assert [(each["Resource"], each["Condition"]["ArnEquals"]) for each in found["sagemaker.runtime"]] == [
            (ENDPOINT.replace("champion", name), {"aws:PrincipalArn": ROLE.replace("invoker", name)})
            for name in ("one", "two")
        ]

    @pytest.mark.parametrize(
        ("region", "runtime", "expected"),
        [
            (REGION, SERVICES.SAGEMAKER_RUNTIME, "sts"),
            (REGION, SERVICES.SAGEMAKER_RUNTIME_FIPS, "sts-fips"),
            ("us-gov-west-1", SERVICES.SAGEMAKER_RUNTIME_FIPS, "sts"),
        ],
    )
    def test_reaches_sts_under_the_name_that_callers_use(
        self, app: App, region: str, runtime: ec2.InterfaceVpcEndpointAwsService, expected: str
    ) -> None:
        stack = Stack(app, "There", env=Environment(account=CALLER, region=region))
        arn = ENDPOINT.replace(REGION, region)
        PrivateAccess(stack, "Access", network=a_network(stack, runtime), endpoint_arn=arn, role_arn=ROLE)
        assert set(policies(stack)) == {runtime.short_name, expected}

    def test_an_endpoint_of_sts_that_is_there_is_opened_further(self, callers: Stack) -> None:
        network = a_network(callers, SERVICES.SAGEMAKER_RUNTIME, SERVICES.STS)
        PrivateAccess(callers, "Access", network=network, endpoint_arn=ENDPOINT, role_arn=ROLE)
        assert [each["Action"] for each in policies(callers)["sts"]] == ["*", "sts:AssumeRole"]

    def test_endpoints_of_the_vpcs_owner_are_left_alone(self, callers: Stack) -> None:
        network = a_network(callers, interface_endpoints=())
        access = PrivateAccess(callers, "Access", network=network, endpoint_arn=ENDPOINT, role_arn=ROLE)
        assert policies(callers) == {}
        assert access.vpc_endpoint_ids == []

    def test_serves_every_partition(self, app: App) -> None:
        stack = Stack(app, "China", env=Environment(account=CALLER, region="cn-north-1"))
        arn = f"arn:aws-cn:sagemaker:cn-north-1:{OWNER}:endpoint/champion"
        role = f"arn:aws-cn:iam::{OWNER}:role/invoker"
        PrivateAccess(stack, "Access", network=a_network(stack), endpoint_arn=arn, role_arn=role)
        names = [each["ServiceName"] for each in vpc_endpoints(stack)]
        assert names == ["cn.com.amazonaws.cn-north-1.sagemaker.runtime", "cn.com.amazonaws.cn-north-1.sts"]

    def test_both_sides_fit_together(self, app: App, owners: Stack, callers: Stack) -> None:
        """The callers' side knows the role by its name, and the owner's side the VPC endpoint by its id."""
        endpoint = Endpoint.from_endpoint_name(owners, "Endpoint", "champion")
        role = InvokerRole(
            owners, "Invoker", endpoint=endpoint, callers=[CALLER], vpc_endpoint_ids=["vpce-0123456789abcdef0"]
        )
        PrivateAccess(
            callers,
            "Access",
            network=a_network(callers),
            endpoint_arn=owners.format_arn(service="sagemaker", resource="endpoint", resource_name="champion"),
            role_arn=role.role_arn,
        )
        before = {each.id for each in app.synth().get_stack_by_name("Callers").dependencies}
        assert "Owners" not in before
        (statement,) = policies(callers)["sts"]
        partition = {"Ref": "AWS::Partition"}
        name = properties(owners, "AWS::IAM::Role")["RoleName"]
        assert statement["Resource"] == {"Fn::Join": ["", ["arn:", partition, f":iam::{OWNER}:role/{name}"]]}


class TestChecks:
    def test_takes_tokens(self, stack: Stack) -> None:
        access = PrivateAccess(
            stack,
            "Access",
            network=a_network(stack),
            endpoint_arn=text(stack, "EndpointArn"),
            component_arn=text(stack, "ComponentArn"),
            role_arn=text(stack, "RoleArn"),
            accounts=[text(stack, "Account")],
        )
        (invoke,) = policies(stack)["sagemaker.runtime"]
        assert invoke["Resource"] == [{"Ref": "EndpointArn"}, {"Ref": "ComponentArn"}]
        assert policies(stack)["sts"][0]["Condition"]["StringEquals"]["aws:PrincipalAccount"] == {"Ref": "Account"}
        (vpc_endpoint_id,) = access.vpc_endpoint_ids
        assert set(stack.resolve(vpc_endpoint_id)) == {"Ref"}

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({}, f"role_arn must be given for an endpoint of another account than the network's, {CALLER}, got None"),
            (
                {"role_arn": ROLE.replace(OWNER, CALLER)},
                f"role_arn must be of the endpoint's account, {OWNER}, got '{ROLE.replace(OWNER, CALLER)}'",
            ),
            (
                {"endpoint_arn": ENDPOINT.replace(REGION, "us-east-1")},
                "endpoint_arn must be in the region of network, eu-west-1, got 'arn:aws:sagemaker:us-east-1",
            ),
            (
                {"role_arn": ROLE, "component_arn": COMPONENT.replace(OWNER, CALLER)},
                "component_arn must be where the endpoint is, got ",
            ),
            (
                {"role_arn": ROLE, "component_arn": COMPONENT, "asynchronous": True},
                "component_arn must not be given for an asynchronous endpoint, got ",
            ),
            ({"role_arn": ROLE, "accounts": []}, "accounts must have between 1 and 1,000 members, got 0"),
            ({"role_arn": ROLE, "accounts": ["1"]}, "accounts must be ids of 12 digits, got '1'"),
        ],
    )
    def test_refuses_what_cannot_work(self, callers: Stack, options: dict[str, Any], message: str) -> None:
        network = a_network(callers)
        with pytest.raises(ValueError, match=message):
            PrivateAccess(callers, "Access", network=network, **{"endpoint_arn": ENDPOINT, **options})

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"accounts": [CALLER]}, "accounts must not be given without role_arn, which they assume, got"),
            ({"session_tags": True}, "session_tags must be False without role_arn, which takes them, got True"),
        ],
    )
    def test_refuses_what_concerns_a_role_without_one(
        self, owners: Stack, options: dict[str, Any], message: str
    ) -> None:
        network = a_network(owners)
        with pytest.raises(ValueError, match=message):
            PrivateAccess(owners, "Access", network=network, endpoint_arn=ENDPOINT, **options)


def vpc_endpoints(stack: Stack) -> list[dict[str, Any]]:
    return [
        resource["Properties"]
        for resource in synthesised(stack)["Resources"].values()
        if resource["Type"] == "AWS::EC2::VPCEndpoint"
    ]


def test_is_created_in_order(callers: Stack) -> None:
    access = PrivateAccess(callers, "Access", network=a_network(callers), endpoint_arn=ENDPOINT, role_arn=ROLE)
    access.grant_invoke(a_policy(callers))
    assert creation_order(synthesised(callers))


@pytest.mark.parametrize("checks", [AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks])
def test_has_no_findings(app: App, callers: Stack, checks: type[Any]) -> None:
    network = InferenceNetwork(callers, "Network", availability_zones=["eu-west-1a", "eu-west-1b"])
    PrivateAccess(callers, "Access", network=network, endpoint_arn=ENDPOINT, role_arn=ROLE)
    assert checks(app).validate_scope(callers).violations == []
