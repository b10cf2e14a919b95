"""A domain accepts the TLS it is told to, leads to its API alone, and is found by the DNS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Environment, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Annotations, Match
from botocore.loaders import Loader  # type: ignore[import-untyped]
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks

from ml_constructs.front_ends.api.rest_api import RestApiFrontEnd
from ml_constructs.front_ends.domains.api_health import ApiHealth
from ml_constructs.front_ends.domains.dns_routing import DnsRouting
from ml_constructs.front_ends.domains.domain import DEFAULT_SECURITY_POLICY, SECURITY_POLICIES, ApiDomain
from ml_constructs.front_ends.domains.mutual_tls import MutualTls
from tests.constructs.front_ends.helpers import (
    an_endpoint,
    assert_acyclic,
    depends_on,
    literal_partitions,
    one,
    resources,
)
from tests.constructs.refusals import refusals

DOMAIN = "AWS::ApiGateway::DomainName"
RECORD = "AWS::Route53::RecordSet"


def api(stack: Stack) -> RestApiFrontEnd:
    return RestApiFrontEnd(stack, "Api", endpoint=an_endpoint(stack))


def certificate(stack: Stack, region: str = "eu-west-1", name: str = "Certificate") -> acm.ICertificate:
    arn = f"arn:aws:acm:{region}:111122223333:certificate/00000000-0000-0000-0000-000000000000"
    return acm.Certificate.from_certificate_arn(stack, name, arn)


def zone(stack: Stack) -> route53.IHostedZone:
    return route53.HostedZone.from_hosted_zone_id(stack, "Zone", "Z0123456789EXAMPLE")


def truststore(stack: Stack) -> MutualTls:
    bucket = s3.Bucket.from_bucket_name(stack, "Truststore", "truststore")
    return MutualTls(truststore=bucket, key="authorities.pem", version="v1")


def domain(stack: Stack, **arguments: Any) -> ApiDomain:  # noqa: ANN401 - of ApiDomain
    valid: dict[str, Any] = {"domain_name": "models.example.com"}
    for name, made in (("front_end", api), ("certificate", certificate)):
        if name not in arguments:
            valid[name] = made(stack)
    return ApiDomain(stack, "Domain", **valid | arguments)


def test_is_regional_and_leads_to_the_stage_of_the_api(stack: Stack) -> None:
    made = domain(stack)
    properties = one(stack, DOMAIN)["Properties"]
    assert properties["DomainName"] == "models.example.com"
    assert properties["EndpointConfiguration"] == {"Types": ["REGIONAL"], "IpAddressType": "dualstack"}
    assert properties["RegionalCertificateArn"].endswith("certificate/00000000-0000-0000-0000-000000000000")
    assert "MutualTlsAuthentication" not in properties
    mapping = one(stack, "AWS::ApiGateway::BasePathMapping")["Properties"]
    (name,) = resources(stack, DOMAIN)
    (rest_api,) = resources(stack, "AWS::ApiGateway::RestApi")
    (stage,) = resources(stack, "AWS::ApiGateway::Stage")
    assert mapping == {"DomainName": {"Ref": name}, "RestApiId": {"Ref": rest_api}, "Stage": {"Ref": stage}}
    assert made.url == "https://models.example.com"
    assert resources(stack, RECORD) == {}
    assert resources(stack, "AWS::Route53::HealthCheck") == {}


def test_accepts_tls_with_forward_secrecy_at_the_domain_and_at_the_api(stack: Stack) -> None:
    domain(stack)
    for kind in (DOMAIN, "AWS::ApiGateway::RestApi"):
        properties = one(stack, kind)["Properties"]
        assert properties["SecurityPolicy"] == DEFAULT_SECURITY_POLICY
        assert properties["EndpointAccessMode"] == "STRICT"


def test_knows_every_policy_of_tls_1_2_or_later_for_regional_domains() -> None:
    model = Loader().load_service_model("apigateway", "service-2")
    known = [each for each in model["shapes"]["SecurityPolicy"]["enum"] if not each.endswith("_EDGE")]
    assert {*SECURITY_POLICIES, "TLS_1_0"} == set(known)


@pytest.mark.parametrize("policy", ["TLS_1_2", "SecurityPolicy_TLS13_1_3_FIPS_2025_09"])
def test_accepts_a_policy_by_its_name(app: App, policy: str) -> None:
    stack = Stack(app, "Policies")
    domain(stack, security_policy=policy, strict=False)
    enhanced = policy != "TLS_1_2"
    for kind, expected in ((DOMAIN, policy), ("AWS::ApiGateway::RestApi", policy if enhanced else None)):
        properties = one(stack, kind)["Properties"]
        assert properties.get("SecurityPolicy") == expected
        assert properties.get("EndpointAccessMode") == ("BASIC" if enhanced else None)


def test_refuses_tls_1_0(stack: Stack) -> None:
    with pytest.raises(ValueError, match=r"security_policy must be one of TLS_1_2, .*, got 'TLS_1_0'"):
        domain(stack, security_policy="TLS_1_0")


def test_two_domains_of_one_api_negotiate_alike(stack: Stack) -> None:
    front_end = api(stack)
    domain(stack, front_end=front_end)
    with pytest.raises(ValueError, match=f"security_policy must be that of the API, {DEFAULT_SECURITY_POLICY}, got"):
        ApiDomain(
            stack,
            "Other",
            front_end=front_end,
            domain_name="other.example.com",
            certificate=certificate(stack, name="Other"),
            security_policy="SecurityPolicy_TLS13_1_3_2025_09",
        )


def test_mutual_tls_pins_the_truststore_and_uses_tls_1_2(stack: Stack) -> None:
    domain(stack, mutual_tls=truststore(stack))
    properties = one(stack, DOMAIN)["Properties"]
    assert properties["MutualTlsAuthentication"] == {
        "TruststoreUri": "s3://truststore/authorities.pem",
        "TruststoreVersion": "v1",
    }
    assert properties["SecurityPolicy"] == "TLS_1_2"
    assert "EndpointAccessMode" not in properties
    assert "SecurityPolicy" not in one(stack, "AWS::ApiGateway::RestApi")["Properties"]


def test_mutual_tls_proves_ownership_of_an_imported_certificate(stack: Stack) -> None:
    bucket = s3.Bucket.from_bucket_name(stack, "Truststore", "truststore")
    public = certificate(stack, name="Public")
    domain(stack, mutual_tls=MutualTls(truststore=bucket, key="a.pem", ownership_certificate=public))
    properties = one(stack, DOMAIN)["Properties"]
    assert properties["OwnershipVerificationCertificateArn"] == public.certificate_arn
    assert properties["MutualTlsAuthentication"] == {"TruststoreUri": "s3://truststore/a.pem"}


def test_mutual_tls_warns_of_the_open_default_endpoint(app: App) -> None:
    warned = Match.string_like_regexp("default_endpoint=False")
    stack = Stack(app, "Open")
    domain(stack, mutual_tls=truststore(stack))
    Annotations.from_stack(stack).has_warning("/Open/Domain", warned)
    stack = Stack(app, "Closed")
    front_end = RestApiFrontEnd(stack, "Api", endpoint=an_endpoint(stack), default_endpoint=False)
    domain(stack, front_end=front_end, mutual_tls=truststore(stack))
    Annotations.from_stack(stack).has_no_warning("/Closed/Domain", warned)


def test_mutual_tls_goes_with_no_enhanced_policy(stack: Stack) -> None:
    with pytest.raises(ValueError, match="security_policy must be TLS_1_2 with mutual_tls, got 'SecurityPolicy_"):
        domain(stack, mutual_tls=truststore(stack), security_policy=DEFAULT_SECURITY_POLICY)


def test_points_its_name_to_the_api_once_that_is_mapped(stack: Stack) -> None:
    domain(stack, hosted_zone=zone(stack))
    (name,) = resources(stack, DOMAIN)
    (mapping,) = resources(stack, "AWS::ApiGateway::BasePathMapping")
    records = resources(stack, RECORD)
    assert [each["Properties"]["Type"] for each in records.values()] == ["A", "AAAA"]
    for logical_id, record in records.items():
        assert record["Properties"] == {
            "AliasTarget": {
                "DNSName": {"Fn::GetAtt": [name, "RegionalDomainName"]},
                "EvaluateTargetHealth": False,
                "HostedZoneId": {"Fn::GetAtt": [name, "RegionalHostedZoneId"]},
            },
            "HostedZoneId": "Z0123456789EXAMPLE",
            "Name": "models.example.com",
            "Type": record["Properties"]["Type"],
        }
        assert mapping in depends_on(stack, logical_id)
    assert_acyclic(stack)


def test_may_be_without_ipv6(stack: Stack) -> None:
    domain(stack, hosted_zone=zone(stack), ipv6=False)
    assert one(stack, DOMAIN)["Properties"]["EndpointConfiguration"]["IpAddressType"] == "ipv4"
    assert one(stack, RECORD)["Properties"]["Type"] == "A"


@pytest.mark.parametrize(
    ("routing", "expected"),
    [
        (DnsRouting.latency, {"SetIdentifier": {"Ref": "AWS::Region"}, "Region": {"Ref": "AWS::Region"}}),
        (DnsRouting.primary, {"SetIdentifier": "primary", "Failover": "PRIMARY"}),
        (DnsRouting.secondary, {"SetIdentifier": "secondary", "Failover": "SECONDARY"}),
    ],
)
def test_leads_to_the_region_while_it_is_healthy(
    stack: Stack, routing: Callable[[], DnsRouting], expected: dict[str, object]
) -> None:
    made = domain(stack, hosted_zone=zone(stack), routing=routing())
    assert made.health_check is not None
    health = stack.resolve(made.health_check.attr_health_check_id)
    for record in resources(stack, RECORD).values():
        properties = record["Properties"]
        assert properties["HealthCheckId"] == health
        keys = ("SetIdentifier", "Region", "Failover")
        assert {key: properties[key] for key in keys if key in properties} == expected
    metric = made.metric_health_check_status()
    assert (metric.namespace, metric.metric_name, metric.region) == ("AWS/Route53", "HealthCheckStatus", "us-east-1")


def test_has_no_metric_without_routing(stack: Stack) -> None:
    with pytest.raises(ValueError, match="routing must be given for a health check, got None"):
        domain(stack).metric_health_check_status()


def test_routing_needs_a_hosted_zone(stack: Stack) -> None:
    with pytest.raises(ValueError, match="routing must not be given without hosted_zone"):
        domain(stack, routing=DnsRouting.latency())


def test_maps_a_path(stack: Stack) -> None:
    assert domain(stack, base_path="v1").url == "https://models.example.com/v1"
    assert one(stack, "AWS::ApiGateway::BasePathMapping")["Properties"]["BasePath"] == "v1"


@pytest.mark.parametrize("name", ["a.io", "*.example.com", "a-1.xn--p1ai", f"{'a' * 63}.com", ".".join(["a" * 62] * 4)])
def test_accepts_host_names(app: App, name: str) -> None:
    stack = Stack(app, "Names")
    domain(stack, domain_name=name)
    assert one(stack, DOMAIN)["Properties"]["DomainName"] == name


@pytest.mark.parametrize(
    "name",
    ["", "example", "Models.example.com", "a_b.example.com", "-a.com", "a.*.com", "a.com.", f"{'a' * 64}.com", "a.b\n"],
)
def test_refuses_other_names(stack: Stack, name: str) -> None:
    with pytest.raises(ValueError, match="domain_name must be a host name of two or more labels, in lower case"):
        domain(stack, domain_name=name)


def test_refuses_a_name_too_long(stack: Stack) -> None:
    with pytest.raises(ValueError, match="domain_name must be at most 253 characters, got 255"):
        domain(stack, domain_name=".".join(["a" * 63] * 4))


@pytest.mark.parametrize("path", ["", "a/b", "a b", "a" * 301])
def test_refuses_other_paths(stack: Stack, path: str) -> None:
    with pytest.raises(ValueError, match="base_path must be 1 to 300 letters"):
        domain(stack, base_path=path)


def test_takes_tokens(stack: Stack) -> None:
    name, policy, path = (CfnParameter(stack, each).value_as_string for each in ("Name", "Policy", "Path"))
    domain(stack, domain_name=name, security_policy=policy, base_path=path)
    properties = one(stack, DOMAIN)["Properties"]
    assert (properties["DomainName"], properties["SecurityPolicy"]) == ({"Ref": "Name"}, {"Ref": "Policy"})
    assert one(stack, "AWS::ApiGateway::BasePathMapping")["Properties"]["BasePath"] == {"Ref": "Path"}


def test_certificate_is_in_the_region(app: App) -> None:
    stack = Stack(app, "Regional", env=Environment(account="111122223333", region="us-east-1"))
    with pytest.raises(ValueError, match="certificate must be in the region of what uses it, us-east-1, got one in eu"):
        domain(stack)


def test_refuses_a_truststore_of_another_app(stack: Stack) -> None:
    bucket = s3.Bucket(Stack(App(), "Elsewhere"), "Bucket")
    with pytest.raises(ValueError, match="truststore must be of the app of what uses it, got 'Elsewhere/Bucket'"):
        domain(stack, mutual_tls=MutualTls(truststore=bucket, key="authorities.pem"))


def test_refuses_a_private_api(stack: Stack) -> None:
    reached = ec2.InterfaceVpcEndpoint.from_interface_vpc_endpoint_attributes(
        stack, "Reached", vpc_endpoint_id="vpce-0123456789abcdef0", port=443
    )
    front_end = RestApiFrontEnd(stack, "Api", endpoint=an_endpoint(stack), vpc_endpoints=[reached])
    with pytest.raises(ValueError, match="front_end must be a regional API"):
        domain(stack, front_end=front_end)


@pytest.mark.parametrize(
    ("argument", "values"),
    [
        ("front_end", (None, "x")),
        ("domain_name", (None, 5)),
        ("certificate", (None, "arn", 5)),
        ("hosted_zone", ("Z1", 5)),
        ("routing", ("latency", ApiHealth())),
        ("mutual_tls", ("x", {})),
        ("security_policy", (5, "TLS13", [])),
        ("strict", (None, 1)),
        ("base_path", (5, [])),
        ("ipv6", (None, "yes")),
    ],
)
def test_refuses_bad_types(argument: str, values: tuple[object, ...]) -> None:
    assert len(list(refusals(lambda stack, bad: domain(stack, **bad), argument, values))) == len(values)


def test_names_no_partition_of_its_own(stack: Stack) -> None:
    arn = CfnParameter(stack, "CertificateArn").value_as_string
    given = acm.Certificate.from_certificate_arn(stack, "Certificate", arn)
    domain(stack, certificate=given, hosted_zone=zone(stack), routing=DnsRouting.latency())
    assert literal_partitions(stack) == []


def test_has_no_findings(app: App, stack: Stack) -> None:
    domain(stack, hosted_zone=zone(stack), routing=DnsRouting.primary(), mutual_tls=truststore(stack))
    packs = (AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks)
    violations = [each for pack in packs for each in pack(app).validate_scope(stack).violations]
    paths = [str(found.construct_path) for each in violations for found in each.violating_resources]
    assert violations  # the API has neither a network nor a web ACL
    assert [path for path in paths if "/Domain" in path] == []
