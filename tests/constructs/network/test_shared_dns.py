"""The names of services lead to the endpoints of one VPC, in every VPC that shares them."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_ec2 as ec2
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks

from ml_constructs.network.inference_network import InferenceNetwork
from ml_constructs.network.shared_dns import SharedDns
from tests.constructs.builders import creation_order, only, properties, resources, synthesised, text
from tests.constructs.network.access_builders import CALLER, OWNER, REGION, SERVICES, a_network, a_vpc

ZONE = "AWS::Route53::HostedZone"
RECORD = "AWS::Route53::RecordSet"
PROFILE = "AWS::Route53Profiles::Profile"
ASSOCIATION = "AWS::Route53Profiles::ProfileResourceAssociation"
ORGANIZATION = f"arn:aws:organizations::{OWNER}:organization/o-exampleorgid"
UNIT = f"arn:aws:organizations::{OWNER}:ou/o-exampleorgid/ou-abcd-12345678"


@pytest.fixture
def central(app: App) -> Stack:
    return Stack(app, "Central", env=Environment(account=OWNER, region=REGION))


def a_central_network(stack: Stack, *services: ec2.InterfaceVpcEndpointAwsService) -> InferenceNetwork:
    return a_network(stack, *services, private_dns=False)


def names(stack: Stack, kind: str) -> list[str]:
    return [
        name
        if isinstance(name, str)
        else "".join(part if isinstance(part, str) else "?" for part in name["Fn::Join"][1])
        for name in (resource["Properties"]["Name"] for resource in resources(stack, kind).values())
    ]


class TestZones:
    def test_each_endpoint_has_a_zone_of_its_usual_name(self, central: Stack) -> None:
        network = a_central_network(central, SERVICES.SAGEMAKER_RUNTIME, SERVICES.STS)
        dns = SharedDns(central, "Dns", network=network)
        assert names(central, ZONE) == ["runtime.sagemaker.eu-west-1.?", "sts.eu-west-1.?"]
        assert names(central, RECORD) == names(central, ZONE)
        assert list(dns.zones) == ["sagemaker.runtime", "sts"]
        assert dns.profile_id is None

    @pytest.mark.parametrize(
        ("service", "zone", "record"),
        [
            (
                SERVICES.SAGEMAKER_RUNTIME_FIPS,
                "runtime-fips.sagemaker.eu-west-1.?",
                "runtime-fips.sagemaker.eu-west-1.?",
            ),
            (SERVICES.APIGATEWAY, "execute-api.eu-west-1.?", "*.execute-api.eu-west-1.?"),
            (SERVICES.ECR_DOCKER, "dkr.ecr.eu-west-1.?", "*.dkr.ecr.eu-west-1.?"),
            (SERVICES.ECR, "api.ecr.eu-west-1.?", "api.ecr.eu-west-1.?"),
            (SERVICES.KMS, "kms.eu-west-1.?", "kms.eu-west-1.?"),
        ],
    )
    def test_names_are_those_that_callers_use(
        self, central: Stack, service: ec2.InterfaceVpcEndpointAwsService, zone: str, record: str
    ) -> None:
        SharedDns(central, "Dns", network=a_central_network(central, service))
        assert names(central, ZONE) == [zone]
        assert names(central, RECORD) == [record]

    def test_the_domain_follows_the_partition(self, central: Stack) -> None:
        SharedDns(central, "Dns", network=a_central_network(central))
        assert properties(central, ZONE)["Name"] == {
            "Fn::Join": ["", ["runtime.sagemaker.eu-west-1.", {"Ref": "AWS::URLSuffix"}]]
        }

    def test_the_record_is_an_alias_of_the_endpoint(self, central: Stack) -> None:
        SharedDns(central, "Dns", network=a_central_network(central))
        (endpoint,) = resources(central, "AWS::EC2::VPCEndpoint")
        first = {"Fn::Split": [":", {"Fn::Select": [0, {"Fn::GetAtt": [endpoint, "DnsEntries"]}]}]}
        record = properties(central, RECORD)
        assert record["AliasTarget"] == {
            "DNSName": {"Fn::Select": [1, first]},
            "HostedZoneId": {"Fn::Select": [0, first]},
        }
        assert record["Type"] == "A"
        (zone,) = resources(central, ZONE)
        assert record["HostedZoneId"] == {"Fn::GetAtt": [zone, "Id"]}

    def test_the_endpoint_stops_to_answer_to_the_name_before_the_zone_is_made(self, central: Stack) -> None:
        SharedDns(central, "Dns", network=a_central_network(central))
        (endpoint,) = resources(central, "AWS::EC2::VPCEndpoint").items()
        assert endpoint[1]["Properties"]["PrivateDnsEnabled"] is False
        assert only(central, ZONE)["DependsOn"] == [endpoint[0]]
        assert creation_order(synthesised(central))

    def test_zones_hold_in_further_vpcs_of_any_region(self, app: App, central: Stack) -> None:
        abroad = Stack(app, "Abroad", env=Environment(account=OWNER, region="us-east-1"))
        vpcs = [a_vpc(central, "Near", "vpc-22222222"), a_vpc(abroad, "Far", "vpc-33333333")]
        SharedDns(central, "Dns", network=a_central_network(central), vpcs=vpcs)
        assert properties(central, ZONE)["VPCs"] == [
            {"VPCId": "vpc-11111111", "VPCRegion": REGION},
            {"VPCId": "vpc-22222222", "VPCRegion": REGION},
            {"VPCId": "vpc-33333333", "VPCRegion": "us-east-1"},
        ]


class TestOtherAccounts:
    def test_share_the_zones_by_a_profile(self, central: Stack) -> None:
        principals = [CALLER, ORGANIZATION, UNIT]
        network = a_central_network(central, SERVICES.SAGEMAKER_RUNTIME, SERVICES.STS)
        dns = SharedDns(central, "Dns", network=network, share_with=principals)
        (profile,) = resources(central, PROFILE)
        share = properties(central, "AWS::RAM::ResourceShare")
        assert share["Principals"] == principals
        assert share["ResourceArns"] == [{"Fn::GetAtt": [profile, "Arn"]}]
        assert share["AllowExternalPrincipals"] is False
        assert central.resolve(dns.profile_id) == {"Fn::GetAtt": [profile, "Id"]}
        shared = [each["Properties"] for each in resources(central, ASSOCIATION).values()]
        assert [each["Name"] for each in shared] == ["sagemaker-runtime", "sts"]
        zones = list(resources(central, ZONE))
        assert [each["ResourceArn"]["Fn::Join"][1] for each in shared] == [
            ["arn:", {"Ref": "AWS::Partition"}, ":route53:::hostedzone/", {"Fn::GetAtt": [zone, "Id"]}]
            for zone in zones
        ]

    def test_a_profile_that_exists_takes_the_zones(self, central: Stack) -> None:
        dns = SharedDns(central, "Dns", network=a_central_network(central), profile_id="rp-0123456789abcdef")
        assert properties(central, ASSOCIATION)["ProfileId"] == "rp-0123456789abcdef" == dns.profile_id
        assert resources(central, PROFILE) == {}
        assert resources(central, "AWS::RAM::ResourceShare") == {}

    def test_knows_the_names_of_what_front_ends_reach(self, central: Stack) -> None:
        front_ends = (SERVICES.SQS, SERVICES.SNS, SERVICES.STEP_FUNCTIONS, SERVICES.KINESIS_FIREHOSE)
        SharedDns(central, "Dns", network=a_central_network(central, *front_ends))
        known = {name.split(".")[0] for name in names(central, ZONE)}
        assert known >= {"sqs", "sns", "states", "firehose"}


class TestChecks:
    def test_takes_tokens(self, stack: Stack) -> None:
        network = a_central_network(stack)
        SharedDns(stack, "Shared", network=network, share_with=[text(stack, "Account")])
        SharedDns(stack, "Given", network=network, profile_id=text(stack, "Profile"))
        assert properties(stack, "AWS::RAM::ResourceShare")["Principals"] == [{"Ref": "Account"}]

    def test_names_have_one_meaning(self, central: Stack) -> None:
        network = a_network(central)
        with pytest.raises(ValueError, match="network must be made with private_dns=False"):
            SharedDns(central, "Dns", network=network)

    def test_needs_endpoints_whose_names_it_knows(self, central: Stack, stack: Stack) -> None:
        none = a_network(central, private_dns=False, interface_endpoints=())
        with pytest.raises(ValueError, match="network must have interface endpoints of its own, got none"):
            SharedDns(central, "Dns", network=none)
        unknown = a_central_network(stack, SERVICES.SAGEMAKER_RUNTIME, SERVICES.BATCH)
        with pytest.raises(ValueError, match=r"network must have endpoints of ecr.api, .* only, got batch"):
            SharedDns(stack, "Dns", network=unknown)

    def test_vpcs_are_of_the_account(self, app: App, central: Stack) -> None:
        network = a_central_network(central)
        foreign = a_vpc(Stack(app, "Foreign", env=Environment(account=CALLER, region=REGION)))
        with pytest.raises(ValueError, match=f"vpcs must be of the network's account, {OWNER}, got one of {CALLER}"):
            SharedDns(central, "Dns", network=network, vpcs=[foreign])
        elsewhere = a_vpc(Stack(App(), "Elsewhere"))
        with pytest.raises(ValueError, match="vpcs must be of the app of what uses them, got"):
            SharedDns(central, "Dns", network=network, vpcs=[elsewhere])

    @pytest.mark.parametrize("count", [299, 300])
    def test_a_zone_holds_in_300_vpcs(self, central: Stack, count: int) -> None:
        network = a_central_network(central)
        vpcs = [a_vpc(central, "Other")] * count
        if count < 300:
            assert SharedDns(central, "Dns", network=network, vpcs=vpcs).zones
        else:
            with pytest.raises(ValueError, match="vpcs must have between 0 and 299 members, got 300"):
                SharedDns(central, "Dns", network=network, vpcs=vpcs)

    def test_an_endpoint_made_later_fails_synthesis(self, app: App, central: Stack) -> None:
        network = a_central_network(central)
        SharedDns(central, "Dns", network=network)
        network.add_interface_endpoint(SERVICES.STS)
        with pytest.raises(
            RuntimeError, match="endpoint sts must be added before SharedDns is made, got it added after"
        ):
            app.synth()

    def test_a_profile_is_new_or_given(self, central: Stack) -> None:
        network = a_central_network(central)
        with pytest.raises(ValueError, match="share_with must not be given with profile_id, whose owner shares it"):
            SharedDns(central, "Dns", network=network, share_with=[CALLER], profile_id="rp-1")


@pytest.mark.parametrize("checks", [AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks])
def test_has_no_findings(app: App, central: Stack, checks: type[Any]) -> None:
    SharedDns(central, "Dns", network=a_central_network(central), share_with=[CALLER])
    assert checks(app).validate_scope(central).violations == []
