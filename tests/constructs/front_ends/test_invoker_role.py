"""Another account's callers get a role that does one thing, from one place, for those who are named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from ml_constructs.components.inference_component import InferenceComponent
from ml_constructs.components.shared_endpoint import SharedEndpoint
from ml_constructs.endpoint_config.asynchronous import AsyncStorage
from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.front_ends.invoker_role import InvokerRole
from ml_constructs.interfaces.endpoint import IEndpoint
from tests.constructs.builders import creation_order, properties, synthesised, text
from tests.constructs.front_ends.helpers import an_endpoint, findings, literal_partitions

OTHER = "444455556666"
ROLE = f"arn:aws:iam::{OTHER}:role/app"
VPC_ENDPOINT = "vpce-0123456789abcdef0"
Document = list[dict[str, Any]]


def invoker(stack: Stack, **options: Any) -> InvokerRole:  # noqa: ANN401
    given = {"endpoint": None, "callers": [OTHER], "vpc_endpoint_ids": [VPC_ENDPOINT], **options}
    return InvokerRole(stack, "Invoker", **{**given, "endpoint": given["endpoint"] or an_endpoint(stack)})


def trust(stack: Stack) -> Document:
    return list(properties(stack, "AWS::IAM::Role")["AssumeRolePolicyDocument"]["Statement"])


def permissions(stack: Stack) -> Document:
    return list(properties(stack, "AWS::IAM::ManagedPolicy")["PolicyDocument"]["Statement"])


def root(account: str) -> dict[str, Any]:
    return {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, f":iam::{account}:root"]]}


class TestTrust:
    def test_an_account_decides_for_which_of_its_roles(self, stack: Stack) -> None:
        invoker(stack)
        assert trust(stack) == [{"Effect": "Allow", "Principal": {"AWS": [root(OTHER)]}, "Action": "sts:AssumeRole"}]

    def test_a_role_is_trusted_by_its_name_whether_it_exists_or_not(self, stack: Stack) -> None:
        invoker(stack, callers=[ROLE, f"arn:aws:iam::{OTHER}:role/team-*", "arn:aws:iam::777788889999:user/batch"])
        (statement,) = trust(stack)
        assert statement["Principal"] == {"AWS": [root(OTHER), root("777788889999")]}
        assert statement["Condition"] == {
            "ArnLike": {
                "aws:PrincipalArn": [
                    ROLE,
                    f"arn:aws:iam::{OTHER}:role/team-*",
                    "arn:aws:iam::777788889999:user/batch",
                ]
            }
        }

    def test_an_account_and_a_role_are_trusted_apart(self, stack: Stack) -> None:
        invoker(stack, callers=["777788889999", ROLE])
        whole, named = trust(stack)
        assert (whole["Principal"], "Condition" in whole) == ({"AWS": [root("777788889999")]}, False)
        assert named["Principal"] == {"AWS": [root(OTHER)]}
        assert named["Condition"] == {"ArnLike": {"aws:PrincipalArn": [ROLE]}}

    def test_callers_belong_to_the_organization_and_know_the_external_id(self, stack: Stack) -> None:
        invoker(stack, callers=["777788889999", ROLE], organization_id="o-exampleorgid", external_id="order-5")
        expected = {"aws:PrincipalOrgID": "o-exampleorgid", "sts:ExternalId": "order-5"}
        assert [statement["Condition"]["StringEquals"] for statement in trust(stack)] == [expected, expected]

    def test_callers_carry_tags_over_but_choose_none(self, stack: Stack) -> None:
        invoker(stack, callers=[OTHER, ROLE], session_tags=["tenant"], external_id="order-5")
        *_, tagging = trust(stack)
        assert tagging == {
            "Effect": "Allow",
            "Principal": {"AWS": [root(OTHER)]},
            "Action": "sts:TagSession",
            "Condition": {
                "StringEquals": {"aws:RequestTag/tenant": "${aws:PrincipalTag/tenant}"},
                "ForAllValues:StringEquals": {"aws:TagKeys": ["tenant"]},
            },
        }

    def test_nobody_else_is_trusted(self, stack: Stack) -> None:
        invoker(stack, callers=[OTHER, ROLE], session_tags=["tenant"])
        assert '"*"' not in json.dumps(trust(stack))


class TestPermissions:
    def test_one_action_on_one_endpoint_from_one_place(self, stack: Stack) -> None:
        endpoint = Endpoint.from_endpoint_name(stack, "Mixed", "Champion")
        invoker(stack, endpoint=endpoint)
        (statement,) = permissions(stack)
        assert statement["Action"] == ["sagemaker:InvokeEndpoint"]
        (resource,) = statement["Resource"]
        assert resource["Fn::Join"][1][-1] == ":endpoint/champion"
        assert statement["Condition"] == {"StringEquals": {"aws:SourceVpce": [VPC_ENDPOINT]}}

    def test_one_component_of_a_shared_endpoint(self, stack: Stack) -> None:
        endpoint = SharedEndpoint.from_endpoint_name(stack, "Shared", "shared")
        component = InferenceComponent.from_component_name(stack, "Chat", "chat", endpoint=endpoint)
        invoker(stack, endpoint=endpoint, component=component)
        (statement,) = permissions(stack)
        ends = [resource["Fn::Join"][1][-1] for resource in statement["Resource"]]
        assert ends == [":endpoint/shared", ":inference-component/chat"]

    @pytest.mark.parametrize(
        ("argument", "key"),
        [("target_models", "sagemaker:TargetModel"), ("target_containers", "sagemaker:TargetContainerHostname")],
    )
    def test_targets_may_follow_who_calls(self, stack: Stack, argument: str, key: str) -> None:
        targets = ["${aws:PrincipalTag/tenant}*"]
        invoker(stack, session_tags=["tenant"], **{argument: targets})
        (statement,) = permissions(stack)
        assert statement["Condition"] == {
            "StringEquals": {"aws:SourceVpce": [VPC_ENDPOINT]},
            "StringLike": {key: targets},
        }

    def test_an_asynchronous_endpoint_is_called_by_its_queue(self, stack: Stack) -> None:
        key = kms.Key.from_key_arn(stack, "Key", "arn:aws:kms:eu-west-1:111122223333:key/1")
        bucket = s3.Bucket.from_bucket_attributes(stack, "Bucket", bucket_name="queue", encryption_key=key)
        storage = AsyncStorage(
            input_bucket=bucket, input_prefix="in", output_bucket=bucket, output_prefix="out", failure_prefix="bad"
        )
        invoker(stack, endpoint=queued(stack, async_storage=storage))
        found = {tuple(each["Action"]): each["Condition"] for each in permissions(stack)}
        private = {"StringEquals": {"aws:SourceVpce": [VPC_ENDPOINT]}}
        assert found[("sagemaker:InvokeEndpointAsync",)] == private
        assert found[("s3:PutObject",)] == found[("s3:GetObject",)] == private
        through = [condition["StringEquals"] for actions, condition in found.items() if actions[0].startswith("kms:")]
        assert through
        assert all(set(each) == {"kms:ViaService"} for each in through)  # S3 calls KMS, and from no VPC
        assert findings(stack) == set()

    def test_an_asynchronous_endpoint_of_unknown_buckets_is_invoked_alone(self, stack: Stack) -> None:
        invoker(stack, endpoint=queued(stack))
        assert [statement["Action"] for statement in permissions(stack)] == [["sagemaker:InvokeEndpointAsync"]]


class TestRole:
    def test_its_name_is_known_before_it_exists_and_differs_between_regions(self) -> None:
        arns = []
        for region in ("eu-west-1", "ap-northeast-1"):
            app = App(builtin_cloud_formation_validation=False)
            stack = Stack(app, "x" * 60, env=Environment(account="111122223333", region=region))
            role = invoker(stack)
            name = properties(stack, "AWS::IAM::Role")["RoleName"]
            assert name == role.role_name
            assert name.endswith(f"-{region}")
            assert len(name) <= 64
            arns.append(stack.resolve(role.role_arn)["Fn::Join"][1][-1])
        assert len(set(arns)) == 2

    def test_its_name_may_be_given(self, stack: Stack) -> None:
        role = invoker(stack, role_name="partner")
        assert properties(stack, "AWS::IAM::Role")["RoleName"] == "partner"
        assert stack.resolve(role.role_arn)["Fn::Join"][1][-1] == ":role/partner"

    def test_its_permissions_are_a_managed_policy(self, stack: Stack) -> None:
        invoker(stack)
        found = synthesised(stack)["Resources"]
        assert sorted(each["Type"] for each in found.values()) == ["AWS::IAM::ManagedPolicy", "AWS::IAM::Role"]
        assert creation_order(synthesised(stack))

    def test_holds_in_every_partition(self, stack: Stack) -> None:
        invoker(stack)
        assert literal_partitions(stack) == []

    def test_has_no_findings(self, stack: Stack) -> None:
        invoker(stack, callers=[OTHER, ROLE], session_tags=["tenant"], organization_id="o-exampleorgid")
        assert findings(stack) == set()


class TestChecks:
    def test_takes_tokens(self, stack: Stack) -> None:
        invoker(
            stack,
            callers=[text(stack, "Caller")],
            vpc_endpoint_ids=[text(stack, "VpcEndpoint")],
            organization_id=text(stack, "Organization"),
            external_id=text(stack, "ExternalId"),
            role_name=text(stack, "RoleName"),
            target_models=[text(stack, "TargetModel")],
        )
        (statement,) = trust(stack)
        assert statement["Principal"] == {"AWS": [{"Ref": "Caller"}]}
        assert permissions(stack)[0]["Condition"]["StringEquals"] == {"aws:SourceVpce": [{"Ref": "VpcEndpoint"}]}

    @pytest.mark.parametrize("length", [2, 1224])
    def test_an_external_id_reaches_its_edges(self, stack: Stack, length: int) -> None:
        invoker(stack, external_id="x" * length)
        assert trust(stack)[0]["Condition"]["StringEquals"] == {"sts:ExternalId": "x" * length}

    @pytest.mark.parametrize("length", [1, 1225])
    def test_an_external_id_stops_beyond_its_edges(self, stack: Stack, length: int) -> None:
        with pytest.raises(ValueError, match="external_id must be 2 to 1,224 letters"):
            invoker(stack, external_id="x" * length)

    def test_a_role_name_has_64_characters(self, stack: Stack) -> None:
        assert invoker(stack, role_name="x" * 64).role_name == "x" * 64
        with pytest.raises(ValueError, match="role_name must be 1 to 64 letters"):
            InvokerRole(
                stack,
                "Long",
                endpoint=an_endpoint(stack, "other"),
                callers=[OTHER],
                vpc_endpoint_ids=[VPC_ENDPOINT],
                role_name="x" * 65,
            )

    def test_a_component_is_on_the_endpoint(self, stack: Stack) -> None:
        one, two = (SharedEndpoint.from_endpoint_name(stack, name, name.lower()) for name in ("One", "Two"))
        component = InferenceComponent.from_component_name(stack, "Chat", "chat", endpoint=two)
        with pytest.raises(ValueError, match="component must be on the endpoint, got 'chat' of another"):
            invoker(stack, endpoint=one, component=component)
        with pytest.raises(ValueError, match="component must be given for a shared endpoint"):
            invoker(stack, endpoint=one)
        with pytest.raises(ValueError, match="component must not be given for an asynchronous endpoint"):
            invoker(stack, endpoint=queued(stack), component=component)

    def test_targets_are_of_one_kind(self, stack: Stack) -> None:
        with pytest.raises(ValueError, match="target_models must not be given beside target_containers"):
            invoker(stack, target_models=["a"], target_containers=["b"])


def queued(stack: Stack, **options: Any) -> IEndpoint:  # noqa: ANN401
    return Endpoint.from_endpoint_attributes(stack, "Queued", endpoint_name="queued", asynchronous=True, **options)
