"""Names of AWS services that lead to the interface endpoints of one central VPC, in further VPCs as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType, NoneType
from typing import Final, cast

import jsii
from aws_cdk import Fn, Names
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ram as ram
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53profiles as profiles
from constructs import Construct, IConstruct, IValidation

from ml_constructs._checks import check_each, check_length, check_pattern, check_type, is_token
from ml_constructs._environment import check_account, environment_of
from ml_constructs.network.inference_network import InferenceNetwork

# What a service's callers ask for, before the region: https://docs.aws.amazon.com/general/latest/gr/rande.html
# Where a name begins with *, callers put an API or an account in front of the rest.
_NAMES: Final[Mapping[str, str]] = {
    "ecr.api": "api.ecr",
    "ecr.dkr": "*.dkr.ecr",
    "execute-api": "*.execute-api",
    "kms": "kms",
    "kms-fips": "kms-fips",
    "kinesis-firehose": "firehose",
    "logs": "logs",
    "monitoring": "monitoring",
    "sagemaker.api": "api.sagemaker",
    "sagemaker.api-fips": "api-fips.sagemaker",
    "sagemaker.runtime": "runtime.sagemaker",
    "sagemaker.runtime-fips": "runtime-fips.sagemaker",
    "sns": "sns",
    "sqs": "sqs",
    "states": "states",
    "sts": "sts",
    "sts-fips": "sts-fips",
    "xray": "xray",
}
# https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html: VPCs of a private hosted zone
_VPCS: Final = 300
_PRINCIPALS: Final = 1000
_PRINCIPAL: Final = (
    r"\d{12}|arn:[\w-]+:organizations::\d{12}:(organization/o-[a-z0-9]{10,32}|ou/o-[a-z0-9]{10,32}/ou-\S+)"
)
_PROFILE: Final = r"rp-[0-9a-z]+"
_PROFILE_NAME_LENGTH: Final = 64


class SharedDns(Construct):
    """Private hosted zones by which several VPCs reach the interface endpoints of one of them under their usual names.

    An interface endpoint answers to the name of its service in its own VPC alone. One zone for each endpoint, with an
    alias to it, makes the name known in the network's VPC and in those connected with it by peering or a transit
    gateway, whose address ranges `network.connections` must let in. Everything in these VPCs then reaches the service
    through the endpoint, and is subject to its policy.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        network: The central network, made with `private_dns=False`, and with all of its interface endpoints.
        vpcs: Further VPCs of this account, of any region. Default: none.
        share_with: Accounts by id, or an organization or a unit of it by ARN, with which to share the zones: a Route 53
            Profile, which they associate with their VPCs. It costs by the hour. A VPC takes one Profile. Default: none.
        profile_id: A Profile of this account to put the zones into, instead of a new one; its owner shares it.

    Raises:
        ValueError: the network answers to the names itself, has no endpoint or one whose names are unknown here; a VPC
            is another account's; `share_with` is malformed, or given with `profile_id`.

    See https://docs.aws.amazon.com/whitepapers/latest/building-scalable-secure-multi-vpc-network-infrastructure/centralized-access-to-vpc-private-endpoints.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        network: InferenceNetwork,
        vpcs: Sequence[ec2.IVpc] = (),
        share_with: Sequence[str] = (),
        profile_id: str | None = None,
    ) -> None:
        check_type(InferenceNetwork, network=network)
        check_each("VPCs", "vpc_id", vpcs=vpcs)
        check_each("text", str, share_with=share_with)
        check_type((str, NoneType), profile_id=profile_id)
        check_account(scope, network=network)
        check_length("vpcs", vpcs, 0, _VPCS - 1)
        for vpc in vpcs:
            _check_same_account(network, vpc)
        if is_token(share_with):
            raise ValueError("share_with must be a list whose length is known at synthesis, got a token")
        check_length("share_with", share_with, 0, _PRINCIPALS)
        for principal in share_with:
            check_pattern("share_with", principal, _PRINCIPAL, "ids of accounts, or ARNs of organizations or units")
        check_pattern("profile_id", profile_id, _PROFILE, "the id of a Route 53 Profile")
        if share_with and profile_id is not None:
            raise ValueError(f"share_with must not be given with profile_id, whose owner shares it, got {share_with!r}")
        _check_endpoints(network)

        super().__init__(scope, construct_id)
        self._zones = {
            service: self._zone(service, endpoint, [network.vpc, *vpcs])
            for service, endpoint in network.interface_endpoints.items()
        }
        self._profile_id = self._share(share_with) if share_with else profile_id
        if self._profile_id is not None:
            for service, zone in self._zones.items():
                profiles.CfnProfileResourceAssociation(
                    self,
                    f"{_pascal(service)}Shared",
                    name=service.replace(".", "-"),
                    profile_id=self._profile_id,
                    resource_arn=f"arn:{environment_of(self).partition}:route53:::hostedzone/{zone.attr_id}",
                )
        self.node.add_validation(_MadeBefore(network, self._zones))

    @property
    def zones(self) -> Mapping[str, route53.CfnHostedZone]:
        """The private hosted zones by the service's short name, e.g. `sagemaker.runtime`."""
        return MappingProxyType(self._zones)

    @property
    def profile_id(self) -> str | None:
        """The Route 53 Profile that other accounts associate with their VPCs, if there is one."""
        return self._profile_id

    def _zone(
        self, service: str, endpoint: ec2.InterfaceVpcEndpoint, vpcs: Sequence[ec2.IVpc]
    ) -> route53.CfnHostedZone:
        here = environment_of(self)
        name = f"{_NAMES[service].removeprefix('*.')}.{here.region}.{here.url_suffix}"
        zone = route53.CfnHostedZone(
            self,
            f"{_pascal(service)}Zone",
            name=name,
            vpcs=[route53.CfnHostedZone.VPCProperty(vpc_id=vpc.vpc_id, vpc_region=vpc.env.region) for vpc in vpcs],
            hosted_zone_config=route53.CfnHostedZone.HostedZoneConfigProperty(
                comment=f"Interface endpoint of {service}"
            ),
        )
        # The first entry is the name over all zones of the VPC: <id of the zone>:<name>.
        hosted_zone, target = (
            Fn.select(part, Fn.split(":", Fn.select(0, endpoint.vpc_endpoint_dns_entries))) for part in (0, 1)
        )
        route53.CfnRecordSet(
            self,
            f"{_pascal(service)}Record",
            hosted_zone_id=zone.attr_id,
            name=f"*.{name}" if _NAMES[service].startswith("*.") else name,
            type="A",
            alias_target=route53.CfnRecordSet.AliasTargetProperty(dns_name=target, hosted_zone_id=hosted_zone),
        )
        # AWS refuses a zone beside an endpoint that still answers to the same name.
        zone.node.add_dependency(endpoint)
        return zone

    def _share(self, principals: Sequence[str]) -> str:
        name = Names.unique_resource_name(
            self, max_length=_PROFILE_NAME_LENGTH, separator="-", allowed_special_characters="-"
        )
        profile = profiles.CfnProfile(self, "Profile", name=name)
        ram.CfnResourceShare(
            self,
            "Share",
            name=name,
            resource_arns=[profile.attr_arn],
            principals=list(principals),
            allow_external_principals=False,
        )
        return profile.attr_id


@jsii.implements(IValidation)
class _MadeBefore:
    """Fails synthesis when the network was given an endpoint after its names: nothing would reach it unnoticed."""

    def __init__(self, network: InferenceNetwork, known: Mapping[str, object]) -> None:
        self._network = network
        self._known = known

    def validate(self) -> list[str]:
        return [
            f"endpoint {name} must be added before SharedDns is made, got it added after"
            for name in self._network.interface_endpoints
            if name not in self._known
        ]


def _check_endpoints(network: InferenceNetwork) -> None:
    if network.private_dns:
        raise ValueError("network must be made with private_dns=False, since names have one meaning in a VPC, got True")
    if not network.interface_endpoints:
        raise ValueError("network must have interface endpoints of its own, got none")
    unknown = [service for service in network.interface_endpoints if service not in _NAMES]
    if unknown:
        raise ValueError(f"network must have endpoints of {', '.join(_NAMES)} only, got {', '.join(unknown)}")


def _check_same_account(network: InferenceNetwork, vpc: ec2.IVpc) -> None:
    here = environment_of(network)
    if environment_of(cast("IConstruct", vpc)).app != here.app:
        raise ValueError(f"vpcs must be of the app of what uses them, got {vpc.node.path!r} of another")
    there = str(vpc.env.account)
    if there != here.account and not is_token(there) and not is_token(here.account):
        raise ValueError(f"vpcs must be of the network's account, {here.account}, got one of {there}: use share_with")


def _pascal(service: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in service.replace("-", ".").split("."))
