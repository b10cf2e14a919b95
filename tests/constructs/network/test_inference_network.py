"""The network leads nowhere but to the services it names, and only for what it was told to allow."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Environment, Fn, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk.assertions import Annotations, Match, Template
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks

from ml_constructs.network.inference_network import InferenceNetwork

ENDPOINT = "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/champion"
OTHER = "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/other"
EVERYTHING = Match.string_like_regexp(".*")
ZONES = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]


def resources(stack: Stack, kind: str) -> list[dict[str, Any]]:
    return [dict(found) for found in Template.from_stack(stack).find_resources(kind).values()]


def properties(stack: Stack, kind: str) -> list[dict[str, Any]]:
    return [resource["Properties"] for resource in resources(stack, kind)]


def endpoint(stack: Stack, suffix: str) -> dict[str, Any]:
    """The VPC endpoint whose service's name ends with the suffix."""
    (found,) = [
        candidate
        for candidate in properties(stack, "AWS::EC2::VPCEndpoint")
        if service_name(candidate).endswith(suffix)
    ]
    return found


def service_name(vpc_endpoint: dict[str, Any]) -> str:
    name = vpc_endpoint["ServiceName"]
    return name if isinstance(name, str) else str(name["Fn::Join"][1][-1])


def allowed(vpc_endpoint: dict[str, Any]) -> list[dict[str, Any]]:
    """What the endpoint's policy allows; it always denies what is not encrypted in transit."""
    first, *rest = vpc_endpoint["PolicyDocument"]["Statement"]
    assert first == {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "*",
        "Resource": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return list(rest)


def imported(stack: Stack, **arguments: Any) -> ec2.IVpc:  # noqa: ANN401 - forwarded
    """An imported VPC of two zones, isolated unless told otherwise."""
    defaults: dict[str, Any] = {
        "vpc_id": "vpc-11111111",
        "availability_zones": ZONES[:2],
        "vpc_cidr_block": "10.1.0.0/16",
        "isolated_subnet_ids": ["subnet-1", "subnet-2"],
        "isolated_subnet_route_table_ids": ["rtb-1", "rtb-2"],
    }
    return ec2.Vpc.from_vpc_attributes(stack, "Imported", **{**defaults, **arguments})


def warnings(stack: Stack) -> str:
    return " ".join(str(message.entry.data) for message in Annotations.from_stack(stack).find_warning("*", EVERYTHING))


class TestVpc:
    def test_spans_the_zones_that_an_agnostic_stack_knows(self, stack: Stack) -> None:
        InferenceNetwork(stack, "Network")
        zones = [subnet["AvailabilityZone"] for subnet in properties(stack, "AWS::EC2::Subnet")]
        assert zones == [{"Fn::Select": [index, {"Fn::GetAZs": ""}]} for index in (0, 1)]

    def test_spans_three_zones_where_they_are_known(self, app: App) -> None:
        stack = Stack(app, "Known", env=Environment(account="111122223333", region="eu-west-1"))
        stack.node.set_context("availability-zones:account=111122223333:region=eu-west-1", [*ZONES, "eu-west-1d"])
        network = InferenceNetwork(stack, "Network")
        assert [subnet["AvailabilityZone"] for subnet in properties(stack, "AWS::EC2::Subnet")] == ZONES
        assert len(network.subnets) == 3

    @pytest.mark.parametrize("count", [2, 4])
    def test_spans_as_many_zones_as_told_where_they_are_known(self, app: App, count: int) -> None:
        stack = Stack(app, "Known", env=Environment(account="111122223333", region="eu-west-1"))
        zones = [*ZONES, "eu-west-1d"]
        stack.node.set_context("availability-zones:account=111122223333:region=eu-west-1", zones)
        InferenceNetwork(stack, "Network", max_azs=count)
        assert [subnet["AvailabilityZone"] for subnet in properties(stack, "AWS::EC2::Subnet")] == zones[:count]

    def test_spans_the_named_zones(self, stack: Stack) -> None:
        InferenceNetwork(stack, "Network", availability_zones=ZONES)
        assert [subnet["AvailabilityZone"] for subnet in properties(stack, "AWS::EC2::Subnet")] == ZONES

    def test_spans_the_named_zones_before_the_account_was_asked(self, app: App) -> None:
        stack = Stack(app, "Fresh", env=Environment(account="111122223333", region="eu-west-1"))
        InferenceNetwork(stack, "Network", availability_zones=ZONES)
        assert [subnet["AvailabilityZone"] for subnet in properties(stack, "AWS::EC2::Subnet")] == ZONES

    def test_zones_may_be_tokens(self, stack: Stack) -> None:
        third = Fn.select(2, Fn.get_azs())
        InferenceNetwork(stack, "Network", availability_zones=["eu-west-1a", third])
        zones = [subnet["AvailabilityZone"] for subnet in properties(stack, "AWS::EC2::Subnet")]
        assert zones == ["eu-west-1a", {"Fn::Select": [2, {"Fn::GetAZs": ""}]}]

    def test_has_no_way_out(self, stack: Stack) -> None:
        InferenceNetwork(stack, "Network")
        kinds = {resource["Type"] for resource in Template.from_stack(stack).to_json()["Resources"].values()}
        assert not kinds & {
            "AWS::EC2::InternetGateway",
            "AWS::EC2::NatGateway",
            "AWS::EC2::Route",
            "AWS::EC2::EIP",
            "AWS::EC2::EgressOnlyInternetGateway",
        }
        assert {subnet["MapPublicIpOnLaunch"] for subnet in properties(stack, "AWS::EC2::Subnet")} == {False}

    def test_has_no_custom_resource_whatever_the_flags(self) -> None:
        app = App(
            builtin_cloud_formation_validation=False,
            context={"@aws-cdk/aws-ec2:restrictDefaultSecurityGroup": True},
        )
        stack = Stack(app, "Stack")
        InferenceNetwork(stack, "Network")
        kinds = {resource["Type"] for resource in Template.from_stack(stack).to_json()["Resources"].values()}
        assert "AWS::Lambda::Function" not in kinds
        assert not [kind for kind in kinds if kind.startswith("Custom::")]

    def test_a_further_zone_renumbers_no_subnet(self) -> None:
        ranges = []
        for count in (2, 3):
            stack = Stack(App(builtin_cloud_formation_validation=False), "Stack")
            InferenceNetwork(stack, "Network", availability_zones=ZONES[:count])
            ranges.append([subnet["CidrBlock"] for subnet in properties(stack, "AWS::EC2::Subnet")])
        assert ranges == [["10.0.0.0/20", "10.0.16.0/20"], ["10.0.0.0/20", "10.0.16.0/20", "10.0.32.0/20"]]

    def test_stateful_logical_ids_are_frozen(self, stack: Stack) -> None:
        InferenceNetwork(stack, "Network")
        found = Template.from_stack(stack).to_json()["Resources"]
        # A VPC endpoint too: a successor under another id could not take over the private DNS name.
        frozen = {
            "AWS::EC2::VPC",
            "AWS::EC2::Subnet",
            "AWS::EC2::VPCEndpoint",
            "AWS::KMS::Key",
            "AWS::Logs::LogGroup",
        }
        assert {name for name, resource in found.items() if resource["Type"] in frozen} == {
            "NetworkVpc7FB7348F",
            "NetworkVpcIsolatedSubnet1Subnet0400477E",
            "NetworkVpcIsolatedSubnet2SubnetF65B365A",
            "NetworkS3C0D10ADE",
            "NetworkSagemakerRuntimeDE4EA875",
            "NetworkKey1D162FA0",
            "NetworkFlowLogGroup4F8CEEEF",
        }


class TestLimits:
    @pytest.mark.parametrize("count", [2, 16])
    def test_zones_reach_their_edges(self, stack: Stack, count: int) -> None:
        InferenceNetwork(stack, "Max", max_azs=count)
        InferenceNetwork(stack, "Named", availability_zones=[f"zone-{index}" for index in range(count)])
        assert len(properties(stack, "AWS::EC2::Subnet")) == 2 + count

    @pytest.mark.parametrize("count", [0, 1, 17])
    def test_zones_stop_beyond_their_edges(self, stack: Stack, count: int) -> None:
        with pytest.raises(ValueError, match=f"max_azs must be between 2 and 16, got {count}"):
            InferenceNetwork(stack, "Max", max_azs=count)
        with pytest.raises(ValueError, match=f"availability_zones must have between 2 and 16 members, got {count}"):
            InferenceNetwork(stack, "Named", availability_zones=[f"zone-{index}" for index in range(count)])

    def test_zones_must_be_distinct(self, stack: Stack) -> None:
        with pytest.raises(ValueError, match="availability_zones must be distinct, got a, a"):
            InferenceNetwork(stack, "Network", availability_zones=["a", "a"])

    def test_what_shapes_the_template_must_be_known(self, stack: Stack) -> None:
        number = CfnParameter(stack, "Number", type="Number").value_as_number
        text = CfnParameter(stack, "Text").value_as_string
        with pytest.raises(ValueError, match="max_azs must be known at synth"):
            InferenceNetwork(stack, "Max", max_azs=int(number) if number > 0 else number)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="cidr must be known at synth"):
            InferenceNetwork(stack, "Cidr", cidr=text)
        with pytest.raises(ValueError, match="availability_zones must be a list whose length is known at synth"):
            InferenceNetwork(stack, "Zones", availability_zones=Fn.get_azs())

    @pytest.mark.parametrize(
        ("cidr", "subnet"),
        [("10.8.0.0/16", "10.8.0.0/20"), ("192.168.0.0/24", "192.168.0.0/28"), ("192.168.0.0/27", "192.168.0.0/28")],
    )
    def test_divides_a_range(self, stack: Stack, cidr: str, subnet: str) -> None:
        InferenceNetwork(stack, "Network", cidr=cidr, max_azs=2)
        assert properties(stack, "AWS::EC2::VPC")[0]["CidrBlock"] == cidr
        assert properties(stack, "AWS::EC2::Subnet")[0]["CidrBlock"] == subnet

    @pytest.mark.parametrize(
        ("cidr", "message"),
        [
            ("10.0.0.0/15", "cidr must have a prefix between /16 and /28"),
            ("10.0.0.0/29", "cidr must have a prefix between /16 and /28"),
            ("10.0.0.1/16", "cidr must be an IPv4 range such as"),
            ("fd00::/48", "cidr must be an IPv4 range such as"),
            ("10.0.0.0/28", "cidr must have room for 2 subnets of /28 or larger, got '10.0.0.0/28' with 1"),
        ],
    )
    def test_rejects_a_range_without_room(self, stack: Stack, cidr: str, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            InferenceNetwork(stack, "Network", cidr=cidr, max_azs=2)

    def test_rejects_what_is_no_prefix_list(self, stack: Stack) -> None:
        with pytest.raises(ValueError, match="s3_prefix_list must be the id of a prefix list, got 'com"):
            InferenceNetwork(stack, "Network", s3_prefix_list="com.amazonaws.eu-west-1.s3")

    def test_rejects_a_service_named_twice(self, stack: Stack) -> None:
        service = ec2.InterfaceVpcEndpointAwsService.STS
        with pytest.raises(ValueError, match="interface_endpoints must name each service once, got sts, sts"):
            InferenceNetwork(stack, "Network", interface_endpoints=[service, service])
        network = InferenceNetwork(stack, "Network", interface_endpoints=[service])
        with pytest.raises(ValueError, match="service must be one without an endpoint in this network, got sts"):
            network.add_interface_endpoint(service)

    def test_a_failed_check_leaves_nothing_behind(self, stack: Stack) -> None:
        with pytest.raises(ValueError, match="max_azs"):
            InferenceNetwork(stack, "Network", max_azs=1)
        assert stack.node.try_find_child("Network") is None


class TestFlowLog:
    def test_records_all_traffic_every_minute(self, stack: Stack) -> None:
        InferenceNetwork(stack, "Network")
        (flow_log,) = properties(stack, "AWS::EC2::FlowLog")
        assert flow_log["TrafficType"] == "ALL"
        assert flow_log["ResourceType"] == "VPC"
        assert flow_log["MaxAggregationInterval"] == 60

    def test_is_encrypted_and_kept(self, stack: Stack) -> None:
        InferenceNetwork(stack, "Network")
        (group,) = resources(stack, "AWS::Logs::LogGroup")
        assert group["Properties"] == {
            "KmsKeyId": {"Fn::GetAtt": ["NetworkKey1D162FA0", "Arn"]},
            "RetentionInDays": 365,
        }
        assert group["DeletionPolicy"] == "Retain"
        (key,) = properties(stack, "AWS::KMS::Key")
        principals = [statement["Principal"] for statement in key["KeyPolicy"]["Statement"]]
        assert [name for principal in principals for name in principal] == ["AWS", "Service"]

    def test_is_written_by_a_role_for_flow_logs_of_this_account_to_this_group(self, stack: Stack) -> None:
        InferenceNetwork(stack, "Network")
        (role,) = properties(stack, "AWS::IAM::Role")
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "vpc-flow-logs.amazonaws.com"}
        assert set(trust["Condition"]) == {"StringEquals", "ArnLike"}
        assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
        assert trust["Condition"]["ArnLike"] == {
            "aws:SourceArn": stack.resolve(f"arn:{stack.partition}:ec2:{stack.region}:{stack.account}:vpc-flow-log/*")
        }
        (policy,) = properties(stack, "AWS::IAM::ManagedPolicy")
        (statement,) = policy["PolicyDocument"]["Statement"]
        assert statement == {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            "Resource": {"Fn::GetAtt": ["NetworkFlowLogGroup4F8CEEEF", "Arn"]},
        }
        assert resources(stack, "AWS::IAM::Policy") == []
        (name,) = Template.from_stack(stack).find_resources("AWS::IAM::Role")
        (attached,) = Template.from_stack(stack).find_resources("AWS::IAM::ManagedPolicy")
        assert policy["Roles"] == [{"Ref": name}]
        (flow_log,) = resources(stack, "AWS::EC2::FlowLog")
        assert flow_log["Properties"]["DeliverLogsPermissionArn"] == {"Fn::GetAtt": [name, "Arn"]}
        assert attached in flow_log["DependsOn"]

    def test_follows_its_arguments(self, stack: Stack) -> None:
        key = kms.Key.from_key_arn(stack, "Key", "arn:aws:kms:eu-west-1:111122223333:key/1")
        InferenceNetwork(
            stack,
            "Network",
            flow_log_key=key,
            flow_log_retention=logs.RetentionDays.ONE_WEEK,
            flow_log_interval=ec2.FlowLogMaxAggregationInterval.TEN_MINUTES,
            removal_policy=RemovalPolicy.DESTROY,
        )
        (group,) = resources(stack, "AWS::Logs::LogGroup")
        assert group["Properties"] == {
            "KmsKeyId": "arn:aws:kms:eu-west-1:111122223333:key/1",
            "RetentionInDays": 7,
        }
        assert group["DeletionPolicy"] == "Delete"
        assert properties(stack, "AWS::EC2::FlowLog")[0]["MaxAggregationInterval"] == 600
        assert resources(stack, "AWS::KMS::Key") == []


class TestEndpoints:
    def test_are_the_runtime_and_s3_by_default(self, stack: Stack) -> None:
        network = InferenceNetwork(stack, "Network")
        names = {service_name(found) for found in properties(stack, "AWS::EC2::VPCEndpoint")}
        assert names == {".sagemaker.runtime", ".s3"}
        assert set(network.interface_endpoints) == {"sagemaker.runtime"}
        assert network.s3_endpoint is not None

    def test_runtime_stands_in_every_zone_with_private_dns(self, stack: Stack) -> None:
        InferenceNetwork(stack, "Network", availability_zones=ZONES)
        runtime = endpoint(stack, "sagemaker.runtime")
        assert runtime["PrivateDnsEnabled"] is True
        assert len(runtime["SubnetIds"]) == 3
        assert len(endpoint(stack, ".s3")["RouteTableIds"]) == 3

    def test_allow_nothing_until_told(self, stack: Stack) -> None:
        InferenceNetwork(stack, "Network")
        assert allowed(endpoint(stack, "sagemaker.runtime")) == []
        assert allowed(endpoint(stack, ".s3")) == []

    def test_allow_the_invocation_of_named_endpoints_in_one_statement(self, stack: Stack) -> None:
        network = InferenceNetwork(stack, "Network")
        for arn in (ENDPOINT, OTHER, ENDPOINT):
            network.allow_invoke(arn)
        assert allowed(endpoint(stack, "sagemaker.runtime")) == [
            {
                "Effect": "Allow",
                "Principal": "*",
                "Action": "sagemaker:InvokeEndpoint",
                "Resource": [ENDPOINT, OTHER],
                "Condition": {"StringEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}},
            }
        ]
        assert allowed(endpoint(stack, ".s3")) == []

    def test_allow_asynchronous_and_streamed_invocation_by_argument(self, stack: Stack) -> None:
        network = InferenceNetwork(stack, "Network")
        network.allow_invoke(ENDPOINT, "sagemaker:InvokeEndpointWithResponseStream", "sagemaker:InvokeEndpointAsync")
        (statement,) = allowed(endpoint(stack, "sagemaker.runtime"))
        assert statement["Action"] == [
            "sagemaker:InvokeEndpointAsync",
            "sagemaker:InvokeEndpointWithResponseStream",
        ]

    def test_allow_invoke_takes_a_token(self, stack: Stack) -> None:
        network = InferenceNetwork(stack, "Network")
        text = CfnParameter(stack, "Text").value_as_string
        network.allow_invoke(text, text)
        (statement,) = allowed(endpoint(stack, "sagemaker.runtime"))
        assert statement["Resource"] == statement["Action"] == {"Ref": "Text"}

    def test_allow_invoke_rejects_other_actions(self, stack: Stack) -> None:
        network = InferenceNetwork(stack, "Network")
        with pytest.raises(ValueError, match="actions must begin with sagemaker:InvokeEndpoint, got 'sagemaker:De"):
            network.allow_invoke(ENDPOINT, "sagemaker:DeleteEndpoint")

    def test_allow_s3_opens_exactly_what_it_names(self, stack: Stack) -> None:
        network = InferenceNetwork(stack, "Network")
        network.allow_s3("arn:aws:s3:::models/a/*", "s3:GetObject")
        network.allow_s3("arn:aws:s3:::captured/*", "s3:PutObject")
        statements = allowed(endpoint(stack, ".s3"))
        assert [(statement["Action"], statement["Resource"]) for statement in statements] == [
            ("s3:GetObject", "arn:aws:s3:::models/a/*"),
            ("s3:PutObject", "arn:aws:s3:::captured/*"),
        ]
        account = {"StringEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}}
        assert [statement["Condition"] for statement in statements] == [account, account]
        assert allowed(endpoint(stack, "sagemaker.runtime")) == []

    @pytest.mark.parametrize("actions", [(), ("sagemaker:InvokeEndpoint",), ("s3:GetObject", "*")])
    def test_allow_s3_rejects_other_actions(self, stack: Stack, actions: tuple[str, ...]) -> None:
        network = InferenceNetwork(stack, "Network")
        with pytest.raises(ValueError, match="actions must be one or more actions that begin with s3:, got"):
            network.allow_s3("arn:aws:s3:::models/*", *actions)

    def test_allow_the_invocation_by_one_role_of_any_account(self, stack: Stack) -> None:
        network = InferenceNetwork(stack, "Network")
        role = "arn:aws:iam::444455556666:role/invoker"
        network.allow_invoke(ENDPOINT, role_arn=role)
        network.allow_invoke(ENDPOINT)
        conditions = [statement["Condition"] for statement in allowed(endpoint(stack, "sagemaker.runtime"))]
        assert conditions == [
            {"ArnEquals": {"aws:PrincipalArn": role}},
            {"StringEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}},
        ]

    def test_allow_the_invocation_of_an_endpoint_by_the_name_that_sagemaker_writes(self, stack: Stack) -> None:
        network = InferenceNetwork(stack, "Network")
        network.allow_invoke(ENDPOINT.replace("champion", "Champion"))
        (statement,) = allowed(endpoint(stack, "sagemaker.runtime"))
        assert statement["Resource"] == ENDPOINT

    def test_allow_assume_opens_sts_for_one_role(self, stack: Stack) -> None:
        network = InferenceNetwork(stack, "Network")
        role = "arn:aws:iam::444455556666:role/invoker"
        network.allow_assume(role)
        network.add_interface_endpoint(ec2.InterfaceVpcEndpointAwsService.STS, statements=())
        network.allow_assume(role, accounts=["777788889999"], session_tags=True)
        (statement,) = allowed(endpoint(stack, ".sts"))
        assert statement["Action"] == ["sts:AssumeRole", "sts:TagSession"]
        assert statement["Resource"] == role
        assert statement["Condition"] == {"StringEquals": {"aws:PrincipalAccount": "777788889999"}}
        assert allowed(endpoint(stack, "sagemaker.runtime")) == []

    def test_leave_the_names_of_services_to_others(self, stack: Stack) -> None:
        network = InferenceNetwork(stack, "Network", private_dns=False)
        assert endpoint(stack, "sagemaker.runtime")["PrivateDnsEnabled"] is False
        assert network.private_dns is False

    def test_fips_variant_is_opened_like_the_runtime(self, stack: Stack) -> None:
        network = InferenceNetwork(
            stack, "Network", interface_endpoints=[ec2.InterfaceVpcEndpointAwsService.SAGEMAKER_RUNTIME_FIPS]
        )
        network.allow_invoke(ENDPOINT)
        (statement,) = allowed(endpoint(stack, "sagemaker.runtime-fips"))
        assert statement["Resource"] == ENDPOINT

    def test_a_further_service_stays_within_the_account(self, stack: Stack) -> None:
        network = InferenceNetwork(stack, "Network")
        network.add_interface_endpoint(ec2.InterfaceVpcEndpointAwsService.STS)
        (statement,) = allowed(endpoint(stack, ".sts"))
        assert (statement["Effect"], statement["Principal"]) == ("Allow", "*")
        assert (statement["Action"], statement["Resource"]) == ("*", "*")
        account = {"Ref": "AWS::AccountId"}
        assert statement["Condition"] == {
            "StringEquals": {"aws:PrincipalAccount": account, "aws:ResourceAccount": account}
        }

    def test_a_further_service_takes_its_own_policy(self, stack: Stack) -> None:
        network = InferenceNetwork(stack, "Network")
        statement = iam.PolicyStatement(
            principals=[iam.StarPrincipal()], actions=["kms:Decrypt"], resources=["arn:aws:kms:::key/1"]
        )
        network.add_interface_endpoint(ec2.InterfaceVpcEndpointAwsService.KMS, statements=[statement])
        assert [found["Action"] for found in allowed(endpoint(stack, ".kms"))] == ["kms:Decrypt"]

    @pytest.mark.parametrize(
        ("region", "name"),
        [
            ("eu-west-1", "com.amazonaws.eu-west-1.sagemaker.runtime"),
            ("us-gov-west-1", "com.amazonaws.us-gov-west-1.sagemaker.runtime"),
            ("cn-north-1", "cn.com.amazonaws.cn-north-1.sagemaker.runtime"),
        ],
    )
    def test_service_names_follow_the_partition(self, app: App, region: str, name: str) -> None:
        stack = Stack(app, "Regional", env=Environment(region=region))
        InferenceNetwork(stack, "Network")
        assert endpoint(stack, "sagemaker.runtime")["ServiceName"] == name
        assert "Conditions" not in Template.from_stack(stack).to_json()

    def test_service_names_follow_the_partition_where_the_region_is_unknown(self, stack: Stack) -> None:
        network = InferenceNetwork(stack, "Network")
        network.add_interface_endpoint(ec2.InterfaceVpcEndpointAwsService.XRAY)
        network.add_interface_endpoint(ec2.InterfaceVpcEndpointAwsService.KMS)
        network.add_interface_endpoint(ec2.InterfaceVpcEndpointAwsService("sts", "cn.com.amazonaws"))
        region = {"Ref": "AWS::Region"}
        prefix = {"Fn::If": ["InChina", "cn.", ""]}
        for suffix in (".sagemaker.runtime", ".xray"):
            name = endpoint(stack, suffix)["ServiceName"]
            assert name == {"Fn::Join": ["", [prefix, "com.amazonaws.", region, suffix]]}
        assert endpoint(stack, ".kms")["ServiceName"] == {"Fn::Join": ["", ["com.amazonaws.", region, ".kms"]]}
        assert endpoint(stack, ".sts")["ServiceName"] == {"Fn::Join": ["", ["cn.com.amazonaws.", region, ".sts"]]}
        conditions = Template.from_stack(stack).to_json()["Conditions"]
        assert conditions == {"InChina": {"Fn::Equals": [{"Ref": "AWS::Partition"}, "aws-cn"]}}


class TestSecurityGroups:
    def test_endpoints_admit_nobody_and_call_nobody(self, stack: Stack) -> None:
        InferenceNetwork(stack, "Network")
        (group,) = properties(stack, "AWS::EC2::SecurityGroup")
        assert "SecurityGroupIngress" not in group
        assert [rule["CidrIp"] for rule in group["SecurityGroupEgress"]] == ["127.0.0.1/32"]
        assert resources(stack, "AWS::EC2::SecurityGroupIngress") == []

    def test_functions_reach_the_endpoints_and_nothing_else(self, stack: Stack) -> None:
        network = InferenceNetwork(stack, "Network")
        group = network.create_security_group(stack, "Functions", description="Functions of a test")
        identity = stack.resolve(group.security_group_id)
        (ingress,) = properties(stack, "AWS::EC2::SecurityGroupIngress")
        assert (ingress["SourceSecurityGroupId"], ingress["FromPort"], ingress["ToPort"]) == (identity, 443, 443)
        (egress,) = properties(stack, "AWS::EC2::SecurityGroupEgress")
        assert egress["GroupId"] == identity
        assert egress["DestinationSecurityGroupId"] == ingress["GroupId"]
        (own,) = [found for found in properties(stack, "AWS::EC2::SecurityGroup") if "Functions" in str(found)]
        assert [rule["CidrIp"] for rule in own["SecurityGroupEgress"]] == ["127.0.0.1/32"]

    def test_models_reach_s3_only(self, stack: Stack) -> None:
        network = InferenceNetwork(stack, "Network", s3_prefix_list="pl-6da54004")
        network.create_security_group(stack, "Models", description="Models of a test", endpoints=False, s3=True)
        (egress,) = properties(stack, "AWS::EC2::SecurityGroupEgress")
        assert (egress["DestinationPrefixListId"], egress["FromPort"], egress["ToPort"]) == ("pl-6da54004", 443, 443)
        assert resources(stack, "AWS::EC2::SecurityGroupIngress") == []

    def test_models_reach_s3_without_a_prefix_list_too(self, stack: Stack) -> None:
        network = InferenceNetwork(stack, "Network")
        network.create_security_group(stack, "Models", description="Models of a test", endpoints=False, s3=True)
        (group,) = [found for found in properties(stack, "AWS::EC2::SecurityGroup") if "Models" in str(found)]
        assert {"CidrIp": "0.0.0.0/0", "FromPort": 443, "ToPort": 443}.items() <= group["SecurityGroupEgress"][
            -1
        ].items()
        assert "OpenEgress" not in warnings(stack)

    def test_functions_reach_nothing_in_a_new_vpc_without_endpoints(self, stack: Stack) -> None:
        network = InferenceNetwork(stack, "Network", interface_endpoints=())
        network.create_security_group(stack, "Functions", description="Functions of a test")
        rules = [rule for each in properties(stack, "AWS::EC2::SecurityGroup") for rule in each["SecurityGroupEgress"]]
        assert {rule["CidrIp"] for rule in rules} == {"127.0.0.1/32"}
        assert resources(stack, "AWS::EC2::SecurityGroupEgress") == []

    def test_the_prefix_list_may_be_a_token(self, stack: Stack) -> None:
        text = CfnParameter(stack, "Text").value_as_string
        network = InferenceNetwork(stack, "Network", s3_prefix_list=text)
        network.create_security_group(stack, "Models", description="Models of a test", endpoints=False, s3=True)
        (egress,) = properties(stack, "AWS::EC2::SecurityGroupEgress")
        assert egress["DestinationPrefixListId"] == {"Ref": "Text"}

    def test_a_network_is_connectable(self, stack: Stack) -> None:
        network = InferenceNetwork(stack, "Network")
        group = ec2.SecurityGroup(stack, "Mine", vpc=network.vpc, allow_all_outbound=False)
        group.connections.allow_to_default_port(network)
        assert len(resources(stack, "AWS::EC2::SecurityGroupIngress")) == 1

    def test_a_client_in_another_stack_makes_no_cycle(self, app: App, stack: Stack) -> None:
        network = InferenceNetwork(stack, "Network")
        other = Stack(app, "Other")
        network.create_security_group(other, "Functions", description="Functions of a test")
        network.allow_invoke(other.format_arn(service="sagemaker", resource="endpoint", resource_name="champion"))
        app.synth()
        assert [dependency.node.id for dependency in other.dependencies] == ["Stack"]
        assert stack.dependencies == []


class TestExistingVpc:
    def test_takes_its_isolated_subnets_one_per_zone(self, stack: Stack) -> None:
        vpc = ec2.Vpc(
            stack,
            "Vpc",
            nat_gateways=1,
            subnet_configuration=[
                ec2.SubnetConfiguration(name="Public", subnet_type=ec2.SubnetType.PUBLIC),
                ec2.SubnetConfiguration(name="Private", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
                ec2.SubnetConfiguration(name="First", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
                ec2.SubnetConfiguration(name="Second", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            ],
        )
        network = InferenceNetwork(stack, "Network", vpc=vpc)
        assert [subnet.node.id for subnet in network.subnets] == ["FirstSubnet1", "FirstSubnet2"]
        assert network.vpc is vpc
        assert resources(stack, "AWS::EC2::FlowLog") == []

    def test_may_be_imported(self, stack: Stack) -> None:
        network = InferenceNetwork(stack, "Network", vpc=imported(stack))
        assert [subnet.subnet_id for subnet in network.subnets] == ["subnet-1", "subnet-2"]
        assert endpoint(stack, ".s3")["RouteTableIds"] == ["rtb-1", "rtb-2"]
        assert resources(stack, "AWS::KMS::Key") == []
        assert "SingleAz" not in warnings(stack)

    def test_may_be_looked_up(self, app: App) -> None:
        stack = Stack(app, "Known", env=Environment(account="111122223333", region="eu-west-1"))
        network = InferenceNetwork(stack, "Network", vpc=ec2.Vpc.from_lookup(stack, "Vpc", is_default=False))
        assert network.subnets

    def test_takes_private_subnets_where_none_is_isolated(self, stack: Stack) -> None:
        vpc = imported(
            stack,
            isolated_subnet_ids=None,
            isolated_subnet_route_table_ids=None,
            private_subnet_ids=["subnet-3", "subnet-4"],
            private_subnet_route_table_ids=["rtb-3", "rtb-4"],
        )
        network = InferenceNetwork(stack, "Network", vpc=vpc)
        assert [subnet.subnet_id for subnet in network.subnets] == ["subnet-3", "subnet-4"]
        network.create_security_group(stack, "Models", description="Models of a test", s3=True)
        assert "ml-constructs:OpenEgress" in warnings(stack)

    def test_takes_as_many_zones_as_told(self, stack: Stack) -> None:
        vpc = imported(
            stack,
            availability_zones=ZONES,
            isolated_subnet_ids=["subnet-1", "subnet-2", "subnet-3"],
            isolated_subnet_route_table_ids=["rtb-1", "rtb-2", "rtb-3"],
        )
        assert len(InferenceNetwork(stack, "Two", vpc=vpc, max_azs=2).subnets) == 2

    def test_takes_chosen_subnets(self, stack: Stack) -> None:
        vpc = imported(stack)
        chosen = ec2.SubnetSelection(subnets=[vpc.isolated_subnets[1]])
        network = InferenceNetwork(stack, "Network", vpc=vpc, subnets=chosen)
        assert [subnet.subnet_id for subnet in network.subnets] == ["subnet-2"]
        selected = network.subnet_selection.subnets
        assert selected is not None
        assert [subnet.subnet_id for subnet in selected] == ["subnet-2"]

    @pytest.mark.parametrize(
        ("selection", "expected"),
        [
            ({"subnet_type": ec2.SubnetType.PRIVATE_WITH_EGRESS}, ["PrivateSubnet1", "PrivateSubnet2"]),
            ({"subnet_group_name": "Second"}, ["SecondSubnet1", "SecondSubnet2"]),
            ({"subnet_group_name": "Second", "availability_zones": ["zone-b"]}, ["SecondSubnet2"]),
            ({"subnet_filters": [ec2.SubnetFilter.availability_zones(["zone-a"])]}, ["PrivateSubnet1"]),
            ({"subnet_type": ec2.SubnetType.PRIVATE_ISOLATED, "one_per_az": True}, ["FirstSubnet1", "FirstSubnet2"]),
        ],
    )
    def test_takes_subnets_however_they_are_chosen(
        self, stack: Stack, selection: dict[str, Any], expected: list[str]
    ) -> None:
        kinds = {
            "Public": ec2.SubnetType.PUBLIC,
            "Private": ec2.SubnetType.PRIVATE_WITH_EGRESS,
            "First": ec2.SubnetType.PRIVATE_ISOLATED,
            "Second": ec2.SubnetType.PRIVATE_ISOLATED,
        }
        vpc = ec2.Vpc(
            stack,
            "Vpc",
            availability_zones=["zone-a", "zone-b"],
            subnet_configuration=[ec2.SubnetConfiguration(name=name, subnet_type=kind) for name, kind in kinds.items()],
        )
        network = InferenceNetwork(stack, "Network", vpc=vpc, subnets=ec2.SubnetSelection(**selection))
        assert [subnet.node.id for subnet in network.subnets] == expected

    def test_one_zone_is_a_warning(self, stack: Stack) -> None:
        vpc = imported(
            stack,
            availability_zones=ZONES[:1],
            isolated_subnet_ids=["subnet-1"],
            isolated_subnet_route_table_ids=["rtb-1"],
        )
        InferenceNetwork(stack, "Network", vpc=vpc)
        assert "ml-constructs:SingleAz" in warnings(stack)

    def test_public_subnets_are_refused(self, stack: Stack) -> None:
        vpc = imported(
            stack,
            isolated_subnet_ids=None,
            isolated_subnet_route_table_ids=None,
            public_subnet_ids=["subnet-5", "subnet-6"],
            public_subnet_route_table_ids=["rtb-5", "rtb-6"],
        )
        with pytest.raises(ValueError, match="vpc must have isolated or private subnets, got 2 public ones only"):
            InferenceNetwork(stack, "Network", vpc=vpc)
        chosen = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)
        with pytest.raises(ValueError, match="subnets must be isolated or private, got PublicSubnet1, PublicSubnet2"):
            InferenceNetwork(stack, "Network", vpc=vpc, subnets=chosen)

    @pytest.mark.parametrize("argument", ["availability_zones", "cidr", "flow_log_key"])
    def test_arguments_of_a_new_vpc_are_refused(self, stack: Stack, argument: str) -> None:
        key = kms.Key.from_key_arn(stack, "Key", "arn:aws:kms:eu-west-1:111122223333:key/1")
        values: dict[str, Any] = {"availability_zones": ZONES, "cidr": "10.0.0.0/16", "flow_log_key": key}
        with pytest.raises(ValueError, match=f"{argument} must not be given with vpc"):
            InferenceNetwork(stack, "Network", vpc=imported(stack), **{argument: values[argument]})

    def test_subnets_of_a_new_vpc_are_not_chosen(self, stack: Stack) -> None:
        with pytest.raises(ValueError, match="subnets must not be given without vpc"):
            InferenceNetwork(stack, "Network", subnets=ec2.SubnetSelection(one_per_az=True))

    def test_endpoints_of_its_own_are_left_alone(self, stack: Stack) -> None:
        network = InferenceNetwork(stack, "Network", vpc=imported(stack), interface_endpoints=(), s3_endpoint=False)
        network.allow_invoke(ENDPOINT)
        network.allow_s3("arn:aws:s3:::models/*", "s3:GetObject")
        network.create_security_group(stack, "Functions", description="Functions of a test")
        assert resources(stack, "AWS::EC2::VPCEndpoint") == []
        assert network.s3_endpoint is None
        egress = [
            (rule["CidrIp"], rule.get("ToPort"))
            for group in properties(stack, "AWS::EC2::SecurityGroup")
            for rule in group["SecurityGroupEgress"]
        ]
        assert ("10.1.0.0/16", 443) in egress

    def test_endpoints_of_its_own_need_a_known_range(self, stack: Stack) -> None:
        vpc = imported(stack, vpc_cidr_block=None)
        network = InferenceNetwork(stack, "Network", vpc=vpc, interface_endpoints=())
        with pytest.raises(ValueError, match="vpc must know its vpc_cidr_block when interface_endpoints is empty"):
            network.create_security_group(stack, "Functions", description="Functions of a test")
        assert stack.node.try_find_child("Functions") is None

    def test_route_tables_must_be_known_for_s3(self, stack: Stack) -> None:
        vpc = imported(stack, isolated_subnet_route_table_ids=None)
        with pytest.raises(ValueError, match="vpc must know the route tables of its subnets, or s3_endpoint must be"):
            InferenceNetwork(stack, "Network", vpc=vpc)
        assert InferenceNetwork(stack, "Network", vpc=vpc, s3_endpoint=False).s3_endpoint is None


@pytest.mark.parametrize("checks", [AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks])
def test_has_no_findings(app: App, stack: Stack, checks: type[Any]) -> None:
    network = InferenceNetwork(stack, "Network")
    network.allow_invoke(ENDPOINT)
    network.create_security_group(stack, "Functions", description="Functions of a test")
    network.create_security_group(stack, "Models", description="Models of a test", endpoints=False, s3=True)
    assert checks(app).validate_scope(stack).violations == []
