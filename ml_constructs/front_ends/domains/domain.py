"""A name of your own for an API, with the TLS that it accepts, and the DNS that leads to it."""

from __future__ import annotations

import re
from types import NoneType
from typing import Any, Final

from aws_cdk import Annotations
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_route53 as route53
from constructs import Construct

from ml_constructs._checks import check_choice, check_given, check_offers, check_pattern, check_type, is_token
from ml_constructs._environment import check_account, check_app, check_region, environment_of
from ml_constructs.front_ends.api.rest_api import RestApiFrontEnd
from ml_constructs.front_ends.domains.api_health import watch
from ml_constructs.front_ends.domains.dns_routing import DnsRouting
from ml_constructs.front_ends.domains.mutual_tls import MutualTls

# All for regional names but TLS_1_0, which accepts TLS 1.0:
# https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-security-policies-list.html
TLS_1_2: Final = "TLS_1_2"
SECURITY_POLICIES: Final = (
    TLS_1_2,
    "SecurityPolicy_TLS13_1_2_2021_06",
    "SecurityPolicy_TLS13_1_2_PQ_2025_09",
    "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09",
    "SecurityPolicy_TLS13_1_2_FIPS_PQ_2025_09",
    "SecurityPolicy_TLS13_1_2_FIPS_PFS_PQ_2025_09",
    "SecurityPolicy_TLS13_1_2_Ext2_PQ_2025_09",
    "SecurityPolicy_TLS13_1_2_Ext2_FIPS_PQ_2025_09",
    "SecurityPolicy_TLS13_1_3_2025_09",
    "SecurityPolicy_TLS13_1_3_FIPS_2025_09",
)
# Perfect forward secrecy, and a key exchange that no quantum computer breaks for clients that know one.
DEFAULT_SECURITY_POLICY: Final = "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09"
MAX_DOMAIN_NAME: Final = 253  # https://www.rfc-editor.org/rfc/rfc1035, without the dot at the end

_LABEL: Final = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN_NAME: Final = rf"(\*\.)?({_LABEL}\.)+{_LABEL}"
_BASE_PATH: Final = r"[a-zA-Z0-9$_.+!*'()-]{1,300}"


class ApiDomain(Construct):
    """A regional custom domain of a `RestApiFrontEnd`.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        front_end: The API, which is not private.
        domain_name: A host name in lower case, e.g. `models.example.com`, or a wildcard, e.g. `*.example.com`. Two
            regions may have the same.
        certificate: A certificate for it, in this region.
        hosted_zone: The public hosted zone in which to point the name to the API. Default: none; create the records
            elsewhere, from `target_name` and `target_zone_id`.
        routing: Which region the name leads to, where several have one. Needs `hosted_zone`. Default: this one.
        mutual_tls: The clients to accept. Default: all.
        security_policy: The versions of TLS and the ciphers to accept, as AWS names them. An enhanced policy, one that
            begins with `SecurityPolicy_`, is set on the API too, because API Gateway negotiates by the API's. Default:
            TLS 1.2 and 1.3 with forward secrecy; with mutual TLS `TLS_1_2`, as AWS supports no other.
        strict: Whether an enhanced policy refuses requests whose TLS names another host than they do. Pass False while
            an API that has callers changes to it. Default: True.
        base_path: A segment in front of the API's paths. Default: none.
        ipv6: Whether the name has IPv6 addresses beside IPv4. Default: True.

    Raises:
        ValueError: an argument is malformed or does not go with another, or the API has another enhanced policy.

    See https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-custom-domains.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        front_end: RestApiFrontEnd,
        domain_name: str,
        certificate: acm.ICertificate,
        hosted_zone: route53.IHostedZone | None = None,
        routing: DnsRouting | None = None,
        mutual_tls: MutualTls | None = None,
        security_policy: str | None = None,
        strict: bool = True,
        base_path: str | None = None,
        ipv6: bool = True,
    ) -> None:
        check_type(RestApiFrontEnd, front_end=front_end)
        check_type(str, domain_name=domain_name)
        check_type((str, NoneType), security_policy=security_policy, base_path=base_path)
        check_type((DnsRouting, NoneType), routing=routing)
        check_type((MutualTls, NoneType), mutual_tls=mutual_tls)
        check_type(bool, strict=strict, ipv6=ipv6)
        check_given(certificate=certificate)
        check_offers("certificate_arn", "a certificate", certificate=certificate)
        check_offers("hosted_zone_id", "a hosted zone", hosted_zone=hosted_zone)
        check_account(scope, front_end=front_end)
        _check_certificate(scope, certificate)
        check_app(scope, hosted_zone=hosted_zone)
        if mutual_tls is not None:
            check_app(scope, truststore=mutual_tls.truststore, ownership_certificate=mutual_tls.ownership_certificate)
        _check_name(domain_name)
        check_choice("security_policy", security_policy, SECURITY_POLICIES)
        check_pattern("base_path", base_path, _BASE_PATH, "1 to 300 letters, digits and $-_.+!*'()")
        if routing is not None and hosted_zone is None:
            raise ValueError(
                f"routing must not be given without hosted_zone, whose records it is about, got {routing!r}"
            )
        api = front_end.api.node.default_child
        assert isinstance(api, apigateway.CfnRestApi)  # noqa: S101 - narrows the type of an L2's own child
        _check_regional(front_end, api)
        policy = _policy(security_policy, mutual_tls)
        mode = None if policy == TLS_1_2 or is_token(policy) else "STRICT" if strict else "BASIC"
        _check_api_policy(api, policy)
        super().__init__(scope, construct_id)
        self.front_end: Final = front_end
        self.domain_name: Final = domain_name
        self._base_path = base_path
        if mode is not None:
            api.security_policy, api.endpoint_access_mode = policy, mode
        self._resource = apigateway.CfnDomainName(
            self,
            "Resource",
            domain_name=domain_name,
            regional_certificate_arn=certificate.certificate_arn,
            endpoint_configuration=apigateway.CfnDomainName.EndpointConfigurationProperty(
                types=["REGIONAL"], ip_address_type="dualstack" if ipv6 else "ipv4"
            ),
            security_policy=policy,
            endpoint_access_mode=mode,
            mutual_tls_authentication=None if mutual_tls is None else _truststore(mutual_tls),
            ownership_verification_certificate_arn=_ownership(mutual_tls),
        )
        self._mapping = apigateway.CfnBasePathMapping(
            self,
            "Mapping",
            domain_name=self._resource.ref,
            rest_api_id=front_end.api.rest_api_id,
            stage=front_end.stage.stage_name,
            base_path=base_path,
        )
        if mutual_tls is not None:
            self._warn_of_default_endpoint(api)
        self.health_check: Final = (
            None
            if routing is None
            else watch(self, routing.health, front_end, self._resource.attr_regional_domain_name)
        )
        if hosted_zone is not None:
            for kind in ("A", "AAAA") if ipv6 else ("A",):
                self._record(kind, hosted_zone, routing)

    @property
    def target_name(self) -> str:
        """What the name must be an alias of."""
        return self._resource.attr_regional_domain_name

    @property
    def target_zone_id(self) -> str:
        """The hosted zone of `target_name`, which belongs to API Gateway."""
        return self._resource.attr_regional_hosted_zone_id

    @property
    def url(self) -> str:
        """Where the paths of the API begin, without a slash at the end."""
        return (
            f"https://{self.domain_name}"
            if self._base_path is None
            else f"https://{self.domain_name}/{self._base_path}"
        )

    def metric_health_check_status(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401 - of cloudwatch.Metric
        """1 while Route 53 holds the region for healthy, which it publishes in us-east-1. Statistic: Minimum.

        Raises:
            ValueError: the domain has no routing, and so no health check.

        See https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/monitoring-cloudwatch.html
        """
        if self.health_check is None:
            raise ValueError("routing must be given for a health check, got None")
        return cloudwatch.Metric(
            namespace="AWS/Route53",
            metric_name="HealthCheckStatus",
            dimensions_map={"HealthCheckId": self.health_check.attr_health_check_id},
            **{"statistic": "Minimum", "region": "us-east-1", **options},
        )

    def _record(self, kind: str, zone: route53.IHostedZone, routing: DnsRouting | None) -> None:
        failover = None if routing is None else routing.failover
        region = None if routing is None or failover is not None else environment_of(self).region
        record = route53.CfnRecordSet(
            self,
            f"Record{kind}",
            hosted_zone_id=zone.hosted_zone_id,
            name=self.domain_name,
            type=kind,
            alias_target=route53.CfnRecordSet.AliasTargetProperty(
                dns_name=self.target_name,
                hosted_zone_id=self.target_zone_id,
                # AWS says that it has no benefit for an API, and to use health checks.
                evaluate_target_health=False,
            ),
            set_identifier=region if failover is None else failover.lower(),
            region=region,
            failover=failover,
            health_check_id=None if self.health_check is None else self.health_check.attr_health_check_id,
        )
        record.node.add_dependency(self._mapping)  # or callers would be led to a name that knows no API

    def _warn_of_default_endpoint(self, api: apigateway.CfnRestApi) -> None:
        if api.disable_execute_api_endpoint is not True and not is_token(api.disable_execute_api_endpoint):
            Annotations.of(self).add_warning_v2(
                "ml-constructs:MutualTlsBypassed",
                "callers without a client certificate can still use the API's default endpoint. Give the front end "
                "default_endpoint=False as soon as all callers use the domain, or acknowledge this.",
            )


def _check_name(domain_name: str) -> None:
    check_pattern("domain_name", domain_name, _DOMAIN_NAME, "a host name of two or more labels, in lower case")
    if not is_token(domain_name) and len(domain_name) > MAX_DOMAIN_NAME:
        raise ValueError(f"domain_name must be at most {MAX_DOMAIN_NAME} characters, got {len(domain_name)}")


def _check_certificate(scope: Construct, certificate: acm.ICertificate) -> None:
    """From the ARN, because an imported certificate takes the region of its stack."""
    check_region(scope, certificate=certificate)
    here, arn = environment_of(scope).region, re.match("arn:[^:]+:acm:([^:]+):", certificate.certificate_arn)
    if arn is not None and arn[1] != here and not is_token(arn[1]) and not is_token(here):
        raise ValueError(f"certificate must be in the region of what uses it, {here}, got one in {arn[1]}")


def _check_regional(front_end: RestApiFrontEnd, api: apigateway.CfnRestApi) -> None:
    reached = api.endpoint_configuration
    if isinstance(reached, apigateway.CfnRestApi.EndpointConfigurationProperty) and "PRIVATE" in (reached.types or ()):
        raise ValueError(
            "front_end must be a regional API, since AWS maps no public domain to a private one, got "
            f"{front_end.node.path!r}"
        )


def _policy(security_policy: str | None, mutual_tls: MutualTls | None) -> str:
    if security_policy is None:
        return DEFAULT_SECURITY_POLICY if mutual_tls is None else TLS_1_2
    if mutual_tls is not None and security_policy != TLS_1_2 and not is_token(security_policy):
        raise ValueError(f"security_policy must be {TLS_1_2} with mutual_tls, got {security_policy!r}")
    return security_policy


def _check_api_policy(api: apigateway.CfnRestApi, policy: str) -> None:
    """Raise `ValueError` if API Gateway would negotiate by another policy than the domain's."""
    if policy != TLS_1_2 and api.security_policy not in {None, policy} and not is_token(api.security_policy):
        raise ValueError(f"security_policy must be that of the API, {api.security_policy}, got {policy!r}")


def _truststore(mutual_tls: MutualTls) -> apigateway.CfnDomainName.MutualTlsAuthenticationProperty:
    return apigateway.CfnDomainName.MutualTlsAuthenticationProperty(
        truststore_uri=f"s3://{mutual_tls.truststore.bucket_name}/{mutual_tls.key}",
        truststore_version=mutual_tls.version,
    )


def _ownership(mutual_tls: MutualTls | None) -> str | None:
    if mutual_tls is None or mutual_tls.ownership_certificate is None:
        return None
    return mutual_tls.ownership_certificate.certificate_arn
